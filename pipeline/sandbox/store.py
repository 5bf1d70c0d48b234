"""What the sandbox took, in SQLite: the tests' witness of who was mailed.

A mail counts as taken exactly when its row is committed; the answer promised under an idempotency key is
committed with it. Bodies are kept once by their SHA-256, a mail holds only its difference (`folding`).
"""

import contextlib
import dataclasses
import datetime as dt
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import errors
from pipeline.sandbox import folding, wire

VERSION = 1
KEY_SECONDS = 24 * 3600
SCHEMA = """
CREATE TABLE request (
    id TEXT PRIMARY KEY, dialect TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, headers TEXT NOT NULL,
    shape TEXT NOT NULL, bytes INTEGER NOT NULL, mails INTEGER NOT NULL
) STRICT;
CREATE TABLE label (label TEXT NOT NULL, request TEXT NOT NULL, PRIMARY KEY (label, request)) STRICT, WITHOUT ROWID;
CREATE TABLE body (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, text TEXT NOT NULL) STRICT;
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, dialect TEXT NOT NULL, batch TEXT NOT NULL, service_id TEXT NOT NULL,
    recipient TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL, html INTEGER NOT NULL,
    html_patch TEXT NOT NULL, text INTEGER NOT NULL, text_patch TEXT NOT NULL, headers TEXT NOT NULL,
    part TEXT NOT NULL, taken_at REAL NOT NULL, request TEXT NOT NULL
) STRICT;
CREATE INDEX message_by_recipient ON message (recipient COLLATE NOCASE);
CREATE INDEX message_by_service_id ON message (service_id);
CREATE INDEX message_by_request ON message (request);
CREATE TABLE promise (
    account TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL,
    body BLOB NOT NULL, at REAL NOT NULL, PRIMARY KEY (account, key)
) STRICT;
"""
SELECT = """
SELECT m.id, m.dialect, m.batch, m.service_id, m.recipient, m.sender, m.subject, h.text, m.html_patch, t.text,
    m.text_patch, m.headers, m.part, m.taken_at, r.method, r.path, r.headers, r.shape, r.bytes, r.mails
FROM message m JOIN body h ON h.id = m.html JOIN body t ON t.id = m.text JOIN request r ON r.id = m.request
"""
TABLES = ("request", "label", "body", "message", "promise")


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """The call that brought a mail: its size in bytes, how many mails it carried, and its shape without them."""

    method: str
    path: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    shape: Any = dataclasses.field(repr=False)
    size: int
    mails: int


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """One mail as it lies in the inbox."""

    id: int
    dialect: str
    batch: str
    service_id: str
    recipient: str = dataclasses.field(repr=False)
    sender: str
    subject: str
    html: str = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    part: Mapping[str, Any] = dataclasses.field(repr=False)
    taken_at: dt.datetime
    request: Asked = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of the inbox's list."""

    id: int
    dialect: str
    recipient: str = dataclasses.field(repr=False)
    subject: str
    taken_at: dt.datetime


