"""Finds the sending services by file name, and says what a service must have."""

import datetime as dt
import importlib
import pkgutil
from collections.abc import Mapping
from typing import Protocol, cast

from pipeline import errors, esps, model


class Service(Protocol):
    """One file of this folder: facts about a service, and pure functions. See docs/adding-a-service.md."""

    BATCH: int  # most recipients in one call
    MAX_BYTES: int  # largest request body this program sends
    KEYED: bool  # the same key twice is one send
    KEY_WINDOW: int  # seconds for which the service honours a key; 0 when it does not
    LOOKUP: bool  # can be asked afterwards whether a batch was taken
    RATE: float  # calls a second to stay under
    DOC: str  # one sentence for people

    def batch_size(self, message: model.Message) -> int:
        """Return how many recipients of `message` fit into one call: at least 1, at most BATCH."""

    def request(self, batch: model.Batch, base_url: str, secret: str) -> model.Request:
        """Return the call that sends `batch`: the same bytes for the same batch, one recipient a message."""

    def outcomes(self, batch: model.Batch, response: model.Response) -> list[model.Outcome]:
        """Return one outcome a recipient, in order; raises ServiceProblem when the account is at fault."""

    def lookup(self, batch: model.Batch, base_url: str, secret: str) -> model.Request | None:
        """Return the call that asks what became of `batch`, or None when there is none."""

    def looked_up(self, batch: model.Batch, response: model.Response) -> list[model.Outcome] | None:
        """Return one outcome a recipient, in order, or None when the answer does not tell."""

    def events(self, body: bytes, headers: Mapping[str, str], secret: str, now: dt.datetime) -> list[model.Event]:
        """Return the events of one webhook call; raises ServiceProblem when its signature is not genuine."""


def names() -> tuple[str, ...]:
    """Return the services' names in alphabetical order: every file here that does not start with `_`."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(esps.__path__) if not found.name.startswith("_")))


def get(name: str) -> Service:
    """Return the service called `name`; refuses an unknown name with the choices."""
    if name not in names():
        msg = f"there is no sending service called {name!r}"
        raise errors.ConfigProblem(msg, hint=f"choose one of: {', '.join(names())}")
    return cast("Service", importlib.import_module(f"{esps.__name__}.{name}"))
