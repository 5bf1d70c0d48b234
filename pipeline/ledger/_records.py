"""What the ledger hands out: a send, a claim, a seat in a new send."""

import dataclasses

from pipeline import model


@dataclasses.dataclass(frozen=True, slots=True)
class Send:
    """One send as the ledger knows it."""

    id: int
    edition: str
    slot: str
    token: str = dataclasses.field(repr=False)
    state: model.SendState
    service: str
    digest: str
    mail: str
    note: str
    created_at: float
    finished_at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A batch that this process holds. `subscribers` are those still to be mailed, in the order of their numbers."""

    send: int
    number: int
    holder: str
    tries: int
    subscribers: tuple[int, ...]
    key: str
    body_hash: str
    first_push_at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Seat:
    """One subscriber in the audience of a new send: in a batch, or excluded with the reason."""

    subscriber: int
    reason: str = ""
