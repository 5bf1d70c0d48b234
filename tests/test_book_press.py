"""The book laid out in parts by worker processes: the same bytes, and never more work than needed. Names are claims."""

import concurrent.futures
import contextlib
import ctypes
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import book_editions
import pytest
import samples
import samples_book
from book_editions import Memory, Told

from pipeline import errors, render, store, templating
from pipeline.formats import book as format_book
from pipeline.formats._chapters import setting
from pipeline.formats.book import crew, job, parts, press

SCREEN = "navigating-your-ms-care.pdf"
ONE = ("screen",)


def maps(kept: Memory) -> Memory:
    """Return a store that kept the page maps and nothing else."""
    return Memory({key: content for key, content in kept.kept.items() if key.startswith("map-")})


# --- the same bytes -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_bytes_do_not_depend_on_the_number_of_workers_or_on_any_store(size: int) -> None:
    files, _ = book_editions.whole()
    assert book_editions.render(book_editions.sample(*ONE), size=size)[SCREEN] == files[SCREEN]


def test_the_bytes_do_not_depend_on_which_part_comes_from_the_store() -> None:
    files, kept = book_editions.whole()
    parts = sorted(key for key in kept.kept if key.startswith("part-"))
    some = Memory({key: kept.kept[key] for key in parts[::2]})
    assert book_editions.render(book_editions.sample(), some) == files


def test_the_bytes_do_not_depend_on_the_page_map_that_was_kept() -> None:
    files, kept = book_editions.whole()
    wrong = json.loads(kept.kept["map-screen"])
    wrong["firsts"] = [first + 7 for first in wrong["firsts"]]
    wrong["pages"] = {anchor: page * 131 for anchor, page in wrong["pages"].items()}
    for record in (wrong, {"firsts": [], "pages": {}}):
        memory = Memory({"map-screen": json.dumps(record).encode()})
        assert book_editions.render(book_editions.sample(*ONE), memory)[SCREEN] == files[SCREEN]


@pytest.mark.parametrize("former", ["large-print", "screen", "none"])
def test_the_bytes_do_not_depend_on_the_file_that_was_joined_last(former: str) -> None:
    files, kept = book_editions.whole()
    last = next(key for key in kept.kept if key.startswith("last-screen-"))
    other = next((content for key, content in kept.kept.items() if key.startswith(f"last-{former}-")), b"edition-0")
    lacking = {key: content for key, content in kept.kept.items() if content != files[SCREEN]}
    memory = Memory(kept.kept if former == "screen" else lacking)
    memory.kept[last] = other
    longer = book_editions.edited(book_editions.sample(*ONE), lambda body: body + "\n\nA few words more.", 0)
    assert book_editions.render(longer, memory) == book_editions.render(longer)


def test_an_edit_and_its_undoing_give_the_first_bytes_again() -> None:
    files, kept = book_editions.whole()
    book, memory = book_editions.sample(*ONE), Memory(kept.kept)
    longer = book_editions.edited(book, lambda body: body + "\n\nOne more paragraph. " * 60, 0)
    assert book_editions.render(longer, memory)[SCREEN] != files[SCREEN]
    assert book_editions.render(longer, maps(memory)) == book_editions.render(longer)
    assert book_editions.render(book, memory)[SCREEN] == files[SCREEN]


# --- no more work than needed ---------------------------------------------------------------------


def test_a_book_that_did_not_change_is_taken_from_the_store_as_it_is() -> None:
    files, kept = book_editions.whole()
    told = Told()
    assert book_editions.render(book_editions.sample(), Memory(kept.kept), told) == files
    assert told.steps == []


def test_a_word_that_moves_no_page_has_its_own_chapter_laid_out_and_no_other() -> None:
    _, kept = book_editions.whole()
    told = Told()
    book = book_editions.edited(
        book_editions.sample(*ONE), lambda body: body.replace("People with MS", "Those with MS", 1), 0
    )
    book_editions.render(book, Memory(kept.kept), told)
    assert told.steps == ["screen: chapter-1", "screen: joined", "screen: judged"]


def test_a_page_more_has_the_parts_behind_it_and_the_contents_laid_out_again() -> None:
    _, kept = book_editions.whole()
    told = Told()
    book = book_editions.edited(book_editions.sample(*ONE), lambda body: body + "\n\n" + samples_book.PARAGRAPH * 30, 0)
    book_editions.render(book, Memory(kept.kept), told)
    assert told.laid_out.count("screen: chapter-1") == 1
    assert set(told.laid_out) >= {"screen: chapter-12", "screen: front", "screen: back"}


def test_progress_counts_every_step_and_ends_at_its_total() -> None:
    told = Told()
    book_editions.render(book_editions.sample("screen", "print"), told=told)
    assert [done for done, _ in told.counts] == list(range(1, len(told.counts) + 1))
    assert told.counts[-1][0] == told.counts[-1][1]
    assert {step.partition(":")[0] for step in told.steps} == {"screen", "print"}


