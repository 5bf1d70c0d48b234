"""What takes longer than a preview may: a browser, another program, other people's servers. Each part is optional."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline import errors, model
from pipeline.checks import _axe, _mail, _reach, _spam, _texts

CHECKS = (*_axe.CHECKS, *_spam.CHECKS, *_reach.CHECKS)

Mails = Mapping[str, tuple[_mail.Mail, Mapping[str, bytes]]]


@dataclasses.dataclass(frozen=True, slots=True)
class Full:
    """What was found, and a problem for each part that could not be asked."""

    findings: tuple[model.Finding, ...]
    unasked: tuple[errors.MissingPart, ...]


def check(library: model.Library, texts: Sequence[_texts.Text], mails: Mails, cache: Path, now: dt.datetime) -> Full:
    """Ask axe, SpamAssassin and the web; what is missing keeps nothing else back."""
    pages = {slug: (mail.page, files) for slug, (mail, files) in mails.items() if mail.page is not None}
    parts: list[Callable[[], list[model.Finding]]] = [
        lambda: _axe.judge(pages),
        lambda: [found for mail, _ in mails.values() for found in _spam.judge(mail, now)],
        lambda: _reach.check(_reach.addresses(library, texts), cache, now),
    ]
    found: list[model.Finding] = []
    unasked: list[errors.MissingPart] = []
    for part in parts:
        try:
            found += part()
        except errors.MissingPart as problem:
            unasked.append(problem)
    return Full(tuple(found), tuple(unasked))
