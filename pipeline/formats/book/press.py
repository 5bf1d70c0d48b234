"""An edition of the book, printed in parts on worker processes.

1. Each part is written from the page map {anchor: printed page} of the last build, or from none.
2. Parts that are not in the store are laid out side by side, each with the number of its first page; the first of them
   while the others are still written.
3. What they say of their pages gives the map anew; parts that this changes are written again, until nothing moves.
4. A part whose own length decides the numbers in it is proved: laid out with the numbers left open, it must fall the
   same. So a book has one page map, wherever the search for it began.
5. The parts are joined meanwhile, and the joined edition is kept too.
"""

import concurrent.futures
import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from pipeline import errors, model
from pipeline.formats.book import binding, crew, engine, faces, gates, job, stitch
from pipeline.formats.book.parts import Part, Written

ROUNDS = 4  # two were the most a book ever needed
_FILE = re.compile(r"book:/([^\"')\s]+)")
T = TypeVar("T", job.Laid, job.Places)


@dataclasses.dataclass(frozen=True, slots=True)
class Plates:
    """What an edition is printed with: its style sheet, and all files that it may read by their name after book:/.

    `check` gets each part with its HTML, and refuses what cannot be printed. `place` gets the source of a part and
    some words of its pages, and says where they are typed, as "file:line: ".
    """

    edition: model.BookEdition
    style: str
    files: Mapping[str, bytes]
    check: Callable[[Part, str], None]
    place: Callable[[str, str], str]


@dataclasses.dataclass(frozen=True, slots=True)
class Printed:
    """A finished PDF with its page map and the HTML its parts were made of."""

    content: bytes
    pages: Mapping[str, int]
    count: int
    html: Sequence[str]


class Steps:
    """Counts the steps of all editions together and tells of each one done."""

    def __init__(self, tell: Callable[[str, int, int], None]) -> None:
        self._tell = tell
        self.is_stopped = False  # an edition was refused: the others need not be finished
        self._done = self._total = 0

    def add(self, count: int) -> None:
        """Expect that many more steps."""
        self._total += count

    def done(self, what: str) -> None:
        """Tell of a step done."""
        self._done += 1
        self._tell(what, self._done, self._total)


