"""The words themselves: nothing unfinished, nothing printed by mistake, no figure without its source."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it.token import Token

from pipeline import content, markup, model
from pipeline.checks import _texts
from pipeline.checks._check import BLOCK, WARNING, Check

TODO = Check("text-todo", BLOCK, "No reader meets an unfinished text.", "finish the text, or take the mark out")
BROKEN = Check(
    "markup-broken",
    BLOCK,
    "No reader meets code instead of words.",
    "mend the Markdown; to print the sign itself, set it between backticks",
)
NO_SOURCE = Check(
    "source-missing",
    BLOCK,
    "Every text can be checked against its sources.",
    "cite a source of content/sources.json: [@bot2004]",
)
NUMBER = Check(
    "number-unsourced",
    WARNING,
    "Every figure can be checked where it stands.",
    "cite the source in the same paragraph or row, or say it without the figure",
)
CHECKS = (TODO, BROKEN, NO_SOURCE, NUMBER)

_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|TKTK|TK|XXX)\b|(?i:lorem ipsum)")
_CODE = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|\[[@^][^\]\s]|\]\(")
_COUNT = r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten)"
_FIGURE = re.compile(
    rf"""\d\s?%|\bper\s?cent\b                                    # 83 %
    |\b{_COUNT}\s+(?:in|out\s+of|of\s+every)\s+(?:every\s+)?{_COUNT}\b   # 83 in 100, one in three
    |\b\d[\d,.]*\s+(?:people|patients|participants|adults|children|women|men)\b
    |\b\d[\d,.]*(?:-fold|\s+times\s+as)\b
    |\b(?:study|trial|survey|cohort)\b[^.]*\b(?:19|20)\d\d\b           # a study with its year
    """,
    re.VERBOSE | re.IGNORECASE,
)


def unfinished(library: model.Library) -> Iterator[model.Finding]:
    """Yield a finding for each TODO, TK or lorem ipsum in any file of content/ that people write."""
    banks = [library.root / name for name in ("questions.toml", "glossary.toml", "worksheets.toml")]
    written = [article.path for article in library.articles.values()]
    written += [chapter.path for chapter in library.chapters.values()]
    written += [spec.path for spec in library.editions.values()]
    book = [library.book.path] if library.book else []
    for path in (*written, *book, *banks):
        yield from _unfinished(library.root, path, content.text(path))
    for item in library.sources.values():  # only titles: TK may be the initials of an author
        if match := _UNFINISHED.search(str(item.csl.get("title", ""))):
            place = (_texts.name(library.root / "sources.json", library.root), item.line)
            yield TODO.at(place, f"{match[0]!r} is left in a title")


def _unfinished(root: Path, path: Path, raw: str) -> Iterator[model.Finding]:
    for match in _UNFINISHED.finditer(raw):
        yield TODO.at((_texts.name(path, root), _texts.offset_line(raw, match.start())), f"{match[0]!r} is left")


# --- broken Markdown ----------------------------------------------------------------


def broken(library: model.Library, texts: Sequence[_texts.Text]) -> Iterator[model.Finding]:
    """Yield a finding for each piece of code that would be printed as it stands, and for callouts left open."""
    for text in texts:
        yield from _code(text.name, text.body)
        yield from _code(text.name, text.get_help)
        yield from _callouts(text)
    for name, intro in _texts.intros(library):
        yield from _code(name, intro)


def _code(name: str, document: markup.Document) -> Iterator[model.Finding]:
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


# --- sources ------------------------------------------------------------------------


def sources(texts: Sequence[_texts.Text]) -> Iterator[model.Finding]:
    """Yield a finding for each text without any citation, and for each paragraph with a figure and none."""
    for text in texts:
        if not text.body.citations:
            yield NO_SOURCE.at((text.name, 0), "this text cites no source at all")
        for line, unit in _units(text.body):
            words = markup.plain(unit)
            cited = any(child.type == "citation" for token in unit for child in token.children or ())
            if not cited and (match := _FIGURE.search(words)):
                yield NUMBER.at((text.name, line), f"{match[0]!r} has no source in its paragraph")


def _units(document: markup.Document) -> Iterator[tuple[int, list[Token]]]:
    """Yield each paragraph, list item or table row with its line; headings and made-up examples claim nothing."""
    example, heading = False, False
    row: list[Token] | None = None
    for token in document.tokens:
        if token.type.startswith("container_example"):
            example = token.nesting == 1
        heading = token.type == "heading_open" or (heading and token.type != "heading_close")
        if token.type == "tr_open":
            row = []
        elif token.type == "inline" and row is not None:
            row.append(token)
        elif token.type == "tr_close":
            if row:
                yield _line(document, row[0]), row
            row = None
        elif token.type == "inline" and not example and not heading:
            yield _line(document, token), [token]


def _line(document: markup.Document, token: Token) -> int:
    return document.first_line + (token.map[0] if token.map else 0)
