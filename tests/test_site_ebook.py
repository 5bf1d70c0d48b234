"""The e-book on the book's page: offered beside the PDF only when it was built. Each test's name is its claim."""

from collections.abc import Iterator

import lxml.html
import pytest
import requests
import sites

from pipeline import render

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
