"""A publication that is edited, built and checked over and over: what comes of it, from what is kept and from nothing.

Run as a program it builds and checks once, in a new process: tests/rebuilt.py FOLDER DAY
"""

import contextlib
import dataclasses
import datetime as dt
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import house
import samples

from pipeline import config, errors, flow

DAY = dt.date(2026, 11, 24)
SLUGS = ("scans", "rest", "heat", "sleep", "walking")
Told = list[Any]
"""What a build and a check said: the subjects that could not be built and why, then the findings."""


def publication(root: Path) -> Path:
    """Write five articles that lead to one another, two editions and a book that is not built; templates of its own."""
    house.build(root)
    (root / "templates").unlink()
    shutil.copytree(samples.ROOT / "templates", root / "templates")
    for number, slug in enumerate(SLUGS):
        article(root, slug, SLUGS[number - 1])
    edition(root, "2026-11", 1, SLUGS[:2])
    edition(root, "2026-12", 2, SLUGS[2:4])
    return root


def article(root: Path, slug: str, related: str, published: str = "2026-11-01") -> None:
    """Write an article that cites, explains, and leads to another one."""
    text = house.ARTICLE.replace("Scans and what they say", f"About {slug}").replace(
        "related: []", f"related: [{related}]"
    )
    text = text.replace("published: 2026-11-01", f"published: {published}")
    _write(root, f"articles/{slug}.md", f"{text}\nSee [the other one](article:{related}).\n")


def edition(root: Path, slug: str, number: int, articles: tuple[str, ...]) -> None:
    """Write an edition of these articles, the first of them as its lead."""
    text = house.EDITION.replace("number = 1", f"number = {number}").replace('"scans"', f'"{articles[0]}"')
    _write(root, f"editions/{slug}.toml", text.replace("read_next = []", f"read_next = {json.dumps(articles[1:])}"))


def _write(root: Path, name: str, text: str) -> None:
    (root / "content" / name).write_text(text, encoding="utf-8")


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Return an edit of one file below the project's folder; refuses when the file does not hold `old`."""

    def edit(root: Path) -> None:
        path = root / name
        text = path.read_text("utf-8")
        assert old in text, f"{name} does not hold {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return edit


def added(name: str, words: str) -> Callable[[Path], None]:
    """Return an edit that puts words at the end of a file, or into a new one."""

    def edit(root: Path) -> None:
        path = root / name
        text = path.read_text("utf-8") if path.exists() else ""
        path.write_text(f"{text}\n{words}\n", encoding="utf-8")

    return edit


def work(root: Path, day: dt.date = DAY) -> Told:
    """Build all editions and the site, and check: what `mscare` does, but for the book."""
    desk = flow.read(config.load(root / "mscare.toml"))
    unbuilt = []
    for subject in (*desk.library.editions, "site"):
        try:
            flow.build(desk, [subject], root / "out", lambda _line: None, day=day)
        except errors.Problem as problem:
            unbuilt.append([subject, problem.message])
    return [unbuilt, *([*dataclasses.astuple(finding)] for finding in flow.check(desk, day))]


def files(root: Path, told: Told) -> dict[str, bytes]:
    """Return what stands in out/ of all that could be built."""
    out, unbuilt = root / "out", {subject for subject, _ in told[0]}
    slugs = {path.stem for path in (root / "content" / "editions").glob("*.toml")} | {"site"}
    paths = (path for slug in slugs - unbuilt for path in (out / slug).rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def anew(root: Path, do: Callable[[], Told]) -> tuple[Told, dict[str, bytes]]:
    """Do the same with an empty out/, which is put away again afterwards."""
    out, aside = root / "out", root / "out-aside"
    out.rename(aside)
    try:
        told = do()
        return told, files(root, told)
    finally:
        shutil.rmtree(out)
        aside.rename(out)


def elsewhere(root: Path, day: dt.date = DAY) -> Told:
    """Work in a new process, which remembers nothing."""
    command = [sys.executable, Path(__file__), root, day.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told: Told = json.loads(done.stdout)
    return told


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        found = work(Path(sys.argv[1]), dt.date.fromisoformat(sys.argv[2]))
    sys.stdout.write(json.dumps(found))
