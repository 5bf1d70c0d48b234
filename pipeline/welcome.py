"""The mail that asks somebody to confirm an address: one link to one reader, through the service that sends the digest.

Nothing is written to the ledger: it is no edition. A mail that is lost is asked for again by the reader.
"""

import dataclasses
import datetime as dt
import hashlib

from pipeline import config, errors, model, templating
from pipeline.esps import _http, _registry
from pipeline.formats import _joining

EDITION = "confirmation"  # what the service's own statistics call this mail
SANDBOX = "sandbox"  # the one service that reaches nobody
SUBSCRIBER = 1  # a batch needs a number for its reader; this one names nobody


@dataclasses.dataclass(frozen=True, slots=True)
class Invitation:
    """Who is asked, with the links of this one mail. Nothing of it is in a repr."""

    address: str = dataclasses.field(repr=False)
    confirm_url: str = dataclasses.field(repr=False)
    leave_url: str = dataclasses.field(repr=False)


def message(settings: config.Config, confirm_url: str) -> model.Message:
    """Return the mail as it goes out; refuses when its templates are missing or broken."""
    identity, templates = settings.identity, settings.templates
    words = _joining.words(templates, identity)
    values = {**templating.tokens(templates), "identity": identity, "words": words, "link": confirm_url}
    plain = templating.environment(templates, "join", autoescape=False)
    return model.Message(
        edition=EDITION,
        subject=words["subject"],
        html=templating.render(templating.environment(templates, "join"), "mail.html", **values),
        text=templating.render(plain, "mail.txt", **values),
        sender=identity.sender,
        sender_name=identity.sender_name,
        list_id=identity.list_id,
    )


def send(settings: config.Config, to: Invitation, now: dt.datetime) -> model.Outcome:
    """Send it and say what the service did; refuses a real service with example settings, and one without a key."""
    name = settings.delivery.service
    if settings.is_example() and name != SANDBOX:
        msg = f"{name} would mail real readers while settings of the publication are examples"
        raise errors.SendRefused(msg, hint="set them in the [publication] section of mscare.toml")
    adapter, account = config.service_of(settings, name)
    secret = account.key.get_secret_value()
    if not secret:
        msg = f"there is no key for {name}"
        raise errors.ConfigProblem(msg, hint=f"set MSCARE_SERVICES__{name.upper()}__KEY in the environment")
    service = _registry.get(adapter)
    key = hashlib.sha256(f"{to.confirm_url} {now.isoformat()}".encode()).hexdigest()
    recipient = model.Recipient(SUBSCRIBER, to.address, to.leave_url)
    batch = model.Batch(key, message(settings, to.confirm_url), (recipient,))
    request = service.request(batch, account.base_url, secret)
    (outcome,) = _http.exchange(service, batch, request, secret, settings.delivery.timeout)
    return outcome
