"""How a mail looks, judged without a browser: contrast, size of links, support by mail programs, MJML traced back."""

import dataclasses
import shutil
from pathlib import Path

import colours
import hypothesis
import pytest
import samples
from hypothesis import strategies as st

from pipeline import checks, errors, model, templating
from pipeline.checks import _contrast, _pages, _palette, _styles, _support, _targets
from pipeline.formats import email, text

EDITION, MATERIAL = samples.sample_edition(), samples.sample_material()


def page_of(body: str, style: str = "") -> _pages.Page:
    html = (
        f"<!doctype html><html lang='en'><head><title>x</title><style>{style}</style></head><body>{body}</body></html>"
    )
    page = _pages.parse("out/x/email.html", html.encode(), {})
    assert page
    return page


def contrasts(body: str, style: str = "", tokens: str = "") -> list[model.Finding]:
    page = page_of(body, style)
    return list(_contrast.page(page, _styles.computed(page), lambda: _palette.Palette(tokens)))


def targets(body: str) -> list[str]:
    page = page_of(body)
    return [f.message for f in _targets.page(page, _styles.computed(page)[_styles.LIGHT])]


# --- contrast -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "needed"),
    [
        ("color:#777777", 4.5),
        ("color:#777777;font-size:23px", 4.5),
        ("color:#949494;font-size:24px", 0.0),
        ("color:#999999;font-size:24px", 3.0),
        ("color:#949494;font-size:19px;font-weight:700", 0.0),
        ("color:#767676", 0.0),
        ("color:#777777;display:none", 0.0),
        ("color:#777777;font-size:0px", 0.0),
        ("color:rgb(119,119,119);background:#ffffff url(x.png)", 4.5),
        ("color:gray;background-color:silver", 4.5),
    ],
)
def test_type_needs_enough_contrast_for_its_size(style: str, needed: float) -> None:
    found = {f.message for f in contrasts(f"<p style='{style}'>words</p>")}
    assert len(found) == (2 if needed else 0)  # light and dark: nothing says otherwise
    assert all(f"{needed:g}:1 is the least" in message for message in found)


def test_colours_are_inherited_and_a_rule_for_the_dark_wins_where_it_is_important() -> None:
    body = "<div class='ink' style='color:#000000;background:#ffffff'><p>words <a href='x'>link</a></p></div>"
    dark = "@media (prefers-color-scheme: dark) { .ink { background: #000000 %s; } .ink p { color: #ffffff %s } }"
    assert contrasts(body) == []
    assert contrasts(body, dark % ("!important", "!important")) == []
    found, *_ = contrasts(body, dark.replace("ffffff", "111111") % ("!important", "!important"))
    assert found.message.startswith("in dark mode, 'words'")


def test_an_attribute_style_wins_over_a_plain_rule_and_the_stronger_selector_over_the_weaker() -> None:
    assert contrasts("<p class='a' style='color:#000000'>x y</p>", ".a { color: #eeeeee }") == []
    assert contrasts("<p class='a'>x y</p>", ".a { color: #000000 } p { color: #eeeeee }") == []
    assert len(contrasts("<p class='a'>x y</p>", "p.a { color: #eeeeee } .a { color: #000000 }")) == 2


def test_the_place_is_the_line_of_the_palette() -> None:
    tokens = '[light]\nink = "#888888"\n[dark]\nink = "#888888"\n'
    found = contrasts("<p style='color:#888888'>x y</p>", tokens=tokens)
    assert [(f.file, f.line) for f in found] == [("templates/tokens.toml", 2), ("templates/tokens.toml", 4)]


@hypothesis.given(st.tuples(*[st.integers(0, 255)] * 6))
def test_contrast_is_what_the_other_implementation_says(parts: tuple[int, ...]) -> None:
    one, other = ("#" + "".join(f"{part:02x}" for part in half) for half in (parts[:3], parts[3:]))
    assert _contrast.contrast(one, other) == pytest.approx(colours.contrast(one, other), rel=1e-3)


