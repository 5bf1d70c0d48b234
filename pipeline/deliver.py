"""An approved edition x an audience -> deliveries: freeze everyone, then one batch at a time.

A batch goes: claim it, leave out who has left since, commit what will be pushed, push, commit the
outcome. No engine is imported here: whatever drives these functions may die at any line.
"""

import dataclasses
import datetime as dt
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa

from pipeline import audience, database, errors, ledger, model, vault
from pipeline.esps import _answers, _http, _registry

MOST_TRIES = 8  # pushes of one batch in a row that the service surely did not take; then the send pauses
LONGEST_WAIT = 60.0  # seconds between two tries
SYSTEMIC = 20  # refusals without a single acceptance that mean: it is not the readers, it is us


@dataclasses.dataclass(frozen=True, slots=True)
class Courier:
    """What pushing a batch takes. `site` is the public site's address, for each reader's own links."""

    engine: sa.Engine
    keys: vault.Vault = dataclasses.field(repr=False)
    service: _registry.Service
    base_url: str
    secret: str = dataclasses.field(repr=False)
    timeout: float
    message: model.Message
    site: str
    now: Callable[[], float]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a send would do; nothing is written. `planned` counts everyone on the list, the excluded too."""

    edition: str
    digest: str
    planned: int
    excluded: Mapping[str, int]
    batches: int
    seconds: float  # estimate at the service's own rate


def message(outputs: Mapping[str, bytes]) -> model.Message:
    """Put the compiled mail together from the edition's outputs."""
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

    Returns the send that is already there when the edition was begun before, and refuses when that one
    went through another service or with other bytes.
    """
    size = courier.service.batch_size(courier.message)
    slot = "all" if testers is None else f"test/{secrets.token_hex(8)}"
    team = None if testers is None else _team(courier, testers)
    values = {"edition": manifest.subject, "slot": slot, "token": secrets.token_hex(16),
              "service": service_name, "digest": manifest.digest}  # fmt: skip
    with database.writing(courier.engine) as connection:
        known = ledger.find(connection, manifest.subject, slot)
        if known is None:
            members = audience.members(connection) if team is None else team
            seats = (ledger.Seat(member.id, member.exclusion) for member in members)
            return ledger.freeze(connection, values, seats, size, courier.now())
    _refuse_other(known, manifest, service_name)
    return known


def _refuse_other(known: ledger.Send, manifest: model.Manifest, service_name: str) -> None:
    if known.state is model.SendState.SENT:
        return
    if known.service != service_name:
        msg = f"the send of {known.edition} was begun through {known.service}, not {service_name}"
        raise errors.SendRefused(msg, hint=f"go on with `mscare send {known.edition} --service {known.service}`")
    if known.digest != manifest.digest:
        msg = f"the send of {known.edition} was begun with other bytes than those in out/"
        raise errors.SendRefused(
            msg, hint="restore the content it was begun with and build again: half the list has those"
        )


def _team(courier: Courier, testers: Sequence[str]) -> list[model.Member]:
    if not testers:
        msg = "there are no test addresses"
        raise errors.ConfigProblem(msg, hint='set test_addresses = ["you@your-domain"] under [delivery] in mscare.toml')
    return audience.test_members(
        courier.engine, courier.keys, testers, dt.datetime.fromtimestamp(courier.now(), dt.UTC)
    )


# --- one batch ----------------------------------------------------------------


def send_next(courier: Courier, send: ledger.Send, holder: str) -> bool:
    """Send the next waiting batch; False when none waits now. Raises when the service refuses the account."""
    held = ledger.claim(courier.engine, send.id, holder, courier.now(), model.BatchState.PENDING)
    if held is None:
        return False
    held, recipients = _still_wanted(courier, held)
    if not recipients:
        ledger.close(courier.engine, held, courier.now(), "nobody left to mail")
        return True
    batch = model.Batch(ledger.key_of(send.token, held.subscribers), courier.message, recipients)
    request = courier.service.request(batch, courier.base_url, courier.secret)
    ledger.pushing(courier.engine, held, batch.key, _hash(request), courier.now())
    try:
        outcomes = _http.exchange(courier.service, batch, courier.base_url, courier.secret, courier.timeout)
    except errors.Problem as problem:
        ledger.hand_back(courier.engine, held, courier.now(), problem.message)
        raise
    _book(courier, held, outcomes)
    return True


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


def _book(courier: Courier, held: ledger.Claim, outcomes: Sequence[model.Outcome]) -> None:
    """Commit the outcomes of a first push."""
    now = courier.now()
    if any(outcome.fate is not model.Fate.UNTAKEN for outcome in outcomes):
        ledger.record(courier.engine, held, outcomes, now, hold=not _can_settle(courier))
        return
    note = outcomes[0].detail
    if note.startswith(_answers.AS_A_WHOLE) and len(outcomes) > 1:
        ledger.split(courier.engine, held, now, note)
        return
    ledger.hand_back(courier.engine, held, now, note, now + _wait(held, outcomes))
    if held.tries >= MOST_TRIES:
        msg = f"the service did not take batch {held.number} in {held.tries} tries: {note}"
        raise errors.ServiceProblem(msg, hint="nothing is lost; run the same command again when the service works")


def _wait(held: ledger.Claim, outcomes: Sequence[model.Outcome]) -> float:
    """Return the seconds to wait: what the service asked for, otherwise doubling from half a second."""
    asked = max(outcome.retry_after for outcome in outcomes)
    return asked or min(LONGEST_WAIT, 0.25 * 2**held.tries)


def _can_settle(courier: Courier) -> bool:
    return courier.service.KEYED or courier.service.LOOKUP


def _hash(request: model.Request) -> str:
    return hashlib.sha256(request.body).hexdigest()


# --- doubt ----------------------------------------------------------------------


def settle_next(courier: Courier, send: ledger.Send, holder: str) -> bool:
    """Settle the next doubtful batch; False when none waits now.

    A service that honours keys gets the same bytes under the same key. Another is asked what it took.
    Where neither can tell, the batch is held for a person: `mscare settle`.
    """
    held = ledger.claim(courier.engine, send.id, holder, courier.now(), model.BatchState.DOUBTFUL)
    if held is None:
        return False
    try:
        outcomes, why = _ask_again(courier, held)
    except errors.Problem as problem:
        ledger.doubt(courier.engine, held, courier.now(), problem.message, hold=False)
        raise
    now = courier.now()
    if outcomes is None:
        ledger.doubt(courier.engine, held, now, why, hold=True)
    elif all(outcome.fate is model.Fate.DOUBTFUL for outcome in outcomes):
        give_up = held.tries >= MOST_TRIES
        ledger.doubt(courier.engine, held, now, why, not_before=now + _wait(held, outcomes), hold=give_up)
    else:
        ledger.record(courier.engine, held, outcomes, now, hold=True)
    return True


def _ask_again(courier: Courier, held: ledger.Claim) -> tuple[list[model.Outcome] | None, str]:
    """Return the outcomes of a doubtful batch with a note, or None when only a person can tell."""
    with database.reading(courier.engine) as connection:
        seats = audience.sendable(connection, held.subscribers)
    if any(not seat.address_sealed for seat in seats.values()):
        return None, "a reader of this batch was erased: it can no longer be asked for"
    batch = model.Batch(held.key, courier.message, _recipients(courier, held.subscribers, seats))
    age = courier.now() - (held.first_push_at or 0.0)
    if courier.service.KEYED and age < courier.service.KEY_WINDOW:
        return _push_again(courier, held, batch, [seat.exclusion for seat in seats.values()])
    found = _http.inquire(courier.service, batch, courier.base_url, courier.secret, courier.timeout)
    return found, "looked up" if found else "the service cannot tell what it took"


def _push_again(
    courier: Courier, held: ledger.Claim, batch: model.Batch, reasons: Sequence[str]
) -> tuple[list[model.Outcome] | None, str]:
    """Push the same bytes under the same key, unless that could mail a reader who has left since."""
    if any(reasons):
        return None, "a reader of this batch has left since its first push, which may not have been taken"
    request = courier.service.request(batch, courier.base_url, courier.secret)
    if _hash(request) != held.body_hash:
        return None, "its body would no longer be the same: the service could not know it again"
    outcomes = _http.exchange(courier.service, batch, courier.base_url, courier.secret, courier.timeout)
    # "Not taken" is said of this push only; the first one stays in doubt.
    unsure = [
        dataclasses.replace(outcome, fate=model.Fate.DOUBTFUL) if outcome.fate is model.Fate.UNTAKEN else outcome
        for outcome in outcomes
    ]
    return unsure, "same key again"


def refuse_systemic(connection: sa.Connection, send: ledger.Send) -> None:
    """Stop a send whose every reader is refused: the fault is in our account or our message."""
    counts = ledger.tally(connection, send.id)
    if counts.refused >= SYSTEMIC and counts.accepted == 0:
        msg = f"the service refused the first {counts.refused} readers of {send.edition} and accepted none"
        raise errors.ServiceProblem(msg, hint="`mscare report` shows its words; mend the cause before sending again")
