"""The tag tree of a part is its source: one tag an element, in the order in which it is written. Names are claims."""

import io
import re
from collections import Counter

import book_pdf
import book_tags
import lxml.html
import pikepdf
import pypdfium2
import pytest
import samples
import weasyprint

from pipeline import errors
from pipeline.formats.book import finish, job, layout, tags

FONT = "Atkinson Hyperlegible Next"
FILES = {
    f"fonts/{path.name}": path.read_bytes() for path in sorted((samples.ROOT / "templates" / "fonts").glob("*.ttf"))
} | {"dot.svg": b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><circle cx="2" cy="2" r="2"/></svg>'}
STYLE = f"""
@font-face {{ font-family: "{FONT}"; src: url("book:/fonts/AtkinsonHyperlegibleNext-400.ttf") }}
@font-face {{ font-family: "{FONT}"; font-weight: 700; src: url("book:/fonts/AtkinsonHyperlegibleNext-700.ttf") }}
@page {{ size: 80mm 80mm; margin: 8mm; font: 8pt "{FONT}"; @top-left {{ content: "Running head" }} }}
html {{ font: 11pt "{FONT}" }}
img {{ width: 9mm }}
.contents ol {{ list-style: none }}
.note-text {{ float: footnote }}
.note-text::footnote-call, .note-text::footnote-marker {{ content: none }}
"""
LONG = " ".join(map("word{}".format, range(300)))


def html(body: str) -> str:
    return f'<html lang="en"><head><title>A part</title></head><body>{body}</body></html>'


def document(body: str, style: str = "") -> weasyprint.Document:
    """Lay out a small part on pages of 80 by 80 millimetres."""
    sheet = job.Sheet("", "small", 0, 1, html(body), STYLE + style, FILES, fill_in=True, archive=False)
    return layout._press(sheet).lay_out(sheet)


def opened(body: str, style: str = "") -> pikepdf.Pdf:
    """Return the PDF of a small part, with the tags of its source."""
    made = document(body, style).write_pdf(finisher=tags.finisher(html(body)), pdf_variant="pdf/ua-1", pdf_forms=True)
    pdf = pikepdf.open(io.BytesIO(made))
    finish.finish(pdf)
    return pdf


def written(body: str, style: str = "") -> bytes:
    opened(body, style).save(out := io.BytesIO())
    return out.getvalue()


def kinds(pdf: pikepdf.Pdf, kind: str) -> list[pikepdf.Object]:
    return [tag for tag in book_tags.tags(pdf) if f"/{kind}" == tag.S]


# --- one tag for each element, in the order of the source -----------------------------------------

EVERYTHING = """
<section class="opener"><header><p>Chapter <strong>1</strong></p><h1>Scans</h1></header></section>
<section class="text">
<p>A <a class="term" href="#note" id="use" title="What this word means: lesion">lesion</a><span class="note-text"
 id="note">The <a href="#use" title="Back to the text: lesion">word</a> for a spot.</span> is seen<span>.<sup
 class="cites"><a href="#source" id="cite" title="Source 1">1</a></sup></span> More <em>follows</em>.</p>
<h2>What it shows</h2>
<figure><img src="book:/dot.svg" alt="A dot."><figcaption>One dot.</figcaption></figure>
<ul><li>First<ol><li>Inner</li></ol></li><li><p>Second</p></li></ul>
<aside><p class="box-title">Mind this</p>Loose text.</aside>
<table><caption>Words</caption><thead><tr><th scope="col">Said</th><th scope="col">Meant</th></tr></thead>
<tbody><tr><th scope="row">Stable</th><td>Unchanged</td></tr><tr><th scope="row">New</th><td></td></tr></tbody></table>
<div><input type="checkbox" name="t" title="Tick"><p>Why?</p><textarea name="n" title="Notes"></textarea></div>
</section>
<section class="contents"><h1>Contents</h1><ol><li><a href="#a">One</a> <span class="page">7</span>
<ol><li><a href="#b">Two</a> <span class="page">8</span></li></ol></li></ol></section>
<section><h1 id="a">One</h1><ol><li id="source">A source. <a href="#cite">Back</a></li></ol>
<dl><dt id="b">MRI</dt><dd>A scan.</dd></dl></section>
"""
TREE = """\
Sect
  Div
    P Chapter 1
    H1 Scans
Sect
  P A [Reference [Link lesion]] is seen.[Reference [Link 1]] More follows.
  Note The [Link word] for a spot.
  H2 What it shows
  Figure
    Caption One dot.
  L
    LI
      Lbl •
      LBody First
        L
          LI
            Lbl 1.
            LBody Inner
    LI
      Lbl •
      LBody
        P Second
  Sect
    P Mind this
    P Loose text.
  Table
    Caption Words
    THead
      TR
        TH Said
        TH Meant
    TBody
      TR
        TH Stable
        TD Unchanged
      TR
        TH New
        TD
  Div
    Form
    P Why?
    Form
Sect
  H1 Contents
  TOC
    TOCI [Reference [Link One ]7]
      TOC
        TOCI [Reference [Link Two ]8]
Sect
  H1 One
  L
    LI
      Lbl 1.
      LBody A source. [Link Back]
  L
    LI
      Lbl MRI
      LBody A scan.
"""


def test_the_tree_is_the_source_with_each_note_behind_the_block_that_calls_it() -> None:
    assert book_tags.outline(written(EVERYTHING)) == TREE


def test_the_counts_expected_of_a_part_are_those_of_its_elements() -> None:
    root = lxml.html.document_fromstring(html(EVERYTHING))
    elements = Counter(element.tag for element in root.body.iter())
    counts = tags.expected(html(EVERYTHING))
    same = {"H1": "h1", "H2": "h2", "TR": "tr", "TH": "th", "TD": "td", "Table": "table", "Link": "a", "Figure": "img"}
    assert {kind: counts[kind] for kind in same} == {kind: elements[name] for kind, name in same.items()}
    assert counts["Sect"] == elements["section"] + elements["aside"]
    assert counts["P"] == elements["p"] + 1  # the loose text of the aside
    assert counts["Form"] == elements["input"] + elements["textarea"]
    assert counts["LI"] + counts["TOCI"] == elements["li"] + elements["dt"]
    assert counts["L"] + counts["TOC"] == elements["ul"] + elements["ol"] + elements["dl"]
    assert counts["Caption"] == elements["caption"] + elements["figcaption"]
    assert counts["Note"] == 1


@pytest.mark.parametrize(
    ("body", "kind", "count"),
    [
        (f"<h1>Long</h1><p>{LONG}</p>", "P", 1),
        (f"<section><h1>Long</h1>{'<p>One more.</p>' * 40}</section>", "Sect", 1),
        (f"<h1>Long</h1><div>{'<p>One more.</p>' * 40}</div>", "Div", 1),
        (f"<h1>Long</h1><ul>{'<li>One more.</li>' * 40}</ul>", "L", 1),
        (f"<h1>Long</h1><ul><li>{LONG}</li></ul>", "LI", 1),
        (f"<h1>Long</h1><blockquote>{LONG}</blockquote>", "BlockQuote", 1),
        (f'<h1>Long</h1><p><a href="https://www.example.org">{LONG}</a></p>', "Link", 1),
        (f'<h1>Long</h1><p><span lang="de">{LONG}</span></p>', "Span", 1),
        (f"<h1>Long</h1><table><caption>C</caption><tr><th>H</th></tr><tr><td>{LONG}</td></tr></table>", "TD", 1),
    ],
)
def test_what_goes_on_over_several_pages_is_one_tag(body: str, kind: str, count: int) -> None:
    with opened(body) as pdf:
        assert len(pdf.pages) > 2
        assert len(kinds(pdf, kind)) == count
        assert book_tags.words_told(pdf) == book_tags.words_written(html(body))


def test_a_table_over_several_pages_has_its_header_row_once_and_its_repetitions_are_artifacts() -> None:
    rows = "".join(f'<tr><th scope="row">row{n}</th><td>a cell of some words</td></tr>' for n in range(30))
    link = '<a href="https://www.example.org" title="An example">example</a>'
    head = f'<thead><tr><th scope="col">Name</th><th scope="col">Of {link}</th></tr></thead>'
    body = f"<h1>Long</h1><table><caption>C</caption>{head}<tbody>{rows}</tbody></table>"
    with opened(body) as pdf:
        assert len(pdf.pages) > 3
        assert Counter(str(tag.A.Scope) for tag in kinds(pdf, "TH")) == {"/Column": 2, "/Row": 30}
        assert [len(kinds(pdf, kind)) for kind in ("Table", "THead", "TBody", "TR")] == [1, 1, 1, 31]
        assert book_tags.words_told(pdf) == book_tags.words_written(html(body))
        assert [len(page.get("/Annots", ())) for page in pdf.pages] == [1] + [0] * (len(pdf.pages) - 1)


def test_cells_that_span_others_say_so() -> None:
    row = '<tr><td rowspan="2">1</td><td>2</td></tr><tr><td></td></tr>'
    body = f'<h1>T</h1><table><caption>C</caption><tr><th scope="colgroup" colspan="2">A</th></tr>{row}</table>'
    with opened(body) as pdf:
        assert (kinds(pdf, "TH")[0].A.Scope, kinds(pdf, "TH")[0].A.ColSpan) == ("/Column", 2)
        assert kinds(pdf, "TD")[0].A.RowSpan == 2


def test_a_table_of_empty_cells_keeps_its_rows() -> None:
    body = f'<h1>T</h1><table><caption>C</caption><tr><th scope="col">A</th></tr>{"<tr><td></td></tr>" * 3}</table>'
    assert tags.expected(html(body))["TD"] == 3
    with opened(body) as pdf:
        assert len(kinds(pdf, "TR")) == 4


# --- what each tag says ---------------------------------------------------------------------------


def test_a_drawing_says_what_it_shows_and_where_it_stands_and_holds_its_caption() -> None:
    with opened(EVERYTHING) as pdf:
        (figure,) = kinds(pdf, "Figure")
        assert figure.Alt == "A dot."
        left, low, right, high = (float(edge) for edge in figure.A.BBox)
        width, height = (float(edge) for edge in pdf.pages[0].MediaBox[2:])
        assert 0 < left < right < width
        assert 0 < low < high < height
        assert right - left == pytest.approx(9 / 25.4 * 72, abs=0.1)
        assert [str(kid.S) for kid in figure.K if book_tags.is_tag(kid)] == ["/Caption"]


def test_notes_have_an_id_that_the_file_lists_and_a_way_back() -> None:
    with opened(EVERYTHING) as pdf:
        (note,) = kinds(pdf, "Note")
        assert note.ID == "note"
        names = pdf.Root.StructTreeRoot.IDTree.Names
        assert [str(names[0]), names[1].objgen] == ["note", note.objgen]
        assert "Back to the text: lesion" in said(pdf)


def said(pdf: pikepdf.Pdf) -> list[str]:
    notes = [note for page in pdf.pages for note in page.get("/Annots", ()) if note.Subtype == "/Link"]
    assert all(int(note.F) & 4 for note in notes)  # shown in print
    return [str(note.Contents) for note in notes]


def test_links_say_in_words_where_they_lead() -> None:
    with opened(EVERYTHING) as pdf:
        told = {"What this word means: lesion", "Source 1", "Back to the text: lesion", "One", "Two", "Back"}
        assert set(said(pdf)) == told


def test_a_link_over_two_lines_is_one_link_with_two_places() -> None:
    body = '<h1 id="a">A</h1><p>Some words before it and <a href="#a" title="Go">a link that is long enough</a>.</p>'
    with opened(body) as pdf:
        (link,) = kinds(pdf, "Link")
        assert len([kid for kid in link.K if isinstance(kid, pikepdf.Dictionary) and kid.Type == "/OBJR"]) == 2
        assert said(pdf) == ["Go", "Go"]


def test_lists_say_how_they_are_signed_and_an_aside_what_it_is_called() -> None:
    with opened(EVERYTHING) as pdf:
        signed = [str(tag.get("/A", {}).get("/ListNumbering")) for tag in kinds(pdf, "L")]
        assert signed == ["/Disc", "/Decimal", "/Decimal", "None"]
        assert [str(tag.T) for tag in kinds(pdf, "Sect") if "/T" in tag] == ["Mind this"]


def test_other_languages_and_abbreviations_are_named() -> None:
    body = '<h1>T</h1><p lang="fr">Un <abbr title="imagerie">IRM</abbr> et <span lang="de">das</span> .</p>'
    with opened(body) as pdf:
        assert [str(tag.Lang) for tag in kinds(pdf, "P")] == ["fr"]
        spans = [(str(tag.get("/E", "")), str(tag.get("/Lang", ""))) for tag in kinds(pdf, "Span")]
        assert spans == [("imagerie", ""), ("", "de")]


def test_fields_are_in_the_order_of_the_source_wherever_they_stand() -> None:
    body = (
        '<h1>T</h1><div style="position: relative; padding-top: 30pt"><input type="checkbox" name="one" title="1">'
        '<p>Why?</p><input name="two" title="2" style="position: absolute; top: 0">'
        '<textarea name="three" title="3"></textarea></div>'
    )
    with opened(body) as pdf:
        assert [str(tag.K[0].Obj.T) for tag in kinds(pdf, "Form")] == ["one", "two", "three"]
        assert [str(field.T) for field in pdf.Root.AcroForm.Fields] == ["one", "two", "three"]
        assert [str(note.T) for note in pdf.pages[0].Annots] == ["one", "two", "three"]


# --- what is read is what is written --------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "style"),
    [
        ("<p>One two<span> </span><em>three</em> <b>four</b> five.</p>", ""),
        ("<p>One line<br>and another.</p>", ""),
        ("<p>Before <span>beside</span> after it.</p>", "p span { float: right }"),
        ("<p>Before <span>inside</span> after it.</p>", "p span { display: inline-block }"),
        ("<div><p>One</p><p>Two</p><p>Three words.</p></div>", "div { display: flex } p + p { order: -1 }"),
        (f"<div>{'<p>A paragraph of some words.</p>' * 20}</div>", "div { columns: 2 }"),
        ("<p>Once upon a time.</p>", "p::first-letter { font-size: 2em }"),
        ("<p>One <!-- a comment -->and two.</p>", ""),
        (
            "<p>One</p><p>Two</p><p>Three words.</p>",
            "p + p { position: absolute; top: 0 } p + p + p { position: static }",
        ),
    ],
)
def test_the_words_of_the_tree_are_those_of_the_source(body: str, style: str) -> None:
    body = f"<h1>The title</h1>{body}"
    with opened(body, style) as pdf:
        assert book_tags.words_told(pdf) == book_tags.words_written(html(body))


