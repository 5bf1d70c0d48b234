"""The log of corrections: mistakes that readers may have seen, told in the open."""

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

import pydantic

from pipeline import model
from pipeline.content import _banks, _files
from pipeline.content._banks import Strict, Text

FILE = "corrections.toml"


class _Correction(Strict):
    date: dt.date
    item: Annotated[str, pydantic.Field(pattern=r"^(book|(article|chapter|edition):[a-z0-9]+(-[a-z0-9]+)*)$")]
    wrong: Text
    changed: Text


def _entries(desk: _files.Desk, path: Path) -> list[tuple[_Correction, int]]:
    return _banks.tables(desk, path, "correction", _Correction)


def corrections(desk: _files.Desk, library: model.Library) -> tuple[model.Correction, ...]:
    """Read corrections.toml, when there is one, newest first; an item that does not exist is a finding."""
    path = desk.root / FILE
    if not path.exists():
        return ()
    known: Mapping[str, Collection[str]] = {
        "article": library.articles,
        "chapter": library.chapters,
        "edition": library.editions,
        "book": ("",),
    }
    found = []
    for entry, line in desk.kept(_entries, path):
        kind, _, slug = entry.item.partition(":")
        if slug in known[kind]:
            found.append(model.Correction(entry.date, kind, slug, entry.wrong, entry.changed, line))
        else:
            message = f"a correction of the {kind} {slug!r}, which does not exist or has a fault of its own"
            desk.block("content-link-unknown", path, line, message, "write article:, chapter: or edition: and its slug")
    return tuple(sorted(found, key=lambda entry: (entry.date, entry.line), reverse=True))
