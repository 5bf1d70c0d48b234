"""A QR code as a drawing: a way from paper to the current version of the book."""

import io

import segno


def drawing(address: str) -> bytes:
    """Return the SVG of an address: black on white with its quiet zone, square, the same bytes for the same address."""
    code = segno.make(address, error="m", micro=False)
    out = io.BytesIO()
    code.save(out, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False, svgns=True, nl=False)
    return out.getvalue()
