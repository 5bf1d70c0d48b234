"""The public site as files: pages that can be read, heard, printed and trusted, and that ask nobody else."""

import dataclasses
import itertools
import posixpath
import re
import urllib.parse
from collections.abc import Iterator

import lxml.etree
import lxml.html
import pytest
import samples
import samples_web

from pipeline import errors, model, templating
from pipeline.formats import pages

Page = lxml.html.HtmlElement
LEAD = "articles/ms-and-your-spinal-cord/index.html"
SERVED = ("helpful/",)  # what the server answers at the moment of asking


def rendered(library: model.Library) -> dict[str, bytes]:
    material = dataclasses.replace(samples.sample_material(), library=library)
    return {output.name: output.content for output in pages.render(library, material)}


@pytest.fixture(scope="module")
def outputs() -> dict[str, bytes]:
    return rendered(samples_web.library())


@pytest.fixture(scope="module")
def site(outputs: dict[str, bytes]) -> dict[str, Page]:
    return parsed(outputs)


def parsed(outputs: dict[str, bytes]) -> dict[str, Page]:
    return {n: lxml.html.document_fromstring(c.decode()) for n, c in outputs.items() if n.endswith(".html")}


def words(element: Page) -> str:
    return " ".join(str(element.text_content()).split())


# --- every page ----------------------------------------------------------------------


def test_there_is_a_page_for_each_thing_a_reader_looks_for(site: dict[str, Page]) -> None:
    articles = {f"articles/{slug}/index.html" for slug in samples_web.library().articles}
    topics = {f"topics/{slug}/index.html" for slug in ("diagnosis", "care", "symptoms")}
    editions = {"editions/2026-11-spinal-cord/index.html"}
    names = ("articles", "book", "editions", "join", "corrections", "privacy")
    assert site.keys() == articles | topics | editions | {"index.html"} | {f"{name}/index.html" for name in names}


def test_every_page_has_language_title_landmarks_and_a_way_past_the_header(site: dict[str, Page]) -> None:
    titles = set()
    for name, page in site.items():
        assert page.get("lang") == "en", name
        for landmark in ("header[@class='top']", "main[@id='main']", "footer", "nav[@aria-label='Main']"):
            assert len(page.xpath(f"//{landmark}")) == 1, (name, landmark)
        assert page.xpath("//body/*[1]")[0].get("href") == "#main", name
        titles.add(words(page.xpath("//title")[0]))
    assert len(titles) == len(site)


def test_headings_begin_at_one_and_never_skip_a_level(site: dict[str, Page]) -> None:
    for name, page in site.items():
        levels = [int(str(heading.tag)[1]) for heading in page.xpath("//h1 | //h2 | //h3 | //h4")]
        assert levels.count(1) == 1, name
        for before, after in itertools.pairwise([0, *levels]):
            assert after <= before + 1, (name, levels)


def test_every_picture_field_and_label_is_named(site: dict[str, Page]) -> None:
    for name, page in site.items():
        ids = [str(id_) for id_ in page.xpath("//@id")]
        assert len(ids) == len(set(ids)), name
        for image in page.xpath("//img"):
            assert image.get("alt") is not None, name
        for link in page.xpath("//a"):
            label = link.get("aria-label") or words(link)
            assert label or link.get("aria-hidden") == "true", (name, lxml.html.tostring(link))
        for image in page.xpath("//img"):
            assert int(image.get("width")) > 0, name
            assert int(image.get("height")) > 0, name
        for field in page.xpath("//input"):
            labels = field.xpath("ancestor::label") or page.xpath(f"//label[@for='{field.get('id')}']")
            assert words(labels[0]), name
        for element in page.xpath("//*[@aria-labelledby or @aria-describedby]"):
            for id_ in (element.get("aria-labelledby") or element.get("aria-describedby")).split():
                assert id_ in ids, (name, id_)


def test_no_page_runs_a_script_or_asks_anybody_else(site: dict[str, Page], outputs: dict[str, bytes]) -> None:
    for name, page in site.items():
        assert not page.xpath("//script | //iframe | //object | //*[@style]"), name
        assert not [a for element in page.iter() for a in element.attrib if str(a).startswith("on")], name
        fetched = [*page.xpath("//@src"), *page.xpath("//link[@rel='stylesheet' or @rel='icon']/@href")]
        for address in fetched:
            assert not urllib.parse.urlsplit(str(address)).netloc, (name, address)
    for address in re.findall(r"url\(([^)]*)\)", outputs["style.css"].decode()):
        assert address.strip('"') in outputs
    assert b"@import" not in outputs["style.css"]


