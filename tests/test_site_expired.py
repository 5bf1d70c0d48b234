"""An article past its date says so on its page, from the day after on, without a new build."""

import datetime as dt
from collections.abc import Iterator

import pytest
import requests
import sites

from pipeline import site

BANNER = "This page is past its date"
LAST = dt.datetime(2027, 11, 22, 23, 59, tzinfo=dt.UTC)  # the sample articles expire on this day


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.World]:
    with sites.running(tmp_path_factory.mktemp("expired") / "house") as running:
        yield running


def pages(world: sites.World, now: dt.datetime) -> dict[str, requests.Response]:
    """Ask a server on that day for an article, the list of articles and the home page."""
    slug = next(iter(world.here.desk.library.articles))
    with site.running(site.app(world.here, now=lambda: now)) as url:
        return {path: requests.get(url + path, timeout=10) for path in (f"/articles/{slug}/", "/articles/", "/")}


def test_an_article_shows_a_banner_from_the_day_after_its_last(world: sites.World) -> None:
    article, *_ = pages(world, LAST).values()
    assert BANNER not in article.text
    assert "Due for its next check by November 22, 2027. After that day it may be out of date." in article.text
    article, *others = pages(world, LAST + dt.timedelta(minutes=1)).values()
    assert article.text.count(BANNER) == 1
    assert "due for a check by November 22, 2027" in article.text
    assert [BANNER in other.text for other in others] == [False, False]


def test_the_banner_gives_the_page_another_etag_so_that_no_browser_keeps_the_old_one(world: sites.World) -> None:
    before, *_ = pages(world, LAST).values()
    after, *_ = pages(world, LAST + dt.timedelta(days=1)).values()
    again, *_ = pages(world, LAST + dt.timedelta(days=9)).values()
    assert before.headers["ETag"] != after.headers["ETag"] == again.headers["ETag"]
    assert int(after.headers["Content-Length"]) == len(after.content)
