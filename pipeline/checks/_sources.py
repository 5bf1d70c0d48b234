"""Every number can be looked up: claims stand beside their source, and sources are whole and still count."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline import model
from pipeline.checks import _claims, _texts
from pipeline.checks._check import BLOCK, Check

NO_SOURCE = Check(
    "source-missing",
    BLOCK,
    "Every text can be checked against its sources.",
    "cite a source of content/sources.json: [@bot2004]",
)
NUMBER = Check(
    "number-unsourced",
    BLOCK,
    "Every number that is stated as a fact can be looked up where it stands.",
    "cite the source in the same paragraph, list item or row, or say it without the number",
)
ECHO = Check(
    "number-echo",
    BLOCK,
    "A number in a summary, a caption or an edition's words is one that the text gives with its source.",
    "give the number in the text too, with its source, or say it without the number",
)
INCOMPLETE = Check(
    "source-incomplete",
    BLOCK,
    "A reader can find every source, and knows how old it is.",
    "add a URL or DOI, and the year; a page that names no year says on which day it was `accessed`",
)
RETRACTED = Check(
    "source-retracted",
    BLOCK,
    "Nothing rests on a source that was taken back.",
    "take the citation out, with what rests on it, or cite the replacement",
)
SUPERSEDED = Check(
    "source-superseded",
    BLOCK,
    "Who reads what an old guideline said learns what the new one says.",
    "cite the replacement instead, or beside it where the text tells how things have changed",
)
CHECKS = (NO_SOURCE, NUMBER, ECHO, INCOMPLETE, RETRACTED, SUPERSEDED)

_SHOWN = 60  # characters of a title that are enough to know it by


def text(text: _texts.Text, gone: Mapping[str, model.Superseded]) -> tuple[list[model.Finding], tuple[str, ...]]:
    """Return a finding for each number and citation that cannot be looked up or counts no more.

    Beside them, the words of each unit that has a source: what an edition that uses this text may repeat.
    """
    units = list(_claims.units(text.body))
    cited = tuple(unit.words for unit in units if unit.is_cited)
    return [*_numbers(text, units), *_echoes(text, cited), *_gone(gone, text)], cited


def incomplete(library: model.Library) -> Iterator[model.Finding]:
    """Yield a finding for each source that cannot be found, or whose year nobody knows."""
    for source in library.sources.values():
        if fault := _fault(source.csl):
            place = (_texts.name(library.root / "sources.json", library.root), source.line)
            yield INCOMPLETE.at(place, f"the source {source.id!r} {fault}")


# --- numbers ------------------------------------------------------------------------


def _numbers(text: _texts.Text, units: Sequence[_claims.Unit]) -> Iterator[model.Finding]:
    if not text.body.citations:
        yield NO_SOURCE.at((text.name, 0), "this text cites no source at all")
    for unit in units:
        if not unit.is_cited and (claims := _claims.found(unit.words)):
            yield NUMBER.at((text.name, unit.line), f"{claims[0]!r} has no source in its paragraph or row")


def _echoes(text: _texts.Text, cited: Sequence[str]) -> Iterator[model.Finding]:
    """Judge the words around the body, in which no citation can stand."""
    writing = text.writing
    heads = [writing.title]
    heads += [writing.summary] if isinstance(writing, model.Article) else [writing.promise, *writing.in_short]
    for words in heads:
        for claim in _alone(words, cited):
            place = (text.name, _texts.offset_line(text.raw, max(text.raw.find(words[:20]), 0)))
            yield ECHO.at(place, f"{claim!r} stands nowhere in the text beside a source")
    for inline in _texts.inlines(text.body):
        if inline.token.type == "image":
            for claim in _alone(f"{inline.token.content}\n{inline.token.attrGet('title') or ''}", cited):
                message = f"the drawing says {claim!r}, which stands nowhere in the text beside a source"
                yield ECHO.at((text.name, inline.line), message)


def edition(
    spec: model.EditionSpec, name: str, raw: str, cited: Mapping[str, Sequence[str]]
) -> Iterator[model.Finding]:
    """Yield a finding for each number in an edition's own words that no article of it gives with its source.

    `name` and `raw` are its file; `cited` holds, by slug, what each article says beside a source.
    """
    known = [words for slug in (spec.lead, *spec.read_next) for words in cited.get(slug, ())]
    own = (spec.title, spec.subject, spec.preheader, spec.intro, spec.book.heading, spec.book.text)
    for words in (*own, *([spec.sponsor.text] if spec.sponsor else [])):
        for claim in _alone(words, known):
            place = (name, _texts.offset_line(raw, max(raw.find(words[:20]), 0)))
            yield ECHO.at(place, f"{claim!r} stands in no article of this edition beside a source")


def _alone(words: str, cited: Sequence[str]) -> Iterator[str]:
    """Yield the claims of `words` that no cited paragraph repeats: all its digits, or else the words themselves."""
    for claim in _claims.found(words):
        digits, said = _claims.numbers(claim), " ".join(claim.casefold().split())
        if not any(digits <= _claims.numbers(unit) if digits else said in unit.casefold() for unit in cited):
            yield claim


# --- sources ------------------------------------------------------------------------


def _gone(superseded: Mapping[str, model.Superseded], text: _texts.Text) -> Iterator[model.Finding]:
    """A superseded source may still be cited beside its replacement: to tell what has changed."""
    known = set(text.body.citations)
    for reference in text.body.references:
        gone = superseded.get(reference.target) if reference.kind == "citation" else None
        if gone is None or (gone.kind == "superseded" and gone.replacement in known):
            continue
        instead = f"; see {gone.replacement!r}" if gone.replacement else ""
        message = f"{gone.id!r} is {gone.kind}: {gone.reason}{instead}"
        yield (RETRACTED if gone.kind == "retracted" else SUPERSEDED).at((text.name, reference.line), message)


def _fault(csl: Any) -> str:
    """Say what a CSL record lacks; "" when it has a year, or an honest day of access, and an address."""
    address, doi = str(csl.get("URL") or ""), str(csl.get("DOI") or "")
    if doi and not re.match(r"10\.\d{4,9}/\S+$", doi):
        return f"has the DOI {doi[:_SHOWN]!r}, which is none: a DOI begins with 10."
    if address and not re.match(r"https?://[^\s/]+\.[^\s/]+", address):
        return f"has the address {address[:_SHOWN]!r}, which leads nowhere"
    if not (address or doi):
        return "has no address"
    return "" if _year(csl.get("issued")) or _year(csl.get("accessed")) else "has no year"


def _year(date: Any) -> bool:
    try:
        return int(date["date-parts"][0][0]) > 0
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return False