def test_every_link_between_pages_arrives(site: dict[str, Page], outputs: dict[str, bytes]) -> None:
    anchors = {name: {str(id_) for id_ in page.xpath("//@id")} for name, page in site.items()}
    for name, page in site.items():
        for href in (str(value) for value in [*page.xpath("//a/@href"), *page.xpath("//@src")]):
            parts = urllib.parse.urlsplit(href)
            if not parts.scheme:
                path = posixpath.normpath(posixpath.join("/", posixpath.dirname(name), parts.path)).lstrip("/")
                target = posixpath.join(path, "index.html") if parts.path.endswith("/") else path
                target = target if parts.path else name
                if path.startswith(SERVED):
                    continue
                assert target in outputs, (name, href)
                assert not parts.fragment or parts.fragment in anchors[target], (name, href)


def test_search_engines_find_every_page_at_its_one_address(site: dict[str, Page]) -> None:
    for name, page in site.items():
        (canonical,) = page.xpath("//link[@rel='canonical']/@href")
        assert canonical == f"https://www.example.org/{name.removesuffix('index.html')}"
        assert not page.xpath("//meta[@name='robots']")


def test_every_page_says_what_it_is_not_and_who_publishes_it(site: dict[str, Page]) -> None:
    for page in site.values():
        foot = words(page.xpath("//footer")[0])
        assert "General education, not medical advice, not for emergencies." in foot
        assert "1 Example Street" in foot


def test_the_same_library_gives_the_same_bytes(outputs: dict[str, bytes]) -> None:
    assert rendered(samples_web.library()) == outputs


def test_an_empty_library_still_makes_a_site() -> None:
    empty = dataclasses.replace(samples_web.library(), articles={}, editions={}, chapters={}, book=None)
    site = parsed(rendered(empty))
    assert "on their way" in words(site["index.html"])
    assert "being written" in words(site["book/index.html"])


def test_feed_site_map_and_robots_can_be_read_by_machines(outputs: dict[str, bytes]) -> None:
    atom = "{http://www.w3.org/2005/Atom}"
    feed = lxml.etree.fromstring(outputs["feed.xml"])
    assert len(feed.findall(f"{atom}entry")) == len(samples_web.library().articles)
    addresses = lxml.etree.fromstring(outputs["sitemap.xml"]).xpath("//*[local-name()='loc']/text()")
    assert "https://www.example.org/articles/heat-and-symptoms/" in addresses
    assert b"Disallow: /u/" in outputs["robots.txt"]


# --- an article ------------------------------------------------------------------------


def reviews(site: dict[str, Page], slug: str) -> str:
    return words(site[f"articles/{slug}/index.html"].xpath("//div[@class='review']/p[2]")[0])


def test_an_article_says_honestly_who_has_read_it(site: dict[str, Page]) -> None:
    honest = "Not yet medically reviewed. Sources checked on November 22, 2026, by the editorial team."
    assert reviews(site, "ms-and-your-spinal-cord").startswith(honest)
    named = "Medically reviewed by Dr. Example Reviewer on November 20, 2026."
    assert reviews(site, "before-your-appointment").startswith(named)


def test_a_text_that_changed_after_its_review_has_lost_the_mark(site: dict[str, Page]) -> None:
    assert reviews(site, "heat-and-symptoms").startswith("Not yet medically reviewed.")


def test_citations_are_numbered_by_first_use_and_lead_there_and_back(site: dict[str, Page]) -> None:
    page = site[LEAD]
    cited = [[words(link) for link in mark.xpath("a")] for mark in page.xpath("//sup[@class='cites']")]
    assert cited == [["1"], ["2", "1"], ["3"], ["3"]]
    assert [words(item).split()[1] for item in page.xpath("//details//ol/li")] == [
        "bot2004.",
        "magnims2021.",
        "nice2022.",
    ]
    for link in page.xpath("//sup/a"):
        source = page.get_element_by_id(link.get("href").removeprefix("#"))
        assert f"#{link.get('id')}" in source.xpath(".//a/@href")
    assert "are common.1" in words(page)


def test_the_expander_counts_the_sources(site: dict[str, Page]) -> None:
    assert words(site[LEAD].xpath("//summary")[0]) == "3 sources"
    assert not site[LEAD].xpath("//details[@open]")


def test_a_term_is_marked_once_and_explained_for_eye_and_ear(site: dict[str, Page]) -> None:
    page = site[LEAD]
    (marked,) = page.xpath("//dfn/a")
    assert words(marked) == "lesions"
    entry = page.get_element_by_id(marked.get("href").removeprefix("#"))
    assert (entry.tag, words(entry)) == ("dt", "Lesion (plaque)")
    assert words(page.get_element_by_id(marked.get("aria-describedby"))) == "A spot of damage."
    assert [words(dt) for dt in page.xpath("//dt")] == ["Lesion (plaque)"]


def test_a_table_names_its_columns_its_rows_and_itself(site: dict[str, Page]) -> None:
    (table,) = site[LEAD].xpath("//table")
    caption = site[LEAD].get_element_by_id(table.get("aria-labelledby"))
    assert words(caption) == "Words in a report, and what they mean"
    assert [words(th) for th in table.xpath(".//th[@scope='row']")] == ["Lesion", "Cervical cord"]
    assert len(table.xpath(".//th[@scope='col']")) == 3
    assert len(table.xpath(".//td[@class='right']")) == 2
    assert table.getparent().get("tabindex") == "0"


