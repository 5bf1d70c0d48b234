"""Addresses at rest, and links that nobody can forge: everything made with the installation's key.

Being on this list reveals a diagnosis. An address is stored encrypted (AES-256-GCM) beside a blind
index (keyed hash) that finds it again; after erasure only a suppression hash remains. Each use has
its own key, derived with HKDF-SHA256 from the installation's 32 bytes.
"""

import base64
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline import errors

NONCE_BYTES = 12  # AES-GCM's own size
FINGERPRINT_BYTES = 8  # enough to tell two keys apart, of no use to find one
PUBLIC_ID_BYTES = 16  # random, one a subscriber: what a link names
SIGNATURE_BYTES = 16  # 128 bits: beyond guessing, and the link stays short
INSTANT_BYTES = 7  # seconds of Unix time; with 7, an invitation is 39 bytes: base64 without padding
INVITATION_CHARACTERS = 52  # base64url of public id, instant and signature
TOKEN_CHARACTERS = 43  # base64url of the two together, without padding


class Vault:
    """The keys of one installation, ready for use."""

    def __init__(self, key: bytes) -> None:
        """Derive one key for each use from the installation's 32 bytes."""
        self._cipher = AESGCM(_derive(key, b"address encryption"))
        self._index_key = _derive(key, b"blind index")
        self._suppression_key = _derive(key, b"suppression")
        self._link_key = _derive(key, b"unsubscribe link")
        self._invitation_key = _derive(key, b"confirmation link")
        self._log_key = _derive(key, b"log")
        self._receipt_key = _derive(key, b"receipt")
        self.fingerprint = _keyed(_derive(key, b"fingerprint"), b"which key is this?")[:FINGERPRINT_BYTES]

    def __repr__(self) -> str:
        """Show which key this is, never the key."""
        return f"<Vault {self.fingerprint.hex()}>"

    def seal(self, address: str) -> bytes:
        """Encrypt an address; twice the same address gives two different values."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, address.encode(), None)

    def open(self, sealed: bytes) -> str:
        """Decrypt what `seal` made; refuse when the key is not the one it was sealed with."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError) as error:  # ValueError: too short to be anything sealed
            msg = "a stored address cannot be read: it was encrypted with another key, or it is damaged"
            raise errors.StorageProblem(
                msg, hint="restore var/keys/installation.key that belongs to this database"
            ) from error

    def index(self, address: str) -> bytes:
        """Return the blind index of an address: the same for every spelling of its case."""
        return _keyed(self._index_key, address.casefold().encode())

    def suppression(self, address: str) -> bytes:
        """Return the hash that outlives an erased subscriber, so that a re-import cannot mail the person."""
        return _keyed(self._suppression_key, address.casefold().encode())

    def new_public_id(self) -> bytes:
        """Return a new random public id, which says nothing about the address."""
        return os.urandom(PUBLIC_ID_BYTES)

    def token(self, public_id: bytes) -> str:
        """Return the opaque, unforgeable part of a reader's links: always the same, so that bodies stay byte-stable."""
        signature = _keyed(self._link_key, public_id)[:SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(public_id + signature).decode().rstrip("=")

    def public_id(self, token: str) -> bytes | None:
        """Return the public id of a genuine token, None for any other text.

        Base64 has several spellings of the same bytes; only the one that `token` writes is genuine.
        """
        if len(token) != TOKEN_CHARACTERS or not token.isascii():
            return None
        try:
            public_id = base64.urlsafe_b64decode(token + "=")[:PUBLIC_ID_BYTES]
        except ValueError:
            return None
        return public_id if hmac.compare_digest(token, self.token(public_id)) else None

    def invitation(self, public_id: bytes, until: int) -> str:
        """Return the unforgeable part of a link that confirms an address up to the second `until` (Unix time)."""
        signed = public_id + until.to_bytes(INSTANT_BYTES)
        signature = _keyed(self._invitation_key, signed)[:SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(signed + signature).decode()

    def invited(self, text: str, now: float) -> bytes | None:
        """Return the public id of a genuine invitation that has not run out, None for any other text."""
        if len(text) != INVITATION_CHARACTERS or not text.isascii():
            return None
        try:
            signed = base64.urlsafe_b64decode(text)[: PUBLIC_ID_BYTES + INSTANT_BYTES]
        except ValueError:
            return None
        public_id, until = signed[:PUBLIC_ID_BYTES], int.from_bytes(signed[PUBLIC_ID_BYTES:])
        is_genuine = hmac.compare_digest(text, self.invitation(public_id, until))
        return public_id if is_genuine and now <= until else None

    def new_seal(self) -> hmac.HMAC:
        """Return the seal of a receipt, to be fed its lines: only this installation can make it, so a change shows."""
        return hmac.new(self._receipt_key, digestmod="sha256")

    def log_name(self, address: str) -> str:
        """Return a short keyed hash to write into a log in place of an address."""
        return _keyed(self._log_key, address.casefold().encode()).hex()[:10]


def _derive(key: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"mscare/1/" + use).derive(key)


def _keyed(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")
