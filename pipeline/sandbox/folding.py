"""A text kept as its difference to a base: 10,000 mails that differ in one link are stored once.

`fold` and `unfold` are pure, and `unfold(base, fold(base, text)) == text` for any two texts.
"""

Patch = tuple[tuple[int, int, str], ...]
"""Replacements (start, end, text) in the base, from left to right; positions count characters."""

BLOCK = 256


def fold(base: str, text: str) -> Patch:
    """Return what turns `base` into `text`; empty when they are equal."""
    if base == text:
        return ()
    if len(base) == len(text):
        return _by_blocks(base, text)
    head = _common(base, text)
    tail = _common(base[head:][::-1], text[head:][::-1])
    return ((head, len(base) - tail, text[head : len(text) - tail]),)


def unfold(base: str, patch: Patch) -> str:
    """Return the text that was folded."""
    pieces, position = [], 0
    for start, end, replacement in patch:
        pieces += [base[position:start], replacement]
        position = end
    return "".join([*pieces, base[position:]])


def size(patch: Patch) -> int:
    """Return how many characters of its own a patch holds."""
    return sum(len(replacement) for _, _, replacement in patch)


def _by_blocks(base: str, text: str) -> Patch:
    """Compare texts of one length block by block: a reader's links sit in several places, all equally long."""
    return tuple(
        (start, min(start + BLOCK, len(text)), text[start : start + BLOCK])
        for start in range(0, len(text), BLOCK)
        if base[start : start + BLOCK] != text[start : start + BLOCK]
    )


def _common(one: str, other: str) -> int:
    """Return the length of the common beginning, by halving: each comparison is a memcmp."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
