"""Certificate revocation lists: RFC 5280 section 5."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from easycert.errors import Malformed, Refused
from easycert.model import Value
from easycert.pki.certificates import DECODING_ERRORS, Issuer
from easycert.pki.encodings import Encoding
from easycert.pki.keys import PublicKey, signature_hash
from easycert.pki.validity import Validity


class Revocation(Value):
    """One revoked certificate: its serial number, when it was revoked (aware, UTC) and why."""

    serial: int
    date: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified


class CrlSpec(Value):
    """A CRL that is still to be signed; its validity is thisUpdate to nextUpdate."""

    number: int
    validity: Validity
    revoked: tuple[x509.RevokedCertificate, ...]


def revoked_certificate(revocation: Revocation) -> x509.RevokedCertificate:
    """Return a CRL entry; ``unspecified`` is written as no reason at all (RFC 5280 section 5.3.1: SHOULD be absent)."""
    builder = x509.RevokedCertificateBuilder().serial_number(revocation.serial).revocation_date(revocation.date)
    if revocation.reason is not x509.ReasonFlags.unspecified:
        builder = builder.add_extension(x509.CRLReason(revocation.reason), critical=False)
    return builder.build()


def sign_crl(spec: CrlSpec, issuer: Issuer) -> x509.CertificateRevocationList:
    """Return the CRL that *spec* describes: version 2, with a number and an AKI, neither critical."""
    # The whole list at once: the builder's add_revoked_certificate copies the list for each entry (quadratic).
    builder = x509.CertificateRevocationListBuilder(revoked_certificates=list(spec.revoked))
    builder = (
        builder.issuer_name(issuer.name)
        .last_update(spec.validity.not_before)
        .next_update(spec.validity.not_after)
        .add_extension(x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None), critical=False)
        .add_extension(x509.CRLNumber(spec.number), critical=False)
    )
    return builder.sign(issuer.key, signature_hash(issuer.key))


def crl_pem(crl: x509.CertificateRevocationList) -> bytes:
    """Return a CRL in PEM."""
    return crl.public_bytes(Encoding.PEM)


def load_crl(data: bytes, source: str) -> x509.CertificateRevocationList:
    """Return the CRL in PEM or DER *data*. Raises Malformed."""
    try:
        crl = x509.load_pem_x509_crl(data) if b"-----BEGIN" in data else x509.load_der_x509_crl(data)
        crl.extensions  # noqa: B018  decoded lazily: fail here, not later
        crl.issuer  # noqa: B018
    except DECODING_ERRORS as error:
        raise Malformed(source, "a certificate revocation list", type(error).__name__) from None
    return crl


def require_issued_by(crl: x509.CertificateRevocationList, issuer: Issuer, source: str) -> None:
    """Raise Refused unless *issuer* signed this CRL: entries that a stranger could have written are not taken over."""
    key: PublicKey = issuer.key.public_key()
    if crl.issuer != issuer.name or not crl.is_signature_valid(key):
        raise Refused(
            source,
            "it was not signed by this CA's key, so its entries cannot be trusted; "
            "move it away if the CA has been made anew",
        )


def crl_number(crl: x509.CertificateRevocationList) -> int:
    """Return the number of a CRL; 0 where it has none (Synapse writes none)."""
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


def is_revoked(crl: x509.CertificateRevocationList | None, serial: int) -> bool:
    """Return whether *crl* lists the serial number as revoked."""
    return crl is not None and crl.get_revoked_certificate_by_serial_number(serial) is not None


def entries(crl: x509.CertificateRevocationList | None) -> Sequence[x509.RevokedCertificate]:
    """Return the entries of *crl*; none where there is no CRL yet."""
    return () if crl is None else tuple(crl)