def test_a_pale_palette_is_told_at_its_line_in_tokens_toml(tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(MATERIAL.templates, templates)
    file = templates / "tokens.toml"
    file.write_text(file.read_text().replace('mute = "#c4d0d5"', 'mute = "#46565d"'))
    material = model.Material(MATERIAL.library, MATERIAL.identity, templates)
    found = [f for f in findings_of(material) if f.code == "contrast-low"]
    line = file.read_text().split("\n").index('mute = "#46565d"') + 1
    assert {(f.file, f.line) for f in found} == {("templates/tokens.toml", line)}
    assert all(f.blocks and f.message.startswith("in dark mode") for f in found)


@pytest.mark.parametrize(
    ("table", "key", "colour"),
    [
        ("light", "button", "#fefefe"),  # white on white: card and button_ink have that colour too, and go with others
        ("light", "button", "#ffffff"),
        ("light", "card", "#2d3b46"),
        ("light", "mute", "#cccccc"),
        ("dark", "button_ink", "#8fd6e0"),
    ],
)
def test_of_colours_with_one_value_the_line_is_that_of_the_one_that_goes_with_nothing(
    tmp_path: Path, table: str, key: str, colour: str
) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(MATERIAL.templates, templates)
    file = templates / "tokens.toml"
    lines = file.read_text().split("\n")
    line = next(at for at in range(lines.index(f"[{table}]"), len(lines)) if lines[at].startswith(f"{key} ="))
    lines[line] = f'{key} = "{colour}"'
    file.write_text("\n".join(lines))
    found = findings_of(model.Material(MATERIAL.library, MATERIAL.identity, templates))
    places = [(f.file, f.line) for f in found if f.code == "contrast-low"]
    assert set(places) == {("templates/tokens.toml", line + 1)}


def test_a_colour_written_into_a_template_is_told_at_its_line_there(tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(MATERIAL.templates, templates)
    file = templates / "email" / "blocks" / "head.mjml.j2"
    file.write_text(file.read_text().replace('color="{{ light.mute }}"', 'color="#ffffff"'))
    line = next(n for n, text in enumerate(file.read_text().split("\n"), 1) if "#ffffff" in text)
    found = findings_of(model.Material(MATERIAL.library, MATERIAL.identity, templates))
    assert {(f.file, f.line) for f in found if f.code == "contrast-low" and "in light" in f.message} == {
        ("templates/email/blocks/head.mjml.j2", line)
    }


def findings_of(material: model.Material) -> list[model.Finding]:
    made = [*email.render(EDITION, material), *text.render(EDITION, material)]
    return checks.edition({output.name: output.content for output in made}, EDITION, material)


def test_the_shipped_digest_has_no_finding_of_its_look() -> None:
    codes = {check.code for check in checks.FAMILIES["Look"]} | {"mjml-lint"}
    assert [f for f in findings_of(MATERIAL) if f.code in codes] == []


# --- size of links --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "high"),
    [
        ("<p><a href='x'>alone</a></p>", 19),
        ("<p style='line-height:26px'><a href='x'>alone</a></p>", 26),
        ("<p style='line-height:26px'><a href='x' style='padding:9px 0'>padded, but inline</a></p>", 26),
        ("<p style='line-height:26px'><a href='x' style='display:inline-block;padding:9px 0'>alone</a></p>", 0),
        ("<h2 style='line-height:34px'><a href='x'>a heading</a></h2>", 34),
        ("<h2>Heading: <a href='x'>a link in it</a></h2>", 29),
        ("<p>Words, <a href='x'>a link</a>, more words.</p>", 0),
        ("<p><a href='x'>one</a> &#183; <a href='y'>two</a></p>", 19),
        ("<p><a name='x'>no link</a></p>", 0),
        ("<p style='display:none'><a href='x'>hidden</a></p>", 0),
    ],
)
def test_a_link_that_stands_alone_is_44_pixels_high(body: str, high: int) -> None:
    said = targets(body)
    assert bool(said) == bool(high)
    assert all(f"is {high} pixels high; 44 is the least" in message for message in said)


# --- support --------------------------------------------------------------------------


def supported(body: str, style: str = "", accepted: str = "") -> set[str]:
    return {f.message.partition(":  ")[0].rpartition(": ")[0] for f in _support.page(page_of(body, style), accepted)}


@pytest.mark.parametrize(
    ("body", "style", "title"),
    [
        ("<p style='display:flex'>x</p>", "", "display:flex"),
        ("<p style='width:calc(100% - 2px)'>x</p>", "", "CSS calc() function"),
        ("<p style='margin:2rem'>x</p>", "", "rem unit"),
        ("<video></video>", "", "<video> element"),
        ("<img src='a.webp' srcset='b.png 2x' alt=''>", "", "srcset and sizes attributes"),
        ("", "p:nth-child(2) { margin: 0 }", ":nth-child"),
        ("", "@supports (display: grid) { p { margin: 0 } }", "@supports"),
        ("", "@media (prefers-reduced-motion) { p { margin: 0 } }", "@media (prefers-reduced-motion)"),
        ("", "p::before { content: 'x' }", "::before"),
        ("", "p { color: var(--ink) }", "CSS Variables (Custom Properties)"),
    ],
)
def test_what_an_author_adds_and_a_program_lacks_is_told(body: str, style: str, title: str) -> None:
    assert title in supported(body, style)


def test_what_every_mjml_mail_has_is_not_told() -> None:
    page = page_of("<table role='presentation' cellpadding='0'><tr><td style='max-width:600px'>x</td></tr></table>")
    assert list(_support.page(page, "")) == []


def test_what_is_used_on_purpose_needs_its_reason() -> None:
    body = "<p style='text-shadow:1px 1px #ffffff'>x</p>"
    assert supported(body) == {"text-shadow"}
    assert supported(body, accepted='css-text-shadow = "It is only pretty."') == set()
    assert supported(body, accepted='css-text-shadow = " "') == {"text-shadow"}


def test_the_data_speaks_of_sixteen_programs_and_has_its_licence_beside_it() -> None:
    assert _support.clients() == 16
    assert "Permission is hereby granted" in _support.DATA.with_name("caniemail.LICENSE").read_text(encoding="utf-8")


def test_every_exception_of_the_shipped_templates_is_still_used() -> None:
    accepted = (MATERIAL.templates / "email" / "support.toml").read_text(encoding="utf-8")
    html = next(o.content for o in email.render(EDITION, MATERIAL) if o.name == "email.html")
    page = _pages.parse("email.html", html, {})
    assert page
    signs = {sign for element in page.root.iter("*") for sign, _ in _support._signs(*_support._told(element))}
    used = {feature.slug for sign in signs for feature in _support._features().get(sign, ())}
    assert _support._reasons(accepted) <= used


# --- MJML, traced back ------------------------------------------------------------------


def changed(tmp_path: Path, name: str, old: str, new: str) -> model.Material:
    templates = tmp_path / "templates"
    shutil.copytree(MATERIAL.templates, templates)
    file = templates / name
    source = file.read_text(encoding="utf-8")
    assert old in source
    file.write_text(source.replace(old, new, 1), encoding="utf-8")
    return model.Material(MATERIAL.library, MATERIAL.identity, templates)


@pytest.mark.parametrize(
    ("block", "change", "needle", "message"),
    [
        ("intro", ('ink pad">{{ intro }}', 'ink pad" colour="x">{{ intro }}'), "colour=", "<mj-text> has no"),
        ("read-next", ("<h2>{{ words.read_next }}</h2>", "<mj-txt>x</mj-txt>"), "<mj-txt>", "there is no <mj-t"),
        (
            "read-next",
            ('mj-class="small" css-class="mute pad" padding="{{', 'mj-class="smal" css-class="mute pad" padding="{{'),
            'mj-class="smal"',
            'mj-class "smal" is defined nowhere',
        ),
        (
            "lead",
            ('6px" padding="{{ pad }}"', '6px" padding="{{ pad }} 1px 2px 3px"'),
            'padding="{{ pad }} 1px',
            "padding=",
        ),
    ],
)
def test_a_fault_in_the_template_is_told_at_its_own_line_and_column(
    tmp_path: Path, block: str, change: tuple[str, str], needle: str, message: str
) -> None:
    file = f"email/blocks/{block}.mjml.j2"
    material = changed(tmp_path, file, *change)
    source = (material.templates / file).read_text(encoding="utf-8")
    at = source.index(needle)
    line, column = source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)
    found = [f for f in checks._mjml.check(EDITION, material) if f.message.startswith(message)]
    assert {(f.file, f.line) for f in found} == {(f"templates/{file}", line)}
    assert all(f.message.endswith(f"(column {column})") for f in found)


