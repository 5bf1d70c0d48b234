"""Pages that lead on: home, all articles, one page for each topic, and the past issues with each issue itself."""

from collections.abc import Iterator

from pipeline import model
from pipeline.formats import _issue, _social
from pipeline.formats.pages import _site

MOST_ON_HOME = 6  # articles beside the lead on the home page
MOST_OF_TOPIC = 6  # articles of a topic on the page of all topics; the topic's own page has all of them
PROMISE = "Plain facts about multiple sclerosis with their sources, questions for your appointments, and a book."


def files(site: _site.Site) -> Iterator[model.Output]:
    """Yield the pages."""
    yield _home(site)
    yield model.Output(_site.HOME_CARD, _social.picture("Plain facts about MS", "", None, site.material))
    yield _topics(site)
    for topic in site.topics:
        yield _topic(site, topic)
    description = "Every issue of the mail, to read without an address."
    yield site.page("editions/", "editions.html", "Past issues", description=description, editions=site.editions)
    for spec in site.editions:
        yield from _issue_files(site, spec)


def _home(site: _site.Site) -> model.Output:
    """The lead is the newest issue's; without an issue, the newest article."""
    entries = _site.newest_first(site.entries.values())
    newest = site.editions[0] if site.editions else None
    lead = site.entries.get(newest.lead) if newest else None
    lead = lead or next(iter(entries), None)
    others = [entry for entry in entries if entry is not lead][:MOST_ON_HOME]
    title = site.material.identity.title
    values = {"lead": lead, "others": others, "edition": newest, "topics": site.topics}
    return site.page("", "home.html", title, description=PROMISE, **values)


def _topics(site: _site.Site) -> model.Output:
    values = {"topics": site.topics, "most": MOST_OF_TOPIC}
    return site.page("articles/", "articles.html", "All articles", description="Every article by topic.", **values)


def _topic(site: _site.Site, topic: _site.Topic) -> model.Output:
    description = f"Every article on this topic: {topic.name}."
    return site.page(f"topics/{topic.slug}/", "topic.html", topic.name, description=description, topic=topic)


def _issue_files(site: _site.Site, spec: model.EditionSpec) -> Iterator[model.Output]:
    """Yield the issue's page as `web` makes it; one whose articles have faults is left out: a check has told why."""
    known = site.library.articles
    if not {spec.lead, *spec.read_next} <= known.keys():
        return
    if spec.slug not in site.press.issues:
        edition = model.Edition(spec, known[spec.lead], tuple(known[slug] for slug in spec.read_next))
        site.press.issues[spec.slug] = _issue.files(edition, site.material)
    for name, content in site.press.issues[spec.slug].items():
        yield model.Output(f"editions/{spec.slug}/{name}", content)
