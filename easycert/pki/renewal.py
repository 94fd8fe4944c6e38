"""Renewal: from a certificate to the one that takes its place, with everything kept that can be kept.

Subject and extensions are copied as they stand, byte for byte where they need not change. The key identifiers belong to
the keys and are made anew; what RFC 5280 demands and the old certificate lacked is added (sections 4.2.1.1, 4.2.1.2,
4.2.1.3 and 4.2.1.9); what a key of its type cannot do is left out (RFC 3279, RFC 8813, RFC 9295, RFC 9881). Each
difference is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

from easycert.errors import Malformed
from easycert.model import Kind, Value
from easycert.pki import der
from easycert.pki.certificates import USAGES, Issuer, ToBeSigned, key_identifier, key_usage
from easycert.pki.issuers import Content
from easycert.pki.keys import PublicKey, public_der
from easycert.pki.validity import BACKDATE, LATEST, Validity

#: What speaks of the one certificate that carries it: timestamps of a public log (RFC 6962 section 3.3) and their
#: poison, and the dates between which the old private key was used.
_BOUND = {
    ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS: "signed certificate timestamps",
    ExtensionOID.PRECERT_POISON: "the poison of a precertificate",
    ObjectIdentifier("2.5.29.16"): "privateKeyUsagePeriod",
}
#: What a site may set, and what is said of it.
_SITE = {
    ExtensionOID.CRL_DISTRIBUTION_POINTS: "cRLDistributionPoints as the site has them now",
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS: "authorityInfoAccess as the site has it now",
}
_CA_USAGE = frozenset({"key_cert_sign", "crl_sign"})
_ENCIPHERING = frozenset({"key_encipherment", "data_encipherment"})
_AGREEING = frozenset({"key_agreement", "encipher_only", "decipher_only"})
#: Serial numbers are positive and have at most 20 octets, the first bit clear (RFC 5280 section 4.1.2.2).
_SERIAL_END = 1 << 159


class Terms(Value):
    """What is new: the key, the issuer, the validity and the serial number; *kind* says what it is for.

    *locations* (of CRLs, of the CA's certificate, of OCSP) take the place of what the old certificate says of them.
    """

    kind: Kind
    public_key: PublicKey
    issuer: Issuer
    validity: Validity
    serial: int
    locations: tuple[x509.ExtensionType, ...] = ()


class Renewal(Value):
    """A certificate to be signed, what an issuer looks at before it signs it, and how it differs from the old one."""

    tbs: ToBeSigned
    content: Content
    changes: tuple[str, ...]


class _Part(NamedTuple):
    """An extension: its value as cryptography knows it, what is written, whether it is critical, and what changed."""

    value: x509.ExtensionType
    written: x509.ExtensionType
    critical: bool
    change: str = ""


def renewal(old: x509.Certificate, terms: Terms) -> Renewal:
    """Return the certificate that takes the place of *old*. Raises Malformed for one that cannot be taken apart."""
    parts = [*_kept(old, terms), *_added(old, terms)]
    values = {type(part.value): part.value for part in parts}
    constraints = cast("x509.BasicConstraints | None", values.get(x509.BasicConstraints))
    content = Content(
        kind=terms.kind,
        subject=old.subject,
        names=tuple(cast("x509.SubjectAlternativeName", values.get(x509.SubjectAlternativeName, ()))),
        usages=tuple(cast("x509.ExtendedKeyUsage", values.get(x509.ExtendedKeyUsage, ()))),
        path_length=constraints.path_length if constraints else None,
    )
    extensions = tuple((part.written, part.critical) for part in parts)
    tbs = ToBeSigned(old.subject, terms.issuer.name, terms.public_key, terms.serial, terms.validity, extensions)
    left_out = [f"{name} left out" for oid, name in _BOUND.items() if _find(old, oid)]
    return Renewal(tbs, content, (*(part.change for part in parts if part.change), *left_out))


def lifetime(old: x509.Certificate, now: datetime, latest: datetime | None) -> Validity:
    """Return a period as long as that of *old*, from just before *now*, that ends no later than *latest*.

    A certificate without a well-defined end (RFC 5280 section 4.1.2.5) has none again.
    """
    length = old.not_valid_after_utc - old.not_valid_before_utc
    begin = now.replace(microsecond=0) - (BACKDATE if length > BACKDATE else length * 0)
    try:
        end = LATEST if old.not_valid_after_utc == LATEST else begin + length
    except OverflowError:
        end = LATEST
    validity = Validity(begin, end)
    return validity if latest is None else validity.clamped_to(latest)


def names_by_serial(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Return whether *certificate* names the certificate of its *authority* by issuer and serial number.

    Such a one (RFC 5280 section 4.2.1.1 allows it, easy-rsa makes it) does not verify under the same CA's certificate
    of another serial number: OpenSSL compares both.
    """
    identifier = _authority_key_identifier(certificate)
    return identifier is not None and identifier.authority_cert_serial_number == authority.serial_number


def can_keep_serial(old: x509.Certificate) -> bool:
    """Return whether the serial number of *old* is one that a certificate may have (RFC 5280 section 4.1.2.2)."""
    return 0 < old.serial_number < _SERIAL_END


def _kept(old: x509.Certificate, terms: Terms) -> Iterator[_Part]:
    locations = {value.oid: value for value in _locations(old, terms)}
    for extension, raw in zip(old.extensions, _raw_values(old), strict=True):
        if extension.oid in _BOUND:
            continue
        value = locations.get(extension.oid)
        if value is not None:
            yield _part(value, critical=False, change="" if value == extension.value else _SITE[value.oid])
        else:
            yield _carried(old, terms, extension, raw)


def _carried(old: x509.Certificate, terms: Terms, extension: x509.Extension[x509.ExtensionType], raw: bytes) -> _Part:
    value, critical = extension.value, extension.critical
    if isinstance(value, x509.SubjectKeyIdentifier):
        digest = value.digest if _same_key(old, terms) and value.digest else key_identifier(terms.public_key)
        return _part(x509.SubjectKeyIdentifier(digest), critical=False)
    if isinstance(value, x509.AuthorityKeyIdentifier):
        return _part(_key_id_alone(terms), critical=False)
    if isinstance(value, x509.BasicConstraints):
        is_late = value.ca and not critical
        return _part(value, critical=critical or value.ca, change="basicConstraints critical" if is_late else "")
    if isinstance(value, x509.KeyUsage):
        return _fitting_usage(value, raw, terms, critical=critical)
    return _Part(value, x509.UnrecognizedExtension(extension.oid, raw), critical)


def _added(old: x509.Certificate, terms: Terms) -> Iterator[_Part]:
    """Yield what the old certificate lacked and must have, and where things are found, as the site says today."""
    is_root = old.subject == terms.issuer.name
    if terms.kind is Kind.CA and is_root and not _find(old, ExtensionOID.BASIC_CONSTRAINTS):
        yield _part(x509.BasicConstraints(ca=True, path_length=None), critical=True, change="basicConstraints added")
    if terms.kind is Kind.CA and not _find(old, ExtensionOID.KEY_USAGE):
        yield _part(key_usage(_CA_USAGE), critical=not _is_of_synapse(old), change="keyUsage added")
    for value in _locations(old, terms):
        if not _find(old, value.oid):
            yield _part(value, critical=False, change=_SITE[value.oid])
    if not _find(old, ExtensionOID.SUBJECT_KEY_IDENTIFIER):
        identifier = x509.SubjectKeyIdentifier(key_identifier(terms.public_key))
        yield _part(identifier, critical=False, change="subjectKeyIdentifier added")
    if not _find(old, ExtensionOID.AUTHORITY_KEY_IDENTIFIER):
        yield _part(_key_id_alone(terms), critical=False, change="authorityKeyIdentifier added")


def _is_of_synapse(old: x509.Certificate) -> bool:
    """Return whether a CA without key usage has Synapse's form; Synapse verifies nothing below a critical one."""
    return any(one.oid == ExtensionOID.BASIC_CONSTRAINTS and not one.critical for one in old.extensions)


def _locations(old: x509.Certificate, terms: Terms) -> tuple[x509.ExtensionType, ...]:
    """Return where things are found, as the site says today; an OCSP signer says nothing of that (BR 7.1.2.8)."""
    try:
        usages = old.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return terms.locations
    return () if ExtendedKeyUsageOID.OCSP_SIGNING in usages else terms.locations


def _part(value: x509.ExtensionType, *, critical: bool, change: str = "") -> _Part:
    return _Part(value, value, critical, change)


def _key_id_alone(terms: Terms) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier(terms.issuer.key_identifier, None, None)


def _fitting_usage(usage: x509.KeyUsage, raw: bytes, terms: Terms, *, critical: bool) -> _Part:
    """Return the key usage without what the key cannot do, and for a CA with the right to sign its CRLs."""
    named = frozenset(name for name in USAGES if _is_set(usage, name))
    wanted = named - _impossible(terms.public_key) or frozenset({"digital_signature"})
    if terms.kind is Kind.CA and "key_cert_sign" in named:
        wanted |= _CA_USAGE
    if wanted == named:
        return _Part(usage, x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, raw), critical)
    fewer, more = (", ".join(map(_shown, sorted(names))) for names in (named - wanted, wanted - named))
    without = f"keyUsage without {fewer}, which a key of its type cannot do" if fewer else ""
    change = "; ".join(filter(None, (without, f"keyUsage with {more}" if more else "")))
    return _part(key_usage(wanted), critical=critical, change=change)


