"""The rules for a certification path, each a function that yields what breaks it (RFC 5280 section 6.1 and others).

A path is a tuple of :class:`Member`, the leaf first and the trust anchor last. RFC 5280 trusts an anchor as it stands;
like other verifiers we hold its certificate to the same rules as any CA's, because a person put it there and wants to
know. A finding is a sentence fragment that ends with its source in brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

from easycert.errors import WeakKey, printable
from easycert.pki.chains import UNREADABLE, is_self_issued, subject_bytes
from easycert.pki.constraints import breaches
from easycert.pki.keys import require_strong
from easycert.pki.subjects import shown_name
from easycert.pki.validity import rfc3339

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class Purpose(Enum):
    """What the leaf is to be used for; the value is the word on the command line."""

    SERVER = "server"
    CLIENT = "client"
    CODE = "code"
    CA = "ca"
    ANY = "any"


_USAGES: dict[Purpose, ObjectIdentifier] = {
    Purpose.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
    Purpose.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
    Purpose.CODE: ExtendedKeyUsageOID.CODE_SIGNING,
}
#: Critical extensions that these rules, or the path building, take into account. Certificate policies are: every policy
#: is acceptable (RFC 5280 section 6.1.1 (c)); a demand for one (policyConstraints) is not, and fails when critical.
_PROCESSED = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    }
)
_WEAK_HASHES = (hashes.MD5, hashes.SHA1)


class Member(NamedTuple):
    """A certificate of a path; ``name`` is its subject, ``flaws`` say what of it cannot be read."""

    certificate: x509.Certificate
    name: str
    is_leaf: bool
    is_anchor: bool
    extensions: x509.Extensions
    flaws: tuple[str, ...]

    def find(self, kind: type[_Extension]) -> x509.Extension[_Extension] | None:
        """Return the extension of this kind, or None."""
        try:
            return self.extensions.get_extension_for_class(kind)
        except x509.ExtensionNotFound:
            return None

    def says(self, fragment: str) -> str:
        """Return *fragment* as it stands for the leaf, with the name of its CA before it for any other member."""
        return fragment if self.is_leaf else f"its CA '{self.name}' {fragment}"


Path = tuple[Member, ...]
_Findings = Iterator[str]


def read_member(certificate: x509.Certificate, *, is_leaf: bool, is_anchor: bool = False) -> Member:
    """Read what the rules need of a certificate; what cannot be decoded becomes a flaw, never an exception."""
    flaws = []
    try:
        extensions = certificate.extensions
    except UNREADABLE as error:
        extensions = x509.Extensions([])
        flaws.append(f"has extensions that cannot be read ({_told(error)}) [RFC 5280 4.2]")
    if subject_bytes(certificate) is None:
        flaws.append("has a subject that cannot be read [RFC 5280 4.1.2.6]")
    return Member(certificate, shown_subject(certificate), is_leaf, is_anchor, extensions, tuple(flaws))


def shown_subject(certificate: x509.Certificate) -> str:
    """Return the subject for a person to read, whatever the certificate holds."""
    try:
        return shown_name(certificate.subject)
    except UNREADABLE:
        return "(unreadable subject)"


def broken_rules(path: Path, at: datetime, purpose: Purpose) -> tuple[str, ...]:
    """Return every rule that *path* breaks at the instant *at* (aware) for *purpose*; empty is good."""
    found = [member.says(flaw) for member in path for flaw in member.flaws]
    for member in path:
        found += _judged(_serial_number, member)
        found += _judged(_validity, member, at)
        found += _judged(_critical_extensions, member)
        found += _judged(_public_key, member)
        found += _judged(_signature_hash, member)
    for member in path[1:] if purpose is not Purpose.CA else path:
        found += _judged(_authority, member)
    found += _judged(_leaf_usage, path[0], purpose)
    for position, member in enumerate(path):
        found += _judged(_path_length, member, path[:position], purpose)
        found += _judged(_name_constraints, member, path[:position])
        found += _judged(_extended_usage, member, purpose)
    return tuple(dict.fromkeys(found))


def oddities(path: Path) -> tuple[str, ...]:
    """Return what RFC 5280 asks of CAs and common software (Synapse's too) leaves out: a note, no reason to fail."""
    found = ((member, tuple(_missing(member))) for member in path[1:])
    return tuple(member.says(f"lacks what RFC 5280 asks of a CA: {', '.join(odd)}") for member, odd in found if odd)


def _missing(member: Member) -> _Findings:
    basic = member.find(x509.BasicConstraints)
    if basic is not None and not basic.critical:
        yield "critical basicConstraints [4.2.1.9]"
    if member.find(x509.KeyUsage) is None:
        yield "keyUsage [4.2.1.3]"
    if member.find(x509.SubjectKeyIdentifier) is None:
        yield "subjectKeyIdentifier [4.2.1.2]"


def _judged(rule: Callable[..., _Findings], member: Member, *facts: object) -> list[str]:
    try:
        return [member.says(finding) for finding in rule(member, *facts)]
    except UNREADABLE as error:
        return [member.says(f"cannot be decoded ({_told(error)}) [RFC 5280 4.1]")]


def _told(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}".partition("\n")[0])


# --- each certificate on its own -------------------------------------------------------------------------------------


def _serial_number(member: Member) -> _Findings:
    if member.certificate.serial_number <= 0:
        yield "has a serial number that is not positive [RFC 5280 4.1.2.2]"


def _validity(member: Member, at: datetime) -> _Findings:
    instant = at.replace(microsecond=0)  # notAfter is inclusive, and has no fractions: RFC 5280 section 4.1.2.5
    if instant > member.certificate.not_valid_after_utc:
        yield f"expired on {rfc3339(member.certificate.not_valid_after_utc)} [RFC 5280 6.1.3 (a)(2)]"
    if instant < member.certificate.not_valid_before_utc:
        yield f"is not valid before {rfc3339(member.certificate.not_valid_before_utc)} [RFC 5280 6.1.3 (a)(2)]"


def _critical_extensions(member: Member) -> _Findings:
    for extension in member.extensions:
        if extension.critical and extension.oid not in _PROCESSED:
            known = "" if extension.oid._name == "Unknown OID" else f" ({extension.oid._name})"
            yield f"has the critical extension {extension.oid.dotted_string}{known}, not understood here [RFC 5280 4.2]"


def _public_key(member: Member) -> _Findings:
    try:
        require_strong(member.certificate.public_key(), member.name)
    except WeakKey as weak:
        yield f"has a key that is not good enough: {weak.reason} [CA/B Forum BR 6.1.5]"


def _signature_hash(member: Member) -> _Findings:
    if member.is_anchor:  # nobody relies on its signature
        return
    algorithm = member.certificate.signature_hash_algorithm
    if isinstance(algorithm, _WEAK_HASHES):
        yield f"is signed with {algorithm.name.upper()}, which can be forged [CA/B Forum BR 7.1.3.2]"


# --- issuers ---------------------------------------------------------------------------------------------------------


def _authority(member: Member) -> _Findings:
    basic = member.find(x509.BasicConstraints)
    if member.certificate.version is x509.Version.v1:
        yield "is an X.509 version 1 certificate, which cannot be a CA's [RFC 5280 6.1.4 (k)]"
    elif basic is None and not member.flaws:
        yield "has no basicConstraints, so it is not a CA [RFC 5280 6.1.4 (k)]"
    elif basic is not None and not basic.value.ca:
        yield "is not a CA: its basicConstraints say CA:FALSE [RFC 5280 6.1.4 (k)]"
    usage = member.find(x509.KeyUsage)
    if usage is not None and not usage.value.key_cert_sign:
        yield "may not sign certificates: its keyUsage lacks keyCertSign [RFC 5280 6.1.4 (n)]"


def _path_length(member: Member, below: Path, purpose: Purpose) -> _Findings:
    """Count the CAs below; a leaf that is to be used as a CA counts too: what it issues makes it an intermediate."""
    basic = member.find(x509.BasicConstraints)
    if basic is None or basic.value.path_length is None or not below:
        return
    authorities = below if purpose is Purpose.CA else below[1:]
    count = sum(not is_self_issued(authority.certificate) for authority in authorities)
    if count > basic.value.path_length:
        allowed = basic.value.path_length
        yield f"allows {allowed} CAs below it (pathLenConstraint), not {count} [RFC 5280 4.2.1.9, 6.1.4 (l)]"


def _name_constraints(member: Member, below: Path) -> _Findings:
    constraints = member.find(x509.NameConstraints)
    if constraints is None:
        return
    for other in below:
        if is_self_issued(other.certificate) and not other.is_leaf:  # RFC 5280 section 6.1.3 (b)
            continue
        names = other.find(x509.SubjectAlternativeName)
        found = breaches(names.value if names else (), other.certificate.subject, constraints.value)
        for breach in found:
            whose = "" if other.is_leaf else f" (in '{other.name}')"
            yield f"has name constraints that forbid this: {breach}{whose} [RFC 5280 6.1.3 (b), (c)]"


# --- usage -----------------------------------------------------------------------------------------------------------


def _leaf_usage(leaf: Member, purpose: Purpose) -> _Findings:
    if purpose not in _USAGES:
        return
    basic, usage = leaf.find(x509.BasicConstraints), leaf.find(x509.KeyUsage)
    if purpose is Purpose.CODE and leaf.find(x509.ExtendedKeyUsage) is None and not leaf.flaws:
        yield "has no extended key usage, which code signers need [CA/B Forum CSBR 7.1.2.3]"
    if basic is not None and basic.value.ca:
        yield f"is a CA certificate, not one for {_shown(purpose)} [CA/B Forum BR 7.1.2.7.8]"
    if usage is not None and not usage.value.digital_signature:
        yield f"has a keyUsage without digitalSignature, which {_shown(purpose)} need [RFC 8446 4.4.2.2]"


def _extended_usage(member: Member, purpose: Purpose) -> _Findings:
    """Judge the leaf and every CA: a CA that says what it issues for may not issue for anything else."""
    wanted, present = _USAGES.get(purpose), member.find(x509.ExtendedKeyUsage)
    if wanted is None or present is None:  # without the extension any purpose goes: RFC 5280 section 4.2.1.12
        return
    if wanted not in present.value and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in present.value:
        yield f"has an extended key usage without {wanted._name} [RFC 5280 4.2.1.12]"


def _shown(purpose: Purpose) -> str:
    return {Purpose.SERVER: "servers", Purpose.CLIENT: "clients", Purpose.CODE: "code signers"}[purpose]
