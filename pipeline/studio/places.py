"""Where in the mail a finding is: the words of the source line, as a reader would see them, if they stand there."""

import functools
import re
from pathlib import Path

import lxml.etree
import lxml.html

from pipeline import content, model

LONGEST = 60  # characters: enough to find one place
SHORTEST = 4

_MARKS = re.compile(
    r"\s*\[@[^\]]*\]|!?\[([^\]]*)\]\([^)]*\)|[*_`]{1,3}|^\s*(?:#{1,6}|[-+>]|\d+\.|:::\s*\w*)\s+|<[^>]*>"
)
_KEY = re.compile(r"^\s*[A-Za-z_]+\s*[:=]\s*(.*)$")
_QUOTED = re.compile(r"'([^']{4,})'|\"([^\"]{4,})\"")
_LIKENESS = str.maketrans("\u2018\u2019\u201c\u201d\xa0", "''\"\" ")  # curled quotation marks, the space that holds on


def squeeze(text: str) -> str:
    """Make two spellings of the same words alike: quotation marks, spaces."""
    return " ".join(text.translate(_LIKENESS).split())


@functools.lru_cache(maxsize=16)
def seen(mail: str) -> str:
    """Return everything in a mail that can be shown: its text, and what stands in for its pictures."""
    if not mail.strip():
        return ""
    root = lxml.html.document_fromstring(mail)
    hidden = [e for e in root.iter(lxml.etree.Element) if e.tag == "head" or "display:none" in (e.get("style") or "")]
    for element in hidden:
        del element[:]
        element.text = None
    pictures = [image.get("alt") or "" for image in root.iter("img")]
    return squeeze("\n".join(["".join(str(text) for text in root.itertext()), *pictures]))


def words(finding: model.Finding, root: Path, mail: str) -> str:
    """Return words by which the place of a finding can be found in the mail; "" when it has none there."""
    shown = seen(mail)
    return next((found for found in _candidates(finding, root) if found in shown), "")


def _candidates(finding: model.Finding, root: Path) -> list[str]:
    """List what the source line would look like in the mail, then the words that the message quotes."""
    quoted = [squeeze(match[1] or match[2]) for match in _QUOTED.finditer(finding.message)]
    raw = [*(_start(text) for text in _source_line(finding, root)), *(_start(text) for text in quoted)]
    return [text for text in raw if len(text) >= SHORTEST]


def _source_line(finding: model.Finding, root: Path) -> list[str]:
    if not finding.file.startswith("content/") or not finding.line:
        return []
    lines = content.text(root / finding.file).split("\n")
    if finding.line > len(lines):
        return []
    line = lines[finding.line - 1]
    key = _KEY.match(line)
    value = key[1].strip().strip("\"'") if key else line
    return [squeeze(_MARKS.sub(lambda match: match[1] or "", value))]


def _start(text: str) -> str:
    """Cut at the end of a word, so that a line that goes on elsewhere is still found."""
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0]
