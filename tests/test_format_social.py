"""The picture of a link that is passed on: made here, of the size that is asked for, and told in the page's head."""

import dataclasses
import io
import itertools

import lxml.html
import PIL.Image
import pytest
import samples_web

from pipeline.formats import _social, pages

BASE = "https://www.example.org/"


class Kept(dict[str, bytes]):
    """A store in memory."""

    def put(self, key: str, content: bytes) -> None:
        """Keep it."""
        self[key] = content


@pytest.fixture(scope="module")
def outputs() -> dict[str, bytes]:
    return {output.name: output.content for output in pages.render(samples_web.library(), samples_web.material())}


def test_every_page_names_a_picture_that_is_there_with_its_true_size_and_words(outputs: dict[str, bytes]) -> None:
    for name, content in outputs.items():
        if not name.endswith(".html"):
            continue
        page = lxml.html.document_fromstring(content.decode())
        head = {str(meta.get("property")): str(meta.get("content")) for meta in page.xpath("//meta[@property]")}
        assert head["og:url"] == BASE + name.removesuffix("index.html")
        assert head["og:title"]
        assert head["og:image:alt"]
        assert head["og:image"].startswith(BASE)
        with PIL.Image.open(io.BytesIO(outputs[head["og:image"].removeprefix(BASE)])) as picture:
            assert picture.format == "PNG"
            assert picture.size == (1200, 630) == (int(head["og:image:width"]), int(head["og:image:height"]))


def test_articles_editions_and_the_book_have_pictures_of_their_own(outputs: dict[str, bytes]) -> None:
    made = {name: content for name, content in outputs.items() if "social" in name}
    articles = {f"social/{slug}.png" for slug in samples_web.library().articles}
    others = {"social/home.png", "social/book.png", "editions/2026-11-spinal-cord/images/social.png"}
    assert made.keys() == articles | others
    assert len(set(made.values())) == len(made)
    assert max(map(len, made.values())) < 150_000


def test_what_was_drawn_once_is_taken_from_the_store() -> None:
    kept = Kept()
    material = dataclasses.replace(samples_web.material(), store=kept)
    first = _social.picture("A title", "A topic", None, material)
    (key,) = kept
    kept[key] = b"the stored one"
    assert first.startswith(b"\x89PNG")
    assert _social.picture("A title", "A topic", None, material) == b"the stored one"


@pytest.mark.parametrize(
    "title",
    ["MS", "A " * 200, "Unbroken" * 12, 'Quotes "and" <b>signs</b> & more', "عنوان", "{{ 7 * 7 }}", ""],
)
def test_any_title_gives_a_picture_and_lines_never_leave_their_column(title: str) -> None:
    material = samples_web.material()
    picture = _social.picture(title, "Topic", None, material)
    assert PIL.Image.open(io.BytesIO(picture)).size == (1200, 630)
    size, lines = _social._set(title, material.templates)
    assert len(lines) * size < 400
    words = [word for line in lines for word in line.split()]
    for one, two in itertools.pairwise(lines):
        assert one
        assert two
    assert not words or words[0] == title.split(maxsplit=1)[0]
