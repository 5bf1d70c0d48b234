"""The public site: articles, past issues, the book to download, unsubscribe, the services' webhooks.

_app       which address is answered by whom, and what is said when something goes wrong
_shelf     the files of out/, served only with the bytes that their manifest names
_files     one file over HTTP: strong ETag, ranges, types, security policy
_rooms     the static pages, the editions and the book
_pages     pages made at the moment: unsubscribe, thanks, errors
_readers   the unsubscribe link and "did this help?"
_joining   the form to join the list, and the page that confirms an address
_volumes   what the book's page tells of each file
_packs     the appointment pack: questions that a reader chooses, as a PDF
_hooks     what sending services report
_bodies    request bodies within bounds
_server    the server on this machine only
"""

from pipeline.site._app import app
from pipeline.site._server import running, serve

__all__ = ["app", "running", "serve"]
