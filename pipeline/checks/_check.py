"""What a check is: one promise to the reader with a stable code. Its findings all have its severity."""

import dataclasses

from pipeline import model

BLOCK, WARNING = model.Severity.BLOCK, model.Severity.WARNING

Place = tuple[str, int]
"""A file a person can edit, by its path from the project's folder, and a line; 0 means the whole file."""


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """A check: `code` never changes, since waivers name it; `promise` says what it protects; `hint`, what to do."""

    code: str
    severity: model.Severity
    promise: str
    hint: str

    def at(self, place: Place, message: str, hint: str = "") -> model.Finding:
        """Make a finding of this check; a hint that fits the place better replaces the general one."""
        return model.Finding(self.code, self.severity, *place, message, hint or self.hint)