def test_words_that_a_style_sheet_breaks_or_changes_are_still_the_source() -> None:
    broken = "p { width: 20mm; hyphens: manual; hyphenate-character: '-' }"
    with opened("<h1>The title</h1><p>a misunder\N{SOFT HYPHEN}standing</p>", broken) as pdf:
        assert book_tags.words_told(pdf)[-1] == "misunder-standing"
    with opened("<h1>The title</h1><p>Eine Stra\xdfe</p>", "p { text-transform: uppercase }") as pdf:
        assert book_tags.words_told(pdf)[-1] == "STRASSE"


def test_words_that_a_style_sheet_adds_are_read_and_decoration_is_not() -> None:
    body = '<h1>The title</h1><p>Said <span aria-hidden="true">~~~</span> here</p><div class="line"></div>'
    with opened(body, 'p::before { content: "Note: " } .line::before { content: "***" }') as pdf:
        assert book_tags.words_told(pdf) == ["The", "title", "Note:", "Said", "here"]


def test_running_heads_are_artifacts_and_all_marks_of_a_page_have_a_tag() -> None:
    with opened(EVERYTHING) as pdf:
        tree = pdf.Root.StructTreeRoot.ParentTree.Nums
        owners = {int(tree[n]): tree[n + 1] for n in range(0, len(tree), 2)}
        for page in pdf.pages:
            stream = page.Contents.read_bytes()
            assert b"/Artifact\n<</Type /Pagination>>\nBDC" in stream
            marks = {int(mark) for mark in re.findall(rb"<</MCID (\d+)>>\s*BDC", stream)}
            assert marks == {at for at, owner in enumerate(owners[int(page.StructParents)]) if owner is not None}


