"""The mail as it leaves: both parts there, every merge field known, the law's lines printed, nothing cut off."""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from pipeline import model
from pipeline.checks import _pages
from pipeline.checks._check import BLOCK, WARNING, Check, Place

HTML, TEXT = "email.html", "email.txt"
WARN_BYTES, MOST_BYTES = 90_000, 100_000  # Gmail hides what follows at about 102 KB, however one counts a KB
OWN_LINK = "[[unsubscribe_url]]"
WHOLE, FOOTER = "templates/email/digest.mjml.j2", "templates/email/blocks/footer.mjml.j2"
TEXT_WHOLE = "templates/text/digest.txt.j2"

PART = Check(
    "part-missing",
    BLOCK,
    "Every reader gets the digest in HTML and as plain text.",
    "build the edition again: `mscare build`",
)
MERGE = Check(
    "merge-unresolved",
    BLOCK,
    "No reader sees a template's code instead of words.",
    f"write the words themselves; the only merge field is {OWN_LINK}",
)
UNSUBSCRIBE = Check(
    "unsubscribe-missing",
    BLOCK,
    "Every reader can leave with one click, from the HTML and from the text.",
    f"restore the link to {OWN_LINK} in the footer of the template",
)
POSTAL = Check(
    "postal-address-missing",
    BLOCK,
    "Every mail says who sends it and from where, as the law demands.",
    "print the organisation's postal address in the footer of the template",
)
LARGE = Check(
    "size-large",
    WARNING,
    "There is room left before Gmail hides the end of the mail.",
    "shorten the opening of the lead article, or the read-next list",
)
CLIPPED = Check(
    "size-clipped",
    BLOCK,
    "Gmail hides nothing, and so never the unsubscribe link.",
    "shorten the opening of the lead article, or the read-next list",
)
INCOMPLETE = Check(
    "text-incomplete",
    WARNING,
    "Who reads the plain text reads the same digest.",
    "print this heading in the text template too",
)
COMMENTS = Check(
    "comments-unbalanced",
    BLOCK,
    "Outlook hides no part of the mail.",
    "close every <!--[if ...]> of the template with <![endif]-->",
)
ATTRIBUTE = Check(
    "attribute-broken",
    BLOCK,
    "No attribute holds what the MJML compiler writes in place of a line break or an accent.",
    "write the attribute's value on one line, with character references",
)
CHECKS = (PART, MERGE, UNSUBSCRIBE, POSTAL, LARGE, CLIPPED, INCOMPLETE, COMMENTS, ATTRIBUTE)

_A_SENTENCE, _SHOWN = 20, 60  # letters: shorter words between two tags may be said otherwise
_SEEN = (
    f"//body//text()[string-length() >= {_A_SENTENCE}]"
    "[not(ancestor::style or ancestor::h1 or ancestor::h2 or ancestor::h3)]"
    "[not(ancestor::*[contains(translate(@style, ' ', ''), 'display:none')])]"
)
_SIGNS = re.compile(r"[\W_]+")
_MERGE = re.compile(  # Jinja and Handlebars, ERB, Mailchimp, Mailgun, and our own
    r"\{\{[^{}\n]{0,60}(?:\}\})?|\{%[^%\n]{0,60}(?:%\})?|<%[^%\n]{0,60}(?:%>)?|\*\|[^|\n]{0,60}(?:\|\*)?"
    r"|%recipient[\w.]*%?|\[\[[^\[\]\n]{0,60}\]\]"
)
_SPOILT = re.compile(r'=\s*"[^"<>]*\\(?:n|"|u\{[0-9a-f]+\})')


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """A compiled digest: `folder` is where its outputs stand, `origins` the files its words come from, by name."""

    edition: model.Edition
    identity: model.Identity
    folder: str
    page: _pages.Page | None
    text: str
    origins: Mapping[str, str]

    def output(self, name: str) -> str:
        """Return the name of an output as findings print it."""
        return f"{self.folder}/{name}"

    def footer(self) -> Place:
        """Return the template in which the lines that the law demands are missing."""
        return (FOOTER if FOOTER in self.origins else WHOLE), 0

    def spec(self, key: str) -> Place:
        """Return the place of a key of the edition's file."""
        place = next(iter(self.origins))  # the edition's own file comes first
        return _pages.find({place: self.origins[place]}, f"{key} =", f"{key}=") or (place, 0)


