"""The book: our build, in the ways it is used, against everyone else who could lay it out, on the same content.

The ratios are to one stock WeasyPrint call on the HTML that our build hands to WeasyPrint, in the same round. It finds
the page numbers of contents, glossary and index as such a document does; a second call is given those of our build.
"""

import dataclasses
import itertools
import math
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import book_looks
import book_peers
import book_text
import measure

FIRST, MAP, EDIT, WARM = (
    "ours, nothing kept",
    "ours, page map kept",
    "ours, a word changed, new process",
    "ours, a word changed, warm process",
)
SEEN, ALONE = "ours, the changed chapter's pages, warm", "ours, that chapter's lay-out alone, warm"
READ = "ours, that chapter's words in the preview, warm"
TYPST_WARM = "Typst, a word changed, warm"
BUILD = measure.BENCH / "book_build.py"
KILOBYTE = 1_000

Samples = Mapping[str, Sequence[measure.Sample]]


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """Something to measure: a run, and the file that it writes; `peer` is None for our own."""

    name: str
    run: Callable[[], measure.Sample]
    file: Path | None = None
    peer: book_peers.Peer | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What came of one size of the book."""

    chapters: int
    words: int
    samples: Samples
    looks: Mapping[str, book_looks.Looks]
    lacks: Mapping[str, str]
    missing: Mapping[str, str]  # why a side has no samples

    def median(self, name: str, key: str) -> float:
        """Return the median of a side; not a number where it has none."""
        values = [sample[key] for sample in self.samples.get(name, ()) if key in sample]
        return statistics.median(values) if values else math.nan


def tables(size: measure.Size) -> str:
    """Measure the book in each size, the last of them in every way; return the tables."""
    peers = book_peers.peers()
    found = [_measured(count, size, peers) for count in size.chapters]
    parts = [_all(found[-1], peers), _growth(found, peers)]
    if not size.is_quick:
        parts.append(_aims(found[0], found[-1], [peer.name for peer in peers[:2]]))
    return "\n\n".join(parts)


def _measured(chapters: int, size: measure.Size, peers: Sequence[book_peers.Peer]) -> Measured:
    is_largest = chapters == size.chapters[-1]
    missing = {peer.name: peer.why for peer in peers if peer.why}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure.child(sys.executable, BUILD, "prepare", folder, str(chapters), seconds=900)
        sides = _sides(folder, chapters, [peer for peer in peers if not peer.why], in_full=is_largest)
        fast = [side for side in sides if not (side.peer and side.peer.is_slow)]
        slow = [side for side in sides if side.peer and side.peer.is_slow]
        missing |= {side.name: "left out: it takes minutes" for side in slow}
        slow = [side for side in slow if not size.is_quick and side.peer and chapters <= side.peer.most]
        rounds = size.heavy_rounds if is_largest else 1
        samples = _rounds(rounds, fast, missing) | _rounds(1, slow, missing)
        whole, _ = book_text.book(chapters)
        openings = [chapter.promise[:60] for chapter in whole.chapters]
        looks = {s.name: book_looks.look(s.file, openings) for s in sides if s.file and s.file.exists()}
    counting = {peer.name for peer in peers if peer.counts_pages}
    lacks = {name: one.lacks(looks[FIRST], counts_pages=name in counting) for name, one in looks.items()}
    return Measured(chapters, book_text.words(whole), samples, looks, lacks, missing)


def _rounds(count: int, sides: Sequence[Side], missing: dict[str, str]) -> dict[str, list[measure.Sample]]:
    """Run the sides in turns. One that fails says so in its row, and the others go on."""

    def guarded(side: Side) -> Callable[[], measure.Sample]:
        def run() -> measure.Sample:
            try:
                found = side.run()
            except RuntimeError as error:
                missing[side.name] = str(error)
                found = {}
            figures = ", ".join(f"{key} {measure.figure(value)}" for key, value in found.items())
            print(f"  {side.name}: {figures or missing[side.name]}", file=sys.stderr, flush=True)
            return found

        return run

    found = measure.rounds(count, *map(guarded, sides))
    return {side.name: samples for side, samples in zip(sides, found, strict=True)}


# --- the sides ------------------------------------------------------------------------------------


def _sides(folder: Path, chapters: int, peers: Sequence[book_peers.Peer], *, in_full: bool) -> list[Side]:
    """Return what is measured of a size; our work after an edit, and Typst's, only `in_full`."""
    ours = folder / "ours.pdf"
    sides = [
        Side(FIRST, lambda: _build(folder, chapters, lambda _: False, 0, ours), ours),
        Side(MAP, lambda: _build(folder, chapters, lambda key: key.startswith("map-"), 0, ours)),
    ]
    if in_full:
        edit, warm = folder / "edit.pdf", folder / "warm.pdf"
        sides += [
            Side(EDIT, lambda: _build(folder, chapters, lambda _: True, 1, edit)),
            Side(WARM, lambda: _warm(folder, chapters, warm)),
        ]
    for peer in peers:
        file = folder / f"peer-{len(sides)}.pdf"
        sides.append(Side(peer.name, lambda p=peer, f=file: p.run(folder, f), file, peer))  # type: ignore[misc]
        if in_full and peer.recompiles:
            sides.append(Side(TYPST_WARM, lambda: _typst_warm(folder)))
    return sides


def _build(folder: Path, chapters: int, is_kept: Callable[[str], bool], words: int, target: Path) -> measure.Sample:
    """Build in a fresh process, from a copy of what is kept of the store."""
    shelf = _shelf(folder, is_kept)
    return measure.whole(sys.executable, BUILD, "build", shelf, str(chapters), str(words), target)


def _warm(folder: Path, chapters: int, target: Path) -> measure.Sample:
    return measure.child(
        sys.executable, BUILD, "warm", _shelf(folder, lambda _: True), str(chapters), target, seconds=900
    )


