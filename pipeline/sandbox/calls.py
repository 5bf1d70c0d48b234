"""What the sandbox remembers between calls, in memory only: counts, the fault plan, keys in use, held calls."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from pipeline.sandbox import faults

NOTICE = 0.05
"""Seconds the event loop is given after a release to learn that a client has gone."""


Leaving = Callable[[], Awaitable[None]]
"""Waits until the client has closed its connection."""


class Calls:
    """The state of a running sandbox. Used from its event loop only."""

    def __init__(self, plan: faults.Plan) -> None:
        """Begin at zero, with a plan."""
        self.plan = plan
        self.arrived = 0  # sending calls read to their end
        self.answered = 0  # sending calls that got an answer, whatever it said
        self.lookups = 0  # calls that only ask
        self.held = 0  # calls that wait for a release now
        self._planned_at = 0
        self._keys: set[tuple[str, str]] = set()
        self._released = asyncio.Event()
        self._abandoned = asyncio.Event()
        self._changed = asyncio.Event()

    def arrive(self) -> faults.Turn:
        """Count a sending call; return what is planned for it."""
        self.arrived += 1
        self._notify()
        return faults.Turn(self.plan, self.arrived - self._planned_at)

    def answer(self) -> None:
        """Count an answer that was sent."""
        self.answered += 1
        self._notify()

    def set_plan(self, plan: faults.Plan) -> None:
        """Replace the plan; its calls are counted from the next one."""
        self.plan, self._planned_at = plan, self.arrived

    def counts(self) -> dict[str, int]:
        """Return the counts for the witness."""
        return {"arrived": self.arrived, "answered": self.answered, "lookups": self.lookups, "held": self.held}

    def reset(self) -> None:
        """Forget the counts and the plan, and drop the held calls as if their clients had gone."""
        self.drop_held()
        self.arrived = self.answered = self.lookups = 0
        self.set_plan(faults.Plan())

    @contextlib.contextmanager
    def using(self, account: str, key: str) -> Iterator[bool]:
        """Keep an idempotency key to one call at a time; yields False when another one has it. "" is no key."""
        name = (account, key)
        if not key or name in self._keys:
            yield not key
            return
        self._keys.add(name)
        try:
            yield True
        finally:
            self._keys.discard(name)

    async def hold(self, gone: Leaving) -> bool:
        """Wait for a release; return False when the client has gone, or the call is dropped."""
        self.held += 1
        self._notify()
        try:
            if await self._wait(self._released, gone, None):
                return False
            return not await self.pause(NOTICE, gone)
        finally:
            self.held -= 1
            self._notify()

    async def pause(self, seconds: float, gone: Leaving) -> bool:
        """Wait so many seconds; return True at once when the client has gone, or the call is dropped."""
        return await self._wait(asyncio.Event(), gone, seconds)

    async def _wait(self, event: asyncio.Event, gone: Leaving, seconds: float | None) -> bool:
        """Wait for the event, the time or the end of the client; return True for the last."""
        going = asyncio.ensure_future(gone())
        dropped = asyncio.ensure_future(self._abandoned.wait())
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({going, dropped, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return going.done() or dropped.done()
        finally:
            for task in (going, dropped, waiting):
                task.cancel()

    def release(self) -> int:
        """Let the held calls go on; return how many there were."""
        held = self.held
        self._released.set()
        self._released = asyncio.Event()
        return held

    def drop_held(self) -> None:
        """End every waiting call without an answer: the server stops, or starts afresh."""
        self._abandoned.set()
        self._abandoned = asyncio.Event()

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until the counts fulfil a condition, at most so many seconds; return whether they do."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition():
                    await self._changed.wait()
        return condition()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
