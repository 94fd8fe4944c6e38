"""A certificate as a person wants to know it. Sources: RFC 5280 sections 4.1 and 4.2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ExtensionOID

from easycert.errors import WeakKey
from easycert.model import Kind
from easycert.pki.certificates import basic_constraints, is_ca, is_self_issued
from easycert.pki.dns import mixed_scripts
from easycert.pki.keys import key_name, require_strong
from easycert.pki.subjects import common_name, shown_name
from easycert.pki.validity import is_due
from easycert.pki.wording import even_hex, general_names, key_usages, oid_name, one_line, uris

_BROKEN_HASHES = (hashes.MD5, hashes.SHA1)
_DAY = timedelta(days=1)
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
Signed: TypeAlias = x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList


@dataclass(frozen=True)
class NameConstraints:
    """The names that a CA may and may not certify (RFC 5280 section 4.2.1.10)."""

    permitted: tuple[str, ...]
    excluded: tuple[str, ...]


@dataclass(frozen=True)
class CertificateDescription:
    """What a certificate says, and what is odd about it; every hexadecimal value is lower-case without colons."""

    type: str
    kind: Kind | None
    name: str | None
    subject: str
    issuer: str
    self_signed: bool
    serial: str
    not_before: datetime
    not_after: datetime
    state: str
    days_left: int
    due: bool
    sans: tuple[str, ...]
    key_type: str
    signature_algorithm: str
    ca: bool
    path_length: int | None
    name_constraints: NameConstraints | None
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    subject_key_identifier: str | None
    authority_key_identifier: str | None
    crl_urls: tuple[str, ...]
    ocsp_urls: tuple[str, ...]
    issuer_urls: tuple[str, ...]
    sha256: str
    warnings: tuple[str, ...]


def describe_certificate(
    certificate: x509.Certificate, now: datetime, kind: Kind | None = None
) -> CertificateDescription:
    """Return what *certificate* says, seen at *now*; *kind* is guessed from its usages and names where not given."""
    kind = kind or guessed_kind(certificate)
    constraints = basic_constraints(certificate)
    name = common_name(certificate.subject)
    return CertificateDescription(
        type="certificate",
        kind=kind,
        name=None if name is None else one_line(name),
        subject=shown_name(certificate.subject),
        issuer=shown_name(certificate.issuer),
        self_signed=is_self_signed(certificate),
        serial=even_hex(certificate.serial_number),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        state=state(certificate, now),
        days_left=days_left(certificate.not_valid_after_utc, now),
        due=is_due(certificate.not_valid_before_utc, certificate.not_valid_after_utc, now),
        sans=subject_alternative_names(certificate.extensions),
        key_type=key_name(certificate.public_key()),
        signature_algorithm=oid_name(certificate.signature_algorithm_oid),
        ca=is_ca(certificate),
        path_length=constraints.path_length if constraints else None,
        name_constraints=_name_constraints(certificate.extensions),
        key_usage=usages(certificate.extensions),
        extended_key_usage=extended_usages(certificate.extensions),
        subject_key_identifier=subject_key_identifier(certificate.extensions),
        authority_key_identifier=authority_key_identifier(certificate.extensions),
        crl_urls=_crl_urls(certificate.extensions),
        ocsp_urls=_access_urls(certificate.extensions, AuthorityInformationAccessOID.OCSP),
        issuer_urls=_access_urls(certificate.extensions, AuthorityInformationAccessOID.CA_ISSUERS),
        sha256=fingerprint(certificate),
        warnings=tuple(_warnings(certificate, kind)),
    )


# --- single facts ----------------------------------------------------------------------------------------------------


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 fingerprint of a certificate, the one that browsers and Telepath's ``certhash=`` use."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def days_left(not_after: datetime, now: datetime) -> int:
    """Return the whole days from *now* to *not_after*; negative when it has passed."""
    return (not_after - now) // _DAY


def state(certificate: x509.Certificate, now: datetime) -> str:
    """Return ``valid``, ``expired`` or ``not yet valid`` (RFC 5280 section 4.1.2.5: both ends are included)."""
    if now > certificate.not_valid_after_utc:
        return "expired"
    return "not yet valid" if now < certificate.not_valid_before_utc else "valid"


def guessed_kind(certificate: x509.Certificate) -> Kind | None:
    """Return what a certificate is for, judged by basic constraints, extended key usage and names; None if unclear."""
    if is_ca(certificate):
        return Kind.CA
    eku = extension(certificate.extensions, x509.ExtendedKeyUsage)
    by_usage = {
        ExtendedKeyUsageOID.CODE_SIGNING: Kind.CODE,
        ExtendedKeyUsageOID.SERVER_AUTH: Kind.HOST,
        ExtendedKeyUsageOID.CLIENT_AUTH: Kind.USER,
        ExtendedKeyUsageOID.OCSP_SIGNING: Kind.OCSP,
    }
    for usage, kind in by_usage.items():
        if eku is not None and usage in eku:
            return kind
    sans = subject_alternative_names(certificate.extensions)
    if any(san.startswith(("DNS:", "IP:")) for san in sans):
        return Kind.HOST
    return Kind.USER if any(san.startswith("email:") for san in sans) else None


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Return whether a certificate is signed by its own key, not merely issued under its own name."""
    if not is_self_issued(certificate):
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


