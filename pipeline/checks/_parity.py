"""The same text says the same everywhere: what counts in an article or a chapter stands in each output made from it.

Compared are headings, links, numbers with their units, warnings and questions. Curled quotes, spaces that do not break,
hyphens and the ends of lines are no difference.
"""

import dataclasses
import io
import re
import unicodedata
import urllib.parse
import zipfile
from collections.abc import Iterator, Mapping, Sequence

import lxml.html

from pipeline import markup, model
from pipeline.checks import _texts
from pipeline.checks._check import BLOCK, Check

LOST = Check(
    "parity-lost",
    BLOCK,
    "Who reads the PDF, the e-book, the web page or the mail is told the same, warnings and questions first.",
    "build again; when it stays, mend the format that loses it, in pipeline/formats/ or templates/",
)
CHECKS = (LOST,)

_SHOWN = 60
_BEGINNING = 60  # letters of a warning's paragraph that must stand together: a page may end after them
_UNIT = (
    r"%|per ?cent|percent|(?:in|out of) (?:\d{1,3}|1,?000|10,?000|100,?000)|"
    r"mg|mcg|µg|g|kg|ml|mL|IU|mm|cm|m|km|°C|°F|minutes?|hours?|days?|weeks?|"
    r"months?|years?|people|women|men|times|points?|degrees?|dollars?"
)
_NUMBER = re.compile(rf"(?<![\w.,])\d(?:[\d.,]*\d)?[\s\u00a0\u202f-]*(?:{_UNIT})(?!\w)")
_HYPHENS = re.compile("[-\u00ad\u2010\u2011\u0002\ufffe]")
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2026": "..."})


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """Something that may not be lost: what kind it is, its words or address, and its line in the source."""

    kind: str
    words: str
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """An output as it is read: its name, its letters without spaces, and the addresses that its links lead to."""

    name: str
    letters: str
    links: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """The files of the site, of the book and of each edition, by name; {} for what is not built."""

    site: Mapping[str, bytes]
    book: Mapping[str, bytes]
    mails: Mapping[str, Mapping[str, bytes]]


def check(library: model.Library, texts: Sequence[_texts.Text], made: Made) -> Iterator[model.Finding]:
    """Yield what is lost in the site, the book and the mails; an output that is not there is not compared."""
    books = list(_books(made.book))
    for text in texts:
        wanted = facts(text.body, _questions(library, text.writing))
        if isinstance(text.writing, model.Chapter):
            for told in books:
                yield from _lost(text, wanted, told)
        elif page := made.site.get(f"articles/{text.writing.slug}/index.html"):
            yield from _lost(text, wanted, _html(f"out/site/articles/{text.writing.slug}/index.html", page))
    for slug, spec in library.editions.items():
        lead = next((text for text in texts if text.writing.slug == spec.lead and _is_article(text)), None)
        if lead and slug in made.mails:
            yield from _of_mail(library, lead, slug, made.mails[slug])


def facts(body: markup.Document, questions: Sequence[str] = (), last: int | None = None) -> list[Fact]:
    """Return what may not be lost of a text, from its beginning to line `last`."""
    found = [Fact("question", question, 0) for question in questions]
    found += [Fact("heading", heading.text, heading.line) for heading in body.headings]
    warnings = _warnings(body)
    for block in body.tokens:
        line = body.first_line + (block.map[0] if block.map else 0)
        if block.type == "inline":
            words = markup.plain([block])
            found += [Fact("number", match[0], line) for match in _NUMBER.finditer(words)]
            if line in warnings:
                found.append(Fact("warning", words, line))
        elif block.type == "container_warning_open":
            found.append(Fact("warning", block.info.strip().removeprefix("warning").strip(), line))
    for inline in _texts.inlines(body):
        href = str(inline.token.attrs.get("href", ""))
        if inline.token.type == "link_open" and not markup.split_target(href)[0]:
            found.append(Fact("link", href, inline.line))
    return [fact for fact in found if fact.words and (last is None or fact.line <= last)]


def letters(text: str) -> str:
    """Return a text's letters alone: no space, no hyphen, quotes uncurled, ligatures taken apart."""
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES))
    return "".join(_HYPHENS.sub("", text).split()).casefold()