def test_a_fault_in_an_included_file_is_told_there(tmp_path: Path) -> None:
    material = changed(tmp_path, "email/digest.mjml.j2", "<mj-body width", '{% include "more.j2" %}\n  <mj-body width')
    (material.templates / "email" / "more.j2").write_text("\n  <mj-foo></mj-foo>\n")
    (found,) = [f for f in checks._mjml.check(EDITION, material) if "mj-foo" in f.message]
    assert (found.file, found.line) == ("templates/email/more.j2", 2)


def test_what_stops_the_compiler_is_told_at_the_template_line(tmp_path: Path) -> None:
    masthead = "email/blocks/masthead.mjml.j2"
    material = changed(tmp_path, masthead, "<h1>{{ edition.title }}</h1>", "<h1>{{ edition.title }}<h1>")
    with pytest.raises(errors.RenderProblem) as caught:
        email.render(EDITION, material)
    finding = checks.unrendered(EDITION.spec, caught.value, samples.ROOT / "content")
    source = (material.templates / masthead).read_text(encoding="utf-8")
    line = source.count("\n", 0, source.index("<h1>")) + 1
    assert (finding.file, finding.line) == (f"templates/{masthead}", line)


def test_an_unknown_name_in_the_text_part_is_told_in_its_own_template(tmp_path: Path) -> None:
    material = changed(tmp_path, "text/digest.txt.j2", "{{ intro }}", "{{ introduction }}")
    with pytest.raises(errors.RenderProblem) as caught:
        text.render(EDITION, material)
    content = material.templates.parent / "content"
    spec = dataclasses.replace(EDITION.spec, path=content / "editions" / EDITION.spec.path.name)
    finding = checks.unrendered(spec, caught.value, content)
    source = (material.templates / "text" / "digest.txt.j2").read_text(encoding="utf-8")
    line = source.count("\n", 0, source.index("{{ introduction }}")) + 1
    assert (finding.file, finding.line) == ("templates/text/digest.txt.j2", line)


def test_traces_change_nothing_in_what_is_filled_in() -> None:
    plain = email.mjml_source(EDITION, MATERIAL)
    traced, _ = templating.untraced(email.mjml_source(EDITION, MATERIAL, traced=True))
    assert traced == plain