def _impossible(key: PublicKey) -> frozenset[str]:
    if isinstance(key, rsa.RSAPublicKey):
        return _AGREEING
    return _ENCIPHERING if isinstance(key, ec.EllipticCurvePublicKey) else _ENCIPHERING | _AGREEING


def _is_set(usage: x509.KeyUsage, name: str) -> bool:
    if name in ("encipher_only", "decipher_only") and not usage.key_agreement:
        return False  # cryptography raises: without keyAgreement they mean nothing (RFC 5280 section 4.2.1.3)
    return bool(getattr(usage, name))


def _shown(usage: str) -> str:
    first, *rest = usage.split("_")
    shown = first + "".join(map(str.capitalize, rest))
    return shown.replace("crlSign", "cRLSign")


def _same_key(old: x509.Certificate, terms: Terms) -> bool:
    return public_der(cast("PublicKey", old.public_key())) == public_der(terms.public_key)


def _find(certificate: x509.Certificate, oid: ObjectIdentifier) -> bool:
    return any(extension.oid == oid for extension in certificate.extensions)


def _authority_key_identifier(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return None


def _raw_values(certificate: x509.Certificate) -> list[bytes]:
    """Return what each extension holds, in DER as it stands, in their order."""
    try:
        return list(_extension_values(certificate.tbs_certificate_bytes))
    except ValueError:
        raise Malformed("the certificate", "one that can be renewed", "its extensions cannot be taken apart") from None


def _extension_values(tbs: bytes) -> Iterator[bytes]:
    whole = der.element(tbs, 0, len(tbs))
    for field in der.elements(tbs, whole.body, whole.end):
        if field.tag == der.context(3):
            listed = der.element(tbs, field.body, field.end)
            for extension in der.elements(tbs, listed.body, listed.end):
                value = list(der.elements(tbs, extension.body, extension.end))[-1]
                yield tbs[value.body : value.end]
