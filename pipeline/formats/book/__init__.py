"""The book as PDF, in as many editions as content/book/book.toml declares: tagged, and fillable where it says so.

1. `setting` writes each chapter as HTML; `parts` puts front, chapters and back together from templates/book.
2. `typography` curls the quotation marks and joins measures.
3. `press` has the parts laid out on worker processes (`crew`, `job`), from the store where nothing changed, and again
   where a page number moved.
4. In the worker, `layout` makes pages and writes a part as PDF, `finish` mends it, `seal` makes it ready to be joined.
5. `stitch` joins the parts, with one font for each of the `faces`.
"""

import concurrent.futures
import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2

from pipeline import model, templating
from pipeline.formats import _words
from pipeline.formats._chapters import qr, setting, typography
from pipeline.formats.book import crew, job, parts, press

KIND = "book"
TEMPLATES = ("book", "citation", "fonts", "tokens.toml")
PAGES = "pages.json"


def render(book: model.Book, material: model.Material) -> list[model.Output]:
    """Return the PDF of each edition, and the first one's page map as pages.json: the same book, the same bytes.

    Refuses a reference to something that does not exist, a character the font lacks, anything WeasyPrint warns of, an
    edition larger than its budget, and a machine without Pango.
    """
    with _crew(material) as hands:
        env = templating.environment(material.templates, "book")
        env.filters["day"] = _words.long_date
        colours = templating.tokens(material.templates)
        files = _files(env, material, colours)
        chapters = [setting.set_chapter(chapter, book, material) for chapter in book.chapters]
        steps = press.Steps(material.step)

        def check(part: parts.Part, html: str) -> None:
            where = functools.partial(_place, part.source, material.library.root)
            typography.check_characters(html, files[f"fonts/{typography.FONT}"], where)

        def printed(edition: model.BookEdition) -> press.Printed:
            style = "\n".join(
                templating.render(env, name, e=edition, **colours) for name in ("book.css", edition.style)
            )
            plates = press.Plates(edition, style, files, check)
            made_of = parts.parts(env, book, material, chapters, edition)
            return press.Press(plates, hands, material.store, steps).printed(made_of)

        made = _side_by_side(printed, book.editions, steps)
    pairs = zip(book.editions, made, strict=True)
    return [
        *(model.Output(edition.file, one.content) for edition, one in pairs),
        _pages(book.editions[0], made[0]),
    ]


def _place(source: str, root: Path, char: str) -> str:
    """Say where a character of a part is typed, as "file:line: ": in its own file, or else in a bank of content/."""
    for path in (Path(source), *sorted(root.glob("*.toml")), *sorted(root.glob("*.json"))):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            before, found, _ = path.read_text(encoding="utf-8").partition(char)
            if found:
                return f"{path}:{before.count(chr(10)) + 1}: "
    return f"{source}: "


def workers() -> crew.Crew:
    """Return workers, the first of which gets ready now; whoever asks for them sends them home."""
    made = crew.Crew()
    made.warm(job.__name__, f"{__name__}.layout")
    return made


@contextmanager
def _crew(material: model.Material) -> Iterator[concurrent.futures.Executor]:
    """Lend the caller's workers, or start some that end with the work; the first gets ready while chapters are set."""
    if material.workers is not None:
        yield material.workers
        return
    own = workers()
    try:
        yield own
    finally:
        own.shutdown(cancel_futures=True)


def _side_by_side(
    printed: Callable[[model.BookEdition], press.Printed], editions: Sequence[model.BookEdition], steps: press.Steps
) -> list[press.Printed]:
    """Print all editions at once: each waits for its own parts in a thread, and the workers are never idle."""
    with concurrent.futures.ThreadPoolExecutor(len(editions)) as threads:
        waiting = [threads.submit(printed, edition) for edition in editions]
        try:
            for future in concurrent.futures.as_completed(waiting):
                future.result()
        except BaseException:  # Ctrl-C too: the other editions end after the part they are at
            steps.is_stopped = True
            raise
        return [future.result() for future in waiting]


def _pages(edition: model.BookEdition, printed: press.Printed) -> model.Output:
    record = {"edition": edition.id, "count": printed.count, "pages": dict(sorted(printed.pages.items()))}
    return model.Output(PAGES, (json.dumps(record, indent=1) + "\n").encode())


def _files(env: jinja2.Environment, material: model.Material, colours: Mapping[str, Any]) -> dict[str, bytes]:
    """Collect all that may be read while rendering: our fonts, the content's drawings, the templates' own signs."""
    fonts = {f"fonts/{name}": content for name, content in typography.fonts(material.templates).items()}
    images = {f"images/{name}": content for name, content in material.library.images.items()}
    signs = {
        path.name: templating.render(env, path.name, **colours).encode()
        for path in (material.templates / "book").glob("*.svg")
    }
    code = {"current-version.svg": qr.drawing(f"{material.identity.base_url}/book/")}
    return fonts | images | signs | code
