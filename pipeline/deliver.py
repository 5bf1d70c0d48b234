"""An approved edition x an audience -> deliveries: freeze everyone, then one batch at a time.

A batch goes: claim it, leave out who has left since, commit what will be pushed, push, commit the
outcome. No engine is imported here: whatever drives these functions may die at any line.
"""

import dataclasses
import datetime as dt
import enum
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa

from pipeline import audience, database, errors, ledger, model, vault
from pipeline.esps import _answers, _http, _registry

MOST_TRIES = 5  # pushes of one batch under one key; then it is held, so that it keeps nobody back
LONGEST_WAIT = 60.0  # seconds between two tries, unless the service asks for more
LOOK_AGAIN = 5.0  # seconds between two questions to a service's log
CLOCK_SLACK = 60.0  # seconds by which a clock may be set back before a key's age can no longer be known


@dataclasses.dataclass(frozen=True, slots=True)
class Courier:
    """What pushing a batch takes. `site` is the public site's address, for each reader's own links."""

    engine: sa.Engine
    keys: vault.Vault = dataclasses.field(repr=False)
    service: _registry.Service
    base_url: str
    secret: str = dataclasses.field(repr=False)
    timeout: float
    patience: float  # seconds after a push during which a service's log may not have it yet
    message: model.Message
    site: str
    now: Callable[[], float]
    closes: float  # UTC seconds: the end of the edition's window, after which no batch is claimed any more


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a send would do; nothing is written. `planned` counts everyone on the list, the excluded too."""

    edition: str
    digest: str
    planned: int
    excluded: Mapping[str, int]
    batches: int
    seconds: float  # estimate at the service's own rate


class Call(enum.Enum):
    """How the service met one call."""

    NONE = "none"  # nothing was pushed
    ANSWERED = "answered"  # it said what became of the batch
    FAILED = "failed"  # it said nothing to work with, and nobody's fate is less certain than before
    DOUBTED = "doubted"  # it may have taken a batch of which nothing had left before


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """How one batch went a step further."""

    batch: int
    call: Call
    accepted: int = 0
    refused: int = 0
    asked: float = 0.0  # seconds for which the service asks to be left alone; 0 when it does not say
    words: str = ""  # the service's own, cleaned, or what kept it from answering


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: half a second, doubling, a minute at most."""
    return min(LONGEST_WAIT, 0.25 * 2.0 ** min(failures, 20))


def message(manifest: model.Manifest, outputs: Mapping[str, bytes]) -> model.Message:
    """Put the compiled mail together from the edition's outputs; refuses bytes that are not the manifest's.

    The files may have been built anew since they were compared with the approval: what counts is what was read here.
    """
    for name in ("message.json", "email.html", "email.txt"):
        if hashlib.sha256(outputs[name]).hexdigest() != manifest.outputs[name]:
            msg = f"{name} of {manifest.subject} is not the one of its manifest: it was changed or built anew just now"
            raise errors.NotApproved(msg, hint=f"look at {manifest.subject} again, and approve what is there now")
    head = json.loads(outputs["message.json"])
    return model.Message(
        edition=head["edition"],
        subject=head["subject"],
        html=outputs["email.html"].decode(),
        text=outputs["email.txt"].decode(),
        sender=head["sender"],
        sender_name=head["sender_name"],
        list_id=head["list_id"],
    )


