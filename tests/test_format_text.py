import dataclasses
import datetime as dt
import hashlib
import re
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import lxml.html
import pytest
import samples

from pipeline import errors, mjml, model
from pipeline.formats import email, text

EDITION = samples.sample_edition()
MATERIAL = samples.sample_material()
BASE = "https://www.example.org"


def text_of(edition: model.Edition = EDITION, material: model.Material = MATERIAL) -> str:
    (output,) = text.render(edition, material)
    assert output.name == "email.txt"
    return output.content.decode("utf-8")


def with_lead(**changes: object) -> model.Edition:
    return dataclasses.replace(EDITION, lead=dataclasses.replace(EDITION.lead, **changes))


def opening_of(body: str) -> str:
    """Return what becomes of a Markdown text in place of the lead article's opening."""
    whole = text_of(with_lead(body=body))
    return whole.split("1 min read\n\n", 1)[1].split("\n\nNot yet medically reviewed", 1)[0]


def one_line(words: str) -> str:
    return re.sub(r"\s+", " ", words)


LONG_URL = "https://www.example.org/" + "very-long-" * 12 + "address/"


def test_no_line_is_longer_than_72_columns_but_an_address() -> None:
    for line in text_of(with_lead(body=f"A [link]({LONG_URL}) that is long.")).split("\n"):
        assert len(line) <= 72 or line.startswith("https://"), line


def test_every_address_stands_on_a_line_of_its_own_and_whole() -> None:
    lines = text_of(with_lead(body=f"A [link]({LONG_URL}) that is long.")).split("\n")
    assert LONG_URL in lines
    for line in lines:
        assert "://" not in line or re.fullmatch(r"https://\S+", line), line


def test_what_a_link_is_for_stands_above_its_address() -> None:
    whole = text_of()
    assert f"View in your browser:\n{BASE}/editions/2026-11-spinal-cord/\n" in whole
    assert f"Read “Tired is not the word”:\n{BASE}/articles/fatigue-more-than-tired/\n" in whole
    assert f"Download the book:\n{BASE}/book/\n" in whole
    assert f"Yes, it helped:\n{BASE}/helpful/2026-11-spinal-cord/yes\n" in whole
    assert f"Privacy:\n{BASE}/privacy/\n" in whole


def test_headings_are_underlined() -> None:
    whole = text_of()
    assert "\nThe spine deserves a look of its own\n====================================\n" in whole
    assert "\nRead next\n---------\n" in whole
    assert "\nTired is not the word\n.....................\n" in whole


def test_a_heading_of_two_lines_is_underlined_as_far_as_the_longer_one() -> None:
    assert text.heading("a " * 40, "-").split("\n") == [("a " * 36).strip(), "a a a a", "-" * 71]


def test_questions_are_a_list_to_tick() -> None:
    lines = [line for line in text_of().split("\n") if line.startswith("[ ] ")]
    assert lines == [f"[ ] {question.text}" for question in MATERIAL.library.questions.values()]


def test_a_question_of_two_lines_hangs_beside_its_box() -> None:
    assert text.item("word " * 16, "[ ] ").split("\n")[1].startswith("    word")


def test_the_unsubscribe_link_and_the_postal_address_are_there() -> None:
    whole = text_of()
    assert "\nUnsubscribe:\n[[unsubscribe_url]]\n" in whole
    assert "Example Patient Education Trust\n1 Example Street, Example Town, EX 00000\n" in whole
    assert "General education, not medical advice, not for emergencies." in whole


def test_a_merge_field_in_the_text_is_refused() -> None:
    with pytest.raises(errors.RenderProblem, match=r"email\.txt holds \[\[unsubscribe_url\]\]"):
        text_of(with_lead(title="[[unsubscribe_url]]"))


def test_it_says_what_the_mail_says() -> None:
    """Compare the words of both parts: whoever reads the text misses nothing but the pictures."""
    page = lxml.html.document_fromstring(mjml.to_html(email.mjml_source(EDITION, MATERIAL)))
    for hidden in page.xpath("//head | //div[contains(@style, 'display:none')]"):
        hidden.getparent().remove(hidden)
    said = {re.sub(r"\W", "", word) for word in " ".join(page.itertext()).split()}
    whole = {re.sub(r"\W", "", word) for word in text_of().split()}
    assert said - whole == set()


