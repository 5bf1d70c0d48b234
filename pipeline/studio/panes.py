"""The mail as it is read in five ways: its own bytes, with two changes and no others.

1. The addresses of its pictures lead to this machine, where the very pictures are that will be published.
2. Light or dark is decided by the pane, not by the system of the person who looks.
"""

import dataclasses
import re
import urllib.parse
from collections.abc import Collection

import markupsafe

HTML, TEXT = "email.html", "email.txt"

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin"
)
"""No script, no form, nothing from elsewhere. allow-same-origin lets our own page measure the frame."""

_PICTURE = re.compile(r'(?<= src=")https?://[^"]*/([^"/]+)(?=")')
_ASKED = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)")
_OFFERED = re.compile(r'((?<![-\w])color-scheme(?:\s*:\s*|"\s+content="))(?:light dark|dark light)')
_TEXT_PAGE = markupsafe.Markup(
    '<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8"><title>Text part</title>\n'
    "<style>:root {{ color-scheme: light; }} body {{ margin: 0; background: #fff; color: #1a1a1a; }}\n"
    "pre {{ margin: 0; padding: 24px; font: 14px/1.5 'DejaVu Sans Mono', Menlo, Consolas, monospace; }}</style>\n"
    "</head>\n<body><pre>{text}</pre></body>\n</html>\n"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Pane:
    """One way to read the mail: `width` in CSS pixels, `source` the document it shows."""

    name: str
    label: str
    width: int
    source: str
    about: str


PANES = (
    Pane("desktop", "Desktop", 700, "light", "as on a computer"),
    Pane("mobile", "Mobile", 375, "light", "as on a phone"),
    Pane("dark", "Dark", 375, "dark", "as on a phone in dark mode"),
    Pane("images-off", "Images off", 375, "images-off", "as when pictures are blocked"),
    Pane("text", "Text", 680, "text", "the plain-text part"),
)
WIDE = {
    "dark": Pane("dark-wide", "Dark, desktop", 700, "dark", "as on a computer in dark mode"),
    "images-off": Pane("images-off-wide", "Images off, desktop", 700, "images-off", "as when pictures are blocked"),
}
"""Shown beside the narrow one when a pane is looked at alone."""

SOURCES = frozenset(pane.source for pane in PANES)


def policy(source: str) -> str:
    """Return the Content-Security-Policy of a document: it is what switches the pictures off."""
    return _POLICY.format(pictures="'none'" if source in {"images-off", "text"} else "'self'")


def document(source: str, mail: str, pictures: Collection[str], folder: str) -> str:
    """Return the mail's HTML for `light`, `dark` or `images-off`; pictures named in `pictures` come from `folder`."""
    here = _PICTURE.sub(lambda match: _here(match, pictures, folder), mail)
    return _decided(here, "dark" if source == "dark" else "light")


def text_page(text: str, language: str) -> str:
    """Return the text part as a page that changes no letter of it."""
    return str(_TEXT_PAGE.format(language=language, text=text))


def _here(address: re.Match[str], pictures: Collection[str], folder: str) -> str:
    """Map the address of a picture that is published with the mail; any other stays as it is, and is not fetched."""
    is_ours = urllib.parse.unquote(address[1]) in pictures
    return folder + address[1] if is_ours else address[0]


def _decided(mail: str, scheme: str) -> str:
    """Answer the questions for light or dark: with a condition that always holds, or with one that never does."""
    answered = _ASKED.sub(lambda match: "(min-width: 0)" if match[1] == scheme else "(max-width: 0)", mail)
    return _OFFERED.sub(rf"\g<1>{scheme}", answered)
