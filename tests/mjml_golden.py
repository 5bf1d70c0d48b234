"""What two compilers make of the same MJML, token by token: each difference as a line that a person can explain."""

import collections
import difflib
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple

from pipeline import mjml
from pipeline.mjml import scan

FOLDER = Path(__file__).parent / "mjml_reference"
EXPLAINED = FOLDER / "README.md"
EDITIONS = "editions"
_CONDITIONAL = re.compile(r"<!--(\[if [^\]]*\])>(.*?)(?:<!\[endif\])?(?:--)?>?", re.DOTALL)
_ROW = re.compile(r"\| `([^`]*)` \| (?:`([^`]*)`)? ?\| (?:`([^`]*)`)? ?\| ([a-z, ]+) \| .* \|")


class Token(NamedTuple):
    """A tag, some words, a rule of CSS or an end of a conditional comment; a tag has its attributes in parts."""

    name: str
    parts: frozenset[str] = frozenset()


class Difference(NamedTuple):
    """Where the two differ: at which tag (or "" between tags), and what each has that the other has not."""

    tag: str
    ours: str
    npm: str


def sources() -> list[Path]:
    """Return the MJML of the corpus, by name; an edition's begins with its year."""
    return sorted(FOLDER.glob("*.mjml"))


def differences() -> dict[Difference, set[str]]:
    """Return every difference in the corpus, and the fixtures that show it."""
    found: dict[Difference, set[str]] = collections.defaultdict(set)
    for source in sources():
        name = EDITIONS if source.stem.startswith("20") else source.stem
        ours = mjml.to_html(source.read_text(encoding="utf-8"))
        for difference in compare(ours, source.with_suffix(".html").read_text(encoding="utf-8")):
            found[difference].add(name)
    return found


def explained() -> dict[Difference, set[str]]:
    """Return the differences that the corpus's README explains, and the fixtures it names for each."""
    found: dict[Difference, set[str]] = {}
    for line in EXPLAINED.read_text(encoding="utf-8").splitlines():
        if row := _ROW.fullmatch(line):
            tag, ours, npm, names = (part.replace(r"\|", "|") for part in row.groups(default=""))
            found[Difference(tag, ours, npm)] = set(names.split(", "))
    return found


def compare(ours: str, npm: str) -> Iterator[Difference]:
    """Yield the differences of two HTML files; spelling, order of attributes and white space are none."""
    one, other = list(tokens(ours)), list(tokens(npm))
    matcher = difflib.SequenceMatcher(None, [t.name for t in one], [t.name for t in other], autojunk=False)
    for kind, start, end, start2, end2 in matcher.get_opcodes():
        if kind == "equal":
            pairs = zip(one[start:end], other[start2:end2], strict=True)
            for mine, theirs in pairs:
                if mine.parts != theirs.parts:
                    more, less = sorted(mine.parts - theirs.parts), sorted(theirs.parts - mine.parts)
                    yield Difference(mine.name, ", ".join(more), ", ".join(less))
        else:
            yield Difference("", _line(one[start:end]), _line(other[start2:end2]))


def tokens(html: str) -> Iterator[Token]:
    """Yield the HTML token by token; what stands in a conditional comment is taken apart as well."""
    found: list[Token] = []
    for piece in scan.pieces(html):
        text = html[piece.start : piece.end]
        conditional = _CONDITIONAL.fullmatch(text)
        if piece.kind is scan.Kind.COMMENT and conditional:
            if found and found[-1].name == f"end {conditional[1]}":
                found.pop()  # npm writes two neighbouring comments as one
            else:
                found.append(Token(f"begin {conditional[1]}"))
            found += [*tokens(conditional[2]), Token(f"end {conditional[1]}")]
        elif piece.kind is scan.Kind.OPEN:
            found.append(Token(f"<{piece.name}>", frozenset(_parts(piece))))
        elif piece.kind is scan.Kind.RAW:
            found += map(Token, _rules(text))
        elif piece.kind is scan.Kind.CLOSE:
            found.append(Token(f"</{piece.name}>"))
        elif words := re.sub(r"\s+", "", unescape(text)):
            found.append(Token(words))
    yield from found


def _rules(css: str) -> Iterator[str]:
    """Yield each rule, and where a block of @media begins and ends; the widths of columns by their names."""
    css = re.sub(r"\s*([{};:,>])\s*", r"\1", re.sub(r"\s+", " ", css)).strip()
    widths: list[str] = []
    for rule in re.findall(r"@[^{]+\{|[^{}]+\{[^}]*\}|\}", css):
        if "mj-column-" in rule:
            widths.append(rule)
            continue
        yield from sorted(widths)
        widths.clear()
        yield rule
    yield from sorted(widths)


def _parts(piece: scan.Piece) -> Iterator[str]:
    for attribute in piece.attributes:
        value = unescape(attribute.value or "")
        if attribute.name == "style":
            written = (re.sub(r"\s*([:;,])\s*", r"\1", part.strip()) for part in value.split(";"))
            yield from (f"style {part}" for part in written if part)
        elif attribute.name == "class":
            yield from (f"class {name}" for name in value.split())
        else:
            yield f"{attribute.name}={value}"


def _line(run: list[Token]) -> str:
    return " ".join(" ".join([token.name, *sorted(token.parts)]) for token in run)
