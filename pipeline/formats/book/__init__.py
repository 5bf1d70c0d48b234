"""The book as PDF, in as many editions as content/book/book.toml declares: tagged, and fillable where it says so.

1. `printing` has `setting` write each chapter as HTML when an edition asks for it; `parts` puts front, chapters and
   back together from templates/book.
2. `typography` curls the quotation marks and joins measures.
3. `press` has the parts laid out on worker processes (`crew`, `job`), from the store where nothing changed, and again
   where a page number moved.
4. In the worker, `layout` makes pages and writes a part as PDF, `finish` mends it, `seal` makes it ready to be joined.
5. `stitch` joins the parts, with one font for each of the `faces`.
"""

import concurrent.futures
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.formats.book import crew, job

if TYPE_CHECKING:
    from pipeline import model

KIND = "book"
TEMPLATES = ("book", "citation", "fonts", "tokens.toml")
PAGES = "pages.json"


def render(book: "model.Book", material: "model.Material") -> "list[model.Output]":
    """Return the PDF of each edition, and the first one's page map as pages.json: the same book, the same bytes.

    Refuses a reference to something that does not exist, a character the font lacks, anything WeasyPrint warns of, an
    edition larger than its budget, and a machine without Pango.
    """
    with _crew(material) as hands:
        # Imported here because a worker, which imports this package too, needs none of it. The first is under way now.
        from pipeline.formats.book import printing  # noqa: PLC0415

        return printing.outputs(book, material, hands, PAGES)


def workers() -> crew.Crew:
    """Return workers for `model.Material`, the first of which gets ready now; use them in a `with` statement."""
    made = crew.Crew()
    made.warm(job.__name__, f"{__name__}.layout")
    return made


@contextmanager
def _crew(material: "model.Material") -> Iterator[concurrent.futures.Executor]:
    """Lend the caller's workers, or start some that end with the work; the first gets ready while chapters are set."""
    if material.workers is not None:
        yield material.workers
        return
    with workers() as own:
        yield own
