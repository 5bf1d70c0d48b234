"""Sentences, words and syllables of English text: what a readability formula counts."""

import functools
import re

import pyphen

_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(  # an e that is written and not spoken: take, sometimes, useful, called, sides
    r"(?<=[^aeiouy])e(?:$|(?=(?:ful|less|like|line|ly|ment|ness|thing|times?|where)))(?<![^aeiouy]le)"
    r"|(?<=[^aeiouytd])ed$"
    r"|(?<=[^aeiouyscxzgh])es$(?<![^aeiouy]les)"
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019.,/-][^\W_]+)*")
_PART = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?|\d[\d.,]*")
_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]*[^\W_a-z])")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|vs|approx|e\.g|i\.e)|\b[A-Z]\.[A-Z])\.$")
_MOST_LETTERS = 4  # MRI and NMO are spelt out; longer ones, such as MOGAD, are spoken as words


# pyphen gives the places where a word may be broken over two lines. It never leaves a single letter alone, so that
# "about" seems to have one syllable. Groups of vowels see those, and miss what pyphen sees ("di-ag-no-sis"): the
# larger of the two counts. On the words of this publication, 1 in 100 differs from the CMU pronouncing dictionary.
@functools.cache  # its patterns are read in when the first word is counted
def _hyphens() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")


def sentences(block: str) -> list[str]:
    """Split a paragraph into its sentences; its end is the end of one. An empty one has none."""
    found, start = [], 0
    for match in _END.finditer(block):
        if not _ABBREVIATION.search(block[start : match.start() + 1]):
            found.append(block[start : match.end()].strip())
            start = match.end()
    return [*found, rest] if (rest := block[start:].strip()) else found


def words(sentence: str) -> list[str]:
    """Return the words; one with hyphens is one word, and so is a number."""
    return _WORD.findall(sentence)


@functools.lru_cache(maxsize=16384)
def syllables(word: str) -> int:
    """Count the syllables of a word, at least 1; a number counts 1, an abbreviation one for each letter."""
    return max(1, sum(_of_part(part) for part in _PART.findall(word)))


def _of_part(part: str) -> int:
    if part[0].isdigit() or (part.isupper() and len(part) <= _MOST_LETTERS):
        return 1 if part[0].isdigit() else len(part)
    letters = re.sub(r"['\u2019]\w*$", "", part.lower())
    spoken = _VOWELS.findall(_SILENT.sub("", letters))
    return max(1, len(spoken), len(_hyphens().positions(letters)) + 1)
