"""Sources become AMA references: as given, in order, escaped, with a working link."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import citations, errors, model, templating

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
ARTICLE = {
    "id": "bot2004",
    "type": "article-journal",
    "title": "Spinal cord abnormalities in recently diagnosed MS",
    "author": [{"family": "Bot", "given": "JC"}, {"family": "Barkhof", "given": "F"}],
    "container-title": "Neurology",
    "volume": "62",
    "page": "226-233",
    "DOI": "10.1212/WNL.62.2.226",
    "issued": {"date-parts": [[2004]]},
    "custom": {"fact_base": "S24"},
}


def setting(**fields: Any) -> str:
    record = {key: value for key, value in (ARTICLE | fields).items() if value is not None}
    (entry,) = citations.references([model.Source("bot2004", record, 7)], TEMPLATES)
    return str(entry)


def test_a_journal_article_reads_as_ama_style_has_it() -> None:
    assert setting() == (
        "Bot JC, Barkhof F. Spinal cord abnormalities in recently diagnosed MS. <i>Neurology</i>. 2004;62:226-233. "
        '<a class="url" href="https://doi.org/10.1212/WNL.62.2.226">doi:10.1212/WNL.62.2.226</a>'
    )


def test_the_house_writes_dates_as_its_references_do() -> None:
    parts = {"date-parts": [[2026, 11, 2]]}
    page = setting(
        type="webpage", issued=parts, accessed=parts, URL="https://www.example.com/ms", DOI=None, volume=None
    )
    assert page.count(templating.day(dt.date(2026, 11, 2))) == 2
    assert templating.day(dt.date(2026, 11, 2)) == "November 2, 2026"


def test_a_title_without_author_is_printed_once() -> None:
    assert setting(author=None).startswith("Spinal cord abnormalities in recently diagnosed MS. <i>Neurology</i>")


def test_an_organisation_is_printed_as_it_is_named() -> None:
    assert setting(author=[{"literal": "National MS Society"}]).startswith("National MS Society. Spinal cord")


def test_a_missing_volume_does_not_become_a_claim_of_online_first() -> None:
    assert "<i>Neurology</i>. 2004. " in setting(volume=None, page=None)


def test_an_address_is_escaped_and_linked() -> None:
    entry = setting(DOI=None, URL="https://www.example.org/?a=1&b=2")
    assert entry.endswith(
        '<a class="url" href="https://www.example.org/?a=1&amp;b=2">https://www.example.org/?a=1&amp;b=2</a>'
    )


def test_markup_in_a_record_is_printed_and_never_obeyed() -> None:
    assert "<script>" not in setting(title="A <script>alert(1)</script> & more")


def test_the_order_is_that_of_the_sources_given() -> None:
    sources = [model.Source(name, ARTICLE | {"title": name}, 1) for name in ("Zebra", "Alpha", "Middle")]
    entries = citations.references(sources, TEMPLATES)
    assert [name in entry for name, entry in zip(("Zebra", "Alpha", "Middle"), entries, strict=True)] == [True] * 3


def test_no_sources_make_no_references() -> None:
    assert citations.references([], TEMPLATES) == []


def test_a_record_that_cannot_be_set_is_refused_with_its_line() -> None:
    with pytest.raises(errors.RenderProblem, match=r"sources\.json:7: source bot2004"):
        setting(author="Bot")


def test_a_missing_style_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(errors.RenderProblem, match=r"american-medical-association\.csl"):
        citations.references([model.Source("bot2004", ARTICLE, 7)], tmp_path)


def test_every_source_of_the_content_can_be_set() -> None:
    records = json.loads((ROOT / "content" / "sources.json").read_text(encoding="utf-8"))
    sources = [model.Source(record["id"], record, line) for line, record in enumerate(records, start=1)]
    entries = citations.references(sources, TEMPLATES)
    assert len(entries) == len(sources)
    assert all('<a class="url"' in entry for entry in entries)
