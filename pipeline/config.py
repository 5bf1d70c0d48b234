"""mscare.toml and the environment become one frozen Config; every fault is reported at once.

The only module that reads the environment. A setting `key` of `[section]` is overridden by
`MSCARE_SECTION__KEY`; secrets (`services.*.key`, `services.*.webhook_secret`, `secrets.*`) come only from there.
"""

import os
import secrets
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pydantic
import pydantic_settings

from pipeline import errors, model

EXAMPLE_DOMAIN = "example.org"
FILE_NAME = "mscare.toml"

Port = Annotated[int, pydantic.Field(ge=0, le=65535)]
Secret = pydantic.SecretStr


class _Section(pydantic.BaseModel):
    """A section: unknown keys are errors, values never change."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def _address(value: str) -> str:
    """Require the plain form name@domain: header text is set elsewhere."""
    name, at, domain = value.partition("@")
    if not (name and at and "." in domain) or any(c in value for c in " <>,;\r\n"):
        msg = f"{value!r} is not an e-mail address like name@example.org"
        raise ValueError(msg)
    return value


def _web(value: str) -> str:
    """Require an absolute web address; keep it without its final slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        msg = f"{value!r} is not a web address like https://www.example.org"
        raise ValueError(msg)
    return value.rstrip("/")


def _one_line(value: str) -> str:
    """Refuse an empty text and one with a line break: these words end up in mail headers."""
    if not value.strip() or "\n" in value or "\r" in value:
        msg = "must be one line of text, not empty"
        raise ValueError(msg)
    return value


Address = Annotated[str, pydantic.AfterValidator(_address)]
Web = Annotated[str, pydantic.AfterValidator(_web)]
Line = Annotated[str, pydantic.AfterValidator(_one_line)]


