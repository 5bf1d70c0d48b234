"""Which colour of tokens.toml an element is shown in, where several have the same value.

The mail is made once more, with each colour of the palette written as one that nothing else has.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from pipeline import errors, mjml, model, templating
from pipeline.checks import _pages, _styles
from pipeline.checks._check import Place
from pipeline.formats import email

TOKENS = "templates/tokens.toml"
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Palette:
    """tokens.toml as text, and by the colour that stands for it, each colour's table, key and value.

    `shown` are the elements' styles in those colours, by scheme; none when the mail cannot be made from its templates.
    """

    text: str
    names: Mapping[str, tuple[str, str, str]] = dataclasses.field(default_factory=dict)
    shown: Mapping[str, Sequence[_styles.Shown]] = dataclasses.field(default_factory=dict)

    def value(self, colour: str) -> str:
        """Return the colour that stands in the mail for one of `shown`."""
        return self.names[colour][2] if colour in self.names else colour

    def place(self, colour: str) -> Place | None:
        """Return the line of tokens.toml on which a colour of `shown` stands; None for one that is no token."""
        if colour not in self.names:
            return None
        table, key, _ = self.names[colour]
        found = re.search(rf"^\[{table}\](?:(?!^\[).)*?^{re.escape(key)}\s*=", self.text, re.DOTALL | re.MULTILINE)
        return (TOKENS, self.text.count("\n", 0, found.end()) + 1) if found else None


def palette(page: _pages.Page, text: str, edition: model.Edition, material: model.Material) -> Palette:
    """Return the palette of a mail; `text` is that of tokens.toml."""
    try:
        tokens = templating.tokens(material.templates)
        told, names = _named(tokens)
        html = mjml.to_html(email.mjml_source(edition, material, tokens=told))
    except errors.Problem:
        return Palette(text)  # another finding tells why
    again = _pages.parse(page.name, html.encode(), page.origins)
    if again is None or _shape(again) != _shape(page):  # what is judged was made from other words or templates
        return Palette(text)
    return Palette(text, names, _styles.computed(again))


def _named(
    tokens: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, dict[str, str]], dict[str, tuple[str, str, str]]]:
    """Return the tokens with a colour of its own for each colour, and what each stands for."""
    names: dict[str, tuple[str, str, str]] = {}
    told: dict[str, dict[str, str]] = {}
    for table, values in tokens.items():
        told[table] = dict(values)
        for key, value in values.items():
            if _COLOUR.fullmatch(value):
                told[table][key] = f"#{0xA70000 + len(names):06x}"
                names[told[table][key]] = (table, key, value.lower())
    return told, names


def _shape(page: _pages.Page) -> list[tuple[str, str]]:
    return [(str(element.tag), element.get("class") or "") for element in page.root.iter()]
