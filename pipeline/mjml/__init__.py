r"""The one door to mjml-python: MJML in, mail HTML out, with the compiler's known faults kept away from readers.

mjml-python 1.4.2 is fast and deterministic, and it never complains. What it does silently is guarded here:

    attribute values are written in Rust's notation   a line break, quote or accent in one would reach the
                                                      reader as \n, \", \u{a0}: they go in as character references
    mj-style inline="inline" is ignored               its CSS is taken out and inlined afterwards
    Google Fonts are linked when none is named        fonts={} always
    CRLF, a space between two elements of the head,   written so that it does not
    or a comment there stops it
    deep nesting ends the process                     depth and size are bounded before it is called
    its faults have no place                          the lint names line and column

The HTML that comes out is ASCII, so that no mail server on the way can spoil a letter.
"""

import importlib
import re
from collections.abc import Callable
from typing import cast

import css_inline

from pipeline import errors
from pipeline.mjml import components, lint, scan

MAX_LENGTH = 500_000  # characters of MJML; a digest of four articles has 19,000
MAX_DEPTH = 100  # open tags inside each other; a digest has 13, the process dies at about 9,000
_TOLD = 3  # faults in one refusal: one may be the consequence of another

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile(r"[\t\n]")  # in an attribute, XML reads each as a space
_STRAY = re.compile(r' vertical-align="[a-z]*"')  # the compiler writes it on <td>, where HTML has no such attribute
_PIXELS = re.compile(r'( width="\d+)px"')  # and this on <table>, where HTML has a bare number

Compiler = Callable[..., str]


def compiler() -> Compiler:
    """Return mjml-python's function; refuse when it is missing, or when another package took its name."""
    try:
        module = importlib.import_module("mjml")
    except ImportError as error:
        msg = f"mjml-python cannot be loaded: {error}"
        raise errors.MissingPart(msg, hint="install it: pip install mjml-python==1.4.2") from error
    if not hasattr(module, "mjml2html"):
        msg = (
            "the installed package `mjml` has no mjml2html: it is another package, which overwrote mjml-python's files"
        )
        hint = "uninstall both, then one: pip uninstall mjml mjml-python; pip install mjml-python==1.4.2"
        raise errors.MissingPart(msg, hint=hint)
    return cast("Compiler", module.mjml2html)


def to_html(source: str) -> str:
    """Compile MJML to the HTML of a mail, in ASCII; refuse, with line and column, what would come out wrong.

    Refuses control characters, a stray "<", too much or too deep a source, and everything the compiler stops at.
    """
    compile_ = compiler()
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    _refuse_forbidden(source)
    rewriter = _Rewriter(source)
    for piece in scan.pieces(source):
        rewriter.take(piece)
    try:
        html = compile_("".join(rewriter.parts), fonts={})
    except ValueError as error:
        raise _explained(source, error) from error
    html = _inlined(html, "\n".join(rewriter.css))
    html = scan.rewritten(html, _tidied).encode("ascii", "xmlcharrefreplace").decode("ascii")
    _refuse_unbalanced(source, html)
    return html


# --- before ---------------------------------------------------------------------


def _refusal(source: str, offset: int, message: str, hint: str) -> errors.RenderProblem:
    line, column = scan.Places(source).of(offset)
    return errors.RenderProblem(f"the mail's MJML, line {line}, column {column}: {message}", hint=hint)


def _refuse_forbidden(source: str) -> None:
    if len(source) > MAX_LENGTH:
        msg = f"the mail's MJML has {len(source):,} characters; the most is {MAX_LENGTH:,}"
        raise errors.RenderProblem(msg, hint="shorten the edition: the opening of the lead article is printed in full")
    if found := _FORBIDDEN.search(source):
        message = f"a control character U+{ord(found[0]):04X}, which no mail can hold"
        raise _refusal(source, found.start(), message, "delete it from the text it stands in")


