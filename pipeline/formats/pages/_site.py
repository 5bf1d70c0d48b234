"""What the pages of one build share: texts parsed once, templates, and the frame that every page stands in."""

import dataclasses
import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2

from pipeline import errors, markup, model, reach, templating
from pipeline.formats import _social, _web, _words

HOME_CARD = "social/home.png"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """An article as lists show it."""

    article: model.Article
    minutes: int
    review: str
    size: tuple[int, int]  # of its drawing


@dataclasses.dataclass(frozen=True, slots=True)
class Topic:
    """A topic with the articles that are public, newest first."""

    slug: str
    name: str
    entries: tuple[Entry, ...]


class Press:
    """What does not depend on the day, and what several days share."""

    def __init__(self, library: model.Library, material: model.Material) -> None:
        """Parse every text, and read the templates."""
        self.library, self.material = library, material
        self.env: jinja2.Environment = _web.environment(material.templates, material.identity)
        self.style = _web.style(self.env, material.templates).encode()
        self.documents: Mapping[str, markup.Document] = {
            article.slug: markup.parse(article.body, article.body_line) for article in library.articles.values()
        }
        self.reached: dict[str, model.Library] = {}  # by slug, what an article reaches
        self.kept: dict[str, bytes] = {}  # articles' pages, by what they are made of
        self.issues: dict[str, dict[str, bytes]] = {}  # the files of an edition, by slug
        self._minutes = {slug: document.minutes for slug, document in self.documents.items()}

    def entry(self, article: model.Article) -> Entry:
        """Return an article as lists show it: no list shows its text."""
        drawing = self.library.images.get(article.image, b"")
        minutes, review = self._minutes[article.slug], _words.review_line(article)
        return Entry(reach.head(article), minutes, review, _web.size(drawing))

    def page(self, address: str, template: str, title: str, **values: Any) -> model.Output:
        """Fill a template into the page at `address`, which is "" or ends with a slash."""
        shared = {
            "address": address,
            "root": "../" * address.count("/"),
            "title": title,
            "description": "",
            "inline_style": "",
            "style_version": _web.version(self.style),
            "card": _social.Card(HOME_CARD, self.material.identity.title),
        }
        html = templating.render(self.env, template, **{**shared, **values})
        return model.Output(f"{address}index.html", html.encode())


class Site:
    """The site as it is on one day: `library` holds what is public by then."""

    def __init__(self, press: Press, day: dt.date) -> None:
        """Choose what is public."""
        self.press, self.material = press, press.material
        self.library = model.public(press.library, day)
        self.entries = {slug: press.entry(article) for slug, article in self.library.articles.items()}
        self.editions = sorted(self.library.editions.values(), key=lambda spec: spec.number, reverse=True)
        self.topics = _topics(self.entries.values())

    def page(self, address: str, template: str, title: str, **values: Any) -> model.Output:
        """Fill a template that every page of this day shares into the page at `address`."""
        shared = {"book": self.library.book, "has_feed": bool(self.entries)}
        return self.press.page(address, template, title, **{**shared, **values})


def newest_first(entries: Iterable[Entry]) -> list[Entry]:
    """Sort by the day of publication."""
    return sorted(entries, key=lambda entry: entry.article.published, reverse=True)


def _topics(entries: Iterable[Entry]) -> tuple[Topic, ...]:
    """Group by topic, in the order of their names; two spellings with the same address are one topic."""
    found: dict[str, list[Entry]] = {}
    for entry in newest_first(entries):
        found.setdefault(topic_slug(entry.article.topic), []).append(entry)
    made = (Topic(slug, group[0].article.topic, tuple(group)) for slug, group in found.items())
    return tuple(sorted(made, key=lambda topic: topic.name.casefold()))


def topic_slug(name: str) -> str:
    """Return a topic's name as it stands in an address: letters and digits of any script, with single hyphens."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return re.sub(r"[\W_]+", "-", plain).strip("-") or "topic"


def template(templates: Path, name: str) -> bytes:
    """Return a file of templates/ as it is; refuses when it is missing."""
    path = templates / name
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise errors.RenderProblem(msg, hint=f"restore the shipped templates/{name}") from error
