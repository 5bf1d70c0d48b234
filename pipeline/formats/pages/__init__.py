"""The public site as files: home, articles, topics, the book's page, past issues, the small print, feed and site map.

No script, no request to anybody else, no clock: an article says when it was checked and when it is due again. What
becomes public after the day of `material` is not in it. The next few days on which something does are prepared in
`held/<day>/`: `site` shows them when their day has come, so that a mail's links arrive without a new build.
The book's own files are built elsewhere; `site` serves all of them under one address.

_site        what the pages of one build share
_articles    an article's page
_lists       home, all articles, topics, past issues
_prints      the book's page, getting the mail, corrections, privacy
_machines    feed, site map, robots; fonts and pictures
"""

from pipeline import model
from pipeline.formats import _web
from pipeline.formats.pages import _articles, _lists, _machines, _prints, _site

KIND = "site"
TEMPLATES = ("web", "join", "book/cover.svg", "email/mark.svg", "email/words.toml", "citation", "fonts", "tokens.toml")

AHEAD = 4  # days with something new that are prepared


def render(library: model.Library, material: model.Material) -> list[model.Output]:
    """Return every file of the site; refuses what a text uses and the library does not have, naming the file."""
    press = _site.Press(library, material)
    shown = _files(_site.Site(press, material.day))
    made = dict(shown)
    later = [day for day in model.turns(library) if day > material.day]
    for day in later[:AHEAD]:
        then = _files(_site.Site(press, day))
        made |= {_web.held(day, name): content for name, content in then.items() if shown.get(name) != content}
        shown = then
    return [model.Output(name, content) for name, content in made.items()]


def _files(site: _site.Site) -> dict[str, bytes]:
    """Return the files of the site as it is on one day, by name."""
    makers = (_articles.files, _lists.files, _prints.files, _machines.files)
    return {output.name: output.content for maker in makers for output in maker(site)}
