"""What RFC 5280 section 4 asks of each certificate on its own, each rule a function that yields what breaks it.

Section 6 of RFC 5280 judges paths and leaves the form of certificates to CAs. What a CA MUST not do and mainstream
verifiers refuse is refused here (:func:`broken_form`); what only makes a certificate odd, because much that is in use
leaves it out, is a note (:func:`oddities`). ``docs/standards.md`` lists the decisions.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID

from easycert.errors import Reason, WeakKey
from easycert.pki.chains import issuer_name, subject_key_id
from easycert.pki.der import GENERALIZED_TIME
from easycert.pki.encoded import distances
from easycert.pki.keys import RSA_EXPONENT, require_accepted, require_named_curve, require_rsa_size
from easycert.pki.members import Member, told
from easycert.pki.signatures import UNREADABLE
from easycert.pki.weakness import known_weakness

Findings = Iterator[Reason]

#: Critical extensions that these rules, or those of a path, take into account.
_PROCESSED = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
    }
)
#: Extensions that a conforming CA must mark as not critical, by the section that says so.
_NEVER_CRITICAL = {
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER: ("authorityKeyIdentifier", "RFC 5280 4.2.1.1"),
    ExtensionOID.SUBJECT_KEY_IDENTIFIER: ("subjectKeyIdentifier", "RFC 5280 4.2.1.2"),
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS: ("authorityInfoAccess", "RFC 5280 4.2.2.1"),
    ExtensionOID.SUBJECT_INFORMATION_ACCESS: ("subjectInfoAccess", "RFC 5280 4.2.2.2"),
    ExtensionOID.FRESHEST_CRL: ("freshestCRL", "RFC 5280 4.2.1.15"),
}
_WEAK_HASHES = (hashes.MD5, hashes.SHA1)
_SERIAL_OCTETS_MAX = 20
_UTC_TIME_UNTIL = 2049


def broken_form(member: Member) -> tuple[Reason, ...]:
    """Return every rule about single certificates that *member* breaks, and what of it cannot be read."""
    found = list(member.flaws)
    for rule in _RULES:
        found += judged(rule, member)
    return tuple(dict.fromkeys(found))


def judged(rule: Callable[..., Findings], member: Member, *facts: object) -> list[Reason]:
    """Return what *rule* finds; what it cannot decode is a finding, too."""
    found: list[Reason] = []
    try:
        found += rule(member, *facts)
    except UNREADABLE as error:
        found.append(Reason(f"cannot be decoded ({told(error)})", "RFC 5280 4.1"))
    return found


# --- fields ----------------------------------------------------------------------------------------------------------


def _version(member: Member) -> Findings:
    certificate = member.certificate
    if certificate.version is not x509.Version.v1:
        return
    if list(member.extensions):
        yield Reason("has extensions, which only version 3 may have", "RFC 5280 4.1.2.1")
    if member.encoded is not None and member.encoded.unique_ids:
        yield Reason("has a unique identifier, which version 1 may not have", "RFC 5280 4.1.2.8")


def _serial_number(member: Member) -> Findings:
    if member.is_leaf or not member.is_anchor:  # an anchor is a name and a key; old roots have the serial number 0
        yield from serial_flaws(member.certificate)


def serial_flaws(certificate: x509.Certificate) -> Findings:
    """Yield what is wrong with a serial number: it is positive and has 20 octets at most."""
    serial = certificate.serial_number
    if serial <= 0:
        yield Reason("has a serial number that is not positive", "RFC 5280 4.1.2.2")
    elif serial.bit_length() >= 8 * _SERIAL_OCTETS_MAX:
        octets = serial.bit_length() // 8 + 1
        yield Reason(f"has a serial number of {octets} octets; {_SERIAL_OCTETS_MAX} are allowed", "RFC 5280 4.1.2.2")


def _algorithm_fields(member: Member) -> Findings:
    if member.encoded is not None and not member.encoded.algorithms_agree:
        yield Reason("names two different signature algorithms, one inside and one outside", "RFC 5280 4.1.1.2")


def _signature_hash(member: Member) -> Findings:
    if member.is_anchor:  # nobody relies on its signature
        return
    algorithm = member.certificate.signature_hash_algorithm
    if isinstance(algorithm, _WEAK_HASHES):
        yield Reason(f"is signed with {algorithm.name.upper()}, which can be forged", "CA/B Forum BR 7.1.3.2")


def _names(member: Member) -> Findings:
    if issuer_name(member.certificate) == ():
        yield Reason("has an empty issuer", "RFC 5280 4.1.2.4")
    if member.flaws or list(member.certificate.subject):
        return
    names = member.find(x509.SubjectAlternativeName)
    if member.claims_ca:
        yield Reason("is a CA's and has an empty subject", "RFC 5280 4.1.2.6")
    elif names is None:
        yield Reason("names nobody: its subject is empty and it has no subjectAltName", "RFC 5280 4.1.2.6")
    elif not names.critical:
        yield Reason("has an empty subject, but its subjectAltName is not critical", "RFC 5280 4.2.1.6")


def _public_key(member: Member) -> Findings:
    key = member.certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):  # its exponent may be any: BR 6.1.6 asks for an odd one of 3 or more
            require_rsa_size(key, member.name)
        else:
            require_accepted(key, member.name)
        if member.encoded is not None:
            require_named_curve(member.encoded.public_key, member.name)
    except WeakKey as weak:
        yield Reason(f"has a key that is not good enough: {weak.reason}", "CA/B Forum BR 6.1.5")


def known_weaknesses(path: tuple[Member, ...]) -> tuple[Reason, ...]:
    """Return which RSA keys of a finished path are known to be weak: too dear to look for in every candidate."""
    return tuple(
        member.says(Reason(f"has a key that is not good enough: {weakness}", "CA/B Forum BR 6.1.1.3"))
        for member in path
        if (weakness := _weakness(member.certificate))
    )


@lru_cache(maxsize=512)
def _weakness(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except UNREADABLE:
        return ""
    return known_weakness(key.public_numbers().n) if isinstance(key, rsa.RSAPublicKey) else ""


# --- extensions ------------------------------------------------------------------------------------------------------


def _criticality(member: Member) -> Findings:
    for extension in member.extensions:
        if not extension.critical or extension.oid in _PROCESSED:
            continue
        known = "" if extension.oid._name == "Unknown OID" else f" ({extension.oid._name})"
        if extension.oid in _NEVER_CRITICAL:
            name, section = _NEVER_CRITICAL[extension.oid]
            yield Reason(f"has a critical {name}, which must not be critical", section)
        else:
            rule = f"has the critical extension {extension.oid.dotted_string}{known}, not understood here"
            yield Reason(rule, "RFC 5280 4.2")


def _key_usage(member: Member) -> Findings:
    usage = member.find(x509.KeyUsage)
    if usage is None:
        return
    if not any(getattr(usage.value, bit) for bit in _BITS):
        yield Reason("has a keyUsage that allows nothing", "RFC 5280 4.2.1.3")
    if usage.value.key_cert_sign and member.is_leaf and not member.claims_ca:
        yield Reason("is no CA's, but its keyUsage has keyCertSign", "RFC 5280 4.2.1.9")


_BITS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def _path_length(member: Member) -> Findings:
    basic, usage = member.find(x509.BasicConstraints), member.find(x509.KeyUsage)
    if basic is None or basic.value.path_length is None:
        return
    if usage is not None and not usage.value.key_cert_sign:
        yield Reason("has a pathLenConstraint, but its keyUsage lacks keyCertSign", "RFC 5280 4.2.1.9")


def _alternative_names(member: Member) -> Findings:
    names = member.find(x509.SubjectAlternativeName)
    if names is None:
        return
    if not list(names.value):
        yield Reason("has an empty subjectAltName", "RFC 5280 4.2.1.6")
    for name in names.value:
        if isinstance(name, x509.IPAddress) and not isinstance(name.value, _ADDRESSES):
            yield Reason(f"has a network as a subjectAltName ({name.value}), not an address", "RFC 5280 4.2.1.6")
            return


_ADDRESSES = (ipaddress.IPv4Address, ipaddress.IPv6Address)


def _name_constraints(member: Member) -> Findings:
    constraints = member.find(x509.NameConstraints)
    if constraints is None:
        return
    if not member.claims_ca:
        yield Reason("is no CA's, but has name constraints", "RFC 5280 4.2.1.10")
    if not constraints.value.permitted_subtrees and not constraints.value.excluded_subtrees:
        yield Reason("has name constraints that are empty", "RFC 5280 4.2.1.10")
    der = member.encoded.extensions.get(ExtensionOID.NAME_CONSTRAINTS.dotted_string) if member.encoded else None
    if der is not None and distances(der):
        yield Reason("has name constraints with a minimum or maximum", "RFC 5280 4.2.1.10")


def _policies(member: Member) -> Findings:
    found = member.find(x509.CertificatePolicies)
    identifiers = [policy.policy_identifier for policy in found.value] if found else []
    if len(set(identifiers)) != len(identifiers):
        yield Reason("names a certificate policy twice", "RFC 5280 4.2.1.4")


_RULES: tuple[Callable[[Member], Findings], ...] = (
    _version,
    _serial_number,
    _algorithm_fields,
    _names,
    _criticality,
    _public_key,
    _signature_hash,
    _key_usage,
    _path_length,
    _alternative_names,
    _name_constraints,
    _policies,
)


# --- odd, and no reason to refuse ------------------------------------------------------------------------------------


def oddities(path: tuple[Member, ...]) -> tuple[str, ...]:
    """Return what RFC 5280 asks of CAs and common software (Synapse's too) leaves out: a note, no reason to fail."""
    notes = [note(member) for member in path for note in (_dates, _exponent)]
    for member in path[1:]:
        odd = tuple(_missing(member))
        notes.append(member.notes(f"lacks what RFC 5280 asks of a CA: {', '.join(odd)}") if odd else "")
        if member.is_anchor:
            notes += [member.notes(str(flaw)) for flaw in serial_flaws(member.certificate)]
    for member, issuer in pairwise(path):
        notes.append(_key_identifiers(member, issuer))
    return tuple(note for note in notes if note)


def _missing(member: Member) -> Iterator[str]:
    basic, constraints = member.find(x509.BasicConstraints), member.find(x509.NameConstraints)
    if basic is not None and not basic.critical:
        yield "critical basicConstraints [4.2.1.9]"
    if member.find(x509.KeyUsage) is None:
        yield "keyUsage [4.2.1.3]"
    if member.find(x509.SubjectKeyIdentifier) is None:
        yield "subjectKeyIdentifier [4.2.1.2]"
    if constraints is not None and not constraints.critical:
        yield "critical nameConstraints [4.2.1.10]"


def _dates(member: Member) -> str:
    """Tell a GeneralizedTime where a UTCTime belongs; readers MUST take both, so it is no reason to refuse."""
    certificate, times = member.certificate, member.encoded.times if member.encoded else ()
    dates = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    odd = any(tag == GENERALIZED_TIME and date.year <= _UTC_TIME_UNTIL for tag, date in zip(times, dates, strict=False))
    return member.notes("writes a date before 2050 as GeneralizedTime [RFC 5280 4.1.2.5]") if odd else ""


def _exponent(member: Member) -> str:
    """Tell a small exponent: BR 6.1.6 takes 3, and SHOULD has more than 2^16."""
    key = member.certificate.public_key()
    exponent = key.public_numbers().e if isinstance(key, rsa.RSAPublicKey) else RSA_EXPONENT
    return (
        member.notes(f"has the small RSA exponent {exponent} [CA/B Forum BR 6.1.6]") if exponent < RSA_EXPONENT else ""
    )


def _key_identifiers(member: Member, issuer: Member) -> str:
    wanted = member.find(x509.AuthorityKeyIdentifier)
    found = subject_key_id(issuer.certificate)
    if wanted is None or wanted.value.key_identifier is None or found in (None, wanted.value.key_identifier):
        return ""
    return member.notes("has an authorityKeyIdentifier that is not its issuer's [RFC 5280 4.2.1.1]")
