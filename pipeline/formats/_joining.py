"""The words of joining the list, which the site's form, the page that confirms and the mail between them share."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pipeline import errors, model

WORDS = "join/words.toml"  # below templates/
KEYS = ("agree", "subject", "heading", "why", "button", "until", "mistake")


def words(templates: Path, identity: model.Identity) -> Mapping[str, str]:
    """Read templates/join/words.toml; refuses a file that is missing or broken, and one without a sentence."""
    path = templates / WORDS
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        said = {key: str(found[key]).strip() for key in KEYS}
        return {**said, "agree": said["agree"].format(organisation=identity.organisation)}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, LookupError, ValueError) as error:
        msg = f"cannot read {path}: {error}"
        raise errors.RenderProblem(msg, hint=f"restore the shipped templates/{WORDS}") from error
