"""Joining the list (double opt-in): the form takes an address, a mail goes to it, and its owner's press confirms it.

The form's answer is the same for everyone, and given before anything is sent: neither its words nor its time tell
whether an address is on the list. GET and HEAD never change anything.
"""

import collections
import datetime as dt
import logging
from collections.abc import Callable

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline import audience, errors, model, office, welcome
from pipeline.formats import _joining
from pipeline.site import _bodies, _pages

log = logging.getLogger("mscare.site")

SOURCE = "the link of a confirmation mail"  # what the proof says
SPACING = dt.timedelta(hours=1)  # between two mails to one address: the form must be of no use to annoy somebody
MOST_AN_HOUR = 200  # mails in all; a wave of made-up addresses stops here


class Joining:
    """The addresses for joining. What it remembers of the last hour is gone with the process, and is no address."""

    def __init__(self, here: office.Office, pages: _pages.Pages, now: Callable[[], dt.datetime]) -> None:
        """Act on the database of `here`; refuses with RenderProblem when the words are missing."""
        self._office, self._pages, self._now = here, pages, now
        self._words = _joining.words(here.desk.settings.templates, here.desk.settings.identity)
        self._sent: collections.OrderedDict[bytes, dt.datetime] = collections.OrderedDict()

    def routes(self) -> list[Route]:
        """Return the endpoints; the form itself is a page of the site."""
        return [
            Route("/join/", self.take, methods=["POST"]),
            Route("/confirm/{text:path}", self.ask, methods=["GET"]),
            Route("/confirm/{text:path}", self.confirm, methods=["POST"]),
        ]

    async def take(self, request: Request) -> Response:
        """Take an address; 400 with the form again when it is none."""
        typed = _bodies.field(await _bodies.read(request, _bodies.FORM), "address")
        try:
            address = audience.normalise(typed)
        except errors.AudienceProblem as problem:
            values = {"words": self._words, "fault": _sentence(problem.message), "typed": typed[:254]}
            return self._pages.page(request, "join.html", "Get the mail", 400, **values)
        answer = self._pages.page(request, "asked.html", "Look into your mailbox")
        answer.background = BackgroundTask(self._invite, address)
        return answer

    def ask(self, request: Request) -> Response:
        """Show the page with the button and the sentence."""
        if self._public_id(request) is None:
            return self._late(request)
        return self._pages.page(request, "confirm.html", "Confirm your address", words=self._words)

    async def confirm(self, request: Request) -> Response:
        """Put the reader on the list, with the proof of what was agreed to and when."""
        public_id, wording = self._public_id(request), self._words["agree"]
        if public_id is None or not await run_in_threadpool(self._confirmed, public_id, wording):
            return self._late(request)
        log.info("confirmed by=link")
        return self._pages.page(request, "joined.html", "You are on the list")

    def _confirmed(self, public_id: bytes, wording: str) -> bool:
        engine = self._office.engine
        return audience.confirm(engine, public_id, self._now(), source=SOURCE, wording=wording)

    def _public_id(self, request: Request) -> bytes | None:
        return self._office.keys.invited(str(request.path_params["text"]), self._now().timestamp())

    def _late(self, request: Request) -> Response:
        return self._pages.page(request, "late.html", "This link does not work any more", 404)

    def _invite(self, address: str) -> None:
        """Send the mail after the answer is out; what goes wrong is told to the log, without the address."""
        here, now = self._office, self._now()
        who = here.keys.log_name(address)
        if not self._may_send(here.keys.index(address), now):
            log.warning("sign-up-held-back reader=%s reason=too many mails within an hour", who)
            return
        try:
            public_id = audience.sign_up(here.engine, here.keys, address, now)
            if public_id is None:
                return
            outcome = welcome.send(here.desk.settings, self._invitation(address, public_id, now), now)
        except errors.Problem as problem:
            log.warning("confirmation-unsent reader=%s reason=%s", who, problem.message)
            return
        if outcome.fate is model.Fate.ACCEPTED:
            log.info("confirmation-sent reader=%s", who)
        else:
            log.warning("confirmation-unsent reader=%s fate=%s reason=%s", who, outcome.fate, outcome.detail)

    def _invitation(self, address: str, public_id: bytes, now: dt.datetime) -> welcome.Invitation:
        base, keys = self._office.desk.settings.identity.base_url, self._office.keys
        until = int((now + audience.UNCONFIRMED).timestamp())
        confirm_url = f"{base}/confirm/{keys.invitation(public_id, until)}"
        return welcome.Invitation(address, confirm_url, audience.unsubscribe_url(base, keys, public_id))

    def _may_send(self, index: bytes, now: dt.datetime) -> bool:
        """Count the mails of the last hour; False when this address has had its one, or all together had theirs."""
        while self._sent and next(iter(self._sent.values())) <= now - SPACING:
            self._sent.popitem(last=False)
        if index in self._sent or len(self._sent) >= MOST_AN_HOUR:
            return False
        self._sent[index] = now
        return True


def _sentence(reason: str) -> str:
    """Write a reason as a sentence."""
    text = reason.strip()
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + ". Please look at the address once more."