class Publication(_Section):
    """Who publishes; printed in every output."""

    title: Line
    organisation: Line
    postal_address: Line
    base_url: Web
    sender: Address
    sender_name: Line
    language: Annotated[str, pydantic.Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    list_id: str = ""  # empty: `digest.` and the host of base_url
    contact: Address | Literal[""] = ""  # empty: the sender's address


class Database(_Section):
    """Where subscribers and the ledger live."""

    url: Line = "sqlite:///var/mscare.db"


class Delivery(_Section):
    """How a send goes out."""

    service: Line = "sandbox"
    test_addresses: tuple[Address, ...] = ()
    concurrency: Annotated[int, pydantic.Field(ge=1, le=32)] = 3
    timeout: Annotated[float, pydantic.Field(gt=0, le=600)] = 30.0
    patience: Annotated[float, pydantic.Field(ge=0, le=3600)] = 120.0


class Service(_Section):
    """One sending service's account."""

    base_url: Web
    key: Secret = Secret("")
    webhook_secret: Secret = Secret("")  # what its webhook signs with; empty: /hooks/<service> believes nobody


class Sandbox(Service):
    """The local service: which dialect it is spoken to in. Its key opens nothing, so it has one from the start."""

    dialect: Line = "resend"
    key: Secret = Secret("sandbox-key-that-opens-nothing")


class Services(_Section):
    """The accounts, by the service's file name."""

    sandbox: Sandbox = Sandbox(base_url="http://127.0.0.1:8025")
    sendgrid: Service = Service(base_url="https://api.sendgrid.com")
    resend: Service = Service(base_url="https://api.resend.com")


class Site(_Section):
    """The public site."""

    port: Port = 8080


class Preview(_Section):
    """The team's preview."""

    port: Port = 8090


class Secrets(_Section):
    """The installation's own key: 64 hex digits. When empty, var/keys/installation.key is used, made at first need."""

    installation_key: Secret = Secret("")


class _Settings(pydantic_settings.BaseSettings):
    """The file's values (passed in) under the environment's."""

    model_config = pydantic_settings.SettingsConfigDict(
        env_prefix="MSCARE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    publication: Publication
    database: Database = Database()
    delivery: Delivery = Delivery()
    services: Services = Services()
    site: Site = Site()
    preview: Preview = Preview()
    secrets: Secrets = Secrets()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[pydantic_settings.BaseSettings],  # noqa: ARG003  the library's signature
        init_settings: pydantic_settings.PydanticBaseSettingsSource,
        env_settings: pydantic_settings.PydanticBaseSettingsSource,
        dotenv_settings: pydantic_settings.PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: pydantic_settings.PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[pydantic_settings.PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        return env_settings, init_settings


class Config(_Settings):
    """All settings and the folders they are read from. Frozen."""

    root: Path

    @property
    def content(self) -> Path:
        """What an editor edits."""
        return self.root / "content"

    @property
    def templates(self) -> Path:
        """What a designer edits."""
        return self.root / "templates"

    @property
    def out(self) -> Path:
        """Everything made; may be deleted at any time."""
        return self.root / "out"

    @property
    def var(self) -> Path:
        """The database and the keys of this installation."""
        return self.root / "var"

    @property
    def identity(self) -> model.Identity:
        """What every output prints about the publisher."""
        publication = self.publication
        return model.Identity(
            title=publication.title,
            organisation=publication.organisation,
            postal_address=publication.postal_address,
            base_url=publication.base_url,
            sender=publication.sender,
            sender_name=publication.sender_name,
            language=publication.language,
            list_id=publication.list_id or f"digest.{urlsplit(publication.base_url).hostname}",
            contact=publication.contact or publication.sender,
        )

    def is_example(self) -> list[str]:
        """Name the publication settings that still hold the shipped examples, or a site without https.

        An http address on this machine is let pass: it is how a send is tried out against a local service.
        """
        site = urlsplit(self.publication.base_url)
        insecure = site.scheme == "http" and site.hostname not in {"127.0.0.1", "localhost", "::1"}
        example = {
            "organisation": self.publication.organisation.startswith("Example "),
            "postal_address": "Example" in self.publication.postal_address,
            "base_url": insecure or _on_example_domain(site.hostname or ""),
            "sender": _on_example_domain(self.publication.sender.partition("@")[2]),
        }
        return [name for name, is_example in example.items() if is_example]


def _on_example_domain(host: str) -> bool:
    return host == EXAMPLE_DOMAIN or host.endswith("." + EXAMPLE_DOMAIN)


def find(start: Path) -> Path:
    """Look for mscare.toml in `start` and the folders above it; refuse when there is none."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    msg = f"there is no {FILE_NAME} in {start} or above it"
    raise errors.ConfigProblem(msg, hint="go to the project's folder, or name the file with --config FILE")


def load(path: Path) -> Config:
    """Read `path` and the environment; refuse with every fault at once."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise errors.ConfigProblem(msg, hint="name another file with --config FILE") from error
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 text (byte {error.start})"
        raise errors.ConfigProblem(msg, hint="save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not valid TOML: {error}"
        raise errors.ConfigProblem(msg, hint="mend that line; see the shipped mscare.toml for the form") from error
    _refuse_secrets_in_file(path, values)
    if "root" in values:
        msg = f"{path}: root: unknown setting"
        raise errors.ConfigProblem(msg, hint="take it out: folders are read from the settings file's own folder")
    try:
        return Config(**values, root=path.resolve().parent)
    except (pydantic.ValidationError, pydantic_settings.SettingsError) as error:
        raise errors.ConfigProblem(_explain(path, error), hint="docs/settings.md lists every setting") from error


def _refuse_secrets_in_file(path: Path, values: dict[str, Any]) -> None:
    """A secret in a file that is committed is a leak waiting to happen."""
    found = [
        f"services.{name}.{key}"
        for name, table in values.get("services", {}).items()
        for key in ("key", "webhook_secret")
        if key in table
    ]
    found += [f"secrets.{name}" for name in values.get("secrets", {})]
    if found:
        variables = ", ".join("MSCARE_" + name.upper().replace(".", "__") for name in found)
        msg = f"{path} holds secrets: {', '.join(found)}"
        raise errors.ConfigProblem(msg, hint=f"take them out and set {variables} in the environment")


def _explain(path: Path, error: Exception) -> str:
    """Say every fault on a line of its own, without any value that may be secret."""
    if not isinstance(error, pydantic.ValidationError):
        return f"a setting in the environment cannot be read: {error}"
    lines = [f"{path} and the environment do not make sense together:"]
    for fault in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in fault["loc"])
        message = (
            "unknown setting" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
        )
        lines.append(f"  {name}: {message}")
    return "\n".join(lines)


def installation_key(config: Config) -> bytes:
    """Return the 32-byte key that protects addresses and signs links; made in var/keys/ at first need."""
    text = config.secrets.installation_key.get_secret_value()
    path = config.var / "keys" / "installation.key"
    if not text:
        text = path.read_text(encoding="ascii").strip() if path.exists() else _new_key(path)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:  # noqa: PLR2004  AES-256
        msg = "the installation key must be 64 hexadecimal digits"
        raise errors.ConfigProblem(msg, hint=f"restore MSCARE_SECRETS__INSTALLATION_KEY or {path} from your backup")
    return key


def _new_key(path: Path) -> str:
    """Make a key that only this user can read; O_EXCL, so that two processes never make two."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = secrets.token_hex(32)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
    return text


def service_of(config: Config, name: str) -> tuple[str, Service]:
    """Return the adapter's name and the account for a service; the sandbox is spoken to in its dialect."""
    if name not in Services.model_fields:
        msg = f"there is no sending service called {name!r}"
        raise errors.ConfigProblem(msg, hint=f"choose one of: {', '.join(Services.model_fields)}")
    account: Service = getattr(config.services, name)
    adapter = account.dialect if isinstance(account, Sandbox) else name
    return adapter, account
