"""The schedule: local times become due moments, due moments become sends, each once, also after a restart."""

import datetime as dt
import logging
import threading
import zoneinfo
from collections.abc import Callable

from pipeline import database, errors, flow, ledger, model, office
from pipeline.ledger import decisions

log = logging.getLogger("mscare.work")
NAP = 1.0  # seconds between two looks at the clock
LATER = (errors.ServiceProblem, errors.StorageProblem)  # faults that may pass: the send stays on the schedule


def moment(text: str, zone: str) -> dt.datetime:
    """Turn a local time like 2026-12-01 09:00 into UTC; refuses a time that the clocks skip or show twice."""
    try:
        place = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        msg = f"there is no time zone {zone!r}"
        raise errors.UsageProblem(msg, hint="name one like Europe/London or America/New_York") from error
    try:
        local = dt.datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is not a time"
        raise errors.UsageProblem(msg, hint='write it like "2026-12-01 09:00"') from error
    if local.tzinfo is not None:
        msg = f"{text!r} already names a zone"
        raise errors.UsageProblem(msg, hint="give the local time alone, and its zone with --tz")
    due = local.replace(tzinfo=place).astimezone(dt.UTC)
    if due.astimezone(place).replace(tzinfo=None) != local:
        msg = f"the clocks in {zone} skip {text}"
        raise errors.UsageProblem(msg, hint="choose a time before or after the change to summer time")
    if local.replace(tzinfo=place, fold=1).astimezone(dt.UTC) != due:
        msg = f"the clocks in {zone} show {text} twice"
        raise errors.UsageProblem(msg, hint="choose a time before or after the change to winter time")
    return due


def put(here: office.Office, slug: str, due_at: dt.datetime, zone: str) -> None:
    """Plan an edition; refuses one that does not exist, was sent, or would go out outside its window."""
    spec = here.desk.library.editions.get(slug)
    if spec is None:
        msg = f"there is no edition {slug!r}"
        raise errors.UsageProblem(msg, hint="`mscare status` lists the editions")
    if not spec.not_before <= due_at <= spec.not_after:
        msg = f"{due_at:%Y-%m-%d %H:%M} UTC is outside the window of {slug}: {spec.not_before} to {spec.not_after}"
        raise errors.SendRefused(msg, hint=f"choose another time, or change the window in {spec.path.name}")
    with database.reading(here.engine) as connection:
        begun = ledger.find(connection, slug)
    if begun and begun.state is model.SendState.SENT:
        msg = f"{slug} was already sent"
        raise errors.SendRefused(msg, hint="an edition goes out once; make a new one with `mscare new edition SLUG`")
    decisions.put_on_schedule(here.engine, slug, due_at, zone)


def work(reopen: Callable[[], office.Office], stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Take up due sends until `stop`. Content and settings are read again for each, so that approvals count at once."""
    quiet: dict[str, str] = {}  # what was last said of an edition, so that a lasting fault is said once
    while not stop.is_set():
        here = reopen()
        with database.reading(here.engine) as connection:
            due = decisions.due(connection, dt.datetime.now(dt.UTC))
            cut_off = [
                s.edition for s in ledger.sends(connection) if s.state is model.SendState.SENDING and s.slot == "all"
            ]
        for slug in dict.fromkeys([*cut_off, *(item.edition for item in due)]):
            said = _take_up(here, slug, stop)
            if quiet.get(slug) != said:
                tell(said)
            quiet[slug] = said
        stop.wait(NAP)


def _take_up(here: office.Office, slug: str, stop: threading.Event) -> str:
    """Send one due edition and say in a sentence how it went."""
    with database.reading(here.engine) as connection:
        begun = ledger.find(connection, slug)
    service = begun.service if begun else here.desk.settings.delivery.service
    order = flow.Order(slug, service, dt.datetime.now(dt.UTC))
    try:
        ended = flow.send(here, order, stop, lambda _: None)
    except errors.Interrupted:
        return f"{slug}: stopped in good order; `mscare work` goes on with it"
    except LATER as problem:
        log.warning("send-postponed edition=%s reason=%s", slug, problem)
        return f"{slug}: not yet: {problem.message}"
    except errors.Problem as problem:
        decisions.mark(here.engine, slug, model.ScheduleState.REFUSED, problem.message)
        return f"{slug}: refused: {problem.message}. {problem.hint}"
    decisions.mark(here.engine, slug, model.ScheduleState.DONE, ended.state.value)
    facts = flow.tell(here, ended.id)
    return f"{slug}: {ended.state.value}: {facts['accepted']} of {facts['planned']} accepted"
