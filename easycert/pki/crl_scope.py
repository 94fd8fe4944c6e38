"""What a CRL speaks about: which certificates, which reasons, and whether it can be used at all (RFC 5280 section 5).

A CRL may be only about CAs or only about others, about one distribution point or some reasons, and (an indirect one)
about certificates of another issuer. A CRL that is used beyond its scope says that revoked certificates are good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import TypeAlias, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from easycert.pki.der import GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, Reader
from easycert.pki.distinguished import Comparable, comparable
from easycert.pki.members import Member
from easycert.pki.signatures import UNREADABLE

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

Reasons = frozenset[x509.ReasonFlags]
ALL_REASONS: Reasons = frozenset(x509.ReasonFlags) - {
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.remove_from_crl,
}
_PROCESSED = frozenset(
    {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.ISSUING_DISTRIBUTION_POINT,
        ExtensionOID.DELTA_CRL_INDICATOR,
    }
)
_PROCESSED_IN_ENTRIES = frozenset(
    {
        CRLEntryExtensionOID.CERTIFICATE_ISSUER,
        CRLEntryExtensionOID.CRL_REASON,
        CRLEntryExtensionOID.INVALIDITY_DATE,
    }
)
_WEAK_HASHES = (hashes.MD5, hashes.SHA1)
#: BOOLEAN TRUE in DER: a list without these octets has nothing critical in it, which spares a walk over its entries.
_TRUE = b"\x01\x01\xff"


class ListedFacts:
    """A CRL and the facts about it that decide what it can be used for; made once, asked for each certificate."""

    def __init__(self, crl: x509.CertificateRevocationList) -> None:
        """Read *crl*; raises what cryptography raises where it cannot be decoded."""
        self.crl = crl
        self.issuer: Comparable = comparable(crl.issuer)
        self.distribution = _find(crl.extensions, x509.IssuingDistributionPoint)
        delta = _find(crl.extensions, x509.DeltaCRLIndicator)
        number = _find(crl.extensions, x509.CRLNumber)
        self.base_number = None if delta is None else delta.crl_number
        self.number = None if number is None else number.crl_number
        self._signed_by: dict[x509.Certificate, bool] = {}

    @cached_property
    def problem(self) -> str:
        """Why it cannot tell that anything is good, as a fragment; empty where it can."""
        try:
            return _problem(self.crl)
        except UNREADABLE:
            return "has an entry that cannot be decoded [RFC 5280 5.1]"

    def is_signed_by(self, signer: x509.Certificate) -> bool:
        """Return whether the key in *signer* made the signature; a long CRL is not hashed for each question."""
        if signer not in self._signed_by:
            try:
                self._signed_by[signer] = self.crl.is_signature_valid(signer.public_key())  # type: ignore[arg-type]
            except (InvalidSignature, *UNREADABLE):
                self._signed_by[signer] = False
        return self._signed_by[signer]

    @property
    def is_delta(self) -> bool:
        """Whether it only tells what has changed since a base CRL (RFC 5280 section 5.2.4)."""
        return self.base_number is not None

    @property
    def is_indirect(self) -> bool:
        """Whether it may list certificates of other issuers (RFC 5280 section 5.2.5)."""
        return self.distribution is not None and self.distribution.indirect_crl

    def entry_for(self, certificate: x509.Certificate) -> x509.RevokedCertificate | None:
        """Return the entry about *certificate*; raises what cryptography raises where it cannot be read."""
        found = self.crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if found is None or not self.is_indirect:
            return found
        wanted = comparable(certificate.issuer), certificate.serial_number
        issuer = self.issuer
        for entry in self.crl:  # each entry is of the issuer that the last one before it named: section 5.3.3
            named = _find(entry.extensions, x509.CertificateIssuer)
            issuer = _directory_name(named) or issuer if named is not None else issuer
            if (issuer, entry.serial_number) == wanted:
                return entry
        return None

    def reasons_for(self, member: Member) -> Reasons:
        """Return for which reasons it would list *member*; none where it does not speak about it: 6.3.3 (b) and (d)."""
        found: Reasons = frozenset()
        if not self._speaks_about_kind(member):
            return found
        limited = self.distribution.only_some_reasons if self.distribution else None
        for point in _distribution_points(member):
            if self._is_at(point, member):
                found |= (point.reasons or ALL_REASONS) & (limited or ALL_REASONS)
        return found

    def _speaks_about_kind(self, member: Member) -> bool:
        scope = self.distribution
        if scope is None:
            return True
        if scope.only_contains_attribute_certs or (scope.only_contains_user_certs and member.claims_ca):
            return False
        return member.claims_ca or not scope.only_contains_ca_certs

    def _is_at(self, point: x509.DistributionPoint, member: Member) -> bool:
        """Return whether this is the CRL of a certificate's distribution point: section 6.3.3 (b)(1) and (b)(2)(i)."""
        if point.crl_issuer:
            if not self.is_indirect or self.issuer not in _comparable_names(point.crl_issuer):
                return False
        elif self.issuer != comparable(member.certificate.issuer):
            return False
        scope = self.distribution
        if scope is None or not (scope.full_name or scope.relative_name):
            return True
        base = next(iter(_directory_names(point.crl_issuer or ())), member.certificate.issuer)
        ours = _comparable_names(_point_names(scope.full_name, scope.relative_name, self.crl.issuer))
        theirs = _comparable_names(_point_names(point.full_name, point.relative_name, base) or point.crl_issuer or ())
        return bool(ours & theirs)


