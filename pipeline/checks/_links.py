"""Every link arrives somewhere a reader may go, and says where."""

import ipaddress
import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from pipeline import markup, model
from pipeline.checks import _pages, _texts
from pipeline.checks._check import BLOCK, WARNING, Check

EMPTY = Check(
    "link-empty", BLOCK, "No link is announced without words.", "write inside the link where it leads, or take it out"
)
TEXT = Check(
    "link-text",
    WARNING,
    "A link makes sense when it is read alone, as screen readers list links.",
    "name what the reader finds there",
)
TARGET = Check(
    "link-target",
    BLOCK,
    "No reader meets a dead, unsafe or private address.",
    "write the full https:// address of a public page",
)
ANCHOR = Check(
    "anchor-missing",
    BLOCK,
    "A link to a place in the same text arrives there.",
    "make it the anchor of a heading, or take the link out",
)
SITE = Check(
    "site-address-private",
    WARNING,
    "The links of a mail lead to the public site.",
    "set publication.base_url to the site's public https:// address; until then only the sandbox takes the mail",
)
CHECKS = (EMPTY, TEXT, TARGET, ANCHOR, SITE)

SETTINGS = "mscare.toml"
_VAGUE = frozenset({"click", "click here", "download", "here", "learn more", "link", "more", "read more", "this link"})
_PLAIN_SCHEMES = {"mailto": r"[^@\s]+@[^@\s]+\.[^@\s]+", "tel": r"[+\d][\d().\- ]*", "sms": r"[+\d][\d().\- ]*"}
_PRIVATE_NAMES = frozenset({"dev", "local", "localhost", "preview", "stage", "staging", "test"})
_PRIVATE_ENDS = (".internal", ".invalid", ".lan", ".local", ".localhost", ".test")
_EXAMPLE = re.compile(r"(^|\.)example\.(com|net|org)$")


def fault(href: str) -> str:
    """Say what is wrong with the address of a link; "" when nothing is."""
    scheme, colon, rest = href.strip().partition(":")
    scheme = scheme.lower()
    if not href.strip() or href.strip() == "#":
        return "leads nowhere"
    if not colon or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        return "is not a full address"
    if pattern := _PLAIN_SCHEMES.get(scheme):
        return "" if re.fullmatch(pattern, rest.partition("?")[0]) else f"is not a sound {scheme}: address"
    if scheme == "http":
        return "is not encrypted: http: can be read and changed on its way"
    return _web_fault(href.strip()) if scheme == "https" else f"uses {scheme}:, which is not for readers"


def _web_fault(href: str) -> str:
    try:
        parts = urlsplit(href)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return "is not a sound web address"
    if re.search(r"\s", href) or not host or parts.username:
        return "is not a sound web address"
    try:
        return "" if ipaddress.ip_address(host).is_global else "is on a private network"
    except ValueError:
        pass
    if "." not in host or host.partition(".")[0] in _PRIVATE_NAMES or host.endswith(_PRIVATE_ENDS):
        return "is on a private or staging host"
    return "is an example address that nobody owns" if _EXAMPLE.search(host) else ""


# --- in Markdown ------------------------------------------------------------------


def source(name: str, document: markup.Document) -> Iterator[model.Finding]:
    """Yield the faults of the links in a body, a help box or an edition's introduction; `name` is its file."""
    anchors = {heading.anchor for heading in document.headings}
    for inline in _texts.inlines(document):
        if inline.token.type == "link_open":
            place, words = (name, inline.line), _texts.link_words(inline)
            href = str(inline.token.attrs.get("href", ""))
            faults = [*_words(words, href)]
            if not markup.split_target(href)[0]:  # content.load has looked where our own schemes lead
                faults += _target(words, href, anchors)
            yield from (check.at(place, message) for check, message in faults)


def _words(words: str, href: str) -> Iterator[tuple[Check, str]]:
    if not words:
        yield EMPTY, f"the link to {href!r} has no words"
    elif words.casefold().rstrip(".!") in _VAGUE:
        yield TEXT, f"the link text {words!r} does not say where it leads"


def _target(words: str, href: str, anchors: Collection[str]) -> Iterator[tuple[Check, str]]:
    if href.startswith("#") and href != "#":
        if href[1:] not in anchors:
            yield ANCHOR, f"the link {words!r} leads to {href}, which is not in this text"
    elif wrong := fault(href):
        yield TARGET, f"the link {words!r}: {href!r} {wrong}"


# --- in HTML ----------------------------------------------------------------------


def page(page: _pages.Page, base_url: str, fields: Collection[str]) -> Iterator[model.Finding]:
    """Yield the faults of a mail's links. Our own site is judged once, by `base_url`; `fields` are merge fields."""
    anchors = set(page.root.xpath("//@id | //a/@name"))
    own = False
    for element in page.root.iter("a", "area"):
        if element.get("href") is None and (element.get("id") or element.get("name")):
            continue  # a place to arrive at, not a link
        href, words = (element.get("href") or "").strip(), _pages.words(element)
        is_ours = is_own(href, base_url)
        own = own or is_ours
        faults = [*_words(words, href)]
        faults += () if is_ours or href in fields else _target(words, href, anchors)
        needles = (f'href="{href}"', f"]({href})", words) if len(href) > 1 else ()
        yield from (check.at(page.place(element, *needles), message) for check, message in faults)
    if own and (wrong := _own_fault(base_url)):
        yield SITE.at((SETTINGS, 0), f"the mail links to {base_url}, which {wrong}")


def is_own(href: str, base_url: str) -> bool:
    """True for an address on our own site."""
    return href == base_url or href.startswith((f"{base_url}/", f"{base_url}?", f"{base_url}#"))


def _own_fault(base_url: str) -> str:
    """Judge our own address. A send to a real service refuses it, and the shipped example, when it starts."""
    return "" if _EXAMPLE.search(urlsplit(base_url).hostname or "") else fault(base_url)
