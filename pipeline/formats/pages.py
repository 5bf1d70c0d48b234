"""The public site as files: home, articles, the book's landing page, past issues, privacy, and what they need.

No script, no request to anybody else, no clock: an article says when it was checked and when it is due again.
The book's own file and the editions' pages are built elsewhere; `site` serves all of them under one address.
"""

import dataclasses
import functools
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fontTools.ttLib
import jinja2

from pipeline import errors, markup, model, templating
from pipeline.formats import _hypertext, _web, _words

KIND = "site"
TEMPLATES = ("web", "book/cover.svg", "email/mark.svg", "citation", "fonts", "tokens.toml")

MOST_ON_HOME = 6  # articles beside the lead on the home page


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """An article as lists show it."""

    article: model.Article
    minutes: int
    review: str


class _Site:
    """Everything that pages of one build share."""

    def __init__(self, library: model.Library, material: model.Material) -> None:
        self.library, self.material = library, material
        self.env: jinja2.Environment = _web.environment(material.templates, material.identity)
        self.style = _web.style(self.env, material.templates).encode()
        documents = {a.slug: markup.parse(a.body, a.body_line) for a in library.articles.values()}
        self.documents: Mapping[str, markup.Document] = documents
        self.entries = {
            slug: Entry(article, documents[slug].minutes, _words.review_line(article))
            for slug, article in library.articles.items()
        }
        self.editions = sorted(library.editions.values(), key=lambda spec: spec.number, reverse=True)

    def page(self, address: str, template: str, title: str, **values: Any) -> model.Output:
        """Fill a template into the page at `address`, which is "" or ends with a slash."""
        shared = {
            "address": address,
            "root": "../" * address.count("/"),
            "title": title,
            "description": "",
            "inline_style": "",
            "style_version": _web.version(self.style),
            "book": self.library.book,
            "has_feed": bool(self.entries),
        }
        html = templating.render(self.env, template, **{**shared, **values})
        return model.Output(f"{address}index.html", html.encode())


def render(library: model.Library, material: model.Material) -> list[model.Output]:
    """Return every file of the site; refuses what a text uses and the library does not have, naming the file."""
    site = _Site(library, material)
    pages = [
        _home(site),
        _all_articles(site),
        *(_article(site, article) for article in library.articles.values()),
        _book(site),
        _past_issues(site),
        site.page("privacy/", "privacy.html", "Privacy", description="What we keep, what we do not, and how to leave."),
    ]
    return [*pages, model.Output("style.css", site.style), *_pictures(site), *_fonts(site), *_for_machines(site)]


# --- pages -----------------------------------------------------------------------


def _newest_first(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.article.published, reverse=True)


def _home(site: _Site) -> model.Output:
    """The lead is the newest issue's; without an issue, the newest article."""
    entries = _newest_first(site.entries.values())
    newest = site.editions[0] if site.editions else None
    lead = site.entries.get(newest.lead) if newest else None
    lead = lead or next(iter(entries), None)
    others = [entry for entry in entries if entry is not lead][:MOST_ON_HOME]
    identity = site.material.identity
    description = (
        "Plain facts about multiple sclerosis with their sources, questions for your appointments, and a book."
    )
    return site.page("", "home.html", identity.title, description=description, lead=lead, others=others, edition=newest)


def _all_articles(site: _Site) -> model.Output:
    topics: dict[str, list[Entry]] = {}
    for entry in _newest_first(site.entries.values()):
        topics.setdefault(entry.article.topic, []).append(entry)
    ordered = sorted(topics.items())
    return site.page(
        "articles/", "articles.html", "All articles", description="Every article by topic.", topics=ordered
    )


def _article(site: _Site, article: model.Article) -> model.Output:
    address = f"articles/{article.slug}/"
    document = site.documents[article.slug]
    setter = _hypertext.Setter(article.path, site.library, "../../")
    body = setter.text(document)
    get_help = setter.short(article.get_help)
    references = setter.references(site.material.templates)
    return site.page(
        address,
        "article.html",
        article.title,
        description=article.summary,
        article=article,
        minutes=document.minutes,
        review=_words.review_line(article),
        drawing=setter.drawing(article.image),
        body=body,
        get_help=get_help,
        questions=setter.questions(article.questions),
        words=sorted(setter.words.items(), key=lambda item: item[1].name.casefold()),
        references=references,
        related=[setter.known(site.entries, slug, "related article") for slug in article.related],
        contents=_contents(document, words=bool(setter.words), sources=bool(references)),
    )


