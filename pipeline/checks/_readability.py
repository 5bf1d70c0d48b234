"""How hard each section is to read: the Flesch-Kincaid grade, the US school year in which a text is easy.

    grade = 0.39 x words a sentence + 11.8 x syllables a word - 15.59

- A section is what stands under one ## heading, or before the first; a chapter's opening box and the "when to get
  help" lines are sections too. The end of a paragraph, of a list item and of a cell ends a sentence. Headings and
  cells that are no sentences are left out.
- A medical name counts as a word of its sentence, and its syllables count for nothing, when the glossary or
  content/names.toml explains it. `unaided` is the grade without that help.
- A section of fewer than FEWEST words is listed and not judged: on so few words the formula says little.
"""

import dataclasses
import functools
import re
import string
from collections.abc import Iterable, Iterator, Sequence

from pipeline import markup, model
from pipeline.checks import _syllables, _texts
from pipeline.checks._check import BLOCK, WARNING, Check

HARDEST = 9.0  # US grades: above it nothing goes out
WANTED = 8.0
FEWEST = 30  # words

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # unlike str.lower, never changes a length
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)

_HINT = "shorten its longest sentence, choose shorter words, or explain a medical name in content/glossary.toml"
TOO_HARD = Check("section-too-hard", BLOCK, f"No section is harder to read than US grade {HARDEST:g}.", _HINT)
HARD = Check("section-hard", WARNING, f"Sections can be read by who left school at grade {WANTED:g}.", _HINT)
NAME = Check(
    "name-unused",
    WARNING,
    "Only names that readers meet are spared the count of their syllables.",
    "take the name out of content/names.toml",
)
CHECKS = (TOO_HARD, HARD, NAME)


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One section: `path` and `line` of its heading, its words, its grade, and its grade with every name counted."""

    path: str
    line: int
    heading: str
    words: int
    grade: float
    unaided: float
    longest: str

    @property
    def is_judged(self) -> bool:
        """True when the section has enough words for the formula."""
        return self.words >= FEWEST


@dataclasses.dataclass(frozen=True, slots=True)
class _Count:
    """What a block adds up to; `syllables` are those of the `plain` words, `all_syllables` those of all words."""

    sentences: int
    words: int
    plain: int
    syllables: int
    all_syllables: int
    longest: str
    names: frozenset[str]


def sections(text: _texts.Text, names: frozenset[str]) -> tuple[list[Section], frozenset[str]]:
    """Return every section of a text, from top to bottom, and those of the `names` that stand in it."""
    parts = [(line, heading, [_count(block, names) for block in blocks]) for line, heading, blocks in _parts(text)]
    used = frozenset[str]().union(*(count.names for _, _, counts in parts for count in counts))
    return [_section(text.name, line, heading, counts) for line, heading, counts in parts if counts], used


def check(found: Sequence[Section]) -> Iterator[model.Finding]:
    """Yield a finding for each section that is hard to read."""
    for section in found:
        grade = f"{section.grade:.1f}"
        message = f"{section.heading!r} reads at grade {grade}; its longest sentence: {_short(section.longest)!r}"
        if section.is_judged and section.grade > HARDEST:
            yield TOO_HARD.at((section.path, section.line), message)
        elif section.is_judged and section.grade > WANTED:
            yield HARD.at((section.path, section.line), message)


def unused(library: model.Library, used: frozenset[str]) -> Iterator[model.Finding]:
    """Yield a finding for each allowed name that is not `used` in any section, or explained elsewhere already."""
    explained = {word.translate(_LOWER) for term in library.terms.values() for word in _words_of(term.name, term.also)}
    for name in library.names.values():
        words = {word.translate(_LOWER) for word in _words_of(name.name, name.also)}
        place = (_texts.name(library.root / "names.toml", library.root), name.line)
        if words <= explained:
            yield NAME.at(place, f"{name.name!r} has its entry in the glossary already")
        elif not words & used:
            yield NAME.at(place, f"{name.name!r} stands in no sentence of an article or chapter")


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 70 else f"{sentence[:67]}..."  # noqa: PLR2004  enough to find it


# --- what is counted ----------------------------------------------------------------


def _parts(text: _texts.Text) -> Iterator[tuple[int, str, list[str]]]:
    """Yield each section's line, heading and blocks of words."""
    writing = text.writing
    if isinstance(writing, model.Chapter):
        yield text.line("promise"), "In short", [writing.promise, *writing.in_short]
    yield text.line("get_help"), "When to get help", _blocks(text.get_help)
    heading = (writing.body_line, "The opening")
    blocks: list[str] = []
    for line, level, words in _lines(text.body):
        if level == 2:  # noqa: PLR2004  h2
            yield *heading, blocks
            heading, blocks = (line, words), []
        elif not level:
            blocks.append(words)
    yield *heading, blocks


