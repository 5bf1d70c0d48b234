"""What a chapter's setting leaves to the format: where the meaning of a word stands, and how a drawing is shown."""

import dataclasses
import re
from collections.abc import Callable

from markupsafe import Markup


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """The meaning of a word at its first use: its own anchor, and the anchor of the word in the text."""

    anchor: str
    use: str
    name: str
    definition: str


def printed_note(note: Note) -> Markup:
    """Write the note into the text; a page maker carries it to the page's foot. The bold word leads back."""
    name = note.name.partition(" (")[0]
    back = Markup('<a href="#{}" title="Back to the text: {}">{}</a>')
    at = re.search(rf"\b{re.escape(name)}s?\b", note.definition, re.IGNORECASE)
    if at:
        before, word, after = note.definition[: at.start()], at[0], note.definition[at.end() :]
        words = Markup("{}{}{}").format(before, back.format(note.use, note.name, word), after)
    else:
        words = back.format(note.use, note.name, note.name) + Markup(": {}").format(note.definition)
    return Markup('<span class="note-text" id="{}">{}</span>').format(note.anchor, words)


def apart(_: Note) -> Markup:
    """Leave the note out of the text: the format prints SetChapter.notes elsewhere."""
    return Markup("")


def printed_figure(name: str, alt: str, caption: str) -> Markup:
    """Write a drawing with its caption, as a file that the page maker is given."""
    words = Markup("<figcaption>{}</figcaption>").format(caption) if caption else ""
    return Markup('<figure><img src="book:/images/{}" alt="{}" />{}</figure>').format(name, alt, words)


@dataclasses.dataclass(frozen=True, slots=True)
class Style:
    """How a format writes what is not the same in all of them. Each function returns safe HTML, well-formed as XML."""

    note: Callable[[Note], Markup] = printed_note  # follows the word; SetChapter.notes has it too
    figure: Callable[[str, str, str], Markup] = printed_figure  # file name, alt, caption ("" when none)


PRINTED = Style()