class Store:
    """One database file. Used from one thread at a time: the server's."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it; refuses with StorageProblem when it cannot be used."""
        self._path = path
        self._bases: dict[str, tuple[int, str]] = {}
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._prepare()

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            msg = f"the sandbox's store {self._path} was made by another version"
            raise errors.StorageProblem(msg, hint="delete the file: it holds nothing but test mail")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def take(self, dialect: str, call: wire.Call, posting: wire.Posting) -> None:
        """Commit the mails of one call, and with them the answer promised under its key."""
        if not posting.mails and not posting.key:
            return
        batch = posting.key.text if posting.key else ", ".join(posting.labels)
        with self._writing() as db:
            db.execute(
                "INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    str(call.id),
                    dialect,
                    call.method,
                    call.path,
                    _json(_without_secret(call.headers)),
                    _json(posting.shape),
                    len(call.body),
                    len(posting.mails),
                ),
            )
            db.executemany("INSERT INTO label VALUES (?, ?)", ((label, str(call.id)) for label in posting.labels))
            rows = (self._row(mail, (dialect, batch), (call.now, str(call.id))) for mail in posting.mails)
            db.executemany(f"INSERT INTO message VALUES (NULL{', ?' * 14})", rows)  # noqa: S608  only question marks
            if posting.key:
                self._promise(call, posting.key.text, posting.answer)

    def _row(self, mail: wire.Mail, before: tuple[str, str], after: tuple[float, str]) -> tuple[Any, ...]:
        html, html_patch = self._folded("html", mail.html)
        text, text_patch = self._folded("text", mail.text)
        return (
            *before,
            mail.service_id,
            mail.recipient,
            mail.sender,
            mail.subject,
            html,
            html_patch,
            text,
            text_patch,
            _json(mail.headers),
            _json(mail.part),
            *after,
        )

    def _folded(self, kind: str, text: str) -> tuple[int, str]:
        """Return the id of a stored body and the patch that makes this one of it."""
        if kind in self._bases:
            number, base = self._bases[kind]
            patch = folding.fold(base, text)
            if folding.size(patch) * 2 <= len(text):
                return number, _json(patch)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self._db.execute("INSERT OR IGNORE INTO body (sha256, text) VALUES (?, ?)", (digest, text))
        number = self._db.execute("SELECT id FROM body WHERE sha256 = ?", (digest,)).fetchone()[0]
        self._bases[kind] = (number, text)
        return number, "[]"

    def _promise(self, call: wire.Call, key: str, answer: wire.Answer) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO promise VALUES (?, ?, ?, ?, ?, ?, ?)",
            (account(call), key, digest(call), answer.status, _json(answer.headers), answer.body, call.now),
        )

    def promised(self, call: wire.Call, key: str) -> tuple[bool, wire.Answer] | None:
        """Return what was answered under this key in the last 24 hours, and whether the request was the same."""
        row = self._db.execute(
            "SELECT digest, status, headers, body FROM promise WHERE account = ? AND key = ? AND at > ?",
            (account(call), key, call.now - KEY_SECONDS),
        ).fetchone()
        return (row[0] == digest(call), wire.Answer(row[1], json.loads(row[2]), row[3])) if row else None

    def tally(self) -> dict[str, int]:
        """Return how many mails each address got."""
        return dict(self._db.execute("SELECT recipient, count(*) FROM message GROUP BY recipient ORDER BY recipient"))

    def count(self, search: str = "") -> int:
        """Count the mails whose recipient or subject has `search` in it."""
        where, values = _searching(search)
        return int(self._db.execute(f"SELECT count(*) FROM message {where}", values).fetchone()[0])  # noqa: S608

    def page(self, search: str, start: int, length: int) -> list[Line]:
        """Return lines of the list, newest first, from `start` (0-based)."""
        where, values = _searching(search)
        rows = self._db.execute(
            f"SELECT id, dialect, recipient, subject, taken_at FROM message {where} "  # noqa: S608  a fixed text
            "ORDER BY id DESC LIMIT ? OFFSET ?",
            (*values, length, start),
        )
        return [Line(row[0], row[1], row[2], row[3], _time(row[4])) for row in rows]

    def message(self, number: int) -> Taken | None:
        """Return the mail with this number of the list, or None."""
        return next(self._select("m.id = ?", (number,), 1), None)

    def by_service_id(self, dialect: str, service_id: str) -> list[Taken]:
        """Return the mails that one id of the service stands for, in the order taken."""
        return list(self._select("m.dialect = ? AND m.service_id = ?", (dialect, service_id), 1000))

    def to(self, recipient: str) -> list[Taken]:
        """Return the mails that one address got, in the order taken; at most 1000."""
        return list(self._select("m.recipient = ? COLLATE NOCASE", (recipient,), 1000))

    def find(self, dialect: str, where: str, values: Sequence[Any], limit: int) -> list[Taken]:
        """Return the newest mails for which `where` (SQL made by a dialect, never by a caller) is true."""
        return list(self._select(f"m.dialect = ? AND {where}", (dialect, *values), limit, newest_first=True))

    def _select(self, where: str, values: Sequence[Any], limit: int, *, newest_first: bool = False) -> Iterator[Taken]:
        order = "DESC" if newest_first else "ASC"
        rows = self._db.execute(f"{SELECT} WHERE {where} ORDER BY m.id {order} LIMIT ?", (*values, limit))
        for row in rows:
            yield _taken(row)

    def reset(self) -> None:
        """Forget every mail and every key."""
        with self._writing() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608  fixed names
            self._bases.clear()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open one transaction; when it fails nothing of it was taken."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            self._bases.clear()  # a base of this transaction is gone with it
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            msg = f"the sandbox's store {self._path} cannot be used: {error}"
            raise errors.StorageProblem(msg, hint="delete the file, or name another one") from error


def _taken(row: tuple[Any, ...]) -> Taken:
    return Taken(
        id=row[0],
        dialect=row[1],
        batch=row[2],
        service_id=row[3],
        recipient=row[4],
        sender=row[5],
        subject=row[6],
        html=folding.unfold(row[7], json.loads(row[8])),
        text=folding.unfold(row[9], json.loads(row[10])),
        headers=json.loads(row[11]),
        part=json.loads(row[12]),
        taken_at=_time(row[13]),
        request=Asked(row[14], row[15], json.loads(row[16]), json.loads(row[17]), row[18], row[19]),
    )


def account(call: wire.Call) -> str:
    """Return what stands for the account of a call: keys of two accounts never meet."""
    return hashlib.sha256(call.bearer.encode()).hexdigest()


def digest(call: wire.Call) -> str:
    """Return the digest by which two requests are the same: endpoint and bytes."""
    return hashlib.sha256(call.path.encode() + b"\n" + call.body).hexdigest()


def _without_secret(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: "Bearer (hidden)" if name == "authorization" else value for name, value in headers.items()}


def _searching(search: str) -> tuple[str, tuple[str, ...]]:
    if not search:
        return "", ()
    like = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return "WHERE recipient LIKE ? ESCAPE '\\' OR subject LIKE ? ESCAPE '\\'", (like, like)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _time(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
