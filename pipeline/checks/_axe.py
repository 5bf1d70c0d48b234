"""axe-core, the judge of accessibility that most houses trust, on a mail as Chromium shows it."""

import importlib.util
import itertools
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lxml.html

from pipeline import errors, model
from pipeline.checks import _pages
from pipeline.checks._check import BLOCK, Check

VIOLATION = Check(
    "axe-violation",
    BLOCK,
    "The mail passes axe-core on a light and a dark screen, wide and narrow.",
    "mend the template; dequeuniversity.com explains every rule by its name",
)
CHECKS = (VIOLATION,)

SCHEMES, WIDTHS = ("light", "dark"), (375, 700)  # pixels
PACKAGE = "axe_playwright_python"  # carries axe-core's script (MPL-2.0)
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
_HOST = "https://mail.invalid/"  # answered here, never asked for anywhere
# A mail is shown inside a mail program's own page, which has the landmarks that these two rules ask a page for.
_RUN = """async () => (await axe.run(document, {
    resultTypes: ['violations'],
    rules: {'landmark-one-main': {enabled: false}, 'region': {enabled: false}},
})).violations"""
_SHOWN = 90


def judge(mails: Mapping[str, tuple[_pages.Page, Mapping[str, bytes]]]) -> list[model.Finding]:
    """Return what axe-core finds in mails, given as their page and their files by name; refuses without Chromium."""
    script, chromium = _script(), _chromium()
    from playwright import sync_api  # noqa: PLC0415  heavy, and optional: only this check drives a browser

    found: list[model.Finding] = []
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        try:
            for page, files in mails.values():
                found += _findings(page, _seen(browser, script, page, files))
        finally:
            browser.close()
    return found


def _script() -> str:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None or importlib.util.find_spec("playwright") is None:
        msg = "axe was not run: the Python packages axe-playwright-python and playwright are not both installed"
        raise errors.MissingPart(msg, hint="pip install 'navigating-your-ms-care[full]'")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if found is None:
        msg = "axe was not run: Chromium is not installed"
        raise errors.MissingPart(msg, hint="sudo apt-get install chromium")
    return found


def _seen(browser: Any, script: str, page: _pages.Page, files: Mapping[str, bytes]) -> Iterator[tuple[str, Any]]:
    """Yield each violation with the mode in which it is seen."""
    for scheme, width in itertools.product(SCHEMES, WIDTHS):
        with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
            shown = context.new_page()
            shown.route("**/*", lambda route: _answer(route, page, files))
            shown.goto(_HOST)
            shown.evaluate(script)
            for violation in shown.evaluate(_RUN):
                yield f"{scheme}, {width} px", violation


def _answer(route: Any, page: _pages.Page, files: Mapping[str, bytes]) -> None:
    """Answer with the mail and its pictures; nothing else is fetched."""
    address = str(route.request.url)
    name = next((name for name in files if name.startswith("images/") and address.endswith(f"/{name}")), "")
    if address == _HOST:
        route.fulfill(body=page.html, content_type="text/html; charset=utf-8")
    elif name:
        route.fulfill(body=files[name], content_type="image/png")
    else:
        route.abort()


def _findings(page: _pages.Page, seen: Iterator[tuple[str, Any]]) -> Iterator[model.Finding]:
    """Yield one finding for each rule and element, whatever the modes in which it is broken."""
    modes: dict[tuple[str, str, str], list[str]] = {}
    for mode, violation in seen:
        for node in violation["nodes"]:
            modes.setdefault((violation["id"], violation["help"], node["html"]), []).append(mode)
    for (rule, words, html), where in modes.items():
        everywhere = len(where) == len(SCHEMES) * len(WIDTHS)
        message = f"{rule}: {words} ({'every mode' if everywhere else '; '.join(where)}): {html[:_SHOWN]}"
        yield VIOLATION.at(_place(page, html), message)


def _place(page: _pages.Page, html: str) -> tuple[str, int]:
    match = re.match(r"<(\w+)", html)
    told = next(lxml.html.document_fromstring(html).iter(match[1].lower() if match else "html"), page.root)
    same = (element for element in page.root.iter(told.tag) if dict(element.attrib) == dict(told.attrib))
    words = html[html.find(">") + 1 : html.rfind("<")] if "</" in html else ""
    needles = [words] if "<" not in words else []
    return page.place(next(same, page.root), *needles)
