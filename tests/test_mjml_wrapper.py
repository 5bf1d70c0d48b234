import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import lxml.html
import mjml as library
import pytest

from pipeline import errors, mjml

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).parent / "mjml_reference"

SPOILT = {
    "quote": 'a "quoted" word',
    "backslash": "a \\ and \\n and \\u{a0}",
    "no-break space": "10\u00a0mg",
    "soft hyphen": "demyelin\u00adation",
    "joiner": "\U0001f469\u200d\u2695\ufe0f and fi\u200dn",
    "combining": "e\u0301 and a\u0323\u0302",
    "Hindi": "मल्टीपल स्क्लेरोसिस",
    "Arabic": "التصلّب المتعدّد",
    "Vietnamese": "Bệnh đa xơ cứng",
    "emoji": "\U0001f9e0 brain",
    "markup": "<script>alert(1)</script> & <!--[if mso]> <![endif]--> -->",
    "braces": "{{ reader.name }} {% if %} [[x]]",
}


def document(body: str = "", head: str = "", attributes: str = 'lang="en" dir="ltr"') -> str:
    column = f"<mj-section><mj-column>{body}</mj-column></mj-section>" if not body.startswith("<mj-section") else body
    return f"<mjml {attributes}><mj-head>{head}</mj-head><mj-body>{column}</mj-body></mjml>"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def compiled(body: str = "", head: str = "") -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(mjml.to_html(document(body, head)))


def refused(source: str) -> errors.RenderProblem:
    with pytest.raises(errors.RenderProblem) as caught:
        mjml.to_html(source)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("text", SPOILT.values(), ids=SPOILT)
def test_an_attribute_reaches_the_reader_letter_for_letter(text: str) -> None:
    page = compiled(f'<mj-image src="a.png" alt="{escaped(text)}" />')
    assert page.xpath("//img/@alt") == [text]


@pytest.mark.parametrize("text", SPOILT.values(), ids=SPOILT)
def test_the_title_reaches_the_window_and_the_screen_reader_letter_for_letter(text: str) -> None:
    page = compiled(head=f"<mj-title>{escaped(text)}</mj-title>")
    assert page.xpath("//title/text()") == [text]
    assert page.xpath("//*[@role='article']/@aria-label") == [text]


@pytest.mark.parametrize("name", ["quote", "no-break space", "Hindi"])
def test_the_compiler_alone_still_spoils_attributes_so_the_guard_is_still_needed(name: str) -> None:
    source = document(f"<mj-image src='a.png' alt='{SPOILT[name]}' />")
    assert lxml.html.document_fromstring(library.mjml2html(source, fonts={})).xpath("//img/@alt") != [SPOILT[name]]


def test_a_line_break_in_an_attribute_is_a_space() -> None:
    page = compiled('<mj-text><p style="margin:0;\n\tpadding:0">x</p></mj-text><mj-image src="a" alt="one\r\ntwo" />')
    assert page.xpath("//p/@style") == ["margin:0;  padding:0"]
    assert page.xpath("//img/@alt") == ["one two"]


def test_a_line_break_in_the_title_is_a_space() -> None:
    page = compiled(head="<mj-title>one\r\ntwo\tthree</mj-title>")
    assert page.xpath("//*[@role='article']/@aria-label") == ["one two three"] == page.xpath("//title/text()")


def test_single_quotes_around_an_attribute_let_nothing_be_injected() -> None:
    page = compiled("""<mj-text><a href='x" onclick="y'>z</a></mj-text>""")
    assert page.xpath("//a")[0].attrib == {"href": 'x" onclick="y'}


def test_inline_styles_are_inlined_and_the_other_styles_and_outlook_comments_stay() -> None:
    head = '<mj-style inline="inline">.x p { margin: 0 0 16px; }</mj-style><mj-style>.dark { color: red }</mj-style>'
    source = document('<mj-text css-class="x"><p>x</p></mj-text>', head)
    html = mjml.to_html(source)
    plain = mjml.to_html(source.replace(' inline="inline"', ""))
    assert lxml.html.document_fromstring(html).xpath("//p/@style") == ["margin: 0 0 16px;"]
    assert ".dark { color: red }" in html
    assert html.count("<!--[if") == plain.count("<!--[if") == html.count("<![endif]")


def test_an_inlined_rule_never_wins_over_what_the_element_says_itself() -> None:
    head = '<mj-style inline="inline">a { color: #0b5563; }</mj-style>'
    page = compiled('<mj-button href="x" color="#ffffff">Read</mj-button>', head)
    assert "color:#ffffff" in page.xpath("//a/@style")[0].replace(" ", "")
    assert "#0b5563" not in page.xpath("//a/@style")[0]


def test_inlining_keeps_every_letter_and_writes_no_angle_bracket_into_an_attribute() -> None:
    head = '<mj-style inline="inline">p { margin: 0 }</mj-style>'
    for text in SPOILT.values():
        html = mjml.to_html(document(f'<mj-image src="a" alt="{escaped(text)}" />', head))
        assert lxml.html.document_fromstring(html).xpath("//img/@alt") == [text]
        assert html.count("<!--[if") == html.count("<![endif]")


