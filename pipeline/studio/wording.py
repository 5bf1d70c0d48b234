"""What a page says, in plain words: states, findings, sizes, what an inbox cuts off. Pure."""

import dataclasses
import datetime as dt
import json
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence

from pipeline import checks, model, templating
from pipeline.checks import _mail
from pipeline.studio import looks, panes, places

SUBJECT_SEEN, PREHEADER_SEEN = 40, 90  # characters on a phone: one line, and two
LINE_SEEN = 90  # characters of subject and preheader together in one line on a computer

FAMILIES = {
    "Content": "Files",
    "Review": "Review and dates",
    "Words": "Words and sources",
    "Inbox": "Subject and preheader",
    "Frame": "Language",
    "Mail": "Completeness",
    "MJML": "Layout",
}
"""What the families of checks are called here, where their own names say little."""

OF_A_MAIL = tuple(name for name in checks.FAMILIES if name not in {"On demand", "Book and site"})  # what is asked here
OF_THE_BOOK = ("Content", "Review", "Words", "Headings", "Links", "Pictures", "Book and site", "Waivers")


@dataclasses.dataclass(frozen=True, slots=True)
class Light:
    """A traffic light: `level` is stop, warn, good or off."""

    level: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One finding of the checklist. `seen` are words by which its place in the mail is found; `target` is where."""

    level: str
    sentence: str
    place: str
    hint: str
    code: str
    passed: str
    seen: str
    is_inbox: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Checklist:
    """All findings, the blocking ones first, and the names of what is in order."""

    items: tuple[Item, ...]
    in_order: tuple[str, ...]
    checks: int


@dataclasses.dataclass(frozen=True, slots=True)
class Inbox:
    """What an inbox shows; each text as the part that is seen and the part that is cut off.

    `lengths` are those of the whole subject and the whole preheader, in characters.
    """

    sender: str
    address: str
    subject: tuple[str, str]
    preheader: tuple[str, str]
    line: tuple[str, str, str]
    lengths: tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """How large the mail is; positions on the meter are in thousands of bytes."""

    light: Light
    kilobytes: float
    warn: int
    most: int


@dataclasses.dataclass(frozen=True, slots=True)
class Stand:
    """A blocking finding that a person may let pass with a reason."""

    code: str
    file: str
    sentences: tuple[str, ...]


# --- states ---------------------------------------------------------------------


def moment(at: dt.datetime) -> str:
    """Write a moment, with its time zone."""
    return f"{templating.day(at)}, {at:%H:%M} UTC"


def verdict(look: looks.Look, given: Sequence[model.Waiver] = ()) -> Light:
    """Say in one sentence whether this edition could go out as it is."""
    if look.trouble:
        return Light("stop", "Cannot be rendered until a fault is mended")
    return counted(look.findings, given)


def counted(findings: Iterable[model.Finding], given: Sequence[model.Waiver] = ()) -> Light:
    """Say how many findings there are of the kind that matters most."""
    findings = list(findings)
    open_ = [f for f in findings if not f.waived and not any(w.covers(f) for w in given)]
    blocking = sum(f.blocks for f in open_)
    warnings = sum(f.severity is model.Severity.WARNING for f in open_)
    if blocking:
        return Light("stop", f"{_count(blocking, 'thing')} must be mended")
    if warnings:
        return Light("warn", f"{_count(warnings, 'thing')} worth a look, nothing in the way")
    if passed := len(findings) - len(open_):
        return Light("good", f"Nothing in the way, {passed} let pass")
    return Light("good", "All checks pass")


def approval(look: looks.Look, standing: looks.Standing) -> Light:
    """Say whether exactly what is shown is approved."""
    given = standing.approval
    if given is None:
        return Light("off", "Not approved yet")
    if given.digest != look.digest or look.trouble:
        return Light("warn", "Changed since it was approved")
    return Light("good", f"Approved by {given.by}")


def plans(standing: looks.Standing) -> Iterator[Light]:
    """Say when the edition goes out, or what became of it."""
    due, send = standing.due, standing.send
    if send:
        words = {
            model.SendState.SENDING: ("warn", "Being sent"),
            model.SendState.PAUSED: ("warn", "Sending is paused"),
            model.SendState.SENT: ("good", "Sent"),
            model.SendState.NEEDS_REVIEW: ("stop", "Sent in part: a person must decide about the rest"),
        }
        yield Light(*words[send.state])
    elif due and due.state is model.ScheduleState.WAITING:
        local = due.due_at.astimezone(zoneinfo.ZoneInfo(due.zone))
        yield Light("off", f"Goes out {templating.day(local)}, {local:%H:%M} ({due.zone})")
    elif due and due.state is model.ScheduleState.REFUSED:
        yield Light("stop", f"Was not sent: {due.note}")


def in_force(look: looks.Look, standing: looks.Standing) -> tuple[model.Waiver, ...]:
    """Return the waivers that were given with an approval of exactly these bytes."""
    given = standing.approval
    return given.waivers if given and given.digest == look.digest else ()


# --- the checklist --------------------------------------------------------------


def checklist(
    findings: Iterable[model.Finding],
    waivers: Sequence[model.Waiver],
    families: Sequence[str],
    look: looks.Look | None = None,
) -> Checklist:
    """Put findings in order and words, and name the families in which none was found; `look` gives their places."""
    items = sorted((_item(finding, waivers, look) for finding in findings), key=_rank)
    found = {item.code for item in items if item.level != "off"}
    in_order = [FAMILIES.get(n, n) for n in families if found.isdisjoint(c.code for c in checks.FAMILIES[n])]
    return Checklist(tuple(items), tuple(in_order), sum(len(checks.FAMILIES[name]) for name in families))


def stands(findings: Iterable[model.Finding]) -> tuple[Stand, ...]:
    """Group what blocks by what one waiver would cover: a code in a file."""
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        if finding.blocks:
            groups.setdefault((finding.code, finding.file), []).append(sentence(finding.message))
    return tuple(Stand(code, file, tuple(dict.fromkeys(told))) for (code, file), told in groups.items())


_ORDER = ("stop", "warn", "off", "passed")
_INBOX = frozenset(check.code for check in checks.FAMILIES["Inbox"])
_FORM = frozenset(check.code for check in checks.FAMILIES["Content"])


def _rank(item: Item) -> tuple[int, bool]:
    """What blocks comes first; before it, what keeps a file from being read at all."""
    return _ORDER.index(item.level), item.code not in _FORM


def _item(finding: model.Finding, waivers: Sequence[model.Waiver], look: looks.Look | None) -> Item:
    waiver = next((w for w in waivers if w.covers(finding)), None)
    level = {model.Severity.BLOCK: "stop", model.Severity.WARNING: "warn", model.Severity.INFO: "off"}[finding.severity]
    is_passed = finding.waived or waiver is not None
    mail = look.outputs.get(panes.HTML, b"").decode("utf-8", "replace") if look and not is_passed else ""
    return Item(
        level="passed" if is_passed else level,
        sentence=sentence(finding.message),
        place=f"{finding.file}, line {finding.line}" if finding.line else finding.file,
        hint=sentence(finding.hint),
        code=finding.code,
        passed=f"Let pass by {waiver.by}: {waiver.reason}" if waiver else "",
        seen=places.words(finding, look.spec.path.parents[2], mail) if look and look.spec and mail else "",
        is_inbox=finding.code in _INBOX,
    )


def sentence(text: str) -> str:
    """Begin with a capital, where the first word is one that can bear it, and end with a full stop."""
    first = text.partition(" ")[0]
    return ended(text[:1].upper() + text[1:] if first.isalpha() else text)


def ended(text: str) -> str:
    """End with a full stop, unless it ends already."""
    return text if text.endswith((".", "!", "?", ":")) or not text else f"{text}."


# --- the inbox and the size -----------------------------------------------------


def inbox(message: bytes) -> Inbox | None:
    """Return what an inbox shows of message.json; None when there is none."""
    if not message:
        return None
    head = json.loads(message)
    subject, preheader = str(head["subject"]), str(head["preheader"])
    left = max(0, LINE_SEEN - len(subject))
    return Inbox(
        sender=str(head["sender_name"]),
        address=str(head["sender"]),
        subject=_cut(subject, SUBJECT_SEEN),
        preheader=_cut(preheader, PREHEADER_SEEN),
        line=(subject[:LINE_SEEN], *_cut(preheader, left)),
        lengths=(len(subject), len(preheader)),
    )


def _cut(text: str, most: int) -> tuple[str, str]:
    return (text[:most].rstrip(), text[most:].lstrip()) if len(text) > most else (text, "")


def size(mail: bytes) -> Size:
    """Weigh the mail against the lines at which Gmail hides its end."""
    warn, most = _mail.WARN_BYTES // 1000, _mail.MOST_BYTES // 1000
    weight = len(mail) / 1000
    if weight > most:
        light = Light("stop", "Too large: Gmail would hide its end, and with it the unsubscribe link")
    elif weight > warn:
        light = Light("warn", "Near the line at which Gmail hides the end of a mail")
    else:
        light = Light("good", f"Well below {most} KB, where Gmail would hide its end")
    return Size(light, round(weight, 1), warn, most)


def fingerprint(digest: str) -> str:
    """Write the beginning of a digest so that two people can compare it aloud."""
    return " ".join(digest[start : start + 4] for start in (0, 4, 8))


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
