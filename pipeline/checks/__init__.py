"""Checks: findings in plain words, each with a stable code, at a place that a person can edit.

One file a family. A check is a promise to the reader (`_check.Check`); docs/check-codes.md lists them all.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline import content, errors, model
from pipeline.checks import (
    _check,
    _content,
    _contrast,
    _frame,
    _full,
    _headings,
    _images,
    _inbox,
    _kept,
    _letters,
    _links,
    _mail,
    _mjml,
    _outputs,
    _pages,
    _palette,
    _parity,
    _readability,
    _review,
    _source,
    _sources,
    _sponsor,
    _styles,
    _support,
    _targets,
    _texts,
    _traces,
    _waivers,
    _words,
)
from pipeline.formats._chapters import typography

Check = _check.Check
FAMILIES: Mapping[str, tuple[Check, ...]] = {
    "Content": _content.CHECKS,
    "Review": _review.CHECKS,
    "Words": _words.CHECKS,
    "Reading": _readability.CHECKS,
    "Sources": _sources.CHECKS,
    "Letters": _letters.CHECKS,
    "Headings": _headings.CHECKS,
    "Links": _links.CHECKS,
    "Pictures": _images.CHECKS,
    "Inbox": _inbox.CHECKS,
    "Sponsor": _sponsor.CHECKS,
    "Frame": _frame.CHECKS,
    "Mail": _mail.CHECKS,
    "Look": (*_contrast.CHECKS, *_targets.CHECKS, *_support.CHECKS),
    "MJML": _mjml.CHECKS,
    "On demand": _full.CHECKS,
    "Book and site": (*_outputs.CHECKS, *_parity.CHECKS),
    "Waivers": _waivers.CHECKS,
}

fingerprint = _review.fingerprint
kept = _kept.findings
Section = _readability.Section
HARDEST, WANTED, FEWEST = _readability.HARDEST, _readability.WANTED, _readability.FEWEST


def catalogue() -> tuple[Check, ...]:
    """Return every check there is, family by family."""
    return tuple(check for family in FAMILIES.values() for check in family)


def source(library: model.Library, today: dt.date, material: model.Material | None = None) -> list[model.Finding]:
    """Check the content itself, as of `today`. What is wrong with its form, `content.load` has found already.

    What the store of `material` has of a text that is the same is not sought again; what depends on the day, always.
    """
    return _sorted(_source.check(library, today, material))


def letters(library: model.Library, templates: Path) -> list[model.Finding]:
    """Return what the book's font, in `templates`, cannot print; refuses when the font is missing."""
    return _sorted(_letters.check(library, typography.printable(templates)))


def broken(library: model.Library, templates: Path) -> list[model.Finding]:
    """Return what the book would print as code, or lose: broken Markdown and headings, drawings with strange letters.

    A build asks before it makes a page. Refuses when the font, in `templates`, is missing.
    """
    return _sorted([*_source.broken(library), *_letters.drawings(library, typography.printable(templates))])


def readability(library: model.Library, material: model.Material | None = None) -> list[Section]:
    """Return how hard each section of the articles and chapters is to read, file by file, from top to bottom.

    What the store of `material` has of a text that is the same is not measured again.
    """
    return _source.sections(library, material)


def edition(outputs: Mapping[str, bytes], edition: model.Edition, material: model.Material) -> list[model.Finding]:
    """Check a digest as it would be mailed. `outputs` are its files by name, from memory or from out/."""
    base_url = material.identity.base_url
    mail = _mail_of(outputs, edition, material)
    page = mail.page
    found = [*_mail.check(mail), *_inbox.check(mail)]
    try:
        found += _mjml.check(edition, material)
    except errors.RenderProblem as problem:
        found.append(unrendered(edition.spec, problem, material.library.root))
    if page:
        found += _frame.page(page, material.identity.language)
        found += _headings.page(page)
        found += _links.page(page, base_url, (_mail.OWN_LINK,))
        found += _images.page(page, base_url)
        found += _look(page, edition, material)
    return _sorted(found)


def full(
    material: model.Material, mails: Sequence[tuple[model.Edition, Mapping[str, bytes]]], cache: Path, now: dt.datetime
) -> _full.Full:
    """Ask what takes longer: axe in Chromium and SpamAssassin on each mail, and every external link of the library.

    `mails` are editions with their files, `cache` remembers what links answered. What is missing is told, not raised.
    """
    seen = {item.spec.slug: (_mail_of(files, item, material), files) for item, files in mails}
    made = _full.check(material.library, _texts.of(material.library), seen, cache, now)
    return dataclasses.replace(made, findings=tuple(_sorted(made.findings)))


