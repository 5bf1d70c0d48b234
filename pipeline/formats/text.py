"""The digest's text part, made from the Markdown and never from HTML: 72 columns, addresses on lines of their own."""

import dataclasses
import re
import textwrap
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from pipeline import markup, model, templating
from pipeline.formats import _digest

KIND = "edition"
TEMPLATES = ("text", _digest.WORDS)

WIDTH = 72  # columns; some mail programs break longer lines anywhere


def render(edition: model.Edition, material: model.Material) -> list[model.Output]:
    """Return email.txt; refuses it unless the unsubscribe link stands in it exactly once."""
    digest = _digest.digest(edition, material)
    environment = templating.environment(material.templates, "text", autoescape=False)
    environment.filters |= {"wrap": wrap, "heading": heading, "item": item}
    values = {field.name: getattr(digest, field.name) for field in dataclasses.fields(digest)}
    writer = _Writer(material.identity.base_url)
    values["intro"] = writer.write(digest.intro.tokens)
    values["opening"] = writer.write(markup.opening(digest.lead.document))
    text = templating.render(environment, "digest.txt.j2", **values)
    text = re.sub(r"[ \t]+\n", "\n", text)
    text = re.sub(r"\n{4,}", "\n\n\n", text).strip() + "\n"
    return [model.Output("email.txt", _digest.with_merge_fields(text, "email.txt", "text/digest.txt.j2").encode())]


def wrap(text: str, width: int = WIDTH) -> str:
    """Break `text` into lines; only a web address may be longer than a line, and is never broken."""
    words = [part for word in re.split(r"[ \t\r\n]+", text) for part in _parts(word, width)]
    return textwrap.fill(
        " ".join(words), width, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )


def heading(text: str, line: str) -> str:
    """Write a heading with `line` under it, as long as its longest line."""
    wrapped = wrap(text)
    return f"{wrapped}\n{line * max(len(part) for part in wrapped.split(chr(10)))}"


def item(text: str, mark: str) -> str:
    """Write a list item: its mark, and every further line as far to the right."""
    return _hung(wrap(text, WIDTH - len(mark)), mark)


def _parts(word: str, width: int) -> list[str]:
    if "://" in word or len(word) <= width:
        return [word]
    return [word[start : start + width] for start in range(0, len(word), width)]


def _hung(text: str, mark: str) -> str:
    return mark + text.replace("\n", "\n" + " " * len(mark))


class _Writer:
    """Writes Markdown tokens as text: blocks apart, links below the block in which they stand."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def write(self, tokens: Sequence[Token], width: int = WIDTH) -> str:
        """Write a run of blocks with an empty line between them."""
        return "\n\n".join(block for block in self._blocks(tokens, width) if block)

    def _blocks(self, tokens: Sequence[Token], width: int) -> Iterator[str]:
        index = 0
        while index < len(tokens):
            token, end = tokens[index], _end_of(tokens, index)
            inside = tokens[index + 1 : end]
            index = end + 1
            if token.type == "inline":
                yield self._inline(token, width)
            elif token.type in {"bullet_list_open", "ordered_list_open"}:
                yield self._list(token, inside, width)
            elif token.type == "blockquote_open":
                yield "> " + self.write(inside, width - 2).replace("\n", "\n> ")
            elif token.type == "table_open":
                yield self._table(inside, width)
            elif token.type.startswith("container_"):
                yield self._callout(token, inside, width)
            elif token.type in {"fence", "code_block"}:
                yield textwrap.indent(token.content.rstrip("\n"), "    ")
            elif token.type == "heading_open":
                yield heading(markup.plain(inside), ".")
            else:
                yield self.write(inside, width)

    def _list(self, token: Token, inside: Sequence[Token], width: int) -> str:
        items: list[str] = []
        number = int(token.attrs.get("start", 1))
        for start, end in _children(inside):
            mark = "- " if token.type == "bullet_list_open" else f"{number + len(items)}. "
            items.append(_hung(self.write(inside[start + 1 : end], width - len(mark)), mark))
        return "\n".join(items)

    def _callout(self, token: Token, inside: Sequence[Token], width: int) -> str:
        kind = token.type.removeprefix("container_").removesuffix("_open")
        title = token.info.strip().removeprefix(kind).strip()
        return "\n".join(part for part in (wrap(title, width), self.write(inside, width)) if part)

    def _table(self, inside: Sequence[Token], width: int) -> str:
        """Write each row as a block of "heading: value" lines, which can be read aloud and need no width."""
        rows: list[list[Token]] = []
        for token in inside:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(token)
        head, *body = rows or [[]]
        names = [markup.plain([cell]) for cell in head]
        return "\n\n".join(
            "\n".join(self._inline(cell, width, f"{name}: ") for name, cell in zip(names, row, strict=True))
            for row in body
        )

    def _inline(self, token: Token, width: int, words: str = "") -> str:
        """Write one block's words after `words`, then the addresses of its links."""
        links: list[tuple[str, str]] = []
        children = token.children or []
        for index, child in enumerate(children):
            if child.type == "citation":
                words = words.rstrip(" \n")
            elif child.type == "image":
                words += str(child.attrs.get("title") or child.content)
            elif child.type == "hardbreak":
                words += "\n"
            elif child.type == "link_open":
                scheme, target = markup.split_target(str(child.attrs.get("href", "")))
                inner = markup.plain([_block_of(children[index : _end_of(children, index)])])
                if scheme != "term":
                    links.append((inner, _digest.link_url(self._base_url, scheme, target)))
            else:
                words += " " if child.type == "softbreak" else child.content
        text = "\n".join(wrap(line, width) for line in words.split("\n"))
        return "\n\n".join([text, *(f"{wrap(f'{inner}:', width)}\n{url}" for inner, url in links)])


def _block_of(children: Sequence[Token]) -> Token:
    return Token("inline", "", 0, children=list(children))


def _children(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield where each outermost element of `tokens` begins and ends."""
    index = 0
    while index < len(tokens):
        end = _end_of(tokens, index)
        yield index, end
        index = end + 1


def _end_of(tokens: Sequence[Token], index: int) -> int:
    """Return the index of the token that closes the one at `index`, which may be itself."""
    depth = 0
    for position in range(index, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1
