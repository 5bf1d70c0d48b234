"""The order of one sending call: arrival, faults before, the vendor's rules, taking, faults after, answer."""

import sqlite3
import time
import uuid
from collections.abc import Callable
from typing import Protocol

from starlette.types import Message, Receive, Scope, Send

from pipeline.sandbox import calls, faults, store, wire


class Connection(Protocol):
    """The TCP connection under a call, put into the ASGI scope's state by `server`."""

    def cut(self) -> None:
        """Break the connection without an answer."""


class Desk:
    """An ASGI application for the sending endpoints of one dialect."""

    def __init__(
        self, dialect: wire.Dialect, taken: store.Store, state: calls.Calls, clock: Callable[[], float] = time.time
    ) -> None:
        """Serve one dialect from a store and the shared state."""
        self._dialect, self._taken, self._state, self._clock = dialect, taken, state, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one call. No answer at all means: the connection is cut."""
        body, is_complete = await read_body(receive, self._dialect.MAX_BYTES)
        if body is None:
            return  # the client went away in the middle of its request: nothing arrived
        turn = self._state.arrive()
        call = make_call(scope, body, self._clock(), int(turn.value(faults.Kind.PARTIAL) or 0))
        if is_complete:
            answer = await self._answer(call, turn, lambda: gone(receive))
        else:
            answer = self._dialect.too_large(call)
        if answer is None:
            await _cut(scope, receive)
            return
        await give(send, answer)
        self._state.answer()

    async def _answer(self, call: wire.Call, turn: faults.Turn, leaving: calls.Leaving) -> wire.Answer | None:
        """Return what the service says to a call; None when it falls silent."""
        fault = turn.first(faults.BEFORE)
        if fault:
            return self._refused_before(call, fault)
        try:
            posting = self._dialect.read(call)
        except wire.Refused as refused:
            return refused.answer
        key = posting.key
        with self._state.using(store.account(call), key.text if key else "") as is_free:
            if key and not is_free:
                return key.in_use
            if turn.value(faults.Kind.HOLD_BEFORE) is not None and not await self._state.hold(leaving):
                return None
            answer = self._take(call, posting)
            if answer.status >= 400:  # noqa: PLR2004  HTTP: an error
                return answer
            return await self._after(call, turn, answer, leaving)

    def _refused_before(self, call: wire.Call, fault: faults.Fault) -> wire.Answer | None:
        if fault.kind is faults.Kind.TOO_MANY:
            return self._dialect.too_many(call, int(fault.value))
        return self._dialect.broken(call) if fault.kind is faults.Kind.ERROR_BEFORE else None

    def _take(self, call: wire.Call, posting: wire.Posting) -> wire.Answer:
        """Take the mails, or repeat what was answered under the same key."""
        try:
            promised = self._taken.promised(call, posting.key.text) if posting.key else None
            if posting.key and promised:
                is_same, answer = promised
                return answer if is_same else posting.key.other_body
            self._taken.take(self._dialect.NAME, call, posting)
        except sqlite3.Error:
            return self._dialect.broken(call)  # rolled back: nothing of it was taken
        return posting.answer

    async def _after(
        self, call: wire.Call, turn: faults.Turn, answer: wire.Answer, leaving: calls.Leaving
    ) -> wire.Answer | None:
        seconds = turn.value(faults.Kind.SLOW)
        if seconds is not None and await self._state.pause(seconds, leaving):
            return None
        if turn.value(faults.Kind.HOLD_AFTER) is not None and not await self._state.hold(leaving):
            return None
        fault = turn.first(faults.AFTER)
        return self._spoiled(call, answer, fault) if fault else answer

    def _spoiled(self, call: wire.Call, answer: wire.Answer, fault: faults.Fault) -> wire.Answer | None:
        if fault.kind is faults.Kind.ERROR_AFTER:
            return self._dialect.broken(call)
        if fault.kind is faults.Kind.GARBLED:
            return self._dialect.garbled(answer)
        return self._dialect.short(answer, int(fault.value)) if fault.kind is faults.Kind.SHORT else None


def make_call(scope: Scope, body: bytes, now: float, refuse_every: int = 0) -> wire.Call:
    """Return the call as a value; Latin-1 is how HTTP reads header bytes."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return wire.Call(uuid.uuid4(), scope["method"], scope["path"], headers, body, now, refuse_every)


async def read_body(receive: Receive, most: int) -> tuple[bytes | None, bool]:
    """Read a request's body and whether it is complete; None when the client goes away before its end."""
    pieces, size, more = [], 0, True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None, False
        size += len(message.get("body", b""))
        if size <= most:
            pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces), size <= most


async def gone(receive: Receive) -> None:
    """Return when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def give(send: Send, answer: wire.Answer) -> None:
    """Send an answer."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers.append((b"Content-Length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _cut(scope: Scope, receive: Receive) -> None:
    """Break the connection, and wait until the server has noticed: it must not answer in our place."""
    connection: Connection = scope["state"]["connection"]
    connection.cut()
    await gone(receive)
