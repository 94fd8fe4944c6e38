"""The facts by which a certificate is found and listed: plain text and numbers, taken from it once."""

from __future__ import annotations

from hashlib import sha256
from typing import cast

from cryptography import x509

from easycert.model import Value
from easycert.pki.certificates import is_self_issued
from easycert.pki.encodings import Encoding
from easycert.pki.keys import PublicKey, key_name, public_der
from easycert.pki.subjects import shown_name
from easycert.pki.wording import even_hex, general_names


class Facts(Value):
    """What a list shows and a search asks for; instants are seconds since 1970 (UTC), digests and serials hexadecimal.

    ``issuer_id`` tells apart CAs of one name (RFC 5280 section 4.2.1.1); ``sans`` have their prefixes, one a line.
    """

    fingerprint: str
    serial: str
    subject: str
    issuer: str
    issuer_id: str
    self_issued: bool
    not_before: int
    not_after: int
    key_type: str
    key_sha256: str
    sans: str


def facts_of(certificate: x509.Certificate) -> Facts:
    """Return the facts of *certificate*, which must be one that :func:`load_certificates` has accepted."""
    public_key = cast("PublicKey", certificate.public_key())
    return Facts(
        fingerprint=fingerprint_of(certificate.public_bytes(Encoding.DER)),
        serial=even_hex(certificate.serial_number),
        subject=shown_name(certificate.subject),
        issuer=shown_name(certificate.issuer),
        issuer_id=issuer_id(certificate),
        self_issued=is_self_issued(certificate),
        not_before=int(certificate.not_valid_before_utc.timestamp()),
        not_after=int(certificate.not_valid_after_utc.timestamp()),
        key_type=key_name(public_key),
        key_sha256=sha256(public_der(public_key)).hexdigest(),
        sans="\n".join(_sans(certificate)),
    )


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate in DER, in hexadecimal."""
    return sha256(der).hexdigest()


def issuer_id(signed: x509.Certificate | x509.CertificateRevocationList) -> str:
    """Return what tells the CA that signed this from others: its key identifier, else the SHA-256 of its name."""
    try:
        found = signed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        found = None
    return found.hex() if found else f"name-{sha256(signed.issuer.public_bytes()).hexdigest()[:40]}"


def authority_ids(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the issuer ids that certificates signed by this CA have: with an AKI, and without one."""
    from easycert.pki.certificates import subject_key_identifier

    by_name = sha256(certificate.subject.public_bytes()).hexdigest()[:40]
    return subject_key_identifier(certificate).hex(), f"name-{by_name}"


def _sans(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return general_names(names)