class _Rewriter:
    """Writes the source anew as pure ASCII that the compiler cannot spoil, and keeps the CSS that is to be inlined."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.css: list[str] = []
        self.parts: list[str] = []
        self._around = [""]  # for each open tag, the innermost component that it is or stands in
        self._inline = False

    def take(self, piece: scan.Piece) -> None:
        """Write one piece; refuse a stray "<" and too many open tags."""
        if piece.kind is scan.Kind.BROKEN:
            hint = "write &lt;, or close the tag, quote or comment"
            raise _refusal(self.source, piece.start, 'a "<" that begins no tag', hint)
        if piece.kind is scan.Kind.OPEN:
            self._inline = piece.name == "mj-style" and any(a.name == "inline" for a in piece.attributes)
            if not piece.empty:
                self._around.append(piece.name if piece.name.startswith("mj") else self._around[-1])
        if len(self._around) > MAX_DEPTH + 1:
            message = f"more than {MAX_DEPTH} tags inside each other"
            raise _refusal(self.source, piece.start, message, "close lists and tables before the next one begins")
        if self._inline:
            self.css += [self._text(piece)] if piece.kind is scan.Kind.RAW else []
        else:
            self.parts.append(self._safe(piece))
        if piece.kind is scan.Kind.CLOSE and len(self._around) > 1:
            self._around.pop()
            self._inline = False

    def _text(self, piece: scan.Piece) -> str:
        return self.source[piece.start : piece.end]

    def _safe(self, piece: scan.Piece) -> str:
        """Write one piece so that it means the same and holds nothing that the compiler spoils."""
        text, around = self._text(piece), self._around[-1]
        if piece.kind is scan.Kind.RAW:
            return re.sub(r"[^\x00-\x7f]", lambda match: f"\\{ord(match[0]):x} ", text)  # CSS knows no &#1234;
        if piece.kind is scan.Kind.TEXT:
            if around not in components.CONTENT and not text.strip():
                return ""  # it stops at a space between two components of the head
            return _references(_BREAKS.sub(" ", text) if around == "mj-title" else text)
        if piece.kind is scan.Kind.COMMENT and around in {"mj-attributes", "mj-social"}:
            return ""  # it stops at a comment there
        if piece.kind is not scan.Kind.OPEN or not piece.attributes:
            return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
        attributes = "".join(_attribute(attribute) for attribute in piece.attributes)
        return f"<{piece.name}{attributes}{' />' if text.endswith('/>') else '>'}"


def _attribute(attribute: scan.Attribute) -> str:
    if attribute.value is None:
        return f" {attribute.name}"
    return f' {attribute.name}="{_references(_BREAKS.sub(" ", attribute.value))}"'


def _references(text: str) -> str:
    """Write quotes, backslashes and everything beyond ASCII as character references."""
    text = text.replace('"', "&#34;").replace("\\", "&#92;")
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _explained(source: str, error: ValueError) -> errors.RenderProblem:
    """Say where the fault is: the compiler does not, the lint does."""
    faults = [fault for fault in lint.lint(source) if fault.blocking][:_TOLD]
    if not faults:
        msg = f"the mail's MJML cannot be compiled: {error}"
        return errors.RenderProblem(msg, hint="undo the last change in templates/email/ and make it in smaller steps")
    told = "; ".join(f"line {fault.line}, column {fault.column}: {fault.message}" for fault in faults)
    return errors.RenderProblem(f"the mail's MJML, {told}", hint=faults[0].hint)


# --- after ----------------------------------------------------------------------


def _inlined(html: str, css: str) -> str:
    """Write `css` into style attributes; the mail's own style elements and conditional comments stay as they are."""
    if not css:
        return html
    inliner = css_inline.CSSInliner(
        inline_style_tags=False,
        keep_style_tags=True,
        keep_link_tags=True,
        load_remote_stylesheets=False,
        extra_css=css,
    )
    try:
        inlined: str = inliner.inline(html)
    except css_inline.InlineError as error:
        msg = f"the mail's inlined styles cannot be used: {error}"
        raise errors.RenderProblem(msg, hint="mend templates/email/inline.css.j2") from error
    return inlined


def _tidied(name: str, tag: str) -> str:
    """Write an opening tag of the HTML without "<" and ">" in its attributes, which confuse mail filters."""
    tag = "<" + tag[1:-1].replace("<", "&lt;").replace(">", "&gt;") + ">"
    tag = _STRAY.sub("", tag) if name == "td" else tag
    return _PIXELS.sub(r'\1"', tag) if name == "table" else tag


def _refuse_unbalanced(source: str, html: str) -> None:
    """Outlook hides everything after a conditional comment that is not closed."""
    opened, closed = html.count("<!--[if"), html.count("<![endif]")
    if opened == closed and opened:
        return
    message = f"the compiled mail opens {opened} conditional comments for Outlook and closes {closed}"
    hint = "close every <!--[if ...]> of the template with <![endif]-->"
    at = _unpaired(source)
    raise errors.RenderProblem(message, hint=hint) if at is None else _refusal(source, at, message, hint)


def _unpaired(source: str) -> int | None:
    """Return where the first conditional comment stands that is not closed, or was not opened."""
    waiting: int | None = None
    for piece in scan.pieces(source):
        text = source[piece.start : piece.end] if piece.kind is scan.Kind.COMMENT else ""
        more = text.count("<!--[if") - text.count("<![endif]")
        if more and (more > 0) == (waiting is not None):
            return piece.start if waiting is None else waiting
        waiting = piece.start if more > 0 else None if more else waiting
    return waiting
