import dataclasses
import datetime as dt
import hashlib
import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import colours
import hypothesis
import hypothesis.strategies as st
import lxml.html
import pytest
import samples

from pipeline import errors, mjml, model, templating
from pipeline.formats import email

EDITION = samples.sample_edition()
MATERIAL = samples.sample_material()
BASE = "https://www.example.org"
PAGE = f"{BASE}/editions/2026-11-spinal-cord/"


def with_lead(**changes: object) -> model.Edition:
    return dataclasses.replace(EDITION, lead=dataclasses.replace(EDITION.lead, **changes))


def html_of(edition: model.Edition = EDITION, material: model.Material = MATERIAL) -> str:
    return mjml.to_html(email.mjml_source(edition, material))


def page_of(edition: model.Edition = EDITION, material: model.Material = MATERIAL) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(html_of(edition, material))


def words(element: lxml.html.HtmlElement) -> str:
    return squeezed(element.text_content())


def apart(page: lxml.html.HtmlElement) -> str:
    """Return all words that are seen, with a space where an element begins or ends."""
    return squeezed(" ".join(page.xpath("//body//text()"))).replace(" .", ".")


def squeezed(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


@pytest.fixture(scope="module")
def outputs() -> dict[str, bytes]:
    return {output.name: output.content for output in email.render(EDITION, MATERIAL)}


@pytest.fixture(scope="module")
def page(outputs: dict[str, bytes]) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(outputs["email.html"].decode("ascii"))


# --- outputs ----------------------------------------------------------------------


def test_it_writes_the_mail_its_head_and_two_sizes_of_every_drawing(outputs: dict[str, bytes]) -> None:
    drawings = {f"images/{a.slug}-{width}.png" for a in EDITION.articles for width in (600, 1200)}
    assert set(outputs) == {"email.html", "message.json", "images/mark-84.png"} | drawings
    assert all(outputs[name].startswith(b"\x89PNG") for name in drawings)


def test_the_same_edition_gives_the_same_bytes(outputs: dict[str, bytes]) -> None:
    assert {output.name: output.content for output in email.render(EDITION, MATERIAL)} == outputs


def test_the_head_of_the_mail_is_sorted_json(outputs: dict[str, bytes]) -> None:
    record = json.loads(outputs["message.json"])
    assert list(record) == sorted(record)
    assert record == {
        "edition": "2026-11-spinal-cord",
        "list_id": "digest.example.org",
        "preheader": "Three questions for your next visit, and why tired is not the word.",
        "sender": "digest@example.org",
        "sender_name": "Navigating Your Care",
        "subject": "What a second scan can add to the picture",
        "title": "The spine deserves a look of its own",
    }


def test_the_mail_is_far_below_the_size_at_which_gmail_cuts_it(outputs: dict[str, bytes]) -> None:
    assert len(outputs["email.html"]) < 60_000


def test_the_templates_it_names_exist() -> None:
    assert all((MATERIAL.templates / name).exists() for name in email.TEMPLATES)
    assert email.KIND == "edition"


# --- what a mail program needs --------------------------------------------------------


def test_the_html_is_ascii_and_its_outlook_comments_are_balanced(outputs: dict[str, bytes]) -> None:
    html = outputs["email.html"].decode("ascii")
    assert html.count("<!--[if") == html.count("<![endif]") > 10


def test_language_direction_title_and_article_role_are_set(page: lxml.html.HtmlElement) -> None:
    assert (page.get("lang"), page.get("dir")) == ("en", "ltr")
    assert page.xpath("//title/text()") == ["The spine deserves a look of its own"]
    assert len(page.xpath("//*[@role='article'][@lang='en'][@dir='ltr']")) == 1


def test_an_arabic_publication_runs_from_right_to_left() -> None:
    identity = dataclasses.replace(MATERIAL.identity, language="ar")
    page = page_of(material=dataclasses.replace(MATERIAL, identity=identity))
    assert (page.get("lang"), page.get("dir")) == ("ar", "rtl")
    assert not page.xpath("//*[@align='left'] | //*[contains(@style, 'text-align:left')]/p")
    assert "direction:rtl" in page.xpath("//h1/ancestor::td/@style")[0]


def test_layout_tables_are_silent_for_screen_readers(page: lxml.html.HtmlElement) -> None:
    assert page.xpath("//table")
    assert not page.xpath("//table[not(@role='presentation')]")


def test_headings_are_real_and_skip_no_level(page: lxml.html.HtmlElement) -> None:
    headings = [(element.tag, words(element)) for element in page.iter("h1", "h2", "h3")]
    assert headings == [
        ("h1", "The spine deserves a look of its own"),
        ("h2", EDITION.lead.title),
        ("h3", "Three questions to take with you"),
        ("h2", "Read next"),
        *(("h3", article.title) for article in EDITION.read_next),
        ("h2", "The book to keep beside you"),
        ("h2", "Did this edition help you?"),
    ]


def test_every_picture_has_words_or_says_nothing_and_is_one_of_the_outputs(
    page: lxml.html.HtmlElement, outputs: dict[str, bytes]
) -> None:
    assert page.xpath("//img/@alt") == ["", EDITION.lead.image_alt]
    for source in page.xpath("//img/@src"):
        assert source.removeprefix(PAGE) in outputs


def test_nothing_is_fetched_from_elsewhere_and_no_link_bears_a_mark(outputs: dict[str, bytes]) -> None:
    html = outputs["email.html"].decode()
    page = lxml.html.document_fromstring(html)
    assert not page.xpath("//script | //iframe | //form | //link | //@background | //@srcset")
    assert "url(" not in html
    assert "@import" not in html
    for link in page.xpath("//a/@href"):
        parts = urlsplit(link)
        assert link in {"[[unsubscribe_url]]", "mailto:editors@example.org"} or parts.netloc == "www.example.org"
        assert not parts.query
        assert not parts.fragment


def test_the_only_merge_field_is_a_visible_unsubscribe_link(outputs: dict[str, bytes]) -> None:
    html = outputs["email.html"].decode()
    assert re.findall(r"\[\[.*?\]\]", html) == ["[[unsubscribe_url]]"]
    link = lxml.html.document_fromstring(html).xpath("//a[@href='[[unsubscribe_url]]']")[0]
    assert words(link) == "Unsubscribe"
    assert not link.xpath("ancestor::*[contains(@style, 'display:none')]")


def test_a_merge_field_in_the_text_is_refused() -> None:
    with pytest.raises(errors.RenderProblem, match=r"holds \[\[unsubscribe_url\]\] 3 times"):
        email.render(with_lead(title="[[unsubscribe_url]]"), MATERIAL)


def test_no_text_is_smaller_than_16_pixels(page: lxml.html.HtmlElement) -> None:
    for element in page.xpath("//body//*[text()]"):
        if not any(text.strip() for text in element.xpath("text()")):
            continue
        styles = [s for e in (element, *element.iterancestors()) if (s := e.get("style")) and "font-size" in s]
        size = re.findall(r"font-size:\s*(\d+)px", styles[0])[-1]
        assert int(size) >= 16 or "display:none" in styles[0], words(element)


def test_the_preheader_stands_first_in_ink_and_keeps_the_rest_out_of_the_inbox(page: lxml.html.HtmlElement) -> None:
    hidden = page.xpath("//body//div[contains(@style, 'display:none')]")[0]
    assert words(page.xpath("//body")[0]).startswith("Three questions for your next visit")
    assert "color:#1d2b36" in hidden.get("style")
    assert len(hidden.text_content()) > 200


def test_it_looks_the_same_where_a_mail_program_drops_the_style_element(page: lxml.html.HtmlElement) -> None:
    for element in page.iter("h1", "h2", "h3", "p", "ul"):
        assert "margin" in element.get("style"), lxml.html.tostring(element)
    assert all("color" in link.get("style") for link in page.iter("a"))


def test_every_pair_of_colours_that_is_used_has_a_contrast_of_seven_to_one() -> None:
    tokens = templating.tokens(MATERIAL.templates)
    for palette in (tokens["light"], tokens["dark"]):
        for text, ground in (("ink", "paper"), ("ink", "card"), ("ink", "tint"), ("mute", "paper"), ("mute", "card")):
            assert colours.contrast(palette[text], palette[ground]) >= 7, (text, ground)
        for ground in ("paper", "card"):
            assert colours.contrast(palette["brand"], palette[ground]) >= 7
        assert colours.contrast(palette["button_ink"], palette["button"]) >= 7
    assert colours.contrast(tokens["light"]["button_ink"], tokens["light"]["brand"]) >= 7


# --- what a reader gets ---------------------------------------------------------------


def test_it_says_who_when_and_what_first(page: lxml.html.HtmlElement) -> None:
    text = apart(page)
    assert "Navigating Your MS Care Issue 1 · November 24, 2026 The spine deserves a look of its own" in text


def test_the_lead_article_is_printed_up_to_its_first_heading(page: lxml.html.HtmlElement) -> None:
    text = words(page)
    assert "Diagnosis · 1 min read" in text
    assert "More than half of them sit in the neck." in text
    assert "What does a cord lesion do?" not in text


def test_links_of_the_markdown_lead_to_the_web_site() -> None:
    body = "See [a](article:heat-and-symptoms), [b](chapter:what-ms-is), [c](https://www.nhs.uk/) and [d](term:lesion)."
    page = page_of(with_lead(body=body))
    links = {words(link): link.get("href") for link in page.iter("a")}
    assert links["a"] == f"{BASE}/articles/heat-and-symptoms/"
    assert links["b"] == f"{BASE}/book/"
    assert links["c"] == "https://www.nhs.uk/"
    assert "d" not in links


def test_a_citation_leaves_no_mark_and_no_gap_but_a_count_with_a_link(page: lxml.html.HtmlElement) -> None:
    assert "and lesions in it are common." in words(page)
    text = apart(page)
    assert "Sources: 3. See them in the article" in text
    assert "This edition cites 4 sources. See the list on the web page" in text
    assert "bot2004" not in lxml.html.tostring(page).decode()


def test_one_source_is_not_called_sources() -> None:
    edition = dataclasses.replace(with_lead(body="Said once [@bot2004]."), read_next=())
    assert "This edition cites one source." in words(page_of(edition))


def test_callouts_tables_drawings_and_headings_inside_the_opening_are_readable() -> None:
    body = (
        '::: note A word first\nInside.\n:::\n\n![What it shows](image:x.svg "A caption.")\n\n'
        "::: table Two things\n| A | B |\n|---|---|\n| 1 | 2 |\n:::\n"
    )
    page = page_of(with_lead(body=body))
    text = words(page)
    for part in ("A word first", "Inside.", "A caption.", "Two things"):
        assert part in text
    assert [th.get("scope") for th in page.iter("th")] == ["col", "col"]


def test_the_questions_are_a_list_to_tick(page: lxml.html.HtmlElement) -> None:
    items = page.xpath("//*[@role='list']/*[@role='listitem']")
    assert [words(item).strip(" \u00a0") for item in items] == [q.text for q in MATERIAL.library.questions.values()]


def test_every_link_names_where_it_goes(page: lxml.html.HtmlElement) -> None:
    links = [(words(link), link.get("href")) for link in page.iter("a")]
    assert (f"Read “{EDITION.lead.title}”", f"{BASE}/articles/ms-and-your-spinal-cord/") in links
    assert ("Tired is not the word", f"{BASE}/articles/fatigue-more-than-tired/") in links
    assert ("View in your browser", PAGE) in links
    assert ("Download the book", f"{BASE}/book/") in links
    assert ("Yes, it helped", f"{BASE}/helpful/2026-11-spinal-cord/yes") in links
    assert ("No, it did not", f"{BASE}/helpful/2026-11-spinal-cord/no") in links
    assert ("Privacy", f"{BASE}/privacy/") in links
    assert not {text.lower() for text, _ in links} & {"", "here", "click here", "read more", "more", "link"}


def test_the_footer_says_what_this_is_why_it_came_and_from_whom(page: lxml.html.HtmlElement) -> None:
    text = words(page)
    assert "General education, not medical advice, not for emergencies." in text
    assert "You get this mail because you asked for it" in text
    assert "Example Patient Education Trust" in text
    assert "1 Example Street, Example Town, EX 00000" in text


def test_every_article_that_nobody_has_reviewed_says_so_the_short_reads_too(page: lxml.html.HtmlElement) -> None:
    line = "Not yet medically reviewed. Sources checked on November 22, 2026, by the editorial team."
    assert words(page).count(line) == len(EDITION.articles) == 4


def test_a_review_is_printed_only_while_the_text_is_the_one_that_was_read() -> None:
    digest = hashlib.sha256(EDITION.lead.body.encode()).hexdigest()
    review = model.Review("Dr A. Example", dt.date(2026, 11, 20), digest)
    reviewed = words(page_of(with_lead(review=review)))
    assert "Medically reviewed by Dr A. Example on November 20, 2026." in reviewed
    assert reviewed.count("Not yet medically reviewed") == len(EDITION.read_next)
    changed = words(page_of(with_lead(review=review, body=EDITION.lead.body + "\nOne more sentence.\n")))
    assert "Medically reviewed by" not in changed
    assert changed.count("Not yet medically reviewed.") == len(EDITION.articles)


def test_an_edition_with_a_lead_alone_has_no_empty_list() -> None:
    assert "Read next" not in words(page_of(dataclasses.replace(EDITION, read_next=())))


def test_a_missing_drawing_is_told_with_the_article_that_names_it() -> None:
    with pytest.raises(
        errors.RenderProblem, match=r"ms-and-your-spinal-cord\.md: .* no drawing content/images/no\.svg"
    ):
        email.render(with_lead(image="no.svg"), MATERIAL)


def test_a_missing_question_is_told_with_the_article_that_names_it() -> None:
    with pytest.raises(errors.RenderProblem, match=r"ms-and-your-spinal-cord\.md: there is no question mri-no"):
        email.render(with_lead(questions=("mri-no",)), MATERIAL)


def test_missing_templates_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(errors.RenderProblem, match=r"cannot read .*words\.toml"):
        email.mjml_source(EDITION, dataclasses.replace(MATERIAL, templates=tmp_path))


def changed_templates(folder: Path, name: str, old: str, new: str) -> model.Material:
    """Return the material with one word of one template changed."""
    templates = folder / "templates"
    shutil.copytree(MATERIAL.templates, templates)
    text = (templates / name).read_text(encoding="utf-8")
    assert old in text
    (templates / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return dataclasses.replace(MATERIAL, templates=templates)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("email/words.toml", "{title}", "{titel}", r"words\.toml: read has a brace that means nothing"),
        ("email/words.toml", 'privacy = "', 'private = "', r"blocks/footer\.mjml\.j2:\d+: .*privacy"),
        ("tokens.toml", "[light]", "[lite]", r"blocks/head\.mjml\.j2:\d+: 'light' is undefined"),
        ("email/blocks/lead.mjml.j2", "{% endif %}", "", r"blocks/lead\.mjml\.j2:\d+: "),
        ("email/blocks/head.mjml.j2", "</mj-head>", "", r"email/blocks/head\.mjml\.j2:1:1: <mj-head> is never"),
        ("email/blocks/footer.mjml.j2", "[[unsubscribe_url]]", "https://x.org/", r"\[\[unsubscribe_url\]\] 0 times"),
    ],
)
def test_a_slip_in_a_template_is_told_with_its_place(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    with pytest.raises(errors.RenderProblem, match=message):
        email.render(EDITION, changed_templates(tmp_path, name, old, new))


# --- any words ------------------------------------------------------------------------

NASTY = [
    "He said \"no\" & 'yes' <b>twice</b>",
    "two\nlines\r\nand\ttabs",
    "10\u00a0mg \u2192 fi\u200dn \U0001f469\u200d\u2695\ufe0f \U0001f9e0",
    "{{ reader }} {% raw %} {# x #} [[other]] ${x}",
    "<script>alert(1)</script><!--[if mso]><![endif]-->-->]]>",
    '" onerror="alert(1)" x="',
    "</mj-text></mj-column><mj-raw><script>",
    '\\n \\u{a0} \\" \\',
    "مرحبا हिन्दी Việt e\u0301\u0323",
    "x" * 10_000,
    "\U0001f9e0\u200d" * 5_000,
]
ANY = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=80),
)


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(st.fixed_dictionaries(dict.fromkeys(("title", "alt", "summary", "question", "preheader"), ANY)))
@hypothesis.example(dict.fromkeys(("title", "alt", "summary", "question", "preheader"), NASTY[5]))
@hypothesis.example(dict.fromkeys(("title", "alt", "summary", "question", "preheader"), NASTY[9]))
@hypothesis.example(dict.fromkeys(("title", "alt", "summary", "question", "preheader"), NASTY[10]))
def test_any_words_reach_the_reader_unchanged_and_nothing_is_injected(said: dict[str, str]) -> None:
    edition = dataclasses.replace(
        with_lead(title=said["title"], image_alt=said["alt"]),
        spec=dataclasses.replace(EDITION.spec, title=said["title"], preheader=said["preheader"]),
        read_next=(dataclasses.replace(EDITION.read_next[0], title=said["title"], summary=said["summary"]),),
    )
    questions = {id_: model.Question(id_, "mri", said["question"]) for id_ in EDITION.lead.questions}
    library = dataclasses.replace(MATERIAL.library, questions=questions)
    html = html_of(edition, dataclasses.replace(MATERIAL, library=library))
    page = lxml.html.document_fromstring(html)
    expected = {name: squeezed(text) for name, text in said.items()}
    assert squeezed(page.xpath("//title")[0].text_content()) == expected["title"]
    assert [words(h) for h in page.iter("h1")] == [expected["title"]]
    assert next(words(h) for h in page.iter("h2")) == expected["title"]
    assert [words(h) for h in page.iter("h3")][1] == expected["title"]
    assert squeezed(page.xpath("//img/@alt")[1]) == expected["alt"]
    assert expected["summary"] in words(page)
    assert [words(td) for td in page.xpath("//td[@class='question']")] == [expected["question"]] * 3
    assert words(page.xpath("//body")[0]).startswith(expected["preheader"])
    assert not page.xpath("//script | //@onerror")
    assert html.isascii()
    assert html.count("<!--[if") == html.count("<![endif]")
    assert html.count("[[unsubscribe_url]]") == 1


def test_a_control_character_in_the_words_is_refused_in_a_sentence() -> None:
    with pytest.raises(errors.RenderProblem, match=r"a control character U\+0008"):
        html_of(with_lead(title="a\x08b"))
