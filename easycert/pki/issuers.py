"""What a certificate authority must refuse to sign, judged on the finished description, never on what it came from.

Sources: RFC 5280 sections 4.2.1.3 (key usage), 4.2.1.9 (CA and path length), 4.2.1.10 (name constraints), 4.2.1.12 and
BR 7.1.2.10.6 (extended key usage is nested), 6.1.3 (validity).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from easycert.errors import IssuerUnusable, NotPermitted
from easycert.model import Kind, Value
from easycert.pki.certificates import CertificateSpec, basic_constraints, general_name, is_self_issued
from easycert.pki.validity import rfc3339


class Content(Value):
    """What an issuer looks at before it signs: what a certificate is for, and whom it names."""

    kind: Kind
    subject: x509.Name
    names: tuple[x509.GeneralName, ...]
    usages: tuple[x509.ObjectIdentifier, ...]
    path_length: int | None


def require_valid(certificate: x509.Certificate, name: str, now: datetime) -> None:
    """Raise IssuerUnusable, naming the date, when the CA called *name* is expired or not yet valid at *now*."""
    if now > certificate.not_valid_after_utc:
        raise IssuerUnusable(_ca(name), f"it expired on {rfc3339(certificate.not_valid_after_utc)}")
    if now < certificate.not_valid_before_utc:
        raise IssuerUnusable(_ca(name), f"it is not valid before {rfc3339(certificate.not_valid_before_utc)}")


def require_may_sign_certificates(certificate: x509.Certificate, name: str) -> None:
    """Raise IssuerUnusable when the certificate is no CA's or its key usage lacks keyCertSign."""
    constraints = basic_constraints(certificate)
    if constraints is None or not constraints.ca:
        raise IssuerUnusable(_ca(name), "its certificate is not a CA's (basicConstraints lacks CA:TRUE)")
    if not _key_usage_allows(certificate, "key_cert_sign"):
        raise IssuerUnusable(_ca(name), "its key usage lacks keyCertSign")


def require_may_sign_crls(certificate: x509.Certificate, name: str) -> None:
    """Raise IssuerUnusable when the certificate's key usage lacks cRLSign (RFC 5280 section 4.2.1.3)."""
    if not _key_usage_allows(certificate, "crl_sign"):
        raise IssuerUnusable(_ca(name), "its key usage lacks cRLSign, so it cannot sign a CRL")


def require_permits(path: Sequence[x509.Certificate], name: str, spec: CertificateSpec) -> None:
    """Check *spec* against the CA called *name* and those above it; see :func:`require_permits_content`."""
    names = tuple(general_name(san) for san in spec.sans)
    content = Content(spec.kind, spec.subject, names, spec.rules.extended_key_usage, spec.path_length)
    require_permits_content(path, name, content)


def require_permits_content(path: Sequence[x509.Certificate], name: str, content: Content) -> None:
    """Check *content* against the CA called *name* and those above it (*path*: the CA first, its root last).

    Raises IssuerUnusable (path length, extended key usage) and NotPermitted (name constraints).
    """
    if content.kind is Kind.CA:
        _require_path_length(path, name, content.path_length)
    _require_nested_usage(path, name, content.usages)
    _require_permitted_names(path, name, content)


def path_length_left(path: Sequence[x509.Certificate]) -> int | None:
    """Return how many more CAs may stand below the first certificate of *path* (CA first, root last); None: any."""
    left: int | None = None
    below = 0  # CAs between the one looked at and the new certificate, self-issued ones not counted
    for certificate in path:
        constraints = basic_constraints(certificate)
        if constraints is not None and constraints.path_length is not None:
            here = constraints.path_length - below
            left = here if left is None else min(left, here)
        below += not is_self_issued(certificate)
    return left


def _require_path_length(path: Sequence[x509.Certificate], name: str, length: int | None) -> None:
    left = path_length_left(path)
    if left is not None and left < 1:
        raise IssuerUnusable(_ca(name), "its path length is used up: no CA may stand below it")
    if left is not None and (length is None or length >= left):
        wanted = "unlimited" if length is None else str(length)
        raise IssuerUnusable(_ca(name), f"the path length of a CA below it must be less than {left}, not {wanted}")


def _require_nested_usage(path: Sequence[x509.Certificate], name: str, usages: Sequence[x509.ObjectIdentifier]) -> None:
    for certificate in path:
        try:
            allowed = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            continue
        if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in allowed:
            continue
        beyond = [usage for usage in usages if usage not in allowed]
        if beyond:
            shown = ", ".join(usage._name for usage in beyond)
            raise IssuerUnusable(_ca(name), f"its extended key usage does not include {shown}")


def _require_permitted_names(path: Sequence[x509.Certificate], name: str, content: Content) -> None:
    for certificate in path:
        try:
            constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        except x509.ExtensionNotFound:
            continue
        from easycert.pki.constraints import breaches  # few CAs are constrained

        found = breaches(content.names, content.subject, constraints)
        if found:
            raise NotPermitted(_ca(name), f"its name constraints forbid this: {'; '.join(found)}")


def _key_usage_allows(certificate: x509.Certificate, usage: str) -> bool:
    try:
        return bool(getattr(certificate.extensions.get_extension_for_class(x509.KeyUsage).value, usage))
    except x509.ExtensionNotFound:
        return True


def _ca(name: str) -> str:
    return f"the CA '{name}'"
