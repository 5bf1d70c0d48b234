"""What the people of the house work with: the editor's desk, and the sender's office with database and keys.

The office reads in its libraries when it is opened: an editor should not wait half a second for the database and the
network.
"""

import contextlib
import dataclasses
import datetime as dt
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import checks, config, content, edition, errors, model, notes, render, store

if TYPE_CHECKING:
    import sqlalchemy as sa

    from pipeline import deliver, vault

NOTES = ".read"  # in out/.parts; the dot keeps it from being swept with what no build has used
_READ: set[Path] = set()  # the projects that this process has read, each by its NOTES
MOST_TOLD = 10  # faults that are listed in one message


@dataclasses.dataclass(frozen=True, slots=True)
class Desk:
    """The settings, all of content/, and what is wrong with it."""

    settings: config.Config
    library: model.Library
    findings: tuple[model.Finding, ...]

    @property
    def material(self) -> model.Material:
        """What the formats work with."""
        return model.Material(self.library, self.settings.identity, self.settings.templates)

    def item(self, subject: str) -> render.Item:
        """Return an edition by its slug, the book, or the library for the site; refuses what does not exist.

        Refuses a book with broken Markdown too, which a preview still shows.
        """
        if subject == "book":
            return self.book(checks.broken(self.library, self.settings.templates))
        return self.library if subject == "site" else edition.edition(self.library, subject)

    def book(self, more: Sequence[model.Finding] = ()) -> model.Book:
        """Return the book; refuses one of files that could not be read whole, or in which `more` blocks."""
        self._refuse_faulty_book(more)
        return edition.book(self.library)

    def _refuse_faulty_book(self, more: Sequence[model.Finding]) -> None:
        """Refuse to make a book of files that could not be read whole: its text would have holes that nobody sees."""
        others = ("articles/", "editions/", "waivers.toml", "recheck.toml", "superseded.toml", "corrections.toml")
        elsewhere = tuple(f"{self.library.root.name}/{name}" for name in others)
        faults = [f for f in checks.apply((*self.findings, *more), self.library.waivers) if f.blocks]
        told = [f"- {f.file}:{f.line}: {f.message}" for f in faults if not f.file.startswith(elsewhere)]
        if told:
            count = "a fault" if len(told) == 1 else f"{len(told)} faults"
            msg = f"what the book is made of has {count}:\n" + "\n".join(told[:MOST_TOLD])
            raise errors.ContentBlocked(msg, hint="run `mscare check`, which says for each what to do, and mend it")

    def findings_of(self, slug: str, out: Path, today: dt.date) -> list[model.Finding]:
        """Return the findings of one edition, on the bytes in `out`: what an approval and a send rest on."""
        item = edition.edition(self.library, slug)
        others = {a.path for a in self.library.articles.values()} - {a.path for a in item.articles}
        others |= {spec.path for spec in self.library.editions.values()} - {item.spec.path}
        others |= set((self.library.root / "book").glob("*"))  # what is wrong with the book keeps no digest back
        elsewhere = {path.relative_to(self.library.root.parent).as_posix() for path in others}
        found = [f for f in (*self.findings, *checks.source(self.library, today)) if f.file not in elsewhere]
        outputs = render.outputs_in(out, render.read(out, slug))
        return checks.apply([*found, *checks.edition(outputs, item, self.material)], self.library.waivers)


@dataclasses.dataclass(frozen=True, slots=True)
class Office:
    """The desk, the database and the installation's keys."""

    desk: Desk
    engine: "sa.Engine"
    keys: "vault.Vault" = dataclasses.field(repr=False)

    def courier(
        self, manifest: model.Manifest, service: str, window: float = math.inf, *, test: bool = False
    ) -> "deliver.Courier":
        """Return what pushing this edition through `service` takes; `window` is how many seconds it may go on from now.

        Refuses when there is no key for the service, and when the files in out/ are not those of the manifest.
        """
        from pipeline import deliver  # noqa: PLC0415  see the top of this file
        from pipeline.esps import _registry  # noqa: PLC0415  the same

        settings = self.desk.settings
        adapter, account = config.service_of(settings, service)
        secret = account.key.get_secret_value()
        if not secret:
            msg = f"there is no key for {service}"
            raise errors.ConfigProblem(msg, hint=f"set MSCARE_SERVICES__{service.upper()}__KEY in the environment")
        mail = deliver.message(manifest, render.outputs_in(settings.out, manifest))
        return deliver.Courier(
            engine=self.engine,
            keys=self.keys,
            service=_registry.get(adapter),
            base_url=account.base_url,
            secret=secret,
            timeout=settings.delivery.timeout,
            patience=settings.delivery.patience,
            message=dataclasses.replace(mail, subject=f"[TEST] {mail.subject}") if test else mail,
            site=settings.publication.base_url,
            now=time.time,
            closes=time.time() + window,
        )


def sit_down(settings: config.Config, *, noted: bool = False) -> Desk:
    """Read content/; refuses only when there is none.

    A text that is `noted` in out/ from an earlier process need not be parsed to know what it names. What an approval or
    a send rests on is read without notes, and so is all that this process reads later: it remembers more than they do.
    """
    place = settings.out / render.PARTS / NOTES
    is_first = place not in _READ
    _READ.add(place)
    library, findings = _noted(settings.content, place) if noted and is_first else content.load(settings.content)
    return Desk(settings, library, tuple(findings))


def _noted(root: Path, place: Path) -> tuple[model.Library, list[model.Finding]]:
    known = store.PackStore(place)
    with notes.kept_in(known, render.reading()):
        read = content.load(root)
    with contextlib.suppress(errors.StorageProblem):  # it is read all the same
        known.prune()
    return read


def open_office(settings: config.Config) -> Office:
    """Open the database and the keys, made at first need; refuses when either cannot be used."""
    from pipeline import audience, database, vault  # noqa: PLC0415  see the top of this file

    engine = database.open_engine(settings.database.url, settings.root)
    keys = vault.Vault(config.installation_key(settings))
    audience.check_key(engine, keys)
    return Office(sit_down(settings), engine, keys)
