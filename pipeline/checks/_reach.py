"""Links to other sites still arrive. Asked now and then, remembered in a file, and never a reason to stop."""

import concurrent.futures
import dataclasses
import datetime as dt
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline import errors, markup, model
from pipeline.checks import _texts
from pipeline.checks._check import WARNING, Check, Place

DEAD = Check(
    "link-dead",
    WARNING,
    "A link or a source that a reader follows is still there.",
    "find where the page has moved, or cite another one",
)
CHECKS = (DEAD,)

Ask = Callable[[str], int]
"""Asks for an address and returns the HTTP status; raises OSError when nothing answers."""

FRESH = dt.timedelta(days=7)  # as long an answer is believed
AT_ONCE = 8
GONE = frozenset({404, 410, 451})  # others may be meant for programs alone: 403, 405, 429, 5xx
_SECONDS = 10.0
_AGENT = "mscare-check/1 (link check of a patient newsletter)"


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered, and when; status 0 for no answer."""

    status: int
    at: dt.datetime


def addresses(library: model.Library, texts: Sequence[_texts.Text]) -> dict[str, Place]:
    """Return every web address of texts and sources, with the first place where it stands."""
    found: dict[str, Place] = {}
    for text in texts:
        for inline in (*_texts.inlines(text.body), *_texts.inlines(text.get_help)):
            href = str(inline.token.attrs.get("href", ""))
            if inline.token.type == "link_open" and not markup.split_target(href)[0]:
                found.setdefault(href, (text.name, inline.line))
    for source in library.sources.values():
        name = f"{library.root.name}/sources.json"
        found.setdefault(str(source.csl.get("URL", "")), (name, source.line))
    return {address: place for address, place in found.items() if address.startswith(("https://", "http://"))}


def check(wanted: Mapping[str, Place], cache: Path, now: dt.datetime, ask: Ask | None = None) -> list[model.Finding]:
    """Return a finding for each address that is gone or does not answer.

    Answers younger than a week are taken from `cache`, a JSON file that is written anew. Refuses when no address at
    all can be reached: then it is the network that is missing, not the pages.
    """
    known = _read(cache)
    asked = [a for a in wanted if a not in known or now - known[a].at > FRESH or not known[a].status]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(lambda address: _status(address, ask or fetch), asked))
    answered = any(known[address].status for address in wanted if address not in asked)
    if asked and not answered and not any(statuses):
        msg = f"links were not checked: none of {len(asked)} addresses could be reached"
        raise errors.MissingPart(msg, hint="run it where the web can be reached")
    known |= {address: Answer(status, now) for address, status in zip(asked, statuses, strict=True)}
    _write(cache, {address: known[address] for address in wanted})
    return list(_dead(wanted, known))


def fetch(address: str) -> int:
    """Ask for the head of a page, then for the page where heads are refused; follows redirects."""
    status = 0
    for method in ("HEAD", "GET"):
        request = urllib.request.Request(address, method=method, headers={"User-Agent": _AGENT})  # noqa: S310  http(s)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  only http(s) gets here
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            status = error.code
    return status


def _status(address: str, ask: Ask) -> int:
    try:
        return ask(address)
    except (OSError, ValueError, http.client.HTTPException):
        return 0


def _dead(wanted: Mapping[str, Place], known: Mapping[str, Answer]) -> Iterator[model.Finding]:
    for address, place in wanted.items():
        status = known[address].status
        if not status:
            yield DEAD.at(place, f"{address} does not answer")
        elif status in GONE:
            yield DEAD.at(place, f"{address} answers {status}: the page is not there")


def _read(cache: Path) -> dict[str, Answer]:
    """Return what is remembered; a missing or broken file is an empty one."""
    try:
        rows = json.loads(cache.read_text(encoding="utf-8"))
        return {a: Answer(int(row["status"]), dt.datetime.fromisoformat(row["at"])) for a, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(cache: Path, known: Mapping[str, Answer]) -> None:
    rows = {address: {"status": answer.status, "at": answer.at.isoformat()} for address, answer in known.items()}
    text = json.dumps(rows, indent=1, sort_keys=True) + "\n"
    aside = cache.with_name(f"{cache.name}.new")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(cache)
    except OSError as error:
        msg = f"cannot write {cache}: {error.strerror}"
        raise errors.StorageProblem(
            msg, hint="mend the rights of its folder; the file may be deleted at any time"
        ) from error
