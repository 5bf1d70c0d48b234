"""Edition x formats -> out/ and a manifest of digests: the only writer of out/.

1. Take the key: a digest of everything that goes in (content, templates, identity, code, library versions).
2. If the manifest in out/ has the same key and every file still has its digest, nothing is rendered.
3. Otherwise render all formats into a folder aside, then put it in place with one rename each.
"""

import dataclasses
import hashlib
import importlib
import importlib.metadata
import json
import os
import pkgutil
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from pipeline import errors, formats, model, store

MANIFEST = "manifest.json"
PARTS = ".parts"  # the folder of out/ that keeps what was costly to make
LIBRARIES = (
    "brotli",
    "citeproc-py",
    "css-inline",
    "fonttools",
    "jinja2",
    "lxml",
    "markdown-it-py",
    "mdit-py-plugins",
    "mjml-python",
    "pikepdf",
    "pydyf",
    "resvg-py",
    "weasyprint",
)

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
    modules = {name: importlib.import_module(f"pipeline.formats.{name}") for name in format_names()}
    return {name: module for name, module in modules.items() if kind == module.KIND}


def build(item: Item, material: model.Material, out: Path, progress: Progress = print) -> model.Manifest:
    """Render every format of an edition, the book or the site (a Library) into its folder of `out`.

    Does nothing when nothing changed; refuses when a format cannot be rendered or the disk cannot be written. Of a
    book with fewer editions than its book.toml declares, just these are made, and the manifest names just these. Of
    the site, what becomes public after `material.day` is held back.
    """
    kind, subject = _subject(item)
    modules = _formats(kind)
    inputs = dict(_inputs(item, material, modules))
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    identity = dataclasses.asdict(material.identity)
    chosen = [edition.id for edition in item.editions] if isinstance(item, model.Book) else []
    turn = model.last_turn(item, material.day).isoformat() if isinstance(item, model.Library) else ""
    made_of = {"inputs": inputs, "versions": versions, "identity": identity, "subject": subject, "chosen": chosen}
    made_of |= {"turn": turn} if turn else {}  # of the site, what is public; on the days between two turns, the same
    key = _digest(_json(made_of))
    folder = out / subject
    kept = _kept(folder, key)
    if kept:
        progress(f"{subject}: unchanged")
        return kept
    kept_work = store.FolderStore(out / PARTS, subject)
    material = material if material.store is not None else dataclasses.replace(material, store=kept_work)
    made = _rendered(item, material, modules, lambda name: progress(f"{subject}: rendering {name}"))
    digests = {output.name: _digest(output.content) for output in made}
    if len(digests) != len(made):
        msg = f"two formats of {subject} write a file of the same name"
        raise errors.RenderProblem(msg, hint="rename one of them in formats/")
    record = {"subject": subject, "key": key, "outputs": digests, "inputs": inputs, "versions": versions}
    text = _json(record)
    _replace(folder, [*made, model.Output(MANIFEST, text)])
    if material.store is kept_work:
        kept_work.prune()
    return _manifest(text)


def outputs(item: Item, material: model.Material) -> list[model.Output]:
    """Render every format of an item and keep it in memory: what a check looks at."""
    return _rendered(item, material, _formats(_subject(item)[0]), lambda _: None)


def _rendered(
    item: Item, material: model.Material, modules: Mapping[str, ModuleType], progress: Progress
) -> list[model.Output]:
    """Render format after format, by name; each sees the files of those before it in `material.made`."""
    made: list[model.Output] = []
    for name, module in modules.items():
        progress(name)
        files = {output.name: output.content for output in made}
        made += module.render(item, dataclasses.replace(material, made=files))
    return made


def outputs_in(out: Path, manifest: model.Manifest) -> dict[str, bytes]:
    """Read back what was built; refuses when a file is gone."""
    try:
        return {name: (out / manifest.subject / name).read_bytes() for name in manifest.outputs}
    except OSError as error:
        msg = f"cannot read {error.filename}: {error.strerror}"
        raise errors.StorageProblem(msg, hint=f"run `mscare build {manifest.subject}`") from error


def _inputs(item: Item, material: model.Material, modules: Mapping[str, ModuleType]) -> Iterator[tuple[str, str]]:
    """Yield name and digest of every file that can change an output."""
    root = material.library.root
    for path in _content_files(item, root):
        yield path.relative_to(root.parent).as_posix(), _digest(path.read_bytes())
    names = sorted({name for module in modules.values() for name in module.TEMPLATES})
    for path in _files(material.templates / name for name in names):
        yield f"templates/{path.relative_to(material.templates).as_posix()}", _digest(path.read_bytes())
    code = Path(__file__).parent
    for path in _files(code / name for name in ("formats", "content", "mjml")):
        if path.suffix == ".py":
            yield f"pipeline/{path.relative_to(code).as_posix()}", _digest(path.read_bytes())
    for path in sorted(code.glob("*.py")):
        if path.stem in {"markup", "edition", "drawing", "templating", "citations", "mjml", "render"}:
            yield f"pipeline/{path.name}", _digest(path.read_bytes())


def _content_files(item: Item, root: Path) -> list[Path]:
    """List the files of content/ that this item is made from; the shared banks always count."""
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
        raise errors.UsageProblem(
            msg, hint=f"run `mscare build {'--book' if subject == 'book' else subject}`"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path} cannot be read: {error}"
        raise errors.StorageProblem(
            msg, hint="delete the folder and build again: out/ may be deleted at any time"
        ) from error


def is_of_today(manifest: model.Manifest, root: Path) -> bool:
    """Tell whether the files of content/ below `root` that it was made from are still the same."""
    written = {name: digest for name, digest in manifest.inputs.items() if name.startswith("content/")}
    return all(_digest_of(root / name) == digest for name, digest in written.items())


def altered(out: Path, manifest: model.Manifest) -> list[str]:
    """Name the files of out/<subject>/ whose bytes are not those of the manifest, or that are missing."""
    folder = out / manifest.subject
    return [name for name, digest in manifest.outputs.items() if _digest_of(folder / name) != digest]


def _digest_of(path: Path) -> str:
    try:
        return _digest(path.read_bytes())
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


def _replace(folder: Path, outputs: Iterable[model.Output]) -> None:
    """Write all files aside, then swap the folders: nobody ever sees half a build."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _disk_problem(folder, error) from error
    old = aside.with_name(aside.name + "-old")
    try:
        aside.chmod(0o755)
        for output in outputs:
            _write(aside, output)
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    except OSError as error:
        raise _disk_problem(folder, error) from error
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


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
        raise _disk_problem(path, error) from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


def _write(folder: Path, output: model.Output) -> None:
    path = (folder / output.name).resolve()
    if not path.is_relative_to(folder.resolve()):
        msg = f"a format wants to write outside its folder: {output.name}"
        raise errors.RenderProblem(msg, hint="mend the name in formats/")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(output.content)
        file.flush()
        os.fsync(file.fileno())


def _disk_problem(folder: Path, error: OSError) -> errors.StorageProblem:
    msg = f"cannot write {folder}: {error.strerror}"
    return errors.StorageProblem(msg, hint="free some space or mend the rights; what was there before is untouched")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
