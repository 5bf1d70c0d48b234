"""A PDF in few bytes is the same PDF: names are claims. The book's own pages are in `test_book_stitch`."""

import io

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from pipeline import errors
from pipeline.formats.book import squeeze


def small(count: int, words: str = "words") -> pikepdf.Pdf:
    """Make a PDF of one page and this many small objects, with these words in its catalog."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.pages[0].Contents = pdf.make_stream(b"q 1 0 0 1 0 0 cm Q\n")
    links = [Dictionary(Type=Name.Link, Number=number, Next=pdf.Root) for number in range(count)]
    pdf.Root.Links = Array([pdf.make_indirect(link) for link in links])
    pdf.Root.Words = String(words)
    return pdf


def by_qpdf(pdf: pikepdf.Pdf, mode: pikepdf.ObjectStreamMode = pikepdf.ObjectStreamMode.generate) -> bytes:
    """Save as qpdf does."""
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True, object_stream_mode=mode)
    return out.getvalue()


def objects(content: bytes) -> dict[tuple[int, int], tuple[bytes, bytes]]:
    """Read every object that is not there for the sake of the file's form, and its unpacked content."""
    found = {}
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert not pdf.check_pdf_syntax()
        for thing in pdf.objects:
            is_stream = isinstance(thing, pikepdf.Stream)
            words = thing.stream_dict if isinstance(thing, pikepdf.Stream) else thing
            if not is_stream or words.get("/Type") not in {Name.ObjStm, Name.XRef}:
                found[thing.objgen] = (words.unparse(), thing.read_bytes() if is_stream else b"")
    return found


@pytest.mark.parametrize("count", [0, 1, 450, 3_000])
def test_every_object_is_the_same_under_its_number(count: int) -> None:
    plain = by_qpdf(small(count))
    assert objects(squeeze.repacked(plain)) == objects(plain)
    assert len(objects(plain)) >= count


def test_many_small_objects_take_a_third_less() -> None:
    assert len(squeeze.saved(small(3_000))) < 0.67 * len(by_qpdf(small(3_000)))


def test_the_same_objects_give_the_same_bytes() -> None:
    assert squeeze.saved(small(700)) == squeeze.saved(small(700))


@pytest.mark.parametrize("words", ["words", "other words"])
def test_a_former_file_spares_work_and_changes_no_byte(words: str) -> None:
    former = squeeze.saved(small(3_000, words))
    squeeze.deflated.cache_clear()
    again = squeeze.saved(small(3_000), former)
    packed_anew = squeeze.deflated.cache_info().misses
    assert again == squeeze.saved(small(3_000))
    assert packed_anew < squeeze.deflated.cache_info().misses


def test_no_stream_that_is_packed_here_ends_like_a_line() -> None:
    """Each letter more moves the checksum, a stream's last bytes, by an odd number: one of 256 files would end so."""
    for length in range(1024):
        assert b"\r\nendstream" not in squeeze.saved(small(2, "o" * length))


def test_a_file_of_another_form_is_refused() -> None:
    with pytest.raises(errors.RenderProblem, match="not understood, at byte"):
        squeeze.repacked(by_qpdf(small(3), pikepdf.ObjectStreamMode.disable))
