"""Findings as JUnit XML, which every CI server shows: one test case for each check and each file it found faulty."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET  # only writes: nothing from outside is parsed

from pipeline import checks, model

_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")  # in XML 1.0


def xml(findings: Sequence[model.Finding]) -> str:
    """Return the report, a suite for each family: what blocks fails, what is waived is skipped, a warning is told."""
    root = ET.Element("testsuites", name="mscare check")
    for family, members in checks.FAMILIES.items():
        suite = ET.SubElement(root, "testsuite", name=family)
        for check in members:
            _cases(suite, family, check.code, [finding for finding in findings if finding.code == check.code])
        _count(suite)
    _count(root)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(suite: ET.Element, family: str, code: str, findings: Sequence[model.Finding]) -> None:
    """Add a case for each file with findings, or one that passes for the whole publication."""
    if not findings:
        ET.SubElement(suite, "testcase", classname=family, name=code)
    for file in dict.fromkeys(finding.file for finding in findings):
        found = [finding for finding in findings if finding.file == file]
        case = ET.SubElement(suite, "testcase", classname=family, name=f"{code} {_clean(file)}", file=_clean(file))
        case.set("line", str(found[0].line))
        _outcome(case, code, found)


def _outcome(case: ET.Element, code: str, found: Sequence[model.Finding]) -> None:
    blocking = [finding for finding in found if finding.blocks]
    lines = "\n".join(_clean(f"{f.file}:{f.line}  {f.message}\n    {f.hint}") for f in found)
    if blocking:
        ET.SubElement(case, "failure", type=code, message=_clean(blocking[0].message)).text = lines
    elif all(finding.waived for finding in found):
        ET.SubElement(case, "skipped", message=f"waived: {_clean(found[0].message)}")
    else:
        ET.SubElement(case, "system-out").text = lines


def _count(element: ET.Element) -> None:
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        element.set(name, str(len(list(element.iter(tag)))))


def _clean(text: str) -> str:
    """Take out what no XML file may hold, such as a null character that somebody pasted."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
