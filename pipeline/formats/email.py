"""The digest as a mail: Markdown and Jinja2 make MJML, MJML makes HTML, drawings become PNG. Compiled once for all.

`[[unsubscribe_url]]` in the footer is all that differs from reader to reader; nothing in the mail is fetched from
elsewhere, and nothing in it tells who opened it.
"""

import dataclasses
import functools
import hashlib
import json
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from markupsafe import Markup

from pipeline import drawing, errors, markup, mjml, model, store, templating
from pipeline.formats import _digest, _origins

KIND = "edition"
TEMPLATES = ("email", "fonts", "tokens.toml")

WIDTHS = (600, 1200)  # pixels: as wide as the mail, and twice that for sharp screens
MARKED, MARK = _origins.MARKED, _origins.MARK
MARK_WIDTH = 84  # pixels, shown at half of it


def render(edition: model.Edition, material: model.Material) -> list[model.Output]:
    """Return email.html, message.json and the pictures; refuses what a mail program would show broken."""
    html = _compiled(edition, material)
    html = _digest.with_merge_fields(html, "email.html", "email/blocks/footer.mjml.j2")
    return [
        model.Output("email.html", html.encode("ascii")),
        model.Output("message.json", _message(edition.spec, material.identity)),
        *_pictures(edition, material),
    ]


def mjml_source(
    edition: model.Edition,
    material: model.Material,
    *,
    traced: bool = False,
    tokens: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return the filled-in MJML that `render` compiles: what the MJML lint reads.

    `traced` is for `origins` alone; `tokens` take the place of those of tokens.toml.
    """
    digest = _digest.digest(edition, material)
    hooks = _hooks(digest)
    values = {field.name: getattr(digest, field.name) for field in dataclasses.fields(digest)}
    values |= templating.tokens(material.templates) if tokens is None else tokens
    values |= {
        "direction": digest.identity.direction,
        "start": "right" if digest.identity.direction == "rtl" else "left",
        "images": f"{digest.page_url}images/",
        "mark": _picture_name("mark.svg", MARK_WIDTH),
        "picture": lambda entry: urllib.parse.quote(_picture_name(entry.article.image, WIDTHS[-1])),
        "intro": _without_citations(markup.to_html(digest.intro, hooks)),
        "opening": _without_citations(
            markup.to_html(digest.lead.document, hooks, markup.opening(digest.lead.document))
        ),
    }
    return templating.render(
        templating.environment(material.templates, "email", traced=traced), "digest.mjml.j2", **values
    )


def origins(edition: model.Edition, material: model.Material) -> _origins.Origins:
    """Return what leads from a place in the filled-in MJML to the template's own line and column."""
    return _origins.Origins(mjml_source(edition, material, traced=True), material.templates, "email")


def marked(edition: model.Edition, material: model.Material) -> tuple[str, _origins.Origins]:
    """Return the mail with marks in its elements, and what leads from a mark to the template; for looking, not mailing.

    MARKED is the attribute, MARK the beginning of its value and of the class that bear an offset.
    """
    found = origins(edition, material)
    return mjml.to_html(found.marked()), found


def _compiled(edition: model.Edition, material: model.Material) -> str:
    """Compile the MJML; a fault is told with the place in the template."""
    try:
        return mjml.to_html(mjml_source(edition, material))
    except errors.RenderProblem as problem:
        message = origins(edition, material).in_words(problem.message)
        raise errors.RenderProblem(message, hint=problem.hint) from problem


def _message(spec: model.EditionSpec, identity: model.Identity) -> bytes:
    """Write what the mail's head needs: what an inbox shows before anything is opened."""
    record = {
        "edition": spec.slug,
        "list_id": identity.list_id,
        "preheader": spec.preheader,
        "sender": identity.sender,
        "sender_name": identity.sender_name,
        "subject": spec.subject,
        "title": spec.title,
    }
    return (json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


# --- pictures -------------------------------------------------------------------


def _picture_name(image: str, width: int) -> str:
    return f"{PurePosixPath(image).stem}-{width}.png"


def _pictures(edition: model.Edition, material: model.Material) -> list[model.Output]:
    """Draw each article's picture once for each width, and the house's mark."""
    templates = material.templates
    made = {_picture_name("mark.svg", MARK_WIDTH): _picture(_mark(templates), "mark.svg", MARK_WIDTH, material)}
    for article in edition.articles:
        if article.image not in material.library.images:
            msg = f"{article.path}: there is no drawing content/images/{article.image}"
            raise errors.RenderProblem(msg, hint="add the drawing, or name another one in `image:`")
        svg = material.library.images[article.image]
        for width in WIDTHS:
            made[_picture_name(article.image, width)] = _picture(svg, article.image, width, material)
    return [model.Output(f"images/{name}", content) for name, content in sorted(made.items())]


def _picture(svg: bytes, name: str, width: int, material: model.Material) -> bytes:
    made_of = f"{name} {width} {hashlib.sha256(svg).hexdigest()}"
    return store.recall(material, "picture", made_of, lambda: _draw(svg, name, width, material.templates))


@functools.lru_cache(maxsize=32)  # an edition's pictures: nine tenths of the time of a preview, and they rarely change
def _draw(svg: bytes, name: str, width: int, templates: Path) -> bytes:
    return drawing.png(svg, name, width, templates)


def _mark(templates: Path) -> bytes:
    path = templates / "email" / "mark.svg"
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise errors.RenderProblem(msg, hint="restore the shipped templates/email/mark.svg") from error


# --- the Markdown of this format ------------------------------------------------


def _hooks(digest: _digest.Digest) -> markup.Hooks:
    """Write Markdown for a mail: no citation numbers and no marked terms; those are for the web page."""
    base_url = digest.identity.base_url

    def link(scheme: str, target: str, inner: Markup) -> Markup:
        return markup.link_html(_digest.link_url(base_url, scheme, target), inner)

    return markup.Hooks(
        citation=lambda _ids: _CITED,
        term=lambda _id, inner: inner,
        link=link,
        image=_image_in_words,
        heading=lambda _heading, inner: Markup("<p><strong>{}</strong></p>\n").format(inner),
        callout=_callout,
    )


_CITED = Markup("<!--cited-->")


def _without_citations(html: Markup) -> Markup:
    """Take out the places of citations together with the space before each, so that no full stop stands alone."""
    return Markup(re.sub(rf"\s*{_CITED}", "", html))  # noqa: S704  only the marks we wrote are taken out


def _image_in_words(_name: str, alt: str, caption: str) -> Markup:
    """Tell of a drawing inside the text in words: in a mail only the article's own drawing is shown."""
    return Markup("<p><em>{}</em></p>\n").format(caption or alt)


def _callout(kind: str, title: str, inner: Markup) -> Markup:
    name = "data" if kind == "table" else "callout"
    return Markup('<div class="{}"><p><strong>{}</strong></p>\n{}</div>\n').format(name, title, inner)
