"""Step 3, every finding of the content and of what is made of it; what was judged before and is the same is not again.

Kept are the findings of a text by itself, of an edition as it would be mailed, of an article's page and of the book,
each under a digest of all that it was judged from and by. What depends on the day is sought each time.
"""

import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pipeline import checks, edition, errors, model, reach, render, store

SERVED = ("helpful/", "pack/")  # the server answers these without a file
SUBJECT = "checks"  # under this name the store knows what was used
KEPT, GRADES = ".found", ".grades"  # in out/.parts; the dot keeps it from being swept with what no build has used


def found(material: model.Material, out: Path, today: dt.date) -> list[model.Finding]:
    """Return the findings of content, of every edition, and of the site and the book in `out` if they are of today."""
    kept, shelf = store.PackStore(out / render.PARTS / KEPT), store.FolderStore(out / render.PARTS, SUBJECT)
    seen, library = render.frame(material), material.library
    rendering = dataclasses.replace(material, store=shelf, mark=seen.mark)
    material = dataclasses.replace(material, store=kept, mark=seen.mark)
    made = [*checks.source(library, today, material), *checks.letters(library, material.templates)]
    for slug, spec in library.editions.items():
        if {spec.lead, *spec.read_next} <= library.articles.keys():  # otherwise its articles' findings say why
            item = edition.edition(library, slug)
            files = functools.partial(render.files, item, rendering, out, seen)
            made += _of_edition(item, material, render.key(item, material, seen), files)
    made += _of_site(material, _built(out, "site", library, "articles/"))
    made += _of_book(material, _built(out, "book", library))
    if render.frame(material).mark == seen.mark:
        with contextlib.suppress(errors.StorageProblem):  # the findings are the same where nothing can be kept
            kept.prune()
            shelf.prune()
    else:
        shelf.disown()
    return made


def _of_edition(
    item: model.Edition, material: model.Material, key: str, files: Callable[[], Mapping[str, bytes]]
) -> list[model.Finding]:
    """Return the findings of an edition; the lines of findings are those of its files, so these count too."""
    root = material.library.root
    paths = (item.spec.path, *(article.path for article in item.articles))
    names = [path.relative_to(root.parent).as_posix() for path in paths]
    read = {name: material.library.files[name] for name in names}
    sums = {name: reach.sum_of(data, root) for name, data in read.items()}
    made_of = f"{key}\n{sums!r}"
    part = dataclasses.replace(reach.edition(material.library, item), files=read)
    lead = dataclasses.replace(part, articles={item.lead.slug: item.lead})

    def seek() -> list[model.Finding]:
        outputs = files()
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


def readability(material: model.Material, out: Path) -> list[checks.Section]:
    """Return how hard each section is to read; what was measured before, and is the same, is not again."""
    kept = store.PackStore(out / render.PARTS / GRADES)
    seen = dataclasses.replace(material, store=kept, mark=render.frame(material).mark)
    sections = checks.readability(material.library, seen)
    with contextlib.suppress(errors.StorageProblem):
        kept.prune()
    return sections


def links(material: model.Material, out: Path) -> list[model.Finding]:
    """Return the links between pages of the built site that arrive nowhere: all of it is read, so not at each edit."""
    site = _built(out, "site", material.library)
    return checks.site(site, material.identity.base_url, SERVED, material.templates)


def _sums(files: Mapping[str, bytes]) -> str:
    return repr(sorted((name, hashlib.sha256(data).hexdigest()) for name, data in files.items()))


def _built(out: Path, subject: str, library: model.Library, below: str = "") -> Mapping[str, bytes]:
    """Return the files of the site or the book in out/; {} when they are not built from the content as it was read."""
    try:
        manifest = render.read(out, subject)
        outputs = {name: digest for name, digest in manifest.outputs.items() if name.startswith(below)}
        wanted = dataclasses.replace(manifest, outputs=outputs)
        return render.outputs_in(out, wanted) if render.is_made_of(manifest, library) else {}
    except errors.Problem:
        return {}