#: A CRL as it is, or one that was read before, for many questions.
Listed: TypeAlias = x509.CertificateRevocationList | ListedFacts


def read_once(crls: Iterable[x509.CertificateRevocationList]) -> tuple[Listed, ...]:
    """Return *crls* for many questions; one that cannot be read stays as it is, to be reported."""
    return tuple(map(_read_once, crls))


def _read_once(crl: x509.CertificateRevocationList) -> Listed:
    try:
        return ListedFacts(crl)
    except UNREADABLE:
        return crl


def entry_reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    """Return why a certificate was revoked; None where the entry's reason cannot be read."""
    try:
        found = _find(entry.extensions, x509.CRLReason)
    except UNREADABLE:
        return None
    return x509.ReasonFlags.unspecified if found is None else found.reason


def _problem(crl: x509.CertificateRevocationList) -> str:
    """Return a fragment that says why the CRL cannot tell that anything is good; empty where it can."""
    algorithm = crl.signature_hash_algorithm
    if isinstance(algorithm, _WEAK_HASHES):
        return f"is signed with {algorithm.name.upper()}, which can be forged [CA/B Forum BR 7.1.3.2]"
    for extension in crl.extensions:
        if extension.critical and extension.oid == ExtensionOID.CRL_NUMBER:
            return "has a critical cRLNumber, which must not be critical [RFC 5280 5.2.3]"
        if extension.critical and extension.oid not in _PROCESSED:
            return "has a critical extension that is not understood here [RFC 5280 5.2]"
    if _TRUE in _entries(crl) and any(_is_beyond_us(entry) for entry in crl):
        return "has an entry with a critical extension that is not understood here [RFC 5280 5.3]"
    return ""


def _entries(crl: x509.CertificateRevocationList) -> bytes:
    """Return revokedCertificates in DER; empty where there are none (RFC 5280 section 5.1)."""
    fields = Reader.whole(crl.tbs_certlist_bytes)
    fields.optional(INTEGER)  # version
    for _ in ("signature", "issuer"):
        fields.next(SEQUENCE)
    while fields.tag in (UTC_TIME, GENERALIZED_TIME):  # thisUpdate, nextUpdate
        fields.next(fields.tag)
    return fields.raw(SEQUENCE) if fields.tag == SEQUENCE else b""


def _is_beyond_us(entry: x509.RevokedCertificate) -> bool:
    return any(extension.critical and extension.oid not in _PROCESSED_IN_ENTRIES for extension in entry.extensions)


# --- distribution points ---------------------------------------------------------------------------------------------


def _distribution_points(member: Member) -> Iterator[x509.DistributionPoint]:
    """Yield those that the certificate names, and last its issuer, where every CA's own CRL is looked for."""
    named = member.find(x509.CRLDistributionPoints)
    yield from named.value if named is not None else ()
    yield x509.DistributionPoint([x509.DirectoryName(member.certificate.issuer)], None, None, None)


def _point_names(
    full: Sequence[x509.GeneralName] | None, relative: x509.RelativeDistinguishedName | None, base: x509.Name
) -> Sequence[x509.GeneralName]:
    if relative is not None:
        return [x509.DirectoryName(x509.Name([*base.rdns, relative]))]
    return full or ()


def _comparable_names(names: Sequence[x509.GeneralName]) -> frozenset[object]:
    return frozenset(comparable(name.value) if isinstance(name, x509.DirectoryName) else name for name in names)


def _directory_names(names: Sequence[x509.GeneralName]) -> list[x509.Name]:
    return [name.value for name in names if isinstance(name, x509.DirectoryName)]


@lru_cache(maxsize=256)
def _directory_name(issuer: x509.CertificateIssuer) -> Comparable | None:
    names = _directory_names(list(issuer))
    return comparable(names[0]) if names else None


def _find(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
