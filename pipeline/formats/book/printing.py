"""The editions of the book printed side by side, while its chapters are still being set."""

import concurrent.futures
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from pipeline import errors, model, templating
from pipeline.formats._chapters import qr, setting, typography
from pipeline.formats.book import parts, press, typed


def outputs(
    book: model.Book, material: model.Material, hands: concurrent.futures.Executor, pages: str
) -> list[model.Output]:
    """Return the PDF of each edition, printed by `hands`, and the first one's page map under the name `pages`.

    Refuses an edition whose style sheet does not exist, and what `press` refuses.
    """
    for edition in book.editions:
        _refuse_unknown_style(edition, book.spec, material.templates / "book")
    env = templating.environment(material.templates, "book")
    colours = templating.tokens(material.templates)
    files = _files(env, material, colours)
    chapters = _Chapters(book, material)
    steps = press.Steps(material.step)

    def texts(source: str) -> list[Path]:
        """Return the files a part's text may come from: its own, the banks of content/, the templates."""
        root = material.library.root
        shared = (*root.glob("*.toml"), *root.glob("*.json"), *(material.templates / "book").glob("*.html"))
        return [Path(source), *sorted(shared)]

    def place(source: str, words: str) -> str:
        return typed.line(texts(source), f"{source}: ", words)

    def check(part: parts.Part, html: str) -> None:
        def where(char: str) -> str:
            return typed.letter(texts(part.source), f"{part.source}: ", char)

        typography.check_characters(html, files[f"fonts/{typography.FONT}"], where)

    def printed(edition: model.BookEdition) -> press.Printed:
        style = "\n".join(templating.render(env, name, e=edition, **colours) for name in ("book.css", edition.style))
        plates = press.Plates(edition, style, files, check, place)
        made_of = parts.parts(env, book, material, chapters, edition)
        return press.Press(plates, hands, material.store, steps).printed(made_of)

    made = _side_by_side(printed, book.editions, steps)
    pairs = zip(book.editions, made, strict=True)
    return [
        *(model.Output(edition.file, one.content) for edition, one in pairs),
        _page_map(pages, book.editions[0], made[0]),
    ]


class _Chapters(Sequence[setting.SetChapter]):
    """The chapters, each set when the first edition asks for it: the one before is laid out meanwhile."""

    def __init__(self, book: model.Book, material: model.Material) -> None:
        self._book = book
        self._material = material
        self._set: dict[int, setting.SetChapter] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._book.chapters)

    def __getitem__(self, number: Any) -> Any:
        chapter = self._book.chapters[number]
        with self._lock:
            if number not in self._set:
                self._set[number] = setting.set_chapter(chapter, self._book, self._material)
            return self._set[number]


def _refuse_unknown_style(edition: model.BookEdition, spec: model.BookSpec, folder: Path) -> None:
    if not (folder / edition.style).is_file():
        place = typed.letter([Path(spec.path)], f"{spec.path}: ", edition.style)
        msg = f"{place}the edition {edition.id!r} names {edition.style!r}, which is not in templates/book"
        raise errors.RenderProblem(msg, hint="write that style sheet, or name one that is there, such as screen.css")


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


def _page_map(name: str, edition: model.BookEdition, printed: press.Printed) -> model.Output:
    record = {"edition": edition.id, "count": printed.count, "pages": dict(sorted(printed.pages.items()))}
    return model.Output(name, (json.dumps(record, indent=1) + "\n").encode())


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
