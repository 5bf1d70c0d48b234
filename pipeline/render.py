"""Edition x formats -> out/ and a manifest of digests: the only writer of out/.

1. Take the key: a digest of everything that goes in (content, templates, identity, code, library versions).
2. If the manifest in out/ has the same key and every file still has its digest, nothing is rendered.
3. Otherwise render all formats into a folder aside, then put it in place with one rename each. Of the site, a page
   whose own part of the content is the same comes from the store.
"""

import contextlib
import dataclasses
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import pkgutil
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from pipeline import errors, folders, formats, model, reach, store

MANIFEST = "manifest.json"
PARTS = ".parts"  # the folder of out/ that keeps what was costly to make
LIBRARIES = (
    "brotli", "citeproc-py", "css-inline", "deflate", "fonttools", "jinja2", "lxml", "markdown-it-py",
    "mdit-py-plugins", "mjml-python", "pikepdf", "pydyf", "resvg-py", "weasyprint",
)  # fmt: skip
JUDGES = ("cssselect2", "lxml", "markupsafe", "pydantic", "pypdfium2", "pyphen", "pyyaml", "tinycss2")  # findings' own

CODE = tuple(
    f"pipeline/{name}"
    for name in (
        "formats", "content", "mjml", "model", "citations.py", "drawing.py", "edition.py", "indexing.py", "markup.py",
        "notes.py", "reach.py", "render.py", "templating.py",
    )
)  # fmt: skip

_KIND = re.compile(r'^KIND = "(\w+)"$', re.MULTILINE)

Progress = Callable[[str], None]
Item = model.Edition | model.Book | model.Library


def _subject(item: Item) -> tuple[str, str]:
    """Return the kind of formats to use, and the name of the folder in out/."""
    if isinstance(item, model.Edition):
        return "edition", item.spec.slug
    return ("book", "book") if isinstance(item, model.Book) else ("site", "site")


