"""Writes a PDF in few bytes: what qpdf packs is packed again, five hundred objects together, and deflated harder.

A tagged book has twenty thousand small objects. qpdf packs a hundred of them into one object stream and deflates that
as well as zlib can; in larger streams the likeness of neighbours pays, and libdeflate finds more of it. Objects keep
qpdf's order: what belongs to a page stays together, so a program that shows one page unpacks few streams.
"""

import dataclasses
import functools
import io
import itertools
import re
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence

import deflate
import pikepdf

from pipeline import errors

TOGETHER = 5  # of qpdf's streams in one of ours: ten save 9 KB more, but a reading program unpacks twice as much
LEVEL = 10  # of libdeflate's 12: the last two save 1 % more in twice the time
_START = re.compile(rb"(\d+) 0 obj\n(<<.*?>>)\nstream\n", re.DOTALL)
_END = re.compile(rb"\n?endstream\nendobj\n+")
_NUMBER = {key: re.compile(rb"/%b (\d+)" % key) for key in (b"Length", b"N", b"First")}
_TRAILER = re.compile(rb"/(?:Root|Info) \d+ 0 R|/ID \[[^\]]*\]")
_ROW = struct.Struct(">BIH")  # of the cross-references: how an object is stored, where, and its place in a stream
_COLUMNS = (1, 4, 2)  # bytes of each
_FREE = (0, 0, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class _Stream:
    """A stream as it stands in a file."""

    number: int
    words: bytes
    content: bytes
    whole: bytes

    def told(self, key: bytes) -> int:
        """Return a number of its dictionary."""
        found = _NUMBER[key].search(self.words)
        return int(found[1]) if found else 0


@functools.lru_cache(maxsize=128)  # most streams of a book are those of the last one that this process saved
def deflated(content: bytes) -> bytes:
    """Return the content in zlib's format, in fewer bytes than zlib would."""
    return bytes(deflate.zlib_compress(content, LEVEL))


def saved(pdf: pikepdf.Pdf, former: bytes = b"") -> bytes:
    """Return the PDF, the same bytes for the same objects; no stream that is packed here ends in a carriage return.

    `former` is a file that was saved here: what it has packed already need not be packed again.
    """
    pikepdf.settings.set_flate_compression_level(1)  # for the object streams, which are unpacked again
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return repacked(out.getvalue(), former)


def repacked(content: bytes, former: bytes = b"") -> bytes:
    """Return a PDF that qpdf wrote with object streams, with larger ones; refuses any other."""
    head, streams = _parted(content)
    *objects, references = streams
    packs = [stream for stream in objects if b"/Type /ObjStm" in stream.words]
    file = _File(head, _packed(former))
    for stream in objects:
        if b"/Type /ObjStm" not in stream.words:
            file.add(stream.number, stream.whole)
    for index in range(0, len(packs), TOGETHER):
        file.add_packed(packs[index : index + TOGETHER])
    return file.closed(references)


def _packed(former: bytes) -> dict[bytes, bytes]:
    """Return the object streams of a file that was saved here, by what they hold."""
    streams = _parted(former)[1] if former else []
    return {zlib.decompress(one.content): one.content for one in streams if b"/Type /ObjStm" in one.words}


def _parted(content: bytes) -> tuple[bytes, list[_Stream]]:
    """Return what stands before the first object, and all objects that are not packed: the last has the references."""
    at = content.index(b"\n", content.index(b"\n") + 1) + 1
    head, streams = content[:at], []
    while start := _START.match(content, at):
        length = _NUMBER[b"Length"].search(start[2])
        last = start.end() + (int(length[1]) if length else 0)
        end = _END.match(content, last)
        if end is None:
            break
        streams.append(_Stream(int(start[1]), start[2], content[start.end() : last], content[at : end.end()]))
        at = end.end()
    if not content.startswith(b"startxref\n", at) or not streams or b"/Type /XRef" not in streams[-1].words:
        msg = f"the book was saved in a form that is not understood, at byte {at}"
        raise errors.RenderProblem(msg, hint="pikepdf's qpdf writes files in another way now: compare its version")
    return head, streams


class _File:
    """The PDF that grows object by object."""

    def __init__(self, head: bytes, packed: Mapping[bytes, bytes]) -> None:
        self._pieces = [head]
        self._packed = packed
        self._size = len(head)
        self._rows: dict[int, tuple[int, ...]] = {0: _FREE}

    def add(self, number: int, written: bytes) -> None:
        """Append an object as it is to stand in the file."""
        self._rows[number] = (1, self._size, 0)
        self._pieces.append(written)
        self._size += len(written)

    def add_packed(self, packs: Sequence[_Stream]) -> None:
        """Append the objects of some object streams as one, under the first one's number."""
        index: list[bytes] = []
        bodies: list[bytes] = []
        first = packs[0].number
        start = 0
        for pack in packs:
            content, begin = zlib.decompress(pack.content), pack.told(b"First")
            places = [int(word) for word in content[:begin].split()]
            for number, place in zip(places[::2], places[1::2], strict=True):
                self._rows[number] = (2, first, len(index))
                index.append(b"%d %d" % (number, start + place))
            self._rows[pack.number] = _FREE
            bodies.append(content[begin:])
            start += len(content) - begin
        header = b" ".join(index) + b"\n"
        content = header + b"".join(bodies)
        while (small := self._packed.get(content) or deflated(content)).endswith(b"\r"):
            content += b"\n"
        self._add_stream(first, b"/Type /ObjStm /N %d /First %d" % (len(index), len(header)), small)

    def closed(self, references: _Stream) -> bytes:
        """Return the file with its cross-references, which come last."""
        number, start = references.number, self._size
        self._rows[number] = (1, start, 0)
        rows = [self._rows[key] for key in range(number + 1)]
        trailer = b" ".join(_TRAILER.findall(references.words))
        while (content := deflated(_predicted(rows))).endswith(b"\r"):
            rows.append(_FREE)
        layout = b"/W [ %d %d %d ] /DecodeParms << /Columns %d /Predictor 12 >>" % (*_COLUMNS, _ROW.size)
        self._add_stream(number, b"/Type /XRef /Size %d %b %b" % (len(rows), layout, trailer), content)
        return b"".join([*self._pieces, b"startxref\n%d\n%%%%EOF\n" % start])

    def _add_stream(self, number: int, words: bytes, content: bytes) -> None:
        whole = b"%d 0 obj\n<< %b /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream\nendobj\n"
        self.add(number, whole % (number, words, len(content), content))


def _predicted(rows: Iterable[tuple[int, ...]]) -> bytes:
    """Return the cross-references, each byte as its difference from the one above it (PNG's filter "Up").

    The table is one number, and so is the one above; with the highest bits kept aside, no byte borrows from the next.
    """
    table = b"".join(itertools.starmap(_ROW.pack, rows))
    here, high = int.from_bytes(table, "big"), int.from_bytes(b"\x80" * len(table), "big")
    above, low = here >> 8 * _ROW.size, int.from_bytes(b"\x7f" * len(table), "big")
    apart = ((here | high) - (above & low)) ^ ((here ^ ~above) & high)
    differences = apart.to_bytes(len(table), "big")
    return b"".join([b"\2" + differences[at : at + _ROW.size] for at in range(0, len(table), _ROW.size)])
