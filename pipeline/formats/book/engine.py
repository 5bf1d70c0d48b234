"""What lays the book out besides its HTML: our code, the Python libraries, Pango and HarfBuzz, as one digest."""

import ctypes
import functools
import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path

LIBRARIES = (
    "weasyprint",
    "pydyf",
    "pikepdf",
    "deflate",
    "fonttools",
    "tinycss2",
    "cssselect2",
    "tinyhtml5",
    "lxml",
    "pillow",
    "page-validation",
)
_SHARED = (("pango-1.0", "0", "pango_version_string"), ("harfbuzz", "0", "hb_version_string"))


# Our code that makes a part.
LAYING = (
    "job.py",
    "layout.py",
    "fit.py",
    "metadata.py",
    "finish.py",
    "seal.py",
    "compact.py",
    "squeeze.py",
    "tags/*.py",
)
ALL = ("**/*.py",)


@functools.cache
def digest(code: tuple[str, ...] = LAYING) -> str:
    """Return a digest that changes when anything does that could make other bytes of the same HTML."""
    here = Path(__file__).parent
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    versions |= {name: _version(name, number, function) for name, number, function in _SHARED}
    own = [path.read_bytes().hex() for path in sorted({path for name in code for path in here.glob(name)})]
    return hashlib.sha256(json.dumps([sys.version_info[:2], versions, own], sort_keys=True).encode()).hexdigest()


def _version(name: str, number: str, function: str) -> str:
    """Ask a system library for its version; empty where it is not found under its usual names."""
    for file in (f"lib{name}.so.{number}", f"lib{name}.{number}.dylib", f"lib{name}-{number}.dll"):
        try:
            ask = getattr(ctypes.CDLL(file), function)
        except (OSError, AttributeError):
            continue
        ask.restype = ctypes.c_char_p
        return bytes(ask()).decode()
    return ""
