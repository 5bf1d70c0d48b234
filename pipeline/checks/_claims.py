"""Which words state a number as a fact, and where each paragraph, list item, row and caption has its source."""

import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from pipeline import markup

_DIGITS = r"\d[\d,.]{0,15}"  # bounded, as all that follows: a pasted page must not stop the checks
_COUNT = rf"(?:{_DIGITS}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty)"
_WHO = (
    "people|patients|participants|adults|children|women|men|girls|boys|babies|pregnancies|cases|deaths|studies|"
    "trials|countries|clinics|centers|lesions|relapses|scans"
)
_UNIT = (
    "seconds?|minutes?|hours?|days?|weeks?|months?|years?|degrees?|°[CF]?|tesla|mm|cm|km|miles?|feet|inches|"
    "kilos?|kg|pounds|calories|points"
)
_STUDY = "study|studies|trial|survey|cohort|review|guideline|guidance|register|atlas|analysis|rules|criteria|law|alert"
_YEAR = r"\b(?:19|20)\d\d\b"

# Not here, so needing no source: phone numbers, chapters, scales ("from 0 to 10"), names that hold a digit (B12),
# how many questions or steps a list has, a day by itself, small counts in words ("two or three days"), and how soon
# to act ("within 24 hours"), which is advice and no finding.
CLAIM = re.compile(
    rf"""\b{_DIGITS}\s?%|\b(?:{_COUNT}\s+)?per\s?cent\b                                  # 83 %
    |\b{_COUNT}\s+(?:in|out\s+of|of\s+every)\s+(?:every\s+)?{_COUNT}\b                # 83 in 100, one in three
    |\b(?:half|thirds?|quarters?)\s+of\s+(?:all|them|those|the\s+)?(?:\s?{_WHO})?     # more than half of them
    |\b{_DIGITS}(?:\s+[a-z-]+)?\s+(?:{_WHO})\b                                        # 104 people, 30 small trials
    |\b{_DIGITS}(?:-fold|\s+times\b)|\btwice\s+as\b                                   # 2.6 times as likely
    |(?<!within\s)\b{_DIGITS}(?:\s+(?:to|or|and)\s+{_DIGITS})?[\s-]?(?:{_UNIT})\b     # 4 to 6 weeks, 3 tesla
    |\bage[ds]?\s+(?:of\s+|about\s+|under\s+|over\s+)*\d+                             # ages 20 to 50
    |\b\d{{1,3}}(?:,\d{{3}})+\b|\b{_COUNT}\s+(?:thousand|million|billion)\b|\bper\s+\d   # 2.8 million, per 100,000
    |[$£€]\s?\d                                                                       # $2,000
    |\b(?:{_STUDY})\b[^.]{{0,200}}{_YEAR}|{_YEAR}[^.]{{0,200}}\b(?:{_STUDY})\b    # a study with its year
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """A paragraph, a list item or a row: its line, its words, and whether a source covers it."""

    line: int
    words: str
    is_cited: bool


def units(document: markup.Document) -> Iterator[Unit]:
    """Yield every unit; headings and made-up examples claim nothing.

    A list is covered by the sentence with a colon that leads to it, a table by the paragraph before it, and the heads
    of a table's columns by the sources in its cells.
    """
    walk = _Walk(document)
    for index, token in enumerate(document.tokens):
        yield from walk.step(index, token)


class _Walk:
    """Where the walk is: in which example, heading, row, and under which covering paragraph."""

    def __init__(self, document: markup.Document) -> None:
        self._document = document
        self._covers: list[bool] = []
        self._before = Unit(0, "", is_cited=False)
        self._mute = 0
        self._row: list[Token] | None = None

    def step(self, index: int, token: Token) -> Iterator[Unit]:
        """Take one token; yields the unit that it ends."""
        if token.type.startswith("container_example") or token.type in {"heading_open", "heading_close"}:
            self._mute += token.nesting
        elif token.type in {"bullet_list_open", "ordered_list_open"}:
            self._covers.append(self._before.is_cited and self._before.words.endswith(":"))
        elif token.type in {"table_open", "thead_open"}:
            self._covers.append(self._before.is_cited if token.type == "table_open" else self._is_table_cited(index))
        elif token.type in {"bullet_list_close", "ordered_list_close", "table_close", "thead_close"}:
            self._covers.pop()
        elif token.type == "tr_open":
            self._row = []
        elif token.type == "inline" and self._row is not None:
            self._row.append(token)
        elif token.type == "tr_close":
            if self._row and not self._mute:
                yield self._unit(self._row)
            self._row = None
        elif token.type == "inline" and not self._mute:
            self._before = self._unit([token])
            yield self._before

    def _unit(self, tokens: Sequence[Token]) -> Unit:
        line = self._document.first_line + (tokens[0].map[0] if tokens[0].map else 0)
        return Unit(line, markup.plain(tokens).strip(), is_cited=any(self._covers) or is_cited(tokens))

    def _is_table_cited(self, index: int) -> bool:
        rest = self._document.tokens[index:]
        end = next((i for i, token in enumerate(rest) if token.type == "table_close"), len(rest))
        return is_cited(rest[:end])


def is_cited(tokens: Sequence[Token]) -> bool:
    """Tell whether any of the tokens holds a citation."""
    return any(child.type == "citation" for token in tokens for child in token.children or ())


@functools.lru_cache(maxsize=8192)  # a preview asks again after every key stroke
def found(words: str) -> tuple[str, ...]:
    """Return the claims in the words; none when they state no number as a fact."""
    return tuple(match[0].strip() for match in CLAIM.finditer(words))


def numbers(words: str) -> frozenset[str]:
    """Return the numbers written in digits, without a full stop or comma at their end."""
    return frozenset(re.findall(r"\d+(?:[.,]\d+)*", words))
