"""Who else could lay the book out: the command of each, or the reason why it is not here."""

import dataclasses
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import measure

PYTHON = measure.BENCH / ".venv" / "bin" / "python"
_MODULES = measure.BENCH / "node_modules"
_QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
PATIENCE = 240  # seconds that a peer may take


@dataclasses.dataclass(frozen=True, slots=True)
class Peer:
    """One peer. `command` is what writes a PDF from a folder with book.html and book.typ; `why` it cannot, or ""."""

    name: str
    command: Callable[[Path, Path], list[str | Path]]
    why: str = ""
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_slow: bool = False  # measured once, and not at all when it must be quick
    most: int = 99  # chapters: a longer book takes it many minutes
    counts_pages: bool = False  # by itself: all others print the page numbers of our build, as text
    recompiles: bool = False  # in a warm process, what changed

    def run(self, folder: Path, target: Path) -> measure.Sample:
        """Write the PDF and return what it cost; refuses with the peer's last words."""
        target.unlink(missing_ok=True)
        try:
            found = measure.whole(*self.command(folder, target), env=self.env, seconds=PATIENCE)
        except subprocess.TimeoutExpired as error:
            msg = f"{self.name} did not end"
            raise RuntimeError(msg) from error
        if not target.exists():
            msg = f"{self.name} wrote nothing"
            raise RuntimeError(msg)
        return found


def peers() -> list[Peer]:
    """Return all peers: the stock call, the same with our page numbers, and the others."""
    browser = shutil.which("chromium")
    no_browser = "" if browser else "chromium is not installed"
    return [
        Peer(
            f"WeasyPrint {importlib.metadata.version('weasyprint')}, stock call",
            lambda folder, file: _weasyprint(folder / "counting.html", file),
            counts_pages=True,
        ),
        Peer("WeasyPrint, given our page numbers", lambda folder, file: _weasyprint(folder / "book.html", file)),
        Peer("Chromium, print to PDF", lambda folder, file: _chromium(browser or "", folder, file), no_browser),
        Peer(
            f"Paged.js CLI {_version('pagedjs-cli')}",
            _paged,
            no_browser or _missing("pagedjs-cli"),
            {"PUPPETEER_EXECUTABLE_PATH": browser or ""},
            is_slow=True,
        ),
        Peer(
            f"Vivliostyle CLI {_version('@vivliostyle/cli')}",
            lambda folder, file: _vivliostyle(browser or "", folder, file),
            no_browser or _missing("@vivliostyle/cli"),
            is_slow=True,
            most=8,
        ),
        Peer(
            f"Typst {_typst()}",
            lambda folder, file: [PYTHON, measure.BENCH / "typst_peer.py", folder, file],
            "" if PYTHON.exists() else "typst is not installed",
            counts_pages=True,
            recompiles=True,
        ),
    ]


def _weasyprint(html: Path, file: Path) -> list[str | Path]:
    return [sys.executable, measure.BENCH / "weasyprint_peer.py", html, file]


def _chromium(browser: str, folder: Path, file: Path) -> list[str | Path]:
    return [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        *_QUIET,
        f"--user-data-dir={folder / 'browser'}",
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
        f"--print-to-pdf={file}",
        (folder / "book.html").as_uri(),
    ]


def _paged(folder: Path, file: Path) -> list[str | Path]:
    options = ["-t", f"{PATIENCE}000", "--outline-tags", "h1,h2,h3", "--browserArgs=--no-sandbox,--disable-gpu"]
    return [*_node("pagedjs-cli"), folder / "book.html", "-o", file, *options]


def _vivliostyle(browser: str, folder: Path, file: Path) -> list[str | Path]:
    options = ["--single-doc", "--executable-browser", browser, "-t", str(PATIENCE)]
    return [*_node("vivliostyle"), "build", folder / "book.html", "-o", file, *options]


def _node(name: str) -> list[str | Path]:
    return [shutil.which("node") or "node", _MODULES / ".bin" / name]


def _missing(package: str) -> str:
    if shutil.which("node") is None:
        return "Node is not installed"
    return "" if (_MODULES / package).is_dir() else f"npm's {package} is not installed"


def _version(package: str) -> str:
    pinned: str = json.loads((measure.BENCH / "package.json").read_text())["optionalDependencies"][package]
    return pinned


def _typst() -> str:
    pinned = re.search(r"^typst==(\S+)", (measure.BENCH / "requirements.lock").read_text(), re.MULTILINE)
    return pinned[1] if pinned else ""
