"""An edition or the book as its page shows it: what stands in out/, what was found in it, and what went wrong.

A fault never takes the last good render away: it stays, and `trouble` says that it is old.
"""

import dataclasses
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline import checks, errors, flow, ledger, model, office, render
from pipeline.studio import leaves

log = logging.getLogger("mscare.preview")

WHOLE_RUN_ONLY = "waiver-unused"  # true of all content or of none of it: one edition cannot tell


@dataclasses.dataclass(frozen=True, slots=True)
class Trouble:
    """Why something could not be done, and what to do about it."""

    message: str
    hint: str


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """One edition. `manifest` and `outputs` are what is shown; with a `trouble` they are not of the present content."""

    slug: str
    spec: model.EditionSpec | None
    manifest: model.Manifest | None
    outputs: Mapping[str, bytes] = dataclasses.field(repr=False)
    findings: tuple[model.Finding, ...]
    waivers: tuple[model.Waiver, ...]
    trouble: Trouble | None

    @property
    def digest(self) -> str:
        """What an approval would name; "" when there is nothing to approve."""
        return self.manifest.digest if self.manifest else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What people decided about an edition, and what became of it."""

    approval: model.Approval | None
    due: model.Schedule | None
    send: ledger.Send | None


@dataclasses.dataclass(frozen=True, slots=True)
class BookLook:
    """The book as its page shows it; with a `trouble`, or while it is rendered, it is not of the present content."""

    spec: model.BookSpec | None
    manifest: model.Manifest | None
    file: Path | None
    digest: str  # of that file; "" when there is none
    pages: tuple[leaves.Leaf, ...]
    size: int
    findings: tuple[model.Finding, ...]
    waivers: tuple[model.Waiver, ...]
    trouble: Trouble | None
    is_rendering: bool
    is_newest: bool = False  # while it is rendered: these pages are of the present content, other editions are missing


def told(problem: Exception) -> Trouble:
    """Turn whatever went wrong into a sentence; what nobody foresaw goes to the log, never to a page."""
    if isinstance(problem, errors.Problem):
        return Trouble(problem.message, problem.hint)
    log.warning("preview-fault kind=%s", type(problem).__name__, exc_info=log.isEnabledFor(logging.INFO))
    hint = "this is a fault of the program; the window in which `mscare preview --verbose` runs shows more"
    return Trouble(f"something went wrong that nobody foresaw ({type(problem).__name__})", hint)


def edition(desk: office.Desk, slug: str, today: dt.date, before: Look | None) -> Look:
    """Render an edition where something changed, and look at it; never refuses: what is wrong becomes `trouble`."""
    spec = desk.library.editions.get(slug)
    out = desk.settings.out
    try:
        manifest = flow.build(desk, [slug], out, _quiet)[0]
        outputs = render.outputs_in(out, manifest)
        findings = _of_part(desk.findings_of(slug, out, today))
    except Exception as problem:  # noqa: BLE001  a fault in a template or a format must not take the page away
        old = before if before and before.manifest else _kept(out, slug)
        return Look(
            slug=slug,
            spec=spec or (before.spec if before else None),
            manifest=old.manifest if old else None,
            outputs=old.outputs if old else {},
            findings=_unbuilt(desk, slug, today),
            waivers=desk.library.waivers,
            trouble=_faulty(problem),
        )
    return Look(slug, spec, manifest, outputs, findings, desk.library.waivers, None)


def book(desk: office.Desk, today: dt.date, outputs: Mapping[str, bytes] | None) -> tuple[model.Finding, ...]:
    """Return the findings of the chapters and of the book as it was built; `outputs` is None when it never was."""
    found = _source(desk, today, lambda file: _is_below(file, "articles", "editions"))
    found += checks.book(outputs) if outputs is not None else []
    return _of_part(checks.apply(found, desk.library.waivers))


def _faulty(problem: Exception) -> Trouble:
    """Say that the content has a fault in words for this page, where the list of findings stands beside it."""
    hint = "mend what the list of findings names; this page follows by itself"
    if isinstance(problem, errors.ContentBlocked):
        return Trouble(problem.message, hint)
    if isinstance(problem, errors.UsageProblem):
        return Trouble("the file of this edition has a fault, so nothing can be made of it", hint)
    return told(problem)


def _kept(out: Path, slug: str) -> Look | None:
    """Return what an earlier run built, if all of it is there."""
    try:
        manifest = render.read(out, slug)
        return Look(slug, None, manifest, render.outputs_in(out, manifest), (), (), None)
    except errors.Problem:
        return None


def _unbuilt(desk: office.Desk, slug: str, today: dt.date) -> tuple[model.Finding, ...]:
    """Return the findings of the texts of an edition that could not be rendered."""
    spec = desk.library.editions.get(slug)
    own = {f"content/editions/{slug}.toml"}
    own |= {f"content/articles/{name}.md" for name in (spec.lead, *spec.read_next)} if spec else set()
    found = _source(desk, today, lambda file: _is_below(file, "articles", "editions", "book") and file not in own)
    return _of_part(checks.apply(found, desk.library.waivers))


def _source(desk: office.Desk, today: dt.date, is_elsewhere: Callable[[str], bool]) -> list[model.Finding]:
    return [f for f in (*desk.findings, *checks.source(desk.library, today)) if not is_elsewhere(f.file)]


def _is_below(file: str, *folders: str) -> bool:
    return any(file.startswith(f"content/{folder}/") for folder in folders)


def _of_part(findings: list[model.Finding]) -> tuple[model.Finding, ...]:
    return tuple(finding for finding in findings if finding.code != WHOLE_RUN_ONLY)


def _quiet(_line: str) -> None:
    """Swallow the building's own lines: the page says what is going on."""