def format_names() -> tuple[str, ...]:
    """Name every output format: one file of formats/ each."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(formats.__path__) if not m.name.startswith("_")))


def _formats(kind: str) -> dict[str, ModuleType]:
    names = [name for name, of in _kinds().items() if of == kind]
    return {name: importlib.import_module(f"pipeline.formats.{name}") for name in names}


@functools.cache
def _kinds() -> Mapping[str, str]:
    """Return the KIND of each format by name, read from its file: loading the book's takes a third of a second."""
    origins = {name: importlib.util.find_spec(f"pipeline.formats.{name}") for name in format_names()}
    texts = {name: Path(str(spec.origin)).read_text("utf-8") for name, spec in origins.items() if spec}
    return {name: kind[1] for name, text in texts.items() if (kind := _KIND.search(text))}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What every output rests on besides the content, at one moment: the templates' digests, and a mark of it all.

    Two with the same mark are the same.
    """

    templates: Mapping[str, str]
    mark: str


def frame(material: model.Material) -> Frame:
    """Read all templates; the mark is a digest of them, the code, the libraries, Python and the identity."""
    templates = _digests("templates", material.templates)
    made_of = [templates, _code(), _versions(LIBRARIES + JUDGES), sys.version, dataclasses.asdict(material.identity)]
    return _framed(_mark(made_of), tuple(templates.items()))


@functools.lru_cache(maxsize=4)  # the same one again, so that what is worked out of it is kept
def _framed(mark: str, templates: tuple[tuple[str, str], ...]) -> Frame:
    return Frame(dict(templates), mark)


@functools.cache
def reading() -> str:
    """Return a mark of all that content/ is read with: the code, the libraries and Python."""
    return _mark([_code(), _versions(LIBRARIES + JUDGES), sys.version])


def build(
    item: Item, material: model.Material, out: Path, progress: Progress = print, seen: Frame | None = None
) -> model.Manifest:
    """Render every format of an edition, the book or the site (a Library) into its folder of `out`.

    Does nothing when nothing changed; refuses when a format cannot be rendered or the disk cannot be written. Of a
    book with fewer editions than its book.toml declares, just these are made, and the manifest names just these. Of
    the site, what becomes public after `material.day` is held back. `seen` spares reading the templates once more.
    """
    kind, subject = _subject(item)
    seen = seen or frame(material)
    material = dataclasses.replace(material, book=_book_for(item, out))
    inputs, wanted = _content_digests(item, material), key(item, material, seen)
    kept = _kept(out / subject, wanted)
    if kept and kept.inputs == {**inputs, **_frame_digests(kind, seen)}:
        progress(f"{subject}: unchanged")
        return kept
    if kept:
        progress(f"{subject}: the same, of files that changed")
        made, now = [model.Output(name, content) for name, content in outputs_in(out, kept).items()], seen
    else:
        made, now = _made(item, material, out, seen, lambda name: progress(f"{subject}: rendering {name}"))
    digests = {output.name: _digest(output.content) for output in made}
    if len(digests) != len(made):
        msg = f"two formats of {subject} write a file of the same name"
        raise errors.RenderProblem(msg, hint="rename one of them in formats/")
    wanted = wanted if now.mark == seen.mark else key(item, material, now)
    record = {"subject": subject, "key": wanted, "outputs": digests, "versions": _versions()}
    text = _json(record | {"inputs": {**inputs, **_frame_digests(kind, now)}})
    folders.replace(out / subject, [*made, model.Output(MANIFEST, text)])
    return _manifest(text)


def _book_for(item: Item, out: Path) -> model.Manifest | None:
    """Return what was built of the book, for the site; None for other items, and when no sound book is there."""
    with contextlib.suppress(errors.Problem):
        if isinstance(item, model.Library) and not altered(out, built := read(out, "book")):
            return built
    return None


def key(item: Item, material: model.Material, seen: Frame) -> str:
    """Return a digest of all that an item is made of.

    Of an edition and the site these are the values that were read, of an edition no others than it reaches: a source
    that it does not cite changes nothing. Of the book they are the files.
    """
    kind, subject = _subject(item)
    made_of = {
        "frame": _frame_mark(kind, seen),
        "files": _content_digests(item, material) if isinstance(item, model.Book) else {},
        "values": _values(item, material),
        "versions": _versions(),
        "identity": dataclasses.asdict(material.identity),
        "subject": subject,
        "chosen": [edition.id for edition in item.editions] if isinstance(item, model.Book) else [],
        # Of the site, the book that it offers, and what is public; on the days between two turns, the same.
        "book": material.book.digest if material.book else "",
        "turn": model.last_turn(item, material.day).isoformat() if isinstance(item, model.Library) else "",
    }
    return _mark(made_of)


def _values(item: Item, material: model.Material) -> str:
    """Return a digest of what was read: a file may have changed since then."""
    if isinstance(item, model.Library):
        return reach.digest(item)
    root = material.library.root
    if isinstance(item, model.Book):
        return _digest(reach.told(item, root).encode())
    texts = (reach.sum_of(value, root) for value in (item.spec, *item.articles))
    return f"{' '.join(texts)} {reach.digest(reach.edition(material.library, item))}"


def _made(
    item: Item, material: model.Material, out: Path, seen: Frame, progress: Progress
) -> tuple[list[model.Output], Frame]:
    """Render every format, and once more when a template was changed meanwhile: no key may name what was not used."""
    kind, subject = _subject(item)
    offered = outputs_in(out, material.book) if material.book else {}
    while True:
        kept = store.FolderStore(out / PARTS, subject)
        work = dataclasses.replace(material, store=material.store or kept, mark=seen.mark, made=offered)
        made = _rendered(item, work, _formats(kind), progress)
        now = frame(material)
        if now.mark == seen.mark:
            break
        kept.disown()
        seen = now
    if work.store is kept:
        kept.prune()
    return made, seen


def files(item: Item, material: model.Material, out: Path, seen: Frame) -> Mapping[str, bytes]:
    """Return the files of an item by name: those of `out` while they are what would be rendered, else rendered now."""
    kept = _kept(out / _subject(item)[1], key(item, material, seen))
    return outputs_in(out, kept) if kept else {output.name: output.content for output in outputs(item, material)}


def outputs(item: Item, material: model.Material) -> list[model.Output]:
    """Render every format of an item and keep it in memory: what a check looks at."""
    return _rendered(item, material, _formats(_subject(item)[0]), lambda _: None)


def _rendered(
    item: Item, material: model.Material, modules: Mapping[str, ModuleType], progress: Progress
) -> list[model.Output]:
    """Render format after format, by name; each sees the files of those before it in `material.made`."""
    if isinstance(item, model.Edition):
        material = dataclasses.replace(material, library=reach.edition(material.library, item))
    made: list[model.Output] = []
    for name, module in modules.items():
        progress(name)
        files = {output.name: output.content for output in made}
        made += module.render(item, dataclasses.replace(material, made={**material.made, **files}))
    return made


def outputs_in(out: Path, manifest: model.Manifest) -> dict[str, bytes]:
    """Read back what was built; refuses when a file is gone."""
    try:
        return {name: (out / manifest.subject / name).read_bytes() for name in manifest.outputs}
    except OSError as error:
        msg = f"cannot read {error.filename}: {error.strerror}"
        raise errors.StorageProblem(msg, hint=f"run `mscare build {manifest.subject}`") from error


def _content_digests(item: Item, material: model.Material) -> dict[str, str]:
    """Return name and digest of every file of content/ that can change an output, as it was when it was read."""
    library = material.library
    start = len(library.root.parent.as_posix().rstrip("/")) + 1
    paths = [path.as_posix() for path in _content_files(item, library)]
    return {path[start:]: _read_digest(library, path[start:], path) for path in paths}


def _read_digest(library: model.Library, name: str, path: str | os.PathLike[str]) -> str:
    known = library.files.get(name)
    return _digest_of(path) if known is None else reach.sum_of(known, library.root)


@functools.lru_cache(maxsize=16)  # kinds and moments: each edition of a build asks
def _frame_digests(kind: str, seen: Frame) -> Mapping[str, str]:
    """Return name and digest of the templates and the code that can change an output of one kind."""
    names = {f"templates/{name}" for module in _formats(kind).values() for name in module.TEMPLATES}
    used = {name: digest for name, digest in seen.templates.items() if any(_is_at(name, place) for place in names)}
    return used | {name: digest for name, digest in _code().items() if any(_is_at(name, place) for place in CODE)}


@functools.lru_cache(maxsize=16)
def _frame_mark(kind: str, seen: Frame) -> str:
    return _mark(dict(_frame_digests(kind, seen)))


def _is_at(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}/")


@functools.cache  # the code that runs is the one that was there when it was loaded
def _code() -> Mapping[str, str]:
    return _digests("pipeline", Path(__file__).parent)


@functools.cache
def _versions(libraries: tuple[str, ...] = LIBRARIES) -> Mapping[str, str]:
    return {name: importlib.metadata.version(name) for name in libraries}


def _digests(name: str, place: str | os.PathLike[str]) -> dict[str, str]:
    """Return name and digest of every file below a folder, without hidden ones and caches: a hundred, at each build."""
    found: dict[str, str] = {}
    with os.scandir(place) if Path(place).is_dir() else contextlib.nullcontext(()) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found |= {} if entry.name == "__pycache__" else _digests(f"{name}/{entry.name}", entry)
            elif entry.is_file() and not entry.name.startswith("."):
                found[f"{name}/{entry.name}"] = _digest_of(entry)
    return found


def _content_files(item: Item, library: model.Library) -> list[Path]:
    """List the files of content/ that this item is made from; the shared banks always count."""
    root = library.root
    banks = [root / name for name in ("sources.json", "questions.toml", "glossary.toml", "worksheets.toml")]
    if isinstance(item, model.Edition):
        images = [root / "images" / article.image for article in item.articles]
        notice = [root / "book" / "book.toml"]
        own = [item.spec.path, *(article.path for article in item.articles), *images, *notice]
    elif isinstance(item, model.Book):
        own = [item.spec.path, *(chapter.path for chapter in item.chapters), *_files([root / "images"])]
    else:
        own = [*_files(root / name for name in ("articles", "editions", "book", "images", "corrections.toml"))]
    return sorted({path for path in [*banks, *own] if path.is_file()})


def _files(places: Iterable[Path]) -> Iterator[Path]:
    """Yield every file at or below the places, in order, without hidden ones and caches."""
    for place in places:
        if place.is_file():
            yield place
        for path in sorted(place.rglob("*")) if place.is_dir() else ():
            if path.is_file() and not path.name.startswith(".") and "__pycache__" not in path.parts:
                yield path


def read(out: Path, subject: str) -> model.Manifest:
    """Return the manifest of what was built last; refuses when nothing was, or its manifest is broken."""
    path = out / subject / MANIFEST
    try:
        return _manifest(path.read_bytes())
    except FileNotFoundError as error:
        msg = f"{subject} has not been built: {path} is missing"
        hint = f"run `mscare build {'--book' if subject == 'book' else subject}`"
        raise errors.UsageProblem(msg, hint=hint) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path} cannot be read: {error}"
        raise errors.StorageProblem(
            msg, hint="delete the folder and build again: out/ may be deleted at any time"
        ) from error


def is_made_of(manifest: model.Manifest, library: model.Library) -> bool:
    """Tell whether the files of content/ that it was made from are still the same."""
    root, inputs = library.root.parent, manifest.inputs.items()
    written = ((name, digest) for name, digest in inputs if name.startswith("content/"))
    return all(_read_digest(library, name, f"{root}/{name}") == digest for name, digest in written)


def altered(out: Path, manifest: model.Manifest) -> list[str]:
    """Name the files of out/<subject>/ whose bytes are not those of the manifest, or that are missing."""
    folder = out / manifest.subject
    return [name for name, digest in manifest.outputs.items() if _digest_of(folder / name) != digest]


def _digest_of(path: str | os.PathLike[str]) -> str:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  hundreds at each build: a Path takes twice as long
            return _digest(file.read())
    except OSError:
        return ""


def _kept(folder: Path, key: str) -> model.Manifest | None:
    try:
        manifest = _manifest((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return manifest if manifest.key == key and not altered(folder.parent, manifest) else None


def _manifest(text: bytes) -> model.Manifest:
    record = json.loads(text)
    return model.Manifest(
        subject=str(record["subject"]),
        key=str(record["key"]),
        outputs=dict(record["outputs"]),
        inputs=dict(record["inputs"]),
        versions=dict(record["versions"]),
        digest=_digest(text),
    )


def put_by(path: Path, content: bytes) -> None:
    """Write one file that a person fills in: aside, then renamed.

    Refuses to replace a file with other bytes: somebody may have written into it.
    """
    if path.exists() and _digest_of(path) != _digest(content):
        msg = f"{path} exists already, and may have been filled in"
        raise errors.UsageProblem(msg, hint="name another file with --out, or move that one away")
    aside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
        aside = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise folders.problem(path, error) from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


def _mark(value: object) -> str:
    return _digest(json.dumps(value, sort_keys=True).encode())


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
