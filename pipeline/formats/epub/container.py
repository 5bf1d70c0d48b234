"""The zip that an EPUB is: `mimetype` first and stored, all else by name, one date, the same bytes."""

import io
import zipfile
from collections.abc import Mapping

MIMETYPE = "application/epub+zip"
FOLDER = "EPUB"
PACKAGE = "package.opf"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can name: it says nothing, and never changes
_MODE = 0o644 << 16
_CONTAINER = f"""\
<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="{FOLDER}/{PACKAGE}" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return the EPUB that holds `files`, named from its content folder; one of them is the package document."""
    inside = {"META-INF/container.xml": _CONTAINER.encode()}
    inside |= {f"{FOLDER}/{name}": content for name, content in files.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(_entry("mimetype"), MIMETYPE, zipfile.ZIP_STORED)
        for name in sorted(inside):
            archive.writestr(_entry(name), inside[name], zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = _MODE
    entry.create_system = 3  # Unix, on whatever machine it is written
    return entry