def _mail_of(outputs: Mapping[str, bytes], edition: model.Edition, material: model.Material) -> _mail.Mail:
    origins = _origins(edition, material)
    folder = f"out/{edition.spec.slug}"
    trace = _traces.tracer(edition, material)
    page = _pages.parse(f"{folder}/{_mail.HTML}", outputs.get(_mail.HTML, b""), origins, trace)
    text = outputs.get(_mail.TEXT, b"").decode("utf-8", "replace")
    return _mail.Mail(edition, material.identity, folder, page, text, origins)


def _look(page: _pages.Page, edition: model.Edition, material: model.Material) -> Iterable[model.Finding]:
    shown, templates = _styles.computed(page), material.templates
    palette = functools.partial(_palette.palette, page, _read(templates / "tokens.toml"), edition, material)
    yield from _contrast.page(page, shown, palette)
    yield from _targets.page(page, shown[_styles.LIGHT])
    yield from _support.page(page, _read(templates / "email" / "support.toml"))


def _read(path: Path) -> str:
    return content.text(path) if path.is_file() else ""


def unrendered(spec: model.EditionSpec | model.BookSpec, problem: errors.RenderProblem, root: Path) -> model.Finding:
    """Turn what stopped the rendering of an edition or the book into a finding; `root` is the content folder."""
    return _mjml.unrendered((_texts.name(spec.path, root), 0), problem, root.parent)


def book(outputs: Mapping[str, bytes]) -> list[model.Finding]:
    """Check the book as it is built; its chapters are checked by `source`."""
    return _sorted(_outputs.book(outputs))


def site(
    outputs: Mapping[str, bytes], base_url: str, served: tuple[str, ...] = (), templates: Path | None = None
) -> list[model.Finding]:
    """Check the site as it is built; `served` are the beginnings of paths that the site answers without a file."""
    pages = sorted((templates / "web").glob("*.html")) if templates else []
    origins = {f"templates/web/{path.name}": content.text(path) for path in pages}
    return _sorted(_outputs.site(outputs, base_url, served, origins))


def parity(
    library: model.Library,
    site: Mapping[str, bytes],
    book: Mapping[str, bytes],
    mails: Mapping[str, Mapping[str, bytes]],
) -> list[model.Finding]:
    """Check that no output lost what its text says; `mails` are files by edition. What is not there is not compared."""
    return _sorted(_parity.check(library, _texts.of(library), _parity.Made(site, book, mails)))


def apply(findings: Sequence[model.Finding], waivers: Sequence[model.Waiver]) -> list[model.Finding]:
    """Mark the findings that a waiver covers, and add one for each waiver that is unknown or covers nothing.

    Give it the findings of a whole run: a waiver for what was not looked at would seem to be of no use.
    """
    return _sorted(_waivers.apply(findings, waivers, {check.code for check in catalogue()}))


def only(findings: Iterable[model.Finding], paths: Sequence[Path], root: Path) -> list[model.Finding]:
    """Keep the findings at or below `paths`; `root` is the folder that findings' files are counted from."""
    wanted = [path.resolve() for path in paths]
    return [
        finding for finding in findings if any((root.resolve() / finding.file).is_relative_to(path) for path in wanted)
    ]


def _origins(edition: model.Edition, material: model.Material) -> dict[str, str]:
    """Return the files that a digest's words come from, most likely first: what a finding points at."""
    written = [edition.spec.path, *(article.path for article in edition.articles)]
    found = {_texts.name(path, material.library.root): content.text(path, material.library) for path in written}
    templates = (path for name in ("email", "text") for path in sorted((material.templates / name).rglob("*")))
    for path in templates:
        if path.suffix in {".j2", ".toml"}:
            found[f"templates/{path.relative_to(material.templates).as_posix()}"] = content.text(path)
    return found


def _sorted(findings: Iterable[model.Finding]) -> list[model.Finding]:
    """Order findings by place; the same fault found twice at one place is one finding."""
    return sorted(dict.fromkeys(findings), key=lambda f: (f.file, f.line, f.code, f.message))
