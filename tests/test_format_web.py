"""The edition behind "View in your browser": the mail's words, whole by itself, with every source."""

import dataclasses
import re
import urllib.parse

import lxml.html
import pytest
import samples
import samples_web

from pipeline import errors, model
from pipeline.formats import email, web

UNREAD = "Not yet medically reviewed. Sources checked on November 22, 2026, by the editorial team."
READ = "Medically reviewed by Dr. Example Reviewer on November 20, 2026."


@pytest.fixture(scope="module")
def outputs() -> dict[str, bytes]:
    made = web.render(samples_web.edition(), samples_web.material())
    return {output.name: output.content for output in made}


@pytest.fixture(scope="module")
def page(outputs: dict[str, bytes]) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(outputs["web/index.html"].decode())


def words(element: lxml.html.HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())


def test_it_says_what_the_mail_says_in_the_mails_order(page: lxml.html.HtmlElement) -> None:
    edition, text = samples_web.edition(), words(page.xpath("//main")[0])
    questions = [question.text for question in samples_web.library().questions.values()]
    short = zip((UNREAD, UNREAD, READ), edition.read_next, strict=True)
    said = [
        "Issue 1 · November 24, 2026",
        edition.spec.title,
        "Welcome to the first issue.",
        edition.lead.title,
        "The spinal cord carries signals",
        f"Read “{edition.lead.title}”",
        UNREAD,
        "Three questions to take with you",
        *questions,
        "Read next",
        *(text for line, article in short for text in (article.title, article.summary, line)),
        edition.spec.book.heading,
        edition.spec.book.text,
        edition.spec.book.button,
        "Did this edition help you?",
    ]
    place = 0
    for part in said:
        place = text.find(part, place)
        assert place >= 0, part
        place += len(part)


def test_every_link_of_the_mail_has_its_counterpart_on_the_page(page: lxml.html.HtmlElement) -> None:
    base = "https://www.example.org/"
    here = f"{base}editions/2026-11-spinal-cord/"
    mail = {o.name: o.content for o in email.render(samples_web.edition(), samples_web.material())}["email.html"]
    offered = {urllib.parse.urljoin(here, str(href)) for href in page.xpath("//a/@href")}
    for href in lxml.html.document_fromstring(mail.decode()).xpath("//a/@href"):
        if str(href) not in {"[[unsubscribe_url]]", here}:
            assert str(href) in offered, href


def test_it_lists_every_source_of_its_articles_once(page: lxml.html.HtmlElement) -> None:
    entries = [words(item) for item in page.xpath("//details//ol/li")]
    assert [entry.split()[1].rstrip(".") for entry in entries] == ["bot2004", "magnims2021", "nice2022", "moss2024"]
    assert words(page.xpath("//summary")[0]) == "This edition cites 4 sources"
    (citation,) = page.xpath("//sup/a")
    assert page.get_element_by_id(citation.get("href").removeprefix("#")).getparent().tag == "ol"


def test_it_needs_no_other_file_for_its_look_and_asks_nobody_else(
    page: lxml.html.HtmlElement, outputs: dict[str, bytes]
) -> None:
    assert not page.xpath("//script | //link[@rel='stylesheet'] | //*[@style]")
    for address in [*page.xpath("//@src"), *re.findall(r"url\(([^)]*)\)", words(page.xpath("//style")[0]))]:
        assert not urllib.parse.urlsplit(str(address).strip('"')).netloc
    (drawing,) = page.xpath("//main//figure/img")
    assert f"web/{drawing.get('src')}" in outputs


def test_it_is_nobodys_own_page(outputs: dict[str, bytes]) -> None:
    html = outputs["web/index.html"].decode()
    assert not any(f"[[{field}]]" in html for field in model.MERGE_FIELDS)
    assert "/u/" not in html


def test_the_same_edition_gives_the_same_bytes(outputs: dict[str, bytes]) -> None:
    again = web.render(samples_web.edition(), samples_web.material())
    assert {output.name: output.content for output in again} == outputs


def test_it_has_no_picture_of_the_same_name_as_the_mail(outputs: dict[str, bytes]) -> None:
    mail = {output.name for output in email.render(samples_web.edition(), samples_web.material())}
    assert not mail & outputs.keys()


def test_words_that_look_like_markup_are_shown_as_words() -> None:
    edition = samples_web.edition()
    spec = dataclasses.replace(edition.spec, title='A <b>bold</b> & "quoted" title', intro="1 < 2 </style><script>")
    made = web.render(dataclasses.replace(edition, spec=spec), samples_web.material())
    page = lxml.html.document_fromstring(made[0].content.decode())
    assert words(page.xpath("//h1")[0]) == 'A <b>bold</b> & "quoted" title'
    assert not page.xpath("//script")


def test_a_drawing_that_is_not_there_is_refused_with_the_edition_named() -> None:
    library = dataclasses.replace(samples_web.library(), images={})
    material = dataclasses.replace(samples.sample_material(), library=library)
    with pytest.raises(errors.RenderProblem, match=r"2026-11-spinal-cord\.toml uses the drawing"):
        web.render(samples_web.edition(), material)
