"""Step 3, every finding of the content and of what is made of it; what was judged before and is the same is not again.

Kept are the findings of a text by itself, of an edition as it would be mailed, of an article's page and of the book,
each under a digest of all that it was judged from and by. What depends on the day is sought each time.
"""

import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline import checks, content, edition, errors, model, reach, render, store

SERVED = ("helpful/", "pack/")  # the server answers these without a file
SUBJECT = "checks"  # under this name the store knows what was used


def found(material: model.Material, out: Path, today: dt.date) -> list[model.Finding]:
    """Return the findings of content, of every edition, and of the site and the book in `out` if they are of today."""
    kept = store.FolderStore(out / render.PARTS, SUBJECT)
    seen = render.frame(material)
    material = dataclasses.replace(material, store=kept, mark=seen.mark)
    library = material.library
    made = [*checks.source(library, today, material), *checks.letters(library, material.templates)]
    for slug, spec in library.editions.items():
        if {spec.lead, *spec.read_next} <= library.articles.keys():  # otherwise its articles' findings say why
            made += _of_edition(edition.edition(library, slug), material, out, seen)
    made += _of_site(material, _built(out, "site", library.root))
    made += _of_book(material, _built(out, "book", library.root))
    if render.frame(material).mark == seen.mark:
        with contextlib.suppress(errors.StorageProblem):  # the findings are the same where nothing can be kept
            kept.prune()
    else:
        kept.disown()
    return made


def _of_edition(item: model.Edition, material: model.Material, out: Path, seen: render.Frame) -> list[model.Finding]:
    """Return the findings of an edition; the lines of findings are those of its files, so these count too."""
    root = material.library.root
    texts = [content.text(path) for path in (item.spec.path, *(article.path for article in item.articles))]
    made_of = "\n".join([render.key(item, material, seen), *texts])
    part = reach.edition(material.library, item)
    lead = dataclasses.replace(part, articles={item.lead.slug: item.lead})

    def seek() -> list[model.Finding]:
        outputs = render.files(item, material, out, seen)
        judged = checks.edition(outputs, item, dataclasses.replace(material, library=part))
        return [*judged, *checks.parity(lead, {}, {}, {item.spec.slug: outputs})]

    try:
        return checks.kept(material, "edition", made_of, seek)
    except errors.RenderProblem as problem:
        return [checks.unrendered(item.spec, problem, root)]


def _of_site(material: model.Material, site: Mapping[str, bytes]) -> Iterator[model.Finding]:
    """Yield what the articles' pages have lost of their texts."""
    library = material.library
    for slug, article in library.articles.items():
        name = f"articles/{slug}/index.html"
        if name in site:
            part = reach.article(library, article)
            part = dataclasses.replace(part, articles={slug: article})
            page = {name: site[name]}
            made_of = f"{reach.digest(part)}\n{_sums(page)}"
            yield from checks.kept(material, "parity", made_of, functools.partial(checks.parity, part, page, {}, {}))


def _of_book(material: model.Material, book: Mapping[str, bytes]) -> list[model.Finding]:
    """Return what the book in PDF and EPUB has lost of its chapters."""
    if not book:
        return []
    part = dataclasses.replace(material.library, articles={}, editions={}, corrections=(), images={})
    made_of = f"{reach.digest(part)}\n{_sums(book)}"
    lost = checks.kept(material, "parity", made_of, lambda: checks.parity(part, {}, book, {}))
    return [*checks.book(book), *lost]


def links(material: model.Material, out: Path) -> list[model.Finding]:
    """Return the links between pages of the built site that arrive nowhere: all of it is read, so not at each edit."""
    site = _built(out, "site", material.library.root)
    return checks.site(site, material.identity.base_url, SERVED, material.templates)


def _sums(files: Mapping[str, bytes]) -> str:
    return repr(sorted((name, hashlib.sha256(data).hexdigest()) for name, data in files.items()))


def _built(out: Path, subject: str, root: Path) -> Mapping[str, bytes]:
    """Return the files of the site or the book in out/; {} when they are not built from the content as it is now."""
    try:
        manifest = render.read(out, subject)
        return render.outputs_in(out, manifest) if render.is_of_today(manifest, root.parent) else {}
    except errors.Problem:
        return {}