def test_every_article_that_nobody_has_reviewed_says_so_the_short_reads_too() -> None:
    line = "Not yet medically reviewed. Sources checked on November 22, 2026, by the editorial team."
    assert one_line(text_of()).count(line) == len(EDITION.articles) == 4


def test_a_review_is_printed_only_while_the_text_is_the_one_that_was_read() -> None:
    review = model.Review(
        "Dr A. Example", dt.date(2026, 11, 20), hashlib.sha256(EDITION.lead.body.encode()).hexdigest()
    )
    assert "Medically reviewed by Dr A. Example on November 20, 2026." in text_of(with_lead(review=review))
    assert "Medically reviewed" not in text_of(with_lead(review=review, body="Another text."))


def test_citations_leave_no_mark_and_no_gap() -> None:
    assert opening_of("They are common [@bot2004; @nice2022].") == "They are common."
    assert "Sources: 2. See them in the article." in text_of(with_lead(body="Common [@bot2004; @nice2022]."))


def test_links_stand_below_their_paragraph() -> None:
    body = "See [what MS is](chapter:what-ms-is) and [heat](article:heat-and-symptoms) about [lesions](term:lesion)."
    assert opening_of(body) == (
        "See what MS is and heat about lesions.\n\n"
        f"what MS is:\n{BASE}/book/\n\nheat:\n{BASE}/articles/heat-and-symptoms/"
    )


def test_lists_hang_and_nest() -> None:
    body = "1. one\n2. two\n   - inner " + "word " * 20 + "\n   - last\n"
    assert opening_of(body) == (
        "1. one\n2. two\n\n   - inner word word word word word word word word word word word word\n"
        "     word word word word word word word word\n   - last"
    )


def test_emphasis_is_words_and_a_hard_break_a_new_line() -> None:
    assert opening_of("One *two* **three** `four`\\\nfive\nsix") == "One two three four\nfive six"


def test_quotes_callouts_and_pictures_are_words() -> None:
    body = '> quoted\n\n::: warning Call today\nIf it is new.\n:::\n\n![alt](image:x.svg "A caption.")\n'
    assert opening_of(body) == "> quoted\n\nCall today\nIf it is new.\n\nA caption."


def test_a_table_is_read_row_by_row_under_its_headings() -> None:
    body = "::: table Two scans\n| Year | Area |\n|---|---|\n| 2025 | Brain |\n| 2026 | [Cord](https://x.org/) |\n:::"
    assert opening_of(body) == ("Two scans\nYear: 2025\nArea: Brain\n\nYear: 2026\nArea: Cord\n\nCord:\nhttps://x.org/")


def test_the_same_edition_gives_the_same_bytes() -> None:
    assert text.render(EDITION, MATERIAL) == text.render(EDITION, MATERIAL)


def test_sections_are_apart_and_no_line_ends_in_space() -> None:
    whole = text_of()
    assert "\n\n\n\n" not in whole
    assert not re.search(r"[ \t]\n", whole)
    assert whole.endswith("/privacy/\n")


def test_the_templates_it_names_exist() -> None:
    assert all((MATERIAL.templates / name).exists() for name in text.TEMPLATES)
    assert text.KIND == "edition"


def test_missing_templates_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(errors.RenderProblem, match=r"cannot read .*words\.toml"):
        text_of(material=dataclasses.replace(MATERIAL, templates=tmp_path))


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(
    st.one_of(
        st.sampled_from(
            ["<script>", "{{ x }}", '"', "a\u00a0b", "\u200d", "x" * 10_000, "two\nlines", "\U0001f9e0" * 99]
        ),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200),
    )
)
def test_any_title_comes_through_letter_for_letter_and_never_too_wide(title: str) -> None:
    whole = text_of(with_lead(title=title))
    letters = re.sub(r"[ \t\r\n]", "", title)
    assert letters in re.sub(r"[ \t\r\n]", "", whole)
    for line in whole.split("\n"):
        assert len(line) <= 72 or "://" in line
