"""A chapter of Markdown becomes the HTML of the book: numbered sources, explained words, boxes, tables, drawings."""

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from markdown_it.token import Token
from markupsafe import Markup

from pipeline import citations, errors, indexing, markup, model
from pipeline.formats import _words
from pipeline.formats._chapters import index
from pipeline.formats._chapters import style as styles

_SPACED_CITES = re.compile(r'([^\s<>]*)\s*(<sup class="cites">.*?</sup>)([.,]?)', re.DOTALL)
_NOTE = re.compile(r'<span class="note-text".*?</span>', re.DOTALL)
_TERM = re.compile(r'<a class="term" href="#([^"]*)"')
_ACCESSED = re.compile(r" Accessed ([A-Z][a-z]+ \d{1,2}, \d{4})\.(?= <a class=\"url\")")
_ADDRESS = re.compile(r'(<a class="url"[^>]*>)https?://(?:www\.)?')
_FIRST_CELL = re.compile(r"<tr>\s*<td([^>]*)>(.*?)</td>", re.DOTALL)
T = TypeVar("T")
LONG_BOX = 900  # characters of HTML: a longer box may go on over the page


@dataclasses.dataclass(frozen=True, slots=True)
class SetSource:
    """One reference of a chapter's list, with the anchors of the places that cite it."""

    number: int
    anchor: str
    entry: Markup
    uses: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SetChapter:
    """A chapter ready for its template. `contents` are anchor and title; `words` are term id and anchor.

    `notes` are the meanings of words that the text leads to, in its order.
    """

    anchor: str
    number: int
    title: str
    promise: str
    in_short: tuple[str, ...]
    expires: dt.date
    minutes: int
    review: str
    body: Markup
    get_help: Markup
    contents: tuple[tuple[str, str], ...]
    words: tuple[tuple[str, str], ...]
    notes: tuple[styles.Note, ...]
    groups: tuple[model.QuestionGroup, ...]
    sheet: model.Worksheet
    sources: tuple[SetSource, ...]
    accessed: str  # the day all web pages were read, when it is the same for all; "" when the entries name their days


def anchor(chapter: model.Chapter) -> str:
    """Return the id under which a chapter is found in the file."""
    return indexing.anchor(chapter)


def set_chapter(
    chapter: model.Chapter, book: model.Book, material: model.Material, style: styles.Style = styles.PRINTED
) -> SetChapter:
    """Set one chapter; refuses a source, term, drawing, chapter, question group or worksheet that does not exist."""
    library = material.library
    document = markup.parse(chapter.body, chapter.body_line)
    setter = _Setter(chapter, book, library, style)
    body = setter.text(document, index.marked(chapter, book, library))
    get_help = setter.text(markup.parse(chapter.get_help))
    sources, accessed = setter.sources(material)
    return SetChapter(
        anchor=anchor(chapter),
        number=chapter.number,
        title=chapter.title,
        promise=chapter.promise,
        in_short=chapter.in_short,
        expires=chapter.expires,
        minutes=document.minutes,
        review=_words.review_line(chapter),
        body=body,
        get_help=get_help,
        contents=_contents(chapter, document),
        words=tuple(setter.words.items()),
        notes=tuple(setter.notes.values()),
        groups=tuple(setter.known(library.groups, name, "question group") for name in chapter.question_groups),
        sheet=setter.known(library.worksheets, chapter.worksheet, "worksheet"),
        sources=sources,
        accessed=accessed,
    )


def _contents(chapter: model.Chapter, document: markup.Document) -> tuple[tuple[str, str], ...]:
    own = anchor(chapter)
    headings = [(f"{own}-text-{h.anchor}", h.text) for h in document.headings if h.level == 2]  # noqa: PLR2004  h2
    return (*headings, (f"{own}-questions", "Questions to ask your doctor"))


