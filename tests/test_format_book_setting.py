"""A chapter as it is set before it has pages: quotes, citations, notes, tables. Each test's name is its claim."""

import re

import pytest
import samples_book

from pipeline.formats._chapters import setting, typography


@pytest.mark.parametrize(
    ("plain", "set_"),
    [
        ('He said "yes".', "He said \u201cyes\u201d."),
        ("It doesn't, and the nurses' list", "It doesn\u2019t, and the nurses\u2019 list"),
        ('(<em>"why?"</em>)', "(\u201cwhy?\u201d)"),
        ('<strong>"No"</strong>', "\u201cNo\u201d"),
        ("1.5 tesla on November 22, 2026", "1.5\xa0tesla on November\xa022, 2026"),
        ("116 123, see page 4", "116\xa0123, see page\xa04"),
        ('<a class="url" href="x">it\'s</a>', "it's"),
    ],
)
def test_quotes_are_curled_and_measures_kept_together(plain: str, set_: str) -> None:
    page_ = typography.set_type(f"<html><body><p>{plain}</p></body></html>")
    assert re.sub(r"<[^>]*>", "", page_).strip() == set_


def test_a_citation_follows_the_full_stop_and_stays_with_its_word() -> None:
    book = samples_book.book()
    body = setting.set_chapter(book.chapters[0], book, samples_book.material()).body
    assert re.search(r'<span class="keep">\.<sup class="cites">', body) or re.search(r'class="keep">[^<]*\.<sup', body)
    assert " <sup" not in body


def test_a_words_note_appears_once_and_not_in_tables() -> None:
    book = samples_book.book()
    body = setting.set_chapter(book.chapters[0], book, samples_book.material()).body
    assert body.count('class="note-text"') == 2
    assert 'href="#glossary-myelin"' in body


def test_the_space_before_an_inline_element_stands_alone_so_that_no_line_breaks_after_its_first_word() -> None:
    set_ = typography.set_type("<html><body><p>One two <em>three</em> four <b>five</b>.</p></body></html>")
    assert "<p>One two<span> </span><em>three</em> four<span> </span><b>five</b>.</p>" in set_
