"""Content that somebody has spoilt: whatever a file holds, `check` answers with findings, never with a traceback.

`make test` tries one mutated folder in ten; `make test-long` all 500. The same number always makes the same folder.
"""

import datetime as dt
import random
import shutil
from pathlib import Path

import pytest
import samples

from pipeline import config, errors, flow, office

SOUND = Path(__file__).parent / "checks" / "_sound" / "content"
FILES = sorted(
    path.relative_to(SOUND).as_posix()
    for path in SOUND.rglob("*")
    if path.is_file() and path.suffix in {".md", ".toml", ".json", ".svg"}
)
MUTATED, AT_ONCE = 500, 25
TODAY = dt.date(2026, 11, 24)
NASTY = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\t", b"{{ x }}", b"{% if %}", b"<script>alert(1)</script>",
    b"---\n",
    b"::: note\n", b":::\n", b"[[unsubscribe_url]]", b"[@]", b"[@nobody]", b"](article:)", b"](term:", b"![](image:x)",
    b"]]>", b"<!-- ", b"&#0;", b"\xf0\x9f\xa7\xa0\xe2\x80\x8d" * 30, "مرحبا".encode(), b"x" * 10_000, b"> " * 200,
    b"- " * 200, b"[" * 500, b"*" * 500, b"| a |\n| --- |\n", b"9" * 400, b"0001-01-01", b"9999-12-31", b"= [",
    b"'''", b"\\", b"!!python/object:x {}", b"&a [*a, *a]", b"1e400", b"-0", b"null", b"\xed\xa0\x80",
)  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Return the file with one to three things done to it."""
    for _ in range(dice.randint(1, 3)):
        at, to = sorted((dice.randrange(len(data) + 1), dice.randrange(len(data) + 1)))
        lines = data.split(b"\n")
        line = dice.randrange(len(lines))
        match dice.randrange(8):
            case 0:
                data = data[:at] + dice.choice(NASTY) + data[at:]
            case 1:
                data = data[:at] + data[to:]
            case 2:
                data = data[:at]
            case 3:
                data = data[:to] + data[at:to] + data[to:]
            case 4:
                data = b"\n".join([*lines[:line], *lines[line + 1 :]])
            case 5:
                data = b"\n".join([*lines[:line], lines[line], *lines[line:]])
            case 6:
                key, mark, _value = lines[line].partition(b":" if b":" in lines[line] else b"=")
                lines[line] = key + mark + b" " + dice.choice(NASTY)
                data = b"\n".join(lines)
            case _:
                data = bytes(byte ^ (1 << dice.randrange(8)) if dice.random() < 0.01 else byte for byte in data)
    return data


def spoilt(folder: Path, number: int) -> config.Config:
    """Lay a publication with one or two spoilt files into `folder`."""
    dice = random.Random(number)  # noqa: S311  the same folder every time is the point
    shutil.copytree(SOUND, folder / "content")
    for name in dice.sample(FILES, dice.randint(1, 2)):
        path = folder / "content" / name
        path.write_bytes(mutated(path.read_bytes(), dice))
    (folder / "templates").symlink_to(samples.ROOT / "templates")
    shutil.copy(samples.ROOT / "mscare.toml", folder)
    return config.load(folder / "mscare.toml")


@pytest.mark.parametrize(
    "first", [pytest.param(n, marks=[] if n % 250 == 0 else pytest.mark.long) for n in range(0, MUTATED, AT_ONCE)]
)
def test_a_spoilt_file_gives_findings_and_no_traceback(tmp_path: Path, first: int) -> None:
    for number in range(first, first + AT_ONCE):
        folder = tmp_path / str(number)
        try:
            findings = flow.check(office.sit_down(spoilt(folder, number)), TODAY)
        except errors.Problem as problem:
            assert problem.message  # noqa: PT017  a sentence is as good as a finding
            assert problem.hint  # noqa: PT017
        else:
            for finding in findings:
                assert finding.file, number
                assert finding.message, number
                assert finding.hint, number
        shutil.rmtree(folder)