def test_no_font_is_fetched_from_anywhere() -> None:
    html = mjml.to_html(document('<mj-text font-family="Roboto, Ubuntu">x</mj-text>'))
    assert "googleapis" not in html
    assert "@import" not in html


def test_windows_line_ends_compile_to_the_same_mail() -> None:
    source = document("<mj-text>one\n<br>two</mj-text>", "\n<mj-title>x</mj-title>\n")
    assert mjml.to_html(source.replace("\n", "\r\n")) == mjml.to_html(source)


def test_a_space_and_a_comment_between_elements_of_the_head_do_not_stop_it() -> None:
    head = '<mj-title>x</mj-title> <mj-attributes> <!-- why --> <mj-all color="#000000" /> </mj-attributes> '
    assert mjml.to_html(document("<mj-text>x</mj-text>", head))


def test_the_html_is_ascii_and_css_keeps_its_letters() -> None:
    html = mjml.to_html(document("<mj-text>é</mj-text>", "<mj-style>p::before { content: '→é' }</mj-style>"))
    assert html.isascii()
    assert r"content: '\2192 \e9 '" in html


def test_no_attribute_is_written_that_html_does_not_know() -> None:
    assert not compiled('<mj-button href="x">y</mj-button>').xpath("//td/@vertical-align")


def test_the_same_source_gives_the_same_bytes() -> None:
    source = (GOLDEN / "reference.mjml").read_text()
    assert mjml.to_html(source) == mjml.to_html(source)


def test_deep_nesting_is_refused_before_it_can_end_the_process() -> None:
    for depth in (mjml.MAX_DEPTH, 20_000):
        problem = refused(document(f"<mj-text>{'<b>' * depth}{'</b>' * depth}</mj-text>"))
        assert f"more than {mjml.MAX_DEPTH} tags inside each other" in problem.message
        assert "line 1, column " in problem.message


def test_many_tags_beside_each_other_and_void_tags_are_not_deep() -> None:
    assert mjml.to_html(document(f"<mj-text>{'<b>x</b><br>' * 5_000}</mj-text>"))


def test_too_large_a_source_is_refused() -> None:
    assert "characters; the most is" in refused(document(f"<mj-text>{'x' * mjml.MAX_LENGTH}</mj-text>")).message


def test_a_control_character_is_refused_with_its_place() -> None:
    for character in "\x00\x08\x0b\x1b\x7f\x80\x9f\ufffe\ud800":
        problem = refused(document(f"<mj-text>\n ab{character}</mj-text>"))
        assert f"line 2, column 4: a control character U+{ord(character):04X}" in problem.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<mj-text>a < b</mj-text>", 'column 89: a "<" that begins no tag'),
        ("<mj-text><![CDATA[x]]></mj-text>", 'a "<" that begins no tag'),
        ("<mj-text><!-- never ends</mj-text>", 'a "<" that begins no tag'),
        ("<mj-text><p>never closed</mj-text>", "column 87: <p> is never closed"),
        ("<mj-text>x</p></mj-text>", "</p> was never opened"),
        ('<mj-text><a href="x>y</a></mj-text>', 'a "<" that begins no tag'),
    ],
)
def test_what_the_compiler_stops_at_is_told_with_line_and_column(body: str, message: str) -> None:
    problem = refused(document(body))
    assert message in problem.message
    assert problem.message.startswith("the mail's MJML, line 1, column ")


def test_unsupported_components_of_the_head_are_told_by_name() -> None:
    head = '<mj-html-attributes><mj-selector path=".x"></mj-selector></mj-html-attributes>'
    assert "<mj-html-attributes> is not used in this house" in refused(document(head=head)).message


def test_an_open_conditional_comment_of_the_template_is_refused() -> None:
    problem = refused(document("<mj-section></mj-section><mj-raw><!--[if mso]><p>x</p>--></mj-raw>"))
    assert "conditional comments for Outlook" in problem.message


def test_a_missing_compiler_is_told_in_a_sentence() -> None:
    code = "import sys; sys.modules['mjml'] = None\nfrom pipeline import errors, mjml\n"
    assert "mjml-python cannot be loaded" in _refusal_to_start(code, {})


def test_another_package_of_the_same_name_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mjml").mkdir()
    (tmp_path / "mjml" / "__init__.py").write_text("def mjml_to_html(source): ...\n")
    said = _refusal_to_start("from pipeline import errors, mjml\n", {"PYTHONPATH": str(tmp_path)})
    assert "it is another package, which overwrote" in said
    assert "pip uninstall mjml mjml-python" in said


def _refusal_to_start(code: str, environment: dict[str, str]) -> str:
    code += "try: mjml.compiler()\nexcept errors.MissingPart as problem: print(problem.message, problem.hint)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=200)
)
def test_any_text_comes_through_unchanged_as_words_as_attribute_and_as_title(text: str) -> None:
    body = f'<mj-text><b title="{escaped(text)}">{escaped(text)}</b></mj-text>'
    page = compiled(body, f'<mj-title>{escaped(text)}</mj-title><mj-style inline="inline">b {{ margin: 0 }}</mj-style>')
    bold = page.xpath("//b")[0]
    assert bold.text_content() == text
    assert bold.get("title") == text
    assert page.xpath("//title")[0].text_content() == text
    assert not list(bold)
