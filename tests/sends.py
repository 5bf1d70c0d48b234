"""What the tests of sending share: readers in a real database, the real sandbox, a courier between them."""

import contextlib
import csv
import dataclasses
import datetime as dt
import math
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from pipeline import audience, database, deliver, ledger, model, report, vault
from pipeline.engine import embedded
from pipeline.esps import _registry
from pipeline.sandbox import faults, server

ROOT = Path(__file__).resolve().parent.parent
NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
MESSAGE = model.Message(
    edition="2026-11",
    subject="A quiet guide to scans",
    html='<p>Hello</p><a href="[[unsubscribe_url]]">Unsubscribe</a>',
    text="Hello\n\nUnsubscribe: [[unsubscribe_url]]\n",
    sender="digest@publisher.example.com",
    sender_name="Navigating Your Care",
    list_id="digest.publisher.example.com",
)
MANIFEST = model.Manifest("2026-11", "key", {}, {}, {}, "d" * 64)


@dataclasses.dataclass(frozen=True)
class World:
    """A database with readers, a running sandbox, and a courier that goes from one to the other."""

    folder: Path
    engine: sa.Engine
    keys: vault.Vault
    sandbox: str
    courier: deliver.Courier
    name: str

    def freeze(self) -> ledger.Send:
        """Write the send, or find the one that is there."""
        return deliver.freeze(self.courier, MANIFEST, self.name)

    def run(
        self,
        stop: threading.Event | None = None,
        threads: int = 2,
        progress: Callable[[model.Tally], None] = lambda _: None,
    ) -> model.Tally:
        """Send, or go on, until the engine is done; return the balance."""
        with embedded.only_sender(self.engine):
            embedded.run(self.courier, self.freeze(), threads, stop or threading.Event(), progress)
        return self.tally()

    def through(self, **changes: Any) -> "World":
        """Return the same world with another service, clock or message for its courier."""
        return dataclasses.replace(self, courier=dataclasses.replace(self.courier, **changes))

    def calls(self, wait: float = 0, **reached: int) -> dict[str, int]:
        """Ask the sandbox for its counts, as soon as these are reached or after `wait` seconds."""
        asked = {name: str(number) for name, number in {**reached, "wait": int(wait)}.items()}
        return dict(requests.get(f"{self.sandbox}/_sandbox/calls", params=asked, timeout=wait + 10).json())

    def tally(self) -> model.Tally:
        """Return the balance as it stands."""
        with database.reading(self.engine) as connection:
            return ledger.tally(connection, self.freeze_id(connection))

    def freeze_id(self, connection: sa.Connection) -> int:
        """Return the number of the send."""
        found = ledger.find(connection, MANIFEST.subject)
        assert found is not None
        return found.id

    def send_id(self) -> int:
        """Return the number of the send, without a transaction at hand."""
        with database.reading(self.engine) as connection:
            return self.freeze_id(connection)

    def state(self) -> str:
        """Return the send's state."""
        with database.reading(self.engine) as connection:
            return str(report.report(connection, ledger.by_id(connection, self.freeze_id(connection)))["state"])

    def taken(self) -> dict[str, int]:
        """Ask the sandbox who was mailed, and how often."""
        answer = requests.get(f"{self.sandbox}/_sandbox/taken", timeout=10).json()
        return dict(answer["recipients"])

    def set_faults(self, spec: str) -> None:
        """Change what goes wrong, counted from the next call."""
        requests.post(f"{self.sandbox}/_sandbox/faults", json={"spec": spec}, timeout=10).raise_for_status()


def service(dialect: str, **facts: Any) -> Any:
    """Return a service like `dialect`, with other facts: a test has no time for real rates and real batches."""
    real = _registry.get(dialect)
    names = [name for name in dir(real) if not name.startswith("_")]
    return types.SimpleNamespace(**{**{name: getattr(real, name) for name in names}, "RATE": 400.0, **facts})


def small(dialect: str, size: int, **facts: Any) -> Any:
    """Return a quick service that takes `size` readers a call."""
    return service(dialect, batch_size=lambda _message: size, **facts)


def addresses(count: int) -> list[str]:
    """Return that many addresses at a reserved domain."""
    return [f"reader{number:05d}@example.com" for number in range(count)]


def write_csv(path: Path, emails: list[str]) -> Path:
    """Write a subscriber file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["email"])
        writer.writerows([email] for email in emails)
    return path


@contextlib.contextmanager
def world(
    folder: Path, readers: int, dialect: str = "resend", spec: str = "", secret: str = "key-for-tests"
) -> Iterator[World]:
    """Set everything up in `folder`, and take the sandbox down at the end."""
    engine = database.open_engine("sqlite:///mscare.db", folder)
    keys = vault.Vault(bytes(range(32)))
    file = write_csv(folder / "readers.csv", addresses(readers))
    audience.import_csv(engine, keys, file, source="test", now=NOW, rejects=folder / "rejects.csv")
    with server.running(folder / "sandbox.db", 0, faults.parse(spec), ROOT / "templates") as url:
        courier = deliver.Courier(
            engine=engine,
            keys=keys,
            service=_registry.get(dialect),
            base_url=url,
            secret=secret,
            timeout=2.0,
            patience=0.0,
            message=MESSAGE,
            site="https://www.publisher.example.com",
            now=time.time,
            closes=math.inf,
        )
        yield World(folder, engine, keys, url, courier, dialect)
    engine.dispose()
