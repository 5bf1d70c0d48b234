"""How the service is doing in one run: when the next call may be made, and when it is time to stop.

A service that is unwell is left alone by every thread, twice as long each time. A run that goes on calling
through an outage would put the whole list in doubt, batch by batch; so it stops after a few calls.
"""

import threading
import time
from collections.abc import Callable

from pipeline import deliver, errors

UNWELL = 60.0  # seconds without a single answer after which a run gives up
MOST_DOUBTS = 3  # first pushes in a row that may have been taken
LONGEST_REST = 900.0  # seconds that a run waits when the service asks for it; for more it stops and says so
SYSTEMIC = 20  # refusals in a row, without a single acceptance, that mean: it is not the readers, it is us
ODD = 1000  # bad addresses may stand together in a list: one in so many accepted is still theirs and not our fault


class Pulse:
    """Spaces the calls of all threads, and learns from each."""

    def __init__(self, calls_a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a service that is well; `clock` never goes back."""
        self._gap = 1.05 / calls_a_second  # 5 % slower than allowed: two bursts of the service's clock can touch
        self._clock = clock
        self._next = 0.0
        self._since = self._noticed = 0.0  # when the first and the last failure in a row came to light
        self._failures = self._doubts = self._accepted = self._refused = 0
        self._refusing: list[int] = []
        self._lock = threading.Lock()

    def wait(self, halt: threading.Event) -> float:
        """Wait for this thread's turn, also through a rest that begins meanwhile, or for `halt`; return the moment."""
        while not halt.is_set():
            with self._lock:
                now = self._clock()
                left = self._next - now
                if left <= 0:
                    self._next = now + self._gap
                    return now
            halt.wait(left)
        return self._clock()

    def learn(self, step: deliver.Step, began: float) -> None:
        """Take in how the call of the turn that began at this moment went; raises when it is time to stop."""
        with self._lock:
            self._count(step)
            if step.call is deliver.Call.ANSWERED:
                self._failures = self._doubts = 0
            if step.call in {deliver.Call.FAILED, deliver.Call.DOUBTED}:
                self._rest(step, began)
        self._refuse_systemic(step)

    def _count(self, step: deliver.Step) -> None:
        """Count the readers accepted in this run, and those refused since the last one who was."""
        if step.accepted:
            self._accepted += step.accepted
            self._refused, self._refusing = 0, []
        elif step.refused:
            self._refused += step.refused
            self._refusing.append(step.batch)

    def _rest(self, step: deliver.Step, began: float) -> None:
        now = self._clock()
        if not self._failures:
            self._since = now
        if not self._failures or began >= self._noticed:  # else it was under way when the last one failed: one failure
            self._noticed = now
            self._failures += 1
            self._doubts += step.call is deliver.Call.DOUBTED
        rest = step.asked or deliver.backoff(self._failures)
        self._next = max(self._next, now + rest)
        self._give_up(step, rest, now - self._since)

    def _give_up(self, step: deliver.Step, rest: float, unwell: float) -> None:
        """Stop a run that has waited long enough, was asked to wait for longer, or leaves nothing but doubt."""
        if rest > LONGEST_REST:
            msg = f"the service asks to be left alone for {_duration(rest)}: {step.words}"
        elif self._doubts >= MOST_DOUBTS:
            msg = f"{self._doubts} pushes in a row ended in doubt: {step.words}"
        elif unwell >= UNWELL:
            msg = f"the service has given no answer to work with for {_duration(unwell)}: {step.words}"
        else:
            return
        raise errors.ServiceProblem(msg, hint="nothing is lost; run the same command again when the service works")

    def _refuse_systemic(self, step: deliver.Step) -> None:
        """Stop a send from the moment on which every reader is refused: the fault is in our account or our message."""
        if self.refused_everybody():
            msg = f"the service refused {self._refused} readers in a row and accepted none: {step.words}"
            raise errors.ServiceProblem(msg, hint="mend the cause, then run the same command again: they are kept")

    def refused_everybody(self) -> list[int]:
        """Return the batches refused in a row when that was not about their readers, otherwise none."""
        return self._refusing if self._refused >= max(SYSTEMIC, self._accepted // ODD) else []


def _duration(seconds: float) -> str:
    hours = round(seconds / 3600)
    return f"{hours} hours" if hours > 1 else f"{seconds:.0f} seconds"
