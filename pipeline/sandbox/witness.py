"""What a test asks the sandbox: who was mailed, how many calls came, and what shall go wrong next.

Everything is under `/_sandbox/`. This is a local tool: addresses are told plainly.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline import errors
from pipeline.sandbox import calls, faults, store

WAIT = 10
"""Seconds that `GET /_sandbox/calls?held=1` waits for the counts it was asked for; `&wait=` sets another time."""

LONGEST_WAIT = 60

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(taken: store.Store, state: calls.Calls) -> list[Route]:
    """Return the witness's endpoints."""

    async def tell_taken(_: Request) -> Response:
        recipients = taken.tally()
        return _json({"messages": sum(recipients.values()), "recipients": recipients})

    async def tell_messages(request: Request) -> Response:
        return _json({"messages": [_message(mail) for mail in taken.to(request.query_params.get("to", ""))]})

    async def tell_calls(request: Request) -> Response:
        asked = dict(request.query_params)
        if not all(name in (*state.counts(), "wait") and number.isdecimal() for name, number in asked.items()):
            return _json({"error": f"ask for a number of {', '.join(state.counts())}, for example ?held=1"}, 400)
        wanted = {name: int(number) for name, number in asked.items()}
        wait = min(wanted.pop("wait", WAIT), LONGEST_WAIT)
        await state.until(lambda: _reached(state.counts(), wanted), wait)
        return _json(state.counts())

    async def tell_faults(_: Request) -> Response:
        return _json({"spec": state.plan.spec})

    async def set_faults(request: Request) -> Response:
        try:
            plan = faults.parse(_spec(await request.body()))
        except errors.UsageProblem as problem:
            return _json({"error": problem.message, "hint": problem.hint}, 400)
        state.set_plan(plan)
        return _json({"spec": plan.spec})

    async def release(_: Request) -> Response:
        return _json({"released": state.release()})

    async def reset(_: Request) -> Response:
        state.reset()
        taken.reset()
        return _json(state.counts())

    asking: dict[str, Endpoint] = {
        "taken": tell_taken,
        "messages": tell_messages,
        "calls": tell_calls,
        "faults": tell_faults,
    }
    changing: dict[str, Endpoint] = {"faults": set_faults, "release": release, "reset": reset}
    return [
        *(Route(f"/_sandbox/{name}", endpoint, methods=["GET"]) for name, endpoint in asking.items()),
        *(Route(f"/_sandbox/{name}", _from_here(endpoint), methods=["POST"]) for name, endpoint in changing.items()),
    ]


def _from_here(endpoint: Endpoint) -> Endpoint:
    """Let only this machine's programs change anything: a page of another site that is open in a browser may not."""

    async def guarded(request: Request) -> Response:
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return _json({"error": "this request comes from another site"}, 403)
        return await endpoint(request)

    return guarded


def _spec(body: bytes) -> str:
    """Return the text of `{"spec": "..."}`."""
    try:
        spec = json.loads(body)["spec"]
    except (ValueError, KeyError, TypeError):
        spec = None
    if not isinstance(spec, str):
        msg = "the faults cannot be read: the body is not a JSON object with a text called spec"
        raise errors.UsageProblem(msg, hint='send {"spec": "429@1"}; an empty text takes every fault away')
    return spec


def _reached(counts: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    """Return whether the counts are what was asked for: `held` exactly, the others at least."""
    return all(counts[name] == n if name == "held" else counts[name] >= n for name, n in wanted.items())


def _message(mail: store.Taken) -> dict[str, Any]:
    return {
        "id": mail.id,
        "dialect": mail.dialect,
        "batch": mail.batch,
        "service_id": mail.service_id,
        "to": mail.recipient,
        "from": mail.sender,
        "subject": mail.subject,
        "html": mail.html,
        "text": mail.text,
        "headers": dict(mail.headers),
        "taken_at": mail.taken_at.isoformat(),
    }


def _json(value: Any, status: int = 200) -> Response:
    return JSONResponse(value, status)