def _shelf(folder: Path, is_kept: Callable[[str], bool]) -> Path:
    shelf = folder / "shelf"
    shutil.rmtree(shelf, ignore_errors=True)
    shelf.mkdir()
    for path in (folder / "store").iterdir():
        if is_kept(path.name):
            shutil.copy(path, shelf)
    return shelf


def _typst_warm(folder: Path) -> measure.Sample:
    copy = folder / "typst-warm"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for name in ("book.typ", "style.typ"):
        shutil.copy(folder / name, copy)
    for name in ("images", "fonts"):
        shutil.copytree(folder / name, copy / name)
    return measure.child(book_peers.PYTHON, measure.BENCH / "typst_peer.py", copy, folder / "w.pdf", book_text.WORDS[0])


# --- the tables -----------------------------------------------------------------------------------


def _all(found: Measured, peers: Sequence[book_peers.Peer]) -> str:
    stock = peers[0].name
    ours = [FIRST, MAP, EDIT, WARM]
    names = [*ours, *(peer.name for peer in peers), *([TYPST_WARM] if TYPST_WARM in found.samples else [])]
    lines = [["side", "wall s", "of stock", "CPU s", "of stock", "peak MB", "KB", "pages", "lacks"]]
    for name in names:
        if math.isnan(found.median(name, "wall")):
            lines.append([name, found.missing.get(name, "not measured in this size")])
        else:
            lines.append([name, *_costs(found, name, stock), *_product(found, name)])
    for name, key in ((SEEN, "seen"), (ALONE, "alone"), (READ, "read")):
        if key in (found.samples.get(WARM) or [{}])[0]:
            lines.append([name, measure.figure(found.median(WARM, key))])
    title = f"book: the first {found.chapters} chapters, {found.words:,} words; ratios to the stock call"
    return f"{title}\n\n{measure.columns(lines)}"


def _costs(found: Measured, name: str, stock: str) -> list[str]:
    cells = []
    for key in ("wall", "cpu"):
        cells += [measure.figure(found.median(name, key)), _ratio(found, name, stock, key)]
    return [*cells, measure.figure(found.median(name, "peak")) if name != WARM else ""]


def _ratio(found: Measured, name: str, stock: str, key: str) -> str:
    """Write the median of the ratios of the single rounds, with the lowest and the highest where they differ."""
    pairs = zip(found.samples[name], found.samples[stock], strict=False)
    ratios = [one[key] / other[key] for one, other in pairs if key in one and key in other]
    if not ratios:
        return ""
    middle, low, high = (measure.figure(f(ratios)) for f in (statistics.median, min, max))
    return middle if low == high else f"{middle} ({low}-{high})"


def _product(found: Measured, name: str) -> list[str]:
    looks = found.looks.get(name)
    if looks is None:
        return []
    return [f"{looks.size / KILOBYTE:,.0f}", str(looks.pages), found.lacks[name]]


def _growth(found: Sequence[Measured], peers: Sequence[book_peers.Peer]) -> str:
    lines = [["side", "chapters", "pages", "wall s", "CPU s", "peak MB", "CPU ms a page"]]
    for name, one in itertools.product([FIRST, MAP, *(peer.name for peer in peers)], found):
        looks = one.looks.get(FIRST if name == MAP else name)
        if looks is None or math.isnan(one.median(name, "wall")):
            lines.append([name, str(one.chapters), one.missing.get(name, "not measured")])
            continue
        costs = [one.median(name, key) for key in ("wall", "cpu", "peak")]
        a_page = costs[1] / looks.pages * 1000
        lines.append([name, str(one.chapters), str(looks.pages), *map(measure.figure, [*costs, a_page])])
    return f"book: how the cost grows\n\n{measure.columns(lines)}"


def _aims(small: Measured, large: Measured, stock: Sequence[str]) -> str:
    """Compare with what the project wants; `stock` names the call that counts pages, and the one that is given them.

    Growth is that of the pages, from the smallest size to the largest.
    """
    ratios = [("page map kept", MAP, 0.4), ("a word changed, new process", EDIT, 0.15)]
    ratios.append(("a word changed, warm process", WARM, 0.08))
    found = [
        (f"{words}: wall of the {'stock call' if name == stock[0] else 'call given the numbers'}", ratio, most)
        for words, side, most in ratios
        for name in stock
        for ratio in [large.median(side, "wall") / large.median(name, "wall")]
    ]
    found += [
        ("the changed chapter's pages, warm: s", large.median(WARM, "seen"), 0.3),
        ("that chapter's lay-out alone, warm: s", large.median(WARM, "alone"), 0.3),
        ("that chapter's words in the preview, warm: s", large.median(WARM, "read"), 0.3),
        ("largest process, nothing kept: MB", large.median(FIRST, "peak"), 250),
        ("screen edition: KB", large.looks[FIRST].size / KILOBYTE, 1500),
    ]
    if small is not large:
        found += [
            (
                f"three times the pages, {name.partition(', ')[2]}: times the {key}",
                _threefold(small, large, name, key),
                3.2,
            )
            for name, key in itertools.product((FIRST, MAP), ("wall", "cpu"))
        ]
    lines = [["aim", "found", "at most", ""]]
    for name, value, most in found:
        lines.append([name, measure.figure(value), measure.figure(most), "holds" if value <= most else "does not hold"])
    return f"book: the aims, on two cores\n\n{measure.columns(lines)}"


def _threefold(small: Measured, large: Measured, name: str, key: str) -> float:
    pages = large.looks[FIRST].pages / small.looks[FIRST].pages
    return float(3 ** (math.log(large.median(name, key) / small.median(name, key)) / math.log(pages)))