def plan(engine: sa.Engine, manifest: model.Manifest, courier: Courier) -> Plan:
    """Count who would get this edition and who would not, and why."""
    with database.reading(engine) as connection:
        reasons = Counter(member.exclusion for member in audience.members(connection))
    excluded = {reason: count for reason, count in sorted(reasons.items()) if reason}
    batches = -(-reasons[""] // courier.service.batch_size(courier.message))
    planned = sum(reasons.values())
    return Plan(manifest.subject, manifest.digest, planned, excluded, batches, round(batches / courier.service.RATE, 1))


def freeze(
    courier: Courier, manifest: model.Manifest, service_name: str, testers: Sequence[str] | None = None
) -> ledger.Send:
    """Write the send with its whole audience, once; with `testers` a test send to the team's addresses instead.

    As long as nothing has left, a send is planned anew. After that it is the one that is there: refuses when
    that one went through another service or with another mail. Only for the holder of the sender's lock.
    """
    size = courier.service.batch_size(courier.message)
    slot = "all" if testers is None else f"test/{secrets.token_hex(8)}"
    team = None if testers is None else _team(courier, testers)
    mail = _mail_hash(courier.message)
    with database.writing(courier.engine) as connection:
        known = ledger.find(connection, manifest.subject, slot)
        if known is None or _nothing_left(connection, known):
            if known:
                ledger.discard(connection, known.id)
            values = {"edition": manifest.subject, "slot": slot, "token": secrets.token_hex(16),
                      "service": service_name, "digest": manifest.digest, "mail": mail}  # fmt: skip
            members = audience.members(connection) if team is None else team
            seats = (ledger.Seat(member.id, member.exclusion) for member in members)
            return ledger.freeze(connection, values, seats, size, courier.now())
    _refuse_other(known, mail, service_name)
    return known


def _mail_hash(mail: model.Message) -> str:
    return hashlib.sha256(json.dumps(dataclasses.asdict(mail), sort_keys=True).encode()).hexdigest()


def _nothing_left(connection: sa.Connection, known: ledger.Send) -> bool:
    """Return whether surely nobody was mailed yet; a finished send is finished, also one to an empty list."""
    if known.state is model.SendState.SENT:
        return False
    counts = ledger.tally(connection, known.id)
    return counts.untaken + counts.excluded == counts.planned


def _refuse_other(known: ledger.Send, mail: str, service_name: str) -> None:
    is_sent = known.state is model.SendState.SENT
    if known.mail != mail:
        msg = f"{known.edition} was already {'sent' if is_sent else 'begun'}, with another mail than the one in out/"
        go_on = "restore the content it was begun with and build again: a part of the list has that mail"
        again = "an edition goes out once; make a new one with `mscare new edition SLUG`"
        raise errors.SendRefused(msg, hint=again if is_sent else go_on)
    if known.service != service_name and not is_sent:
        msg = f"the send of {known.edition} was begun through {known.service}, not {service_name}"
        raise errors.SendRefused(msg, hint=f"go on with `mscare send {known.edition} --service {known.service}`")


def _team(courier: Courier, testers: Sequence[str]) -> list[model.Member]:
    if not testers:
        msg = "there are no test addresses"
        raise errors.ConfigProblem(msg, hint='set test_addresses = ["you@your-domain"] under [delivery] in mscare.toml')
    return audience.test_members(
        courier.engine, courier.keys, testers, dt.datetime.fromtimestamp(courier.now(), dt.UTC)
    )


# --- one batch ----------------------------------------------------------------


def send_next(courier: Courier, send: ledger.Send, holder: str) -> Step | None:
    """Send the next waiting batch; None when none waits now.

    Raises when the edition's window has closed, and when the service refuses the account.
    """
    _refuse_late(courier, send)
    held = ledger.claim(courier.engine, send.id, holder, courier.now(), model.BatchState.PENDING)
    if held is None:
        return None
    held, recipients = _still_wanted(courier, held)
    if not recipients:
        ledger.close(courier.engine, held, courier.now(), "nobody left to mail")
        return Step(held.number, Call.NONE)
    batch = model.Batch(_key(courier, send, held), courier.message, recipients)
    try:
        request = courier.service.request(batch, courier.base_url, courier.secret)
        ledger.pushing(courier.engine, held, batch.key, _hash(request), courier.now())
        outcomes = _http.exchange(courier.service, batch, request, courier.secret, courier.timeout)
    except errors.Problem as problem:
        ledger.hand_back(courier.engine, held, courier.now(), problem.message)
        raise
    return _step(held, outcomes, _book(courier, held, outcomes))


def _key(courier: Courier, send: ledger.Send, held: ledger.Claim) -> str:
    """Return the key of a push: it names the account too, for a service knows a key only in the account that used it.

    What the service is given hides the account's secret behind the send's token, which never leaves the ledger.
    """
    token = hashlib.sha256(f"{send.token}\0{courier.base_url}\0{courier.secret}".encode()).hexdigest()
    return ledger.key_of(token, held.number, held.subscribers)


def _refuse_late(courier: Courier, send: ledger.Send) -> None:
    if courier.now() > courier.closes:
        msg = f"not_after of {send.edition} has passed: nobody else is mailed"
        raise errors.SendRefused(msg, hint="check its texts again, then change not_after or make a new edition")


def _still_wanted(courier: Courier, held: ledger.Claim) -> tuple[ledger.Claim, tuple[model.Recipient, ...]]:
    """Look again at everyone in the batch: who left since the send was planned is excluded with the reason."""
    with database.writing(courier.engine) as connection:
        now = audience.sendable(connection, held.subscribers)
        ledger.exclude(connection, held, {who: seat.exclusion for who, seat in now.items() if seat.exclusion})
    staying = tuple(who for who in held.subscribers if not now[who].exclusion)
    return dataclasses.replace(held, subscribers=staying), _recipients(courier, staying, now)


def _recipients(
    courier: Courier, subscribers: Sequence[int], seats: Mapping[int, audience.Sendable]
) -> tuple[model.Recipient, ...]:
    return tuple(
        model.Recipient(
            subscriber=who,
            address=courier.keys.open(seats[who].address_sealed),
            unsubscribe_url=audience.unsubscribe_url(courier.site, courier.keys, seats[who].public_id),
        )
        for who in subscribers
    )


def _book(courier: Courier, held: ledger.Claim, outcomes: Sequence[model.Outcome]) -> Call:
    """Commit the outcomes of a first push; return how the service met it."""
    now = courier.now()
    fates = {outcome.fate for outcome in outcomes}
    note = outcomes[0].detail
    if fates != {model.Fate.UNTAKEN}:
        can_settle = courier.service.KEYED or courier.service.LOOKUP
        ledger.record(courier.engine, held, outcomes, now, again_at=0.0 if can_settle else None)
        return Call.DOUBTED if model.Fate.DOUBTFUL in fates else Call.ANSWERED
    if note.startswith(_answers.AS_A_WHOLE) and len(outcomes) > 1:
        ledger.split(courier.engine, held, now, note)
        return Call.ANSWERED
    ledger.hand_back(courier.engine, held, now, note)
    return Call.FAILED


def _step(held: ledger.Claim, outcomes: Sequence[model.Outcome], call: Call) -> Step:
    fates = Counter(outcome.fate for outcome in outcomes)
    return Step(
        batch=held.number,
        call=call,
        accepted=fates[model.Fate.ACCEPTED],
        refused=fates[model.Fate.REFUSED],
        asked=max((outcome.retry_after for outcome in outcomes), default=0.0),
        words=next((outcome.detail for outcome in outcomes if outcome.detail), ""),
    )


def _hash(request: model.Request) -> str:
    return hashlib.sha256(request.body).hexdigest()


# --- doubt ----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    """What was found out about a doubtful batch, and in how many seconds to ask again; None: a person must tell."""

    outcomes: Sequence[model.Outcome]
    call: Call = Call.NONE
    again_in: float | None = None


def settle_next(courier: Courier, send: ledger.Send, holder: str) -> Step | None:
    """Settle the next doubtful batch; None when none waits now.

    A service that honours keys gets the same bytes under the same key. Another is asked what it took.
    Where neither can tell, the batch is held for a person: `mscare settle`. Raises as `send_next` does.
    """
    _refuse_late(courier, send)
    held = ledger.claim(courier.engine, send.id, holder, courier.now(), model.BatchState.DOUBTFUL)
    if held is None:
        return None
    try:
        told = _ask_again(courier, send, held)
    except errors.Problem as problem:
        ledger.doubt(courier.engine, held, courier.now(), problem.message)
        raise
    now = courier.now()
    again_at = None if told.again_in is None else now + told.again_in
    ledger.record(courier.engine, held, told.outcomes, now, again_at=again_at)
    if told.call is Call.NONE:
        return Step(held.number, Call.NONE)
    return _step(held, told.outcomes, told.call)


def _ask_again(courier: Courier, send: ledger.Send, held: ledger.Claim) -> _Told:
    """Push a doubtful batch under its key as long as that is safe, else ask the service's log."""
    with database.reading(courier.engine) as connection:
        seats = audience.sendable(connection, held.subscribers)
    age = courier.now() - (held.first_push_at or 0.0)
    if courier.service.KEYED and -CLOCK_SLACK < age < courier.service.KEY_WINDOW:
        return _push_again(courier, send, held, seats)
    return _look_up(courier, held, seats, again_in=LOOK_AGAIN if -CLOCK_SLACK < age < courier.patience else None)


def _push_again(
    courier: Courier, send: ledger.Send, held: ledger.Claim, seats: Mapping[int, audience.Sendable]
) -> _Told:
    """Push the same bytes under the same key, unless that could mail a reader who has left since."""
    if any(seat.exclusion for seat in seats.values()):
        why = "a reader of this batch has left since its first push, which may not have been taken"
        return _Told(_unknown(held.subscribers, why))
    if _key(courier, send, held) != held.key:
        why = "it was pushed with another key or base_url of the service, perhaps of another account"
        return _Told(_unknown(held.subscribers, why))
    batch = model.Batch(held.key, courier.message, _recipients(courier, held.subscribers, seats))
    request = courier.service.request(batch, courier.base_url, courier.secret)
    if _hash(request) != held.body_hash:
        why = "its body would no longer be the same: the service could not know it again"
        return _Told(_unknown(held.subscribers, why))
    outcomes = _http.exchange(courier.service, batch, request, courier.secret, courier.timeout)
    # "Not taken" is said of this push only; the first one stays in doubt.
    unsure = [
        dataclasses.replace(outcome, fate=model.Fate.DOUBTFUL) if outcome.fate is model.Fate.UNTAKEN else outcome
        for outcome in outcomes
    ]
    if all(outcome.fate is not model.Fate.DOUBTFUL for outcome in unsure):
        return _Told(unsure, Call.ANSWERED)
    asked = max(outcome.retry_after for outcome in unsure)
    return _Told(unsure, Call.FAILED, None if held.tries >= MOST_TRIES else asked or backoff(held.tries))


def _look_up(
    courier: Courier, held: ledger.Claim, seats: Mapping[int, audience.Sendable], again_in: float | None
) -> _Told:
    """Ask the service what it has in its log; who was erased cannot be asked for and stays in doubt."""
    known = [who for who in held.subscribers if seats[who].address_sealed]
    batch = model.Batch(held.key, courier.message, _recipients(courier, known, seats))
    found = _http.inquire(courier.service, batch, courier.base_url, courier.secret, courier.timeout) if known else None
    told = dict(zip(known, found or _unknown(known, "the service cannot tell what it took"), strict=True))
    may_appear = courier.service.LOOKUP and any(outcome.fate is model.Fate.DOUBTFUL for outcome in told.values())
    erased = model.Outcome(model.Fate.DOUBTFUL, detail="erased since: the service cannot be asked for this reader")
    outcomes = [told.get(who, erased) for who in held.subscribers]
    return _Told(outcomes, again_in=again_in if may_appear else None)


def _unknown(subscribers: Sequence[int], why: str) -> list[model.Outcome]:
    return [model.Outcome(model.Fate.DOUBTFUL, detail=why)] * len(subscribers)
