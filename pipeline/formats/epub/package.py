"""The package document of an EPUB: what the book is, what it is made of, and what readers can count on."""

import dataclasses
import urllib.parse
import uuid
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

import jinja2

from pipeline import model, templating
from pipeline.formats.epub import drawings

CONTENTS = "contents.xhtml"
COVER = "cover.png"
_TYPES = {".xhtml": "application/xhtml+xml", ".css": "text/css", ".ttf": "font/ttf", ".txt": "text/plain"}
_FEATURES = (  # of the schema.org vocabulary, true of every book this format makes
    "alternativeText",
    "ARIA",
    "displayTransformability",
    "readingOrder",
    "structuralNavigation",
    "tableOfContents",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One file of the manifest."""

    id: str
    href: str
    type: str
    properties: str
    in_spine: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What the package document says of the book."""

    spec: model.BookSpec
    identity: model.Identity
    identifier: str
    features: tuple[str, ...]
    accessibility: str
    pages_of: str  # the file whose page numbers these are; "" without page numbers


def summary(features: AbstractSet[str]) -> str:
    """Say in words what a reader can count on, and what not. No conformance is claimed: nobody has certified it."""
    described = " Some have a longer description too." if "longDescription" in features else ""
    pages = (
        " Page numbers are those of the PDF. A mark stands where a page of the PDF begins, or a few lines below. Some "
        "pages of the PDF, such as those with forms only, have no mark."
        if "pageNavigation" in features
        else ""
    )
    return (
        "All text flows anew at any size, in any typeface and in any colors. Headings, lists, tables, notes and boxes "
        f"are marked as what they are. Every drawing has a text alternative.{described} Explained words and sources "
        f"are linked both ways.{pages} The reading program may forget ticks. The PDF of this book has forms to fill "
        "in. Books made in this way are tested with EPUBCheck and with Ace by DAISY, which are programs. No person "
        "has certified this file, so no conformance is claimed."
    )


def facts(spec: model.BookSpec, identity: model.Identity, features: AbstractSet[str]) -> Facts:
    """Gather what is true of this book. The identifier is the same for the same publisher, title and version."""
    name = f"{identity.base_url}/book/#{spec.title}, version {spec.version}"
    return Facts(
        spec=spec,
        identity=identity,
        identifier=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
        features=tuple(sorted({*_FEATURES, *features}, key=str.casefold)),
        accessibility=summary(features),
        pages_of=spec.editions[0].file if "pageNavigation" in features else "",
    )


def document(env: jinja2.Environment, facts: Facts, files: AbstractSet[str], order: Sequence[str]) -> bytes:
    """Return the package document for these files; `order` are those that are read, one after the other."""
    values = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
    names = [*order, *sorted(files - set(order))]
    items = list(_items(names, len(order)))
    return templating.render(env, "package.opf.j2", **values, items=items).encode()


def _items(names: Sequence[str], texts: int) -> Iterator[Item]:
    """Yield the manifest; the first `texts` files are read, one after the other."""
    properties = {CONTENTS: "nav", COVER: "cover-image"}
    for number, name in enumerate(names):
        kind = _TYPES.get(PurePosixPath(name).suffix) or drawings.media_type(PurePosixPath(name).name)
        href = urllib.parse.quote(name)
        yield Item(f"file-{number + 1}", href, kind, properties.get(name, ""), in_spine=number < texts)
