"""An edition as a web page, whole by itself: what "View in your browser" opens, and the same bytes in the archive.

The page holds its own style, and its pictures lie beside it: saved to disk, it looks the same.
"""

import dataclasses

from pipeline import markup, model, reach, store, templating
from pipeline.formats import _digest, _hypertext, _social, _web

ROOT = "../../"  # from editions/<slug>/ to the site's root
CARD = "images/social.png"


def files(edition: model.Edition, material: model.Material) -> dict[str, bytes]:
    """Return index.html and its pictures; refuses what the text uses and the library does not have."""
    library = reach.edition(material.library, edition)
    material = dataclasses.replace(material, library=library)
    html = store.recall(
        material, "issue", f"{reach.digest(library)}\n{edition.spec.slug}", lambda: _page(edition, material)
    )
    art = library.images[edition.lead.image]
    social = _social.picture(edition.spec.title, f"Issue {edition.spec.number}", art, material)
    return {"index.html": html, f"images/{edition.lead.image}": art, CARD: social}


def _page(edition: model.Edition, material: model.Material) -> bytes:
    library, templates = material.library, material.templates
    env = _web.environment(templates, material.identity)
    digest = _digest.digest(edition, material)
    setter = _hypertext.Setter(edition.spec.path, library, ROOT, _cited(digest))
    image = edition.lead.image
    setter.drawing(image)  # refuses when it is not there
    address = f"editions/{_web.quoted(edition.spec.slug)}/"
    title = edition.spec.title
    values = {field.name: getattr(digest, field.name) for field in dataclasses.fields(digest)}
    values |= {
        "title": title,
        "description": edition.spec.preheader,
        "address": address,
        "root": ROOT,
        "inline_style": _web.style(env, templates, ROOT),
        "card": _social.Card(address + CARD, f"{material.identity.title}: {title}", "article"),
        "drawing": f"images/{_web.quoted(image)}",
        "size": _web.size(library.images[image]),
        "questions": setter.questions(edition.lead.questions),
        "intro": setter.text(digest.intro),
        "opening": setter.text(digest.lead.document, markup.opening(digest.lead.document)),
        "references": setter.references(templates),
    }
    values["terms"] = setter.explained()
    return templating.render(env, "edition.html", **values).encode()


def _cited(digest: _digest.Digest) -> list[str]:
    """List every source of the edition's articles in the order of their first use: what the mail counts."""
    entries = (digest.lead, *digest.read_next)
    return list(dict.fromkeys(name for entry in entries for name in entry.document.citations))
