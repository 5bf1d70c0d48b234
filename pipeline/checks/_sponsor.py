"""The place of a sponsor in an edition: never beside treatment, and blind to who follows its link."""

import re
from collections.abc import Iterator

from pipeline import markup, model
from pipeline.checks import _texts
from pipeline.checks._check import BLOCK, Check

BESIDE = Check(
    "sponsor-beside-treatment",
    BLOCK,
    "Nobody pays to stand beside words about treatment.",
    "take the sponsor out of this edition, or keep the article for an edition without one",
)
MARKED = Check(
    "sponsor-link-marked",
    BLOCK,
    "A sponsor cannot tell who comes from this list: being on it reveals a diagnosis.",
    "write the plain address of a page, with nothing after a question mark, a semicolon or #",
)
CHECKS = (BESIDE, MARKED)

# Rather a word too many than one too few: a sponsor can always wait for another edition.
_TREATMENT = re.compile(
    r"\b(?:treat\w*|therap\w*|medic(?:in|at)\w*|drugs?|dos(?:es?|ing)|infusions?|inject\w*|tablets?|capsules?|pills?"
    r"|steroids?|vaccin\w*|supplements?|remed(?:y|ies)|cures?|\w{3,}(?:mab|mod|fumarates?|ferons?)|glatiramer|cladribine"
    r"|teriflunomide)\b",
    re.IGNORECASE,
)


def check(spec: model.EditionSpec, library: model.Library, name: str, raw: str) -> Iterator[model.Finding]:
    """Yield what speaks against the sponsor of an edition; `name` and `raw` are its file."""
    if spec.sponsor is None:
        return
    place = (name, _texts.key_line(raw, "sponsor"))
    for where, words in _beside(spec, spec.sponsor, library):
        if found := _TREATMENT.search(words):
            yield BESIDE.at(place, f"the edition has a sponsor, and {where} speaks of treatment: {found[0]!r}")
    if re.search("[?#;]", spec.sponsor.url):
        message = f"the sponsor's address {spec.sponsor.url!r} holds more than a page's address"
        yield MARKED.at(place, message)


def _beside(spec: model.EditionSpec, sponsor: model.Sponsor, library: model.Library) -> Iterator[tuple[str, str]]:
    """Yield what the edition prints, with what it is called."""
    yield "the sponsor's text", f"{sponsor.name}\n{sponsor.text}"
    words = [spec.title, spec.subject, spec.preheader, spec.intro, spec.book.heading, spec.book.text]
    yield "the edition's own text", "\n".join(words)
    for slug in (spec.lead, *spec.read_next):
        if article := library.articles.get(slug):
            words = [article.topic, article.title, article.summary]
            if slug == spec.lead:
                words.append(markup.plain(markup.opening(markup.parse(article.body, article.body_line))))
                words += [library.questions[id_].text for id_ in article.questions if id_ in library.questions]
            yield f"the article {slug!r}", "\n".join(words)
