"""Everything that names something else: does it exist? Also the few words that must never be missing."""

import urllib.parse
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path

from pipeline import markup, model
from pipeline.content import _files

_WHAT = {
    "citation": ("content-source-unknown", "source", "add it to content/sources.json, or mend the id"),
    "term": ("content-term-unknown", "glossary term", "add it to content/glossary.toml, or mend the id"),
    "chapter": ("content-link-unknown", "chapter", "use the slug of a chapter named in content/book/book.toml"),
    "article": ("content-link-unknown", "article", "use the slug of a file in content/articles/"),
    "image": ("content-image-missing", "drawing", "put the SVG file into content/images/, or mend the name"),
}


_UNREAD = frozenset({"content-unreadable", "content-encoding", "content-syntax"})


class _Everything:
    """Stands for a bank that could not be read: its own finding is enough, and nothing is said of what it may hold."""

    def __contains__(self, name: object) -> bool:
        return True


Line = Callable[[_files.Desk, Path], int]
Known = Mapping[str, Container[str]]


def check(desk: _files.Desk, library: model.Library) -> Iterator[model.Finding]:
    """Yield a finding for every reference that leads nowhere; faults of the files themselves are not told again."""
    known = _known(library, {fault.file for fault in desk.findings if fault.code in _UNREAD})
    for article in library.articles.values():
        yield from _text(desk, article.path, article.body, article.body_line, known)
        yield from _text(desk, article.path, article.get_help, _help_line, known)
        yield from _article(desk, article, known)
    for chapter in library.chapters.values():
        at = (desk, chapter.path)
        yield from _text(desk, chapter.path, chapter.body, chapter.body_line, known)
        yield from _text(desk, chapter.path, chapter.get_help, _help_line, known)
        yield from _names(*at, "question_groups", chapter.question_groups, known["group"])
        yield from _names(*at, "worksheet", (chapter.worksheet,), known["worksheet"])
    for spec in library.editions.values():
        yield from _text(desk, spec.path, spec.intro, _intro_line, known)
        named = (spec.lead, *spec.read_next)
        yield from _names(desk, spec.path, "lead or read_next", named, known["article"])
    if library.book:
        at = (desk, library.book.path)
        yield from _names(*at, "chapters", library.book.chapters, known["book"])
        yield from _names(*at, "sheets", library.book.sheets, known["worksheet"])
    yield from _watched(desk, library, known)


def _known(library: model.Library, unread: Container[str]) -> Known:
    """Map each kind of name to those that exist. A text whose file is faulty exists: its own findings say the rest."""
    root = library.root
    articles = {path.stem for path in (root / "articles").glob("*.md")}
    chapters = {path.stem.partition("-")[2] for path in (root / "book").glob("*.md")}
    banks: dict[str, tuple[str, Container[str]]] = {
        "citation": ("sources.json", library.sources),
        "term": ("glossary.toml", library.terms),
        "question": ("questions.toml", library.questions),
        "group": ("questions.toml", library.groups),
        "worksheet": ("worksheets.toml", library.worksheets),
    }
    read = {kind: _Everything() if f"{root.name}/{file}" in unread else ids for kind, (file, ids) in banks.items()}
    in_book = chapters & set(library.book.chapters) if library.book else chapters
    images = {path.name for path in (root / "images").glob("*.svg")}
    return {**read, "article": articles, "book": chapters, "chapter": in_book, "image": images}


def _finding(desk: _files.Desk, at: tuple[Path, int], code: str, message: str, hint: str) -> model.Finding:
    path, line = at
    return model.Finding(code, model.Severity.BLOCK, desk.name(path), line, message, hint)


def _nowhere(kind: str, target: str) -> tuple[str, str, str]:
    """Return code, message and hint for a name that stands for nothing. A file may be there that cannot be meant."""
    code, what, hint = _WHAT[kind]
    if kind == "image" and not target.endswith(".svg"):
        hint = "draw it as SVG, put that into content/images/, and name it here"
        return code, f"{target!r} is not an SVG file, and a drawing is one", hint
    if kind == "image" and "%" in target:  # Markdown has written its letters as numbers
        name = urllib.parse.unquote(target)
        hint = "rename the file, for example nerve-fiber.svg, and write that name here"
        return code, f"{name!r} is no name for a drawing: a link holds only a to z, 0 to 9, - and .", hint
    return code, f"there is no {what} {target!r}", hint


def _text(desk: _files.Desk, path: Path, text: str, first: int | Line, known: Known) -> Iterator[model.Finding]:
    for ref in markup.outline(text).references:
        if (ref.kind not in known or ref.target in known[ref.kind]) and (ref.kind != "image" or ref.text.strip()):
            continue
        line = (first if isinstance(first, int) else desk.kept(first, path)) + ref.line - 1
        if ref.kind in known and ref.target not in known[ref.kind]:
            yield _finding(desk, (path, line), *_nowhere(ref.kind, ref.target))
        if ref.kind == "image" and not ref.text.strip():
            message = f"the drawing {ref.target!r} has no alt text"
            hint = "say in one or two sentences what it shows: ![here](image:...)"
            yield _finding(desk, (path, line), "content-image-alt", message, hint)


def _article(desk: _files.Desk, article: model.Article, known: Known) -> Iterator[model.Finding]:
    yield from _names(desk, article.path, "questions", article.questions, known["question"])
    yield from _names(desk, article.path, "related", article.related, known["article"])
    if article.image not in known["image"]:
        line = _line(desk, article.path, "image", article.image)
        yield _finding(desk, (article.path, line), *_nowhere("image", article.image))


def _watched(desk: _files.Desk, library: model.Library, known: Known) -> Iterator[model.Finding]:
    """Follow what recheck.toml and superseded.toml name; a source that is gone may stay listed, lest it come back."""
    path = library.root / "recheck.toml"
    for fact in library.rechecks.values():
        used = {"chapter": fact.chapters, "article": fact.articles, "citation": fact.sources}
        for kind, target in ((kind, target) for kind, targets in used.items() for target in targets):
            if target not in known[kind]:
                code, what, hint = _WHAT[kind]
                yield _finding(desk, (path, fact.line), code, f"{fact.id}: there is no {what} {target!r}", hint)
    path = library.root / "superseded.toml"
    for source in library.superseded.values():
        if source.replacement and source.replacement not in known["citation"]:
            code, what, hint = _WHAT["citation"]
            message = f"{source.id}: there is no {what} {source.replacement!r} to replace it"
            yield _finding(desk, (path, source.line), code, message, hint)


def _names(
    desk: _files.Desk, path: Path, key: str, names: tuple[str, ...], known: Container[str]
) -> Iterator[model.Finding]:
    code = "content-question-unknown" if key in {"questions", "question_groups"} else "content-link-unknown"
    for name in names:
        if name not in known:
            line = _line(desk, path, key.partition(" ")[0], name)
            yield _finding(desk, (path, line), code, f"{key}: there is no {name!r}", "mend the id, or add it")


def _help_line(desk: _files.Desk, path: Path) -> int:
    return _line(desk, path, "get_help")


def _intro_line(desk: _files.Desk, path: Path) -> int:
    return _line(desk, path, "intro")


def _line(desk: _files.Desk, path: Path, key: str, name: str = "") -> int:
    """Return the line on which `name` stands after `key`, or the key's own line."""
    lines = (desk.text(path) or "").split("\n")
    start = next((i for i, line in enumerate(lines) if line.lstrip().startswith(key)), 0)
    return next((i + 1 for i in range(start, len(lines)) if name in lines[i]), start + 1)
