"""Faults of the book's HTML that are found before a page is made: each rule with a sound example and a broken one."""

import book_pdf
import book_tags
import pytest

from pipeline import errors
from pipeline.formats.book import lint

NOTE = '<span class="note-text" id="n">A <a href="#use" title="Back">word</a></span>'
TABLE = "<table>{caption}<tr>{head}</tr><tr><td>1</td></tr></table>"
CAPTION, HEAD = "<caption>Words</caption>", '<th scope="col">A</th>'


def faults(body: str) -> list[str]:
    return lint.faults([("content/book/01-start.md", f'<html lang="en"><body><h1>T</h1>{body}</body></html>')])


@pytest.mark.parametrize(
    ("sound", "broken", "told"),
    [
        ("<h2>Words</h2>", "<p>Before.</p><h2> <em></em></h2>", "a heading h2 is empty, after 'T Before.'"),
        ("<h2>A</h2><h3>B</h3><h2>C</h2>", "<h3>B</h3>", "the heading 'B' is h3, and the one before it h1"),
        ('<img src="a.svg" alt="A dot">', '<img src="book:/images/a.svg" alt=" ">', "'a.svg' has no words"),
        ('<img src="a.svg" alt="A dot">', '<img src="a.svg">', "'a.svg' has no words"),
        ("<svg><title>A dot</title></svg>", "<svg></svg>", "'<svg>' has no words"),
        ('<a href="#x" id="x">Words</a>', '<a href="#x" id="x"> </a>', "the link to '#x' has no text"),
        ('<a href="#x" id="x">Two<span> </span>words</a>', '<a href="#x" id="x"><b>Two</b></a>', "holds an element b"),
        (TABLE.format(caption=CAPTION, head=HEAD), TABLE.format(caption="", head=HEAD), "a table has no caption"),
        (
            TABLE.format(caption=CAPTION, head=HEAD),
            TABLE.format(caption=CAPTION, head="<td>A</td>"),
            "a table has no header cells",
        ),
        (
            TABLE.format(caption=CAPTION, head=HEAD),
            TABLE.format(caption=CAPTION, head="<th>A</th>"),
            "the header cell 'A' does not say whether it heads a row or a column",
        ),
        ('<p id="a">1</p><p id="b">2</p>', '<p id="a">1</p><p id="a">2</p>', "the id 'a' is used 2 times"),
        (
            f'<h2 id="use">A</h2><p>B{NOTE}</p>',
            f'<h2 id="use">A{NOTE}</h2>',
            "calls a footnote: it would be read out in the outline",
        ),
        (f'<p id="use">B{NOTE}</p>', '<p>B<span class="note-text">note</span></p>', "the footnote 'note' has no id"),
        (
            f'<p id="use">B{NOTE}</p>',
            '<p>B<span class="note-text" id="n">note</span></p>',
            "the footnote 'note' has no way back to the text",
        ),
        (
            '<p id="b"><a href="#b">B</a></p>',
            '<a href="#c">B</a>',
            "the link 'B' leads to 'c', which is not in the book",
        ),
        ('<p id="b"><a href="xref:b">B</a></p>', '<a href="xref:c">B</a>', "leads to 'c', which is not in the book"),
        ('<input name="a" title="A">', '<input name="a">', "the field 'a' needs a name and a title"),
        ('<textarea name="a" title="A"></textarea>', '<textarea title="A"></textarea>', "needs a name and a title"),
    ],
)
def test_each_rule_lets_the_sound_pass_and_tells_of_the_broken(sound: str, broken: str, told: str) -> None:
    assert faults(sound) == []
    (fault,) = faults(broken)
    assert fault.startswith("content/book/01-start.md: ")
    assert told in fault


def test_ids_and_links_are_compared_over_all_parts() -> None:
    one, two = '<h1 id="a">1</h1><p><a href="xref:b">To two</a></p>', '<h1 id="b">2</h1>'
    assert lint.faults([("one.md", one), ("two.md", two)]) == []
    assert lint.faults([("one.md", one), ("two.md", two.replace('"b"', '"a"'))]) == [
        "one.md: the id 'a' is used 2 times, last in two.md",
        "one.md: the link 'To two' leads to 'b', which is not in the book",
    ]


def test_all_faults_are_listed_in_one_refusal() -> None:
    with pytest.raises(errors.RenderProblem) as caught:
        lint.check([("one.md", "<h1>T</h1><h3>B</h3><p><a href='#x'>x</a></p>"), ("two.md", "<h1></h1>")])
    lines = caught.value.message.splitlines()
    assert lines[0] == "the book's text has 3 faults:"
    assert [line.split(":")[0] for line in lines[1:]] == ["- one.md", "- two.md", "- one.md"]


@book_pdf.BOTH
def test_the_book_has_no_fault(which: str) -> None:
    lint.check([(str(number), part) for number, part in enumerate(book_tags.written_parts(which))])
