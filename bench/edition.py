"""The mail of one edition against npm's mjml and PyPI's inkletter: our compile, and a rebuild with every check.

A rebuild is what an editor waits for who has saved one word, in a process that has worked before: all of content/ is
read, every output but the book made and written, every built-in check of this edition run.
"""

import contextlib
import dataclasses
import itertools
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import measure
import sample

from pipeline import config, edition, markup, mjml, model, office, render
from pipeline.formats import email

WARM = 20  # renders of each side before anything counts: V8 is slow at first
RENDERS = 10  # of each side in one round
PYTHON = measure.BENCH / ".venv" / "bin" / "python"
SOUND = measure.ROOT / "tests" / "checks" / "_sound" / "content"  # where content/ has no edition
BODY = re.compile(r"(\n---\n\s*)\S+ ")  # the first word below an article's head
INTRO = re.compile(r'^(intro = "+\s*)\S+ ', re.MULTILINE)
WORDS = map("".join, itertools.product("klmnopqrst", repeat=6))  # never one twice

Peer = Callable[[int], measure.Sample]


def rows(size: measure.Size) -> list[measure.Row]:
    """Measure all sides in milliseconds of the clock and of the processor, each a median of its round's renders."""
    desk, item = sample.newest()
    # npm's mjml stops at this reference in a font's name; the bare mark means the same to both
    source = email.mjml_source(item, desk.material).replace("&#39;", "'")
    with _npm(source) as (npm, why), _inkletter(desk, item) as (ink, why_ink), _project() as project:
        ours = [
            lambda times: _timed(lambda: mjml.to_html(_titled(source)), times),
            lambda times: _timed(lambda: _written_and_compiled(desk, item), times),
            lambda times: project.rebuilds(project.article, BODY, times),
            lambda times: project.rebuilds(project.edition, INTRO, times),
        ]
        sides = [*ours, *(peer for peer in (npm, ink) if peer)]
        for side in sides:
            side(WARM)
        found = measure.rounds(size.rounds, *(lambda side=side: side(RENDERS) for side in sides))
    theirs = dict(zip([name for name, peer in (("npm", npm), ("ink", ink)) if peer], found[len(ours) :], strict=True))
    peers = {"npm": (theirs.get("npm", []), why), "ink": (theirs.get("ink", []), why_ink)}
    named = [
        ("MJML to HTML", found[0], "npm"),
        ("Markdown to HTML, inkletter", found[1], "ink"),
        ("rebuild, a word of an article", found[2], "npm"),
        ("rebuild, a word of the edition", found[3], "npm"),
        ("rebuild, a word of an article, inkletter", found[2], "ink"),
    ]
    return [
        measure.row(f"edition: {name}, {unit}", key, mine, peers[peer][0], why=peers[peer][1])
        for name, mine, peer in named
        for key, unit in (("wall", "ms"), ("cpu", "CPU ms"))
    ]


# --- ours -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Project:
    """A copy of the publication, in which words may be changed: its newest edition, and the lead article of that."""

    settings: config.Config
    slug: str
    edition: Path
    article: Path

    def rebuilds(self, path: Path, word: re.Pattern[str], times: int) -> measure.Sample:
        """Change a word of the file before each rebuild; only the rebuilds are timed."""
        return _timed(self.rebuild, times, before=lambda: _change(path, word))

    def rebuild(self) -> None:
        """Do what the preview does after a file was saved: read, render what has changed, ask for every finding."""
        desk = office.sit_down(self.settings)
        item = edition.edition(desk.library, self.slug)
        manifest = render.build(item, desk.material, self.settings.out, lambda _words: None)
        render.outputs_in(self.settings.out, manifest)
        desk.findings_of(self.slug, self.settings.out, item.spec.date)


@contextlib.contextmanager
def _project() -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(measure.ROOT / config.FILE_NAME, folder)
        _, item = sample.newest()
        shutil.copytree(measure.ROOT / "content" if item.spec.path.exists() else SOUND, folder / "content")
        (folder / "templates").symlink_to(measure.ROOT / "templates")
        settings = config.load(config.find(folder))
        library = office.sit_down(settings).library
        slug = edition.newest(library)
        yield Project(settings, slug, library.editions[slug].path, edition.edition(library, slug).lead.path)


