"""One process, a few threads, the ledger. A file lock makes this process the only sender of its database."""

import concurrent.futures
import contextlib
import fcntl
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline import database, deliver, errors, ledger, model

Progress = Callable[[model.Tally], None]
GLANCE = 0.05  # seconds between two looks at a ledger that has nothing due


@contextlib.contextmanager
def only_sender(folder: Path) -> Iterator[None]:
    """Hold the sender's lock; refuse when another process has it. The system frees it when this process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sender.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = "another process is sending from this installation"
            raise errors.SendRefused(
                msg, hint="wait for it, or stop it; `mscare status` shows how far it is"
            ) from error
        yield


def run(courier: deliver.Courier, send: ledger.Send, threads: int, stop: threading.Event, progress: Progress) -> None:
    """Bring a send to its end, or as far as it goes until `stop`; only under `only_sender`.

    Leaves the send SENT, NEEDS_REVIEW or PAUSED. Raises what made it stop: Interrupted, or the service's refusal.
    """
    ledger.adopt(courier.engine, send.id, courier.now())
    ledger.unhold(courier.engine, send.id)
    ledger.set_state(courier.engine, send.id, model.SendState.SENDING, courier.now())
    holder = secrets.token_hex(8)
    pace = _Pace(courier.service.RATE)
    halt = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        work = [pool.submit(_work, courier, send, holder, pace, halt) for _ in range(threads)]
        _watch(courier, send, work, (stop, halt), progress)
    _finish(courier, send, work, stop)


def _watch(
    courier: deliver.Courier,
    send: ledger.Send,
    work: list[concurrent.futures.Future[None]],
    signals: tuple[threading.Event, threading.Event],
    progress: Progress,
) -> None:
    """Report while the threads work; let them end their batches when somebody asks to stop."""
    stop, halt = signals
    running = set(work)
    while running:
        done, running = concurrent.futures.wait(running, timeout=0.2)
        if stop.is_set() or any(future.exception() for future in done):
            halt.set()
        with database.reading(courier.engine) as connection:
            progress(ledger.tally(connection, send.id))


def _finish(
    courier: deliver.Courier, send: ledger.Send, work: list[concurrent.futures.Future[None]], stop: threading.Event
) -> None:
    """Write down how the run ended, then raise what ended it."""
    fault = next((future.exception() for future in work if future.exception()), None)
    with database.reading(courier.engine) as connection:
        left = ledger.open_batches(connection, send.id)
    if fault is not None or (left.keys() - {model.BatchState.HELD.value}):
        note = str(fault) if fault else "stopped on request"
        ledger.set_state(courier.engine, send.id, model.SendState.PAUSED, courier.now(), note)
    else:
        state = model.SendState.NEEDS_REVIEW if left else model.SendState.SENT
        ledger.set_state(courier.engine, send.id, state, courier.now())
        return
    if fault is not None:
        raise fault
    if stop.is_set():
        msg = f"stopped sending {send.edition} in good order"
        raise errors.Interrupted(msg, hint=f"run `mscare send {send.edition}` to go on where it stopped")


def _work(courier: deliver.Courier, send: ledger.Send, holder: str, pace: "_Pace", halt: threading.Event) -> None:
    """Take batches until none is left: doubt first, so that it is settled inside the service's window."""
    busy = {model.BatchState.CLAIMED.value, model.BatchState.INFLIGHT.value}
    waiting = {model.BatchState.PENDING.value, model.BatchState.DOUBTFUL.value}
    while not halt.is_set():
        with database.reading(courier.engine) as connection:
            deliver.refuse_systemic(connection, send)
            left = ledger.open_batches(connection, send.id).keys()
            due = ledger.next_due(connection, send.id)
        if not left & (busy | waiting):
            return
        if due is None or due > courier.now():
            halt.wait(GLANCE)
            continue
        pace.wait(halt)
        if not halt.is_set():
            _ = deliver.settle_next(courier, send, holder) or deliver.send_next(courier, send, holder)


class _Pace:
    """Spaces the calls evenly, so that the service's rate is never passed."""

    def __init__(self, calls_a_second: float) -> None:
        self._gap = 1.05 / calls_a_second  # 5 % slower than allowed: two bursts of the service's clock can touch
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, halt: threading.Event) -> None:
        """Wait for this thread's turn."""
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._gap
        halt.wait(max(0.0, turn - time.monotonic()))
