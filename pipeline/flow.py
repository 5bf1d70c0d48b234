"""The story, left to right: content -> edition -> render -> check -> approve -> deliver -> report.

1 read      content/ becomes a Library, and a list of what is wrong with it
2 build     an edition, the book and the site become files in out/, with a manifest of digests
3 check     findings in plain words; a blocking one stops a send unless a person waived it
4 plan      who would get this edition, who would not, and why
5 approve   a person lets exactly these bytes go
6 send      every reader gets a row in the ledger; then batch by batch: claim, push, record
7 report    planned = accepted + refused + untaken + doubtful + excluded

`cli`, `site` and `studio` are thin skins over this file.

Steps 4 to 7 read in their libraries where they begin: a build or a check should not wait half a second for the database
and the network.
"""

import concurrent.futures
import dataclasses
import datetime as dt
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import approve, checks, config, edition, errors, findings, model, office, render, store

if TYPE_CHECKING:
    from pipeline import deliver, ledger
    from pipeline.engine import embedded


def read(settings: config.Config) -> office.Desk:
    """Step 1: read content/; refuses only when there is none."""
    return office.sit_down(settings, noted=True)


def build(
    desk: office.Desk,
    subjects: Sequence[str],
    out: Path,
    progress: render.Progress,
    *,
    step: Callable[[str, int, int], None] = model.unheard,
    only: Sequence[str] = (),
    day: dt.date = dt.date.max,
    workers: concurrent.futures.Executor | None = None,
) -> list[model.Manifest]:
    """Step 2: render editions by slug, "book" or "site" into `out`; what has not changed is left as it is.

    `step` hears of the parts of the book as they are done; `only` names the book's editions to make, none means all.
    The site holds back what becomes public after `day`. The book is laid out by the `workers`, or by its own.
    """
    material = dataclasses.replace(desk.material, step=step, day=day, workers=workers)
    items = [desk.item(subject) for subject in dict.fromkeys(subjects)]
    chosen = [edition.chosen(item, only) if isinstance(item, model.Book) else item for item in items]
    seen = render.frame(material)
    made = [render.build(item, material, out, progress, seen) for item in chosen]
    store.retire(out / render.PARTS, {*desk.library.editions, *subjects, "book", "site", findings.SUBJECT})
    return made


def readability(desk: office.Desk, out: Path) -> list[checks.Section]:
    """Step 2, its report page: how hard each section is to read."""
    return findings.readability(desk.material, out)


def check(desk: office.Desk, today: dt.date) -> list[model.Finding]:
    """Step 3: every finding of the content, and of every edition as it would be mailed, waivers applied."""
    return checks.apply(_found(desk, today), desk.library.waivers)


def _found(desk: office.Desk, today: dt.date) -> list[model.Finding]:
    return [*desk.findings, *findings.found(desk.material, desk.settings.out, today)]


def check_full(desk: office.Desk, now: dt.datetime) -> tuple[list[model.Finding], tuple[errors.MissingPart, ...]]:
    """Step 3 with what takes longer: axe, SpamAssassin, all links; and a problem for each part that is not there."""
    material, mails = desk.material, []
    seen = render.frame(material)
    for slug in desk.library.editions:
        try:
            item = edition.edition(desk.library, slug)
            mails.append((item, render.files(item, material, desk.settings.out, seen)))
        except errors.Problem:
            continue  # `check` tells of it
    made = checks.full(material, mails, desk.settings.var / "links.json", now)
    found = [*_found(desk, now.date()), *findings.links(material, desk.settings.out), *made.findings]
    return checks.apply(found, desk.library.waivers), made.unasked


def plan(here: office.Office, slug: str, service: str) -> "deliver.Plan":
    """Step 4: count the audience of the edition in out/; writes nothing."""
    from pipeline import deliver  # noqa: PLC0415  see the top of this file

    manifest = render.read(here.desk.settings.out, slug)
    return deliver.plan(here.engine, manifest, here.courier(manifest, service))


def grant(
    here: office.Office, slug: str, by: str, waivers: Sequence[model.Waiver], now: dt.datetime, *, shown: str = ""
) -> model.Approval:
    """Step 5: approve the bytes in out/; refuses while a blocking finding has no waiver.

    With `shown`, the digest of what the person looked at, refuses when out/ holds other bytes by now.
    """
    from pipeline.ledger import decisions  # noqa: PLC0415  see the top of this file

    out = here.desk.settings.out
    manifest = render.read(out, slug)
    if shown and manifest.digest != shown:
        msg = f"{slug} was built again since it was looked at"
        raise errors.NotApproved(msg, hint="nothing was approved; look at the new version first")
    _refuse_altered(out, manifest)
    found = here.desk.findings_of(slug, out, now.date())
    given = approve.approve(manifest, found, by=by, at=now, waivers=tuple(waivers))
    decisions.approve(here.engine, given)
    return given


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What to send, through which service, as of which moment; `test` mails the team and needs no approval."""

    slug: str
    service: str
    now: dt.datetime
    test: bool = False


def send(here: office.Office, order: Order, stop: threading.Event, progress: "embedded.Progress") -> "ledger.Send":
    """Step 6: send an approved edition to everyone, or a test of it to the team; goes on where it was cut off.

    Refuses when the approval, the bytes, the findings, the window, the identity or another sender do not allow it.
    """
    from pipeline import database, deliver, ledger  # noqa: PLC0415  see the top of this file
    from pipeline.engine import embedded  # noqa: PLC0415  the same

    settings = here.desk.settings
    manifest = render.read(settings.out, order.slug)
    window = _admit(here, manifest, order)
    courier = here.courier(manifest, order.service, window, test=order.test)
    with embedded.only_sender(here.engine):
        testers = settings.delivery.test_addresses if order.test else None
        begun = deliver.freeze(courier, manifest, order.service, testers)
        if begun.state is not model.SendState.SENT:
            embedded.run(courier, begun, settings.delivery.concurrency, stop, progress)
    with database.reading(here.engine) as connection:
        return ledger.by_id(connection, begun.id)


def tell(here: office.Office, send_id: int) -> dict[str, Any]:
    """Step 7: the equation of a send."""
    from pipeline import database, ledger, report  # noqa: PLC0415  see the top of this file

    with database.reading(here.engine) as connection:
        return report.report(connection, ledger.by_id(connection, send_id))


def _refuse_altered(out: Path, manifest: model.Manifest) -> None:
    if changed := render.altered(out, manifest):
        msg = f"files in {out / manifest.subject} are not those of its manifest: {', '.join(changed)}"
        raise errors.NotApproved(msg, hint=f"run `mscare build {manifest.subject}`, look at it, and approve it again")


def _admit(here: office.Office, manifest: model.Manifest, order: Order) -> float:
    """Ask everything that may stand against a send, before anybody is claimed; return how many seconds it may take."""
    from pipeline import database  # noqa: PLC0415  see the top of this file
    from pipeline.ledger import decisions  # noqa: PLC0415  the same

    settings = here.desk.settings
    _refuse_altered(settings.out, manifest)
    if not order.test:
        found = here.desk.findings_of(order.slug, settings.out, order.now.date())
        with database.reading(here.engine) as connection:
            given = decisions.approval_of(connection, order.slug)
        approve.admit(given, manifest, render.altered(settings.out, manifest), found)
    spec = edition.edition(here.desk.library, order.slug).spec
    approve.admit_service(settings.is_example(), order.service, order.now, spec, test=order.test)
    return math.inf if order.test else (spec.not_after - order.now).total_seconds()
