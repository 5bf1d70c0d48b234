"""What an article or a chapter says stands in each output made from it; how it is set is no difference."""

import dataclasses
import io
import zipfile
from collections.abc import Callable

import pytest
import samples
import weasyprint

from pipeline import checks, markup, model
from pipeline.checks import _parity
from pipeline.formats import email, text

EDITION, MATERIAL = samples.sample_edition(), samples.sample_material()

BODY = """\
About 25 in 100 people need 10\u00a0mg, says the guide [@bot2004]. Read [the page](https://www.nhs.uk/ms/).

## What's a \u201crelapse\u201d, and how long is it?

A symptom that stays for 24 hours or more.

::: warning Call the same day
When you cannot stand up, and when one eye grows dim.
:::
"""
CHAPTER = model.Chapter(
    slug="relapses",
    path=samples.ROOT / "content" / "book" / "08-relapses.md",
    number=8,
    title="Relapses",
    promise="You learn what counts.",
    in_short=("One.",),
    checked=samples.CHECKED,
    expires=samples.CHECKED,
    question_groups=("mri",),
    worksheet="",
    get_help="Call.",
    review=None,
    body=BODY,
    body_line=10,
)
WHOLE = """<html><body><h2>What's a "relapse", and how long is it?</h2><p>About 25 in 100 people need 10 mg, says the
guide. Read <a href="https://www.nhs.uk/ms/">the page</a>. A symptom that stays for 24 hours or more.</p>
<aside><p>Call the same day</p><p>When you cannot stand up, and when one eye grows dim.</p></aside>
<p>Where are my lesions, and do any of them explain what I feel? Has my spinal cord been scanned? If not, why not?
May I have a copy of the pictures and of the report?</p></body></html>"""
# What each loss is called, and the words that are taken out.
LOST = {
    "number '25 in 100'": "25 in 100",
    "number '10\\xa0mg'": "10 mg",
    "number '24 hours'": "24 hours",
    "heading": "how long is it",
    "link 'https://www.nhs.uk/ms/'": "https://www.nhs.uk/ms/",
    "warning 'Call the same day'": "Call the same day",
    "warning 'When you cannot": "one eye grows dim",
    "question 'Has my spinal": "If not, why not?",
}


def library() -> model.Library:
    return dataclasses.replace(MATERIAL.library, chapters={CHAPTER.slug: CHAPTER})


def epub(html: str) -> dict[str, bytes]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("chapter.xhtml", html)
    return {"book.epub": file.getvalue()}


def pdf(html: str) -> dict[str, bytes]:
    narrow = html.replace("<body>", '<body lang="en" style="width:160px;hyphens:auto;font-family:DejaVu Sans">')
    curled = narrow.replace("What's", "What\u2019s")
    return {"book.pdf": weasyprint.HTML(string=curled).write_pdf()}


def lost(book: dict[str, bytes]) -> list[str]:
    return [f.message for f in checks.parity(library(), {}, book, {})]


@pytest.mark.parametrize("made", [epub, pdf])
def test_a_whole_book_loses_nothing_however_it_is_set(made: Callable[[str], dict[str, bytes]]) -> None:
    assert lost(made(WHOLE)) == []


@pytest.mark.parametrize("made", [epub, pdf])
@pytest.mark.parametrize("name", LOST)
def test_what_a_book_loses_is_told_at_its_line(made: Callable[[str], dict[str, bytes]], name: str) -> None:
    words = " ".join(WHOLE.split())
    assert LOST[name] in words
    (message,) = lost(made(words.replace(LOST[name], "")))
    assert message.startswith(f"the {name}")
    assert message.endswith(f" is not in out/book/{next(iter(made('x')))}")


def test_what_is_not_built_is_not_compared() -> None:
    assert checks.parity(library(), {}, {}, {}) == []
    assert checks.parity(library(), {}, {"book.pdf": b"no PDF"}, {}) == []


def test_the_mail_and_its_text_part_hold_the_opening_and_the_questions() -> None:
    made = {o.name: o.content for o in [*email.render(EDITION, MATERIAL), *text.render(EDITION, MATERIAL)]}
    slug = EDITION.spec.slug
    assert checks.parity(MATERIAL.library, {}, {}, {slug: made}) == []
    for name in ("email.html", "email.txt"):
        broken = {**made, name: made[name].replace(b"May I have a copy", b"Perhaps a copy")}
        (found,) = checks.parity(MATERIAL.library, {}, {}, {slug: broken})
        assert found.message.startswith("the question 'May I have a copy")
        assert found.message.endswith(f"is not in out/{slug}/{name}")
        assert found.blocks


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("In 25 in 100 people.", ["25 in 100"]),
        ("Take 10\u00a0mg, 2.5 ml or 1,000 IU.", ["10\u00a0mg", "2.5 ml", "1,000 IU"]),
        ("About 83 % of them, or 83%.", ["83 %", "83%"]),
        ("Within 24 hours, or in 6-8 weeks.", ["24 hours", "8 weeks"]),
        ("Chapters 1 and 2, call 911, in 2026.", []),
    ],
)
def test_a_number_counts_with_its_unit(words: str, numbers: list[str]) -> None:
    assert [f.words for f in _parity.facts(markup.parse(words)) if f.kind == "number"] == numbers
