"""content/ -> Library: the only reader of content/. Every fault of every file is found in one run."""

import dataclasses
from pathlib import Path

from pipeline import errors, model
from pipeline.content import _banks, _corrections, _drawings, _files, _index, _references, _tables, _texts, _watch


def load(root: Path) -> tuple[model.Library, list[model.Finding]]:
    """Read all of `root` (the content/ folder) and return what is sound, with a finding for everything that is not.

    Refuses only when there is no such folder. A text with a blocking finding in its head is left out of the
    library, so that what is in it can be trusted.
    """
    if not root.is_dir():
        msg = f"there is no content folder at {root}"
        raise errors.UsageProblem(msg, hint="run the command in the project's folder, or name it with --config FILE")
    desk = _files.Desk(root)
    groups = _banks.groups(desk)
    library = model.Library(
        root=root,
        articles=_texts.articles(desk),
        chapters=_texts.chapters(desk),
        editions=_texts.editions(desk),
        book=_texts.book(desk),
        sources=_banks.sources(desk),
        questions={q.id: q for group in groups.values() for q in group.questions},
        groups=groups,
        terms=_banks.terms(desk),
        worksheets=_banks.worksheets(desk),
        waivers=_banks.waivers(desk),
        images=_drawings.images(desk),
        names=_watch.names(desk),
        rechecks=_watch.rechecks(desk),
        superseded=_watch.superseded(desk),
    )
    corrections = _corrections.corrections(desk, library)
    library = dataclasses.replace(library, index=_index.index(desk, library), corrections=corrections)
    _index.waymarks(desk, library)
    _tables.check(desk, library)
    desk.findings.extend(list(_references.check(desk, library)))
    library = dataclasses.replace(library, files={desk.name(path): data for path, data in desk.read.items()})
    return library, sorted(desk.findings, key=lambda f: (f.file, f.line, f.code, f.message))


def text(path: Path, library: model.Library | None = None) -> str:
    """Return a file, for naming lines: as it was when `library` was read, else as it stands.

    It is "" when it cannot be read: `load` has said so.
    """
    known = library.files.get(path.relative_to(library.root.parent).as_posix()) if library else None
    try:
        return (path.read_bytes() if known is None else known).decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return ""
