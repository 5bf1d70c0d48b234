"""django-anymail's SendGrid backend, as its documentation shows it: one message a thousand readers, merged by reader.

    bench/.venv/bin/python bench/anymail_peer.py http|building FOLDER URL

Everything is in memory before the clock starts. It has no ledger: what it took and where it stopped, nobody knows.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import django
import measure
from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import get_connection

BATCH = 1000
Reader = tuple[int, str, str]  # number, address, own unsubscribe link


def main(mode: str, folder: Path, url: str) -> None:
    """Send, or only build the requests; answer with what it cost."""
    warnings.simplefilter("ignore")  # it says that SendGrid is no longer officially supported
    anymail = {"SENDGRID_API_KEY": "key-for-the-bench", "SENDGRID_API_URL": f"{url}/v3/"}
    settings.configure(ANYMAIL=anymail, USE_TZ=True)
    django.setup()
    mail = json.loads((folder / "message.json").read_text())
    readers = [tuple(reader) for reader in json.loads((folder / "readers.json").read_text())]
    backend = get_connection("anymail.backends.sendgrid.EmailBackend")
    with measure.clock() as sample:
        if mode == "http":
            backend.open()
            for message in _messages(mail, readers, backend):
                backend.send_messages([message])
            backend.close()
        else:
            for message in _messages(mail, readers, backend):
                backend.build_message_payload(message, backend.send_defaults).get_request_params(backend.api_url)
    measure.answer(sample)


def _messages(mail: dict[str, str], readers: list[Reader], backend: object) -> Iterator[AnymailMessage]:
    """Write the same mail as ours: own link in body and headers, one envelope a reader, tracking off, a tag."""
    for start in range(0, len(readers), BATCH):
        some = readers[start : start + BATCH]
        message = AnymailMessage(
            subject=mail["subject"],
            body=mail["text"],
            from_email=f"{mail['sender_name']} <{mail['sender']}>",
            to=[address for _, address, _ in some],
            connection=backend,
        )
        message.attach_alternative(mail["html"], "text/html")
        message.merge_data = {address: {"unsubscribe_url": link} for _, address, link in some}
        message.merge_headers = {address: _headers(mail, link) for _, address, link in some}
        message.esp_extra = {"merge_field_format": "[[{}]]"}
        message.tags = [f"batch-{start}"]
        message.metadata = {"batch": f"batch-{start}"}
        message.track_clicks = message.track_opens = False
        yield message


def _headers(mail: dict[str, str], link: str) -> dict[str, str]:
    return {
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{mail['list_id']}>",
    }


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
