"""The headers that a reader's mail program sees, as the sandbox received them: for everyone, however named."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import requests
import samples
import sends

from pipeline import audience, model
from pipeline.esps import _registry
from pipeline.formats import email, text

DIALECTS = ("resend", "sendgrid")
LONGEST = f"{'long.name.' * 6}abcd@{'sub.' * 15}example.com"
READERS = ("a@b.example.com", LONGEST, "o'hara+news@example.com", "no-name@example.com")


def mail_to(world: sends.World, address: str) -> dict[str, Any]:
    """Return the one mail that the sandbox took for this address."""
    answer = requests.get(f"{world.sandbox}/_sandbox/messages", params={"to": address}, timeout=10).json()
    (mail,) = answer["messages"]
    return dict(mail)


def sent(folder: Path, dialect: str, message: model.Message = sends.MESSAGE) -> dict[str, dict[str, Any]]:
    """Send to the readers above and return what each got."""
    folder.mkdir()
    with sends.world(folder, 0, dialect) as world:
        file = sends.write_csv(folder / "more.csv", list(READERS))
        audience.import_csv(world.engine, world.keys, file, source="t", now=sends.NOW, rejects=folder / "no.csv")
        world.through(message=message).run()
        return {address: mail_to(world, address) for address in READERS}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_reader_gets_one_click_unsubscribe_the_list_and_an_own_message_id(tmp_path: Path, dialect: str) -> None:
    got = sent(tmp_path / "one", dialect)
    for address, mail in got.items():
        headers = mail["headers"]
        (link,) = re.findall(r"^<(https://www\.publisher\.example\.com/\S+)>$", headers["List-Unsubscribe"])
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert headers["List-Id"] == "<digest.publisher.example.com>"
        assert re.fullmatch(r"<[0-9a-f]{32}@digest\.publisher\.example\.com>", headers["Message-ID"])
        assert link in mail["html"]
        assert link in mail["text"]
        assert "[[" not in mail["html"] + mail["text"]
        name = address.partition("@")[0]
        assert len(name) < 3 or name not in mail["html"] + mail["text"] + headers["Message-ID"] + link
    assert len({mail["headers"]["Message-ID"] for mail in got.values()}) == len(READERS)
    assert len({mail["headers"]["List-Unsubscribe"] for mail in got.values()}) == len(READERS)


def test_a_message_id_is_the_same_in_every_push_and_another_in_the_next_edition_or_a_test() -> None:
    edition = sends.MESSAGE
    readers = tuple(model.Recipient(n, f"r{n}@example.com", f"https://example.org/u/{n}") for n in range(3))
    for dialect in DIALECTS:
        service = _registry.get(dialect)

        def ids(message: model.Message, key: str, *who: model.Recipient, service: Any = service) -> list[str]:
            body = service.request(model.Batch(key, message, who), "https://example.org", "k").body.decode()
            return re.findall(r'"Message-ID":"(<[^"]+>)"', body)

        together = ids(edition, "one", *readers)
        assert len(set(together)) == 3
        assert [ids(edition, f"two-{n}", reader)[0] for n, reader in enumerate(readers)] == together
        assert not set(together) & set(ids(dataclasses.replace(edition, edition="2026-12"), "x", *readers))
        assert not set(together) & set(ids(dataclasses.replace(edition, subject="[TEST] x"), "x", *readers))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_real_digest_arrives_letter_for_letter(tmp_path: Path, dialect: str) -> None:
    item, material = samples.sample_edition(), samples.sample_material()
    outputs = [*email.render(item, material), *text.render(item, material)]
    made = {output.name: output.content for output in outputs}
    message = dataclasses.replace(sends.MESSAGE, html=made["email.html"].decode(), text=made["email.txt"].decode())
    for mail in sent(tmp_path / "one", dialect, message).values():
        link = mail["headers"]["List-Unsubscribe"].strip("<>")
        assert mail["html"] == message.html.replace("[[unsubscribe_url]]", link)
        assert mail["text"] == message.text.replace("[[unsubscribe_url]]", link)
