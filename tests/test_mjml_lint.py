from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest
import samples

from pipeline.formats import email
from pipeline.mjml import components, lint, scan

GOLDEN = Path(__file__).parent / "mjml_reference"

SOUND = """\
<mjml lang="en" dir="ltr">
<mj-head>
<mj-title>x</mj-title>
</mj-head>
<mj-body>
<mj-section><mj-column>
<mj-text>words</mj-text>
</mj-column></mj-section>
</mj-body>
</mjml>
"""


def faults(old: str = "", new: str = "") -> list[lint.LintFault]:
    """Lint the sound document with one thing changed."""
    assert old in SOUND
    return lint.lint(SOUND.replace(old, new, 1))


def told(old: str, new: str) -> list[tuple[int, int, str]]:
    return [(fault.line, fault.column, fault.message) for fault in faults(old, new)]


def test_a_sound_document_has_no_faults() -> None:
    assert faults() == []


def test_the_shipped_template_has_no_faults() -> None:
    assert lint.lint(email.mjml_source(samples.sample_edition(), samples.sample_material())) == []


def test_the_reference_that_npm_mjml_takes_without_a_word_has_no_faults() -> None:
    assert lint.lint((GOLDEN / "reference.mjml").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message"),
    [
        ("<mj-text>words</mj-text>", "<mj-txt>words</mj-txt>", 7, 1, "there is no <mj-txt>"),
        ("<mj-text>", '<mj-text colour="#000000">', 7, 10, "<mj-text> has no colour here"),
        ("<mj-text>", '<mj-text color="#00000">', 7, 10, 'color="#00000" makes no sense in <mj-text>'),
        ("<mj-text>", '<mj-text font-size="17">', 7, 10, 'font-size="17" makes no sense in <mj-text>'),
        ("<mj-text>", '<mj-text padding="1px 2px 3px 4px 5px">', 7, 10, 'padding="1px 2px 3px 4px 5px" makes no sense'),
        ("<mj-text>", '<mj-text align="middle">', 7, 10, 'align="middle" makes no sense in <mj-text>'),
        ("<mj-text>", '<mj-text color="#000" color="#fff">', 7, 23, "<mj-text> has color twice"),
        ("<mj-text>", '<mj-text mj-class="samll">', 7, 10, 'mj-class "samll" is defined nowhere'),
        ("<mj-text>", "<mj-section></mj-section><mj-text>", 7, 1, "<mj-section> cannot stand in <mj-column>"),
        ("words", "<mj-button href='x'>y</mj-button>", 7, 10, "<mj-button> cannot stand in <mj-text>"),
        ("</mj-text>", "", 7, 1, "<mj-text> is never closed"),
        ("words", "<p>words", 7, 10, "<p> is never closed"),
        ("words", "words</p>", 7, 15, "</p> was never opened"),
        ("words", "a</br>b", 7, 11, "</br> ends nothing"),
        ("words", "a < b", 7, 12, 'a "<" that begins no tag'),
        ("<mj-text>words</mj-text>", "<p>words</p>", 7, 1, "HTML <p> directly in <mj-column>"),
        ("<mj-text>words</mj-text>", "\n  words", 8, 3, "text 'words' directly in <mj-column>"),
        ("</mjml>", "</mjml>words", 10, 8, "text 'words' outside of everything"),
        ("words</mj-text>", "words</mj-text><mj-image src='a.png' />", 7, 25, "<mj-image> has no alt"),
        ("words</mj-text>", "words</mj-text><mj-image alt='' />", 7, 25, "<mj-image> has no src"),
        ("words</mj-text>", "words</mj-text><mj-image alt='' src='' />", 7, 42, 'src="" makes no sense in <mj-image>'),
        ("words</mj-text>", "words</mj-text><mj-button>x</mj-button>", 7, 25, "<mj-button> has no href"),
        ("</mj-head>", "<mj-style>a { b: c</mj-style></mj-head>", 4, 11, "this style opens 1 braces and closes 0"),
        (' lang="en"', "", 1, 1, "<mjml> has no lang"),
        ('lang="en"', 'lang="und"', 1, 7, 'lang="und" makes no sense in <mjml>'),
        ('dir="ltr"', 'dir="auto"', 1, 17, 'dir="auto" makes no sense in <mjml>'),
        ("<mj-title>x</mj-title>", "", 1, 1, "there is no <mj-title>"),
        ("<mj-section>", "<mj-hero><mj-section>", 6, 1, "<mj-hero> is not used in this house"),
        ("<mj-text>", "<mj-include path='x' /><mj-text>", 7, 1, "<mj-include> is not used in this house"),
    ],
)
def test_a_fault_is_told_where_it_stands(old: str, new: str, line: int, column: int, message: str) -> None:
    assert any((at, in_) == (line, column) and text.startswith(message) for at, in_, text in told(old, new)), told(
        old, new
    )
    assert all(fault.blocking and fault.hint for fault in faults(old, new))


