"""The book's files on the shelf, for its page: `out/` may hold another book than when the site was built.

The site's build leaves book/editions.json: what each edition is called. The files themselves tell the rest.
"""

import json
import logging

from pipeline import model
from pipeline.formats import _volumes
from pipeline.site import _shelf

log = logging.getLogger("mscare.site")

EDITIONS = "book/editions.json"


def on_the_shelf(shelf: _shelf.Shelf) -> tuple[_volumes.Volume, ...]:
    """List what was built of the book; nothing while there is no site."""
    book = shelf.manifest("book")
    if not (book and shelf.manifest("site")):
        return ()
    pieces = ((name, shelf.piece("book", name)) for name in book.outputs if name.endswith((".pdf", ".epub")))
    return _volumes.volumes(_declared(shelf), {name: piece.content for name, piece in pieces if piece})


def _declared(shelf: _shelf.Shelf) -> list[model.BookEdition]:
    piece = shelf.piece("site", EDITIONS)
    try:
        return [model.BookEdition(**edition) for edition in json.loads(piece.content)] if piece else []
    except (TypeError, ValueError) as error:
        log.warning("editions-broken reason=%s", error)
        return []
