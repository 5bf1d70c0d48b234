"""What workers do with a whole edition: look through its text, join its parts, judge the book. Needs no WeasyPrint."""

from collections.abc import Sequence

from pipeline import model
from pipeline.formats.book import gates, lint, stitch


def read(parts: Sequence[tuple[str, str]]) -> gates.Expected:
    """Refuse parts (file and HTML) with a fault that can be read in them; return what their PDF must hold."""
    lint.check(parts)
    return gates.expected(html for _, html in parts)


def join(binding: stitch.Binding) -> bytes:
    """Return the parts as one PDF; see `stitch`."""
    return stitch.joined(binding)


def validate(content: bytes, edition: model.BookEdition) -> list[str]:
    """Return what is wrong with a joined edition by the standards; see `gates`."""
    return gates.validated(content, edition)


def inspect(content: bytes, wanted: gates.Expected, edition: model.BookEdition) -> list[str]:
    """Return what else is wrong with a joined edition; see `gates`."""
    return gates.inspected(content, wanted, edition)