def _questions(library: model.Library, writing: model.Article | model.Chapter) -> list[str]:
    if isinstance(writing, model.Article):
        return [library.questions[id_].text for id_ in writing.questions if id_ in library.questions]
    groups = (library.groups[id_] for id_ in writing.question_groups if id_ in library.groups)
    return [question.text for group in groups for question in group.questions]


def _is_article(text: _texts.Text) -> bool:
    return isinstance(text.writing, model.Article)


def _warnings(body: markup.Document) -> frozenset[int]:
    """Return the lines on which a block inside a warning begins."""
    lines: set[int] = set()
    depth = 0
    for token in body.tokens:
        depth += (token.type == "container_warning_open") - (token.type == "container_warning_close")
        if depth and token.map:
            lines.add(body.first_line + token.map[0])
    return frozenset(lines)


def _of_mail(
    library: model.Library, lead: _texts.Text, slug: str, parts: Mapping[str, bytes]
) -> Iterator[model.Finding]:
    """Yield what the mail loses of the lead article's opening, which it prints, and of its questions."""
    opening = markup.opening(lead.body)
    ends = [token.map[1] for token in opening if token.map]
    last = lead.body.first_line + max(ends, default=0) - 1
    kept = facts(lead.body, _questions(library, lead.writing), last)
    if data := parts.get("email.html"):
        yield from _lost(lead, kept, _html(f"out/{slug}/email.html", data))
    if data := parts.get("email.txt"):
        text = data.decode("utf-8", "replace")
        links = frozenset(re.findall(r"https?://\S+", text))
        yield from _lost(lead, kept, Told(f"out/{slug}/email.txt", letters(text), links))


def _lost(text: _texts.Text, wanted: Sequence[Fact], told: Told) -> Iterator[model.Finding]:
    for fact in wanted:
        if not _is_told(fact, told):
            shown = fact.words if len(fact.words) <= _SHOWN else f"{fact.words[:_SHOWN]}..."
            yield LOST.at((text.name, fact.line), f"the {fact.kind} {shown!r} is not in {told.name}")


def _is_told(fact: Fact, told: Told) -> bool:
    if fact.kind == "link":
        return _address(fact.words) in told.links or fact.words in told.links
    words = letters(fact.words)
    return (words[:_BEGINNING] if fact.kind == "warning" else words) in told.letters


def _address(href: str) -> str:
    return urllib.parse.unquote(href).rstrip("/")


def _html(name: str, data: bytes) -> Told:
    root = lxml.html.document_fromstring(data)
    words = "".join(str(text) for body in root.iter("body") for text in body.itertext())
    return Told(name, letters(words), frozenset(_address(link.get("href") or "") for link in root.iter("a")))


def _books(book: Mapping[str, bytes]) -> Iterator[Told]:
    """Yield the book's PDF for screens and its EPUB."""
    pdf = model.main_pdf(book)
    if pdf and (told := _pdf(f"out/book/{pdf}", book[pdf])):
        yield told
    for name in sorted(book):
        if name.endswith(".epub"):
            yield _epub(f"out/book/{name}", book[name])


def _pdf(name: str, data: bytes) -> Told | None:
    """Read a PDF page by page; None for what is none, of which `book-pdf-missing` tells."""
    import pypdfium2  # noqa: PLC0415  read in for a book that is there; other commands need not wait for it

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return None
    try:
        text = "".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()
    return Told(name, letters(text), _pdf_links(data))


def _pdf_links(data: bytes) -> frozenset[str]:
    import pikepdf  # noqa: PLC0415  as above

    found: set[str] = set()
    with pikepdf.open(io.BytesIO(data)) as document:
        for page in document.pages:
            for note in page.get("/Annots", []):
                action = note.get("/A")
                if action is not None and "/URI" in action:
                    found.add(_address(str(action["/URI"])))
    return frozenset(found)


def _epub(name: str, data: bytes) -> Told:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [archive.read(entry) for entry in archive.namelist() if entry.endswith((".xhtml", ".html"))]
    pages = [_html(name, content) for content in files]
    links = frozenset[str]().union(*(page.links for page in pages))
    return Told(name, "".join(page.letters for page in pages), links)
