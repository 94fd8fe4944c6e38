"""What a trust store is to easycert: three verbs over the CA certificates that it holds.

A store never decides. It tells what it holds of a CA (``status``), and by which steps a certificate would get in
(``install``) or out (``remove``); whether those steps may be taken is decided once for all stores, in ``verbs.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from typing import Protocol, Self, cast

from cryptography import x509

from easycert.model import Value
from easycert.pki.certificates import certificate_pem, is_self_issued
from easycert.pki.encodings import Encoding
from easycert.pki.keys import PublicKey, public_der
from easycert.trust.labels import label_of
from easycert.trust.steps import Step


class StoreKind(Enum):
    """The stores that can be asked for, by the word that asks."""

    SYSTEM = "system"
    NSS = "nss"
    CHROME = "chrome"
    FIREFOX = "firefox"
    JAVA = "java"
    NODE = "node"


class Anchor(Value):
    """A CA certificate that is to be trusted: under what *name*, what it is, and where it lies.

    *subject* is the DER of its name, *key* that of its public key; *source* is a file that holds it in PEM and nothing
    else, or None where there is none; *is_root* says that it signed itself.
    """

    name: str
    der: bytes
    pem: bytes
    subject: bytes
    key: bytes
    source: str | None
    is_root: bool = True

    @classmethod
    def of(cls, certificate: x509.Certificate, name: str, source: str | None) -> Self:
        """Return *certificate*, which must be one that :func:`load_certificates` has accepted, under a *name*."""
        return cls(
            name=name,
            der=certificate.public_bytes(Encoding.DER),
            pem=certificate_pem(certificate),
            subject=certificate.subject.public_bytes(),
            key=public_der(cast("PublicKey", certificate.public_key())),
            source=source,
            is_root=is_self_issued(certificate),
        )

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint, in hexadecimal."""
        return sha256(self.der).hexdigest()

    @property
    def label(self) -> str:
        """What its entry in a store is called."""
        return label_of(self.name, self.fingerprint)


class Held(Value):
    """A certificate in a store: what its entry is called, and whether the store trusts it as a CA for TLS servers.

    *label* is empty where nothing but the certificate itself is known; *reason* says why it is not trusted; *source* is
    a file that holds it, where the store has need of one.
    """

    label: str
    der: bytes
    trusted: bool = True
    reason: str = ""
    source: str | None = None


class TrustStore(Protocol):
    """A place where CA certificates are trusted.

    Every verb raises TrustStoreUnusable where the store cannot be read, or a tool is missing.
    """

    #: Which of the stores it is.
    kind: StoreKind
    #: Where it is, for people: a directory, a file, a variable.
    place: str
    #: What has to be known once something was changed ("restart Firefox"), or empty.
    note: str

    def status(self, anchor: Anchor) -> Sequence[Held]:
        """Return what it holds: at least every entry that easycert made, and every one with this certificate."""

    def install(self, anchor: Anchor) -> Sequence[Step]:
        """Return the steps that put *anchor* in, under its label, trusted."""

    def remove(self, held: Held) -> Sequence[Step]:
        """Return the steps that take *held* out."""

    def writable(self) -> bool:
        """Return whether this process may change it; else the steps are for the superuser."""
