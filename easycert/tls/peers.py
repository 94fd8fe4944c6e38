"""Who is at the other end of a connection, as the handshake showed."""

from __future__ import annotations

import ssl
from typing import NamedTuple

from cryptography import x509

from easycert.errors import printable
from easycert.pki.describe.certificate import subject_alternative_names
from easycert.pki.members import shown_subject
from easycert.pki.signatures import UNREADABLE


class Peer(NamedTuple):
    """A client: what was agreed with it, and who it is by a certificate that was verified (None: it showed none)."""

    protocol: str
    cipher: str
    subject: str | None
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """Who it is, for the client itself."""
        return "nobody in particular: you showed no certificate" if self.subject is None else self.subject

    def __str__(self) -> str:
        """Return who it is, and how it is connected, on one line."""
        return f"{self.protocol} {self.cipher} {self.subject or 'no certificate'}"


def peer_of(connection: ssl.SSLSocket) -> Peer:
    """Return who is at the other end of *connection*, whose handshake is done."""
    cipher = connection.cipher()
    der = connection.getpeercert(binary_form=True)
    certificate = x509.load_der_x509_certificate(der) if der else None
    subject = None if certificate is None else printable(shown_subject(certificate))
    return Peer(connection.version() or "", cipher[0] if cipher else "", subject, _names(certificate))


def _names(certificate: x509.Certificate | None) -> tuple[str, ...]:
    try:
        return () if certificate is None else tuple(subject_alternative_names(certificate.extensions))
    except UNREADABLE:
        return ()
