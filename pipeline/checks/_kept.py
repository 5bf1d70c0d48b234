"""Findings in a store: what was found before is not sought again while all that it was found in is the same."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pipeline import model, store


def findings(
    material: model.Material, kind: str, made_of: str, seek: Callable[[], Iterable[model.Finding]]
) -> list[model.Finding]:
    """Return what `seek` finds, or found before in the same; `made_of` says all that it looks at besides the mark."""
    content = store.recall(material, kind, made_of, lambda: json.dumps(rows(seek())).encode())
    return read(json.loads(content))


def rows(findings: Iterable[model.Finding]) -> list[Sequence[Any]]:
    """Return findings as plain values."""
    return [(f.code, f.severity.value, f.file, f.line, f.message, f.hint) for f in findings]


def read(rows: Iterable[Sequence[Any]]) -> list[model.Finding]:
    """Return findings from plain values; none of them is waived yet."""
    return [
        model.Finding(code, model.Severity(severity), file, line, message, hint)
        for code, severity, file, line, message, hint in rows
    ]
