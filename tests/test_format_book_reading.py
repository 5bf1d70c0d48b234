"""The book for eyes that tire, hands that shake and programs that read aloud. Each test's name is its claim."""

import io
import re
from collections.abc import Iterator

import book_pdf
import pikepdf
import pikepdf.form
import pytest
import samples

from pipeline import templating

ROOT = samples.ROOT
LABELLED = re.compile(r"(Tick to ask|My notes on): ")


@pytest.fixture
def pdf() -> Iterator[pikepdf.Pdf]:
    with book_pdf.opened() as document:
        yield document


# --- what is easy on the eye ----------------------------------------------------------------------


def colours() -> dict[str, str]:
    return dict(templating.tokens(ROOT / "templates")["light"])


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "pair",
    ["ink card", "mute card", "brand card", "accent card", "card brand", "card accent", "ink tint", "brand tint"],
)
def test_text_has_a_contrast_of_seven_to_one(pair: str) -> None:
    light, dark = sorted((luminance(colours()[name]) for name in pair.split()), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 7


def test_text_is_twelve_points_or_more_but_for_heads_and_raised_numbers() -> None:
    style = (ROOT / "templates" / "book" / "book.css").read_text(encoding="utf-8")
    rules = [rule for rule in style.split("}") if "@page" not in rule and "sup.cites {" not in rule]
    body = "}".join(rules[rules.index(next(rule for rule in rules if "html {" in rule)) :])
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:italic |bold )?([\d.]+)pt", body)]
    assert len(sizes) > 20
    assert min(sizes) >= 12


# --- what is read aloud ---------------------------------------------------------------------------


def test_header_cells_have_a_scope_and_tables_a_caption(pdf: pikepdf.Pdf) -> None:
    scopes = [str(element.A.Scope) for element in book_pdf.elements(pdf) if element.S == "/TH"]
    assert {"/Column", "/Row"} == set(scopes)
    captions = [
        kid for element in book_pdf.elements(pdf) if element.S == "/Table" for kid in element.K if kid.S == "/Caption"
    ]
    assert len(captions) == 3


def test_explained_words_are_notes_with_an_id_each(pdf: pikepdf.Pdf) -> None:
    notes = [str(element.ID) for element in book_pdf.elements(pdf) if element.S == "/Note"]
    assert len(notes) == len(set(notes)) == 3
    assert any("A lesion is a spot of damage." in text for text in book_pdf.texts())


def test_links_are_described_in_words(pdf: pikepdf.Pdf) -> None:
    said = {
        str(annotation.Contents)
        for sheet in pdf.pages
        for annotation in sheet.get("/Annots", ())
        if annotation.Subtype == "/Link"
    }
    assert "Source 1 of chapter 1" in said
    assert "What this word means: MRI" in said
    assert "Back to where source 1 of chapter 1 is used, place 2" in said
    assert not any(words.startswith("chapter-") for words in said)


def test_heads_and_page_numbers_are_artifacts_and_all_else_is_in_the_tree(pdf: pikepdf.Pdf) -> None:
    parents = pdf.Root.StructTreeRoot.ParentTree.Nums
    owners = {int(parents[n]): parents[n + 1] for n in range(0, len(parents), 2)}
    reachable = {element.objgen for element in book_pdf.elements(pdf)}
    for sheet in pdf.pages:
        stream = sheet.Contents.read_bytes()
        marks = {int(mark) for mark in re.findall(rb"<</MCID (\d+)>>\s*BDC", stream)}
        assert all(owners[int(sheet.StructParents)][mark].objgen in reachable for mark in marks)
    assert re.search(rb"/Artifact\s*<</Type /Pagination>>\s*BDC", pdf.pages[3].Contents.read_bytes())


def test_drawings_say_what_they_show(pdf: pikepdf.Pdf) -> None:
    assert sorted(str(e.Alt) for e in book_pdf.elements(pdf) if e.S == "/Figure") == [
        "A line that rises and falls and ends in a dot. Illustration, not a scan.",
        "QR code with the address of the current version, https://www.example.org/book/",
    ]


# --- filling in -----------------------------------------------------------------------------------


