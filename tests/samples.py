"""A small publication built in memory: one edition of four articles, everything in it made up for the tests.

    edition = samples.sample_edition()
    material = samples.sample_material()

Change one thing with `dataclasses.replace`; nothing here reads content/.
"""

import datetime as dt
from pathlib import Path

from pipeline import model

ROOT = Path(__file__).resolve().parent.parent
CHECKED = dt.date(2026, 11, 22)

BODY = """\
For many people with MS, the brain is only half of the story. The spinal cord is the cable that carries
signals between the brain and the rest of the body, and [lesions](term:lesion) in it are common [@bot2004].

A scan of the cord is not always done. You can *ask* why, and [what MS is](chapter:what-ms-is) explains the
words that you will hear. Two things are worth knowing first:

- Cord lesions are usually **short**, often less than one bone of the spine long [@bot2004; @nice2022].
- More than half of them sit in the neck.

## What does a cord lesion do?

It can cause more trouble than a larger one in the brain [@magnims2021].

::: note A lesion is not a symptom
The report lists findings. It does not tell how you feel.
:::

## Where can I read more?

In [tired is not the word](article:fatigue-more-than-tired) and at [NICE](https://www.nice.org.uk/guidance/ng220).
"""

SHORT = """\
Tiredness in MS is not the tiredness of a long day [@nice2022].

## What helps?

Rest before you are tired, and say so early [@moss2024].
"""


def drawing(words: str) -> bytes:
    """Return a small SVG drawing that bears `words`."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 675" role="img">'
        '<rect width="1200" height="675" fill="#fdfbf7"/>'
        '<path d="M140 560C300 120 520 620 700 300S1010 120 1080 200" fill="none" stroke="#2f8f9d" stroke-width="26"'
        ' stroke-linecap="round"/><circle cx="1080" cy="200" r="44" fill="#b4531a"/>'
        f'<text x="60" y="90" font-size="44" fill="#1d2b36" font-family="sans-serif">{words}</text></svg>'
    ).encode()


def article(slug: str, title: str, body: str = SHORT, topic: str = "Daily life") -> model.Article:
    """Return an article nobody has reviewed, whose drawing bears its slug."""
    return model.Article(
        slug=slug,
        path=ROOT / "content" / "articles" / f"{slug}.md",
        title=title,
        summary=f"What is known about this, what is not, and what you can ask. In plain words: {title.lower()}.",
        topic=topic,
        published=dt.date(2026, 11, 24),
        checked=CHECKED,
        expires=dt.date(2027, 11, 22),
        image=f"{slug}.svg",
        image_alt="A line that rises and falls and ends in a dot. Illustration, not a scan.",
        questions=("mri-where", "mri-typical-cord", "mri-copy"),
        get_help="Call your MS team the same day if a new symptom has lasted for a day.",
        related=(),
        review=None,
        body=body,
        body_line=20,
    )


def sample_edition() -> model.Edition:
    """Return an edition with a lead article and three to read next."""
    title = "MS and your spinal cord: the half of the story that scans can miss"
    lead = article("ms-and-your-spinal-cord", title, BODY, topic="Diagnosis")
    read_next = (
        article("fatigue-more-than-tired", "Tired is not the word", topic="Symptoms"),
        article("heat-and-symptoms", "Why heat can bring old symptoms back for an hour", topic="Symptoms"),
        article("before-your-appointment", "Ten minutes with the doctor: how to use them", topic="Care"),
    )
    return model.Edition(spec=sample_spec(), lead=lead, read_next=read_next)


def sample_spec() -> model.EditionSpec:
    """Return the edition as its editor wrote it."""
    return model.EditionSpec(
        slug="2026-11-spinal-cord",
        path=ROOT / "content" / "editions" / "2026-11-spinal-cord.toml",
        number=1,
        date=dt.date(2026, 11, 24),
        title="The spine deserves a look of its own",
        subject="What a second scan can add to the picture",
        preheader="Three questions for your next visit, and why tired is not the word.",
        intro=(
            "Welcome to the first issue. Every month we take **one question** that readers ask and answer it from "
            "sources that you can check.\n\nThis time: the cable between your brain and the rest of you."
        ),
        lead="ms-and-your-spinal-cord",
        read_next=("fatigue-more-than-tired", "heat-and-symptoms", "before-your-appointment"),
        not_before=dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC),
        not_after=dt.datetime(2027, 11, 22, tzinfo=dt.UTC),
        audience="all",
        book=model.BookCall(
            heading="The book to keep beside you",
            text="Three chapters, plain facts, and pages to fill in before an appointment. It is free and stays free.",
            button="Download the book",
        ),
    )


def sample_identity() -> model.Identity:
    """Return a publisher on the example domain."""
    return model.Identity(
        title="Navigating Your MS Care",
        organisation="Example Patient Education Trust",
        postal_address="1 Example Street, Example Town, EX 00000",
        base_url="https://www.example.org",
        sender="digest@example.org",
        sender_name="Navigating Your Care",
        list_id="digest.example.org",
        language="en",
        contact="editors@example.org",
    )


def sample_library() -> model.Library:
    """Return everything that the sample edition refers to."""
    edition = sample_edition()
    questions = (
        model.Question("mri-where", "mri", "Where are my lesions, and do any of them explain what I feel?"),
        model.Question("mri-typical-cord", "mri", "Has my spinal cord been scanned? If not, why not?"),
        model.Question("mri-copy", "mri", "May I have a copy of the pictures and of the report?"),
    )
    sources = {
        id_: model.Source(id_, {"id": id_, "type": "article-journal", "title": f"About {id_}"}, line)
        for line, id_ in enumerate(("bot2004", "nice2022", "magnims2021", "moss2024"), start=1)
    }
    return model.Library(
        root=ROOT / "content",
        articles={a.slug: a for a in edition.articles},
        chapters={},
        editions={edition.spec.slug: edition.spec},
        book=None,
        sources=sources,
        questions={q.id: q for q in questions},
        groups={"mri": model.QuestionGroup("mri", "MRI, brain and cord lesions", questions)},
        terms={"lesion": model.Term("lesion", "Lesion (plaque)", "A spot of damage.", ("lesions", "plaque"), 1)},
        worksheets={},
        waivers=(),
        images={a.image: drawing(a.slug) for a in edition.articles},
    )


def sample_material() -> model.Material:
    """Return what a format needs besides the edition; the templates are the shipped ones."""
    return model.Material(library=sample_library(), identity=sample_identity(), templates=ROOT / "templates")
