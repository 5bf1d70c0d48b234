"""The book: our build in a fresh process against one stock WeasyPrint call on the same HTML, in another.

Run as a program it is the side that is measured: bench/book.py FILE
"""

import importlib
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import measure
import pikepdf
import sample

from pipeline import edition
from pipeline.formats import book


def rows(size: measure.Size) -> list[measure.Row]:
    """Measure CPU seconds and peak memory of whole processes, and count pages and bytes of what they wrote."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_html(folder)
        ours, stock = folder / "ours.pdf", folder / "stock.pdf"
        mine, theirs = measure.rounds(
            size.heavy_rounds,
            _run(ours, __file__, ours),
            _run(stock, measure.BENCH / "weasyprint_peer.py", folder, stock),
        )
    return [
        measure.row("book: whole process, CPU s", "cpu", mine, theirs),
        measure.row("book: peak MB", "peak", mine, theirs),
        measure.row("book: pages", "pages", mine, theirs),
        measure.row("book: KB", "bytes", mine, theirs, scale=1 / 1000),
    ]


def _run(file: Path, *command: str | Path) -> Callable[[], measure.Sample]:
    def run() -> measure.Sample:
        found = measure.child(sys.executable, *command)
        with pikepdf.open(file) as pdf:
            return {**found, "pages": len(pdf.pages), "bytes": file.stat().st_size}

    return run


def _write_html(folder: Path) -> None:
    """Write the book's HTML, style and files into `folder`, as our build hands them to WeasyPrint at the end.

    They are taken where our build passes them on, so that the peer gets the same and no copy of it can grow old.
    """
    desk = sample.desk()
    layout = importlib.import_module("pipeline.formats.book.layout")  # here, for it needs Pango
    original = layout.printed

    def overheard(parts: Sequence[Callable[..., str]], style: str, files: Mapping[str, bytes]) -> object:
        found = original(parts, style, files)
        _write_parts(folder, [part(found.pages) for part in parts], style, files)
        return found

    layout.printed = overheard
    try:
        book.render(edition.book(desk.library), desk.material)
    finally:
        layout.printed = original


def _write_parts(folder: Path, parts: Sequence[str], style: str, files: Mapping[str, bytes]) -> None:
    head = parts[0].partition("<body")[0]
    bodies = [re.sub(r"^.*?<body[^>]*>|</body>.*$", "", part, flags=re.DOTALL) for part in parts]
    pages = "".join(f'<div style="break-before: page">{body}</div>' for body in bodies)
    (folder / "book.html").write_text(f"{head}<body>{pages}</body></html>".replace("book:/", ""), encoding="utf-8")
    (folder / "book.css").write_text(style.replace("book:/", ""), encoding="utf-8")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


# --- the side that is measured --------------------------------------------------------


def main(target: Path) -> None:
    """Build the book of content/; answer with the cost of the whole process."""
    desk = sample.desk()
    target.write_bytes(book.render(edition.book(desk.library), desk.material)[0].content)
    measure.answer({"cpu": measure.cpu_seconds(), "peak": measure.peak_megabytes()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
