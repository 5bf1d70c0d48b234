"""The Markdown of this house, parsed once for every format: CommonMark, tables and a few words of our own.

    [@bot2004; @nice2022]              citation of sources by id
    [lesions](term:lesion)             glossary term at its first use
    [next chapter](chapter:slug)       link inside the book;  [more](article:slug) between articles
    ![alt](image:file.svg "Caption")   drawing of content/images/
    ::: note Title ... :::             callout: note, warning, example, or table with its caption

`parse` gives the tree and every reference with its line; `to_html` writes it with a format's own hooks.
"""

import dataclasses
import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import markdown_it
import mdit_py_plugins.container
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup

from pipeline import notes

CALLOUTS = ("note", "warning", "example", "table")
SCHEMES = ("term", "chapter", "article", "image")
_CITATION = re.compile(r"\[(@[A-Za-z0-9_-]+(?:\s*;\s*@[A-Za-z0-9_-]+)*)\]")
WORDS_A_MINUTE = 180  # slower than the usual 230: the readers tire


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A use of something defined elsewhere; `line` is 1-based.

    `kind` is citation, term, chapter, article, image or link (any other address).
    """

    kind: str
    target: str
    line: int
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the text, with the anchor made from its words."""

    level: int
    text: str
    anchor: str
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Outline:
    """What must be known of a text that is not shown: lines count from its first, `words` is how many are read."""

    headings: tuple[Heading, ...]
    references: tuple[Reference, ...]
    words: int


