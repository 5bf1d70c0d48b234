"""What sending services report, at /hooks/<service>: dead mailboxes, complaints, and who left through the service.

A call is believed only when the service's own signature fits. Everything here may come twice and changes nothing then.
"""

import datetime as dt
import logging
from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline import audience, config, errors, model, office
from pipeline.esps import _registry
from pipeline.site import _bodies

log = logging.getLogger("mscare.site")

LARGEST = 5_000_000  # bytes of one call; the services stay far below
SUPPRESSED = {
    model.EventKind.BOUNCED: audience.Suppression.BOUNCED,
    model.EventKind.COMPLAINED: audience.Suppression.COMPLAINED,
}


class Hooks:
    """The services' addresses."""

    def __init__(self, here: office.Office, now: Callable[[], dt.datetime]) -> None:
        """Act on the database of `here`."""
        self._office, self._now = here, now

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route("/hooks/{service}", self.take, methods=["POST"])]

    async def take(self, request: Request) -> Response:
        """Take one call: 200 when it is stored, 401 when it is not genuine, 503 when the service is to try again."""
        body = await _bodies.read(request, LARGEST)
        service = str(request.path_params["service"])
        events = self._events(service, body, request.headers)
        await run_in_threadpool(self._apply, service, events)
        return PlainTextResponse("taken\n", headers={"Cache-Control": "no-store"})

    def _events(self, service: str, body: bytes, headers: Mapping[str, str]) -> list[model.Event]:
        settings = self._office.desk.settings
        if service not in config.Services.model_fields:
            raise HTTPException(404)
        adapter, account = config.service_of(settings, service)
        secret = account.webhook_secret.get_secret_value()
        if not secret:
            log.warning("hook-refused service=%s reason=no webhook_secret is set", service)
            raise HTTPException(401)
        try:
            return _registry.get(adapter).events(body, headers, secret, self._now())
        except errors.ServiceProblem as problem:
            log.warning("hook-refused service=%s reason=%s", service, problem.message)
            raise HTTPException(401) from problem

    def _apply(self, service: str, events: list[model.Event]) -> None:
        for event in events:
            try:
                self._apply_one(service, event)
            except errors.AudienceProblem as problem:  # its text never repeats the address
                log.warning("event-skipped service=%s kind=%s reason=%s", service, event.kind, problem.message)

    def _apply_one(self, service: str, event: model.Event) -> None:
        engine, keys, now = self._office.engine, self._office.keys, self._now()
        if event.kind in SUPPRESSED:
            audience.suppress(engine, keys, event.address, SUPPRESSED[event.kind], now)
        elif event.kind is model.EventKind.UNSUBSCRIBED:
            audience.unsubscribe_address(engine, keys, event.address, now, source=f"the unsubscribe list of {service}")
        else:
            return  # delivered, deferred, dropped: says nothing about whether the reader may be mailed
        log.info("event-taken service=%s kind=%s reader=%s", service, event.kind, keys.log_name(event.address))
