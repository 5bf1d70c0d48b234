"""The words themselves: nothing unfinished, nothing printed by mistake, no dose."""

import functools
import re
from collections.abc import Iterator

from pipeline import markup, model
from pipeline.checks import _texts
from pipeline.checks._check import BLOCK, Check

TODO = Check("text-todo", BLOCK, "No reader meets an unfinished text.", "finish the text, or take the mark out")
BROKEN = Check(
    "markup-broken",
    BLOCK,
    "No reader meets code instead of words.",
    "mend the Markdown; to print the sign itself, set it between backticks",
)
DOSE = Check(
    "dose-stated",
    BLOCK,
    "No reader takes an amount of a medicine because it stood here.",
    "take the amount out: doses are a matter for the MS team or the pharmacist",
)
LONG = Check(
    "word-long",
    BLOCK,
    "Every word fits its line, on a telephone and in large print too.",
    "write shorter words; give a long address words to stand on: [what is there](https://...)",
)
CHECKS = (TODO, BROKEN, DOSE, LONG)

LONGEST = 40  # letters without a space or hyphen; the longest names of medicines have 20
_SET = frozenset({"text", "code_inline"})

_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|TKTK|TK|XXX)\b|(?i:lorem ipsum)")
_AMOUNT = (
    r"\b(?:\d[\d.,]{0,15}|one|two|three|four|five|six|seven|eight|nine|ten|half\s+an?)"
    r"(?:\s+(?:hundred|thousand|million))?"
)
# No dose: a laboratory value (30 ng/ml, 5 mg per liter), and a weight or volume of food, drink or urine.
_NO_DOSE = (
    r"(?!\s*(?:/|per\b)\s*(?:d?l\b|ml\b|lit|decilit|millilit))"
    r"(?!\s+(?:of\s+)?(?:alcohol|fat|fib(?:er|re)|fish|fluid|food|fruit|protein|salt|sugar|urine|vegetables|water)\b)"
)
_DOSE = re.compile(
    rf"(?i:{_AMOUNT})[\s-]?(?:mg|mcg|[\u00b5\u03bc]g|g|ml|mL|cc|IU|(?i:(?:milli|micro)?grams?|millilit(?:er|re)s?"
    rf"|international\s+units?|tablets?|capsules?|pills?|drops|puffs|sprays|sachets?|ampoules?))\b{_NO_DOSE}"
)
# A tag, a comment, a citation, a link, strong words left open, and a table whose second row does not fit its head.
_CODE = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|\[[@^][^\]\s]|\]\(|\]\[|\*\*|\|\s*:?-{2,}")


@functools.lru_cache(maxsize=4096)  # files: a preview asks again after every key stroke, of all but one the same
def written(name: str, raw: str) -> tuple[model.Finding, ...]:
    """Return a finding for each TODO, TK or lorem ipsum, and each amount of a medicine, in a file that people write."""
    left = [(match.start(), TODO, f"{match[0]!r} is left") for match in _UNFINISHED.finditer(raw)]
    doses = [(match.start(), DOSE, f"{' '.join(match[0].split())!r} is a dose") for match in _DOSE.finditer(raw)]
    return tuple(check.at((name, _texts.offset_line(raw, offset)), said) for offset, check, said in (*left, *doses))


def titles(library: model.Library) -> Iterator[model.Finding]:
    """Yield a finding for each unfinished title of a source; only titles: TK may be the initials of an author."""
    for item in library.sources.values():
        for match in _UNFINISHED.finditer(str(item.csl.get("title", ""))):
            place = (_texts.name(library.root / "sources.json", library.root), item.line)
            yield TODO.at(place, f"{match[0]!r} is left in a title")


def long(text: _texts.Text) -> Iterator[model.Finding]:
    """Yield a finding for each word of a text that no line can break."""
    for document in (text.body, text.get_help):
        for inline in _texts.inlines(document):
            for word in re.split(r"[\s-]+", inline.token.content if inline.token.type in _SET else ""):
                if len(word) > LONGEST:
                    shown = f"{word[:30] + '...'!r} is a word of {len(word)} letters"
                    yield LONG.at((text.name, inline.line), shown)


# --- broken Markdown ----------------------------------------------------------------


def broken(text: _texts.Text) -> Iterator[model.Finding]:
    """Yield a finding for each piece of code that would be printed as it stands, and for callouts left open."""
    yield from code(text.name, text.body)
    yield from code(text.name, text.get_help)
    yield from _callouts(text)


def code(name: str, document: markup.Document) -> Iterator[model.Finding]:
    """Yield a finding for each piece of code in the words of a document; `name` is its file."""
    for inline in _texts.inlines(document):
        if inline.token.type == "text" and (match := _CODE.search(inline.token.content)):
            shown = inline.token.content[match.start() : match.start() + 40]
            yield BROKEN.at((name, inline.line), f"{shown!r} would be printed as it stands")


def _callouts(text: _texts.Text) -> Iterator[model.Finding]:
    """Compare the ::: lines: one of an unknown kind is printed, one never closed swallows the rest of the text."""
    opened = 0
    for line, mark in _callout_lines(text):
        place = (text.name, line)
        kind = mark.partition(" ")[0]
        if kind in markup.CALLOUTS and kind != "table" and not mark.removeprefix(kind).strip():
            yield BROKEN.at(place, "this callout has no title", f"write it behind the word: ::: {kind} Title")
        if kind and kind not in markup.CALLOUTS:
            hint = f"use one of: {', '.join(markup.CALLOUTS)}"
            yield BROKEN.at(place, f"there is no callout {kind!r}", hint)
        elif kind and opened:
            hint = "close that one before, with a line :::"
            yield BROKEN.at(place, f"a callout begins inside the one of line {opened}", hint)
        elif not kind and not opened:
            yield BROKEN.at(place, "::: closes a callout, and none is open", "take the line out")
        opened = line if kind else 0
    if opened:
        yield BROKEN.at((text.name, opened), "this callout is never closed", "put ::: on the line after its last one")


def _callout_lines(text: _texts.Text) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.writing.body.split("\n"), text.writing.body_line):
        if line.startswith(":::"):
            yield number, line.lstrip(":").strip()
