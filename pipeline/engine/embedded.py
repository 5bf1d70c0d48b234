"""One process, a few threads, the ledger. A file lock makes this process the only sender of its database."""

import concurrent.futures
import contextlib
import dataclasses
import fcntl
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from pipeline import database, deliver, errors, ledger, model
from pipeline.engine import _pulse

Progress = Callable[[model.Tally], None]
Work = concurrent.futures.Future[None]
GLANCE = 0.1  # seconds between two looks at a ledger that has nothing due
LOOK_UP = 0.2  # seconds between two looks at who has asked to stop
DISPLAY_SHARE = 20  # the balance is counted for the display during a twentieth of the time at most


@contextlib.contextmanager
def only_sender(engine: sa.Engine) -> Iterator[None]:
    """Hold the sender's lock of this database; refuse when another process has it. It dies with its process.

    It lies beside the database file itself, so that two settings files cannot have two locks for one list.
    """
    file = Path(str(engine.url.database)).resolve()
    path = file.with_name(f"{file.name}.sender.lock")
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(path.open("w"))
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = "another process is sending from this installation"
            hint = "wait for it, or stop it; `mscare status` shows how far it is"
            raise errors.SendRefused(msg, hint=hint, passes=True) from error
        except OSError as error:
            msg = f"the sender's lock {path} cannot be taken: {error.strerror}"
            raise errors.StorageProblem(msg, hint="give this user the right to write there, on a local disk") from error
        yield


@dataclasses.dataclass(frozen=True, slots=True)
class _Run:
    """What the threads of one run share. `stop` is the user's wish, `halt` makes every thread end its batch."""

    courier: deliver.Courier
    send: ledger.Send
    stop: threading.Event
    holder: str
    pulse: _pulse.Pulse
    halt: threading.Event

    def is_over(self) -> bool:
        """Return whether no further batch may be begun."""
        return self.halt.is_set() or self.stop.is_set()


def run(courier: deliver.Courier, send: ledger.Send, threads: int, stop: threading.Event, progress: Progress) -> None:
    """Bring a send to its end, or as far as it goes until `stop`; only under `only_sender`.

    Leaves the send SENT, NEEDS_REVIEW or PAUSED. Raises what made it stop: Interrupted, or the service's refusal.
    """
    ledger.adopt(courier.engine, send.id, courier.now())
    ledger.reopen(courier.engine, send.id)
    pulse = _pulse.Pulse(courier.service.RATE)
    this = _Run(courier, send, stop, secrets.token_hex(8), pulse, threading.Event())
    _finish(this, _drive(this, threads, progress))


def _drive(this: _Run, threads: int, progress: Progress) -> BaseException | None:
    """Let the threads work until the send has ended or something ends them; return what did."""
    try:
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            try:
                work = [pool.submit(_work, this) for _ in range(threads)]
                _watch(this, work, progress)
            finally:  # whatever ends the watching, a broken display or Ctrl-C too, ends the work
                this.halt.set()
    except BaseException as error:  # noqa: BLE001  raised again as soon as the ledger is in order
        return error
    return next((future.exception() for future in work if future.exception()), None)


def _watch(this: _Run, work: list[Work], progress: Progress) -> None:
    """Report while the threads work; let them end their batches when somebody asks to stop."""
    running, display_at = set(work), 0.0
    while running:
        running = concurrent.futures.wait(running, timeout=LOOK_UP).not_done
        if this.stop.is_set():
            this.halt.set()  # wakes those who wait for their turn
        began = time.monotonic()
        if began >= display_at or not running:
            with database.reading(this.courier.engine) as connection:
                balance = ledger.tally(connection, this.send.id)
            progress(balance)
            display_at = began + DISPLAY_SHARE * (time.monotonic() - began)


def _finish(this: _Run, fault: BaseException | None) -> None:
    """Write down how the run ended, then raise what ended it."""
    courier, send = this.courier, this.send
    if refusing := this.pulse.refused_everybody():
        size = courier.service.batch_size(courier.message)
        ledger.reprieve(courier.engine, send.id, refusing, size, courier.now())
    note = str(fault) if fault else "stopped on request" if this.stop.is_set() else ""
    state = ledger.rest(courier.engine, send.id, courier.now(), note)
    if fault is not None:
        raise fault
    if state is model.SendState.PAUSED:
        msg = f"stopped sending {send.edition} in good order"
        raise errors.Interrupted(msg, hint=f"run `mscare send {send.edition}` to go on where it stopped")


def _work(this: _Run) -> None:
    """Take batches until none is left; a fault ends the work of every thread."""
    try:
        while not this.is_over() and _go_on(this):
            pass
    except BaseException:
        this.halt.set()
        raise


def _go_on(this: _Run) -> bool:
    """Take a batch when one is due, or wait a little; False when none is left, or somebody else has paused the send."""
    with database.reading(this.courier.engine) as connection:
        if ledger.by_id(connection, this.send.id).state is not model.SendState.SENDING:
            return False
        left = ledger.open_batches(connection, this.send.id).keys() - {model.BatchState.HELD.value}
        due = ledger.next_due(connection, this.send.id)
    if due is None or due > this.courier.now():  # others are busy, and what they do may leave new batches
        this.halt.wait(GLANCE)
        return bool(left)
    began = this.pulse.wait(this.halt)
    if not this.is_over():
        _take_one(this, began)
    return True


def _take_one(this: _Run, began: float) -> None:
    """Take one batch a step further: doubt first, so that it is settled inside the service's window."""
    step = deliver.settle_next(this.courier, this.send, this.holder)
    step = step or deliver.send_next(this.courier, this.send, this.holder)
    if step:
        this.pulse.learn(step, began)
