"""Content that is read again in the same process: what did not change is kept, and every change is seen.

What is kept is kept by the file's path and bytes, so a copy of the folder in another place is always read anew.
"""

import shutil
from pathlib import Path

import pytest

from pipeline import content

SOUND = Path(__file__).parent / "checks" / "_sound" / "content"
FILES = sorted(path.relative_to(SOUND).as_posix() for path in SOUND.rglob("*") if path.is_file())


def read(room: Path) -> tuple[str, str]:
    """Load a folder: everything in it and every finding, without the folder's own name."""
    library, findings = content.load(room)
    return repr((library, library.images)).replace(str(room), ""), repr(findings)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("spoilt", [b"\nx = [\n", b"", b"\n\n---\n# [x](term:none) \xff\n", None])
def test_a_change_of_any_file_is_seen_as_if_all_were_read_for_the_first_time(
    tmp_path: Path, name: str, spoilt: bytes | None
) -> None:
    room, elsewhere = tmp_path / "once" / "content", tmp_path / "anew" / "content"
    shutil.copytree(SOUND, room)
    before, path = read(room), room / name
    whole = path.read_bytes()
    if spoilt is None:
        path.unlink()
    else:
        path.write_bytes(whole + spoilt if spoilt else spoilt)
    shutil.copytree(room, elsewhere)
    assert read(room) == read(elsewhere)
    assert read(room) != before
    path.write_bytes(whole)
    assert read(room) == before


def test_a_finding_is_told_again_while_its_file_stays_as_it_is(tmp_path: Path) -> None:
    shutil.copytree(SOUND, tmp_path / "content")
    path = tmp_path / "content" / "articles" / "rest-and-ms.md"
    path.write_text(path.read_text("utf-8").replace("title:", "titel:", 1), encoding="utf-8")
    first, again = (content.load(tmp_path / "content")[1] for _ in range(2))
    assert [finding.code for finding in first] == [finding.code for finding in again] != []


def test_what_is_kept_of_a_file_that_did_not_change_is_the_same_value(tmp_path: Path) -> None:
    shutil.copytree(SOUND, tmp_path / "content")
    first, _ = content.load(tmp_path / "content")
    path = tmp_path / "content" / "articles" / "rest-and-ms.md"
    path.write_text(path.read_text("utf-8") + "\nOne more word.\n", encoding="utf-8")
    again, _ = content.load(tmp_path / "content")
    assert again.articles["heat-and-ms"] is first.articles["heat-and-ms"]
    assert again.articles["rest-and-ms"] != first.articles["rest-and-ms"]


def test_a_chapter_that_no_longer_says_what_the_index_looks_for_is_seen(tmp_path: Path) -> None:
    room = tmp_path / "content"
    shutil.copytree(SOUND, room)
    (room / "index.toml").write_text('[[entry]]\nheading = "Steps"\nfind = ["steps"]\n', encoding="utf-8")
    path = room / "book" / "01-first-steps.md"
    path.write_text(path.read_text("utf-8") + "\nThe steps are small.\n", encoding="utf-8")
    assert content.load(room)[1] == []
    path.write_text(path.read_text("utf-8").replace("steps", "ways"), encoding="utf-8")
    assert [finding.code for finding in content.load(room)[1]] == ["content-index-unfound"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("glossary.toml", "[[term]]", f"[[term]]\nalso = {'[' * 5000}\n"),
        ("sources.json", "[", "[" * 5000),
        ("articles/rest-and-ms.md", "title:", f"title: {'[' * 5000}\nother:"),
        ("articles/rest-and-ms.md", "title:", f"title: {'[' * 40_000}\nother:"),
        ("articles/rest-and-ms.md", "title:", f"other:\n  {'- ' * 20_000}\ntitle:"),
    ],
)
def test_brackets_without_end_are_a_finding(tmp_path: Path, name: str, old: str, new: str) -> None:
    shutil.copytree(SOUND, tmp_path / "content")
    path = tmp_path / "content" / name
    path.write_text(path.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    _, findings = content.load(tmp_path / "content")
    assert any("brackets" in finding.message for finding in findings if finding.file == f"content/{name}")
