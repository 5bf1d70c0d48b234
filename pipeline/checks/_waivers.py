"""A waiver lets a finding pass in the open: it names the code, the reason and the person."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence

from pipeline import model
from pipeline.checks._check import BLOCK, WARNING, Check

FILE = "content/waivers.toml"
UNKNOWN = Check(
    "waiver-unknown",
    BLOCK,
    "No waiver looks as if it let something pass, and lets nothing pass.",
    "write one of the codes of docs/check-codes.md, or take the waiver out",
)
UNUSED = Check(
    "waiver-unused",
    WARNING,
    "A waiver goes when its reason has gone, before it covers something else.",
    "take the waiver out",
)
CHECKS = (UNKNOWN, UNUSED)


def apply(
    findings: Sequence[model.Finding], waivers: Sequence[model.Waiver], codes: Collection[str]
) -> list[model.Finding]:
    """Mark what is waived, and add a finding for each waiver that is unknown or covers nothing."""
    marked = [
        dataclasses.replace(finding, waived=finding.waived or any(waiver.covers(finding) for waiver in waivers))
        for finding in findings
    ]
    return [*marked, *_useless(findings, waivers, codes)]


def _useless(
    findings: Sequence[model.Finding], waivers: Sequence[model.Waiver], codes: Collection[str]
) -> Iterator[model.Finding]:
    for waiver in waivers:
        place = (FILE, waiver.line)
        if waiver.code not in codes:
            yield UNKNOWN.at(place, f"there is no check {waiver.code!r}")
        elif not any(waiver.covers(finding) for finding in findings):
            where = f" in {waiver.file}" if waiver.file else ""
            yield UNUSED.at(place, f"nothing was found that this waiver covers: {waiver.code}{where}")