class _Setter:
    """Writes the parts of one chapter and remembers what was cited and explained, in the order of the text."""

    def __init__(self, chapter: model.Chapter, book: model.Book, library: model.Library, style: styles.Style) -> None:
        self._chapter = chapter
        self._own = anchor(chapter)
        self._anchors = {other.slug: anchor(other) for other in book.chapters}
        self._library = library
        self._style = style
        self._uses: dict[str, list[str]] = {}  # source id -> anchors of its citations
        self.words: dict[str, str] = {}  # term id -> anchor of its first use
        self.notes: dict[str, styles.Note] = {}  # by anchor
        self._hooks = markup.Hooks(
            citation=self._citation,
            term=self._term,
            link=self._link,
            image=self._image,
            heading=self._heading,
            callout=self._callout,
        )

    def text(self, document: markup.Document, tokens: Sequence[Token] | None = None) -> Markup:
        """Write a text, or its `tokens` with the index's ids.

        A citation follows the full stop or comma, as AMA style has it, and stays with its word.
        """
        html = str(markup.to_html(document, self._hooks, tokens))
        return Markup(_SPACED_CITES.sub(r'<span class="keep">\1\3\2</span>', html))  # noqa: S704  only moves what is escaped already

    def known(self, bank: Mapping[str, T], name: str, kind: str) -> T:
        """Return what `name` stands for; refuses what is not there, naming the chapter's file."""
        if name not in bank:
            msg = f"{self._chapter.path} uses the {kind} {name!r}, which does not exist"
            raise errors.RenderProblem(msg, hint="run `mscare check`, which names the line")
        return bank[name]

    def sources(self, material: model.Material) -> tuple[tuple[SetSource, ...], str]:
        """List the references in the order of their first citation; name the day they were read, if it is one."""
        cited = [self.known(self._library.sources, name, "source") for name in self._uses]
        entries, accessed = _shortened(citations.references(cited, material.templates, material.store))
        listed = tuple(
            SetSource(number, self._source_anchor(number), entry, tuple(uses))
            for number, (entry, uses) in enumerate(zip(entries, self._uses.values(), strict=True), start=1)
        )
        return listed, accessed

    def _source_anchor(self, number: int) -> str:
        return f"{self._own}-source-{number}"

    def _citation(self, ids: Sequence[str]) -> Markup:
        links = []
        for name in ids:
            uses = self._uses.setdefault(name, [])
            number = list(self._uses).index(name) + 1
            uses.append(f"{self._own}-cite-{number}-{len(uses) + 1}")
            link = Markup('<a href="#{}" id="{}" title="Source {} of chapter {}">{}</a>')
            links.append(link.format(self._source_anchor(number), uses[-1], number, self._chapter.number, number))
        return Markup('<sup class="cites">{}</sup>').format(Markup(",").join(links))

    def _term(self, name: str, inner: Markup) -> Markup:
        """Mark a word at its first use; what it means is a note, which leads back to it."""
        if name in self.words:
            return inner
        term = self.known(self._library.terms, name, "glossary term")
        self.words[name] = use = f"{self._own}-word-{name}"
        note = styles.Note(f"{self._own}-note-{name}", use, term.name, term.definition)
        self.notes[note.anchor] = note
        link = Markup('<a class="term" href="#{}" id="{}" title="What this word means: {}">{}</a>')
        return link.format(note.anchor, use, term.name, inner.striptags()) + self._style.note(note)

    def _link(self, scheme: str, target: str, inner: Markup) -> Markup:
        """Link a chapter or a web address. A link holds words only: anything inside it would fall out of the tag."""
        if scheme == "chapter":
            href = f"#{self.known(self._anchors, target, 'chapter')}"
        elif scheme:
            msg = f"{self._chapter.path} links to {scheme}:{target}, which the book cannot reach"
            raise errors.RenderProblem(msg, hint="a chapter links to chapters and to web addresses")
        else:
            href = target
        return markup.link_html(href, Markup.escape(inner.striptags()))

    def _image(self, name: str, alt: str, caption: str) -> Markup:
        self.known(self._library.images, name, "drawing")
        return self._style.figure(name, alt, caption)

    def _heading(self, heading: markup.Heading, inner: Markup) -> Markup:
        tag = f"h{heading.level}"
        return Markup('<{} id="{}-text-{}">{}</{}>\n').format(tag, self._own, heading.anchor, inner, tag)

    def _callout(self, kind: str, title: str, inner: Markup) -> Markup:
        if kind == "table":
            return self._table(title, inner)
        if kind == "warning":  # no notes below it, so that it stays whole and can be copied as it is
            inner = self._without_notes(inner)
        long = " long" if kind != "warning" and len(inner) > LONG_BOX else ""
        return Markup('<aside class="{}{}"><p class="box-title">{}</p>{}</aside>\n').format(kind, long, title, inner)

    def _table(self, caption: str, inner: Markup) -> Markup:
        """Set a table, whose first column names the row."""
        html = _FIRST_CELL.sub(r'<tr><th scope="row"\1>\2</th>', str(self._without_notes(inner)))
        return Markup(html.replace("<table>", f"<table><caption>{Markup.escape(caption)}</caption>", 1))  # noqa: S704  as text()

    def _without_notes(self, inner: Markup) -> Markup:
        """Let words lead to the glossary, where notes at the foot of the page would be in the way."""
        return Markup(_TERM.sub(self._to_glossary, _NOTE.sub("", str(inner))))  # noqa: S704  as text()

    def _to_glossary(self, match: re.Match[str]) -> str:
        self.notes.pop(match[1], None)
        return match[0].replace(f"#{self._own}-note-", "#glossary-")


def _shortened(entries: Sequence[Markup]) -> tuple[list[Markup], str]:
    """Print addresses without https://www., and name a day of access that all have once, not in each; return the day.

    What the links lead to stays the whole address.
    """
    pages = [entry for entry in entries if 'href="http' in entry and 'href="https://doi.org/' not in entry]
    days = {match and match[1] for match in map(_ACCESSED.search, pages)}
    accessed = days.pop() or "" if len(days) == 1 else ""
    short = (_ADDRESS.sub(r"\1", str(entry)) for entry in entries)  # a Markup would escape what is joined
    return [Markup(_ACCESSED.sub("", one) if accessed else one) for one in short], accessed  # noqa: S704  as text()
