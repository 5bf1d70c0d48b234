"""How hard a section is to read, which numbers need a source, what is a dose: the rules one by one."""

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import hypothesis
import pytest
import samples
from hypothesis import strategies as st

from pipeline import checks, content, findings, model
from pipeline.checks import _claims, _readability, _syllables, _words

SOUND = Path(__file__).parent / "checks" / "_sound"
TODAY = dt.date(2026, 11, 24)


@pytest.fixture(scope="module")
def shipped() -> model.Library:
    library, _ = content.load(samples.ROOT / "content")
    return library


def library_with(body: str, **changes: object) -> model.Library:
    """Return the sound publication with one article, which has this body."""
    library, _ = content.load(SOUND / "content")
    article = dataclasses.replace(library.articles["rest-and-ms"], body=body, body_line=1)
    alone = dataclasses.replace(library, articles={article.slug: article}, chapters={}, editions={}, book=None)
    return dataclasses.replace(alone, **changes)  # type: ignore[arg-type]


def sections_of(body: str, **changes: object) -> dict[str, checks.Section]:
    """Return the sections of an article with this body by their heading."""
    return {section.heading: section for section in checks.readability(library_with(body, **changes))}


def codes_of(body: str) -> list[str]:
    found = checks.source(library_with(body), TODAY)
    return [finding.code for finding in found if finding.code not in {"review-missing", "source-missing"}]


# --- syllables, words, sentences ----------------------------------------------------


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("a", 1), ("rest", 1), ("nerve", 1), ("takes", 1), ("called", 1), ("needed", 2), ("table", 2), ("about", 2),
        ("sometimes", 2), ("useful", 2), ("medicine", 3), ("diagnosis", 4), ("many", 2), ("body", 2), ("changes", 2),
        ("places", 2), ("doctor's", 2), ("doctor\u2019s", 2), ("well-known", 2), ("step-by-step", 3), ("MRI", 3),
        ("FDA", 3), ("MOGAD", 2), ("83", 1), ("1,295", 1), ("2.6", 1), ("B12", 2), ("disease-modifying", 6),
    ],
)  # fmt: skip
def test_syllables_are_those_that_a_person_counts(word: str, count: int) -> None:
    assert _syllables.syllables(word) == count


@pytest.mark.parametrize(
    ("block", "count"),
    [
        ("", 0),
        ("One sentence without its full stop", 1),
        ("Rest. Then go on. Do you feel better?", 3),
        ("About 2.6 times as likely, e.g. in the U.S. or in Dr. Nobody's list.", 1),
        ('They said "Stop." Then they left.', 2),
        ("Take vitamin D. It is sold everywhere.", 2),
        ("Do I need a new diagnosis? No. People who have one keep it.", 3),
    ],
)
def test_a_block_splits_into_its_sentences(block: str, count: int) -> None:
    assert len(_syllables.sentences(block)) == count


def test_a_word_with_hyphens_or_an_apostrophe_is_one_word() -> None:
    assert _syllables.words("The doctor's well-known plan (2.6 of 1,295): go!") == [
        "The", "doctor's", "well-known", "plan", "2.6", "of", "1,295", "go",
    ]  # fmt: skip


# --- grades -------------------------------------------------------------------------


def test_the_grade_is_the_formula_of_flesch_and_kincaid() -> None:
    # 15 words, 2 sentences, 20 syllables: 0.39 x 7.5 + 11.8 x 1.3333 - 15.59 = 3.07
    body = "Your doctor can order a picture of your spinal cord. It takes about an hour."
    section = sections_of(body)["The opening"]
    assert (section.words, section.grade, section.unaided) == (15, 3.1, 3.1)
    # 6 words, 1 sentence, 6 syllables: 2.34 + 11.8 - 15.59 is below nothing
    assert sections_of("The cat sat on the mat.")["The opening"].grade == 0.0


def test_an_explained_name_keeps_its_place_in_the_sentence_and_loses_its_syllables() -> None:
    term = model.Term("ppms", "Examplitis maxima (EM)", "A made-up illness.", ("examplitides",), 1)
    body = "She has EM and her friend has examplitis maxima. Both examplitides are rare."
    plain, aided = sections_of(body)["The opening"], sections_of(body, terms={"ppms": term})["The opening"]
    assert plain.words == aided.words == 13
    assert plain.grade == plain.unaided == aided.unaided
    # the other 9 words have one syllable each: 0.39 x 6.5 + 11.8 - 15.59
    assert aided.grade == max(0.0, round(0.39 * 6.5 + 11.8 * 9 / 9 - 15.59, 1))


def test_an_abbreviation_is_a_name_only_in_capitals() -> None:
    name = model.Name("EM", "A made-up name.", (), 1)
    body = "An em is a measure of type, and nobody would call it a medical name."
    sections = sections_of(body, names={"em": name})
    assert sections["The opening"].grade == sections["The opening"].unaided


def test_headings_citations_pictures_and_cells_that_are_no_sentences_do_not_count() -> None:
    body = (
        "Rest [@first2020].\n\n![A picture of an extraordinary apparatus](image:line.svg)\n\n## Extraordinary\n\n"
        "Sit down.\n\n### Incomprehensibility\n\n"
        "| Classification | Rehabilitation |\n|--|--|\n| Physiological | Go. |\n"
    )
    sections = sections_of(body)
    assert {heading: section.words for heading, section in sections.items()} == {
        "When to get help": 17, "The opening": 1, "Extraordinary": 3,
    }  # fmt: skip
    assert (sections["The opening"].line, sections["Extraordinary"].line) == (1, 5)


def test_a_few_words_are_listed_and_not_judged() -> None:
    few, enough = "Incomprehensibilities. " * 29, "Incomprehensibilities. " * 30
    assert sections_of(few)["The opening"].is_judged is False
    assert codes_of(few) == []
    assert codes_of(enough) == ["section-too-hard"]


