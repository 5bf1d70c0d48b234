"""What browsers are told while they look: server-sent events, one stream a page."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

HEARTBEAT = 20.0  # seconds; a browser that has gone is noticed at the next one
RETRY = 1000  # milliseconds until a browser that lost us asks again


MORE, END = "more", "end"  # what a stream's queue holds


class Streams:
    """Every open stream. `tell` and `close` may be called from any thread."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: set[asyncio.Queue[str]] = set()
        self._is_closed = False

    async def follow(self, generation: Callable[[], int]) -> AsyncIterator[str]:
        """Yield the present generation, then every later one, until the browser goes or the server stops."""
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield f"retry: {RETRY}\n\n"
            while not self._is_closed:
                yield f"event: generation\ndata: {generation()}\n\n"
                await _next(queue)
        finally:
            self._queues.discard(queue)

    def tell(self) -> None:
        """Say that there is a new generation."""
        self._put(MORE)

    def close(self) -> None:
        """End every stream."""
        self._is_closed = True
        self._put(END)

    def _put(self, word: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put_here, word)

    def _put_here(self, word: str) -> None:
        for queue in self._queues:
            queue.put_nowait(word)


async def _next(queue: asyncio.Queue[str]) -> None:
    """Wait for the next word, at most a heartbeat; several at once are one."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(queue.get(), HEARTBEAT)
    while not queue.empty():
        queue.get_nowait()
