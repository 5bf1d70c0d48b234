"""An article's page: who wrote it and who has read it, jump links, the text, its sources, and where to go on."""

import dataclasses
from collections.abc import Iterator, Mapping

from pipeline import markup, model, reach, store
from pipeline.formats import _hypertext, _social
from pipeline.formats.pages import _site


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    """All that one page is made of, besides what every page rests on. `library` holds what the article reaches.

    `entries` are the articles it leads to that are public, by slug; `after` is the one to go on with.
    """

    entry: _site.Entry
    library: model.Library
    entries: Mapping[str, _site.Entry]
    after: _site.Entry | None
    has_feed: bool

    @property
    def made_of(self) -> str:
        """All of it in words."""
        root = self.library.root
        around = [reach.sum_of(entry, root) for entry in (self.entry, self.after)]
        others = {slug: reach.sum_of(entry, root) for slug, entry in self.entries.items()}
        return f"{reach.digest(self.library)}\n{around!r}\n{others!r}\n{self.has_feed}"


def files(site: _site.Site) -> Iterator[model.Output]:
    """Yield each article's page and the picture of its link; refuses what a text uses and the library does not have."""
    order = _order(site)
    places = {entry.article.slug: number for number, entry in enumerate(order)}
    for slug, article in site.library.articles.items():
        after = _next(order, places[slug], article.related)
        yield _page(site, article, after)
        art = site.library.images.get(article.image)
        yield model.Output(_card(slug), _social.picture(article.title, article.topic, art, site.material))


def _order(site: _site.Site) -> list[_site.Entry]:
    """List all articles topic by topic: who always goes on to the next has read each of them."""
    return [entry for topic in site.topics for entry in topic.entries]


def _next(order: list[_site.Entry], place: int, related: tuple[str, ...]) -> _site.Entry | None:
    """Return the article after this one, none that is offered as related anyway; None when there is no other."""
    others = (order[(place + step) % len(order)] for step in range(1, len(order)))
    return next((entry for entry in others if entry.article.slug not in related), None)


def _card(slug: str) -> str:
    return f"social/{slug}.png"


def _page(site: _site.Site, article: model.Article, after: _site.Entry | None) -> model.Output:
    """Make a page, or take it from an earlier day or build: it is the same while all that it is made of is."""
    press = site.press
    reached = press.reached.setdefault(article.slug, reach.article(press.library, article))
    noted = tuple(note for note in site.library.corrections if (note.kind, note.slug) == ("article", article.slug))
    leaf = Leaf(
        entry=site.entries[article.slug],
        library=dataclasses.replace(reached, corrections=noted),
        entries={slug: site.entries[slug] for slug in reached.articles if slug in site.entries},
        after=after,
        has_feed=bool(site.entries),
    )
    made_of = leaf.made_of
    if made_of not in press.kept:
        press.kept[made_of] = store.recall(press.material, "page", made_of, lambda: _made(press, article, leaf))
    return model.Output(f"articles/{article.slug}/index.html", press.kept[made_of])


def _made(press: _site.Press, article: model.Article, leaf: Leaf) -> bytes:
    document = markup.parse(article.body, article.body_line)
    setter = _hypertext.Setter(article.path, leaf.library, "../../", public=leaf.entries)
    body, get_help = setter.text(document), setter.short(article.get_help)
    references = setter.references(press.material.templates)
    related = [setter.known(leaf.library.articles, slug, "related article").slug for slug in article.related]
    values = {
        "article": article,
        "entry": leaf.entry,
        "topic": _site.topic_slug(article.topic),
        "drawing": setter.drawing(article.image),
        "body": body,
        "get_help": get_help,
        "questions": setter.questions(article.questions),
        "words": setter.explained(),
        "references": references,
        "related": [leaf.entries[slug] for slug in related if slug in leaf.entries],
        "after": leaf.after,
        "corrections": leaf.library.corrections,
        "contents": _contents(document, words=bool(setter.words), sources=bool(references)),
        "card": _social.Card(_card(article.slug), f"{press.material.identity.title}: {article.title}", "article"),
        "book": leaf.library.book,
        "has_feed": leaf.has_feed,
    }
    address = f"articles/{article.slug}/"
    return press.page(address, "article.html", article.title, description=article.summary, **values).content


def _contents(document: markup.Document, *, words: bool, sources: bool) -> list[tuple[str, str]]:
    """List the jump links: the text's own headings, then the parts that every article has."""
    own = [(heading.anchor, heading.text) for heading in document.headings if heading.level == 2]  # noqa: PLR2004  h2
    own += [("part_help", "When to get help"), ("part_questions", "Questions to take with you")]
    own += [("part_words", "Words used here")] if words else []
    return own + ([("part_sources", "Sources")] if sources else [])
