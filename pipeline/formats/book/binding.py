"""What workers do with a whole edition: look through its text, join its parts, judge the book. Needs no WeasyPrint."""

from collections.abc import Sequence

from pipeline import model
from pipeline.formats.book import gates, lint, stitch


def read(parts: Sequence[tuple[str, str]]) -> None:
    """Refuse parts (file and HTML) with a fault that can be read in them."""
    lint.check(parts)


def expect(parts: Sequence[str]) -> gates.Expected:
    """Return what the PDF of parts, given as HTML, must hold."""
    return gates.expected(parts)


def join(binding: stitch.Binding) -> bytes:
    """Return the parts as one PDF; see `stitch`."""
    return stitch.joined(binding)


def validate(content: bytes, edition: model.BookEdition) -> list[str]:
    """Return what is wrong with a joined edition by the standards; see `gates`."""
    return gates.validated(content, edition)


def inspect(content: bytes, wanted: gates.Expected, edition: model.BookEdition) -> list[str]:
    """Return what else is wrong with a joined edition; see `gates`."""
    return gates.inspected(content, wanted, edition)
