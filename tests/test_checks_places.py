"""Where a fault of the mail is told: at the template's own line, which a person can edit, never in out/."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import samples

from pipeline import checks, errors, model
from pipeline.formats import email, text

EDITION, MATERIAL = samples.sample_edition(), samples.sample_material()
BLOCKS = "email/blocks/"
TEXT = "text/digest.txt.j2"


def spoilt(folder: Path, name: str, old: str, new: str) -> tuple[model.Material, int]:
    """Return the material with one thing changed in a template, and the line where it was."""
    templates = folder / "templates"
    shutil.copytree(MATERIAL.templates, templates)
    source = (templates / name).read_text(encoding="utf-8")
    assert old in source
    (templates / name).write_text(source.replace(old, new, 1), encoding="utf-8")
    return model.Material(MATERIAL.library, MATERIAL.identity, templates), source.count("\n", 0, source.index(old)) + 1


def found(material: model.Material) -> list[model.Finding]:
    made = [*email.render(EDITION, material), *text.render(EDITION, material)]
    return checks.edition({output.name: output.content for output in made}, EDITION, material)


@pytest.mark.parametrize(
    ("code", "name", "old", "new"),
    [
        ("alt-missing", BLOCKS + "masthead.mjml.j2", 'width="42" alt=""', 'width="42"'),
        ("alt-missing", BLOCKS + "lead.mjml.j2", 'alt="{{ lead.article.image_alt }}" ', ""),
        ("heading-empty", BLOCKS + "read-next.mjml.j2", "<h2>{{ words.read_next }}</h2>", "<h2></h2>"),
        ("heading-order", BLOCKS + "masthead.mjml.j2", "<h1>{{ edition.title }}</h1>", "<h3>{{ edition.title }}</h3>"),
        ("table-role", BLOCKS + "masthead.mjml.j2", '<table role="presentation"', "<table"),
        ("link-empty", BLOCKS + "view.mjml.j2", "{{ words.view }}", ""),
        ("link-target", BLOCKS + "view.mjml.j2", "{{ page_url }}", "#"),
        ("link-target", BLOCKS + "book.mjml.j2", 'href="{{ book_url }}"', 'href="http://other.net/"'),
        ("anchor-missing", BLOCKS + "helpful.mjml.j2", "{{ yes_url }}", "#nowhere"),
        ("link-text", "email/words.toml", "View in your browser", "Click here"),
        ("target-small", BLOCKS + "view.mjml.j2", 'class="line-link" ', ""),
        ("remote-resource", BLOCKS + "intro.mjml.j2", "{{ intro }}", '<img src="https://other.net/x.png" alt="x" />'),
        ("merge-unresolved", BLOCKS + "footer.mjml.j2", "{{ words.why }}", "*|FNAME|*"),
        ("merge-unresolved", TEXT, "{{ words.why | wrap }}", "*|FNAME|*"),
        ("lang-missing", "email/digest.mjml.j2", 'lang="{{ identity.language }}" ', ""),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_the_line_that_makes_it(tmp_path: Path, code: str, name: str, old: str, new: str) -> None:
    material, line = spoilt(tmp_path, name, old, new)
    assert {(f.file, f.line) for f in found(material) if f.code == code} == {(f"templates/{name}", line)}


@pytest.mark.parametrize(
    ("code", "name", "old"),
    [
        ("postal-address-missing", BLOCKS + "footer.mjml.j2", "{{ identity.postal_address }}"),
        ("postal-address-missing", TEXT, "{{ identity.postal_address | wrap }}"),
        ("text-incomplete", TEXT, '{{ words.read_next | heading("-") }}'),
        ("text-incomplete", TEXT, "\n{{ opening }}\n"),
        ("text-incomplete", TEXT, '{{ question | item("[ ] ") }}'),
        ("text-incomplete", TEXT, "{{ entry.article.summary | wrap }}"),
    ],
)
def test_what_is_missing_is_told_at_the_template_that_should_hold_it(
    tmp_path: Path, code: str, name: str, old: str
) -> None:
    material, _ = spoilt(tmp_path, name, old, "")
    made = found(material)
    assert code in {f.code for f in made} <= {code, "text-incomplete"}
    assert {(f.file, f.line) for f in made} == {(f"templates/{name}", 0)}


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        (BLOCKS + "footer.mjml.j2", 'href="[[unsubscribe_url]]"', 'href="{{ privacy_url }}"', 0),
        (TEXT, '"[[unsubscribe_url]]"', "privacy_url", 0),
        (BLOCKS + "intro.mjml.j2", "{{ intro }}", "<!--[if mso]><p>x</p>-->{{ intro }}", 3),
        (BLOCKS + "intro.mjml.j2", "{{ intro }}", "{{ intro }}<!--<![endif]-->", 3),
    ],
)
def test_what_stops_the_mail_is_told_at_the_template_too(
    tmp_path: Path, name: str, old: str, new: str, line: int
) -> None:
    material, _ = spoilt(tmp_path, name, old, new)
    with pytest.raises(errors.RenderProblem) as caught:
        found(material)
    content = tmp_path / "content"
    spec = dataclasses.replace(EDITION.spec, path=content / "editions" / EDITION.spec.path.name)
    finding = checks.unrendered(spec, caught.value, content)
    assert (finding.file, finding.line) == (f"templates/{name}", line)


def test_the_marks_change_no_element_of_the_mail_and_none_is_in_what_is_sent() -> None:
    sent = next(o.content for o in email.render(EDITION, MATERIAL) if o.name == "email.html").decode()
    marked, _ = email.marked(EDITION, MATERIAL)
    bare = checks._pages.parse("x", sent.encode(), {})
    again = checks._pages.parse("x", marked.encode(), {})
    assert bare
    assert again
    assert [element.tag for element in again.root.iter()] == [element.tag for element in bare.root.iter()]
    assert email.MARK not in sent
    assert marked.count(email.MARK) > 100
