"""Makes a part's PDF ready to be joined: all that must be unique in a book is made so here, in the worker.

Keys of the tag tree's parent tree start at the part's own hundred thousand, ids of tags begin with the part's number,
and what `stitch` copies whole is made an object of its own. So joining touches pages and annotations only once.
"""

import io
from collections.abc import Iterator
from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from pipeline.formats.book import compact, finish

LEVEL: Final = 6  # of zlib
STEP = 100_000  # keys of the parent tree for one part: its pages, links and fields


def sealed(content: bytes, number: int) -> bytes:
    """Return the PDF of part `number` finished, and with keys and ids that no other part has."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        finish.finish(pdf)
        root = pdf.Root
        _renumber(pdf, number * STEP)
        compact.compacted(pdf)
        tree = root.StructTreeRoot
        for element in _elements(tree.K):
            _prefix(element, f"{number:02d}-")
        if "/IDTree" in tree:
            names = tree.IDTree.Names
            for index in range(0, len(names), 2):
                names[index] = String(f"{number:02d}-{names[index]}")
        for holder, key in ((root, "/AcroForm"), (root, "/Outlines"), (root, "/Names"), (tree, "/ParentTree")):
            if key in holder and not holder[key].is_indirect:
                holder[key] = pdf.make_indirect(holder[key])
        pikepdf.settings.set_flate_compression_level(LEVEL)  # `squeeze` sets another for the process
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return out.getvalue()


def _renumber(pdf: pikepdf.Pdf, first: int) -> None:
    """Move the keys of the parent tree."""
    nums = pdf.Root.StructTreeRoot.ParentTree.Nums
    for index in range(0, len(nums), 2):
        nums[index] = int(nums[index]) + first
    for page in pdf.pages:
        page.obj.StructParents = int(page.obj.StructParents) + first
        for annotation in page.obj.get("/Annots", ()):
            if "/StructParent" in annotation:
                annotation.StructParent = int(annotation.StructParent) + first


def _elements(kids: pikepdf.Object) -> Iterator[pikepdf.Object]:
    stack = list(kids)
    while stack:
        element = stack.pop()
        if isinstance(element, Dictionary) and "/S" in element:
            yield element
            inner = element.get("/K")
            stack.extend(inner if isinstance(inner, Array) else () if inner is None else (inner,))


def _prefix(element: pikepdf.Object, prefix: str) -> None:
    if "/ID" in element:
        element.ID = String(prefix + str(element.ID))
    attributes = element.get("/A")
    for owner in attributes if isinstance(attributes, Array) else (attributes,):
        if isinstance(owner, Dictionary) and Name.Headers in owner:
            owner.Headers = Array([String(prefix + str(header)) for header in owner.Headers])
