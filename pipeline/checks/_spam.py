"""SpamAssassin, which many mail servers ask before a reader sees anything."""

import datetime as dt
import email.message
import email.policy
import email.utils
import re
import shutil
import subprocess
from collections.abc import Mapping

from pipeline import errors, model
from pipeline.checks import _mail
from pipeline.checks._check import WARNING, Check

SCORE = Check(
    "spam-score",
    WARNING,
    "The mail arrives in the inbox, not among the junk.",
    "read what each rule says at spamassassin.apache.org, and change the words or the template it speaks of",
)
CHECKS = (SCORE,)

MOST = 0.5  # points; most servers call 5 spam
_PROGRAM = "spamassassin"
_SECONDS = 120.0
_STATUS = re.compile(r"^X-Spam-Status:.*?score=(-?[\d.]+)", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"^\s*(-?\d+\.\d+) ([A-Z][A-Z0-9_]+)\s", re.MULTILINE)


def judge(mail: _mail.Mail, now: dt.datetime) -> list[model.Finding]:
    """Return a finding when SpamAssassin gives more than 0.5 points; refuses when it is not installed or fails."""
    program = shutil.which(_PROGRAM)
    if program is None:
        msg = "SpamAssassin was not asked: it is not installed"
        raise errors.MissingPart(msg, hint="sudo apt-get install spamassassin")
    try:
        done = subprocess.run(  # noqa: S603  a fixed command; the mail goes in by standard input
            [program, "-t", "-L", "-x"], input=_written(mail, now), capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"SpamAssassin was not asked: it failed on {mail.folder}: {type(error).__name__}"
        raise errors.MissingPart(msg, hint="run it by hand: spamassassin -t -L < a mail") from error
    return judged(mail, done.stdout.decode("utf-8", "replace"))


def judged(mail: _mail.Mail, answer: str) -> list[model.Finding]:
    """Return a finding when the answer of SpamAssassin gives too many points; refuses an answer without a score."""
    score = _STATUS.search(answer)
    if not score:
        msg = f"SpamAssassin was not asked: it gave no score to {mail.folder}"
        raise errors.MissingPart(msg, hint="run it by hand: spamassassin -t -L < a mail")
    if float(score[1]) <= MOST:
        return []
    rules = {name: float(points) for points, name in _RULE.findall(answer)}
    told = ", ".join(f"{name} {points:g}" for name, points in sorted(rules.items(), key=lambda r: -r[1]) if points > 0)
    message = f"SpamAssassin gives {score[1]} points; {MOST:g} is the most: {told}"
    return [SCORE.at((_mail.WHOLE, 0), message)]


def _written(mail: _mail.Mail, now: dt.datetime) -> bytes:
    """Write the mail as a reader would get it, with a made-up reader and the headers that the services add."""
    identity, spec = mail.identity, mail.edition.spec
    link = f"{identity.base_url}/unsubscribe/a-token"
    host = identity.base_url.partition("://")[2].partition("/")[0]
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    headers: Mapping[str, str] = {
        "From": email.utils.formataddr((identity.sender_name, identity.sender)),
        "To": f"reader@{host}",
        "Subject": spec.subject,
        "Date": email.utils.format_datetime(now),
        "Message-ID": f"<{spec.slug}.check@{host}>",
        "List-Id": f"<{identity.list_id}>",
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    for name, value in headers.items():
        message[name] = value
    message.set_content(mail.text.replace(_mail.OWN_LINK, link))
    html = mail.page.html if mail.page else ""
    message.add_alternative(html.replace(_mail.OWN_LINK, link), subtype="html")
    return message.as_bytes()
