"""An edition as a web page: what "View in your browser" opens. The mail's words and order, and the list of sources.

The page holds its own style, and its pictures lie beside it: saved to disk, it looks the same.
"""

import dataclasses

from pipeline import markup, model, templating
from pipeline.formats import _digest, _hypertext, _web

KIND = "edition"
TEMPLATES = ("web", "email/words.toml", "citation", "tokens.toml")

ROOT = "../../"  # from editions/<slug>/ to the site's root


def render(edition: model.Edition, material: model.Material) -> list[model.Output]:
    """Return web/index.html and its drawing; refuses what the text uses and the library does not have."""
    library, templates = material.library, material.templates
    env = _web.environment(templates, material.identity)
    digest = _digest.digest(edition, material)
    setter = _hypertext.Setter(edition.spec.path, library, ROOT, _cited(digest))
    image = edition.lead.image
    setter.drawing(image)  # refuses when it is not there
    values = {field.name: getattr(digest, field.name) for field in dataclasses.fields(digest)}
    values |= {
        "title": digest.edition.title,
        "description": digest.edition.preheader,
        "address": f"editions/{digest.edition.slug}/",
        "root": ROOT,
        "inline_style": _web.style(env, templates, ROOT),
        "drawing": f"images/{_web.quoted(image)}",
        "questions": setter.questions(edition.lead.questions),
        "intro": setter.text(digest.intro),
        "opening": setter.text(digest.lead.document, markup.opening(digest.lead.document)),
        "references": setter.references(templates),
    }
    html = templating.render(env, "edition.html", **values)
    return [
        model.Output("web/index.html", html.encode()),
        model.Output(f"web/images/{image}", library.images[image]),
    ]


def _cited(digest: _digest.Digest) -> list[str]:
    """List every source of the edition's articles in the order of their first use: what the mail counts."""
    entries = (digest.lead, *digest.read_next)
    return list(dict.fromkeys(name for entry in entries for name in entry.document.citations))
