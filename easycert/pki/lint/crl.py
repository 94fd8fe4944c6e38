"""Rules for certificate revocation lists.

Sources: RFC 5280 section 5; CA/B Forum BR 4.9.7 and 7.2.2.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from easycert.pki import der as offsets
from easycert.pki.lint import der, extensions, fields, locations, names
from easycert.pki.lint.der import DerError, Node
from easycert.pki.lint.fields import (
    AUTHORITY_ACCESS,
    AUTHORITY_KEY_IDENTIFIER,
    FRESHEST_CRL,
    ISSUER_ALT_NAME,
    Certificate,
    Extension,
    Extensions,
    guarded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easycert.pki.lint.fields import Breaches

_NUMBER, _DELTA, _DISTRIBUTION_POINT = "2.5.29.20", "2.5.29.27", "2.5.29.28"
_REASON, _INVALIDITY_DATE, _CERTIFICATE_ISSUER, _HOLD_INSTRUCTION = "2.5.29.21", "2.5.29.24", "2.5.29.29", "2.5.29.23"
#: RFC 5280 section 5.2: what clients understand, and what breaks a rule of its own when it is critical.
_KNOWN = frozenset(
    {AUTHORITY_KEY_IDENTIFIER, ISSUER_ALT_NAME, _NUMBER, _DELTA, _DISTRIBUTION_POINT, FRESHEST_CRL, AUTHORITY_ACCESS}
)
_KNOWN_OF_ENTRIES = frozenset({_REASON, _INVALIDITY_DATE, _CERTIFICATE_ISSUER, _HOLD_INSTRUCTION})
_TIMES = (der.UTC_TIME, der.GENERALIZED_TIME)
_NUMBER_OCTETS_MAX = 20
_UNSPECIFIED, _HOLD, _REMOVE = 0, 6, 8
_REASONS = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 9, 10})
#: BR 4.9.7: a CRL of CAs may be twelve months old, one of other certificates ten days.
_DAYS_MAX = 366


class RevocationList:
    """A CRL taken apart. Made from DER; raises DerError when that is no ``CertificateList`` (RFC 5280 section 5.1)."""

    def __init__(self, data: bytes) -> None:
        parts = der.element(data).children()
        if len(parts) != 3:
            raise DerError("not made of what is signed, an algorithm and a signature")
        rest = parts[0].children()
        self.outer_algorithm = parts[1]
        self.version = rest.pop(0) if rest and rest[0].tag == der.INTEGER else None
        if len(rest) < 3:
            raise DerError("a CRL with too few fields")
        self.inner_algorithm, self.issuer, self.this_update = rest[:3]
        rest = rest[3:]
        self.next_update = rest.pop(0) if rest and rest[0].tag in _TIMES else None
        self.entries = rest.pop(0) if rest and rest[0].tag == der.SEQUENCE else None
        wrapped = rest.pop(0) if rest and rest[0].tag == der.context(0) else None
        if rest:
            raise DerError("a CRL with fields that do not belong there")
        self.has_extensions = wrapped is not None
        self.extensions = Extensions(der.element(wrapped.body).children() if wrapped else [])

    def flag(self, oid: str) -> bool:
        """Return whether there is an extension of this type."""
        return self.extensions.find(oid) is not None


def judge(data: bytes, issuer: bytes | None) -> Breaches:
    """Yield what breaks a rule in the CRL whose DER is *data*, signed by the CA whose DER is *issuer*."""
    try:
        crl = RevocationList(data)
    except DerError as error:
        yield "undecodable", f"the CRL cannot be decoded: {error}"
        return
    yield from guarded("the version", _version(crl))
    yield from guarded("the signature algorithm", fields.signature_algorithm(crl.inner_algorithm, crl.outer_algorithm))
    yield from guarded("the issuer", _issuer_name(crl))
    yield from guarded("a time", _times(crl))
    yield from extensions.extension_list(crl.extensions, present=crl.has_extensions)
    yield from guarded("authorityKeyIdentifier", extensions.authority_key_identifier(crl.extensions))
    yield from guarded("cRLNumber", _number(crl))
    yield from guarded("an extension", _other_extensions(crl))
    yield from guarded("issuingDistributionPoint", _distribution_point(crl))
    yield from locations.points(crl.extensions)
    yield from locations.access(crl.extensions)
    yield from guarded("revokedCertificates", _entries(crl))
    if issuer is not None:
        yield from guarded("the CA's certificate", _by_issuer(crl, issuer))


def _by_issuer(crl: RevocationList, data: bytes) -> Breaches:
    issuer = Certificate(data)
    if crl.issuer.raw != issuer.subject.raw:
        yield "crl-issuer", "the issuer is not the CA's subject, byte for byte"
    yield from extensions.by_key(crl.extensions, crl.inner_algorithm, issuer)
    yield from extensions.may_sign_crls(issuer)


def _version(crl: RevocationList) -> Breaches:
    number = der.small_integer(crl.version) if crl.version is not None else 0
    if number != 1:
        yield "crl-version", f"the version is {number + 1}"


def _issuer_name(crl: RevocationList) -> Breaches:
    if not crl.issuer.children():
        yield "issuer-empty", "the issuer is an empty name"
    yield from names.distinguished_name(crl.issuer, "the issuer")


def _times(crl: RevocationList) -> Breaches:
    times: list[datetime] = []
    yield from fields.instant(crl.this_update, "thisUpdate", times)
    if crl.next_update is None:
        yield "crl-next-update", "there is no nextUpdate"
        return
    yield from fields.instant(crl.next_update, "nextUpdate", times)
    if len(times) != 2:
        return
    if times[1] < times[0]:
        yield "crl-order", "nextUpdate lies before thisUpdate"
    elif (times[1] - times[0]).days > _DAYS_MAX:
        yield "crl-lifetime", f"it is valid for {(times[1] - times[0]).days} days"


def _number(crl: RevocationList) -> Breaches:
    extension = crl.extensions.find(_NUMBER)
    if extension is None:
        yield "crl-number", "there is no CRL number"
        return
    if extension.critical:
        yield "crl-number-not-critical", "cRLNumber is critical"
    yield from _sequence_number(der.element(extension.value), "the CRL number")


def _sequence_number(node: Node, what: str) -> Breaches:
    if der.integer(node) < 0 or len(node.body) > _NUMBER_OCTETS_MAX:
        yield "crl-number-range", f"{what} is negative or has more than {_NUMBER_OCTETS_MAX} octets"


def _other_extensions(crl: RevocationList) -> Breaches:
    for extension in crl.extensions.all:
        if extension.critical and extension.oid not in _KNOWN:
            yield "critical-unknown", f"the extension {extension.oid} is critical"
    delta = crl.extensions.find(_DELTA)
    if delta is not None:
        if not delta.critical:
            yield "crl-delta-critical", "deltaCRLIndicator is not critical"
        if crl.flag(FRESHEST_CRL):
            yield "crl-delta-freshest", "a delta CRL has freshestCRL"
        yield from _sequence_number(der.element(delta.value), "the base CRL number")
    names_of_issuer = crl.extensions.decoded(ISSUER_ALT_NAME)
    if names_of_issuer is not None:
        yield from names.general_names(names_of_issuer, "issuerAltName")


def _distribution_point(crl: RevocationList) -> Breaches:
    extension = crl.extensions.find(_DISTRIBUTION_POINT)
    if extension is None:
        return
    if not extension.critical:
        yield "crl-point-critical", "issuingDistributionPoint is not critical"
    parts = {part.tag & 0x1F: part for part in der.element(extension.value).children()}
    if not parts:
        yield "crl-point-empty", "issuingDistributionPoint says nothing"
    if 0 in parts:
        yield from locations.point_name(parts[0].body, "issuingDistributionPoint")
    flags = {number: der.boolean(parts[number], parts[number].tag) for number in (1, 2, 4, 5) if number in parts}
    if False in flags.values():
        yield "default-written", "issuingDistributionPoint says FALSE, which is the default"
    if sum(flags.get(number, False) for number in (1, 2, 5)) > 1:
        yield "crl-point-scope", "issuingDistributionPoint says of more than one kind that it holds only this kind"


# --- entries ---------------------------------------------------------------------------------------------------------


def _entries(crl: RevocationList) -> Breaches:
    if crl.entries is None:
        return
    if not crl.entries.body:
        yield "crl-empty-list", "revokedCertificates is an empty list"
    seen: set[bytes] = set()
    is_indirect = crl.flag(_DISTRIBUTION_POINT)  # only there can one serial number stand for two issuers
    for number, entry in enumerate(_each(crl.entries.body), start=1):
        what = f"entry {number}"
        yield from guarded(what, _entry(crl, entry, what))
        serial = entry.body[: 2 + entry.body[1]] if len(entry.body) > 1 else b""
        if serial in seen and not is_indirect:
            yield "crl-entry-repeated", f"{what} has a serial number that is there already"
        seen.add(serial)


def _each(data: bytes) -> Iterator[Node]:
    """Yield the elements in *data* one by one: a million of them at once take a gigabyte. Raises DerError."""
    try:
        for found in offsets.elements(data, 0, len(data)):
            yield Node(found.tag, data[found.body : found.end], data[found.start : found.end])
    except ValueError as error:
        raise DerError(str(error)) from None


def _entry(crl: RevocationList, entry: Node, what: str) -> Breaches:
    parts = entry.children()
    if not 2 <= len(parts) <= 3:
        raise DerError("not a serial number, a date and extensions")
    yield from fields.serial_number(parts[0], f"{what}: the serial number")
    yield from fields.instant(parts[1], f"{what}: the date", [])
    if len(parts) == 2:
        return
    found = Extensions(parts[2].children())
    yield from extensions.extension_list(found, present=True)
    for extension in found.all:
        if extension.oid == _REASON:
            yield from _reason(crl, extension, what)
        elif extension.oid == _INVALIDITY_DATE:
            yield from _invalidity_date(extension, what)
        elif extension.oid == _CERTIFICATE_ISSUER:
            yield from _certificate_issuer(crl, extension, what)
        elif extension.critical and extension.oid not in _KNOWN_OF_ENTRIES:
            yield "critical-unknown", f"{what}: the extension {extension.oid} is critical"


def _reason(crl: RevocationList, extension: Extension, what: str) -> Breaches:
    reason = der.small_integer(der.element(extension.value), der.ENUMERATED)
    if extension.critical:
        yield "crl-reason-not-critical", f"{what}: reasonCode is critical"
    if reason not in _REASONS:
        yield "crl-reason", f"{what}: the reason is {reason}"
    elif reason == _UNSPECIFIED:
        yield "crl-reason-unspecified", f"{what}: the reason is unspecified"
    elif reason == _REMOVE and not crl.flag(_DELTA):
        yield "crl-reason-remove", f"{what}: the reason is removeFromCRL, and this is no delta CRL"
    elif reason == _HOLD:
        yield "crl-reason-hold", f"{what}: the reason is certificateHold"


def _invalidity_date(extension: Extension, what: str) -> Breaches:
    node = der.element(extension.value).expect(der.GENERALIZED_TIME)
    if extension.critical:
        yield "crl-invalidity-not-critical", f"{what}: invalidityDate is critical"
    try:
        der.time(node)
    except DerError as error:
        yield "time-encoding", f"{what}: invalidityDate is {error}"


def _certificate_issuer(crl: RevocationList, extension: Extension, what: str) -> Breaches:
    if not extension.critical:
        yield "crl-entry-issuer-critical", f"{what}: certificateIssuer is not critical"
    if not crl.flag(_DISTRIBUTION_POINT):
        yield "crl-entry-issuer", f"{what}: certificateIssuer stands in a CRL that is not indirect"
    yield from names.general_names(der.element(extension.value), f"{what}: certificateIssuer")
