"""The digest before it is HTML or text: its articles parsed and counted, its addresses made, its fixed words read."""

import dataclasses
import tomllib
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from pipeline import errors, markup, model, templating
from pipeline.formats import _words

WORDS = "email/words.toml"  # below templates/; the mail and its text part say the same


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One article of the digest, with what is said about it."""

    article: model.Article
    document: markup.Document
    url: str
    review: str

    @property
    def sources(self) -> int:
        """Number of sources the article cites."""
        return len(self.document.citations)


@dataclasses.dataclass(frozen=True, slots=True)
class Digest:
    """Everything a digest prints, in words; addresses are absolute."""

    edition: model.EditionSpec
    identity: model.Identity
    words: Mapping[str, str]
    date: str
    intro: markup.Document
    lead: Entry
    read_next: tuple[Entry, ...]
    questions: tuple[str, ...]
    sources: int
    page_url: str
    book_url: str
    yes_url: str
    no_url: str
    privacy_url: str


def digest(edition: model.Edition, material: model.Material) -> Digest:
    """Put the digest together; refuses a question that is not in the bank, and words that are missing."""
    base, spec = material.identity.base_url, edition.spec
    slug = urllib.parse.quote(spec.slug)
    entries = tuple(_entry(article, base) for article in edition.articles)
    return Digest(
        edition=spec,
        identity=material.identity,
        words=_read_words(material.templates),
        date=templating.day(spec.date),
        intro=markup.parse(spec.intro),
        lead=entries[0],
        read_next=entries[1:],
        questions=_questions(edition.lead, material.library),
        sources=len({id_ for entry in entries for id_ in entry.document.citations}),
        page_url=f"{base}/editions/{slug}/",
        book_url=f"{base}/book/",
        yes_url=f"{base}/helpful/{slug}/yes",
        no_url=f"{base}/helpful/{slug}/no",
        privacy_url=f"{base}/privacy/",
    )


def link_url(base_url: str, scheme: str, target: str) -> str:
    """Return the web address of a link as the Markdown names it: an article, a chapter, or an address itself."""
    if scheme == "article":
        return f"{base_url}/articles/{urllib.parse.quote(target)}/"
    return f"{base_url}/book/" if scheme == "chapter" else target


def with_merge_fields(text: str, name: str, template: str) -> str:
    """Return `text` unchanged; refuse it unless each reader's own fields stand in it exactly once.

    `template` is the one below templates/ that has them.
    """
    for field in model.MERGE_FIELDS:
        found = text.count(f"[[{field}]]")
        if found != 1:
            place = "" if found else f"templates/{template}: "
            msg = f"{place}{name} holds [[{field}]] {found} times; it must stand there once, in the footer"
            raise errors.RenderProblem(msg, hint="restore the footer of the template, or take it out of the text")
    return text


def _entry(article: model.Article, base_url: str) -> Entry:
    return Entry(
        article=article,
        document=markup.parse(article.body, article.body_line),
        url=link_url(base_url, "article", article.slug),
        review=_words.review_line(article),
    )


def _questions(article: model.Article, library: model.Library) -> tuple[str, ...]:
    missing = [id_ for id_ in article.questions if id_ not in library.questions]
    if missing:
        msg = f"{article.path}: there is no question {', '.join(missing)} in questions.toml"
        raise errors.RenderProblem(msg, hint="write an id of the question bank")
    return tuple(library.questions[id_].text for id_ in article.questions)


def _read_words(templates: Path) -> Mapping[str, str]:
    path = templates / WORDS
    try:
        words = templating.toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read {path}: {error}"
        raise errors.RenderProblem(msg, hint=f"restore the shipped templates/{WORDS}") from error
    for key, value in words.items():
        try:
            str(value).format(number=1, minutes=1, count=1, title="", name="")
        except (KeyError, IndexError, ValueError) as error:
            msg = f"{path}: {key} has a brace that means nothing: {value!r}"
            hint = "keep {number}, {minutes}, {count}, {title} or {name} as they were; write a brace itself twice: {{"
            raise errors.RenderProblem(msg, hint=hint) from error
    return words
