"""Writes the book as Typst, from the same Markdown tree as our own formats: enough of it for a fair race.

Text, notes, sources, boxes, drawings, tables, questions, worksheets, contents, glossary and index with page numbers,
running heads. Fields become drawn boxes, for Typst has no form fields.
"""

import html
import itertools
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import measure
from markdown_it.token import Token

from pipeline import citations, markup, model, templating
from pipeline.formats import _words
from pipeline.formats._chapters import index, setting

_SPECIAL = re.compile(r"([\\#*_`$<>@\[\]~/=+-])")
_NUMBERED = re.compile(r"^(\d+)\.")
_TAG = re.compile(r"<[^>]+>")


def write(book: model.Book, material: model.Material, folder: Path) -> None:
    """Write book.typ, its style, drawings and fonts into `folder`."""
    (folder / "book.typ").write_text("\n\n".join(_book(book, material)) + "\n", encoding="utf-8")
    shutil.copy(measure.BENCH / "book.typ", folder / "style.typ")
    for name, content in material.library.images.items():
        (folder / "images").mkdir(exist_ok=True)
        (folder / "images" / name).write_bytes(content)
    shutil.copytree(material.templates / "fonts", folder / "fonts", dirs_exist_ok=True)


def _book(book: model.Book, material: model.Material) -> Iterator[str]:
    spec, library = book.spec, material.library
    version = f"Version {spec.version}, {templating.day(spec.date)}"
    yield '#import "style.typ": *'
    yield (
        f"#show: book.with(title: {_string(spec.title)}, author: {_string(material.identity.organisation)}, "
        f"subtitle: {_string(spec.subtitle)}, version: {_string(version)}, "
        f"date: datetime(year: {spec.date.year}, month: {spec.date.month}, day: {spec.date.day}), "
        f"language: {_string(material.identity.language)})"
    )
    yield f"#cover([{_text(spec.title)}], [{_text(spec.subtitle)}], [{_text(version)}])"
    yield f"#strong[What this book is for]\n\n{_text(spec.notice)}\n\n{_text(spec.how_made)}"
    yield f"#pagebreak()\n{_heading(1, 'Contents')}\n#contents()"
    set_ = [_Chapter(chapter, book, material) for chapter in book.chapters]
    for chapter in set_:
        yield from chapter.written()
    yield "#pagebreak()\n" + _heading(1, "More pages to fill in", "sheets")
    for name in spec.sheets:
        yield from _sheet(library.worksheets[name], index.sheet_anchor(name, book))
    yield "#pagebreak()\n" + _heading(1, "Words used in this book", "glossary")
    for word in index.words([list(chapter.words.items()) for chapter in set_], book, library):
        pages = f" #places({_pairs((use, use) for use in word.uses)})" if word.uses else ""
        yield f"#strong[{_text(word.name)}]{_label(f'glossary-{word.id}')}{pages}\\ {_text(word.definition)}"
    yield "#pagebreak()\n" + _heading(1, "Index", "index")
    yield f"#columns(2)[{''.join(_group(group) for group in index.groups(book, library))}]"
    yield "#pagebreak()\n" + _heading(1, "About this version", "colophon")
    for change in spec.changes:
        yield f"Version {_text(change.version)}: {_text(change.text)}"


# --- index and worksheets -------------------------------------------------------------------------


def _group(group: index.Group) -> str:
    lines = "".join(f"#par[{_line(line)}]\n" for top in group.lines for line in (top, *top.subs))
    return f"#strong[{_text(group.letter)}]\n\n{lines}\n"


def _line(line: index.Line) -> str:
    pairs = _pairs((locator.first, locator.last) for locator in line.locators)
    pages = f", #places({pairs})" if pairs else ""
    crosses = "; ".join(f"#link(<{c.anchor}>)[{_text(c.heading)}]" for c in (*line.see, *line.see_also))
    name = f"#box[]{_label(line.anchor)}" if line.anchor else "#h(12pt)"
    return f"{name}{_text(line.heading)}{pages}{f' See {crosses}' if crosses else ''}"