def _change(path: Path, word: re.Pattern[str]) -> None:
    text = path.read_text(encoding="utf-8")
    changed = word.sub(lambda match: f"{match[1]}{next(WORDS)} ", text, count=1)
    if changed == text:
        msg = f"no word to change was found in {path.name}"
        raise RuntimeError(msg)
    path.write_text(changed, encoding="utf-8")


def _titled(source: str) -> str:
    """Return the MJML with another word in its title: nothing of it was seen before."""
    return source.replace("<mj-title>", f"<mj-title>{next(WORDS)} ", 1)


def _written_and_compiled(desk: office.Desk, item: model.Edition) -> None:
    """Turn the edition's Markdown into HTML, with another word in the lead article each time."""
    lead = dataclasses.replace(item.lead, body=f"{next(WORDS)} {item.lead.body}")
    mjml.to_html(email.mjml_source(dataclasses.replace(item, lead=lead), desk.material))


def _timed(work: Callable[[], object], times: int, before: Callable[[], object] = lambda: None) -> measure.Sample:
    walls, cpus = [], []
    for _ in range(times):
        before()
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return {"wall": statistics.median(walls), "cpu": statistics.median(cpus)}


# --- the peers ----------------------------------------------------------------------------


@contextlib.contextmanager
def _npm(source: str) -> Iterator[tuple[Peer | None, str]]:
    """Start Node with npm's mjml and keep it warm; yield None and the reason when it is not there."""
    node = shutil.which("node")
    if node is None or not (measure.BENCH / "node_modules" / "mjml").is_dir():
        yield None, "Node is not installed" if node is None else "npm's mjml is not installed"
        return
    with _asked("npm's mjml", source, node, measure.BENCH / "mjml_peer.mjs") as peer:
        yield peer, ""


@contextlib.contextmanager
def _inkletter(desk: office.Desk, item: model.Edition) -> Iterator[tuple[Peer | None, str]]:
    """Start inkletter with the digest's words as Markdown, and keep it warm."""
    if not PYTHON.exists():
        yield None, "inkletter is not installed"
        return
    with _asked("inkletter", _markdown(desk, item), PYTHON, measure.BENCH / "inkletter_peer.py") as peer:
        yield peer, ""


def _markdown(desk: office.Desk, item: model.Edition) -> str:
    """Write the words of the digest as one Markdown file, as somebody would who has no other tool."""
    base = desk.settings.publication.base_url
    lead = markup.parse(item.lead.body)
    end = next((heading.line - 1 for heading in lead.headings), None)
    opening = "\n".join(item.lead.body.split("\n")[:end])
    opening = re.sub(
        r"\s*\[@[^\]]*\]", "", re.sub(r"\]\((?:term|chapter|article):([^)]*)\)", rf"]({base}/\1/)", opening)
    )
    asked = [f"- {desk.library.questions[id_].text}" for id_ in item.lead.questions]
    told = [
        f"### [{article.title}]({base}/articles/{article.slug}/)\n\n{article.summary}" for article in item.read_next
    ]
    parts = [
        f"# {item.spec.title}",
        item.spec.intro,
        f"![{item.lead.image_alt}]({base}/images/{item.lead.image})",
        f"## {item.lead.title}",
        opening,
        f"**[Read on]({base}/articles/{item.lead.slug}/)**",
        "## Questions to take along",
        "\n".join(asked),
        "## Read next",
        *told,
        f"## {item.spec.book.heading}",
        item.spec.book.text,
        f"**[{item.spec.book.button}]({base}/book/)**",
        f"{desk.settings.publication.organisation}, {desk.settings.publication.postal_address}",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


@contextlib.contextmanager
def _asked(name: str, text: str, *command: str | Path) -> Iterator[Peer]:
    """Start a peer with a file of this text; yield what asks it for a number of renders."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digest"
        path.write_text(text, encoding="utf-8")
        with subprocess.Popen([*command, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield lambda times: _answer(name, process, times)
            process.communicate()


def _answer(name: str, process: subprocess.Popen[str], times: int) -> measure.Sample:
    process.stdin.write(f"{times}\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        msg = f"{name} ended without an answer"
        raise RuntimeError(msg)
    found = json.loads(line)
    if found.get("errors"):
        msg = f"{name} does not accept the digest: {found['errors'][0]}"
        raise RuntimeError(msg)
    return {"wall": statistics.median(found["wall"]), "cpu": statistics.median(found["cpu"])}
