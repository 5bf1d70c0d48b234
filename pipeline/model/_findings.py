"""Findings and the decisions about them."""

import dataclasses
import enum
import fnmatch


class Severity(enum.StrEnum):
    """How much a finding matters."""

    BLOCK = "block"  # a reader would be harmed or lost: nothing is sent until mended or waived
    WARNING = "warning"  # worth mending; never stops anything
    INFO = "info"  # good to know


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found, at a place that a person can edit. `line` is 1-based; 0 means the whole file."""

    code: str
    severity: Severity
    file: str
    line: int
    message: str
    hint: str
    waived: bool = False

    @property
    def blocks(self) -> bool:
        """True when this stops a send."""
        return self.severity is Severity.BLOCK and not self.waived


@dataclasses.dataclass(frozen=True, slots=True)
class Waiver:
    """A person's decision to let a finding pass, with the reason; `file` "" means every file, `*` is any text in it."""

    code: str
    file: str
    reason: str
    by: str
    line: int = 0  # where it stands in content/waivers.toml; 0 when it was given with an approval

    def covers(self, finding: Finding) -> bool:
        """True when this lets the finding pass."""
        return self.code == finding.code and (not self.file or fnmatch.fnmatchcase(finding.file, self.file))