def _blocks(document: markup.Document) -> list[str]:
    return [words for _, level, words in _lines(document) if not level]


def _lines(document: markup.Document) -> Iterator[tuple[int, int, str]]:
    """Yield line, level and words of each heading, and of each paragraph, list item and cell with level 0."""
    level, in_cell = 0, False
    for token in document.tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = int(token.tag[1]) if token.nesting == 1 else 0
        elif token.type in {"td_open", "td_close", "th_open", "th_close"}:
            in_cell = token.nesting == 1
        elif token.type == "inline":
            words = markup.plain([token]).strip()
            if words and (not in_cell or words.endswith((".", "!", "?"))):
                yield document.first_line + (token.map[0] if token.map else 0), level, words


def _section(path: str, line: int, heading: str, counts: Iterable[_Count]) -> Section:
    found = list(counts)
    words = sum(count.words for count in found)
    sentences = sum(count.sentences for count in found)
    plain, syllables = sum(count.plain for count in found), sum(count.syllables for count in found)
    return Section(
        path=path,
        line=line,
        heading=heading,
        words=words,
        grade=grade(sentences, words, syllables / max(plain, 1)),
        unaided=grade(sentences, words, sum(count.all_syllables for count in found) / max(words, 1)),
        longest=max((count.longest for count in found), key=lambda sentence: len(_syllables.words(sentence))),
    )


def grade(sentences: int, words: int, syllables: float) -> float:
    """Return the Flesch-Kincaid grade, to one place; `syllables` are those of a word on average. Nothing is grade 0."""
    return round(max(0.0, 0.39 * words / max(sentences, 1) + 11.8 * syllables - 15.59), 1) if words else 0.0


@functools.lru_cache(maxsize=8192)  # a preview measures everything again after every key stroke
def _count(block: str, names: frozenset[str]) -> _Count:
    sentences = [sentence for sentence in _syllables.sentences(block) if _syllables.words(sentence)]
    words = [word for sentence in sentences for word in _syllables.words(sentence)]
    rest, used = _without(block, names)
    plain = _syllables.words(rest)
    return _Count(
        sentences=len(sentences),
        words=len(words),
        plain=len(plain),
        syllables=sum(map(_syllables.syllables, plain)),
        all_syllables=sum(map(_syllables.syllables, words)),
        longest=max(sentences, key=lambda sentence: len(_syllables.words(sentence)), default=""),
        names=used,
    )


def names(library: model.Library) -> frozenset[str]:
    """Return the names whose syllables do not count, in all spellings."""
    items: tuple[model.Term | model.Name, ...] = (*library.terms.values(), *library.names.values())
    return frozenset(word for item in items for word in _words_of(item.name, item.also))


def _without(block: str, names: frozenset[str]) -> tuple[str, frozenset[str]]:
    """Take the names out of a block; an abbreviation, all in capitals, is one only when it is written so."""
    kept, used, end = [], set(), 0
    for match in _compiled(names).finditer(block.translate(_LOWER)):
        found = block[match.start() : match.end()]
        if match[0].translate(_UPPER) not in names or found.isupper():
            kept.append(block[end : match.start()])
            used.add(match[0])
            end = match.end()
    return " ".join([*kept, block[end:]]), frozenset(used)


@functools.lru_cache(maxsize=8)
def _compiled(names: frozenset[str]) -> re.Pattern[str]:
    """Match any name in small letters, the longest first: without a flag this is five times as fast."""
    ordered = sorted({name.translate(_LOWER) for name in names}, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ordered))})(?!\w)" if ordered else r"(?!)")


def _words_of(name: str, also: Iterable[str]) -> list[str]:
    """Return all spellings; "Lesion (plaque)" gives both."""
    outer, _, inner = name.partition("(")
    return [word for word in (outer.strip(), inner.strip(" )"), *also) if word]
