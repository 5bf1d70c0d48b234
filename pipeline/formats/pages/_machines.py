"""What pages need and what programs ask for: style, fonts, pictures; feed, site map, robots."""

import functools
import hashlib
import io
from collections.abc import Iterator

import fontTools.ttLib

from pipeline import model, store, templating
from pipeline.formats import _web
from pipeline.formats.pages import _site

MOST_IN_FEED = 50
Place = tuple[str, str]  # an address, and the day of its last change as ISO, or ""


def files(site: _site.Site) -> Iterator[model.Output]:
    """Yield the files."""
    yield model.Output("style.css", site.press.style)
    yield from _pictures(site)
    yield from _fonts(site)
    yield from _feed(site)
    env = site.press.env
    yield model.Output("sitemap.xml", templating.render(env, "sitemap.xml", places=_places(site)).encode())
    yield model.Output("robots.txt", templating.render(env, "robots.txt").encode())


def _pictures(site: _site.Site) -> Iterator[model.Output]:
    """Yield the drawings that public articles use, as they are, the book's cover and the house's mark."""
    used = {entry.article.image for entry in site.entries.values()}
    for slug in site.entries:
        used |= {ref.target for ref in site.press.documents[slug].references if ref.kind == "image"}
    for name in sorted(used):
        yield model.Output(f"images/{name}", site.library.images[name])
    templates = site.material.templates
    colours = templating.tokens(templates)
    cover = templating.render(templating.environment(templates, "book"), "cover.svg", **colours)
    yield model.Output("images/cover.svg", cover.encode())
    yield model.Output("mark.svg", _site.template(templates, "email/mark.svg"))


def _fonts(site: _site.Site) -> Iterator[model.Output]:
    """Yield our own font, packed to a third of its size, and its licence."""
    folder = "fonts"
    for face in _web.FONTS:
        font = _site.template(site.material.templates, f"{folder}/{_web.FAMILY}-{face}.ttf")
        made_of = hashlib.sha256(font).hexdigest()
        packed = store.recall(site.material, "woff", made_of, functools.partial(_packed, font))
        yield model.Output(f"{folder}/{_web.FAMILY}-{face}.woff2", packed)
    yield model.Output(f"{folder}/OFL.txt", _site.template(site.material.templates, f"{folder}/OFL.txt"))


@functools.cache
def _packed(font: bytes) -> bytes:
    """Turn TTF into WOFF2: the same bytes each time. Kept, because it takes a quarter of a second a face."""
    file = fontTools.ttLib.TTFont(io.BytesIO(font), recalcTimestamp=False)
    file.flavor = "woff2"
    out = io.BytesIO()
    file.save(out, reorderTables=False)
    return out.getvalue()


def _changed(site: _site.Site, article: model.Article) -> str:
    """Return the day on which readers last got something else to read: the first, or that of a correction."""
    days = [note.date for note in site.library.corrections if (note.kind, note.slug) == ("article", article.slug)]
    return max([article.published, *days]).isoformat()


def _feed(site: _site.Site) -> Iterator[model.Output]:
    """Yield the feed of the newest articles; without an article there is none."""
    newest = _site.newest_first(site.entries.values())[:MOST_IN_FEED]
    if newest:
        entries = [(entry.article, _changed(site, entry.article)) for entry in newest]
        updated = max(changed for _, changed in entries)
        yield model.Output(
            "feed.xml", templating.render(site.press.env, "feed.xml", entries=entries, updated=updated).encode()
        )


def _places(site: _site.Site) -> list[Place]:
    book = site.library.book
    places = [("", ""), ("articles/", ""), ("book/", book.date.isoformat() if book else ""), ("editions/", "")]
    places += [("join/", ""), ("corrections/", ""), ("privacy/", "")]
    places += [(f"topics/{_web.quoted(topic.slug)}/", "") for topic in site.topics]
    articles = [entry.article for entry in site.entries.values()]
    places += [(f"articles/{_web.quoted(article.slug)}/", _changed(site, article)) for article in articles]
    return places + [(f"editions/{_web.quoted(spec.slug)}/", spec.date.isoformat()) for spec in site.editions]
