"""What has a later date is held back: from home, lists, feed and site map, and at its own address, until its day."""

import dataclasses
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import lxml.html
import pytest
import requests
import samples
import samples_web
import sites

from pipeline import model, render, site
from pipeline.formats import pages
from pipeline.ledger import decisions

TODAY, LATER, LAST = dt.date(2026, 11, 24), dt.date(2026, 12, 8), dt.date(2027, 1, 12)
HEAT, CARE = "heat-and-symptoms", "before-your-appointment"
SECOND = "2026-12-second"


def library() -> model.Library:
    """Return the sample publication whose second issue, with two of its articles, is still to come."""
    plain = samples_web.library()
    articles = dict(plain.articles)
    articles[HEAT] = dataclasses.replace(articles[HEAT], published=LAST)
    articles[CARE] = dataclasses.replace(articles[CARE], published=LATER)
    spec = dataclasses.replace(samples.sample_spec(), read_next=("fatigue-more-than-tired",))
    second = dataclasses.replace(
        spec,
        slug=SECOND,
        path=spec.path.with_name(f"{SECOND}.toml"),
        number=2,
        title="The second issue",
        date=LATER,
        not_before=dt.datetime.combine(LATER, dt.time(8), dt.UTC),
        lead=HEAT,
        read_next=(CARE,),
    )
    return dataclasses.replace(plain, articles=articles, editions={spec.slug: spec, SECOND: second})


def rendered(day: dt.date) -> dict[str, bytes]:
    made = pages.render(library(), dataclasses.replace(samples_web.material(), library=library(), day=day))
    return {output.name: output.content for output in made}


@pytest.fixture(scope="module")
def today() -> dict[str, bytes]:
    return rendered(TODAY)


def shown(outputs: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in outputs.items() if not name.startswith("held/")}


def test_nothing_public_names_what_is_still_to_come(today: dict[str, bytes]) -> None:
    for name, content in shown(today).items():
        assert HEAT not in name
        assert SECOND not in name
        if name.endswith((".html", ".xml")):
            for word in (HEAT, CARE, SECOND, "The second issue", "Why heat can bring"):
                assert word.encode() not in content, (name, word)


def test_an_edition_brings_its_articles_with_it_so_that_no_read_more_is_in_vain() -> None:
    days = model.openings(library())
    assert (days[HEAT], days[CARE]) == (LATER, LATER)
    assert model.opening(library().editions[SECOND]) == LATER


def test_what_is_prepared_for_a_day_is_what_a_build_of_that_day_makes(today: dict[str, bytes]) -> None:
    prepared = shown(today)
    prefix = f"held/{LATER}/"
    prepared |= {name.removeprefix(prefix): text for name, text in today.items() if name.startswith(prefix)}
    assert prepared == shown(rendered(LATER))


def test_a_link_to_a_text_that_is_not_out_keeps_its_words() -> None:
    changed = library()
    lead = changed.articles["ms-and-your-spinal-cord"]
    body = f"A text.\n\nMore on [warm days](article:{HEAT}) soon.\n"
    articles = {**changed.articles, lead.slug: dataclasses.replace(lead, body=body)}
    material = dataclasses.replace(samples_web.material(), day=TODAY)
    made = pages.render(dataclasses.replace(changed, articles=articles), material)
    (page,) = (output.content.decode() for output in made if output.name == f"articles/{lead.slug}/index.html")
    assert "More on warm days soon." in page


def test_the_site_is_built_anew_only_when_something_turns_public(tmp_path: Path) -> None:
    said: list[str] = []

    def build(day: dt.date) -> model.Manifest:
        material = dataclasses.replace(samples_web.material(), library=library(), day=day)
        return render.build(library(), material, tmp_path, said.append)

    first = build(TODAY)
    assert build(LATER - dt.timedelta(days=1)).digest == first.digest
    assert said[-1] == "site: unchanged"
    assert build(LATER).key != first.key


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.World]:
    with sites.running(tmp_path_factory.mktemp("day") / "house") as running:
        identity = running.here.desk.settings.identity
        material = dataclasses.replace(samples_web.material(), library=library(), identity=identity, day=TODAY)
        for subject in ("site", sites.SLUG):  # their keys are those of files on disk, which are the same
            shutil.rmtree(running.out / subject)
        render.build(library(), material, running.out, lambda _line: None)
        for spec in library().editions.values():
            lead, *others = (library().articles[slug] for slug in (spec.lead, *spec.read_next))
            render.build(model.Edition(spec, lead, tuple(others)), material, running.out, lambda _line: None)
        yield running


@pytest.mark.parametrize(("day", "status"), [(LATER - dt.timedelta(days=1), 404), (LATER, 200), (LAST, 200)])
def test_the_server_shows_it_from_its_day_on_without_a_new_build(world: sites.World, day: dt.date, status: int) -> None:
    now = dt.datetime.combine(day, dt.time(0, 0), dt.UTC)
    application = site.app(world.here, now=lambda: now)
    paths = (f"/articles/{HEAT}/", f"/editions/{SECOND}/", f"/social/{HEAT}.png", f"/images/{HEAT}.svg")
    with site.running(application) as url:
        assert [requests.get(url + path, timeout=10).status_code for path in paths] == [status] * 4
        assert requests.get(f"{url}/helpful/articles/{HEAT}/yes", timeout=10).status_code == status
        home = requests.get(f"{url}/", timeout=10).text
        feed = requests.get(f"{url}/feed.xml", timeout=10).text
    assert (HEAT in home, HEAT in feed) == (status == 200, status == 200)


@pytest.mark.parametrize("path", [f"/held/{LATER}/articles/{HEAT}/", f"/held/{LATER}/index.html", f"/held/{LATER}/"])
def test_what_is_held_has_no_address_of_its_own(world: sites.World, path: str) -> None:
    assert requests.get(world.url + path, timeout=10).status_code == 404


def test_an_approved_edition_can_be_read_before_its_day_and_a_test_mails_pictures_always(world: sites.World) -> None:
    path, picture = f"/editions/{SECOND}/", f"/editions/{SECOND}/images/{HEAT}-1200.png"
    assert requests.get(world.url + path, timeout=10).status_code == 404
    assert requests.get(world.url + picture, timeout=10).status_code == 200
    manifest = render.read(world.out, SECOND)
    decisions.approve(world.here.engine, model.Approval(SECOND, manifest.digest, "Test", sites.NOW, ()))
    assert requests.get(world.url + path, timeout=10).status_code == 200


def test_the_archive_shows_the_very_page_that_the_mail_leads_to(world: sites.World) -> None:
    built = (world.out / sites.SLUG / "web" / "index.html").read_bytes()
    assert (world.out / "site" / "editions" / sites.SLUG / "index.html").read_bytes() == built
    answer = requests.get(f"{world.url}/editions/{sites.SLUG}/", timeout=10)
    assert answer.content == built
    assert lxml.html.document_fromstring(answer.text).xpath("string(//h1)") == samples.sample_spec().title
