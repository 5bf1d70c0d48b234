"""A small publication on disk, complete enough for the real command: for tests that run `mscare` itself.

Its dates lie far ahead, so that no test begins to fail on some day.
"""

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import sends

MSCARE = Path(sys.executable).with_name("mscare")
SLUG = "2026-11"

ARTICLE = """---
title: Scans and what they say
summary: What a scan can and cannot tell you, in plain words.
topic: Diagnosis
published: 2026-11-01
checked: 2098-11-01
expires: 2099-11-01
image: scan.svg
image_alt: Two shapes side by side. Illustration, not a scan.
questions: [scan-where, scan-new, scan-copy]
get_help: Call your team when a new symptom lasts a day.
related: []
---

A scan shows [lesions](term:lesion), and about half of them are silent [@bot2004].

## What does a scan show?

It shows places, not feelings [@bot2004].
"""

EDITION = """number = 1
date = 2026-11-01
title = "Scans and what they say"
subject = "A quiet guide to scans and questions"
preheader = "What a report can tell you, and three questions to take along."
intro = "Good morning. This issue is about scans."
lead = "scans"
read_next = []
not_before = 2026-01-01T00:00:00Z
not_after = 2099-01-01T00:00:00Z
audience = "all"

[book]
heading = "The book"
text = "All chapters in one file."
button = "Download the book"
"""

BOOK = """title = "Navigating Your MS Care"
subtitle = "A small book for tests"
version = "0.1"
date = 2026-11-01
notice = "General education, not medical advice, not for emergencies."
how_made = "Written for tests."
chapters = ["scans"]
"""

CHAPTER = """---
number: 1
title: Scans
promise: You will know what a scan can say.
in_short: [One., Two., Three.]
checked: 2098-11-01
expires: 2099-11-01
question_groups: [scan]
worksheet: log
get_help: Call your team.
---

A scan shows [lesions](term:lesion) [@bot2004].

## What does it show?

Places, not feelings [@bot2004].
"""

BANKS = {
    "sources.json": json.dumps(
        [
            {
                "id": "bot2004",
                "type": "article-journal",
                "title": "Spinal cord abnormalities",
                "issued": {"date-parts": [[2004]]},
                "URL": "https://www.example.com/bot2004",
            }
        ],
        indent=1,
    ),
    "questions.toml": '[[group]]\nid = "scan"\ntitle = "Scans"\n'
    '  [[group.question]]\n  id = "scan-where"\n  text = "Where are my lesions?"\n'
    '  [[group.question]]\n  id = "scan-new"\n  text = "Are some of them new?"\n'
    '  [[group.question]]\n  id = "scan-copy"\n  text = "May I have a copy?"\n',
    "glossary.toml": '[[term]]\nid = "lesion"\nname = "Lesion"\ndefinition = "A spot of damage seen on a scan."\n',
    "worksheets.toml": '[[worksheet]]\nid = "log"\ntitle = "My scans"\nintro = "One line a scan."\n'
    '[worksheet.table]\ncolumns = ["Date", "Result"]\nrows = 2\n',
    "waivers.toml": '[[waiver]]\ncode = "review-missing"\nreason = "Texts for tests; nobody reads them for care."\n'
    'by = "Tests"\n',
    "articles/scans.md": ARTICLE,
    "editions/2026-11.toml": EDITION,
    "book/book.toml": BOOK,
    "book/01-scans.md": CHAPTER,
    "images/scan.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 675"><title>Scan</title>'
    '<rect width="500" height="400" x="60" y="60" fill="#0b5563"/></svg>',
}

PUBLISHER = {
    "MSCARE_PUBLICATION__ORGANISATION": "Harbour Patient Press",
    "MSCARE_PUBLICATION__POSTAL_ADDRESS": "4 Quay Lane, Harbour Town",
    "MSCARE_PUBLICATION__BASE_URL": "https://www.harbour.example.net",
    "MSCARE_PUBLICATION__SENDER": "digest@harbour.example.net",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """How one call of the command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return what it printed, which must be JSON and nothing else."""
        return json.loads(self.out)


@dataclasses.dataclass(frozen=True)
class House:
    """A project folder and the environment its commands run in."""

    root: Path
    env: dict[str, str] = dataclasses.field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the environment without settings of the machine, plus this house's own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MSCARE_")}
        return {**inherited, **self.env}

    def run(self, *arguments: str) -> Run:
        """Run `mscare` with these arguments to its end."""
        done = subprocess.run(
            [MSCARE, *arguments], cwd=self.root, env=self.environment(), capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        return Run(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `mscare` and leave it running."""
        return subprocess.Popen(
            [MSCARE, *arguments], cwd=self.root, env=self.environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def write(self, name: str, text: str) -> Path:
        """Write a file of content/."""
        path = self.root / "content" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def readers(self, count: int) -> None:
        """Import that many readers."""
        file = sends.write_csv(self.root / "readers.csv", sends.addresses(count))
        done = self.run("subscribers", "import", str(file), "--source", "test")
        assert done.code == 0, done.err

    def schedule(self) -> None:
        """Put the edition on the schedule with the real command, and let its time come."""
        done = self.run("schedule", SLUG, "--at", "2098-02-01 09:00", "--tz", "Europe/London")
        assert done.code == 0, done.err
        with sqlite3.connect(self.root / "var" / "mscare.db", timeout=20) as database:
            database.execute("UPDATE schedule SET due_at = 0")


def build(root: Path, **env: str) -> House:
    """Write the publication into `root`."""
    root.mkdir(parents=True, exist_ok=True)
    house = House(root, env)
    for name, text in BANKS.items():
        house.write(name, text)
    (root / "templates").symlink_to(sends.ROOT / "templates")
    (root / "mscare.toml").write_bytes((sends.ROOT / "mscare.toml").read_bytes())
    return house