def _contents(document: markup.Document, *, words: bool, sources: bool) -> list[tuple[str, str]]:
    """List the jump links: the text's own headings, then the parts that every article has."""
    own = [(heading.anchor, heading.text) for heading in document.headings if heading.level == 2]  # noqa: PLR2004  h2
    own += [("part_help", "When to get help"), ("part_questions", "Questions to take with you")]
    own += [("part_words", "Words used here")] if words else []
    return own + ([("part_sources", "Sources")] if sources else [])


def _book(site: _Site) -> model.Output:
    """The landing page. Size, sum and button are the server's to fill in: they belong to the file, not to the text."""
    book, known = site.library.book, site.library.chapters
    chapters = [known[slug] for slug in book.chapters if slug in known] if book else []
    read = sum(_words.is_reviewed(chapter) for chapter in chapters)
    review = f"{read} of {len(chapters)} chapters are medically reviewed. Each chapter says by whom and when."
    return site.page(
        "book/",
        "book.html",
        "The book",
        description=f"{book.title}: {book.subtitle}." if book else "",
        chapters=chapters,
        review=review if read else "Not yet medically reviewed. Each chapter says when its sources were checked.",
        file=None,
    )


def _past_issues(site: _Site) -> model.Output:
    description = "Every issue of the mail, to read without an address."
    return site.page("editions/", "editions.html", "Past issues", description=description, editions=site.editions)


# --- what pages need ----------------------------------------------------------------


def _pictures(site: _Site) -> Iterator[model.Output]:
    """Yield the drawings that articles use, as they are, the book's cover and the house's mark."""
    used = {article.image for article in site.library.articles.values()}
    for document in site.documents.values():
        used |= {reference.target for reference in document.references if reference.kind == "image"}
    for name in sorted(used):
        yield model.Output(f"images/{name}", site.library.images[name])
    colours = templating.tokens(site.material.templates)
    cover = templating.render(templating.environment(site.material.templates, "book"), "cover.svg", **colours)
    yield model.Output("images/cover.svg", cover.encode())
    yield model.Output("mark.svg", _template(site.material.templates, "email/mark.svg"))


def _fonts(site: _Site) -> Iterator[model.Output]:
    """Yield our own font, packed to a third of its size, and its licence."""
    folder = "fonts"
    for face in _web.FONTS:
        packed = _packed(_template(site.material.templates, f"{folder}/{_web.FAMILY}-{face}.ttf"))
        yield model.Output(f"{folder}/{_web.FAMILY}-{face}.woff2", packed)
    yield model.Output(f"{folder}/OFL.txt", _template(site.material.templates, f"{folder}/OFL.txt"))


@functools.cache
def _packed(font: bytes) -> bytes:
    """Turn TTF into WOFF2: the same bytes each time. Kept, because it takes a quarter of a second a face."""
    file = fontTools.ttLib.TTFont(io.BytesIO(font), recalcTimestamp=False)
    file.flavor = "woff2"
    out = io.BytesIO()
    file.save(out, reorderTables=False)
    return out.getvalue()


def _template(templates: Path, name: str) -> bytes:
    path = templates / name
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise errors.RenderProblem(msg, hint=f"restore the shipped templates/{name}") from error


def _for_machines(site: _Site) -> Iterator[model.Output]:
    """Yield the feed of articles, the site map, and what search engines may visit."""
    articles = [entry.article for entry in _newest_first(site.entries.values())]
    dates = [article.published for article in articles]
    if dates:
        text = templating.render(site.env, "feed.xml", articles=articles, updated=max(dates))
        yield model.Output("feed.xml", text.encode())
    addresses = ["", "articles/", "book/", "editions/", "privacy/"]
    addresses += [f"articles/{_web.quoted(slug)}/" for slug in site.library.articles]
    addresses += [f"editions/{_web.quoted(spec.slug)}/" for spec in site.editions]
    yield model.Output("sitemap.xml", templating.render(site.env, "sitemap.xml", addresses=addresses).encode())
    yield model.Output("robots.txt", templating.render(site.env, "robots.txt").encode())