@book_pdf.BOTH
def test_every_question_has_one_tick_box_and_one_box_for_notes(which: str) -> None:
    book, material = book_pdf.source(which)
    groups = material.library.groups
    expected = {}
    for chapter in book.chapters:
        for question in (q for name in chapter.question_groups for q in groups[name].questions):
            start = f"chapter-{chapter.number}-{question.id}"
            expected |= {
                f"{start}-tick": f"Tick to ask: {question.text}",
                f"{start}-notes": f"My notes on: {question.text}",
            }
    with book_pdf.opened(which) as document:
        found = {
            name: str(field.TU) for name, field in book_pdf.fields(document).items() if LABELLED.match(str(field.TU))
        }
    assert found == expected


def test_worksheets_are_fields_of_every_kind_and_tables(pdf: pikepdf.Pdf) -> None:
    labels = {
        name: str(field.TU) for name, field in book_pdf.fields(pdf).items() if "mri" not in name and "talk" not in name
    }
    log = {
        f"chapter-1-log-{row}-{column}": f"My scan log, row {row}: {title}"
        for row in range(1, 5)
        for column, title in enumerate(("Date", "Area", "Where", "Result"), start=1)
    }
    visit = {
        f"chapter-12-visit-{row}-{column}": f"My visit, row {row}: {title}"
        for row in range(1, 4)
        for column, title in enumerate(("Next step", "By when"), start=1)
    }
    own = {f"chapter-{number}-own-questions": "My own questions" for number in (1, 12)}
    single = {f"chapter-12-{kind}": f"What I put in the {kind}" for kind in ("line", "area", "date", "tick")}
    assert {name: label for name, label in labels.items() if not LABELLED.match(label)} == log | visit | single | own
    assert book_pdf.fields(pdf)["chapter-12-tick"].FT == "/Btn"


@book_pdf.BOTH
def test_what_is_filled_into_every_field_can_be_read_back(which: str) -> None:
    written: dict[str, bool | str] = {}
    kept = io.BytesIO()
    with book_pdf.opened(which) as document:
        form = pikepdf.form.Form(document, pikepdf.form.DefaultAppearanceStreamGenerator)
        for name, field in form.items():
            if isinstance(field, pikepdf.form.CheckboxField):
                field.checked = written[name] = True
            elif isinstance(field, pikepdf.form.TextField):
                field.value = written[name] = f"{name}, seen"
        assert written.keys() == book_pdf.fields(document).keys()
        document.save(kept)
    with pikepdf.open(kept) as document:
        assert {name: read(field) for name, field in pikepdf.form.Form(document).items()} == written


def read(field: object) -> bool | str | None:
    return field.checked if isinstance(field, pikepdf.form.CheckboxField) else getattr(field, "value", None)


def test_a_tick_shows_without_the_reading_programs_help(pdf: pikepdf.Pdf) -> None:
    assert "/NeedAppearances" not in pdf.Root.AcroForm
    tick = book_pdf.fields(pdf)["chapter-1-mri-where-tick"]
    assert set(tick.AP.N.keys()) == {"/on", "/Off"}
    assert tick.AS == "/Off"


def test_tick_boxes_are_large_enough_for_a_hand_that_shakes(pdf: pikepdf.Pdf) -> None:
    for field in (field for field in book_pdf.fields(pdf).values() if field.FT == "/Btn"):
        left, first, right, second = (float(edge) for edge in field.Rect)
        assert (
            round(min(abs(right - left), abs(second - first)), 3) >= 18
        )  # points: 24 CSS pixels, WCAG 2.2 target size


def test_the_tab_key_goes_from_tick_to_notes_to_the_next_question(pdf: pikepdf.Pdf) -> None:
    assert all(sheet.obj.Tabs == "/S" for sheet in pdf.pages)
    told = [
        str(kid.Obj.T)
        for element in reversed(list(book_pdf.elements(pdf)))
        if element.S == "/Form"
        for kid in element.K
        if str(kid.get("/Type")) == "/OBJR" and "mri" in str(kid.Obj.T) and "chapter-1-" in str(kid.Obj.T)
    ]
    ids = ("mri-where", "mri-typical-cord", "mri-copy")
    order = [f"chapter-1-{id_}-{part}" for id_ in ids for part in ("tick", "notes")]
    assert told in (order, order[::-1])