@dataclasses.dataclass(frozen=True)
class Document:
    """A text whose first line is line `first_line` of its file. It is parsed when somebody wants more than its outline.

    `tokens` are markdown-it's; formats walk them or call `to_html`.
    """

    text: str = dataclasses.field(repr=False)
    first_line: int

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The text, parsed."""
        return _parsed(self.text)

    @functools.cached_property
    def headings(self) -> tuple[Heading, ...]:
        """Every heading with its line in the file."""
        return tuple(dataclasses.replace(head, line=self._line(head.line)) for head in outline(self.text).headings)

    @functools.cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every reference with its line in the file."""
        return tuple(dataclasses.replace(ref, line=self._line(ref.line)) for ref in outline(self.text).references)

    @property
    def words(self) -> int:
        """How many words are read."""
        return outline(self.text).words

    @functools.cached_property
    def citations(self) -> tuple[str, ...]:
        """Source ids in the order of first use: position + 1 is the printed number."""
        return tuple(dict.fromkeys(ref.target for ref in outline(self.text).references if ref.kind == "citation"))

    @property
    def minutes(self) -> int:
        """Reading time, rounded up to whole minutes."""
        return max(1, -(-self.words // WORDS_A_MINUTE))

    def _line(self, line: int) -> int:
        return self.first_line + line - 1


@dataclasses.dataclass(frozen=True, slots=True)
class Hooks:
    """How one format writes what plain HTML does not know. Each returns safe HTML."""

    citation: Callable[[Sequence[str]], Markup]
    term: Callable[[str, Markup], Markup]
    link: Callable[[str, str, Markup], Markup]  # scheme ("" for a web address), target, inner HTML
    image: Callable[[str, str, str], Markup]  # file name, alt, caption ("" when none)
    heading: Callable[[Heading, Markup], Markup]
    callout: Callable[[str, str, Markup], Markup]  # kind, title, inner HTML


@functools.lru_cache(maxsize=16_384)  # small while nobody asks for its tokens
def parse(text: str, first_line: int = 1) -> Document:
    """Parse `text`, whose first line is line `first_line` of its file. Never raises: bad references are findings."""
    return Document(text, first_line)


@functools.lru_cache(maxsize=16_384)
def outline(text: str) -> Outline:
    """Return what must be known of a text that is not shown, parsed or from the notes that are open."""
    headings, references, words = notes.taken("outline", text, lambda: _put_down(_parsed(text)))
    return Outline(tuple(Heading(*row) for row in headings), tuple(Reference(*row) for row in references), words)


def to_html(document: Document, hooks: Hooks, tokens: Sequence[Token] | None = None) -> Markup:
    """Write the document, or the part of it in `tokens`, as HTML."""
    return _Writer(hooks).blocks(document.tokens if tokens is None else tokens)


def opening(document: Document) -> tuple[Token, ...]:
    """Return the blocks before the first heading: what a digest prints of its lead article."""
    for index, token in enumerate(document.tokens):
        if token.type == "heading_open":
            return document.tokens[:index]
    return document.tokens


def plain(tokens: Sequence[Token]) -> str:
    """Return the words alone, without citations and pictures; blocks on lines of their own."""
    return "\n".join(_inline_text(token) for token in tokens if token.type == "inline")


def anchor(text: str) -> str:
    """Make an id from a heading's words: ASCII, lower case, hyphens."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-") or "section"


# --- reading --------------------------------------------------------------------


@functools.lru_cache(maxsize=4_096)  # a text is parsed for the reader, for each format and for each check
def _parsed(text: str) -> tuple[Token, ...]:
    tokens = _PARSER.parse(text)
    _mark(tokens)
    return tuple(tokens)


def _put_down(tokens: Sequence[Token]) -> tuple[Any, ...]:
    """Return an outline as plain values."""
    rows = [[dataclasses.astuple(item) for item in found] for found in (_headings(tokens), _references(tokens))]
    return (*rows, len(plain(tokens).split()))


def _citation_rule(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    """Turn `[@id; @id]` into one citation token."""
    match = _CITATION.match(state.src, state.pos)
    if not match:
        return False
    if not silent:
        token = state.push("citation", "", 0)
        token.meta = {"ids": [part.strip().removeprefix("@") for part in match[1].split(";")]}
        token.content = match[0]
    state.pos = match.end()
    return True


def _make_parser() -> markdown_it.MarkdownIt:
    parser = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.inline.ruler.before("link", "citation", _citation_rule)
    for kind in CALLOUTS:
        mdit_py_plugins.container.container_plugin(parser, kind)
    return parser


_PARSER = _make_parser()


def _inline_text(token: Token) -> str:
    if token.type in {"text", "code_inline"}:
        return token.content
    if token.type in {"softbreak", "hardbreak"}:
        return " "
    if token.type in {"citation", "image"}:
        return ""
    return "".join(_inline_text(child) for child in token.children or ())


def _mark(tokens: Sequence[Token]) -> None:
    """Give every heading a unique id (the second of the same words gets -2) and every header cell its scope."""
    seen: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            name = anchor(_inline_text(tokens[index + 1]))
            seen[name] = seen.get(name, 0) + 1
            token.meta = {"anchor": name if seen[name] == 1 else f"{name}-{seen[name]}"}
        elif token.type == "th_open":
            token.attrSet("scope", "col")


def _heading_at(tokens: Sequence[Token], index: int) -> Heading:
    token = tokens[index]
    line = 1 + (token.map[0] if token.map else 0)
    return Heading(int(token.tag[1]), _inline_text(tokens[index + 1]).strip(), token.meta["anchor"], line)


def _headings(tokens: Sequence[Token]) -> list[Heading]:
    return [_heading_at(tokens, i) for i, token in enumerate(tokens) if token.type == "heading_open"]


def _references(tokens: Sequence[Token]) -> list[Reference]:
    """List every reference with its line: a block's first line plus the line breaks before the reference."""
    found: list[Reference] = []
    for block in tokens:
        line = 1 + (block.map[0] if block.map else 0)
        children = block.children or []
        for index, token in enumerate(children):
            line += token.type in {"softbreak", "hardbreak"}
            found.extend(_reference_of(children, index, line))
    return found


def _reference_of(tokens: Sequence[Token], index: int, line: int) -> list[Reference]:
    token = tokens[index]
    if token.type == "citation":
        return [Reference("citation", id_, line, token.content) for id_ in token.meta["ids"]]
    if token.type == "image":
        scheme, target = split_target(str(token.attrs.get("src", "")))
        return [Reference("image" if scheme == "image" else "link", target, line, token.content)]
    if token.type == "link_open":
        scheme, target = split_target(str(token.attrs.get("href", "")))
        inside = itertools.takewhile(lambda other: other.type != "link_close", tokens[index:])
        text = "".join(_inline_text(other) for other in inside)
        return [Reference(scheme or "link", target, line, text)]
    return []


def split_target(href: str) -> tuple[str, str]:
    """Split `term:lesion` into its scheme and target; any other address has the scheme ""."""
    scheme, colon, target = href.partition(":")
    return (scheme, target) if colon and scheme in SCHEMES else ("", href)


# --- writing --------------------------------------------------------------------


class _Writer:
    """Walks the tokens once; markdown-it's own renderer writes everything that is plain HTML."""

    _plain = RendererHTML()  # looks through its own methods for rules, which takes time

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    def blocks(self, tokens: Sequence[Token]) -> Markup:
        """Write a run of block tokens."""
        parts: list[Markup] = []
        index = 0
        while index < len(tokens):
            index = self._block(tokens, index, parts)
        return Markup("").join(parts)

    def _block(self, tokens: Sequence[Token], index: int, parts: list[Markup]) -> int:
        token = tokens[index]
        if token.type == "heading_open":
            heading = _heading_at(tokens, index)
            parts.append(self._hooks.heading(heading, self._inline(tokens[index + 1].children or [])))
            return index + 3
        if token.type.startswith("container_"):
            end = _closing(tokens, index)
            kind = token.type.removeprefix("container_").removesuffix("_open")
            title = token.info.strip().removeprefix(kind).strip()
            parts.append(self._hooks.callout(kind, title, self.blocks(tokens[index + 1 : end])))
            return end + 1
        if token.type == "paragraph_open" and _is_lone_image(tokens[index + 1]):
            parts.append(self._inline(tokens[index + 1].children or []))
            return index + 3
        if token.type == "inline":
            parts.append(self._inline(token.children or []))
        else:
            parts.append(self._library(tokens, index))
        return index + 1

    def _inline(self, tokens: Sequence[Token]) -> Markup:
        parts: list[Markup] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.type == "citation":
                parts.append(self._hooks.citation(token.meta["ids"]))
            elif token.type == "image":
                _, name = split_target(str(token.attrs.get("src", "")))
                parts.append(self._hooks.image(name, token.content, str(token.attrs.get("title", ""))))
            elif token.type == "link_open":
                end = _closing(tokens, index)
                parts.append(self._link(token, self._inline(tokens[index + 1 : end])))
                index = end
            else:
                parts.append(self._library(tokens, index))
            index += 1
        return Markup("").join(parts)

    def _link(self, token: Token, inner: Markup) -> Markup:
        scheme, target = split_target(str(token.attrs.get("href", "")))
        return self._hooks.term(target, inner) if scheme == "term" else self._hooks.link(scheme, target, inner)

    def _library(self, tokens: Sequence[Token], index: int) -> Markup:
        token = tokens[index]
        env: dict[str, Any] = {}
        rule = self._plain.rules.get(token.type)
        html = (
            rule(tokens, index, _PARSER.options, env)
            if rule
            else self._plain.renderToken(tokens, index, _PARSER.options, env)
        )
        return Markup(html)  # noqa: S704  the parser runs with html=False, and the library escapes text and attributes


def _closing(tokens: Sequence[Token], index: int) -> int:
    """Return the index of the token that closes the one at `index`."""
    depth = 0
    for position in range(index, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens)


def _is_lone_image(token: Token) -> bool:
    children = token.children or []
    return len(children) == 1 and children[0].type == "image"


def link_html(href: str, inner: Markup) -> Markup:
    """Write a plain link; the address is escaped."""
    return Markup('<a href="{}">{}</a>').format(href, inner)
