"""How the service is doing in one run: when the next call may be made, and when it is time to stop.

A service that is unwell is left alone by every thread, twice as long each time. A run that goes on calling
through an outage would put the whole list in doubt, batch by batch; so it stops after a few calls.
"""

import threading
import time

from pipeline import deliver, errors

MOST_FAILURES = 8  # calls in a row without an answer: two minutes
MOST_DOUBTS = 3  # of these, first pushes that may have been taken
LONGEST_REST = 900.0  # seconds that a run waits when the service asks for it; for more it stops and says so
SYSTEMIC = 20  # refusals without a single acceptance that mean: it is not the readers, it is us


class Pulse:
    """Spaces the calls of all threads, and learns from each."""

    def __init__(self, calls_a_second: float) -> None:
        """Begin with a service that is well."""
        self._gap = 1.05 / calls_a_second  # 5 % slower than allowed: two bursts of the service's clock can touch
        self._next = 0.0  # monotonic seconds
        self._noticed = 0.0  # when the last failure came to light
        self._failures = self._doubts = self._accepted = self._refused = 0
        self._refusing: list[int] = []
        self._lock = threading.Lock()

    def wait(self, halt: threading.Event) -> None:
        """Wait for this thread's turn, also through a rest that begins meanwhile; returns at once on `halt`."""
        while not halt.is_set():
            with self._lock:
                now = time.monotonic()
                left = self._next - now
                if left <= 0:
                    self._next = now + self._gap
                    return
            halt.wait(left)

    def learn(self, step: deliver.Step, began: float) -> None:
        """Take in how a call went that began at `began` (monotonic seconds); raises when it is time to stop."""
        with self._lock:
            self._accepted += step.accepted
            self._refused += step.refused
            if step.refused:
                self._refusing.append(step.batch)
            if step.call is deliver.Call.ANSWERED:
                self._failures = self._doubts = 0
            if step.call in {deliver.Call.FAILED, deliver.Call.DOUBTED}:
                self._rest(step, began)
        self._refuse_systemic(step)

    def _rest(self, step: deliver.Step, began: float) -> None:
        now = time.monotonic()
        if began >= self._noticed:  # otherwise it was under way when the last one failed: that is one failure, not two
            self._noticed = now
            self._failures += 1
            self._doubts += step.call is deliver.Call.DOUBTED
        rest = step.asked or deliver.backoff(self._failures)
        self._next = max(self._next, now + rest)
        hint = "nothing is lost; run the same command again when the service works"
        if rest > LONGEST_REST:
            msg = f"the service asks to be left alone for {_duration(rest)}: {step.words}"
            raise errors.ServiceProblem(msg, hint="nothing is lost; run the same command again after that time")
        if self._doubts >= MOST_DOUBTS:
            msg = f"{self._doubts} pushes in a row ended in doubt: {step.words}"
            raise errors.ServiceProblem(msg, hint=hint)
        if self._failures >= MOST_FAILURES:
            msg = f"the service took nothing {self._failures} times in a row: {step.words}"
            raise errors.ServiceProblem(msg, hint=hint)

    def _refuse_systemic(self, step: deliver.Step) -> None:
        """Stop a send whose every reader is refused: the fault is in our account or our message."""
        if self.refused_everybody():
            msg = f"the service refused {self._refused} readers and accepted none: {step.words}"
            raise errors.ServiceProblem(msg, hint="mend the cause, then run the same command again: they are kept")

    def refused_everybody(self) -> list[int]:
        """Return the batches with refusals when they were not about the readers, otherwise none."""
        return self._refusing if self._refused >= SYSTEMIC and not self._accepted else []


def _duration(seconds: float) -> str:
    hours = round(seconds / 3600)
    return f"{hours} hours" if hours > 1 else f"{round(seconds / 60)} minutes"
