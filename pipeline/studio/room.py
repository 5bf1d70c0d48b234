"""What is shown: the content as it is now, each edition and the book rendered from it. Safe between threads.

Every change is a new generation; browsers are told its number and fetch what they show again.
"""

import dataclasses
import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from pipeline import config, database, edition, errors, flow, ledger, model, office, packing, render, store
from pipeline.formats import epub
from pipeline.ledger import decisions
from pipeline.studio import bindery, binding, leaves, looks, streams, watching

Clock = Callable[[], dt.datetime]

NOT_IN_THE_BOOK = ("content/articles", "content/editions", *(f"templates/{name}" for name in
                   ("email", "text", "web", "studio", "sandbox")))  # fmt: skip


class Room:
    """The office as the content is now, what was rendered from it, and who looks. Whoever opens it closes it."""

    def __init__(self, here: office.Office, clock: Clock) -> None:
        """Begin to watch the files and to render the book; refuses nothing that `office.open_office` let pass."""
        self._office, self._clock = here, clock
        self._lock = threading.RLock()
        self._looks: dict[str, tuple[tuple[int, dt.date], looks.Look]] = {}
        self._book_findings: tuple[tuple[int, dt.date], tuple[model.Finding, ...]] | None = None
        self._reading: tuple[int, model.Chapter, Mapping[str, bytes]] | None = None
        self._follows_settings = _is_of_file(here.desk.settings)
        self.trouble: looks.Trouble | None = None
        self.generation = 1
        self.streams = streams.Streams()
        self.leaves = leaves.Leaves()
        self._counter = packing.Counter()
        self._bindery = bindery.Bindery(self._go_on)
        self._bindery.ask(here.desk.settings)
        self._watch = watching.Watch(here.desk.settings, self.take_in)

    @property
    def settings(self) -> config.Config:
        """The settings as they are now."""
        return self._office.desk.settings

    def close(self) -> None:
        """Stop watching, rendering and telling."""
        self.streams.close()
        self._watch.close()
        self._bindery.close()
        self._counter.close()
        self.leaves.close()
        self._office.engine.dispose()

    # --- what changed -------------------------------------------------------------

    def take_in(self, changed: Collection[Path]) -> None:
        """Read the content again after these files changed, and tell the browsers."""
        with self._lock:
            self._reread()
            if any(_is_of_book(path, self.settings.root) for path in changed):
                self._bindery.ask(self.settings)
        self._go_on()

    def _reread(self) -> None:
        """Read settings and content again; while they cannot be read, the last ones stay."""
        try:
            settings = config.load(self.settings.root / config.FILE_NAME) if self._follows_settings else self.settings
            self._office = dataclasses.replace(self._office, desk=flow.read(settings))
            self.trouble = None
        except Exception as problem:  # noqa: BLE001  a half-saved file must not end the preview
            self.trouble = looks.told(problem)

    def _go_on(self) -> None:
        with self._lock:
            self.generation += 1
        self.streams.tell()

    # --- what is shown ------------------------------------------------------------

    def slugs(self) -> list[str]:
        """List the editions, the newest first; before them those whose file has a fault."""
        editions = self._office.desk.library.editions
        files = {path.stem for path in (self.settings.content / "editions").glob("[!.]*.toml")}
        return [*sorted(files - editions.keys()), *sorted(editions, key=lambda slug: -editions[slug].number)]

    def look(self, slug: str) -> looks.Look | None:
        """Return an edition, rendered from the content as it is now; None when there is no such file."""
        with self._lock:
            known = self._looks.get(slug)
            moment = self._moment()
            if known and known[0] == moment:
                return known[1]
            if slug not in self.slugs():
                return None
            taken = looks.edition(self._office.desk, slug, moment[1], known[1] if known else None)
            self._looks[slug] = (moment, taken)
            return taken

    def standing(self, slug: str) -> looks.Standing:
        """Return approval, planned time and send of an edition, as the database has them now."""
        with database.reading(self._office.engine) as connection:
            due = next((item for item in decisions.schedules(connection) if item.edition == slug), None)
            return looks.Standing(decisions.approval_of(connection, slug), due, ledger.find(connection, slug))

    def book(self) -> looks.BookLook:
        """Return the book as it was rendered last; the newest content is rendered in the background."""
        state = self._bindery.state
        out = self.settings.out
        with self._lock:
            desk = self._office.desk
            try:
                manifest = render.read(out, "book")
                outputs = render.outputs_in(out, manifest)
            except errors.Problem:  # not built yet, or just being put in place
                manifest, outputs = None, None
            found = self._findings_of_book(outputs)
            folder = out / binding.FIRST if state.is_ahead else out / "book"
            file, digest, pages = self._pages(folder)
        return looks.BookLook(
            desk.library.book,
            manifest,
            file,
            digest,
            pages,
            file.stat().st_size if file else 0,
            found,
            desk.library.waivers,
            state.trouble,
            state.is_rendering,
            is_newest=state.has_pages,
        )

    def _pages(self, folder: Path) -> tuple[Path | None, str, tuple[leaves.Leaf, ...]]:
        """Return the PDF for screens in a folder, its digest and its pages; nothing while it is not there."""
        try:
            file = folder / (model.main_pdf(path.name for path in folder.iterdir()) or "missing.pdf")
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            return file, digest, self.leaves.pages(file, digest)
        except (errors.Problem, OSError):
            return None, "", ()

    def chapters(self) -> tuple[model.Chapter, ...]:
        """Return the book's chapters as their files are now; none while there is no book."""
        library = self._office.desk.library
        return edition.book(library).chapters if library.book else ()

    def reading(self, chapter: model.Chapter) -> Mapping[str, bytes]:
        """Return a chapter as the EPUB will have it, file by file: the words of now, long before there are pages.

        Refuses what the EPUB would be refused for.
        """
        with self._lock:
            if self._reading is None or self._reading[:2] != (self.generation, chapter):
                desk = self._office.desk
                kept = store.FolderStore(self.settings.out / render.PARTS, "book")
                material = dataclasses.replace(desk.material, store=kept)
                files = epub.chapter(chapter, edition.book(desk.library), material)
                self._reading = self.generation, chapter, files
            return self._reading[2]

    def groups(self) -> tuple[model.QuestionGroup, ...]:
        """Return the questions that an appointment pack can be made of; none when no pack can be made."""
        library = self._office.desk.library
        return tuple(library.groups.values()) if edition.has_packs(library) else ()

    def pack(self, ids: Sequence[str], topic: str, paper: str, *, large: bool) -> bytes:
        """Return an appointment pack of the content as it is now; refuses as `edition.pack` does."""
        desk = self._office.desk
        return self._counter.make(desk, edition.pack(desk.library, ids, topic=topic, paper=paper, large=large))

    def _findings_of_book(self, outputs: dict[str, bytes] | None) -> tuple[model.Finding, ...]:
        moment = self._moment()
        if self._book_findings is None or self._book_findings[0] != moment:
            self._book_findings = (moment, looks.book(self._office.desk, moment[1], outputs))
        return self._book_findings[1]

    def _moment(self) -> tuple[int, dt.date]:
        """What findings depend on: the content, and the day."""
        return self.generation, self._clock().date()

    # --- what is decided ----------------------------------------------------------

    def approve(self, slug: str, shown: str, by: str, waivers: Sequence[model.Waiver]) -> model.Approval:
        """Approve the bytes that were `shown`, named by their digest; nothing is rendered meanwhile.

        Refuses when the content, or what is in out/, is another by now, and whatever `flow.grant` refuses.
        """
        with self._lock:
            self._reread()
            self.generation += 1
            look = self.look(slug)
            if look is None or look.trouble or self.trouble:
                msg = "this edition cannot be rendered as its files are now, so there is nothing to approve"
                raise errors.NotApproved(msg, hint="mend what the list of findings names, look again, then approve")
            if look.digest != shown:
                msg = "the edition has changed since the page you looked at was shown"
                raise errors.NotApproved(msg, hint="nothing was approved; below is the new version: look at it first")
            given = flow.grant(self._office, slug, by, waivers, self._clock(), shown=shown)
        self._go_on()
        return given


def _is_of_file(settings: config.Config) -> bool:
    """True when these are the settings of mscare.toml: others, given with --config, are not replaced by it."""
    try:
        return config.load(settings.root / config.FILE_NAME) == settings
    except errors.Problem:
        return False


def _is_of_book(path: Path, root: Path) -> bool:
    """True unless the book cannot depend on this file."""
    try:
        name = path.relative_to(root).as_posix()
    except ValueError:
        return True
    return not name.startswith(tuple(f"{folder}/" for folder in NOT_IN_THE_BOOK))
