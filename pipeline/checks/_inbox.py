"""What is seen before the mail is opened, often by more people than the reader."""

import re
from collections.abc import Iterator

from pipeline import model
from pipeline.checks import _mail
from pipeline.checks._check import WARNING, Check

SUBJECT = Check(
    "subject-length",
    WARNING,
    "The subject can be read whole in an inbox, on a phone too.",
    "write 30 to 60 characters, the most telling words first",
)
PREHEADER = Check(
    "preheader-length",
    WARNING,
    "The line after the subject is our own words, and is not cut off.",
    "write 40 to 90 characters that add to the subject",
)
PRIVATE = Check(
    "subject-private",
    WARNING,
    "Nobody who looks over a shoulder learns from the inbox who has MS.",
    "leave the name of the illness, and words like your diagnosis, out of the subject and the preheader",
)
CHECKS = (SUBJECT, PREHEADER, PRIVATE)

SUBJECT_LENGTH, PREHEADER_LENGTH = (30, 60), (40, 90)  # characters, both ends included
_TELLING = re.compile(r"\bMS\b|(?i:\bmultiple sclerosis\b|\byour (?:diagnosis|illness|disease|relapses?|lesions?)\b)")


def check(mail: _mail.Mail) -> Iterator[model.Finding]:
    """Yield what is wrong with the subject and the preheader."""
    spec = mail.edition.spec
    for check, key, value, (least, most) in (
        (SUBJECT, "subject", spec.subject, SUBJECT_LENGTH),
        (PREHEADER, "preheader", spec.preheader, PREHEADER_LENGTH),
    ):
        if not least <= len(value) <= most:
            yield check.at(mail.spec(key), f"the {key} has {len(value)} characters; {least} to {most} are read whole")
        if match := _TELLING.search(value):
            yield PRIVATE.at(mail.spec(key), f"the {key} says {match[0]!r}")
