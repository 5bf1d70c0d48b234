"""The small publication of `samples` with what only web pages use: a book, a table, boxes, a review, related articles.

library = samples_web.library()
material = samples_web.material()
"""

import dataclasses
import datetime as dt
import hashlib

import samples

from pipeline import model

LONG = """\
For many people with MS, the brain is only half of the story. The spinal cord carries signals between the brain and
the rest of the body, and [lesions](term:lesion) in it are common [@bot2004].

You can *ask* for a scan of the cord. What the words in its report mean stands in [the book](chapter:what-ms-is).

## What does a cord lesion do?

It can cause more trouble than a larger one in the brain [@magnims2021; @bot2004]. A second [lesion](term:lesion) is
not always new.

- Cord lesions are usually **short**.
- More than half of them sit in the neck.

::: note A lesion is not a symptom
The report lists findings. It does not tell how you feel.
:::

::: warning Do not wait
Call when you cannot pass water.
:::

::: example Made-up example
"One short lesion in the cervical cord."
:::

## Which words may I find in my report?

::: table Words in a report, and what they mean
| The report says | In plain words | Count |
| --- | --- | ---: |
| Lesion | A spot of damage | 2 |
| Cervical cord | The part in the neck [@nice2022] | 10 |
:::

### A drawing

![A line that rises. Illustration, not a scan.](image:cord.svg "The cord. Illustration, not a scan.")

## Where can I read more?

In [tired is not the word](article:fatigue-more-than-tired) and at [NICE](https://www.nice.org.uk/guidance/ng220).
"""


def library() -> model.Library:
    """Return the publication; its last article is reviewed, the one before was, and has changed since."""
    plain = samples.sample_library()
    articles = dict(plain.articles)
    lead = articles["ms-and-your-spinal-cord"]
    get_help = "Call your MS team the same day if a new symptom has lasted for a day [@nice2022]."
    related = ("fatigue-more-than-tired", "heat-and-symptoms")
    articles[lead.slug] = dataclasses.replace(lead, body=LONG, related=related, get_help=get_help)
    for slug, text in (("before-your-appointment", samples.SHORT), ("heat-and-symptoms", "an older text")):
        digest = hashlib.sha256(text.encode()).hexdigest()
        review = model.Review("Dr. Example Reviewer", dt.date(2026, 11, 20), digest)
        articles[slug] = dataclasses.replace(articles[slug], review=review)
    images = {**plain.images, "cord.svg": samples.drawing("cord")}
    return dataclasses.replace(plain, articles=articles, images=images, chapters=chapters(), book=book())


def material() -> model.Material:
    """Return what the formats need; the templates are the shipped ones."""
    return dataclasses.replace(samples.sample_material(), library=library())


def edition() -> model.Edition:
    """Return the sample edition with this publication's articles."""
    found = library().articles
    spec = samples.sample_spec()
    return model.Edition(spec, found[spec.lead], tuple(found[slug] for slug in spec.read_next))


def book() -> model.BookSpec:
    """Return the book as its editor wrote it."""
    return model.BookSpec(
        path=samples.ROOT / "content" / "book" / "book.toml",
        title="Navigating Your MS Care",
        subtitle="Plain facts, and questions to take to your appointments",
        version="0.1",
        date=dt.date(2026, 11, 22),
        notice="General education, not medical advice, not for emergencies.",
        how_made="Written for tests.",
        chapters=("what-ms-is",),
        changes=(model.Change("0.1", dt.date(2026, 11, 22), "First version."),),
    )


def chapters() -> dict[str, model.Chapter]:
    """Return the book's only chapter."""
    chapter = model.Chapter(
        slug="what-ms-is",
        path=samples.ROOT / "content" / "book" / "02-what-ms-is.md",
        number=2,
        title="What MS is",
        promise="You will know the words that doctors use.",
        in_short=("One.", "Two.", "Three."),
        checked=samples.CHECKED,
        expires=dt.date(2027, 11, 22),
        question_groups=("mri",),
        worksheet="",
        get_help="Call your team.",
        review=None,
        body="MS is a condition of the nerves [@bot2004].",
        body_line=20,
    )
    return {chapter.slug: chapter}