def _pairs(pairs: Iterator[tuple[str, str]]) -> str:
    return ", ".join(f"(<{first}>, <{last}>)" for first, last in pairs)


def _sheet(sheet: model.Worksheet, anchor: str) -> Iterator[str]:
    yield "#pagebreak()\n" + _heading(2, sheet.title, anchor)
    yield _text(sheet.intro)
    for field in sheet.fields:
        if field.kind == "tick":
            yield f"#tick[{_text(field.label)}]"
        else:
            yield f"#field({'42pt' if field.kind == 'area' else '26pt'})[{_text(field.label)}]"
    if sheet.columns:
        header = ", ".join(f"[{_text(column)}]" for column in sheet.columns)
        cells = "[#v(36pt)], " * (sheet.rows * len(sheet.columns))
        yield f"#grid-table([{_text(sheet.title)}], {len(sheet.columns)}, ({header},), {cells})"


# --- a chapter ------------------------------------------------------------------------------------


class _Chapter:
    """Writes one chapter; remembers what was cited and explained, as the book's own setting does."""

    def __init__(self, chapter: model.Chapter, book: model.Book, material: model.Material) -> None:
        self._chapter = chapter
        self._book = book
        self._material = material
        self._own = setting.anchor(chapter)
        self._anchors = {other.slug: setting.anchor(other) for other in book.chapters}
        self._cited: dict[str, None] = {}
        self._in_table = False
        self.words: dict[str, str] = {}
        document = markup.parse(chapter.body, chapter.body_line)
        self._minutes = document.minutes
        self._body = self._blocks(index.marked(chapter, book, material.library))
        self._help = self._blocks(markup.parse(chapter.get_help).tokens)

    def written(self) -> Iterator[str]:
        """Yield the chapter's blocks in order."""
        chapter, library = self._chapter, self._material.library
        title = _heading(1, chapter.title, self._own)
        short = "#list(" + ", ".join(f"[{_text(line)}]" for line in chapter.in_short) + ")"
        yield (
            f"#opener({chapter.number}, [{title}], [{_text(chapter.promise)}], [{short}], "
            f"[{_text(_words.review_line(chapter))}])\n#pagebreak()"
        )
        yield self._body
        yield f'#notice("help", [When to get help], [{self._help}])'
        yield _heading(2, "Questions to ask your doctor", f"{self._own}-questions")
        for name in chapter.question_groups:
            group = library.groups[name]
            yield _heading(3, group.title)
            for question in group.questions:
                yield f"#question[{_text(question.text)}]"
        yield "#field(42pt)[My own questions]"
        yield from _sheet(library.worksheets[chapter.worksheet], f"{self._own}-sheet")
        yield from self._sources()

    def _sources(self) -> Iterator[str]:
        if not self._cited:
            return
        yield "#pagebreak()\n" + _heading(2, "Sources of this chapter", f"{self._own}-sources")
        cited = [self._material.library.sources[name] for name in self._cited]
        entries = citations.references(cited, self._material.templates, self._material.store)
        items = [
            f"[#box[]{_label(f'{self._own}-source-{number}')}{_text(html.unescape(_TAG.sub('', entry)))}]"
            for number, entry in enumerate(entries, 1)
        ]
        yield f"#enum({', '.join(items)})"

    # --- blocks

    def _blocks(self, tokens: Sequence[Token]) -> str:
        parts: list[str] = []
        at = 0
        while at < len(tokens):
            end = _closing(tokens, at) if tokens[at].nesting == 1 else at
            parts.append(self._block(tokens[at], tokens[at + 1 : end]))
            at = end + 1
        return "\n\n".join(parts)

    def _block(self, token: Token, inner: Sequence[Token]) -> str:
        name = _anchor(token)
        match token.type.removesuffix("_open"):
            case "heading":
                return _heading(int(token.tag[1]), "", f"{self._own}-text-{token.meta['anchor']}", self._line(inner[0]))
            case "bullet_list" | "ordered_list" as kind:
                return f"{name}#{'list' if kind == 'bullet_list' else 'enum'}({self._items(inner)})"
            case "inline":
                return self._line(token)
            case "paragraph":
                return name + self._line(inner[0])
            case "container_table":
                return name + self._table(token, inner)
            case kind if kind.startswith("container_"):
                return f'{name}#notice("{kind[10:]}", [{_title(token)}], [{self._blocks(inner)}])'
            case kind:
                msg = f"the exporter to Typst does not know {kind}"
                raise RuntimeError(msg)

    def _items(self, tokens: Sequence[Token]) -> str:
        parts: list[str] = []
        at = 0
        while at < len(tokens):
            end = _closing(tokens, at)
            parts.append(f"[{_anchor(tokens[at])}{self._blocks(tokens[at + 1 : end])}]")
            at = end + 1
        return ", ".join(parts)

    def _table(self, token: Token, inner: Sequence[Token]) -> str:
        self._in_table = True
        pairs = itertools.pairwise(inner)
        cells = [f"[{_anchor(cell)}{self._line(one)}]" for cell, one in pairs if one.type == "inline"]
        self._in_table = False
        columns = sum(one.type == "th_open" for one in inner)
        header, rest = ", ".join(cells[:columns]), ", ".join(cells[columns:])
        return f"#grid-table([{_title(token)}], {columns}, ({header},), {rest})"

    # --- inline

    def _line(self, token: Token) -> str:
        parts: list[str] = []
        children = token.children or []
        at = 0
        while at < len(children):
            child = children[at]
            if child.type == "link_open":
                end = _closing(children, at)
                words = "".join(_text(one.content) for one in children[at + 1 : end])
                parts.append(self._link(str(child.attrs["href"]), words))
                at = end
            else:
                parts.append(self._inline(child))
            at += 1
        return _NUMBERED.sub(r"\1\\.", "".join(parts))

    def _inline(self, token: Token) -> str:
        match token.type:
            case "text":
                return _text(token.content)
            case "softbreak" | "hardbreak":
                return " "
            case "strong_open" | "em_open":
                return f"#{'strong' if token.tag == 'strong' else 'emph'}["
            case "strong_close" | "em_close":
                return "]"
            case "citation":
                return f"#super[{','.join(self._cite(name) for name in token.meta['ids'])}]"
            case "image":
                name = markup.split_target(str(token.attrs["src"]))[1]
                caption = _text(str(token.attrs.get("title", "")))
                return f"#drawing({_string(name)}, {_string(token.content)}, [{caption}])"
            case kind:
                msg = f"the exporter to Typst does not know {kind}"
                raise RuntimeError(msg)

    def _cite(self, name: str) -> str:
        self._cited.setdefault(name)
        number = list(self._cited).index(name) + 1
        return f"#link(<{self._own}-source-{number}>)[{number}]"

    def _link(self, href: str, words: str) -> str:
        scheme, target = markup.split_target(href)
        if scheme == "chapter":
            return f"#link(<{self._anchors[target]}>)[{words}]"
        if not scheme:
            return f"#link({_string(href)})[{words}]"
        if target in self.words:
            return words
        use = self.words[target] = f"{self._own}-word-{target}"
        if self._in_table:
            return f"#link(<glossary-{target}>)[{words}]{_label(use)}"
        return f"#box[{words}]{_label(use)}#footnote[{_text(self._material.library.terms[target].definition)}]"


def _closing(tokens: Sequence[Token], at: int) -> int:
    """Return the index of the token that closes the one at `at`."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += tokens[place].nesting
        if not depth:
            return place
    return len(tokens)


def _heading(level: int, text: str, anchor: str = "", written: str = "") -> str:
    return f"#heading(level: {level})[{written or _text(text)}]{_label(anchor) if anchor else ''}"


def _title(token: Token) -> str:
    return _text(token.info.strip().partition(" ")[2])


def _anchor(token: Token) -> str:
    return f"#box[]{_label(str(token.attrs['id']))}" if "id" in token.attrs else ""


def _label(name: str) -> str:
    return f"<{name}>"


def _text(words: str) -> str:
    return _SPECIAL.sub(r"\\\1", words)


def _string(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