# --- extensions, of certificates, requests and CRLs ------------------------------------------------------------------


def extension(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    """Return the value of an extension, or None."""
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def subject_alternative_names(extensions: x509.Extensions) -> tuple[str, ...]:
    """Return the subject alternative names, with prefixes."""
    return general_names(extension(extensions, x509.SubjectAlternativeName) or ())


def usages(extensions: x509.Extensions) -> tuple[str, ...]:
    """Return the key usages by their names in RFC 5280."""
    usage = extension(extensions, x509.KeyUsage)
    return key_usages(usage) if usage else ()


def extended_usages(extensions: x509.Extensions) -> tuple[str, ...]:
    """Return the extended key usages by their names in RFC 5280, or as object identifiers."""
    return tuple(oid_name(oid) for oid in extension(extensions, x509.ExtendedKeyUsage) or ())


def subject_key_identifier(extensions: x509.Extensions) -> str | None:
    """Return the subject key identifier in hexadecimal, or None."""
    found = extension(extensions, x509.SubjectKeyIdentifier)
    return found.digest.hex() if found else None


def authority_key_identifier(extensions: x509.Extensions) -> str | None:
    """Return the authority key identifier in hexadecimal, or None."""
    found = extension(extensions, x509.AuthorityKeyIdentifier)
    return found.key_identifier.hex() if found and found.key_identifier else None


def _name_constraints(extensions: x509.Extensions) -> NameConstraints | None:
    found = extension(extensions, x509.NameConstraints)
    if found is None:
        return None
    return NameConstraints(general_names(found.permitted_subtrees or ()), general_names(found.excluded_subtrees or ()))


def _crl_urls(extensions: x509.Extensions) -> tuple[str, ...]:
    points = extension(extensions, x509.CRLDistributionPoints) or ()
    return tuple(url for point in points for url in uris(point.full_name))


def _access_urls(extensions: x509.Extensions, method: x509.ObjectIdentifier) -> tuple[str, ...]:
    access = extension(extensions, x509.AuthorityInformationAccess) or ()
    places = [item.access_location for item in access if item.access_method == method]
    return tuple(uris(places))


# --- what is odd -----------------------------------------------------------------------------------------------------


def _warnings(certificate: x509.Certificate, kind: Kind | None) -> Iterator[str]:
    yield from key_warnings(certificate.public_key())
    yield from signature_warnings(certificate)
    yield from _name_warnings(certificate, kind)
    yield from _usage_warnings(certificate)
    if certificate.serial_number <= 0:
        yield "its serial number is not positive (RFC 5280 section 4.1.2.2)"
    for item in certificate.extensions:
        if item.critical and isinstance(item.value, x509.UnrecognizedExtension):
            yield f"an unknown critical extension, {item.oid.dotted_string}: everyone must refuse it"


def key_warnings(key: object) -> Iterator[str]:
    """Yield why a public key is weak, if it is."""
    try:
        require_strong(key, "the key")
    except WeakKey as error:
        yield error.reason


def signature_warnings(signed: Signed) -> Iterator[str]:
    """Yield that the hash of a signature is broken or its algorithm unknown, if so."""
    try:
        algorithm = signed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        yield "its signature algorithm is unknown"
        return
    if isinstance(algorithm, _BROKEN_HASHES):
        yield f"it is signed with {algorithm.name.upper()}, which is broken"


def _name_warnings(certificate: x509.Certificate, kind: Kind | None) -> Iterator[str]:
    sans = subject_alternative_names(certificate.extensions)
    name = common_name(certificate.subject)
    if kind is Kind.HOST and not any(san.startswith(("DNS:", "IP:")) for san in sans):
        yield "no DNS or IP subject alternative name: TLS clients do not look at the CN (RFC 9525 section 2)"
    elif kind is Kind.HOST and name is not None and not {f"DNS:{name.lower()}", f"IP:{name}"} & {*sans}:
        yield f"its CN {one_line(name)} is not among its subject alternative names"
    for san in sans:
        if san.startswith("DNS:") and mixed_scripts(san.removeprefix("DNS:")):
            yield f"{san} mixes scripts, as a look-alike of another name would (UTS 39)"


def _usage_warnings(certificate: x509.Certificate) -> Iterator[str]:
    usage = extension(certificate.extensions, x509.KeyUsage)
    if is_ca(certificate) and usage is not None and not usage.key_cert_sign:
        yield "a CA whose key usage lacks keyCertSign: it can sign no certificate"
    constraints = extension(certificate.extensions, x509.BasicConstraints)
    if constraints is not None and constraints.ca and not _critical(certificate, ExtensionOID.BASIC_CONSTRAINTS):
        yield "a CA whose basicConstraints are not critical (RFC 5280 section 4.2.1.9): strict verifiers refuse it"


def _critical(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bool:
    return certificate.extensions.get_extension_for_oid(oid).critical
