"""One person, one spelling: addresses in the form in which they are stored, compared and mailed."""

import functools
import re
import unicodedata

import email_validator

from pipeline import errors

LONGEST = 254  # characters of an address, RFC 5321
LONGEST_NAME = 64  # characters before the @, RFC 5321
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = re.compile(r" (?:of|in) '[^']*'")  # a label of the domain, which may be a person's name
_DOT_ATOM = re.compile(rf"{_ATOM}(\.{_ATOM})*")  # RFC 5322


def normalise(text: str) -> str:
    """Return an address trimmed, its domain in lower-case ASCII; refuse with a reason that never repeats the address.

    The part before the @ must be ASCII: services drop others or refuse the whole batch.
    Nothing is asked of the network.
    """
    plain = unicodedata.normalize("NFC", text.strip())
    if not plain:
        msg = "there is no address"
        raise errors.AudienceProblem(msg)
    try:
        address = plain if len(plain) > LONGEST else _checked(plain)
    except email_validator.EmailNotValidError as error:
        raise errors.AudienceProblem(_QUOTED.sub("", str(error))) from None  # what is left names single characters
    if len(address) > LONGEST:
        msg = f"the address is longer than {LONGEST} characters"
        raise errors.AudienceProblem(msg)
    return address


def _checked(plain: str) -> str:
    """Ask email-validator; for an everyday name only about the domain, which is most of the work and often the same."""
    name, _at, domain = plain.rpartition("@")
    if len(name) <= LONGEST_NAME and _DOT_ATOM.fullmatch(name):
        return f"{name}@{_domain(domain)}"
    return str(_ask(plain).ascii_email)


@functools.lru_cache(maxsize=10_000)
def _domain(text: str) -> str:
    return _ask(f"x@{text}").ascii_domain


def _ask(address: str) -> email_validator.ValidatedEmail:
    return email_validator.validate_email(address, check_deliverability=False, strict=True, allow_smtputf8=False)
