"""What a finished book has and what it lacks, read from the PDF itself."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import page
import pikepdf
import pypdfium2
from pikepdf import Array, Dictionary

HEAD = 57  # points from the top: above the text, which begins at 65
NOTES = {"/Note", "/FENote"}


@dataclasses.dataclass(frozen=True, slots=True)
class Looks:
    """What was found: pages, bytes, form fields, tags of notes, rules of PDF/UA-1 broken, and where chapters begin.

    `heads` is the share of pages that have text above the text; `starts` are page numbers, 0 for a chapter whose first
    words cannot be found.
    """

    pages: int
    size: int
    fields: int
    notes: int
    broken: int
    heads: float
    starts: tuple[int, ...]

    def lacks(self, other: "Looks", *, counts_pages: bool) -> str:
        """Say what is missing. Printed page numbers are right where chapters begin on the pages of the `other`."""
        is_read = any(self.starts)
        found = [
            "" if self.fields else "fields",
            f"UA-1 ({self.broken} rules)" if self.broken else "",
            "" if self.notes else "notes as tags",
            "" if self.heads > 1 / 2 else "running heads",
            "" if counts_pages or not is_read or self.starts == other.starts else "right page numbers",
            "" if is_read else "text that can be searched",
        ]
        return "; ".join(words for words in found if words) or "none of these"


def look(file: Path, openings: Sequence[str]) -> Looks:
    """Look at a PDF; `openings` are words with which its chapters begin."""
    content = file.read_bytes()
    report = page.validate_pdf_bytes(content, profile=page.ValidationProfile.PDF_UA_1)
    with pikepdf.open(file) as pdf:
        fields = len(pdf.Root.get("/AcroForm", Dictionary()).get("/Fields", ()))
        notes = _notes(pdf)
    texts, heads = _texts(content)
    starts = [next((n for n, text in enumerate(texts, 1) if _plain(words) in text), 0) for words in openings]
    return Looks(
        pages=len(texts),
        size=len(content),
        fields=fields,
        notes=notes,
        broken=len({failure.rule_id for failure in report.failures}),
        heads=heads,
        starts=tuple(starts),
    )


def _texts(content: bytes) -> tuple[list[str], float]:
    """Return the words of every page without their spaces, and the share of pages that have some in their head."""
    texts, heads = [], 0
    with pypdfium2.PdfDocument(content) as pdf:
        for one in pdf:
            text = one.get_textpage()
            texts.append(_plain(text.get_text_bounded()))
            heads += bool(text.get_text_bounded(bottom=one.get_height() - HEAD).strip())
    return texts, heads / len(texts)


def _plain(words: str) -> str:
    return "".join(char for char in words if char.isalnum())


def _notes(pdf: pikepdf.Pdf) -> int:
    tree = pdf.Root.get("/StructTreeRoot")
    stack = [] if tree is None else [tree.K]
    count = 0
    while stack:
        thing = stack.pop()
        if isinstance(thing, Array):
            stack.extend(thing)
        elif isinstance(thing, Dictionary) and "/S" in thing:
            count += str(thing.S) in NOTES
            if "/K" in thing:
                stack.append(thing.K)
    return count
