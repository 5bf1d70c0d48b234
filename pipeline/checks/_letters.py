"""The letters that the book's font has: what it lacks is found where it is typed, before any page is made."""

import re
from collections.abc import Collection, Iterator, Sequence

import lxml.etree

from pipeline import content, markup, model
from pipeline.checks import _texts
from pipeline.checks._check import BLOCK, Check

LETTER = Check(
    "letter-unprinted",
    BLOCK,
    "Every letter of the book is printed; none becomes an empty box or comes from a stray font.",
    "write it in words: a name in Latin letters, a face or a sign by what it means",
)
FONT = Check(
    "drawing-font",
    BLOCK,
    "The words of a drawing look the same on every machine.",
    'write font-family="Atkinson Hyperlegible Next, Verdana, sans-serif" on the drawing\'s root or its <text>',
)
CHECKS = (LETTER, FONT)

FAMILY = "Atkinson Hyperlegible Next"
BANKS = ("book/book.toml", "questions.toml", "glossary.toml", "worksheets.toml", "index.toml")
_ADDRESS = re.compile(r"\]\((?!image:)[^)\s]*")
_SVG_TEXT = "{http://www.w3.org/2000/svg}text"
_FAMILY = re.compile(r"font-family\s*:\s*([^;}]+)")

Place = tuple[str, int]


def check(library: model.Library, known: Collection[int]) -> Iterator[model.Finding]:
    """Yield a finding for each line of the book's texts, banks, sources and drawings with a letter not in `known`."""
    if library.book is None:
        return
    for place, words in _typed(library, _chapters(library)):
        yield from _lacking(place, words, known)
    yield from drawings(library, known)


def drawings(library: model.Library, known: Collection[int]) -> Iterator[model.Finding]:
    """Yield a finding for each text of the book's drawings with a letter not in `known`, or in another font."""
    for name, root in _drawings(library, _chapters(library)):
        for text in root.iter(_SVG_TEXT):
            yield from _lacking((name, _line(text)), _words(text), known)
        yield from _fonts(name, root)


def _lacking(place: Place, words: str, known: Collection[int]) -> Iterator[model.Finding]:
    lacking = [char for char in dict.fromkeys(words) if ord(char) not in known and not char.isspace()]
    if lacking:
        shown = ", ".join(f"{char!r} (U+{ord(char):04X})" for char in lacking[:3])
        yield LETTER.at(place, f"the book's font has no {shown}")


def _chapters(library: model.Library) -> list[model.Chapter]:
    named = library.book.chapters if library.book else ()
    return [library.chapters[slug] for slug in named if slug in library.chapters]


def _typed(library: model.Library, chapters: Sequence[model.Chapter]) -> Iterator[tuple[Place, str]]:
    """Yield every line that the book prints, with its place."""
    for path in [chapter.path for chapter in chapters]:
        name, lines = _texts.name(path, library.root), content.text(path, library).split("\n")
        yield from (((name, n), _ADDRESS.sub("](", line)) for n, line in enumerate(lines, 1))
    for path in [library.root / name for name in BANKS]:
        name, lines = _texts.name(path, library.root), content.text(path, library).split("\n")
        yield from (((name, n), line) for n, line in enumerate(lines, 1) if not line.lstrip().startswith("#"))
    banked = _texts.name(library.root / "sources.json", library.root)
    for name in sorted(_used("citation", chapters) & library.sources.keys()):
        source = library.sources[name]
        yield (banked, source.line), " ".join(_strings(dict(source.csl)))


def _used(kind: str, chapters: Sequence[model.Chapter]) -> set[str]:
    documents = (markup.parse(chapter.body, chapter.body_line) for chapter in chapters)
    return {ref.target for document in documents for ref in document.references if ref.kind == kind}


def _strings(value: object) -> Iterator[str]:
    """Yield the texts of a CSL record, but not its address."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for key, inner in value.items() if key not in {"URL", "id"} for text in _strings(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in _strings(inner))


def _drawings(library: model.Library, chapters: Sequence[model.Chapter]) -> Iterator[tuple[str, lxml.etree._Element]]:
    for name in sorted(_used("image", chapters) & library.images.keys()):
        yield _texts.name(library.root / "images" / name, library.root), lxml.etree.fromstring(library.images[name])


def _line(element: lxml.etree._Element) -> int:
    return element.sourceline if isinstance(element.sourceline, int) else 0


def _words(text: lxml.etree._Element) -> str:
    return "".join(map(str, text.itertext()))


def _fonts(name: str, root: lxml.etree._Element) -> Iterator[model.Finding]:
    """Yield a finding for each piece of text whose first font is not the book's own."""
    if next(root.iter("{http://www.w3.org/2000/svg}style"), None) is not None:
        return  # the page maker will tell what comes of it
    for text in root.iter(_SVG_TEXT):
        near = (_family(element) for element in (text, *text.iterancestors()))
        first = next((family for family in near if family), "").partition(",")[0].strip(" '\"")
        if first != FAMILY:
            said = f"is set in {first!r}" if first else "names no font"
            yield FONT.at((name, _line(text)), f"the text {_words(text).strip()[:40]!r} {said}")


def _family(element: lxml.etree._Element) -> str:
    match = _FAMILY.search(str(element.get("style", "")))
    return match[1] if match else str(element.get("font-family", ""))
