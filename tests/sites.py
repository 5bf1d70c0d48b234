"""A running public site for tests: real files built into a folder, a real database, a real server on this machine."""

import contextlib
import csv
import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import samples
import samples_web
import sqlalchemy as sa

from pipeline import audience, config, database, office, render, site, vault

NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
SLUG = "2026-11-spinal-cord"
BOOK = "navigating-your-ms-care.pdf"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 1000 + b"\n%%EOF\n"  # longer than one chunk of the server


@dataclasses.dataclass(frozen=True)
class World:
    """Where the site runs, and what it works with."""

    url: str
    root: Path
    here: office.Office

    @property
    def out(self) -> Path:
        """Return the folder of built files."""
        return self.root / "out"

    def reader(self, address: str) -> bytes:
        """Import one reader and return the public id."""
        known = self._ids()
        file = self.root / "reader.csv"
        with file.open("w", newline="", encoding="utf-8") as text:
            csv.writer(text).writerows([["email"], [address]])
        rejects = self.root / "rejects.csv"
        audience.import_csv(self.here.engine, self.here.keys, file, source="test", now=NOW, rejects=rejects)
        (public_id,) = self._ids() - known
        return public_id

    def link(self, public_id: bytes) -> str:
        """Return the reader's own unsubscribe link, as a mail holds it."""
        return audience.unsubscribe_url(self.url, self.here.keys, public_id)

    def state(self, public_id: bytes) -> str:
        """Return why this reader must not be mailed at this moment; "" when nothing stands against it."""
        with database.reading(self.here.engine) as connection:
            (member,) = (m for m in audience.members(connection) if m.public_id == public_id)
        return member.exclusion

    def rows(self) -> list[tuple[object, ...]]:
        """Return every row of the audience's tables, to see that nothing has changed."""
        with database.reading(self.here.engine) as connection:
            names = ("subscriber", "consent", "suppression")
            return [tuple(row) for name in names for row in connection.execute(sa.text(f"SELECT * FROM {name}"))]  # noqa: S608  three names of our own

    def put(self, subject: str, files: Mapping[str, bytes], inputs: Mapping[str, str]) -> None:
        """Lay files into out/ with their manifest, as a build leaves them."""
        outputs = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        record = {"subject": subject, "key": "k", "outputs": outputs, "inputs": dict(inputs), "versions": {}}
        for name, content in {**files, render.MANIFEST: json.dumps(record).encode()}.items():
            path = self.out / subject / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def put_book(self, content: bytes, text: str = "") -> None:
        """Lay the book into out/; `text` is the digest of another book.toml than the site was built from."""
        inputs = dict(render.read(self.out, "site").inputs)
        self.put("book", {BOOK: content}, inputs | ({"content/book/book.toml": text} if text else {}))

    def _ids(self) -> set[bytes]:
        with database.reading(self.here.engine) as connection:
            return {member.public_id for member in audience.members(connection)}


@contextlib.contextmanager
def running(root: Path, **secrets: str) -> Iterator[World]:
    """Build the sample publication into `root` and serve it; `secrets` are webhook secrets by service."""
    settings = _settings(root, secrets)
    desk = office.Desk(settings, samples_web.library(), ())
    engine = database.open_engine(settings.database.url, settings.root)
    here = office.Office(desk, engine, vault.Vault(config.installation_key(settings)))
    try:
        with site.running(site.app(here, now=lambda: NOW)) as url:
            world = World(url, root, here)
            material = dataclasses.replace(samples_web.material(), identity=settings.identity)
            for item in (material.library, samples_web.edition()):
                render.build(item, material, world.out, lambda _line: None)
            world.put_book(PDF)
            yield world
    finally:
        engine.dispose()


def _settings(root: Path, secrets: Mapping[str, str]) -> config.Config:
    root.mkdir(parents=True, exist_ok=True)
    (root / "templates").symlink_to(samples.ROOT / "templates")
    (root / "mscare.toml").write_bytes((samples.ROOT / "mscare.toml").read_bytes())
    settings = config.load(root / "mscare.toml")
    accounts = {
        name: getattr(settings.services, name).model_copy(update={"webhook_secret": config.Secret(secret)})
        for name, secret in secrets.items()
    }
    return settings.model_copy(update={"services": settings.services.model_copy(update=accounts)})
