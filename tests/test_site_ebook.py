"""The e-book on the book's page: offered beside the PDF only when it was built. Each test's name is its claim."""

import dataclasses
import hashlib
import io
from collections.abc import Iterator

import lxml.html
import pikepdf
import pytest
import requests
import samples_web
import sites

from pipeline import model, render

EPUB = "navigating-your-ms-care.epub"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.World]:
    with sites.running(tmp_path_factory.mktemp("site") / "house") as running:
        yield running


def offered(world: sites.World) -> list[str]:
    page = lxml.html.document_fromstring(requests.get(f"{world.url}/book/", timeout=10).text)
    return [str(href) for href in page.xpath("//a[@download]/@href")]


def test_the_e_book_is_offered_beside_the_pdf_and_comes_as_what_it_is(world: sites.World) -> None:
    content = b"the e-book" * 100
    world.put("book", {sites.BOOK: sites.PDF, EPUB: content}, dict(render.read(world.out, "site").inputs))
    assert offered(world) == [sites.BOOK, EPUB]
    answer = requests.get(f"{world.url}/book/{EPUB}", timeout=10)
    assert (answer.headers["Content-Type"], answer.content) == ("application/epub+zip", content)


def test_an_e_book_that_was_not_built_is_not_offered(world: sites.World) -> None:
    world.put_book(sites.PDF)
    assert offered(world) == [sites.BOOK]


def paper(pages: int) -> bytes:
    """Return a PDF with so many empty pages."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page()
        pdf.save(out, deterministic_id=True)
    return out.getvalue()


def test_every_edition_is_told_with_its_title_pages_size_and_sum(world: sites.World) -> None:
    files = {sites.BOOK: paper(3), "navigating-your-ms-care-extra.pdf": paper(2), EPUB: b"the e-book"}
    world.put("book", files, dict(render.read(world.out, "site").inputs))
    page = lxml.html.document_fromstring(requests.get(f"{world.url}/book/", timeout=10).text)
    text = " ".join(page.text_content().split())
    assert offered(world) == list(files)
    assert [str(title.text_content()) for title in page.xpath("//div[@class='download']/h2")] == [
        "For screens",
        "PDF",
        "E-book",
    ]
    assert "PDF, 1 KB, 3 pages, page size A5. You can fill in its forms on screen or print it." in text
    assert "PDF, 1 KB, 2 pages." in text
    for name, content in files.items():
        assert f"{name}{len(content):,} bytes. Its SHA-256 is {hashlib.sha256(content).hexdigest()}" in text
    for words in ("What has changed", "Made to be read by everyone", "PDF/UA-1"):
        assert words in text


def test_a_file_that_is_no_pdf_inside_is_offered_without_a_number_of_pages(world: sites.World) -> None:
    world.put_book(sites.PDF)
    page = lxml.html.document_fromstring(requests.get(f"{world.url}/book/", timeout=10).text)
    text = " ".join(page.text_content().split())
    assert "PDF, 256 KB, page size A5." in text


# --- the page as it lies in out/site/, without a server --------------------------------


def page_in_out(world: sites.World, library: model.Library | None = None) -> str:
    """Build the site into out/, and return the words of the book's page there."""
    material = dataclasses.replace(samples_web.material(), identity=world.here.desk.settings.identity)
    render.build(library or material.library, material, world.out, lambda _line: None)
    html = (world.out / "site" / "book" / "index.html").read_text(encoding="utf-8")
    return " ".join(lxml.html.document_fromstring(html).text_content().split())


def test_the_page_in_out_tells_of_the_files_that_were_built_before_it(world: sites.World) -> None:
    files = {sites.BOOK: paper(3), EPUB: b"the e-book"}
    world.put("book", files, dict(render.read(world.out, "site").inputs))
    text = page_in_out(world)
    assert "PDF, 1 KB, 3 pages, page size A5. You can fill in its forms on screen or print it." in text
    for name, content in files.items():
        assert f"{name}{len(content):,} bytes. Its SHA-256 is {hashlib.sha256(content).hexdigest()}" in text
    assert "a little older" not in text


def test_the_page_in_out_is_made_anew_when_the_book_is_another_one(world: sites.World) -> None:
    world.put("book", {sites.BOOK: paper(3)}, dict(render.read(world.out, "site").inputs))
    assert "3 pages" in page_in_out(world)
    world.put("book", {sites.BOOK: paper(4)}, dict(render.read(world.out, "site").inputs))
    text = page_in_out(world)
    assert "4 pages" in text
    assert "3 pages" not in text


def test_the_page_in_out_says_when_the_book_is_of_another_version(world: sites.World) -> None:
    library = samples_web.library()
    assert library.book
    name = library.book.path.relative_to(library.root.parent).as_posix()
    library = dataclasses.replace(library, files={name: b"another version"})
    world.put("book", {sites.BOOK: paper(3)}, dict(render.read(world.out, "site").inputs))
    assert "The book is a little older than this page." in page_in_out(world, library)


def test_a_book_that_was_altered_is_not_offered_by_the_page_in_out(world: sites.World) -> None:
    world.put("book", {sites.BOOK: paper(3)}, dict(render.read(world.out, "site").inputs))
    (world.out / "book" / sites.BOOK).write_bytes(paper(5))
    assert "The book is not ready to download just now." in page_in_out(world)
