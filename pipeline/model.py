"""Values that cross stages: frozen dataclasses, and enums with a comment on each value."""

import dataclasses
import datetime as dt
import enum
import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MERGE_FIELDS = ("unsubscribe_url",)
"""The only per-reader fields of a compiled mail; written `[[unsubscribe_url]]` in it."""


# --- findings ---------------------------------------------------------------


class Severity(enum.StrEnum):
    """How much a finding matters."""

    BLOCK = "block"  # a reader would be harmed or lost: nothing is sent until mended or waived
    WARNING = "warning"  # worth mending; never stops anything
    INFO = "info"  # good to know


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found, at a place that a person can edit. `line` is 1-based; 0 means the whole file."""

    code: str
    severity: Severity
    file: str
    line: int
    message: str
    hint: str
    waived: bool = False

    @property
    def blocks(self) -> bool:
        """True when this stops a send."""
        return self.severity is Severity.BLOCK and not self.waived


@dataclasses.dataclass(frozen=True, slots=True)
class Waiver:
    """A person's decision to let a finding pass, with the reason; `file` "" means every file, `*` is any text in it."""

    code: str
    file: str
    reason: str
    by: str
    line: int = 0  # where it stands in content/waivers.toml; 0 when it was given with an approval

    def covers(self, finding: Finding) -> bool:
        """True when this lets the finding pass."""
        return self.code == finding.code and (not self.file or fnmatch.fnmatchcase(finding.file, self.file))


# --- content ----------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One cited source; `csl` is its CSL JSON record, unchanged."""

    id: str
    csl: Mapping[str, Any]
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """One question for the doctor's room; the same id in mail, web, PDF and EPUB."""

    id: str
    group: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class QuestionGroup:
    """A named list of questions."""

    id: str
    title: str
    questions: tuple[Question, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """A glossary entry; `also` are other words with the same meaning."""

    id: str
    name: str
    definition: str
    also: tuple[str, ...]
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class WorksheetField:
    """One thing to fill in: kind is line, area, date or tick."""

    id: str
    label: str
    kind: str


@dataclasses.dataclass(frozen=True, slots=True)
class Worksheet:
    """A form of the book: single fields, or a table of empty rows, or both."""

    id: str
    title: str
    intro: str
    fields: tuple[WorksheetField, ...]
    columns: tuple[str, ...]
    rows: int


@dataclasses.dataclass(frozen=True, slots=True)
class Review:
    """A named clinician has read the text whose SHA-256 this is."""

    reviewer: str
    reviewed: dt.date
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True)
class Article:
    """One article as the editor wrote it; `body` is Markdown and starts on line `body_line` of `path`."""

    slug: str
    path: Path
    title: str
    summary: str
    topic: str
    published: dt.date
    checked: dt.date
    expires: dt.date
    image: str
    image_alt: str
    questions: tuple[str, ...]
    get_help: str
    related: tuple[str, ...]
    review: Review | None
    body: str
    body_line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter of the book as the editor wrote it."""

    slug: str
    path: Path
    number: int
    title: str
    promise: str
    in_short: tuple[str, ...]
    checked: dt.date
    expires: dt.date
    question_groups: tuple[str, ...]
    worksheet: str
    get_help: str
    review: Review | None
    body: str
    body_line: int


@dataclasses.dataclass(frozen=True, slots=True)
class BookCall:
    """The call to download the book at the foot of a digest."""

    heading: str
    text: str
    button: str


@dataclasses.dataclass(frozen=True, slots=True)
class EditionSpec:
    """An edition as the editor wrote it: which articles, in what order, with which words."""

    slug: str
    path: Path
    number: int
    date: dt.date
    title: str
    subject: str
    preheader: str
    intro: str
    lead: str
    read_next: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    audience: str
    book: BookCall


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What changed in one version of the book."""

    version: str
    date: dt.date
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class BookSpec:
    """The book as the editor wrote it."""

    path: Path
    title: str
    subtitle: str
    version: str
    date: dt.date
    notice: str
    how_made: str
    chapters: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Library:
    """All of content/, validated. Every mapping is keyed by id or slug, in the files' order."""

    root: Path
    articles: Mapping[str, Article]
    chapters: Mapping[str, Chapter]
    editions: Mapping[str, EditionSpec]
    book: BookSpec | None
    sources: Mapping[str, Source]
    questions: Mapping[str, Question]
    groups: Mapping[str, QuestionGroup]
    terms: Mapping[str, Term]
    worksheets: Mapping[str, Worksheet]
    waivers: tuple[Waiver, ...]
    images: Mapping[str, bytes] = dataclasses.field(repr=False)  # content/images by file name


# --- edition and book ---------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Edition:
    """One digest, chosen and ordered: the specification with its articles in place."""

    spec: EditionSpec
    lead: Article
    read_next: tuple[Article, ...]

    @property
    def articles(self) -> tuple[Article, ...]:
        """The lead first, then the read-next list."""
        return (self.lead, *self.read_next)


@dataclasses.dataclass(frozen=True, slots=True)
class Book:
    """The book, chosen and ordered."""

    spec: BookSpec
    chapters: tuple[Chapter, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """Who publishes: what every output prints. `base_url` has no slash at its end."""

    title: str
    organisation: str
    postal_address: str
    base_url: str
    sender: str
    sender_name: str
    list_id: str
    language: str
    contact: str


@dataclasses.dataclass(frozen=True, slots=True)
class Material:
    """What a format works with besides its edition or book."""

    library: Library
    identity: Identity
    templates: Path


# --- outputs ------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """One file of out/: its path below out/<edition>/ with forward slashes, and its bytes."""

    name: str
    content: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """What was built from what. Digests are SHA-256 in hex; `outputs` and `inputs` map name to digest."""

    subject: str  # edition slug, or "book"
    key: str  # digest of everything that goes in: inputs, settings, code and library versions
    outputs: Mapping[str, str]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]

    digest: str  # digest of this manifest's own file: what an approval names


@dataclasses.dataclass(frozen=True, slots=True)
class Approval:
    """A person let exactly these bytes go out, with these waivers."""

    edition: str
    digest: str
    by: str
    at: dt.datetime
    waivers: tuple[Waiver, ...]


# --- audience -----------------------------------------------------------------


class State(enum.StrEnum):
    """Where a subscriber stands. Only an active one is ever mailed."""

    ACTIVE = "active"  # asked for the digest and confirmed it
    PENDING = "pending"  # asked for it, has not confirmed yet
    UNSUBSCRIBED = "unsubscribed"  # asked to stop; only the reader can take that back
    BOUNCED = "bounced"  # the mailbox does not exist or takes no mail
    COMPLAINED = "complained"  # called the digest spam


def exclusion(state: State, *, suppressed: bool) -> str:
    """Say in one word why a subscriber in this state must not be mailed; "" when nothing stands against it."""
    if state is State.PENDING:
        return "unconfirmed"
    if state is not State.ACTIVE:
        return state.value
    return "suppressed" if suppressed else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One subscriber of a frozen audience, without the address. `public_id` makes links, so it stays out of repr."""

    id: int
    public_id: bytes = dataclasses.field(repr=False)
    state: State
    suppressed: bool

    @property
    def exclusion(self) -> str:
        """Why nothing may be sent to this subscriber, in one word; "" when the digest may go out."""
        return exclusion(self.state, suppressed=self.suppressed)


# --- sending ------------------------------------------------------------------


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
