"""A key as a person wants to know it: its type and its fingerprint, never the key itself."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from easycert.pki.describe.certificate import key_warnings
from easycert.pki.formats.pem import StoredKey, StoredPublicKey
from easycert.pki.keys import PublicKey, key_name, public_der


@dataclass(frozen=True)
class KeyDescription:
    """What a key is; ``type`` says which half. What an encrypted key hides is None.

    ``sha256`` is that of the public key (SubjectPublicKeyInfo): the same for a certificate, request and key that belong
    together, and what HPKP and ``curl --pinnedpubkey`` hash.
    """

    type: str
    key_type: str | None
    form: str | None
    encrypted: bool
    sha256: str | None
    warnings: tuple[str, ...]


def describe_private_key(stored: StoredKey) -> KeyDescription:
    """Return what a private key is, without any of its secret part."""
    if stored.key is None:
        return KeyDescription("private key", None, stored.form, stored.encrypted, None, ())
    public = stored.key.public_key()
    return KeyDescription(
        "private key", key_name(public), stored.form, stored.encrypted, spki_sha256(public), tuple(key_warnings(public))
    )


def describe_public_key(stored: StoredPublicKey) -> KeyDescription:
    """Return what a public key is."""
    key = stored.key
    return KeyDescription("public key", key_name(key), None, False, spki_sha256(key), tuple(key_warnings(key)))


def spki_sha256(key: object) -> str:
    """Return the SHA-256 of a public key's SubjectPublicKeyInfo, in hexadecimal."""
    return sha256(public_der(cast("PublicKey", key))).hexdigest()
