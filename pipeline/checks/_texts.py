"""The files that people write, the articles and chapters among them, and a walk through what stands inside a line."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from markdown_it.token import Token

from pipeline import content, markup, model


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """An article or a chapter: `name` is its path as findings print it, `raw` the whole file."""

    writing: model.Article | model.Chapter
    name: str
    raw: str

    @property
    def body(self) -> markup.Document:
        """The body, parsed."""
        return markup.parse(self.writing.body, self.writing.body_line)

    @property
    def get_help(self) -> markup.Document:
        """The lines that say when to get help, parsed."""
        return markup.parse(self.writing.get_help, key_line(self.raw, "get_help"))

    def line(self, key: str) -> int:
        """Return the line of a key of the front matter; 0 when it is not there."""
        return key_line("\n".join(self.raw.split("\n")[: self.writing.body_line - 1]), key)


@dataclasses.dataclass(frozen=True, slots=True)
class Inline:
    """A token inside a line, all the tokens of its block and its own place among them, and its 1-based line."""

    token: Token
    block: Sequence[Token]
    index: int
    line: int


def of(library: model.Library, raws: Mapping[str, str] | None = None) -> list[Text]:
    """Return every text of the library; `raws` are the files by name, when they have been read already."""
    writings: list[model.Article | model.Chapter] = [*library.articles.values(), *library.chapters.values()]
    named = ((writing, name(writing.path, library.root)) for writing in writings)
    return [
        Text(writing, at, content.text(writing.path, library) if raws is None else raws[at]) for writing, at in named
    ]


def written(library: model.Library) -> dict[str, str]:
    """Read every file that people write, but for the list of sources; by name."""
    banks = [library.root / name for name in ("questions.toml", "glossary.toml", "worksheets.toml", "names.toml")]
    paths = [article.path for article in library.articles.values()]
    paths += [chapter.path for chapter in library.chapters.values()]
    paths += [spec.path for spec in library.editions.values()]
    paths += [library.book.path] if library.book else []
    return {name(path, library.root): content.text(path, library) for path in (*paths, *banks)}


def name(path: Path, root: Path) -> str:
    """Return a content file's path as findings print it; `root` is the content folder."""
    return path.relative_to(root.parent).as_posix()


def key_line(raw: str, key: str) -> int:
    """Return the 1-based line on which `key` is set in TOML or YAML; 0 when it is not."""
    lines = enumerate(raw.split("\n"), 1)
    starts = (f"{key}:", f"{key} =", f"{key}=", f"[{key}]")
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
            yield Inline(token, children, index, line)


def link_words(link: Inline) -> str:
    """Return the words of a link whose opening token this is; the alt text of a picture counts."""
    depth, parts = 0, []
    for token in link.block[link.index :]:
        depth += token.nesting
        if depth == 0:
            break
        parts.append(" " if token.type in {"softbreak", "hardbreak"} else token.content)
    return " ".join("".join(parts).split())
