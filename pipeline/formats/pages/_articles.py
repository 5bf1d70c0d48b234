"""An article's page: who wrote it and who has read it, jump links, the text, its sources, and where to go on."""

from collections.abc import Iterator

from pipeline import markup, model
from pipeline.formats import _hypertext, _social
from pipeline.formats.pages import _site


def files(site: _site.Site) -> Iterator[model.Output]:
    """Yield each article's page and the picture of its link; refuses what a text uses and the library does not have."""
    order = _order(site)
    for slug, entry in site.entries.items():
        yield from _kept(site, entry, _next(order, slug, entry.article.related))


def _order(site: _site.Site) -> list[_site.Entry]:
    """List all articles topic by topic: who always goes on to the next has read each of them."""
    return [entry for topic in site.topics for entry in topic.entries]


def _next(order: list[_site.Entry], slug: str, related: tuple[str, ...]) -> _site.Entry | None:
    """Return the article after this one, none that is offered as related anyway; None when there is no other."""
    place = next(number for number, entry in enumerate(order) if entry.article.slug == slug)
    others = [*order[place + 1 :], *order[:place]]
    fresh = (entry for entry in others if entry.article.slug not in related)
    return next(fresh, None)


def _kept(site: _site.Site, entry: _site.Entry, after: _site.Entry | None) -> tuple[model.Output, ...]:
    """Make an article's files, or take those of an earlier day: they are the same while what they lead to is."""
    article, document = entry.article, site.press.documents[entry.article.slug]
    references = (*document.references, *markup.parse(article.get_help).references)
    linked = {reference.target for reference in references if reference.kind == "article"}
    leads_to = frozenset((linked | {*article.related}) & site.entries.keys())
    noted = tuple(note for note in site.library.corrections if (note.kind, note.slug) == ("article", article.slug))
    key = ("article", article.slug, leads_to, after.article.slug if after else "", noted)
    if key not in site.press.kept:
        art = site.press.library.images.get(article.image)
        card = model.Output(_card(article), _social.picture(article.title, article.topic, art, site.material))
        site.press.kept[key] = (_page(site, entry, after, noted), card)
    return site.press.kept[key]


def _card(article: model.Article) -> str:
    return f"social/{article.slug}.png"


def _page(
    site: _site.Site, entry: _site.Entry, after: _site.Entry | None, noted: tuple[model.Correction, ...]
) -> model.Output:
    article, document = entry.article, site.press.documents[entry.article.slug]
    setter = _hypertext.Setter(article.path, site.press.library, "../../", public=site.library.articles)
    body, get_help = setter.text(document), setter.short(article.get_help)
    references = setter.references(site.material.templates)
    related = [setter.known(site.press.library.articles, slug, "related article").slug for slug in article.related]
    values = {
        "article": article,
        "entry": entry,
        "topic": _site.topic_slug(article.topic),
        "drawing": setter.drawing(article.image),
        "body": body,
        "get_help": get_help,
        "questions": setter.questions(article.questions),
        "words": setter.explained(),
        "references": references,
        "related": [site.entries[slug] for slug in related if slug in site.entries],
        "after": after,
        "corrections": noted,
        "contents": _contents(document, words=bool(setter.words), sources=bool(references)),
        "card": _social.Card(_card(article), f"{site.material.identity.title}: {article.title}", "article"),
    }
    address = f"articles/{article.slug}/"
    return site.page(address, "article.html", article.title, description=article.summary, **values)


def _contents(document: markup.Document, *, words: bool, sources: bool) -> list[tuple[str, str]]:
    """List the jump links: the text's own headings, then the parts that every article has."""
    own = [(heading.anchor, heading.text) for heading in document.headings if heading.level == 2]  # noqa: PLR2004  h2
    own += [("part_help", "When to get help"), ("part_questions", "Questions to take with you")]
    own += [("part_words", "Words used here")] if words else []
    return own + ([("part_sources", "Sources")] if sources else [])
