"""Everything that names something else: does it exist? Also the few words that must never be missing."""

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline import markup, model

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


Known = Mapping[str, Container[str]]


def check(library: model.Library, faults: Sequence[model.Finding]) -> Iterator[model.Finding]:
    """Yield a finding for every reference that leads nowhere; `faults` of the files themselves are not told again."""
    known = _known(library, {fault.file for fault in faults if fault.code in _UNREAD})
    for article in library.articles.values():
        yield from _text(library, article.path, article.body, article.body_line, known)
        yield from _text(library, article.path, article.get_help, _line(article.path, "get_help", ""), known)
        yield from _article(library, article, known)
    for chapter in library.chapters.values():
        yield from _text(library, chapter.path, chapter.body, chapter.body_line, known)
        yield from _text(library, chapter.path, chapter.get_help, _line(chapter.path, "get_help", ""), known)
        yield from _names(library, chapter.path, "question_groups", chapter.question_groups, known["group"])
        yield from _names(library, chapter.path, "worksheet", (chapter.worksheet,), known["worksheet"])
    for spec in library.editions.values():
        yield from _text(library, spec.path, spec.intro, _line(spec.path, "intro", ""), known)
        yield from _names(library, spec.path, "lead or read_next", (spec.lead, *spec.read_next), known["article"])
    if library.book:
        yield from _names(library, library.book.path, "chapters", library.book.chapters, known["book"])
        yield from _names(library, library.book.path, "sheets", library.book.sheets, known["worksheet"])
    yield from _watched(library, known)


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


def _finding(library: model.Library, at: tuple[Path, int], code: str, message: str, hint: str) -> model.Finding:
    path, line = at
    file = path.relative_to(library.root.parent).as_posix()
    return model.Finding(code, model.Severity.BLOCK, file, line, message, hint)


def _text(library: model.Library, path: Path, body: str, body_line: int, known: Known) -> Iterator[model.Finding]:
    for ref in markup.parse(body, body_line).references:
        if ref.kind in known and ref.target not in known[ref.kind]:
            code, what, hint = _WHAT[ref.kind]
            yield _finding(library, (path, ref.line), code, f"there is no {what} {ref.target!r}", hint)
        if ref.kind == "image" and not ref.text.strip():
            message = f"the drawing {ref.target!r} has no alt text"
            hint = "say in one or two sentences what it shows: ![here](image:...)"
            yield _finding(library, (path, ref.line), "content-image-alt", message, hint)


def _article(library: model.Library, article: model.Article, known: Known) -> Iterator[model.Finding]:
    yield from _names(library, article.path, "questions", article.questions, known["question"])
    yield from _names(library, article.path, "related", article.related, known["article"])
    if article.image not in known["image"]:
        code, what, hint = _WHAT["image"]
        line = _line(article.path, "image", article.image)
        yield _finding(library, (article.path, line), code, f"there is no {what} {article.image!r}", hint)


def _watched(library: model.Library, known: Known) -> Iterator[model.Finding]:
    """Follow what recheck.toml and superseded.toml name; a source that is gone may stay listed, lest it come back."""
    path = library.root / "recheck.toml"
    for fact in library.rechecks.values():
        used = {"chapter": fact.chapters, "article": fact.articles, "citation": fact.sources}
        for kind, target in ((kind, target) for kind, targets in used.items() for target in targets):
            if target not in known[kind]:
                code, what, hint = _WHAT[kind]
                yield _finding(library, (path, fact.line), code, f"{fact.id}: there is no {what} {target!r}", hint)
    path = library.root / "superseded.toml"
    for source in library.superseded.values():
        if source.replacement and source.replacement not in known["citation"]:
            code, what, hint = _WHAT["citation"]
            message = f"{source.id}: there is no {what} {source.replacement!r} to replace it"
            yield _finding(library, (path, source.line), code, message, hint)


def _names(
    library: model.Library, path: Path, key: str, names: tuple[str, ...], known: Container[str]
) -> Iterator[model.Finding]:
    code = "content-question-unknown" if key in {"questions", "question_groups"} else "content-link-unknown"
    for name in names:
        if name not in known:
            line = _line(path, key.partition(" ")[0], name)
            yield _finding(library, (path, line), code, f"{key}: there is no {name!r}", "mend the id, or add it")


def _line(path: Path, key: str, name: str) -> int:
    """Return the line on which `name` stands after `key`, or the key's own line."""
    lines = path.read_text(encoding="utf-8").split("\n")
    start = next((i for i, line in enumerate(lines) if line.lstrip().startswith(key)), 0)
    return next((i + 1 for i in range(start, len(lines)) if name in lines[i]), start + 1)
