"""A send through the sendgrid dialect against django-anymail, both to the same local sink in another process.

Run as a program it is the side that is measured: bench/send.py ledger|http|building FOLDER URL
"""

import contextlib
import csv
import dataclasses
import datetime as dt
import hashlib
import json
import math
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import measure
import sample

from pipeline import audience, database, deliver, ledger, model, render, vault
from pipeline.engine import embedded
from pipeline.esps import _http, _registry

THREADS = 3  # the setting delivery.concurrency as shipped
SECRET = "key-for-the-bench"  # noqa: S105  opens nothing
KEY = bytes(range(32))
DATABASE = "mscare.db"
PEER = measure.BENCH / ".venv" / "bin" / "python"
MICROSECONDS = 1_000_000


def rows(size: measure.Size) -> list[measure.Row]:
    """Measure CPU microseconds a recipient, wall seconds and peak memory, all of a send after its set-up."""
    why = "" if PEER.exists() else "django-anymail is not installed"
    with tempfile.TemporaryDirectory() as name, _sink() as url:
        folder = Path(name)
        _set_up(folder, size.recipients)
        runs = [_ours(folder, url, mode, size.recipients) for mode in ("ledger", "http", "building")]
        runs += [] if why else [_theirs(folder, url, mode, size.recipients) for mode in ("http", "building")]
        whole, http, building, *theirs = measure.rounds(size.rounds, *runs)
    peer_http, peer_building = theirs or ([], [])
    each = MICROSECONDS / size.recipients
    return [
        measure.row("send: ledger, engine, HTTP; CPU us a recipient", "cpu", whole, peer_http, scale=each, why=why),
        measure.row("send: no ledger, HTTP; CPU us a recipient", "cpu", http, peer_http, scale=each, why=why),
        measure.row("send: building requests; CPU us a recipient", "cpu", building, peer_building, scale=each, why=why),
        measure.row("send: ledger, engine, HTTP at 10 calls a second; s", "wall", whole, peer_http, why=why),
        measure.row("send: no ledger, HTTP; s", "wall", http, peer_http, why=why),
        measure.row("send: ledger, engine, HTTP; peak MB", "peak", whole, peer_http, why=why),
    ]


@contextlib.contextmanager
def _sink() -> Iterator[str]:
    command = [sys.executable, str(measure.BENCH / "sink.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _set_up(folder: Path, recipients: int) -> None:
    """Write what all sides begin with: the mail, a database of readers, and the same readers in the open."""
    desk, item = sample.newest()
    outputs = {output.name: output.content for output in render.outputs(item, desk.material)}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in outputs.items()}
    message = deliver.message(model.Manifest(item.spec.slug, "key", digests, {}, {}, "d" * 64), outputs)
    (folder / "message.json").write_text(json.dumps(dataclasses.asdict(message)))
    readers = folder / "readers.csv"
    with readers.open("w", newline="") as file:
        csv.writer(file).writerows([["email"], *([f"reader{n:06d}@example.com"] for n in range(recipients))])
    engine, keys = database.open_engine(f"sqlite:///{DATABASE}", folder), vault.Vault(KEY)
    audience.import_csv(
        engine, keys, readers, source="bench", now=dt.datetime.now(dt.UTC), rejects=folder / "rejects.csv"
    )
    database.empty_log(engine)
    with database.reading(engine) as connection:
        ids = [member.id for member in audience.members(connection)]
        seats = audience.sendable(connection, ids)
    site = desk.material.identity.base_url
    plain = [
        (id_, keys.open(seat.address_sealed), audience.unsubscribe_url(site, keys, seat.public_id))
        for id_, seat in seats.items()
    ]
    (folder / "readers.json").write_text(json.dumps(plain))
    engine.dispose()


def _ours(folder: Path, url: str, mode: str, recipients: int) -> Callable[[], measure.Sample]:
    def run() -> measure.Sample:
        with tempfile.TemporaryDirectory() as name:
            for file in (DATABASE, "message.json", "readers.json"):
                shutil.copy(folder / file, name)
            found = measure.child(sys.executable, __file__, mode, name, url)
        _require_taken(url, 0 if mode == "building" else recipients)
        return found

    return run


def _theirs(folder: Path, url: str, mode: str, recipients: int) -> Callable[[], measure.Sample]:
    def run() -> measure.Sample:
        found = measure.child(PEER, measure.BENCH / "anymail_peer.py", mode, folder, url)
        _require_taken(url, 0 if mode == "building" else recipients)
        return found

    return run


def _require_taken(url: str, recipients: int) -> None:
    """Refuse a measurement in which not everyone was sent to: it would be the faster one."""
    with urllib.request.urlopen(f"{url}/taken", timeout=10) as response:  # noqa: S310  our own sink
        taken = json.load(response)["readers"]
    if taken != recipients:
        msg = f"the sink took {taken} readers instead of {recipients}"
        raise RuntimeError(msg)


# --- the side that is measured --------------------------------------------------------


def main(mode: str, folder: Path, url: str) -> None:
    """Send to everyone in `folder`; answer with what it cost after the set-up."""
    message = model.Message(**json.loads((folder / "message.json").read_text()))
    if mode == "ledger":
        measure.answer(_with_ledger(folder, url, message))
    else:
        measure.answer(_without_ledger(folder, url, message, push=mode == "http"))


def _with_ledger(folder: Path, url: str, message: model.Message) -> measure.Sample:
    engine = database.open_engine(f"sqlite:///{DATABASE}", folder)
    courier = deliver.Courier(
        engine=engine,
        keys=vault.Vault(KEY),
        service=_registry.get("sendgrid"),
        base_url=url,
        secret=SECRET,
        timeout=30.0,
        patience=0.0,
        message=message,
        site="https://www.example.org",
        now=time.time,
        closes=math.inf,
    )
    manifest = model.Manifest(message.edition, "key", {}, {}, {}, "d" * 64)
    with measure.clock() as found, embedded.only_sender(engine):
        begun = deliver.freeze(courier, manifest, "sendgrid")
        embedded.run(courier, begun, THREADS, threading.Event(), lambda _tally: None)
    with database.reading(engine) as connection:
        ended = ledger.by_id(connection, begun.id)
    if ended.state is not model.SendState.SENT:
        msg = f"the send ended as {ended.state}: {ended.note}"
        raise RuntimeError(msg)
    return found


def _without_ledger(folder: Path, url: str, message: model.Message, *, push: bool) -> measure.Sample:
    """Do what the peer does: a thousand readers a call, one call after the other, and nothing is written down."""
    service = _registry.get("sendgrid")
    readers = [model.Recipient(*reader) for reader in json.loads((folder / "readers.json").read_text())]
    with measure.clock() as found:
        most = service.batch_size(message)
        for start in range(0, len(readers), most):
            some = tuple(readers[start : start + most])
            key = ledger.key_of("bench", start, [reader.subscriber for reader in some])
            batch = model.Batch(key, message, some)
            request = service.request(batch, url, SECRET)
            if push:
                _http.exchange(service, batch, request, SECRET, 30.0)
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
