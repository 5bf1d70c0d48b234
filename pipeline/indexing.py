"""Where a chapter speaks of something: the finder behind the book's index and glossary.

A chapter's Markdown is a row of blocks: paragraphs, list items, table rows and headings. Words are looked for in
them; neighbouring finds make one passage. Each block has a name, which behind the chapter's anchor is its id in a file:

    text-what-can-help     a heading, whose id every format writes anyway
    place-12               the twelfth block, which gets an id only when an entry leads there

Places that an editor names are `slug` (a whole chapter), `slug#heading` (a section), `slug#questions`, `slug#sheet`,
`slug#help`, and `sheet:id` (a worksheet wherever it stands).
"""

import dataclasses
import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from markdown_it.token import Token

from pipeline import markup, model

FIXED = frozenset({"questions", "sheet", "help"})  # parts of a chapter that are not in its text
NEAR = 3  # finds that are at most so many blocks apart are one passage
_LEADING = re.compile(r"^(?:the|an|a|and|as|at|by|for|from|how|in|of|on|or|to|with|when|after|before|during)\s+")


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """One block of a chapter; `token` is the place, among the document's tokens, of the one that can bear its id."""

    name: str
    text: str
    token: int
    sections: tuple[str, ...]  # the headings above it and its own, outermost first


@dataclasses.dataclass(frozen=True, slots=True)
class Passage:
    """A run of blocks: names and numbers of its first and its last; `weight` is how many of them say the words."""

    first: str
    last: str
    start: int
    end: int
    weight: int


def anchor(chapter: model.Chapter, name: str = "") -> str:
    """Return the id of a chapter, or of its block of this name."""
    return f"chapter-{chapter.number}-{name}" if name else f"chapter-{chapter.number}"


def sort_key(text: str) -> str:
    """Return what a heading is sorted by: word by word, no capitals, no accents, signs as spaces."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain.replace("'", "")).split())


def sub_sort_key(text: str) -> str:
    """Return what a subheading is sorted by: its small opening word does not count."""
    return _LEADING.sub("", sort_key(text))


def walk(entries: Iterable[model.IndexEntry]) -> Iterator[model.IndexEntry]:
    """Yield every entry and every entry below it."""
    for entry in entries:
        yield entry
        yield from walk(entry.subs)


def named(entry: model.IndexEntry, chapter: model.Chapter) -> list[Passage]:
    """Return the places of this chapter that the entry names."""
    passages = (placed(place, chapter) for place in entry.at)
    return [passage for passage in passages if passage]


def placed(place: str, chapter: model.Chapter) -> Passage | None:
    """Return the passage of a place; None when it lies elsewhere or there is no such heading."""
    slug, _, section = place.partition("#")
    if slug != chapter.slug:
        return None
    if section in FIXED:
        behind = len(blocks(chapter))
        return Passage(section, section, behind, behind, 1)
    inside = [number for number, block in enumerate(blocks(chapter)) if not section or section in block.sections]
    if section and not inside:
        return None
    start, end = (inside[0], inside[-1]) if inside else (0, 0)
    last = blocks(chapter)[end].name if inside else ""
    return Passage(f"text-{section}" if section else "", last, start, end, len(inside))


def found(entry: model.IndexEntry, chapter: model.Chapter) -> list[Passage]:
    """Return the passages of this chapter in which the entry's words are found."""
    if not _may_say(_all_text(chapter.body, chapter.body_line), entry.find):
        return []
    row = blocks(chapter)
    hits = [
        number
        for number, block in enumerate(row)
        if _inside(block, entry.only_in, chapter) and _says(block, entry.find)
    ]
    return [Passage(row[run[0]].name, row[run[-1]].name, run[0], run[-1], len(run)) for run in _runs(hits, row)]


def first(words: Sequence[str], chapter: model.Chapter) -> Block | None:
    """Return the first block of a chapter that says one of the words."""
    return next((block for block in blocks(chapter) if _says(block, tuple(words))), None)


