"""What SendGrid refuses in POST /v3/mail/send, in the vendor's words: https://www.twilio.com/docs/sendgrid.

Every rule yields (message, field). Nothing here is lenient: an account without templates, unsubscribe groups
and IP pools refuses their ids, as the real one would.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.sandbox import sendgrid_parts as parts
from pipeline.sandbox import sendgrid_words as words
from pipeline.sandbox import wire

MAX_PERSONALIZATIONS = 1000
MAX_RECIPIENTS = 1000
MAX_CATEGORIES = 10
MAX_CATEGORY = 255

FIELDS = frozenset(
    {
        "personalizations",
        "from",
        "reply_to",
        "reply_to_list",
        "subject",
        "content",
        "attachments",
        "template_id",
        "sections",
        "headers",
        "categories",
        "custom_args",
        "send_at",
        "batch_id",
        "asm",
        "ip_pool_name",
        "mail_settings",
        "tracking_settings",
    }
)
PERSONAL = frozenset(
    {
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "headers",
        "substitutions",
        "dynamic_template_data",
        "custom_args",
        "send_at",
    }
)
SWITCHES: Mapping[str, Mapping[str, Mapping[str, type]]] = {
    "mail_settings": {
        "bypass_list_management": {"enable": bool},
        "bypass_spam_management": {"enable": bool},
        "bypass_bounce_management": {"enable": bool},
        "bypass_unsubscribe_management": {"enable": bool},
        "footer": {"enable": bool, "text": str, "html": str},
        "sandbox_mode": {"enable": bool},
    },
    "tracking_settings": {
        "click_tracking": {"enable": bool, "enable_text": bool},
        "open_tracking": {"enable": bool, "substitution_tag": str},
        "subscription_tracking": {"enable": bool, "text": str, "html": str, "substitution_tag": str},
        "ganalytics": {
            "enable": bool,
            "utm_source": str,
            "utm_medium": str,
            "utm_term": str,
            "utm_content": str,
            "utm_campaign": str,
        },
    },
}


def faults(mail: Any, now: float) -> Iterator[parts.Fault]:
    """Yield everything that is wrong with a request body; nothing when SendGrid would take it."""
    if not isinstance(mail, dict):
        yield "Bad Request", None
        return
    yield from parts.unknown(mail, FIELDS, "")
    yield from _personalizations(mail, now)
    yield from _sender(mail.get("from"))
    yield from _reply(mail)
    yield from _subject(mail)
    yield from _content(mail)
    yield from parts.attachments(mail.get("attachments", []))
    yield from parts.headers(mail.get("headers", {}), "headers")
    yield from _categories(mail.get("categories", []))
    yield from parts.custom_args(mail.get("custom_args", {}), "custom_args")
    yield from parts.send_at(mail.get("send_at", 0), "send_at", now)
    yield from _switches(mail)
    yield from _account(mail)


def _personalizations(mail: Mapping[str, Any], now: float) -> Iterator[parts.Fault]:
    entries = mail.get("personalizations")
    if not isinstance(entries, list) or not entries:
        yield words.NO_PERSONALIZATION, "personalizations"
        return
    if len(entries) > MAX_PERSONALIZATIONS:
        yield words.TOO_MANY_PERSONALIZATIONS.format(count=len(entries)), "personalizations"
        return
    for index, entry in enumerate(entries):
        yield from _personalization(entry, f"personalizations.{index}", mail, now)
    people = [entry.get(name) for entry in entries if isinstance(entry, dict) for name in ("to", "cc", "bcc")]
    if sum(len(group) for group in people if isinstance(group, list)) > MAX_RECIPIENTS:
        yield words.TOO_MANY_RECIPIENTS, "personalizations"


def _personalization(entry: Any, field: str, mail: Mapping[str, Any], now: float) -> Iterator[parts.Fault]:
    if not isinstance(entry, dict):
        yield parts.wrong_type("object", entry), field
        return
    yield from parts.unknown(entry, PERSONAL, field)
    yield from _recipients(entry, field)
    if "from" in entry:
        yield from parts.person(entry["from"], f"{field}.from")
        if _domain(entry["from"]) != _domain(mail.get("from")):
            yield words.FROM_DOMAIN, f"{field}.from.email"
    if "subject" in entry and not parts.is_text(entry["subject"]):
        yield words.EMPTY_SUBJECT, f"{field}.subject"
    if "headers" in entry:
        yield from parts.headers(entry["headers"], f"{field}.headers")
    if "substitutions" in entry:
        yield from parts.substitutions(entry["substitutions"], f"{field}.substitutions")
    if "custom_args" in entry:
        yield from parts.custom_args(entry["custom_args"], f"{field}.custom_args")
    if not isinstance(entry.get("dynamic_template_data", {}), dict):
        yield words.TEMPLATE_DATA, f"{field}.dynamic_template_data"
    yield from parts.send_at(entry.get("send_at", 0), f"{field}.send_at", now)


def _recipients(entry: Mapping[str, Any], field: str) -> Iterator[parts.Fault]:
    if not isinstance(entry.get("to"), list) or not entry["to"]:
        yield words.NO_TO, f"{field}.to"
        return
    seen: set[str] = set()
    for name in ("to", "cc", "bcc"):
        people = entry.get(name, [])
        if not isinstance(people, list):
            yield parts.wrong_type("array", people), f"{field}.{name}"
            continue
        for index, person in enumerate(people):
            yield from parts.person(person, f"{field}.{name}.{index}")
            address = person.get("email") if isinstance(person, dict) else None
            if isinstance(address, str) and address.casefold() in seen:
                yield words.TWICE.format(address=address, field=f"{field}.{name}"), field
            elif isinstance(address, str):
                seen.add(address.casefold())


def _sender(value: Any) -> Iterator[parts.Fault]:
    if value is None:
        yield words.NO_FROM, "from.email"
    else:
        yield from parts.person(value, "from")


def _reply(mail: Mapping[str, Any]) -> Iterator[parts.Fault]:
    if "reply_to" in mail and "reply_to_list" in mail:
        yield words.REPLY_TWICE, "reply_to_list"
    if "reply_to" in mail:
        yield from parts.person(mail["reply_to"], "reply_to")
    people = mail.get("reply_to_list", [])
    if not isinstance(people, list) or len(people) > MAX_RECIPIENTS:
        yield words.REPLY_LIST, "reply_to_list"
        return
    for index, person in enumerate(people):
        yield from parts.person(person, f"reply_to_list.{index}")


def _subject(mail: Mapping[str, Any]) -> Iterator[parts.Fault]:
    if "subject" in mail:
        if not parts.is_text(mail["subject"]):
            yield words.EMPTY_SUBJECT, "subject"
        return
    entries = mail.get("personalizations")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "subject" in entry for entry in entries):
        yield words.NO_SUBJECT, "subject"


def _content(mail: Mapping[str, Any]) -> Iterator[parts.Fault]:
    blocks = mail.get("content")
    if not isinstance(blocks, list) or not blocks:
        yield words.NO_CONTENT, "content"
        return
    kinds = []
    for index, block in enumerate(blocks):
        yield from parts.block(block, f"content.{index}")
        kinds.append(block.get("type") if isinstance(block, dict) else None)
    if any(kinds.count(kind) > 1 for kind in ("text/plain", "text/html")):
        yield words.CONTENT_TWICE, "content"
    places = [("text/plain", "text/html").index(kind) if kind in ("text/plain", "text/html") else 2 for kind in kinds]
    if places != sorted(places):
        yield words.CONTENT_ORDER, "content"


def _categories(names: Any) -> Iterator[parts.Fault]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        yield words.CATEGORIES, "categories"
        return
    if len(names) > MAX_CATEGORIES:
        yield words.TOO_MANY_CATEGORIES.format(count=len(names)), "categories"
    if len(set(names)) < len(names):
        yield words.CATEGORY_TWICE, "categories"
    for index, name in enumerate(names):
        if len(name) > MAX_CATEGORY:
            yield words.LONG_CATEGORY, f"categories.{index}"
        if not name.isascii():
            yield words.FOREIGN_CATEGORY, f"categories.{index}"


def _switches(mail: Mapping[str, Any]) -> Iterator[parts.Fault]:
    """Check the types of the nested settings: a "true" in quotes is a classic."""
    for group, known in SWITCHES.items():
        settings = mail.get(group, {})
        if not isinstance(settings, dict):
            yield parts.wrong_type("object", settings), group
            continue
        yield from parts.unknown(settings, known, group)
        for name, values in settings.items():
            field = f"{group}.{name}"
            if not isinstance(values, dict):
                yield parts.wrong_type("object", values), field
                continue
            types = known.get(name, {})
            yield from parts.unknown(values, types, field)
            for key, value in values.items():
                if key in types and not isinstance(value, types[key]):
                    yield f"The {name} {key} param should be a {parts.TYPES[types[key]]} value.", f"{field}.{key}"


def _account(mail: Mapping[str, Any]) -> Iterator[parts.Fault]:
    """Refuse what this account does not own: templates, groups, pools, batch ids and sections."""
    if "template_id" in mail:
        yield words.TEMPLATE.format(given=wire.shortened(mail["template_id"])), "template_id"
    if "asm" in mail:
        yield words.GROUP, "asm.group_id"
    if "ip_pool_name" in mail:
        yield words.POOL, "ip_pool_name"
    if "batch_id" in mail:
        yield words.BATCH, "batch_id"
    if "sections" in mail:
        yield words.SECTIONS, "sections"


def _domain(person: Any) -> str:
    address = person.get("email", "") if isinstance(person, dict) else ""
    return address.rpartition("@")[2].lower() if isinstance(address, str) else ""