def test_no_pixel_of_a_page_changes() -> None:
    pages = document(EVERYTHING)
    plain = pages.write_pdf(pdf_variant="pdf/ua-1", pdf_forms=True)
    tagged = pages.write_pdf(finisher=tags.finisher(html(EVERYTHING)), pdf_variant="pdf/ua-1", pdf_forms=True)
    assert (pictures(plain) == pictures(tagged), plain == tagged) == (True, False)


def pictures(content: bytes) -> list[bytes]:
    with pypdfium2.PdfDocument(content) as pdf:
        return [page.render(scale=2).to_pil().tobytes() for page in pdf]


# --- the book -------------------------------------------------------------------------------------


@book_pdf.BOTH
def test_the_text_read_from_the_tag_tree_is_the_book(which: str) -> None:
    with book_pdf.opened(which) as pdf:
        told = book_tags.words_told(pdf)
    assert told == [word for part in book_tags.written_parts(which) for word in book_tags.words_written(part)]


@book_pdf.BOTH
def test_the_tags_of_the_book_are_those_of_its_source(which: str) -> None:
    wanted: Counter[str] = Counter()
    for part in book_tags.written_parts(which):
        wanted.update(tags.expected(part))
    with book_pdf.opened(which) as pdf:
        found = book_tags.counts(pdf)
    assert {kind: number for kind, number in found.items() if kind not in {"Document", "Lbl"}} == dict(wanted)
    assert {"TOC", "TOCI", "Note", "Reference", "Figure", "Form"} <= set(found)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "style", "told"),
    [
        ("<h1>T</h1><p>Gone for good.</p>", "p { display: none }", "on no page: 'Gone for good.'"),
        ("<h1>T</h1><p>Moved away.</p>", "p { position: running(x) }", "on no page: 'Moved away.'"),
        ("<h1>T</h1><p>Seen through.</p>", "p { opacity: 0.5 }", "through a layer of their own"),
        ('<h1>T</h1><p>A<span class="note-text">note</span> here.</p>', "", "has no id: 'note'"),
    ],
)
def test_text_that_could_not_be_read_aloud_is_refused(body: str, style: str, told: str) -> None:
    with pytest.raises(errors.RenderProblem, match=re.escape(told)):
        written(body, style)


def test_the_tags_of_another_text_are_refused() -> None:
    with pytest.raises(errors.RenderProblem, match="'P': 2"):
        document("<p>1</p>").write_pdf(finisher=tags.finisher(html("<p>1</p><p>2</p>")), pdf_variant="pdf/ua-1")


def test_a_document_without_tags_is_refused() -> None:
    with pytest.raises(errors.RenderProblem, match="without tags"):
        document("<h1>T</h1>").write_pdf(finisher=tags.finisher(html("<h1>T</h1>")))


def test_another_version_of_weasyprint_is_refused_by_name() -> None:
    tags.check_version(weasyprint.__version__)
    with pytest.raises(errors.MissingPart, match=r"WeasyPrint 70\.1") as caught:
        tags.check_version("70.1")
    assert "weasyprint==70.0" in caught.value.hint