def marked(chapter: model.Chapter, names: Iterable[str]) -> list[Token]:
    """Return the chapter's tokens, in which the blocks of these names have ids; headings have theirs anyway."""
    tokens = list(markup.parse(chapter.body, chapter.body_line).tokens)
    wanted = set(names)
    for block in blocks(chapter):
        if block.name in wanted and not block.name.startswith("text-"):
            token = tokens[block.token]
            tokens[block.token] = token.copy(attrs={**token.attrs, "id": anchor(chapter, block.name)})
    return tokens


def blocks(chapter: model.Chapter) -> tuple[Block, ...]:
    """Return the chapter's blocks in order."""
    return _blocks(chapter.body, chapter.body_line)


@functools.lru_cache(maxsize=64)  # the reader and the formats ask for every heading of the index in turn
def _blocks(body: str, body_line: int) -> tuple[Block, ...]:
    texts: dict[int, str] = {}  # the token that opens a block -> its words
    sections: dict[int, tuple[str, ...]] = {}
    path: tuple[str, ...] = ()
    bearer, title = 0, ""
    tokens = markup.parse(body, body_line).tokens
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            path = (*path[: int(token.tag[1]) - 2], token.meta["anchor"])
        elif token.type.startswith("container_") and token.nesting == 1:
            title = token.info.strip().partition(" ")[2]
        if _bears(tokens, index):
            bearer = index
        words = markup.plain([token]) if token.type == "inline" else ""
        if words.strip():
            texts[bearer] = f"{texts.get(bearer, title)} {words}".strip()
            sections.setdefault(bearer, path)
            title = ""
    return tuple(
        Block(_name(tokens[at], number), text, at, sections[at]) for number, (at, text) in enumerate(texts.items(), 1)
    )


def _bears(tokens: Sequence[Token], index: int) -> bool:
    """Say whether this token opens a block: a row of a table is one block, whose first cell bears its id."""
    token = tokens[index]
    if token.type in {"th_open", "td_open"}:
        return tokens[index - 1].type == "tr_open"
    return token.type in {"paragraph_open", "heading_open", "list_item_open"} and not token.hidden


def _name(token: Token, number: int) -> str:
    return f"text-{token.meta['anchor']}" if token.type == "heading_open" else f"place-{number}"


def _inside(block: Block, places: Sequence[str], chapter: model.Chapter) -> bool:
    """Say whether a block lies in one of the places; everywhere, when none is named."""
    pairs = [place.partition("#")[::2] for place in places]
    return not pairs or any(slug == chapter.slug and (not part or part in block.sections) for slug, part in pairs)


def _says(block: Block, words: tuple[str, ...]) -> bool:
    return _may_say(block.text.lower(), words) and any(_pattern(word).search(block.text) for word in words)


def _may_say(small: str, words: Sequence[str]) -> bool:
    """Say whether a text in small letters holds how one of the words begins: most do not, and are soon passed over."""
    return any(_beginning(word) in small for word in words)


@functools.lru_cache(maxsize=1024)
def _beginning(words: str) -> str:
    return words.split(maxsplit=1)[0].partition("*")[0].lower()


@functools.lru_cache(maxsize=64)
def _all_text(body: str, body_line: int) -> str:
    return "\n".join(block.text for block in _blocks(body, body_line)).lower()


@functools.lru_cache(maxsize=1024)
def _pattern(words: str) -> re.Pattern[str]:
    """Match whole words; `steroid*` also with an ending; a capital letter is matched as a capital."""
    inside = r"\s+".join(re.escape(word).replace(r"\*", r"\w*") for word in words.split())
    return re.compile(rf"(?<!\w){inside}(?!\w)", 0 if words != words.lower() else re.IGNORECASE)


def _runs(hits: Sequence[int], row: Sequence[Block]) -> Iterator[list[int]]:
    """Join finds that are near each other and below the same headings of the first rank."""
    run: list[int] = []
    for number in hits:
        same = run and row[number].sections[:1] == row[run[-1]].sections[:1]
        if run and not (same and number - run[-1] <= NEAR):
            yield run
            run = []
        run.append(number)
    if run:
        yield run
