"""One file over HTTP: type, strong ETag, conditions, one range of bytes, and the policy a page runs under."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pipeline.site import _shelf

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".epub": "application/epub+zip",
    ".html": "text/html; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    ".xml": "application/xml; charset=utf-8",
}
KEPT = frozenset({".css", ".png", ".svg", ".woff2"})
"""What a browser may use for a day without asking again; pages and the book are asked for each time (304)."""

POLICY = (
    "default-src 'none'; style-src 'self'{styles}; font-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
CHUNK = 64 * 1024  # bytes handed to the connection at once, so that a slow one does not hold a copy of the book

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


def answer(request: Request, name: str, piece: _shelf.Piece, *, disposition: str = "") -> Response:
    """Answer GET or HEAD for a file called `name`: 200, 206, 304, 412 or 416."""
    etag, size = f'"{piece.digest}"', len(piece.content)
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": _keeping(name)}
    if _fails(request.headers.get("if-match"), etag):
        return Response(status_code=412, headers=headers)
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    headers |= _description(name, piece.content)
    if disposition:
        headers["Content-Disposition"] = f'{disposition}; filename="{name}"'
    span = _span(request, etag, size)
    if span is None:
        return _bytes(request, piece.content, 200, headers)
    start, end = span
    if start >= size:
        headers["Content-Range"] = f"bytes */{size}"
        return Response(status_code=416, headers=headers)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return _bytes(request, piece.content[start:end], 206, headers)


def policy(html: bytes) -> str:
    """Return the Content-Security-Policy of a page: no script at all, and of styles in the page only its own."""
    sums = (base64.b64encode(hashlib.sha256(style).digest()).decode() for style in _STYLE.findall(html))
    return POLICY.format(styles="".join(f" 'sha256-{digest}'" for digest in sums))


def _description(name: str, content: bytes) -> dict[str, str]:
    suffix = PurePosixPath(name).suffix
    headers = {"Content-Type": TYPES.get(suffix, "application/octet-stream")}
    if suffix == ".html":
        headers["Content-Security-Policy"] = policy(content)
    if suffix == ".svg":  # opened by itself, a drawing is a document: it may do nothing
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return headers


def _keeping(name: str) -> str:
    return "public, max-age=86400" if PurePosixPath(name).suffix in KEPT else "public, no-cache"


def _bytes(request: Request, content: bytes, status: int, headers: dict[str, str]) -> Response:
    headers = {**headers, "Content-Length": str(len(content))}
    if request.method == "HEAD" or len(content) <= CHUNK:
        return Response(content, status, headers)
    return StreamingResponse(_chunks(content), status, headers)


async def _chunks(content: bytes) -> AsyncIterator[memoryview]:
    view = memoryview(content)
    for start in range(0, len(view), CHUNK):
        yield view[start : start + CHUNK]


def _fails(header: str | None, etag: str) -> bool:
    """Tell whether If-Match names other bytes only; the comparison is strong."""
    return header is not None and header.strip() != "*" and etag not in (tag.strip() for tag in header.split(","))


def _matches(header: str, etag: str) -> bool:
    """Tell whether If-None-Match names these bytes; the comparison is weak."""
    return header.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))


def _span(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return the first byte asked for and the one after the last; None when the whole file is to be sent.

    A start at or beyond `size` cannot be satisfied. Several ranges, and what makes no sense, may be ignored.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if request.method != "GET" or not match or match[0] == "bytes=-":
        return None
    if request.headers.get("if-range", etag).strip() != etag:
        return None
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) else (size, size)
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size
