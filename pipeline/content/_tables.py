"""The tables of the texts: each has a title, every cell its place, and a size that a page can hold."""

import functools
import re
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from pipeline import markup, model, notes
from pipeline.content import _files

MOST_COLUMNS = 8  # narrow ones; how wide they really are, the page maker judges
MOST_LETTERS = 70  # the longest word of each column, side by side: more is too wide even in narrow letters
MOST_ROWS = 200  # a page maker takes 30 ms a row, and nobody reads on
_CELL_END = re.compile(r"(?<!\\)\|")
_WORD_END = re.compile(r"[\s/-]+")

Fault = tuple[str, int, str, str]  # code, line, message, hint


def check(desk: _files.Desk, library: model.Library) -> None:
    """Note what is wrong with the tables of articles and chapters."""
    writings: list[model.Article | model.Chapter] = [*library.articles.values(), *library.chapters.values()]
    for writing in writings:
        if "|" in writing.body or "::: table" in writing.body:
            for code, line, message, hint in _kept_faults(writing.body, writing.body_line):
                desk.block(code, writing.path, line, message, hint)


@functools.lru_cache(maxsize=4096)  # texts: the preview looks at them all again after every key stroke
def _kept_faults(body: str, first_line: int) -> tuple[Fault, ...]:
    found = notes.taken("tables", body, lambda: list(_faults(body)))
    return tuple((code, line + first_line - 1, message, hint) for code, line, message, hint in found)


def _faults(body: str) -> Iterator[Fault]:
    document, first_line = markup.parse(body), 1
    lines = body.split("\n")
    box: Token | None = None  # the ::: table that is open
    is_filled = False
    for index, token in enumerate(document.tokens):
        line = first_line + (token.map[0] if token.map else 0)
        if token.type == "container_table_open":
            box, is_filled = token, False
            if not token.info.strip().removeprefix("table").strip():
                yield (
                    "content-table-title",
                    line,
                    "this table has no title",
                    "write it behind the word: ::: table Title",
                )
        elif token.type == "container_table_close" and box:
            if not is_filled:
                hint = "begin each row with |, and put a row | --- | --- | with as many columns below the first"
                at = first_line + (box.map[0] if box.map else 0)
                yield "content-table-rows", at, "there is no table between ::: table and its :::", hint
            box = None
        elif token.type == "table_open":
            if box is None:
                hint = "put a line `::: table Title` before it, and a line ::: after it"
                yield "content-table-title", line, "a table stands without its title", hint
            is_filled = True
            yield from _rows(document.tokens[index:], lines, first_line)


def _rows(tokens: Sequence[Token], lines: Sequence[str], first_line: int) -> Iterator[Fault]:
    """Compare every row of the table that begins `tokens` with its head; Markdown drops a cell too many."""
    end = next(index for index, token in enumerate(tokens) if token.type == "table_close")
    columns = sum(token.type == "th_open" for token in tokens[:end])
    starts = [token.map[0] for token in tokens[:end] if token.type == "tr_open" and token.map]
    if columns > MOST_COLUMNS:
        message = f"this table has {columns} columns, and a page holds {MOST_COLUMNS}"
        yield (
            "content-table-large",
            first_line + starts[0],
            message,
            "turn it: what heads the columns may head the rows",
        )
    elif (letters := _letters(tokens[:end])) > MOST_LETTERS:
        message = f"its columns' longest words take {letters} letters side by side, and a page holds {MOST_LETTERS}"
        hint = "choose shorter words, give it fewer columns, or make a list of it"
        yield "content-table-large", first_line + starts[0], message, hint
    if len(starts) - 1 > MOST_ROWS:
        message = f"this table has {len(starts) - 1:,} rows, and {MOST_ROWS} is the most"
        yield "content-table-large", first_line + starts[0], message, "say what matters, and link to the whole of it"
        return
    for start in starts[1:]:
        cells = len(_CELL_END.split(lines[start].strip().strip("> ").removeprefix("|").removesuffix("|")))
        if cells != columns:
            message = f"this row has {cells} {'cell' if cells == 1 else 'cells'}, and the table {columns} columns"
            hint = r"give it as many cells as the head has; a sign | inside a cell is written \|"
            yield "content-table-rows", first_line + start, message, hint


def _letters(tokens: Sequence[Token]) -> int:
    """Count the letters of each column's longest word, and two for the space around it."""
    longest: list[int] = []
    column = 0
    for token in tokens:
        if token.type == "tr_open":
            column = 0
        elif token.type == "inline":
            size = max(map(len, _WORD_END.split(markup.plain([token]))))
            longest[column : column + 1] = [max([size, *longest[column : column + 1]])]
            column += 1
    return sum(longest) + 2 * len(longest)
