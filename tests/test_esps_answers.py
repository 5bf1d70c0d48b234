"""How faults, waits and words are judged, the same for every service."""

from collections.abc import Mapping

import pytest

from pipeline import model
from pipeline.esps import _answers, _http, _registry

MESSAGE = model.Message("2026-12", "News", "[[unsubscribe_url]]", "[[unsubscribe_url]]", "d@example.org", "D", "l")
READERS = tuple(model.Recipient(n, f"reader{n}@example.net", f"https://example.org/u/{n}") for n in range(3))


@pytest.mark.parametrize("name", _registry.names())
@pytest.mark.parametrize(
    ("fault", "fate"),
    [(_http.Untaken("no line"), model.Fate.UNTAKEN), (_http.Doubtful("line broke"), model.Fate.DOUBTFUL)],
)
def test_a_fault_of_the_line_is_everybodys_outcome(name: str, fault: Exception, fate: model.Fate) -> None:
    def call() -> model.Response:
        raise fault

    outcomes = _http.judge(model.Batch("k", MESSAGE, READERS), _registry.get(name), call)
    assert outcomes == [model.Outcome(fate, detail=str(fault))] * 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"ratelimit-reset": "3"}, 3.0),
        ({"retry-after": "7", "ratelimit-reset": "3"}, 7.0),
        ({"retry-after": "soon", "ratelimit-reset": "3"}, 3.0),
        ({"retry-after": "Tue, 01 Dec 2026 09:01:00 GMT", "date": "Tue, 01 Dec 2026 09:00:00 GMT"}, 60.0),
        ({"retry-after": "Tue, 01 Dec 2026 09:01:00 GMT"}, 0.0),
        ({"x-ratelimit-reset": "1796115630", "date": "Tue, 01 Dec 2026 09:00:00 GMT"}, 30.0),
        ({"x-ratelimit-reset": "1796115630"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "999999"}, 86_400.0),
        ({}, 0.0),
    ],
)
def test_the_wait_is_read_from_whichever_header_says_it(headers: Mapping[str, str], seconds: float) -> None:
    assert _answers.wait(headers) == seconds


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("reader1@example.net is bad", "[address] is bad"),
        ("to: <reader1@example.net>, no", "to: [address] no"),
        ("mailto:reader1%40example.net and reader1&#64;example.net", "[address] and [address]"),
        ("two\nlines\tand \x1b[31mcolour", "two lines and [31mcolour"),
        (None, ""),
        (["a@b"], ""),
    ],
)
def test_the_words_of_a_service_are_kept_without_addresses_on_one_line(words: object, kept: str) -> None:
    assert _answers.clean(words) == kept


def test_long_words_are_cut() -> None:
    assert len(_answers.clean("word " * 1000)) == _answers.LONGEST_DETAIL
