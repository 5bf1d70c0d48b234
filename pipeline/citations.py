"""Sources set as AMA references by citeproc-py, for every format that prints a list of them.

citeproc-py falls short of the style in three ways, mended here: it shortens the initials "MT" to "M", it prints
a title twice where there is no author, and it leaves addresses unescaped.
"""

import functools
import hashlib
import html
import importlib.metadata
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import citeproc
import citeproc.source.json
from markupsafe import Markup

from pipeline import errors, model

STYLE = "citation/american-medical-association.csl"
_TAGS = {"i": ("\ue000", "\ue001"), "b": ("\ue002", "\ue003"), "sup": ("\ue004", "\ue005"), "sub": ("\ue006", "\ue007")}
_ADDRESS = re.compile(r"(?:doi:(10\.\S+)|(https?://\S+))$")


class _Marks:
    """A citeproc-py formatter that marks italics with private characters, so that all else can be escaped later."""

    @staticmethod
    def preformat(text: object) -> str:
        """Keep the text as it is; `_html` escapes the whole entry once."""
        return str(text)

    @staticmethod
    def _wrap(tag: str, text: object) -> str:
        opening, closing = _TAGS[tag]
        return f"{opening}{text}{closing}"

    def Italic(self, text: object) -> str:  # noqa: N802  citeproc-py looks these names up
        """Mark italics."""
        return self._wrap("i", text)

    Oblique = Italic

    def Bold(self, text: object) -> str:  # noqa: N802  see Italic
        """Mark bold."""
        return self._wrap("b", text)

    def Superscript(self, text: object) -> str:  # noqa: N802  see Italic
        """Mark raised type."""
        return self._wrap("sup", text)

    def Subscript(self, text: object) -> str:  # noqa: N802  see Italic
        """Mark lowered type."""
        return self._wrap("sub", text)

    Light = Underline = SmallCaps = preformat


def references(sources: Sequence[model.Source], templates: Path, store: model.Store | None = None) -> list[Markup]:
    """Set the sources in AMA style, in the order given: the entry at index 0 is reference 1, without its number.

    Each entry is HTML whose DOI or web address is a link of class "url". Refuses a style file that is missing or
    broken, and a record that cannot be set. A `store` spares setting the same list twice.
    """
    if not sources:
        return []
    key = _key(sources, templates) if store is not None else ""
    if store is not None and (kept := store.get(key)) is not None:
        return [Markup(entry) for entry in json.loads(kept)]  # noqa: S704  written below, escaped as it was then
    path = templates / STYLE
    style = _text(path)
    entries = [_set(source, path, style) for source in sources]
    if store is not None:
        store.put(key, json.dumps(entries).encode())
    return entries


def _key(sources: Sequence[model.Source], templates: Path) -> str:
    """Return a digest of all that the entries are made from: records, style, library and this file."""
    try:
        style = (templates / STYLE).read_bytes()
    except OSError:
        style = b""  # told when it is read
    made_of = [style.hex(), Path(__file__).read_text(encoding="utf-8"), importlib.metadata.version("citeproc-py")]
    records = [dict(source.csl) for source in sources]
    return f"references-{hashlib.sha256(json.dumps([made_of, records], sort_keys=True).encode()).hexdigest()}"


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _style_problem(path, error) from error


@functools.lru_cache(maxsize=2)
def _style(path: Path, _text: bytes) -> citeproc.CitationStylesStyle:
    """Read the style once for each of its versions: `_text` is what the file holds."""
    try:
        # The file is taken as it is: its schema check costs more than setting a hundred references.
        return citeproc.CitationStylesStyle(str(path), validate=False)
    except (OSError, ValueError, SyntaxError) as error:
        raise _style_problem(path, error) from error


def _style_problem(path: Path, error: Exception) -> errors.RenderProblem:
    msg = f"cannot read the citation style {path}: {error}"
    return errors.RenderProblem(msg, hint="restore the shipped templates/citation folder")


def _set(source: model.Source, path: Path, style: bytes) -> Markup:
    try:
        return _entry(json.dumps(dict(source.csl)), path, style)
    except errors.RenderProblem:
        raise
    except Exception as error:  # citeproc-py raises whatever an odd record leads it to
        msg = f"content/sources.json:{source.line}: source {source.id} cannot be set as a reference: {error!r}"
        raise errors.RenderProblem(
            msg, hint="compare the record with its neighbours: type, author and issued"
        ) from error


@functools.lru_cache(maxsize=2_000)
def _entry(record: str, path: Path, style: bytes) -> Markup:
    """Set one record, once in a process: many articles and editions cite the same source."""
    csl = json.loads(record)
    bank = citeproc.source.json.CiteProcJSON([_record(csl)])
    list_ = citeproc.CitationStylesBibliography(_style(path, style), bank, _Marks())
    list_.register(citeproc.Citation([citeproc.CitationItem("source")]))
    return _html(_mended(str(list_.bibliography()[0]), csl))


def _record(csl: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the style knows, under a name of its own, with initials spaced: "MT" reads as two of them."""
    record = {key: value for key, value in csl.items() if key != "custom"}
    for role in ("author", "editor"):
        if role in record:
            record[role] = [_name(name) for name in record[role]]
    return {**record, "id": "source"}


def _name(name: Mapping[str, str]) -> dict[str, str]:
    given = name.get("given", "")
    return {**name, "given": " ".join(given)} if given.isupper() and given.isalpha() else dict(name)


def _mended(text: str, csl: Mapping[str, Any]) -> str:
    text = re.sub(r"^1\.\s*", "", text)
    if not csl.get("author"):
        text = re.sub(r"^(.+?\. ?)\1", r"\1", text)
    if not csl.get("volume") and not csl.get("issue"):
        # The style takes a missing volume for "online first". Here it only means that the record does not name it.
        text = text.replace("Published online ", "")
    return text


def _html(text: str) -> Markup:
    """Escape the entry, turn the marks into tags and its address into a link."""
    match = _ADDRESS.search(text)
    body, tail = (text[: match.start()], match[0]) if match else (text, "")
    escaped = html.escape(body, quote=False)
    for tag, (opening, closing) in _TAGS.items():
        escaped = escaped.replace(opening, f"<{tag}>").replace(closing, f"</{tag}>")
    entry = Markup(escaped)  # noqa: S704  escaped above; only our own four tags were put in afterwards
    if not match:
        return entry
    href = f"https://doi.org/{match[1]}" if match[1] else match[2]
    return entry + Markup('<a class="url" href="{}">{}</a>').format(href, tail)