def test_defaults_are_judged_like_the_components_they_stand_for() -> None:
    head = '<mj-attributes>\n<mj-all colour="x" />\n<mj-text size="3" />\n<mj-txt />\n<mj-class name="a" sise="b" />'
    found = told("<mj-title>", f"{head}</mj-attributes><mj-title>")
    assert [line for line, _, _ in found] == [4, 5, 6, 7]


def test_a_class_that_is_defined_may_be_used() -> None:
    source = SOUND.replace(
        "<mj-title>", '<mj-attributes><mj-class name="small" font-size="16px" /></mj-attributes><mj-title>'
    )
    assert lint.lint(source.replace("<mj-text>", '<mj-text mj-class="small" css-class="anything at all">')) == []


def test_a_hint_names_the_word_that_was_meant() -> None:
    assert faults("<mj-text>words</mj-text>", "<mj-txt>words</mj-txt>")[0].hint == "did you mean mj-text?"
    assert faults("<mj-text>", '<mj-text font-sise="17px">')[0].hint == "did you mean font-size?"


def test_a_padded_wrapper_is_refused_because_outlook_gets_wrong_widths() -> None:
    wrapped = SOUND.replace("<mj-section>", '<mj-wrapper padding="0"><mj-section>')
    wrapped = wrapped.replace("</mj-section>", "</mj-section></mj-wrapper>")
    assert lint.lint(wrapped) == []
    assert lint.lint(wrapped.replace('padding="0"', 'padding="0 20px"'))[0].message.startswith("a padded <mj-wrapper>")


def test_a_picture_wider_than_the_mail_is_refused() -> None:
    picture = "<mj-text>words</mj-text><mj-image src='a' alt='' width='601px' />"
    assert told("<mj-text>words</mj-text>", picture) == [(7, 50, "this picture is 601px wide, the mail is 600px")]
    assert (
        lint.lint(SOUND.replace("<mj-body>", '<mj-body width="640px">').replace("words</mj-text>", picture[9:])) == []
    )


def test_a_divider_that_outlook_gets_too_wide_is_a_warning() -> None:
    for attributes, expected in (
        ("", 1),
        (' padding="12px 0"', 0),
        (' padding="0 32px"', 1),
        (' padding="0 0 0 9px"', 1),
    ):
        found = faults("<mj-text>", f"<mj-divider{attributes} /><mj-text>")
        assert len(found) == expected
        assert not any(fault.blocking for fault in found)


def test_faults_come_in_reading_order() -> None:
    source = "<mjml>\n<mj-body>\n<mj-foo>\n</mj-body>\n<mj-bar/>"
    found = lint.lint(source)
    assert [(fault.line, fault.column) for fault in found] == sorted((fault.line, fault.column) for fault in found)


def test_every_component_has_a_place_and_attributes() -> None:
    assert components.PARENTS.keys() == components.ATTRIBUTES.keys()
    assert components.PARENTS.keys() >= components.CONTENT
    assert components.REQUIRED.keys() <= components.PARENTS.keys()
    assert not components.REFUSED.keys() & components.PARENTS.keys()


@hypothesis.settings(deadline=None, max_examples=150)
@hypothesis.given(st.text(st.sampled_from("<>/!-=\"' \nabmj[]&;{}"), max_size=120))
def test_nothing_makes_the_scanner_lose_a_letter_or_the_lint_fall(text: str) -> None:
    assert "".join(text[piece.start : piece.end] for piece in scan.pieces(text)) == text
    lint.lint(text)
    lint.lint(SOUND.replace("words", text))
