"""The headers that a reader's mail program sees, as the sandbox received them: for everyone, however named."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import requests
import samples
import sends

from pipeline import audience, errors, model
from pipeline.esps import _registry
from pipeline.formats import email, text

DIALECTS = ("resend", "sendgrid")
LONGEST = f"{'long.name.' * 6}abcd@{'sub.' * 15}example.com"
LONG_NAME = ('Zo\u00eb "Z\u00fc" O\'Neil-\u015amiech, \u0645\u0631\u064a\u0645 ' * 7)[:200]
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


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_reader_with_a_long_name_in_any_script_and_one_with_none_get_the_same_mail_without_it(
    tmp_path: Path, dialect: str
) -> None:
    """Names are not kept: a column of names stops the import, and a name before an address sends its line back."""
    item, material = samples.sample_edition(), samples.sample_material()
    made = {o.name: o.content for o in [*email.render(item, material), *text.render(item, material)]}
    message = dataclasses.replace(sends.MESSAGE, html=made["email.html"].decode(), text=made["email.txt"].decode())
    assert len(LONG_NAME) == 200
    with sends.world(tmp_path, 0, dialect) as world:

        def take(*lines: str) -> audience.ImportReport:
            file = tmp_path / "names.csv"
            file.write_text("\n".join(lines), encoding="utf-8")
            return audience.import_csv(
                world.engine, world.keys, file, source="t", now=sends.NOW, rejects=tmp_path / "back.csv"
            )

        quoted = LONG_NAME.replace('"', '""')
        with pytest.raises(errors.AudienceProblem, match="never stored: 'name'"):
            take("email,name", f'long@example.com,"{quoted}"', "none@example.com,")
        report = take("email", f'"{quoted} <long@example.com>"', "long@example.com", "none@example.com")
        assert (report.added, report.rejected) == (2, 1)
        world.through(message=message).run()
        mails = {address: mail_to(world, address) for address in ("long@example.com", "none@example.com")}
    for address, mail in mails.items():
        assert mail["headers"]["To"] == address
        link = mail["headers"]["List-Unsubscribe"].strip("<>")
        for part_name in ("html", "text"):
            mail[part_name] = mail[part_name].replace(link, "LINK")
            assert "Neil" not in mail[part_name]
    first, second = mails.values()
    assert (first["html"], first["text"]) == (second["html"], second["text"])


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
