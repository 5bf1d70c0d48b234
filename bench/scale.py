"""How the cost grows with the content: site and all editions with every check, of generated trees of several sizes.

Run as a program it does that work once, in the tree of FOLDER: bench/scale.py FOLDER
"""

import datetime as dt
import itertools
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import measure

from pipeline import config, flow

AN_EDITION = 5  # articles in one
PHASES = ("read", "build", "check")
_TITLE = re.compile(r'^title: "?(.*?)"?$', re.MULTILINE)


def grown(folder: Path, count: int) -> None:
    """Write a project into `folder` with `count` articles and a fifth as many editions, copied from content/.

    Each has its own slug, title and last line; sources, questions, drawings and the book are those of content/.
    """
    shutil.copy(measure.ROOT / "mscare.toml", folder)
    shutil.copytree(measure.ROOT / "content", folder / "content")
    (folder / "templates").symlink_to(measure.ROOT / "templates")
    slugs = list(_articles(folder / "content" / "articles", count))
    editions = folder / "content" / "editions"
    pattern = min(editions.glob("*.toml")).read_text(encoding="utf-8")
    for path in editions.glob("*.toml"):
        path.unlink()
    for number in range(1, count // AN_EDITION + 1):
        lead, *others = slugs[(number - 1) * AN_EDITION : number * AN_EDITION]
        text = _set(pattern, "number", str(number))
        text = _set(text, "title", f'"Issue {number} of many"')
        text = _set(text, "lead", f'"{lead}"')
        text = _set(text, "read_next", f"[{', '.join(map(repr, others))}]")
        (editions / f"issue-{number}.toml").write_text(text, encoding="utf-8")


def _articles(folder: Path, count: int) -> Iterator[str]:
    """Write copies of the articles until there are `count`, and yield all slugs."""
    originals = sorted(folder.glob("*.md"))
    for number in range(count):
        turn, place = divmod(number, len(originals))
        path = originals[place]
        slug = f"{path.stem}-{turn}" if turn else path.stem
        yield slug
        if turn:
            text = _TITLE.sub(rf'title: "\1 ({turn})"', path.read_text(encoding="utf-8"), count=1)
            text = f"{text.rstrip()}\n\nThis is text number {number}.\n"  # so that no two are the same to a cache
            (folder / f"{slug}.md").write_text(text, encoding="utf-8")


def _set(toml: str, key: str, value: str) -> str:
    return re.sub(rf"^{key} = .*$", lambda _: f"{key} = {value}", toml, count=1, flags=re.MULTILINE)


def tables(size: measure.Size) -> str:
    """Measure each size once, and write the table: from nothing, with nothing changed, after a word was changed."""
    head = ("articles, editions", "wall s", "CPU s", "CPU ms an article", "peak MB", "read s", "build s", "check s")
    lines: list[tuple[str, ...]] = [head]
    for count in size.articles:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            grown(folder, count)
            lines.append(_line(count, "from nothing", folder))
            lines.append(_line(count, "nothing changed", folder))
            changed = sorted((folder / "content" / "articles").glob("*.md"))[count // 2]
            changed.write_text(f"{changed.read_text('utf-8').rstrip()} Indeed.\n", encoding="utf-8")
            lines.append(_line(count, "a word changed", folder))
    return "scale: site and all editions with every check, each row a new process\n" + measure.columns(lines)


def _line(count: int, what: str, folder: Path) -> tuple[str, ...]:
    found = measure.child(sys.executable, Path(__file__), folder, seconds=3600)
    each = found["cpu"] * 1000 / count
    told = (found["wall"], found["cpu"], each, found["peak"], *(found[phase] for phase in PHASES))
    line = (f"{count:,}, {count // AN_EDITION}: {what}", *map(measure.figure, told))
    print("  ".join(line), file=sys.stderr, flush=True)  # a run takes long: what is known is told at once
    return line


def main(folder: Path) -> None:
    """Read, build and check once; answer with what it cost, and with the wall seconds of each phase."""
    marks = [time.perf_counter()]
    with measure.clock() as sample:
        desk = flow.read(config.load(config.find(folder)))
        marks.append(time.perf_counter())
        flow.build(desk, [*desk.library.editions, "site"], desk.settings.out, lambda _words: None)
        marks.append(time.perf_counter())
        flow.check(desk, dt.datetime.now(dt.UTC).date())
        marks.append(time.perf_counter())
    spent = (after - before for before, after in itertools.pairwise(marks))
    measure.answer(sample | dict(zip(PHASES, spent, strict=True)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
