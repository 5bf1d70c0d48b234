"""Bad drawings in the book: each fault is a sentence with file and line. Names are claims."""

from pathlib import Path

import book_spoiled
import house
import pytest
from book_spoiled import CHAPTER, DRAWING, FIRST_LINE, RECTANGLE, found, refused, svg, with_drawing, with_text


@pytest.fixture
def home(tmp_path: Path) -> house.House:
    """Return a publication of its own, without fault."""
    return book_spoiled.publication(tmp_path / "home")


BROKEN, UNSAFE = "content-image-broken", "content-image-unsafe"
BOMB = '<!DOCTYPE svg [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"", BROKEN, 0),
        (b"this is no drawing", BROKEN, 1),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01", BROKEN, 1),
        (svg().encode()[:110], BROKEN, 2),
        (b"\n<html/>", BROKEN, 2),
        (svg("<g>" * 5000 + "</g>" * 5000).encode(), BROKEN, 2),
        (svg().encode("utf-16"), BROKEN, 1),
        (svg(root='width="100000000" height="100000000"').encode(), BROKEN, 1),
        (svg(root='viewBox="0 0 1e30 1e30"').encode(), BROKEN, 1),
        (svg(root='viewBox="0 0 0 0"').encode(), BROKEN, 1),
        (svg(root='viewBox="0 0 nan nan"').encode(), BROKEN, 1),
        (svg(root='viewBox="0 0 1 10000"').encode(), BROKEN, 1),
        (svg(root='width="100%"').encode(), BROKEN, 1),
        (svg('<use href="#nowhere"/>').encode(), BROKEN, 2),
        (svg('<g id="a">\n<use href="#a"/></g>').encode(), UNSAFE, 3),
        (svg("<script>alert(1)</script>").encode(), UNSAFE, 2),
        (svg('<rect onclick="alert(1)" width="1" height="1"/>').encode(), UNSAFE, 2),
        (svg(root='viewBox="0 0 120 60" onload="alert(1)"').encode(), UNSAFE, 1),
        (svg('<image href="https://tracker.example.com/a.png"/>').encode(), UNSAFE, 2),
        (svg('<image href="file:///etc/passwd"/>').encode(), UNSAFE, 2),
        (svg('<image href="data:image/svg+xml;base64,AAAA"/>').encode(), UNSAFE, 2),
        (svg('<use href="other.svg#a"/>').encode(), UNSAFE, 2),
        (svg('<a href="javascript:alert(1)">\n<rect/></a>').encode(), UNSAFE, 2),
        (svg('<rect fill="url(https://tracker.example.com/a.svg#b)"/>').encode(), UNSAFE, 2),
        (svg('<rect style="fill:url( //tracker.example.com/a)"/>').encode(), UNSAFE, 2),
        (svg('<style>@import "https://tracker.example.com/a.css";</style>').encode(), UNSAFE, 2),
        (svg("<style>@font-face{src:url(https://tracker.example.com/a.ttf)}</style>").encode(), UNSAFE, 2),
        (svg(r"<style>rect{fill:\75rl(//tracker.example.com/a)}</style>").encode(), UNSAFE, 2),
        (svg('<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>').encode(), UNSAFE, 2),
        (svg('<set attributeName="href" to="https://tracker.example.com"/>').encode(), UNSAFE, 2),
        (b'<?xml-stylesheet href="a.css"?>\n' + svg().encode(), UNSAFE, 1),
        ((BOMB + "]>\n" + svg("<text>&i;</text>")).encode(), UNSAFE, 1),
        (('\n<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + svg("<text>&x;</text>")).encode(), UNSAFE, 2),
    ],
)
def test_a_drawing_that_is_broken_or_reaches_out_is_found_and_no_book_is_made(
    home: house.House, data: bytes, code: str, line: int
) -> None:
    told = found(with_drawing(home, data))
    assert (code, DRAWING, line) in told
    assert {file for _, file, _ in told} == {DRAWING}, "nothing is said of the chapter, which is sound"
    assert f"content/{DRAWING}:{line}: " in refused(home)


@pytest.mark.parametrize(
    "inside",
    [
        RECTANGLE,
        '<defs><linearGradient id="g"><stop offset="1"/></linearGradient></defs><rect fill="url(#g)" width="9"/>',
        f'<g id="leaf">{RECTANGLE}</g><use href="#leaf" x="9"/>',
        '<style>rect{fill:url("#g")}</style><rect width="9" height="9"/>',
        '<image href="data:image/png;base64,iVBORw0KGgo=" width="9" height="9"/>',
    ],
)
def test_a_drawing_of_shapes_and_words_is_no_fault(home: house.House, inside: str) -> None:
    assert found(with_drawing(home, svg(inside).encode())) == {}


def test_a_drawing_of_50_megabytes_is_refused_by_its_size(home: house.House) -> None:
    with_drawing(home, b"")
    with (home.root / "content" / DRAWING).open("r+b") as file:
        file.truncate(50_000_000)
    message = found(home)[BROKEN, DRAWING, 0].message
    assert message == "has 50,000,000 bytes, and a drawing may have 500,000"


def test_a_drawing_that_is_missing_is_found_at_the_line_that_names_it(home: house.House) -> None:
    with_text(home, "Words.\n\n![A shape.](image:shape.svg)\n")
    assert list(found(home)) == [("content-image-missing", CHAPTER, FIRST_LINE + 2)]
    assert f"content/{CHAPTER}:{FIRST_LINE + 2}: there is no drawing 'shape.svg'" in refused(home)


def test_a_photograph_in_the_place_of_a_drawing_is_told_from_a_drawing_that_is_missing(home: house.House) -> None:
    (home.root / "content/images/shape.png").write_bytes(b"a picture")
    with_text(home, "Words.\n\n![A shape.](image:shape.png)\n")
    fault = found(home)["content-image-missing", CHAPTER, FIRST_LINE + 2]
    assert fault.message == "'shape.png' is not an SVG file, and a drawing is one"
    assert fault.hint == "draw it as SVG, put that into content/images/, and name it here"


@pytest.mark.parametrize("link", ["<image:my shäpe.svg>", "image:shäpe.svg"])
def test_a_drawing_whose_name_no_link_can_hold_is_told_by_its_own_name(home: house.House, link: str) -> None:
    name = link.strip("<>").removeprefix("image:")
    (home.root / "content/images" / name).write_text(svg(), encoding="utf-8")
    with_text(home, f"Words.\n\n![A shape.]({link})\n")
    fault = found(home)["content-image-missing", CHAPTER, FIRST_LINE + 2]
    assert fault.message == f"{name!r} is no name for a drawing: a link holds only a to z, 0 to 9, - and ."
    assert fault.hint == "rename the file, for example nerve-fiber.svg, and write that name here"


def test_a_drawing_that_cannot_be_opened_is_found(home: house.House) -> None:
    with_drawing(home, b"")
    (home.root / "content" / DRAWING).unlink()
    (home.root / "content" / DRAWING).mkdir()
    assert list(found(home)) == [("content-unreadable", DRAWING, 0)]
