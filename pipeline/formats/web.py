"""An edition as a web page: what "View in your browser" opens. The mail's words and order, and the list of sources."""

from pipeline import model
from pipeline.formats import _issue

KIND = "edition"
TEMPLATES = ("web", "email/words.toml", "email/mark.svg", "citation", "fonts", "tokens.toml")


def render(edition: model.Edition, material: model.Material) -> list[model.Output]:
    """Return web/index.html and its pictures; refuses what the text uses and the library does not have."""
    return [model.Output(f"web/{name}", content) for name, content in _issue.files(edition, material).items()]
