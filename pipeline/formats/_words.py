"""Sentences that every format says in the same words: who has read a text."""

import hashlib
from collections.abc import Sequence

from pipeline import model, templating


def is_reviewed(text: model.Article | model.Chapter) -> bool:
    """Tell whether a named clinician has read exactly this text: a changed text loses its mark."""
    return text.review is not None and text.review.sha256 == hashlib.sha256(text.body.encode()).hexdigest()


def review_line(text: model.Article | model.Chapter) -> str:
    """Say who has read the text, or honestly that no clinician has."""
    if text.review is not None and is_reviewed(text):
        return f"Medically reviewed by {text.review.reviewer} on {templating.day(text.review.reviewed)}."
    return f"Not yet medically reviewed. Sources checked on {templating.day(text.checked)}, by the editorial team."


def book_review_line(chapters: Sequence[model.Chapter]) -> str:
    """Say how much of the book a clinician has read."""
    read = sum(is_reviewed(chapter) for chapter in chapters)
    if not read:
        return "Not yet medically reviewed. Each chapter says when its sources were checked."
    return f"{read} of {len(chapters)} chapters are medically reviewed. Each chapter says by whom and when."
