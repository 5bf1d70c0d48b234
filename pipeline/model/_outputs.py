"""What is put together, rendered and approved."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from pipeline.model import _content, _findings


@dataclasses.dataclass(frozen=True, slots=True)
class Edition:
    """One digest, chosen and ordered: the specification with its articles in place."""

    spec: _content.EditionSpec
    lead: _content.Article
    read_next: tuple[_content.Article, ...]

    @property
    def articles(self) -> tuple[_content.Article, ...]:
        """The lead first, then the read-next list."""
        return (self.lead, *self.read_next)


@dataclasses.dataclass(frozen=True, slots=True)
class Book:
    """The book, chosen and ordered."""

    spec: _content.BookSpec
    chapters: tuple[_content.Chapter, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """Who publishes: what every output prints. `base_url` has no slash at its end."""

    title: str
    organisation: str
    postal_address: str
    base_url: str
    sender: str
    sender_name: str
    list_id: str
    language: str
    contact: str


@dataclasses.dataclass(frozen=True, slots=True)
class Material:
    """What a format works with besides its edition or book."""

    library: _content.Library
    identity: Identity
    templates: Path
    made: Mapping[str, bytes] = dataclasses.field(default_factory=dict)  # files of the formats that ran before


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """One file of out/: its path below out/<edition>/ with forward slashes, and its bytes."""

    name: str
    content: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """What was built from what. Digests are SHA-256 in hex; `outputs` and `inputs` map name to digest."""

    subject: str  # edition slug, or "book"
    key: str  # digest of everything that goes in: inputs, settings, code and library versions
    outputs: Mapping[str, str]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]

    digest: str  # digest of this manifest's own file: what an approval names


@dataclasses.dataclass(frozen=True, slots=True)
class Approval:
    """A person let exactly these bytes go out, with these waivers."""

    edition: str
    digest: str
    by: str
    at: dt.datetime
    waivers: tuple[_findings.Waiver, ...]
