"""Looking at one thing: everything about what a NAME or FILE is, and what of it may be shown to everyone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from easycert.certdir import CertDir
from easycert.errors import Refused
from easycert.model import Kind
from easycert.pki.describe import Description, describe
from easycert.pki.describe.certificate import describe_certificate
from easycert.pki.formats.pem import Item, StoredPublicKey, identify
from easycert.workflows.lookup import Found, KeyBeside, find, key_beside


@dataclass(frozen=True)
class Shown:
    """Everything about one file: what it holds, in its order, and the private key beside a certificate of that NAME."""

    path: str
    kind: Kind | None
    name: str | None
    items: tuple[Description, ...]
    key: KeyBeside | None


def shown(certdir: CertDir, text: str, *, kind: Kind | None = None, passphrase: bytes | None = None) -> Shown:
    """Return everything about what *text* names, a NAME or a FILE; see :func:`easycert.workflows.lookup.find`.

    A *passphrase* opens an encrypted key or PKCS#12 file; without it, only what lies open is told. Raises
    AmbiguousName, NotFound, UnreadableFile, Malformed, and EncryptedKey for a wrong passphrase.
    """
    found = find(certdir, text, kind=kind)
    contents = identify(found.data, found.path, passphrase=passphrase)
    now = certdir.now()
    items = tuple(
        _described(item, found, now, passphrase, first=not index) for index, item in enumerate(contents.items)
    )
    key = None
    if found.entry is not None and contents.certificates:
        key = key_beside(certdir, found.entry, contents.certificates[0])
    return Shown(found.path, found.kind, found.name, items, key)


def public_pem(certdir: CertDir, text: str, *, kind: Kind | None = None) -> bytes:
    """Return in PEM what may be shown to everyone of what *text* names: certificates, requests, CRLs, public keys.

    Raises Refused when it holds nothing but secrets, and as :func:`shown` does.
    """
    found = find(certdir, text, kind=kind)
    blocks = [_public_block(item) for item in identify(found.data, found.path).items]
    if not any(blocks):
        raise Refused(found.path, "it holds nothing public, and private keys are never printed")
    return b"".join(blocks)


def _described(item: Item, found: Found, now: datetime, passphrase: bytes | None, *, first: bool) -> Description:
    if first and isinstance(item, x509.Certificate):  # its folder says what it is; those behind it are its CAs
        return describe_certificate(item, now, found.kind)
    return describe(item, now, found.path, passphrase=passphrase)


def _public_block(item: Item) -> bytes:
    if isinstance(item, x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList):
        return item.public_bytes(serialization.Encoding.PEM)
    if isinstance(item, StoredPublicKey):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return item.key.public_bytes(serialization.Encoding.PEM, form)
    return b""
