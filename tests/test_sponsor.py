"""The place of a sponsor: off unless an edition names one, marked, the same for everybody, never beside treatment."""

import dataclasses
import re

import lxml.html
import pytest
import samples

from pipeline import content, model
from pipeline.checks import _sponsor
from pipeline.formats import email, text, web

URL = "https://www.wikipedia.org/stools"
SPONSOR = model.Sponsor("Example <Chairs> & Sons", "Stools with a back & arms {{ x }}. Try one at home.", URL)
MATERIAL, PLAIN = samples.sample_material(), samples.sample_edition()
QUIET = model.Sponsor("Example Chairs", "Stools with a back.", URL)


def sponsored(sponsor: model.Sponsor | None = SPONSOR) -> model.Edition:
    return dataclasses.replace(PLAIN, spec=dataclasses.replace(PLAIN.spec, sponsor=sponsor))


def made(edition: model.Edition) -> dict[str, str]:
    """Return the three forms of a digest that are read: mail, text part and web page."""
    outputs = [*email.render(edition, MATERIAL), *text.render(edition, MATERIAL), *web.render(edition, MATERIAL)]
    return {out.name: out.content.decode() for out in outputs if out.name.endswith((".html", ".txt"))}


def words(html: str) -> str:
    return " ".join(str(lxml.html.document_fromstring(html).text_content()).split())


def test_no_edition_of_ours_has_a_sponsor_and_none_is_printed_without_one() -> None:
    library, _ = content.load(samples.ROOT / "content")
    assert library.editions
    assert [spec.slug for spec in library.editions.values() if spec.sponsor] == []
    assert not any("ponsor" in re.sub(r"<style.*?</style>", "", form, flags=re.DOTALL) for form in made(PLAIN).values())


def test_a_sponsor_is_named_as_one_in_every_form_after_all_else_that_is_read() -> None:
    forms = made(sponsored())
    assert set(forms) == {"email.html", "email.txt", "web/index.html"}
    for name, form in forms.items():
        said = words(form) if name.endswith(".html") else " ".join(form.split())
        label = said.index("Sponsor of this edition: Example <Chairs> & Sons")
        note, own = said.index("This is a paid message."), said.index("Stools with a back & arms {{ x }}.")
        assert said.rindex(PLAIN.spec.book.button) < label < note < own < said.rindex("Did this edition help you?")


def test_a_sponsor_adds_one_plain_link_and_no_picture() -> None:
    with_one, without = made(sponsored()), made(PLAIN)
    for name in ("email.html", "web/index.html"):
        page, before = (lxml.html.document_fromstring(form[name]) for form in (with_one, without))
        assert [link.get("href") for link in page.iter("a") if "wikipedia" in str(link.get("href"))] == [URL]
        assert len(list(page.iter("a"))) == len(list(before.iter("a"))) + 1
        assert len(list(page.iter("img"))) == len(list(before.iter("img")))
    assert with_one["email.txt"].count(URL) == 1


def test_the_page_of_a_sponsored_edition_does_not_promise_to_have_no_advertisements() -> None:
    assert "No advertisements" in made(PLAIN)["web/index.html"]
    page = words(made(sponsored())["web/index.html"])
    assert "No advertisements" not in page
    assert "One sponsor, named above." in page


def found(spec: model.EditionSpec, library: model.Library = MATERIAL.library) -> list[str]:
    raw = 'title = "x"\n\n[sponsor]\nname = "x"\n'
    findings = list(_sponsor.check(spec, library, "content/editions/x.toml", raw))
    assert {(finding.file, finding.line) for finding in findings} <= {("content/editions/x.toml", 3)}
    return [finding.message for finding in findings]


def calm() -> tuple[model.EditionSpec, model.Library]:
    """Return an edition with a sponsor, and its library, none of which speaks of treatment."""
    library = dataclasses.replace(
        MATERIAL.library,
        articles={
            slug: dataclasses.replace(article, topic="Life", title="Rest", summary="How to rest.", body="Rest.\n")
            for slug, article in MATERIAL.library.articles.items()
        },
        questions={
            id_: dataclasses.replace(question, text="When can I rest?")
            for id_, question in MATERIAL.library.questions.items()
        },
    )
    return sponsored(QUIET).spec, library


def test_an_edition_without_treatment_may_have_a_sponsor() -> None:
    assert found(*calm()) == []


@pytest.mark.parametrize("place", ["topic", "title", "summary", "body"])
@pytest.mark.parametrize("word", ["Treatment", "a new medicine", "ocrelizumab", "siponimod", "vaccines", "Drugs"])
def test_a_sponsor_never_stands_beside_an_article_about_treatment(place: str, word: str) -> None:
    spec, library = calm()
    article = dataclasses.replace(library.articles[spec.lead], **{place: f"About {word}."})
    (message,) = found(spec, dataclasses.replace(library, articles={**library.articles, spec.lead: article}))
    assert spec.lead in message
    assert word.rpartition(" ")[2] in message


@pytest.mark.parametrize("field", ["title", "subject", "preheader", "intro"])
def test_a_sponsor_never_stands_beside_an_edition_that_speaks_of_treatment(field: str) -> None:
    spec, library = calm()
    (message,) = found(dataclasses.replace(spec, **{field: "New treatments"}), library)
    assert "the edition's own text" in message


def test_a_sponsor_does_not_speak_of_treatment_nor_do_the_questions() -> None:
    spec, library = calm()
    (message,) = found(dataclasses.replace(spec, sponsor=dataclasses.replace(QUIET, text="A better pill.")), library)
    assert "the sponsor's text" in message
    first = library.articles[spec.lead].questions[0]
    asked = {**library.questions, first: dataclasses.replace(library.questions[first], text="Which drugs help?")}
    (message,) = found(spec, dataclasses.replace(library, questions=asked))
    assert "'drugs'" in message


@pytest.mark.parametrize("end", ["?from=digest", "#digest", ";id=7", "?"])
def test_a_sponsor_cannot_tell_from_the_address_who_came_from_this_list(end: str) -> None:
    spec, library = calm()
    marked = dataclasses.replace(spec, sponsor=dataclasses.replace(QUIET, url=f"{URL}{end}"))
    messages = found(marked, library)
    assert [message.startswith("the sponsor's address") for message in messages] == [True]
