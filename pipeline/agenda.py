"""The schedule: local times become due moments, due moments become sends, each once, also after a restart."""

import dataclasses
import datetime as dt
import logging
import threading
import time
import zoneinfo
from collections.abc import Callable

from pipeline import database, errors, flow, ledger, model, office
from pipeline.ledger import decisions

log = logging.getLogger("mscare.work")
NAP = 1.0  # seconds between two looks at the clock
SHORTEST_PAUSE, LONGEST_PAUSE = 5.0, 600.0  # seconds until an edition that did not go out is taken up again
LATER = (errors.Interrupted, errors.ServiceProblem, errors.StorageProblem)  # may pass: it stays on the schedule


def moment(text: str, zone: str) -> dt.datetime:
    """Turn a local time like 2026-12-01 09:00 into UTC; refuses a time that the clocks skip or show twice."""
    try:
        place = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a part of one, like Europe
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
    try:
        due = local.replace(tzinfo=place).astimezone(dt.UTC)
    except OverflowError as error:
        msg = f"{text!r} is beyond the calendar"
        raise errors.UsageProblem(msg, hint="look at the year") from error
    if due.astimezone(place).replace(tzinfo=None) != local:
        msg = f"the clocks in {zone} skip {text}"
        raise errors.UsageProblem(msg, hint="choose a time before or after the change to summer time")
    if local.replace(tzinfo=place, fold=1).astimezone(dt.UTC) != due:
        msg = f"the clocks in {zone} show {text} twice"
        raise errors.UsageProblem(msg, hint="choose a time before or after the change to winter time")
    return due


def put(here: office.Office, slug: str, due_at: dt.datetime, zone: str, now: dt.datetime) -> None:
    """Plan an edition; refuses one that does not exist, was sent, or would go out outside its window or at once."""
    spec = here.desk.library.editions.get(slug)
    if spec is None:
        msg = f"there is no edition {slug!r}"
        raise errors.UsageProblem(msg, hint="`mscare status` lists the editions")
    if not spec.not_before <= due_at <= spec.not_after:
        msg = f"{due_at:%Y-%m-%d %H:%M} UTC is outside the window of {slug}: {spec.not_before} to {spec.not_after}"
        raise errors.SendRefused(msg, hint=f"choose another time, or change the window in {spec.path.name}")
    if due_at <= now:  # a slip of the pen must not mail everybody on the spot
        msg = f"{due_at:%Y-%m-%d %H:%M} UTC has passed"
        raise errors.UsageProblem(msg, hint=f"choose a later time, or send it now with `mscare send {slug}`")
    with database.reading(here.engine) as connection:
        begun = ledger.find(connection, slug)
    if begun and begun.state is model.SendState.SENT:
        msg = f"{slug} was already sent"
        raise errors.SendRefused(msg, hint="an edition goes out once; make a new one with `mscare new edition SLUG`")
    decisions.put_on_schedule(here.engine, slug, due_at, zone)


def take_off(here: office.Office, slug: str) -> None:
    """Plan no longer that an edition goes out; refuses one that has begun to, or that does not wait for its time."""
    with database.reading(here.engine) as connection:
        begun = ledger.find(connection, slug)
    if begun and begun.state is not model.SendState.SENT:
        msg = f"{slug} has begun to go out"
        raise errors.SendRefused(msg, hint="Ctrl-C pauses `mscare work`; nobody is mailed until you start it again")
    if not decisions.take_off_schedule(here.engine, slug):
        msg = f"{slug} does not wait on the schedule"
        raise errors.UsageProblem(msg, hint=f"`mscare status {slug}` says where it stands")


def work(here: office.Office, stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Take up due sends until `stop`. The content is read again for each, so that a change counts at once.

    What could not be sent stays on the schedule when waiting may mend it, and is tried ever more rarely.
    """
    turns: dict[str, _Turn] = {}
    outage = _Turn()
    while not stop.is_set():
        try:
            turns = {slug: turns.get(slug) or _Turn() for slug in _waiting(here)}
            for slug, turn in turns.items():
                # Asked once more: while the one before it went out, for an hour perhaps, somebody may have moved it.
                if turn.has_come() and not stop.is_set() and slug in _waiting(here):
                    turn.take(_take_up(here, slug, stop), tell)
        except errors.StorageProblem as problem:  # it may pass, and nobody is there to start the worker again
            outage.take(f"the schedule cannot be read: {problem.message}", tell)
        stop.wait(NAP)


class _Turn:
    """When an edition may be taken up again, and what was said of it last, so that a lasting fault is said once."""

    def __init__(self) -> None:
        """Begin with a turn that has come."""
        self._at, self._pause, self._said = 0.0, SHORTEST_PAUSE, ""

    def has_come(self) -> bool:
        """Return whether the pause is over."""
        return time.monotonic() >= self._at

    def take(self, said: str, tell: Callable[[str], None]) -> None:
        """Tell what came of it when that is new, and wait twice as long for the next time."""
        if said != self._said:
            tell(said)
        self._at = time.monotonic() + self._pause
        self._said, self._pause = said, min(LONGEST_PAUSE, 2 * self._pause)


def _waiting(here: office.Office) -> list[str]:
    """List the editions to take up: sends that were cut off first, then what is due."""
    with database.reading(here.engine) as connection:
        begun = [s for s in ledger.sends(connection) if s.state is model.SendState.SENDING and s.slot == "all"]
        due = decisions.due(connection, dt.datetime.now(dt.UTC))
    return list(dict.fromkeys([*(s.edition for s in begun), *(item.edition for item in due)]))


def _take_up(here: office.Office, slug: str, stop: threading.Event) -> str:
    """Send one due edition and say in a sentence how it went; whatever happens to one, the others still go out."""
    try:
        return _send_or_refuse(here, slug, stop)
    except errors.Interrupted:
        return f"{slug}: stopped in good order; `mscare work` goes on with it"
    except errors.Problem as problem:
        reason = problem.message
    except Exception as fault:
        log.info("send-failed edition=%s", slug, exc_info=True)
        reason = f"a fault of this program, not of yours: {type(fault).__name__}: {fault}"
    log.info("send-postponed edition=%s reason=%s", slug, reason)
    return f"{slug}: not yet: {reason}"


def _send_or_refuse(here: office.Office, slug: str, stop: threading.Event) -> str:
    """Send an edition, or take it off the schedule with the reason; raises what waiting may mend."""
    try:
        ended = _send(here, slug, stop)
    except errors.Problem as problem:
        if problem.passes or isinstance(problem, LATER):
            raise
        decisions.mark(here.engine, slug, model.ScheduleState.REFUSED, problem.message, due_by=time.time())
        return f"{slug}: refused: {problem.message}. {problem.hint}"
    decisions.mark(here.engine, slug, model.ScheduleState.DONE, ended.state.value)
    facts = flow.tell(here, ended.id)
    return f"{slug}: {ended.state.value}: {facts['accepted']} of {facts['planned']} accepted"


def _send(here: office.Office, slug: str, stop: threading.Event) -> ledger.Send:
    """Send an edition as the content stands now, through the service it was begun with."""
    settings = here.desk.settings
    with database.reading(here.engine) as connection:
        begun = ledger.find(connection, slug)
    order = flow.Order(slug, begun.service if begun else settings.delivery.service, dt.datetime.now(dt.UTC))
    return flow.send(dataclasses.replace(here, desk=office.sit_down(settings)), order, stop, lambda _: None)