def test_an_edition_over_its_budget_is_refused_and_not_kept() -> None:
    _, kept = book_editions.whole()
    memory = Memory({key: content for key, content in kept.kept.items() if not key.startswith("edition-")})
    book = book_editions.sample(*ONE)
    small = tuple(dataclasses.replace(edition, size_budget_kb=1) for edition in book.spec.editions)
    with pytest.raises(errors.RenderProblem, match="its budget is 1 KB"):
        book_editions.render(dataclasses.replace(book, spec=dataclasses.replace(book.spec, editions=small)), memory)
    assert not [key for key in memory.kept if key.startswith("edition-")]


# --- what is under way while the rest is written ---------------------------------------------------


class Refusing(concurrent.futures.Executor):
    """Takes each job down in `events`, and has none done."""

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.sheets: list[job.Sheet] = []

    def submit(self, _: Callable[..., Any], /, *args: Any, **__: Any) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_exception(errors.RenderProblem("nobody is here"))
        if isinstance(args[0], job.Sheet):
            self.events.append(f"given away {args[0].name}")
            self.sheets.append(args[0])
        return future


def begun(place: store.FolderStore) -> tuple[list[str], list[job.Sheet]]:
    """Begin an edition with what `place` has; return what was written and given to the workers, in order."""
    book, material, events = book_editions.sample(*ONE), samples_book.material(), []
    env = templating.environment(material.templates, "book")
    workers = Refusing(events)
    plates = press.Plates(
        book.editions[0], "", {}, lambda part, _: events.append(f"written {part.name}"), lambda *_: ""
    )
    chapters = [setting.set_chapter(chapter, book, material) for chapter in book.chapters]
    made_of = parts.parts(env, book, material, chapters, book.editions[0])
    with pytest.raises(errors.RenderProblem, match="nobody is here"):
        press.Press(plates, workers, place, press.Steps(lambda *_: None)).printed(made_of)
    return events, workers.sheets


def test_the_first_part_that_is_missing_is_with_a_worker_before_the_next_is_written(tmp_path: Path) -> None:
    events, sheets = begun(store.FolderStore(tmp_path, "book"))
    assert events[:3] == ["written chapter-1", "given away chapter-1", "written chapter-12"]
    store.FolderStore(tmp_path, "book").put(f"places-{sheets[0].key}", b"[4, {}]")
    events, _ = begun(store.FolderStore(tmp_path, "book"))
    assert events[:4] == ["written chapter-1", "written chapter-12", "given away chapter-12", "written front"]


# --- a part whose numbers move its own lines ------------------------------------------------------


def test_page_numbers_that_move_the_lines_of_their_own_part_are_refused(tmp_path: Path) -> None:
    templates = samples_templates(tmp_path)
    front = templates / "book" / "front.html"
    longer = '{% for n in range(page("chapter-12") // 4) %}<p>One more line.</p>{% endfor %}\n<h2>Signs used'
    text = front.read_text(encoding="utf-8")
    assert "<h2>Signs used" in text
    front.write_text(text.replace("<h2>Signs used", longer), encoding="utf-8")
    material = dataclasses.replace(samples_book.material(), templates=templates)
    with pytest.raises(errors.RenderProblem, match=r"page numbers in the part 'front'.*move its own lines"):
        format_book.render(samples_book.book(), material)


def samples_templates(tmp_path: Path) -> Path:
    """Return a copy of the templates that a test may change."""
    templates = tmp_path / "templates"
    shutil.copytree(samples.ROOT / "templates", templates)
    return templates


# --- workers --------------------------------------------------------------------------------------


def test_a_worker_that_is_killed_is_told_in_a_sentence_and_the_others_go_on() -> None:
    with crew.Crew(1) as workers:
        with pytest.raises(errors.RenderProblem, match="was ended by signal 9"):
            workers.submit(os.kill, *_self(workers)).result()
        assert workers.submit(pow, 2, 5).result() == 32


def _self(workers: crew.Crew) -> tuple[int, int]:
    return workers.submit(os.getpid).result(), signal.SIGKILL


def test_a_killed_worker_ends_a_build_with_a_sentence() -> None:
    with crew.Crew(1) as workers, concurrent.futures.ThreadPoolExecutor(1) as thread:
        workers.warm(job.__name__, "")
        pid = workers._idle[job.__name__][0]._process.pid
        material = dataclasses.replace(samples_book.material(), workers=workers)
        building = thread.submit(format_book.render, samples_book.book(), material)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(errors.RenderProblem, match="a worker process that lays out the book was ended by signal 9"):
            building.result()


def test_what_a_worker_cannot_do_is_a_sentence_and_the_worker_stays() -> None:
    with crew.Crew(1) as workers:
        pid = workers.submit(os.getpid).result()
        with pytest.raises(errors.RenderProblem, match="ProcessLookupError"):
            workers.submit(os.kill, 2**30, 0).result()
        assert workers.submit(os.getpid).result() == pid


