"""Where the text of a page is typed: the line of a chapter, a bank or a template that a person mends."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_WORD = re.compile(r"\w+")


def letter(files: Sequence[Path], otherwise: str, char: str) -> str:
    """Return the first place of a character as "file:line: "; `otherwise` where no file has it."""
    for path, text in _texts(files):
        before, found, _ = text.partition(char)
        if found:
            return f"{path}:{before.count(chr(10)) + 1}: "
    return otherwise


def line(files: Sequence[Path], otherwise: str, words: str) -> str:
    """Return the line that is most like some words of a page, as "file:line: "; `otherwise` where none is.

    It has their longest word, and of the others as many as can be, a long one before many short ones: what stands
    between them, marks and the typesetter's spaces, is written in another way there. Of two that are alike the first.
    """
    wanted = tuple(dict.fromkeys(_WORD.findall(words.casefold())))
    longest = max(wanted, key=len, default="")
    best, place = 0, otherwise
    for path, text in _texts(files):
        for number, typed in enumerate(text.casefold().split("\n"), 1):
            if longest in typed and (alike := sum(len(word) ** 2 for word in wanted if word in typed)) > best:
                best, place = alike, f"{path}:{number}: "
    return place


def _texts(files: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    for path in files:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            yield path, path.read_text(encoding="utf-8")
