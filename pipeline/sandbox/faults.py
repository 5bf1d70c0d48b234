"""Faults on demand: `KIND@CALLS[=VALUE]`, separated by commas, becomes a plan of what goes wrong at which call.

CALLS is a number (`3`), a range (`3-5`), every call (`*`) or every n-th (`every:7`). Calls are the sending
calls since the plan was set, counted from 1; look-ups are not counted.
"""

import dataclasses
import enum
import math
import re
from collections.abc import Collection

from pipeline import errors


class Kind(enum.StrEnum):
    """What can go wrong; "before" and "after" are meant relative to the moment of taking."""

    TOO_MANY = "429"  # refused for its rate; VALUE: seconds in Retry-After
    ERROR_BEFORE = "500-before"  # a server error, nothing taken
    ERROR_AFTER = "500-after"  # a server error, everything taken
    CUT_BEFORE = "cut-before"  # the connection breaks without an answer, nothing taken
    CUT_AFTER = "cut-after"  # the connection breaks without an answer, everything taken
    SLOW = "slow"  # taken at once, answered late; VALUE: seconds
    GARBLED = "garbled"  # taken, and answered with broken JSON
    SHORT = "short"  # taken, and the answer lists fewer ids; VALUE: how many are missing
    PARTIAL = "partial"  # every VALUE-th recipient is refused the way the service does it
    HOLD_BEFORE = "hold-before"  # waits before taking until released; not taken when the client has gone
    HOLD_AFTER = "hold-after"  # taken, then waits until released or the client has gone


BEFORE = (Kind.TOO_MANY, Kind.ERROR_BEFORE, Kind.CUT_BEFORE)
AFTER = (Kind.ERROR_AFTER, Kind.CUT_AFTER, Kind.GARBLED, Kind.SHORT)

DEFAULTS = {Kind.TOO_MANY: 1.0, Kind.SLOW: 1.0, Kind.SHORT: 1.0, Kind.PARTIAL: 2.0}
"""The kinds that take a VALUE, and the one they have without."""

WHOLE = {Kind.TOO_MANY: 0, Kind.SHORT: 1, Kind.PARTIAL: 1}
"""The kinds whose VALUE is a whole number, and the least it may be."""

HINT = (
    "write KIND@CALLS or KIND@CALLS=VALUE, for example 429@1=2 or cut-after@every:7; "
    f"the kinds are {', '.join(Kind)}; CALLS is 3, 3-5, * or every:7; "
    f"{', '.join(DEFAULTS)} take a VALUE"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One kind at some calls: from `first` to `last` (0: for ever), each `step`-th."""

    kind: Kind
    first: int
    last: int
    step: int
    value: float

    def hits(self, call: int) -> bool:
        """True when the fault is meant for this call; calls are counted from 1."""
        return call >= self.first and (not self.last or call <= self.last) and (call - self.first) % self.step == 0


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """All faults in the order they were written; an empty plan is a service that works."""

    faults: tuple[Fault, ...] = ()
    spec: str = ""

    def value(self, call: int, kind: Kind) -> float | None:
        """Return the VALUE of this kind for this call; None when it is not planned."""
        return next((fault.value for fault in self.faults if fault.kind is kind and fault.hits(call)), None)

    def first(self, call: int, kinds: Collection[Kind]) -> Fault | None:
        """Return the first fault of these kinds for this call: only one answer can be given."""
        return next((fault for fault in self.faults if fault.kind in kinds and fault.hits(call)), None)


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """One call and the plan that was in force when it arrived; the call's number counts from 1."""

    plan: Plan
    number: int

    def value(self, kind: Kind) -> float | None:
        """Return the VALUE of this kind for this call; None when it is not planned."""
        return self.plan.value(self.number, kind)

    def first(self, kinds: Collection[Kind]) -> Fault | None:
        """Return the first fault of these kinds for this call."""
        return self.plan.first(self.number, kinds)


def parse(spec: str) -> Plan:
    """Read a specification; refuse with UsageProblem, naming the faulty part. An empty one is an empty plan."""
    if not spec.strip():
        return Plan()
    return Plan(tuple(_fault(part.strip()) for part in spec.split(",")), spec.strip())


def _fault(part: str) -> Fault:
    name, at, rest = part.partition("@")
    calls, equals, value = rest.partition("=")
    if name not in list(Kind):
        raise _problem(part, f"there is no kind {name!r}" if name else "it names no kind")
    if not at:
        raise _problem(part, "it does not say at which calls")
    kind = Kind(name)
    first, last, step = _calls(part, calls)
    return Fault(kind, first, last, step, _value(part, kind, value) if equals else DEFAULTS.get(kind, 0.0))


def _calls(part: str, text: str) -> tuple[int, int, int]:
    """Return first call, last call (0: no end) and step."""
    if text == "*":
        return 1, 0, 1
    found = re.fullmatch(r"(?:every:(?P<every>[0-9]{1,9})|(?P<first>[0-9]{1,9})(?:-(?P<last>[0-9]{1,9}))?)", text)
    if not found:
        raise _problem(part, f"{text!r} is not a number, a range, * or every:N")
    if found["every"]:
        every = int(found["every"])
        if every < 1:
            raise _problem(part, "calls are counted from 1")
        return every, 0, every
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if first < 1:
        raise _problem(part, "calls are counted from 1")
    if last < first:
        raise _problem(part, f"the range {text} ends before it begins")
    return first, last, 1


def _value(part: str, kind: Kind, text: str) -> float:
    if kind not in DEFAULTS:
        raise _problem(part, f"{kind} takes no value")
    try:
        value = float(text)
    except ValueError:
        raise _problem(part, f"{text!r} is not a number") from None
    if kind in WHOLE and not (value.is_integer() and value >= WHOLE[kind]):
        raise _problem(part, f"{kind} takes a whole number, {WHOLE[kind]} or more")
    if not math.isfinite(value) or value < 0:
        raise _problem(part, f"{kind} takes a number of seconds, 0 or more")
    return value


def _problem(part: str, why: str) -> errors.UsageProblem:
    return errors.UsageProblem(f"the fault {part!r} cannot be read: {why}", hint=HINT)
