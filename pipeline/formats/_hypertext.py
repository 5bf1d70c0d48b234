"""Markdown becomes the HTML of our web pages: numbered sources, explained words, boxes, tables, drawings.

Ids that we make hold an underscore, which no heading's anchor does: the two can never clash.
"""

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from markdown_it.token import Token
from markupsafe import Markup

from pipeline import citations, errors, markup, model
from pipeline.formats import _web

_SPACED_CITES = re.compile(r'\s*(<sup class="cites">.*?</sup>)([.,]?)', re.DOTALL)
_FIRST_CELL = re.compile(r"<tr>\s*<td([^>]*)>(.*?)</td>", re.DOTALL)
_ALIGNMENT = re.compile(r' style="text-align:(left|right|center)"')
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """One entry of a list of sources, with the ids of the places that cite it."""

    number: int
    entry: Markup
    uses: tuple[str, ...]


class Setter:
    """Writes the texts of one page and remembers what was cited and explained, in the order of the text.

    `path` is the file that errors name; `root` leads from the page to the site's root ("../../"); `cited` are
    sources that have the first numbers whether a text of the page cites them or not. Of articles that are not
    `public` yet (none: all are) the words stay and the link does not.
    """

    def __init__(
        self,
        path: Path,
        library: model.Library,
        root: str,
        cited: Iterable[str] = (),
        public: Collection[str] | None = None,
    ) -> None:
        """Begin a page."""
        self._public = library.articles if public is None else public
        self._path = path
        self._library = library
        self._root = root
        self._uses: dict[str, list[str]] = {name: [] for name in cited}  # source id -> ids of its citations
        self._tables = 0
        self.words: dict[str, model.Term] = {}  # terms in the order of their first use
        self._hooks = markup.Hooks(
            citation=self._citation,
            term=self._term,
            link=self._link,
            image=self._image,
            heading=self._heading,
            callout=self._callout,
        )

    def text(self, document: markup.Document, tokens: Sequence[Token] | None = None) -> Markup:
        """Write a text, or the part of it in `tokens`; refuses what is used and does not exist.

        A citation follows the full stop or comma, without a space, as AMA style has it.
        """
        html = _SPACED_CITES.sub(r"\2\1", str(markup.to_html(document, self._hooks, tokens)))
        # A style attribute would be refused by the pages' own security policy.
        return Markup(_ALIGNMENT.sub(r' class="\1"', html))  # noqa: S704  only moves and renames what is escaped already

    def short(self, text: str) -> Markup:
        """Write a short text of the front matter; a heading in it is a bold line."""
        hooks = dataclasses.replace(self._hooks, heading=_bold_line)
        return Markup(_SPACED_CITES.sub(r"\2\1", str(markup.to_html(markup.parse(text), hooks))))  # noqa: S704  as text()

    def known(self, bank: Mapping[str, T], name: str, kind: str) -> T:
        """Return what `name` stands for; refuses what is not there, naming the page's file."""
        if name not in bank:
            msg = f"{self._path} uses the {kind} {name!r}, which does not exist"
            raise errors.RenderProblem(msg, hint="run `mscare check`, which names the line")
        return bank[name]

    def references(self, templates: Path) -> tuple[Reference, ...]:
        """List the sources by number, set in AMA style."""
        cited = [self.known(self._library.sources, name, "source") for name in self._uses]
        entries = citations.references(cited, templates)
        return tuple(
            Reference(number, entry, tuple(uses))
            for number, (entry, uses) in enumerate(zip(entries, self._uses.values(), strict=True), start=1)
        )

    def explained(self) -> list[tuple[str, model.Term]]:
        """List the terms that were used, with their ids, by name."""
        return sorted(self.words.items(), key=lambda item: item[1].name.casefold())

    def questions(self, ids: Sequence[str]) -> tuple[model.Question, ...]:
        """Return questions of the bank by id."""
        return tuple(self.known(self._library.questions, name, "question") for name in ids)

    def drawing(self, name: str) -> str:
        """Return the address of a drawing of content/images/."""
        self.known(self._library.images, name, "drawing")
        return f"{self._root}images/{_web.quoted(name)}"

    # --- what plain HTML does not know ---------------------------------------------

    def _citation(self, ids: Sequence[str]) -> Markup:
        links = []
        for name in ids:
            uses = self._uses.setdefault(name, [])
            number = list(self._uses).index(name) + 1
            uses.append(f"cite_{number}_{len(uses) + 1}")
            link = Markup('<a href="#source_{}" id="{}" aria-label="Source {}">{}</a>')
            links.append(link.format(number, uses[-1], number, number))
        return Markup('<sup class="cites">{}</sup>').format(Markup('<span class="comma">, </span>').join(links))

    def _term(self, name: str, inner: Markup) -> Markup:
        """Mark a word at its first use; its definition stands at the end of the page and is read out on focus."""
        if name in self.words:
            return inner
        self.words[name] = self.known(self._library.terms, name, "glossary term")
        dfn = Markup('<dfn id="use_{}"><a href="#word_{}" aria-describedby="meaning_{}">{}</a></dfn>')
        return dfn.format(name, name, name, inner)

    def _link(self, scheme: str, target: str, inner: Markup) -> Markup:
        if scheme == "article":
            self.known(self._library.articles, target, "article")
            if target not in self._public:
                return inner
            return markup.link_html(f"{self._root}articles/{_web.quoted(target)}/", inner)
        if scheme == "chapter":
            return markup.link_html(f"{self._root}book/", inner)
        if scheme:
            msg = f"{self._path} links to {scheme}:{target}, which a web page cannot reach"
            raise errors.RenderProblem(msg, hint="link an article, a chapter or a web address")
        return markup.link_html(target, inner)

    def _image(self, name: str, alt: str, caption: str) -> Markup:
        words = Markup("<figcaption>{}</figcaption>").format(caption) if caption else ""
        address, (width, height) = self.drawing(name), _web.size(self._library.images[name])
        figure = Markup('<figure><img src="{}" alt="{}" width="{}" height="{}" loading="lazy">{}</figure>\n')
        return figure.format(address, alt, width, height, words)

    def _heading(self, heading: markup.Heading, inner: Markup) -> Markup:
        tag = f"h{heading.level}"
        return Markup('<{} id="{}">{}</{}>\n').format(tag, heading.anchor, inner, tag)

    def _callout(self, kind: str, title: str, inner: Markup) -> Markup:
        if kind == "table":
            return self._table(title, inner)
        box = Markup('<div class="box {}" role="note"><p class="box-title">{}</p>\n{}</div>\n')
        return box.format(kind, title, inner)

    def _table(self, caption: str, inner: Markup) -> Markup:
        """Set a table whose first column names the row; where it is too wide, it scrolls by itself and by keyboard."""
        self._tables += 1
        name = f"table_{self._tables}"
        html = _FIRST_CELL.sub(r'<tr><th scope="row"\1>\2</th>', str(inner))
        table = Markup(html.replace("<table>", f'<table aria-labelledby="{name}">', 1))  # noqa: S704  escaped before
        return Markup(
            '<figure class="table"><figcaption id="{}">{}</figcaption>\n'
            '<div role="region" aria-labelledby="{}" tabindex="0">{}</div></figure>\n'
        ).format(name, caption, name, table)


def _bold_line(_heading: markup.Heading, inner: Markup) -> Markup:
    return Markup("<p><strong>{}</strong></p>\n").format(inner)
