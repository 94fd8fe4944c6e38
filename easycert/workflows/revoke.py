"""Revoking: a certificate of this directory is put on its CA's CRL, once and for good."""

from __future__ import annotations

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import KeyMismatch, NotFound, WrongIssuer
from easycert.model import Kind, Value
from easycert.pki.certificates import load_certificate, require_signed_by
from easycert.pki.crl import Revocation
from easycert.pki.names import SafeName
from easycert.pki.revision import Outcome
from easycert.store import layout
from easycert.workflows.publish import CrlOptions, Draft, Published, authority_for_crl, current_revision, stage


class Revoked(Value):
    """A certificate that is on its CA's CRL, and what that changed."""

    kind: Kind
    name: SafeName
    certificate: x509.Certificate
    outcome: Outcome
    crl: Published


def revoke(
    certdir: CertDir,
    kind: Kind,
    name: SafeName,
    signas: SafeName,
    *,
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified,
    options: CrlOptions | None = None,
) -> Revoked:
    """Revoke the certificate *name*, which the CA *signas* issued, and publish that CA's CRL.

    Revoking twice changes neither date nor reason (RFC 5280 section 5.3). Raises NotFound when there is no such
    certificate, WrongIssuer when the CA did not sign it, and what :func:`~easycert.workflows.publish.publish` raises.
    """
    certificate = _certificate(certdir, kind, name)
    _require_issued_by(certdir, certificate, name, signas)
    now = certdir.signing_time()
    authority = authority_for_crl(certdir, signas)
    with certdir.store.transaction() as files:
        revision = current_revision(certdir, authority)
        outcome = revision.revoke(Revocation(certificate.serial_number, now, reason))
        published = stage(certdir, files, Draft(authority, revision, now, options or CrlOptions()))
    return Revoked(kind, name, certificate, outcome, published)


def _certificate(certdir: CertDir, kind: Kind, name: SafeName) -> x509.Certificate:
    found = certdir.read(layout.certificate(kind, name))
    if found is None:
        raise NotFound(f"{kind.value} certificate", name)
    return load_certificate(*found)


def _require_issued_by(certdir: CertDir, certificate: x509.Certificate, name: SafeName, signas: SafeName) -> None:
    found = certdir.read(layout.certificate(Kind.CA, signas))
    refusal = WrongIssuer(name, f"the CA '{signas}' did not sign this certificate")
    if found is None:
        raise refusal
    try:
        require_signed_by(certificate, load_certificate(*found), name)
    except KeyMismatch:
        raise refusal from None
