"""A small book built in memory: two chapters that use every word of the book's Markdown, made up for the tests.

    book = samples_book.book()
    material = samples_book.material()

Run as a program it prints the SHA-256 of the book it renders: the test of reproducible bytes starts it twice.
"""

import dataclasses
import datetime as dt
import hashlib
from pathlib import Path

import samples

from pipeline import model

FIRST = """\
People with MS often ask what a scan can show. An [MRI](term:mri) shows [lesions](term:lesion) [@bot2004].

## What can a scan show?

It shows "spots" of damage, and it doesn't show how you feel [@nice2022; @bot2004]. Scanners of 1.5 tesla are common.
The next chapter, [Asking](chapter:asking), has the words for it.

![A line that rises and falls and ends in a dot. Illustration, not a scan.](image:line.svg "A line. Illustration.")

### Does the place matter?

1. The place matters more than the number.
2. The cord counts too.

::: note A lesion is not a symptom
A report lists findings, and a second [lesion](term:lesion) is not always new.
:::

## Which words may I find?

::: table Words in a report, and what they mean
| The report says | In plain words |
| --- | --- |
| Lesion | A spot of damage |
| [Myelin](term:myelin) | The wrap of a nerve fiber [@nice2022] |
| Stable | Nothing has clearly changed |
:::

::: warning Call the emergency number now
- Chest pain.
- Trouble breathing.
:::

::: example Made-up example
"One short lesion," says the report. Nothing more.
:::
"""

SECOND = """\
A visit is short. See [NICE](https://www.nice.org.uk/guidance/ng220) for what to expect [@moss2024].

## How do I ask?

- Say what you want first.

- Then stop, and listen.

{filling}

## What do I do afterwards?

Write down what was said, with its date, as you would for a [relapse](term:relapse).
"""

PARAGRAPH = "Ask one thing at a time, and say the answer back in your own words, so that a mix-up shows at once. "


def chapter(number: int, slug: str, title: str, body: str, **more: object) -> model.Chapter:
    """Return a chapter nobody has reviewed."""
    plain = model.Chapter(
        slug=slug,
        path=Path("content/book") / f"{number:02d}-{slug}.md",
        number=number,
        title=title,
        promise="After this chapter you can say what a scan shows and what it does not.",
        in_short=("A scan shows lesions.", "It doesn't show how you feel.", "Ask to see the pictures."),
        checked=samples.CHECKED,
        expires=dt.date(2027, 11, 22),
        question_groups=("mri",),
        worksheet="log",
        get_help="Call your team the same day. The lists are in [Scans](chapter:scans).",
        review=None,
        body=body,
        body_line=20,
    )
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


def book() -> model.Book:
    """Return the book: a chapter with everything in it, and a long plain one that a clinician has read."""
    second = SECOND.format(filling="\n\n".join([PARAGRAPH * 4] * 12))
    review = model.Review("Dr. A. Example", dt.date(2026, 11, 20), hashlib.sha256(second.encode()).hexdigest())
    chapters = (
        chapter(1, "scans", "Scans and what they show", FIRST),
        chapter(12, "asking", "Asking", second, worksheet="visit", question_groups=("talk", "mri"), review=review),
    )
    spec = model.BookSpec(
        path=Path("content/book/book.toml"),
        title="Navigating Your MS Care",
        subtitle="Plain facts, and questions to take to your appointments",
        version="0.1",
        date=samples.CHECKED,
        notice="General education, not medical advice, not for emergencies.",
        how_made="Made up for the tests.",
        chapters=("scans", "asking"),
        changes=(model.Change("0.1", samples.CHECKED, "First version."),),
    )
    return model.Book(spec=spec, chapters=chapters)


def material() -> model.Material:
    """Return everything that the two chapters refer to."""
    talk = (
        model.Question("talk-who", "talk", "Whom do I call when something changes?"),
        model.Question("talk-next", "talk", "What happens next, and when will I hear from you?"),
    )
    base = samples.sample_library()
    terms = (
        model.Term("lesion", "Lesion (plaque)", "A lesion is a spot of damage.", (), 1),
        model.Term("mri", "MRI", "An MRI is a scan that uses magnets.", (), 2),
        model.Term("myelin", "Myelin", "The wrap of a nerve fiber.", (), 3),
        model.Term("relapse", "Relapse", "Relapses are new symptoms that last.", (), 4),
    )
    log = model.Worksheet(
        "log", "My scan log", "Add one row after each scan.", (), ("Date", "Area", "Where", "Result"), 4
    )
    fields = tuple(
        model.WorksheetField(kind, f"What I put in the {kind}", kind) for kind in ("line", "area", "date", "tick")
    )
    visit = model.Worksheet("visit", "My visit", "Fill this in at home.", fields, ("Next step", "By when"), 3)
    library = dataclasses.replace(
        base,
        groups=base.groups | {"talk": model.QuestionGroup("talk", "Talking", talk)},
        questions=base.questions | {question.id: question for question in talk},
        terms={term.id: term for term in terms},
        worksheets={"log": log, "visit": visit},
        images={"line.svg": samples.drawing("A line").replace(b"sans-serif", b"Atkinson Hyperlegible Next")},
    )
    return dataclasses.replace(samples.sample_material(), library=library)


if __name__ == "__main__":
    from pipeline.formats import book as format_book  # the tests that only want the sample need no WeasyPrint

    output, _ = format_book.render(book(), material())
    print(hashlib.sha256(output.content).hexdigest())  # noqa: T201  this is what the test reads
