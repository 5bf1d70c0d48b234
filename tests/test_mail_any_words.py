"""Any words, from the editor's file to the bytes a service gets: nothing spoilt, nothing injected, nothing crashed."""

import dataclasses
import json
import re
from typing import Any

import hypothesis
import lxml.html
import pytest
import samples
from hypothesis import strategies as st

from pipeline import checks, errors, model
from pipeline.esps import _registry
from pipeline.formats import email, text

EDITION, MATERIAL = samples.sample_edition(), samples.sample_material()
NASTY = (
    "He said \"no\" & 'yes' <b>twice</b>",
    "two\nlines\r\nand\ttabs",
    "10\u00a0mg \u2192 fi\u200dn \U0001f469\u200d\u2695\ufe0f \U0001f9e0",
    "{{ reader }} {% raw %} {# x #} {{",
    "<script>alert(1)</script><!--[if mso]><![endif]-->-->]]>",
    '" onerror="alert(1)" x="',
    "</mj-text></mj-column><mj-raw><script>",
    '\\n \\u{a0} \\" \\',
    "مرحبا बहुविध काठिन्य Việt e\u0301\u0323 שלום",
    "x" * 10_000,
    "\U0001f9e0\u200d" * 5_000,
    "a " * 5_000,
    "%20 %(name)s $x #{y} *|FNAME|* <%= z %>",
    "\u2028\u2029\u202e\u2066reversed\u2069",
    "- [ ] * _ ` # > 1. | ~~~ ::: note",
)
PLAIN = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff\ue000\ue001")
ANY = st.one_of(st.sampled_from(NASTY), st.text(PLAIN, max_size=80)).filter(lambda said: said.strip())
FIELDS = ("title", "heading", "alt", "teaser", "topic", "question", "preheader", "button")


def bare(said: str) -> str:
    """Return the words without any space: lines are broken wherever a part is narrow."""
    return re.sub(r"\s+", "", said)


def written(said: dict[str, str]) -> tuple[model.Edition, model.Material]:
    """Return the sample edition with these words in it."""
    book = dataclasses.replace(EDITION.spec.book, heading=said["heading"], button=said["button"])
    spec = dataclasses.replace(EDITION.spec, title=said["title"], preheader=said["preheader"], book=book)
    lead = dataclasses.replace(EDITION.lead, title=said["heading"], image_alt=said["alt"], topic=said["topic"])
    following = dataclasses.replace(EDITION.read_next[0], title=said["title"], summary=said["teaser"])
    questions = {id_: model.Question(id_, "mri", said["question"]) for id_ in EDITION.lead.questions}
    library = dataclasses.replace(MATERIAL.library, questions=questions)
    item = model.Edition(spec=spec, lead=lead, read_next=(following,))
    return item, dataclasses.replace(MATERIAL, library=library)


def every(nasty: str) -> dict[str, str]:
    return dict.fromkeys(FIELDS, nasty)


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(st.fixed_dictionaries(dict.fromkeys(FIELDS, ANY)))
def test_any_words_reach_both_parts_and_the_service_unchanged(said: dict[str, str]) -> None:
    goes_through(said)


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_the_worst_words_everywhere_at_once_reach_both_parts_and_the_service_unchanged(nasty: str) -> None:
    goes_through(every(nasty))


def goes_through(said: dict[str, str]) -> None:
    item, material = written(said)
    outputs = {o.name: o.content for o in [*email.render(item, material), *text.render(item, material)]}
    holds_html(outputs["email.html"].decode("ascii"), said)
    holds_text(outputs["email.txt"].decode(), said)
    holds_requests(outputs)
    assert {f.code for f in checks.edition(outputs, item, material)} <= KNOWN


KNOWN = {check.code for check in checks.catalogue()}


def holds_html(html: str, said: dict[str, str]) -> None:
    page = lxml.html.document_fromstring(html)
    seen = bare(page.xpath("//body")[0].text_content())
    for name in FIELDS:
        if name != "alt":
            assert bare(said[name]) in seen, name
    assert bare(page.xpath("//img/@alt")[1]) == bare(said["alt"])
    assert bare(page.xpath("//title")[0].text_content()) == bare(said["title"])
    assert not page.xpath("//script | //@onerror | //iframe | //form")
    assert html.count("<!--[if") == html.count("<![endif]")
    assert html.count("[[unsubscribe_url]]") == 1


def holds_text(part: str, said: dict[str, str]) -> None:
    for name in FIELDS:
        if name not in {"alt", "preheader"}:
            assert bare(said[name]) in bare(part), name
    assert part.count("[[unsubscribe_url]]") == 1
    assert all(len(line) <= text.WIDTH or "://" in line for line in part.split("\n"))


def holds_requests(outputs: dict[str, bytes]) -> None:
    """Ask each service for its call: it is sound JSON, with the mail and the reader's own link in it."""
    link = "https://www.example.org/u/token"
    message = model.Message(
        edition="2026-11",
        subject="A quiet guide",
        html=outputs["email.html"].decode(),
        text=outputs["email.txt"].decode(),
        sender="digest@example.org",
        sender_name="Navigating Your Care",
        list_id="digest.example.org",
    )
    batch = model.Batch("key", message, (model.Recipient(1, "reader@example.net", link),))
    for name in ("resend", "sendgrid"):
        body = json.loads(_registry.get(name).request(batch, "https://api.example.org", "key").body)
        found = {bare(value) for value in strings(body)}
        for part in (message.html, message.text):
            assert {bare(part), bare(part.replace("[[unsubscribe_url]]", link))} & found, name


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    return [s for item in value for s in strings(item)] if isinstance(value, list) else [str(value)]


def test_a_merge_field_of_ours_in_the_words_is_refused_in_a_sentence() -> None:
    item, material = written(every("[[unsubscribe_url]]"))
    for module in (email, text):
        with pytest.raises(errors.RenderProblem, match=r"holds \[\[unsubscribe_url\]\] \d+ times"):
            module.render(item, material)
