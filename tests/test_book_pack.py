"""The appointment pack: two pages, exactly, that a reader can fill in; told what does not fit; the same bytes again."""

import functools
import io
import subprocess
import sys
from pathlib import Path

import book_tags
import house
import page
import pikepdf
import pypdfium2
import pytest
import samples
from pikepdf import Name, String

from pipeline import config, content, edition, errors, model, office, packing, render
from pipeline.formats.book import pack as format_pack


@functools.cache
def library() -> model.Library:
    return content.load(samples.ROOT / "content")[0]


GROUPS = tuple(library().groups)
LONGEST = tuple(name for name, group in library().groups.items() if len(group.questions) == edition.MOST)
IDS = tuple(library().questions)


def made(wanted: model.Pack) -> bytes:
    return format_pack.render(wanted, samples.sample_material().identity, samples.ROOT / "templates")


@functools.cache
def some(*ids: str, topic: str = "", paper: str = "a4", large: bool = False) -> bytes:
    return made(edition.pack(library(), ids, topic=topic, paper=paper, large=large))


def text(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [" ".join(sheet.get_textpage().get_text_range().replace("\xa0", " ").split()) for sheet in document]
    finally:
        document.close()


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def curled(words: str) -> str:
    return words.replace("'", "\u2019")


# --- two pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "paper"), [*((g, "a4") for g in GROUPS), *((g, "letter") for g in LONGEST)])
def test_every_group_of_questions_fits_on_two_pages_of_either_paper(group: str, paper: str) -> None:
    pages = text(some(topic=group, paper=paper))
    assert len(pages) == 2
    for question in library().groups[group].questions:
        assert curled(question.text) in pages[0]
    assert "My visit planner" in pages[1]


@pytest.mark.parametrize("count", range(1, edition.MOST + 1))
def test_a_pack_of_one_to_eight_questions_has_two_full_pages_and_passes_pdf_ua(count: int) -> None:
    pdf = some(*IDS[: 5 * count : 5])
    assert len(text(pdf)) == 2
    assert not page.validate_pdf_bytes(pdf, profile=page.ValidationProfile.PDF_UA_1).failures
    with opened(pdf) as document:
        for sheet in document.pages:  # the lowest thing on a page, field or line, stands near its foot
            lowest = min(float(edge) for note in sheet.Annots for edge in list(note.Rect)[1::2])
            assert lowest < 190, "the room on the page is not given to its fields"


@pytest.mark.parametrize("paper", edition.PAPERS)
def test_the_four_longest_questions_fit_in_large_print_with_letters_of_18_points(paper: str) -> None:
    longest = sorted(IDS, key=lambda name: -len(library().questions[name].text))[: edition.MOST_LARGE]
    pdf = some(*longest, paper=paper, large=True)
    assert len(text(pdf)) == 2
    with opened(pdf) as document:
        looks = {str(field.DA).split()[-2] for field in document.Root.AcroForm.Fields if Name.Tx == field.FT}
    assert looks == {"18"}


def test_the_paper_is_a4_unless_letter_is_asked_for() -> None:
    for paper, size in (("a4", (595, 842)), ("letter", (612, 792))):
        with opened(some(*IDS[:3], paper=paper)) as document:
            assert tuple(round(float(edge)) for edge in document.pages[0].MediaBox[2:]) == size


def test_questions_too_long_for_a_page_together_are_refused_in_a_sentence() -> None:
    question = library().questions[IDS[0]]
    long = model.Question("long", question.group, question.text * 12)
    wanted = edition.pack(library(), IDS[:8])
    with pytest.raises(errors.UsageProblem, match="more than a page of a4 paper"):
        made(model.Pack(wanted.spec, "", (long,) * 8, wanted.planner))


# --- what it says, and in what order --------------------------------------------------------------


def test_the_notice_and_the_lines_for_distress_are_those_of_the_book() -> None:
    first, _ = text(some(*IDS[:3]))
    spec = library().book
    assert spec is not None
    assert spec.notice.replace("this book", "these pages") in first
    assert spec.support in first
    assert spec.title in first


def test_it_is_read_aloud_in_the_order_of_its_pages() -> None:
    with opened(some(*IDS[:3])) as document:
        read = [str(tag.S) for tag in book_tags.tags(document)]
        labels = [str(field.TU) for field in document.Root.AcroForm.Fields]
    assert read.index("/H1") < read.index("/H2") < read.index("/Table")
    texts = [library().questions[name].text for name in IDS[:3]]
    asked = [label for text in texts for label in (f"Tick to ask: {text}", f"My notes on: {text}")]
    assert labels[1:7] == asked
    planner = library().worksheets[edition.PLANNER]
    named = [label.removesuffix(" (month, day, year)") for label in labels[7 : 7 + len(planner.fields)]]
    assert named == [field.label for field in planner.fields]
    assert len(labels) == 7 + len(planner.fields) + planner.rows * len(planner.columns)


def test_what_is_filled_in_can_be_read_back() -> None:
    with opened(some(*IDS[:8])) as document:
        for field in document.Root.AcroForm.Fields:
            if Name.Btn == field.FT:
                field.V = field.AS = next(Name(state) for state in field.AP.N.keys() if state != "/Off")  # noqa: SIM118
            else:
                field.V = String(f"Note on {field.T}")
        out = io.BytesIO()
        document.save(out)
    with opened(out.getvalue()) as document:
        for field in document.Root.AcroForm.Fields:
            if Name.Btn == field.FT:
                assert Name.Off != field.V
            else:
                assert str(field.V) == f"Note on {field.T}"


def test_the_same_questions_give_the_same_bytes_in_another_process() -> None:
    program = (
        "import hashlib, test_book_pack as pack\n"
        "print(hashlib.sha256(pack.some(*pack.IDS[:3])).hexdigest())\n"
        "print(pack.packing.file_name(pack.some(*pack.IDS[:3])))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": f"{samples.ROOT}:{Path(__file__).parent}", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert told.stdout.split("\n")[1] == packing.file_name(some(*IDS[:3])), told.stderr


# --- choosing -------------------------------------------------------------------------------------


def chosen(*ids: str, topic: str = "", large: bool = False) -> list[str]:
    return [question.id for question in edition.pack(library(), ids, topic=topic, large=large).questions]


def test_questions_keep_the_order_asked_for_and_come_once() -> None:
    assert chosen("mri-copy", "mri-where", "mri-copy") == ["mri-copy", "mri-where"]


def test_a_topic_is_a_group_by_id_or_title_an_article_or_a_chapter() -> None:
    group = library().groups["relapse"]
    ids = [question.id for question in group.questions]
    assert chosen(topic="relapse") == chosen(topic=group.title.upper()) == ids
    article = next(iter(library().articles.values()))
    assert chosen(topic=article.slug) == list(article.questions)
    chapter = next(c for c in library().chapters.values() if len(c.question_groups) == 1)
    assert chosen(topic=chapter.slug) == [q.id for q in library().groups[chapter.question_groups[0]].questions]


@pytest.mark.parametrize(
    ("ids", "topic", "said", "hint"),
    [
        (("mri-wher",), "", "no question 'mri-wher'", "did you mean mri-where"),
        (("mri",), "", "'mri' is a group", "--topic mri"),
        ((), "relapsse", "no topic 'relapsse'", "did you mean relapse"),
        ((), "", "needs questions by their ids, or a topic", "mscare pack --list"),
        (("mri-where",), "mri", "one of the two", "mscare pack --list"),
        (IDS[:9], "", "9 questions do not fit: a page holds 8", "choose three for one visit"),
    ],
)
def test_what_cannot_be_chosen_is_told_with_what_comes_nearest(
    ids: tuple[str, ...], topic: str, said: str, hint: str
) -> None:
    with pytest.raises(errors.UsageProblem, match=said) as told:
        chosen(*ids, topic=topic)
    assert hint in told.value.hint


def test_large_print_holds_fewer_questions_and_says_so() -> None:
    with pytest.raises(errors.UsageProblem, match="7 questions do not fit: a page in large print holds 4"):
        chosen(topic="relapse", large=True)


def test_a_chapter_with_more_groups_than_a_page_holds_names_them() -> None:
    chapter = next(c for c in library().chapters.values() if len(c.question_groups) > 1)
    with pytest.raises(errors.UsageProblem) as told:
        chosen(topic=chapter.slug)
    assert all(group in told.value.hint for group in chapter.question_groups)


# --- the command ----------------------------------------------------------------------------------

PLANNER = (
    '[[worksheet]]\nid = "visit-planner"\ntitle = "My visit planner"\nintro = "Fill this in."\n'
    '[[worksheet.field]]\nid = "planner-date"\nlabel = "Date"\nkind = "date"\n'
    '[[worksheet.field]]\nid = "planner-answers"\nlabel = "Answers"\nkind = "area"\n'
)


@pytest.fixture
def place(tmp_path: Path) -> house.House:
    there = house.build(tmp_path / "house")
    there.write("worksheets.toml", house.BANKS["worksheets.toml"] + PLANNER)
    return there


def test_the_command_writes_a_new_file_with_a_name_that_says_nothing(place: house.House) -> None:
    done = place.run("pack", "scan-where", "scan-new")
    path = Path(done.out.strip())
    assert done.code == 0, done.err
    assert path.parent == place.root / "out" / "pack"
    assert "scan" not in path.name
    assert len(text(path.read_bytes())) == 2
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_pack_that_somebody_wrote_into_is_never_written_over(place: house.House) -> None:
    path = place.root / "mine.pdf"
    assert place.run("pack", "scan-where", "--out", str(path)).code == 0
    assert place.run("pack", "scan-where", "--out", str(path)).code == 0  # the same bytes do no harm
    path.write_bytes(path.read_bytes() + b"% a note\n")
    done = place.run("pack", "scan-where", "--out", str(path))
    assert done.code == 2
    assert "may have been filled in" in done.err
    assert path.read_bytes().endswith(b"% a note\n")


def test_the_list_names_every_question_by_group(place: house.House) -> None:
    told = place.run("pack", "--list")
    assert told.code == 0
    assert told.out.splitlines()[:3] == ["Scans  (--topic scan)", "  scan-where", "      Where are my lesions?"]
    (group,) = place.run("pack", "--list", "--json").json()
    assert [question["id"] for question in group["questions"]] == ["scan-where", "scan-new", "scan-copy"]


def test_content_without_a_visit_planner_is_told_what_it_lacks(tmp_path: Path) -> None:
    done = house.build(tmp_path / "house").run("pack", "scan-where")
    assert done.code == 3
    assert "visit-planner" in done.err


def test_a_disk_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(errors.StorageProblem, match="cannot write"):
        render.put_by(tmp_path / "file" / "pack.pdf", b"%PDF")


# --- at a server ----------------------------------------------------------------------------------


def test_a_counter_makes_packs_in_another_process_until_it_is_closed(place: house.House) -> None:
    counter = packing.Counter()
    desk = office.sit_down(config.load(place.root / "mscare.toml"))
    wanted = edition.pack(desk.library, ["scan-where"])
    try:
        assert counter.make(desk, wanted) == packing.make(desk, wanted)
    finally:
        counter.close()
    with pytest.raises(errors.Interrupted):
        counter.make(desk, wanted)