def test_every_shipped_section_can_be_read_at_grade_nine_even_with_every_name_counted(shipped: model.Library) -> None:
    sections = [section for section in checks.readability(shipped) if section.is_judged]
    assert len(sections) > 100
    assert [section for section in sections if section.grade > checks.HARDEST or section.unaided > checks.HARDEST] == []


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(text=st.text(max_size=400), name=st.text(max_size=12))
def test_no_text_and_no_name_stops_the_count(text: str, name: str) -> None:
    for section in sections_of(text, names={name: model.Name(name, "Made up.", (name.upper(),), 1)}).values():
        assert section.grade >= 0.0
        assert section.words >= 0
    for word in _syllables.words(text):
        assert _syllables.syllables(word) >= 1
    list(_claims.CLAIM.finditer(text))


@hypothesis.given(words=st.lists(st.sampled_from(["rest", "about", "medicine", "Now"]), min_size=1, max_size=30))
def test_longer_sentences_are_never_easier(words: list[str]) -> None:
    split = _readability.grade(len(words), len(words), 1.5)
    assert split <= _readability.grade(1, len(words), 1.5)


# --- numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "It lasts 20 minutes.", "Ages 20 to 50 are usual.", "More than half of them slept.", "It costs $2,000.",
        "2.8 million live with it.", "In 2020, a review found nothing.", "It was twice as common.",
        "A 3 tesla scanner.", "About 4 to 6 weeks later it was gone.", "Some 36 per 100,000 have it.",
        "It found 30 small trials.",
    ],
)  # fmt: skip
def test_a_number_stated_as_a_fact_needs_a_source(words: str) -> None:
    assert codes_of(words) == ["number-unsourced"]
    assert (
        codes_of(words.replace(".", " [@first2020].") if words.count(".") == 1 else f"{words} So [@first2020].") == []
    )


@pytest.mark.parametrize(
    "words",
    [
        "Call 911, or 116 123.", "Read chapter 9.", "Give it a number from 0 to 10.", "Low B12 and AQP4.",
        "Call within 24 hours.", "Ask three questions.", "Put 1, 2 and 3 beside them.", "A phase 3 trial is large.",
    ],
)  # fmt: skip
def test_a_number_that_states_nothing_needs_none(words: str) -> None:
    assert codes_of(words) == []


def test_a_list_is_covered_by_the_sentence_that_leads_to_it_and_a_table_by_the_one_before() -> None:
    rows = "| Who | How many |\n| --- | --- |\n| Women | 8 in 10 |\n"
    items = "- 8 in 10 slept\n- 9 in 10 read\n"
    assert codes_of(f"It found this [@first2020]:\n\n{items}") == []
    assert codes_of(f"It found this [@first2020].\n\n{items}") == ["number-unsourced"] * 2
    assert codes_of(f"It found this [@first2020].\n\n::: table Title\n{rows}:::\n") == []
    assert codes_of(f"It found this.\n\n::: table Title\n{rows}:::\n") == ["number-unsourced"]


# --- doses --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(SOUND / "content", tmp_path_factory.mktemp("doses") / "content")


def doses_of(room: Path, words: str) -> list[str]:
    """Return what is called a dose in an article with these words: the files themselves are searched."""
    path = room / "articles" / "rest-and-ms.md"
    head = (SOUND / "content" / "articles" / "rest-and-ms.md").read_text().rpartition("---\n")[0]
    path.write_text(f"{head}---\nSome say {words} [@first2020].\n")
    library, _ = content.load(room)
    return [finding.message for finding in checks.source(library, TODAY) if finding.code == "dose-stated"]


@pytest.mark.parametrize(
    "words",
    [
        "500 mg", "0.5 mg", "1 g daily", "20 \u00b5g", "5,000 IU", "two tablets", "one hundred milligrams", "10-ml",
        "5 drops",
    ],
)  # fmt: skip
def test_an_amount_of_a_medicine_is_a_dose(words: str, room: Path) -> None:
    assert len(doses_of(room, words)) == 1


@pytest.mark.parametrize(
    "words",
    [
        "a first tablet", "30 ng/ml", "5 mg per liter", "20 g of fiber", "300 ml of urine", "a 5G phone", "3 tesla",
        "no pills",
    ],
)  # fmt: skip
def test_what_is_no_amount_of_a_medicine_is_no_dose(words: str, room: Path) -> None:
    assert doses_of(room, words) == []


@pytest.mark.parametrize("piece", ["study ", "2020 ", "1,", "1", "a", "aeiou", ".(", "one ", "A.", "-a"])
def test_a_pasted_page_without_an_end_does_not_hold_the_checks_up(piece: str) -> None:
    text = piece * (50_000 // len(piece))
    assert len(sections_of(text)) == 2  # that text and "When to get help"
    assert list(_words._DOSE.finditer(text)) == []
    assert len(list(_claims.CLAIM.finditer(text))) <= len(text) // len(piece)  # and it comes to an end


def test_the_report_keeps_its_grades_in_one_file_and_measures_a_changed_text_anew(tmp_path: Path) -> None:
    material = samples.sample_material()
    first = findings.readability(material, tmp_path)
    assert [path.name for path in (tmp_path / ".parts").iterdir()] == [findings.GRADES]
    assert findings.readability(material, tmp_path) == first == checks.readability(material.library)
    articles = {
        slug: dataclasses.replace(one, body=f"{one.body}\n\nOne sentence more.\n")
        for slug, one in material.library.articles.items()
    }
    longer = dataclasses.replace(material, library=dataclasses.replace(material.library, articles=articles))
    assert findings.readability(longer, tmp_path) == checks.readability(longer.library) != first