class Press:
    """Prints one edition."""

    def __init__(
        self, plates: Plates, workers: concurrent.futures.Executor, store: model.Store | None, steps: Steps
    ) -> None:
        self._plates = plates
        self._style = _digest(plates.style.encode())
        self._digests = {name: _digest(content) for name, content in plates.files.items()}
        self._workers = workers
        self._store = store
        self._steps = steps
        self._sources: list[str] = []
        self._readings: dict[tuple[str, ...], concurrent.futures.Future[gates.Expected]] = {}
        self._laid: dict[str, job.Laid] = {}
        self._placed: dict[str, job.Places] = {}

    def printed(self, parts: Sequence[Part]) -> Printed:
        """Return the edition; refuses page numbers that do not settle, and whatever its parts are refused for."""
        kept = self._kept_map()
        self._sources = [part.source for part in parts]
        found = _Map(self._guess(parts, kept), kept.pages)
        for round_ in range(ROUNDS):
            made: dict[int, tuple[Written, job.Sheet]] = {}
            is_blind = round_ == 0 and not kept.firsts
            fill = self._place if is_blind else self._lay_out
            fill(self._written(parts, found, made))
            written, sheets = zip(*(made[number] for number in range(len(parts))), strict=True)
            places = [self._places_of(sheet) for sheet in sheets]
            before, found = found, _map(places)
            if found == before and not is_blind:
                break
        else:
            msg = f"the page numbers of the book did not settle in {ROUNDS} rounds"
            raise errors.RenderProblem(msg, hint="shorten a heading of the contents by a word; one line decides a page")
        with concurrent.futures.ThreadPoolExecutor(1) as beside:
            proof = beside.submit(self._prove, parts, written, places, found)
            content = self._join(sheets)
            proof.result()
        self._keep_map(found)
        return Printed(content, found.pages, sum(p.count for p in places), [w.html for w in written])

    # --- the parts

    def _sheet(self, number: int, part: Part, written: Written, first: int) -> job.Sheet:
        plates = self._plates
        named = sorted((set(_FILE.findall(written.html)) | set(_FILE.findall(plates.style))) & plates.files.keys())
        made_of = [engine.digest(), self._style, *((name, self._digests[name]) for name in named), written.html]
        print_ = [part.name, number, first, plates.edition.fill_in, plates.edition.archive]
        return job.Sheet(
            key=_digest(json.dumps([*made_of, *print_]).encode()),
            name=part.name,
            number=number,
            first=first,
            html=written.html,
            style=plates.style,
            files={name: plates.files[name] for name in named},
            fill_in=plates.edition.fill_in,
            archive=plates.edition.archive,
        )

    def _written(
        self, parts: Sequence[Part], found: "_Map", made: dict[int, tuple[Written, job.Sheet]]
    ) -> Iterator[job.Sheet]:
        """Write the parts into `made`; what is drawn up from all of them comes last, while chapters are laid out."""
        for number, part in sorted(enumerate(parts), key=lambda pair: pair[1].is_gathered):
            written = part.write(found.pages)
            self._plates.check(part, written.html)
            sheet = self._sheet(number, part, written, found.firsts[number])
            made[number] = written, sheet
            yield sheet

    def _lay_out(self, sheets: Iterable[job.Sheet]) -> None:
        """Have each part laid out, unless it is in the store."""
        self._run(_PART, sheets, self._laid)

    def _place(self, sheets: Iterable[job.Sheet]) -> None:
        """Find where the anchors of each part fall, without its pages."""
        self._run(_PLACES, sheets, self._placed)

    def _places_of(self, sheet: job.Sheet) -> job.Places:
        laid = self._laid.get(sheet.key)
        return laid.places if laid else self._placed[sheet.key]

    def _run(self, work: "_Work[T]", sheets: Iterable[job.Sheet], have: dict[str, T]) -> None:
        """Fill `have` with what is missing of `sheets`: from the store, else by the workers.

        They begin while the sheets behind are still being written; of these, the longest goes first.
        """
        waiting: dict[concurrent.futures.Future[T], job.Sheet] = {}
        try:
            seen, later = self._begin(work, sheets, have, waiting)
            if waiting and len(seen) == len(self._sources):
                self._read(sorted(seen, key=lambda sheet: sheet.number))
            for sheet in sorted(later, key=lambda sheet: -len(sheet.html)):
                self._submit(work, sheet, waiting)
            for reading in tuple(self._readings.values()):  # the joining may ask for one more
                reading.result()  # says better what is wrong than the laying out of the same part would
            for future in concurrent.futures.as_completed(waiting):
                if self._steps.is_stopped:
                    msg = (
                        f"the edition {self._plates.edition.id!r} of the book was not finished: another one was refused"
                    )
                    raise errors.RenderProblem(msg, hint="mend what the other one was refused for")
                sheet = waiting[future]
                have[sheet.key] = self._result(future, sheet)
                self._put(f"{work.name}-{sheet.key}", work.pack(have[sheet.key]))
                self._steps.done(f"{self._plates.edition.id}: {sheet.name}")
        finally:
            for future in waiting:
                future.cancel()

    def _begin(
        self,
        work: "_Work[T]",
        sheets: Iterable[job.Sheet],
        have: dict[str, T],
        waiting: dict[concurrent.futures.Future[T], job.Sheet],
    ) -> tuple[list[job.Sheet], list[job.Sheet]]:
        """Take what the store has, and give the workers what it lacks: as many as there are cores at once.

        Returns all sheets, and those that are to follow.
        """
        seen: list[job.Sheet] = []
        later: list[job.Sheet] = []
        for sheet in sheets:
            seen.append(sheet)
            if sheet.key in have or sheet.key in self._laid:
                continue
            data = self._get(f"{work.name}-{sheet.key}")
            if data is not None:
                have[sheet.key] = work.unpack(data)
            elif len(waiting) < crew.cores():
                self._submit(work, sheet, waiting)
            else:
                later.append(sheet)
        return seen, later

    def _submit(
        self, work: "_Work[T]", sheet: job.Sheet, waiting: dict[concurrent.futures.Future[T], job.Sheet]
    ) -> None:
        self._steps.add(1)
        waiting[self._workers.submit(work.do, sheet)] = sheet

    def _result(self, future: concurrent.futures.Future[T], sheet: job.Sheet) -> T:
        """Return what the workers made of a part; what they refuse it for is told with the part's file."""
        try:
            made = future.result()
        except errors.RenderProblem as problem:
            msg = f"{self._sources[sheet.number]}: {problem.message}"
            raise errors.RenderProblem(msg, hint=problem.hint) from problem
        places = made.places if isinstance(made, job.Laid) else made
        job.refuse_overruns(places.over, functools.partial(self._plates.place, self._sources[sheet.number]))
        return made

    def _read(self, sheets: Sequence[job.Sheet]) -> concurrent.futures.Future[gates.Expected]:
        """Have the text of all parts looked through while the first of them are laid out."""
        key = tuple(sheet.key for sheet in sheets)
        if key not in self._readings:
            texts = [(source, sheet.html) for source, sheet in zip(self._sources, sheets, strict=True)]
            self._readings[key] = self._workers.submit(binding.read, texts)
        return self._readings[key]

    # --- the page map

    def _guess(self, parts: Sequence[Part], kept: "_Map") -> tuple[int, ...]:
        return kept.firsts if len(kept.firsts) == len(parts) else (1,) * len(parts)

    def _kept_map(self) -> "_Map":
        data = self._get(f"map-{self._plates.edition.id}")
        if data is None:
            return _Map((), {})
        record = json.loads(data)
        return _Map(tuple(record["firsts"]), record["pages"])

    def _keep_map(self, found: "_Map") -> None:
        record = {"firsts": found.firsts, "pages": dict(found.pages)}
        self._put(f"map-{self._plates.edition.id}", json.dumps(record).encode())

    def _prove(
        self, parts: Sequence[Part], written: Sequence[Written], places: Sequence[job.Places], found: "_Map"
    ) -> None:
        """Refuse a part that falls otherwise when the numbers that hang on its own length are left open."""
        earlier: dict[str, int] = {}
        open_: list[tuple[job.Sheet, job.Places]] = []
        for number, part in enumerate(parts):
            if written[number].asked - earlier.keys():
                blank = part.write(earlier)
                open_.append((self._sheet(number, part, blank, found.firsts[number]), places[number]))
            earlier |= {anchor: found.pages[anchor] for anchor in places[number].anchors}
        self._place([sheet for sheet, _ in open_])
        for sheet, known in open_:
            if self._places_of(sheet) != known:
                msg = f"the page numbers in the part {sheet.name!r} of the book move its own lines"
                hint = f"give them a fixed width in templates/book/{self._plates.edition.style}, as .contents .page has"
                raise errors.RenderProblem(msg, hint=hint)

    # --- the whole

    def _join(self, sheets: Sequence[job.Sheet]) -> bytes:
        """Join the parts and have the whole judged; refuses a book with a fault, naming all of them."""
        edition = self._plates.edition
        code = engine.digest(engine.ALL)
        made_of = [code, edition.size_budget_kb, *(sheet.key for sheet in sheets)]
        key = f"edition-{_digest(json.dumps(made_of).encode())}"
        kept = self._get(key)
        if kept is not None:
            return kept
        wanted = self._read(sheets).result()
        self._steps.add(2)
        last = f"last-{edition.id}-{code}"  # the key of the edition that this code joined last
        before = self._get(last)
        former = self._get(before.decode()) if before else None
        bound = self._binding([self._laid[sheet.key] for sheet in sheets], former or b"")
        content = self._workers.submit(binding.join, bound).result()
        self._steps.done(f"{edition.id}: joined")
        faults = self._judge(content, wanted)
        if faults:
            msg = f"the edition {edition.id!r} of the book has {len(faults)} faults:\n" + "\n".join(
                f"- {f}" for f in faults
            )
            raise errors.RenderProblem(
                msg, hint="undo the last change to the chapter, to templates/book or to this program"
            )
        self._steps.done(f"{edition.id}: judged")
        self._put(key, content)
        self._put(last, key.encode())
        return content

    def _judge(self, content: bytes, wanted: gates.Expected) -> list[str]:
        """Return what is wrong with the joined edition; two workers look at it side by side."""
        edition = self._plates.edition
        by_standard = self._workers.submit(binding.validate, content, edition)
        by_house = self._workers.submit(binding.inspect, content, wanted, edition)
        return [*by_standard.result(), *by_house.result()]

    def _binding(self, laid: Sequence[job.Laid], former: bytes) -> stitch.Binding:
        fonts = {name: content for name, content in self._plates.files.items() if name.startswith("fonts/")}
        whole = {name for part in laid for name in part.whole}
        used = {name: face for name, face in faces.union([part.faces for part in laid]).items() if name not in whole}
        return stitch.Binding(laid, faces.subsets(used, fonts, self._store), former)

    def _get(self, key: str) -> bytes | None:
        return self._store.get(key) if self._store is not None else None

    def _put(self, key: str, content: bytes) -> None:
        if self._store is not None:
            self._store.put(key, content)


@dataclasses.dataclass(frozen=True, slots=True)
class _Work(Generic[T]):
    """What workers do with a part, and how the store keeps what comes of it."""

    name: str
    do: Callable[[job.Sheet], T]
    pack: Callable[[T], bytes]
    unpack: Callable[[bytes], T]


@dataclasses.dataclass(frozen=True, slots=True)
class _Map:
    """The printed number of each part's first page, and of every anchor's page."""

    firsts: tuple[int, ...]
    pages: Mapping[str, int]


def _map(places: Sequence[job.Places]) -> _Map:
    firsts: list[int] = []
    pages: dict[str, int] = {}
    first = 1
    for part in places:
        firsts.append(first)
        pages |= {anchor: first + page for anchor, page in part.anchors.items() if anchor not in pages}
        first += part.count
    return _Map(tuple(firsts), pages)


def _packed_places(places: job.Places) -> bytes:
    return json.dumps([places.count, dict(places.anchors)]).encode()


def _unpacked_places(data: bytes) -> job.Places:
    return job.Places(*json.loads(data))


_PART = _Work("part", job.lay_out, job.Laid.packed, job.unpacked)
_PLACES = _Work("places", job.place, _packed_places, _unpacked_places)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
