"""Notes on texts: what a function made of a text, for the next process that meets the same text.

Which notes are open is said where reading begins, and not by each caller: a text is parsed by whoever needs it first.
Without any, everything is made.
"""

import contextlib
import contextvars
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from pipeline import errors, model

_OPEN: contextvars.ContextVar[tuple[model.Store, str] | None] = contextvars.ContextVar("_OPEN", default=None)


@contextlib.contextmanager
def kept_in(place: model.Store, mark: str) -> Iterator[None]:
    """Look into `place` for what is asked meanwhile; `mark` is a digest of all code and libraries that make notes."""
    before = _OPEN.set((place, mark))
    try:
        yield
    finally:
        _OPEN.reset(before)


def taken(kind: str, text: str, make: Callable[[], Any]) -> Any:
    """Return what `make` makes of the text alone, or made of the same text before: a value that JSON keeps as it is.

    None is not kept.
    """
    if (found := _OPEN.get()) is None:
        return make()
    place, mark = found
    key = f"{kind}-{hashlib.sha256(f'{mark} {text}'.encode('utf-8', 'surrogatepass')).hexdigest()}"
    if (known := place.get(key)) is not None:
        return json.loads(known)
    made = make()
    if made is not None:
        with contextlib.suppress(errors.StorageProblem):  # it is made all the same, only not kept
            place.put(key, json.dumps(made).encode())
    return made
