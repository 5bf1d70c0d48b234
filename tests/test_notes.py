"""What a process notes of texts for the next one: taken up for the same text only, and for all of it."""

import hashlib
import json
from pathlib import Path

import house
import pytest

from pipeline import config, content, errors, flow, model, notes, office, render, store

ODD_HEADS = {
    "none": "",
    "an unknown key": "odd: 1",
    "a key that is a number": "1: one",
    "a key given twice": "topic: Diagnosis",
    "a value twice by an anchor": "odd: &a [1]\nodder: *a",
    "bytes": "odd: !!binary aGVsbG8=",
    "a set": "odd: !!set {a, b}",
    "no number": "odd: .nan",
    "a bad number": "odd: 0b_",
    "nothing": "odd:",
    "a colon too many": "odd: a: b",
}


def read(room: Path, place: model.Store, mark: str = "m") -> tuple[model.Library, list[model.Finding]]:
    with notes.kept_in(place, mark):
        return content.load(room / "content")


def publication(room: Path, head: str = "") -> Path:
    house.build(room)
    path = room / "content" / "articles" / "scans.md"
    path.write_text(path.read_text("utf-8").replace("\nrelated:", f"\n{head}\nrelated:", 1), encoding="utf-8")
    return room


@pytest.mark.parametrize("what", ODD_HEADS)
def test_a_head_is_read_from_notes_as_from_its_file(tmp_path: Path, what: str) -> None:
    """Each reading is of another folder, so that nothing but the notes is remembered."""
    place = store.PackStore(tmp_path / "pack")
    plain, said = content.load(publication(tmp_path / "a", ODD_HEADS[what]) / "content")
    for name in ("b", "c"):
        library, findings = read(publication(tmp_path / name, ODD_HEADS[what]), place)
        assert findings == said
        assert [repr(item).replace(f"/{name}/", "/a/") for item in library.articles.values()] == [
            repr(item) for item in plain.articles.values()
        ]


def test_notes_of_other_code_are_not_taken_up(tmp_path: Path) -> None:
    place = store.PackStore(tmp_path / "pack")
    made = []
    for mark in ("one", "two", "one"):
        with notes.kept_in(place, mark):
            made.append(notes.taken("kind", "text", lambda mark=mark: [mark]))
    assert made == [["one"], ["two"], ["one"]]


def test_the_reading_that_a_send_rests_on_takes_no_notes(tmp_path: Path) -> None:
    """Who can write into out/ must not be able to change what an approval is given for."""
    flow.read(config.load(publication(tmp_path / "a") / "mscare.toml"))
    path = tmp_path / "a" / "out" / render.PARTS / office.NOTES
    size = hashlib.sha256().digest_size
    forged = path.read_bytes()[size:].replace(b"Scans and what they say", b"Scams and what they say")
    room = publication(tmp_path / "b")
    settings = config.load(room / "mscare.toml")
    path = settings.out / render.PARTS / office.NOTES
    path.parent.mkdir(parents=True)
    path.write_bytes(hashlib.sha256(forged).digest() + forged)
    assert office.sit_down(settings).library.articles["scans"].title == "Scans and what they say"
    assert flow.read(settings).library.articles["scans"].title == "Scans and what they say"


def test_a_pack_keeps_what_the_last_builds_have_used(tmp_path: Path) -> None:
    path = tmp_path / "parts" / "pack"
    first = store.PackStore(path)
    first.put("a", b"1")
    first.put("b", b"2")
    assert (first.get("a"), first.get("c")) == (b"1", None)
    first.prune()
    for _ in range(store.BUILDS):
        build = store.PackStore(path)
        assert (build.get("a"), build.get("b")) == (b"1", b"2")
        build.prune()
    for _ in range(store.BUILDS):
        build = store.PackStore(path)
        assert build.get("a") == b"1"
        build.put(f"new {_}", b"3")
        build.prune()
    assert (store.PackStore(path).get("a"), store.PackStore(path).get("b")) == (b"1", None)


def test_a_pack_that_is_not_whole_is_empty_and_one_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    path = tmp_path / "pack"
    pack = store.PackStore(path)
    pack.put("a", json.dumps(["é"]).encode())
    pack.prune()
    for spoilt in (path.read_bytes()[:-1], path.read_bytes().replace(b"a", b"b"), b""):
        path.write_bytes(spoilt)
        assert store.PackStore(path).get("a") is None
    (tmp_path / "file").write_text("no folder")
    refused = store.PackStore(tmp_path / "file" / "pack")
    refused.put("a", b"1")
    with pytest.raises(errors.StorageProblem, match="cannot write"):
        refused.prune()
