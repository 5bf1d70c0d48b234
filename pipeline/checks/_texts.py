"""The articles and chapters with their parsed bodies, and a walk through what stands inside a line."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it.token import Token

from pipeline import content, markup, model


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """An article or a chapter: `name` is its path as findings print it, `raw` the whole file."""

    writing: model.Article | model.Chapter
    name: str
    raw: str
    body: markup.Document
    get_help: markup.Document

    def line(self, key: str) -> int:
        """Return the line of a key of the front matter; 0 when it is not there."""
        return key_line("\n".join(self.raw.split("\n")[: self.writing.body_line - 1]), key)


@dataclasses.dataclass(frozen=True, slots=True)
class Inline:
    """A token inside a line, the tokens from it to the end of its block, and its 1-based line."""

    token: Token
    rest: Sequence[Token]
    line: int


def of(library: model.Library) -> list[Text]:
    """Return every text of the library, parsed."""
    writings: list[model.Article | model.Chapter] = [*library.articles.values(), *library.chapters.values()]
    return [_text(library, writing) for writing in writings]


def name(path: Path, root: Path) -> str:
    """Return a content file's path as findings print it; `root` is the content folder."""
    return path.relative_to(root.parent).as_posix()


def key_line(raw: str, key: str) -> int:
    """Return the 1-based line on which `key` is set in TOML or YAML; 0 when it is not."""
    lines = enumerate(raw.split("\n"), 1)
    starts = (f"{key}:", f"{key} =", f"{key}=")
    return next((number for number, line in lines if line.lstrip().startswith(starts)), 0)


def offset_line(raw: str, offset: int) -> int:
    """Return the 1-based line of a character of `raw`."""
    return raw.count("\n", 0, offset) + 1


def inlines(document: markup.Document) -> Iterator[Inline]:
    """Yield every token inside a line: a block's first line plus the line breaks before the token."""
    for block in document.tokens:
        line = document.first_line + (block.map[0] if block.map else 0)
        children = block.children or []
        for index, token in enumerate(children):
            line += token.type in {"softbreak", "hardbreak"}
            yield Inline(token, children[index:], line)


def link_words(link: Inline) -> str:
    """Return the words of a link whose opening token this is; the alt text of a picture counts."""
    depth, parts = 0, []
    for token in link.rest:
        depth += token.nesting
        if depth == 0:
            break
        parts.append(" " if token.type in {"softbreak", "hardbreak"} else token.content)
    return " ".join("".join(parts).split())


def intros(library: model.Library) -> Iterator[tuple[str, markup.Document]]:
    """Yield the file name and the parsed introduction of every edition."""
    for spec in library.editions.values():
        line = key_line(content.text(spec.path), "intro")
        yield name(spec.path, library.root), parse(spec.intro, line)


def _text(library: model.Library, writing: model.Article | model.Chapter) -> Text:
    raw = content.text(writing.path)
    return Text(
        writing=writing,
        name=name(writing.path, library.root),
        raw=raw,
        body=parse(writing.body, writing.body_line),
        get_help=parse(writing.get_help, key_line(raw, "get_help")),
    )


@functools.lru_cache(maxsize=256)
def parse(text: str, first_line: int) -> markup.Document:
    """Parse as `markup.parse` does, once per text: a preview runs all checks again after every key stroke."""
    return markup.parse(text, first_line)