def test_a_crew_that_is_done_leaves_no_process_and_takes_no_job() -> None:
    with crew.Crew(2) as workers:
        pids = {future.result() for future in [workers.submit(os.getpid) for _ in range(6)]}
    assert not [pid for pid in pids if _lives(pid)]
    with pytest.raises(RuntimeError, match="sent home"):
        workers.submit(os.getpid)


def _lives(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_worker_that_has_grown_is_replaced() -> None:
    with crew.Crew(1, limit=1) as workers:
        assert workers.submit(os.getpid).result() != workers.submit(os.getpid).result()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can give memory back when asked")
def test_a_worker_that_freed_much_memory_no_longer_holds_it() -> None:
    """Its last block lies above all that it freed, so that the C library gives nothing back by itself."""
    with crew.Crew(1, limit=10_000) as workers:
        freed = (
            "setattr(__import__('sys'), 'kept', [bytes(2000) for _ in range(150_000)][-1]) or __import__('os').getpid()"
        )
        status = workers.submit(eval, freed), workers.submit(eval, "open('/proc/self/status').read()")
        pid, told = (future.result() for future in status)
    numbers = {line.split()[0]: line.split()[1] for line in told.splitlines() if line.split()[1:]}
    assert int(numbers["Pid:"]) == pid, "the same worker"
    assert int(numbers["VmHWM:"]) > 300_000
    assert int(numbers["VmRSS:"]) < crew.KEPT * 1000


def test_a_worker_that_was_never_asked_is_ended_before_it_is_ready() -> None:
    with crew.Crew(1) as workers:
        workers.warm(job.__name__, "")
        process = workers._idle[job.__name__][0]._process
    assert process.returncode == -signal.SIGKILL


def test_workers_end_when_the_program_that_started_them_is_killed() -> None:
    program = (
        "import os, signal\nfrom pipeline.formats.book import crew\nworkers = crew.Crew(1)\n"
        "print(workers.submit(os.getpid).result(), flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=samples.ROOT, capture_output=True, text=True, check=False
    )
    pid = int(done.stdout)
    ended = threading.Event()
    for _ in range(200):
        if not _lives(pid) or _is_zombie(pid):
            break
        ended.wait(0.05)
    assert not _lives(pid) or _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    return True


# --- the store on disk ----------------------------------------------------------------------------


def test_a_store_gives_back_what_was_put_and_nothing_that_was_cut_off(tmp_path: Path) -> None:
    folder = store.FolderStore(tmp_path / "parts", "book")
    assert folder.get("part-a") is None
    folder.put("part-a", b"words")
    assert folder.get("part-a") == b"words"
    (tmp_path / "parts" / "part-a").write_bytes((tmp_path / "parts" / "part-a").read_bytes()[:-1])
    assert folder.get("part-a") is None


def test_a_store_forgets_what_the_last_three_builds_did_not_use_and_nothing_of_others(tmp_path: Path) -> None:
    for number in range(5):
        builder = store.FolderStore(tmp_path, "book")
        builder.put(f"part-{number}", b"x")
        builder.prune()
    other = store.FolderStore(tmp_path, "site")
    other.put("page-1", b"y")
    other.prune()
    builder = store.FolderStore(tmp_path, "book")
    builder.prune()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "page-1", "part-3", "part-4", "used-by-book", "used-by-site",
    ]  # fmt: skip


def test_a_folder_that_takes_no_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "parts").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(errors.StorageProblem, match=r"cannot write .*parts") as caught:
        store.FolderStore(tmp_path / "parts", "book").put("part-a", b"x")
    assert "may be deleted" in caught.value.hint


def test_a_build_keeps_its_parts_beside_its_outputs_and_uses_them_again(tmp_path: Path) -> None:
    book, material = samples_book.book(), samples_book.material()
    shutil.copytree(samples.ROOT / "content" / "book", tmp_path / "content" / "book")
    spec = dataclasses.replace(book.spec, path=tmp_path / "content" / "book" / "book.toml")
    chapters = tuple(dataclasses.replace(c, path=spec.path.with_name(c.path.name)) for c in book.chapters)
    book = dataclasses.replace(book, spec=spec, chapters=chapters)
    library = dataclasses.replace(material.library, root=tmp_path / "content")
    material = dataclasses.replace(material, library=library)
    first = render.build(book, material, tmp_path / "out", lambda _: None)
    assert {"pages.json", SCREEN} <= set(first.outputs)
    assert list((tmp_path / "out" / ".parts").glob("part-*"))
    told = Told()
    (tmp_path / "out" / "book" / SCREEN).unlink()
    again = render.build(book, dataclasses.replace(material, step=told), tmp_path / "out", lambda _: None)
    assert again.outputs == first.outputs
    assert told.steps == []