def check(mail: Mail) -> Iterator[model.Finding]:
    """Yield what is wrong with the mail as a whole."""
    yield from _merges(mail)
    page = mail.page
    if page is None:
        yield PART.at((WHOLE, 0), "the mail has no HTML part")
    else:
        yield from _html(mail, page)
    if not mail.text.strip():
        yield PART.at((TEXT_WHOLE, 0), "the mail has no text part")
    else:
        yield from _text(mail)
    if page is not None and mail.text.strip():
        yield from _missing_from_text(mail, page)


def _html(mail: Mail, page: _pages.Page) -> Iterator[model.Finding]:
    links = page.root.xpath("//a[@href=$link]", link=OWN_LINK)
    if not any(_pages.words(link) for link in links):
        yield UNSUBSCRIBE.at(mail.footer(), f"no link with words in {HTML} leads to {OWN_LINK}")
    if _pages.letters(mail.identity.postal_address) not in _pages.visible(page.root):
        yield POSTAL.at(mail.footer(), f"{HTML} does not print the postal address")
    yield from _size(mail, len(page.html.encode()))
    opened, closed = page.html.count("<!--[if"), page.html.count("<![endif]")
    if opened != closed:
        yield COMMENTS.at((WHOLE, 0), f"{opened} conditional comments are opened and {closed} closed")
    for match in _SPOILT.finditer(page.html):
        line = page.html.count("\n", 0, match.start()) + 1
        yield ATTRIBUTE.at((page.name, line), f"an attribute ends in {match[0][-30:]!r}")


def _size(mail: Mail, size: int) -> Iterator[model.Finding]:
    check = CLIPPED if size > MOST_BYTES else LARGE
    if size > WARN_BYTES:
        message = f"{HTML} has {size:,} bytes; Gmail hides what follows after about {MOST_BYTES:,}"
        yield check.at(mail.spec("read_next"), message)


def _text(mail: Mail) -> Iterator[model.Finding]:
    if OWN_LINK not in mail.text:
        message = f"{TEXT} has no {OWN_LINK}"
        yield UNSUBSCRIBE.at((TEXT_WHOLE, 0), message, f"restore {OWN_LINK} in the text template")
    if _pages.letters(mail.identity.postal_address) not in _pages.letters(mail.text):
        hint = "print the organisation's postal address in the text template"
        yield POSTAL.at((TEXT_WHOLE, 0), f"{TEXT} does not print the postal address", hint)


def _missing_from_text(mail: Mail, page: _pages.Page) -> Iterator[model.Finding]:
    """Yield each heading that the text part lacks, and the first of the other words that it lacks."""
    text = _pages.letters(mail.text).casefold()
    for element in page.root.iter("h1", "h2", "h3"):
        words = _pages.squeeze(str(element.text_content()))
        if _pages.letters(words).casefold() not in text:
            yield INCOMPLETE.at((TEXT_WHOLE, 0), f"the heading {words!r} is not in the text part")
    text = _SIGNS.sub("", text)  # a dot between two words may be a comma there
    runs = (_pages.squeeze(str(run)) for run in page.root.xpath(_SEEN))
    lost = [run for run in runs if len(run) >= _A_SENTENCE and _SIGNS.sub("", run.casefold()) not in text]
    if lost:
        more = f", and {len(lost) - 1} more such runs" if len(lost) > 1 else ""
        message = f"the words {lost[0][:_SHOWN]!r} are not in the text part{more}"
        yield INCOMPLETE.at((TEXT_WHOLE, 0), message, "print them in the text template too")


def _merges(mail: Mail) -> Iterator[model.Finding]:
    """Yield each unknown merge field once: in the subject and the preheader too, which no template prints."""
    spec = mail.edition.spec
    html = mail.page.html if mail.page else ""
    parts = {mail.output(HTML): html, mail.output(TEXT): mail.text, "": f"{spec.subject}\n{spec.preheader}"}
    seen: set[str] = set()
    for name, part in parts.items():
        for match in _MERGE.finditer(part):
            field = match[0].strip()
            if field != OWN_LINK and field not in seen:
                seen.add(field)
                line = part.count("\n", 0, match.start()) + 1
                place = _pages.find(mail.origins, field) or (name, line)
                yield MERGE.at(place, f"{field!r} would be sent as it stands")