def test_boxes_drawings_and_links_of_the_text_are_there(site: dict[str, Page]) -> None:
    page = site[LEAD]
    assert [words(title) for title in page.xpath("//p[@class='box-title']")] == [
        "A lesion is not a symptom",
        "Do not wait",
        "Made-up example",
    ]
    assert [str(src) for src in page.xpath("//div[@class='text']//img/@src")] == [
        "../../images/ms-and-your-spinal-cord.svg",
        "../../images/cord.svg",
    ]
    links = [str(href) for href in page.xpath("//div[@class='text']/p/a/@href")]
    assert links == ["../../book/", "../../articles/fatigue-more-than-tired/", "https://www.nice.org.uk/guidance/ng220"]


def test_jump_links_name_each_part_of_the_page(site: dict[str, Page]) -> None:
    assert [words(link) for link in site[LEAD].xpath("//nav[@class='jump']//a")] == [
        "What does a cord lesion do?",
        "Which words may I find in my report?",
        "Where can I read more?",
        "When to get help",
        "Questions to take with you",
        "Words used here",
        "Sources",
    ]


def test_help_is_told_with_the_emergency_numbers_before_anything_else_after_the_text(site: dict[str, Page]) -> None:
    (box,) = site[LEAD].xpath("//section[@id='part_help']")
    assert "Call your MS team the same day" in words(box)
    assert "911 in the US, 999 or 112 in the UK, 112 in the EU" in words(box)
    assert box.getnext().get("id") == "part_questions"


def test_the_questions_have_boxes_to_tick_that_store_nothing(site: dict[str, Page]) -> None:
    asked = site[LEAD].xpath("//section[@id='part_questions']//label[input[@type='checkbox']]")
    assert [words(label) for label in asked] == [q.text for q in samples_web.library().questions.values()]
    assert not site[LEAD].xpath("//form//input")


def test_related_articles_are_offered(site: dict[str, Page]) -> None:
    offered = [words(link) for link in site[LEAD].xpath("//section[contains(@class, 'related')]//a")]
    assert offered == ["Tired is not the word", "Why heat can bring old symptoms back for an hour"]


def test_ids_of_ours_never_clash_with_a_heading() -> None:
    body = "## Source 1\n\nText [@bot2004] on a [lesion](term:lesion).\n\n## Word lesion\n\n## Part sources\n\nEnd."
    library = samples_web.library()
    lead = dataclasses.replace(library.articles["ms-and-your-spinal-cord"], body=body)
    page = parsed(rendered(dataclasses.replace(library, articles={**library.articles, lead.slug: lead})))[LEAD]
    ids = [str(id_) for id_ in page.xpath("//@id")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"body": "Text [@nobody1999]."}, "uses the source 'nobody1999'"),
        ({"body": "A [word](term:unknown)."}, "uses the glossary term 'unknown'"),
        ({"body": "[More](article:gone)."}, "uses the article 'gone'"),
        ({"body": "![A](image:gone.svg)"}, "uses the drawing 'gone.svg'"),
        ({"image": "gone.svg"}, "uses the drawing 'gone.svg'"),
        ({"questions": ("gone",)}, "uses the question 'gone'"),
        ({"related": ("gone",)}, "uses the related article 'gone'"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_file_named(change: dict[str, object], said: str) -> None:
    library = samples_web.library()
    lead = dataclasses.replace(library.articles["ms-and-your-spinal-cord"], **change)  # type: ignore[arg-type]
    articles = {**library.articles, lead.slug: lead}
    with pytest.raises(errors.RenderProblem, match=rf"ms-and-your-spinal-cord\.md {said}"):
        rendered(dataclasses.replace(library, articles=articles))


# --- the book, the style ----------------------------------------------------------------


def test_the_books_page_tells_what_is_in_it_and_how_it_was_made(site: dict[str, Page]) -> None:
    text = words(site["book/index.html"])
    for part in ("Version 0.1, November 22, 2026", "What MS is", "Written for tests.", "First version."):
        assert part in text
    assert "Not yet medically reviewed." in text
    assert "not ready to download" in text  # the server puts the file itself in this place


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def pairs() -> Iterator[tuple[str, str]]:
    """Yield what the style puts on what: mute and accent never stand on tint."""
    yield from itertools.product(("ink", "brand"), ("paper", "card", "tint"))
    yield from itertools.product(("mute", "accent"), ("paper", "card"))
    yield "button_ink", "button"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_text_and_ground_has_a_contrast_of_seven(scheme: str) -> None:
    colours = templating.tokens(samples.ROOT / "templates")[scheme]
    for text, ground in pairs():
        light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 7, (scheme, text, ground)
