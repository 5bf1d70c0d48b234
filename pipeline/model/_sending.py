"""One mail, one batch, one call and what became of each reader."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping

MERGE_FIELDS = ("unsubscribe_url",)
"""The only per-reader fields of a compiled mail; written `[[unsubscribe_url]]` in it."""


class Fate(enum.StrEnum):
    """What became of one delivery; see docs/how-it-works.md, "Four fates"."""

    ACCEPTED = "accepted"  # the service took it; not the same as delivered
    REFUSED = "refused"  # the service will never take it
    UNTAKEN = "untaken"  # surely not taken, or not yet sent: may be sent in any later batch
    DOUBTFUL = "doubtful"  # may have been taken: the same key, a look-up or a person settles it
    EXCLUDED = "excluded"  # never to be sent: unsubscribed, suppressed or unconfirmed, with a reason


@dataclasses.dataclass(frozen=True, slots=True)
class Recipient:
    """One reader in one batch. The address stays out of repr, and so out of logs and errors."""

    subscriber: int
    address: str = dataclasses.field(repr=False)
    unsubscribe_url: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A compiled mail: `html` and `text` hold `[[unsubscribe_url]]` where each reader's own link goes."""

    edition: str
    subject: str
    html: str
    text: str
    sender: str
    sender_name: str
    list_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """What one call to a service carries. `key` never changes; the same key twice must be one send."""

    key: str
    message: Message
    recipients: tuple[Recipient, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as a value. Headers hold the secret, so they stay out of repr."""

    method: str
    url: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer as a value; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient of one push. `detail` is a short sentence without any address."""

    fate: Fate
    service_id: str = ""
    detail: str = ""
    retry_after: float = 0.0  # seconds the service asked to wait before the next call


class EventKind(enum.StrEnum):
    """What a service reports later, by webhook, about a mail it had accepted."""

    DELIVERED = "delivered"  # the reader's mail server took it
    BOUNCED = "bounced"  # the address does not work: never mail it again
    COMPLAINED = "complained"  # the reader called it spam: never mail this person again
    DROPPED = "dropped"  # this mail will not arrive; says nothing new about the address
    DEFERRED = "deferred"  # not taken yet; the service goes on trying
    UNSUBSCRIBED = "unsubscribed"  # the reader left through the service's own list


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One verified webhook event. `service_id` is the one its Outcome had; `detail` holds no address."""

    kind: EventKind
    service_id: str
    address: str = dataclasses.field(repr=False)
    at: dt.datetime
    detail: str = ""


class SendState(enum.StrEnum):
    """Where a send stands."""

    SENDING = "sending"  # frozen and under way, or cut off: the next run goes on
    PAUSED = "paused"  # stopped in good order: the next run goes on
    SENT = "sent"  # everyone has a final fate
    NEEDS_REVIEW = "needs_review"  # what is left needs a person: doubtful batches that nothing can settle


class BatchState(enum.StrEnum):
    """Where a batch stands."""

    PENDING = "pending"  # nothing has left; may be claimed once its time has come
    CLAIMED = "claimed"  # a sender prepares it; nothing has left
    INFLIGHT = "inflight"  # its bytes may be leaving or have left: doubtful if the sender dies now
    DONE = "done"  # every recipient has a final fate
    DOUBTFUL = "doubtful"  # may have been taken; to be settled with the same key or by a look-up
    HELD = "held"  # may have been taken, and only a person can settle it
    SPLIT = "split"  # refused as a whole; its recipients went on in smaller batches


class ScheduleState(enum.StrEnum):
    """Where a planned send stands."""

    WAITING = "waiting"  # its time has not come, or the worker has not been there yet
    DONE = "done"  # the send was begun; the ledger knows the rest
    REFUSED = "refused"  # it could not be begun: not approved, too late, blocked; the note says which


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """When an edition is to go out. `due_at` is UTC; `zone` is the time zone it was given in."""

    edition: str
    due_at: dt.datetime
    zone: str
    state: ScheduleState
    note: str


@dataclasses.dataclass(frozen=True, slots=True)
class Tally:
    """The equation of a send: planned = accepted + refused + untaken + doubtful + excluded.

    Rows not yet sent count as untaken and rows in flight as doubtful, so that it balances at every moment.
    """

    planned: int
    accepted: int
    refused: int
    untaken: int
    doubtful: int
    excluded: int

    @property
    def balances(self) -> bool:
        """True when nobody is lost."""
        return self.planned == self.accepted + self.refused + self.untaken + self.doubtful + self.excluded
