"""The files that `mscare new` writes: every key with its explanation."""

import datetime as dt
import re
from pathlib import Path

from pipeline import errors

ARTICLE = """---
# The title as the reader sees it; say what it is about, not how clever it is.
title: <title>
# One sentence: what the reader gets. Shown in the digest under the title.
summary: <one sentence>
# A word or two: Diagnosis, Symptoms, Treatment, Daily life.
topic: <topic>
published: {today}
# The day on which every source was last looked at.
checked: {today}
# 12 months for treatment, criteria, law and crisis pages; 24 months for the rest. An expired article blocks an edition.
expires: {expires}
# A drawing of content/images/ and what it shows; a reader who cannot see it gets these words instead.
image: <file>.svg
image_alt: <what it shows, in one or two sentences>
# Exactly three ids of content/questions.toml.
questions: [<id>, <id>, <id>]
# When to get help, and whom to call. Markdown.
get_help: <one or two sentences>
# Slugs of other articles; may be empty: []
related: []
# Only when a clinician has read exactly this text; leave it out until then.
# review:
#   reviewer: <name, credentials>
#   reviewed: {today}
#   sha256: <SHA-256 of the text below the second --- line; `mscare check` prints it>
---

<The opening: one or two paragraphs that tell the most useful thing first. The digest prints them.>

## <A heading that asks or answers>

<Short sentences. Each number with its source, like this [@source-id]. A [medical word](term:id) at its first use.>

::: note <Title>
<A callout; also: warning, example. A table goes into ::: table <Caption>.>
:::
"""

EDITION = """# The issue number: the next free one.
number = 2
date = {today}
# The heading inside the mail.
title = "<title>"
# 30 to 60 characters, neutral: it must not tell a person looking over the shoulder that the reader has MS.
subject = "<subject>"
# 40 to 90 characters that add to the subject.
preheader = "<preheader>"
# Markdown, one or two short paragraphs.
intro = \"\"\"
<intro>
\"\"\"
# Slugs of content/articles/: one leads, up to six follow.
lead = "<slug>"
read_next = ["<slug>", "<slug>"]
# Nothing is sent before the first or after the second.
not_before = {today}T08:00:00Z
not_after = {expires}T00:00:00Z
audience = "all"

[book]
heading = "<heading>"
text = "<one sentence>"
button = "Download the book"

# Only for an edition that a sponsor pays towards; it stands marked at the end, and never beside words about treatment.
# [sponsor]
# name = "<name>"
# text = "<one or two sentences>"
# url = "https://<the plain address of a page, without ? or #>"
"""

KINDS = {"article": ("articles", ".md", ARTICLE), "edition": ("editions", ".toml", EDITION)}


def write(content: Path, kind: str, slug: str, today: dt.date) -> Path:
    """Write a skeleton; refuses an unknown kind, a bad slug and a file that is already there."""
    if kind not in KINDS:
        msg = f"there is no kind {kind!r}"
        raise errors.UsageProblem(msg, hint=f"choose one of: {', '.join(KINDS)}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        msg = f"{slug!r} is not a slug"
        raise errors.UsageProblem(msg, hint="use lower-case letters, digits and single hyphens: heat-and-ms")
    folder, suffix, text = KINDS[kind]
    path = content / folder / f"{slug}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.format(today=today, expires=today + dt.timedelta(days=365)))
    except FileExistsError as error:
        msg = f"{path} is already there"
        raise errors.UsageProblem(msg, hint="edit it, or choose another slug") from error
    return path
