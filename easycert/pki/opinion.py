"""A second opinion on a path that breaks no rule of ours: cryptography's own verifier (docs/adr/0005).

It was written by others, in another language, for the Web; what it refuses and we accept is either a mistake of ours or
something that it does not know. The latter is told apart beforehand, by looking at the path (:func:`can_judge`), so
that a refusal always counts. What only CAs of the Web must have (key identifiers, say) is not asked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtensionOID
from cryptography.x509.verification import Criticality, ExtensionPolicy

from easycert.errors import Reason, printable
from easycert.pki.chains import is_self_issued
from easycert.pki.der import UTC_TIME
from easycert.pki.dns import IpAddress
from easycert.pki.form import serial_flaws
from easycert.pki.members import Member, Path
from easycert.pki.rules import Purpose
from easycert.pki.signatures import UNREADABLE

_ISSUING_KEYS = (
    rsa.RSAPublicKey,
    ec.EllipticCurvePublicKey,
    mldsa.MLDSA44PublicKey,
    mldsa.MLDSA65PublicKey,
    mldsa.MLDSA87PublicKey,
)
#: AlgorithmIdentifiers in DER that it takes: ECDSA and RSA (with their NULL) with SHA-2 of 256 bits or more, ML-DSA.
_ALGORITHMS = frozenset(
    bytes.fromhex(text)
    for text in (
        *(f"300a06082a8648ce3d0403{last:02x}" for last in (2, 3, 4)),
        *(f"300d06092a864886f70d0101{last:02x}0500" for last in (11, 12, 13)),
        *(f"300b06096086480165030403{last:02x}" for last in (0x11, 0x12, 0x13)),
    )
)
_RSA_KEY = bytes.fromhex("300d06092a864886f70d0101010500")
#: Critical extensions that it does not process.
_BEYOND_IT = frozenset(
    {
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
    }
)
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


class Question(NamedTuple):
    """What the path is wanted for: at an aware instant, for a purpose, by a host's reference name if there is one."""

    at: datetime
    purpose: Purpose
    reference: str | IpAddress | None
    max_depth: int


def second_opinion(path: Path, question: Question) -> tuple[Reason, ...]:
    """Return why cryptography's verifier refuses *path*; nothing where it accepts or cannot judge it."""
    if not can_judge(path):
        return ()
    try:
        _verify(path, question)
    except verification.VerificationError as error:
        said = printable(str(error).partition(" (encountered")[0])
        return (Reason(f"is refused by cryptography's own verifier ({said})", "RFC 5280 6.1"),)
    return ()


def can_judge(path: Path) -> bool:
    """Return whether cryptography's verifier knows everything that is in *path*.

    It takes no issuer with an Edwards key, no SHA-224, no names that are the same only by RFC 5280 section 7.1, no
    GeneralizedTime before 2050 and no leaf of version 1; it counts self-issued CAs, judges the serial number of
    anchors, processes no policies and knows constraints on hosts, addresses and mailboxes only.
    """
    try:
        return all(map(_knows, path)) and all(map(_knows_issuer, path[1:])) and _knows_names(path)
    except UNREADABLE:
        return False


def _knows(member: Member) -> bool:
    certificate, encoded = member.certificate, member.encoded
    if encoded is None or certificate.version is not x509.Version.v3:
        return False
    dates = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    in_form = all((tag == UTC_TIME) == (date.year < 2050) for tag, date in zip(encoded.times, dates, strict=True))
    known = all(extension.oid not in _BEYOND_IT or not extension.critical for extension in member.extensions)
    return in_form and known and (encoded.algorithm in _ALGORITHMS)


def _knows_issuer(issuer: Member) -> bool:
    key = issuer.certificate.public_key()
    if not isinstance(key, _ISSUING_KEYS) or any(serial_flaws(issuer.certificate)):
        return False
    if isinstance(key, rsa.RSAPublicKey) and issuer.encoded and _RSA_KEY not in issuer.encoded.public_key:
        return False
    return issuer.is_anchor or not is_self_issued(issuer.certificate)


def _knows_names(path: Path) -> bool:
    for member, issuer in pairwise(path):
        if member.certificate.issuer.public_bytes() != issuer.certificate.subject.public_bytes():
            return False
    constrained = [found.value for member in path[1:] if (found := member.find(x509.NameConstraints)) is not None]
    if not constrained:
        return True
    bases = [base for one in constrained for base in (*(one.permitted_subtrees or ()), *(one.excluded_subtrees or ()))]
    return all(map(_is_plain_base, bases)) and all(_has_plain_names(member) for member in path)


def _is_plain_base(base: x509.GeneralName) -> bool:
    if isinstance(base, x509.DNSName):
        return re.fullmatch(_HOST, base.value.lower()) is not None
    return isinstance(base, x509.IPAddress | x509.RFC822Name)


def _has_plain_names(member: Member) -> bool:
    names = member.find(x509.SubjectAlternativeName)
    hosts = names.value.get_values_for_type(x509.DNSName) if names is not None else []
    return all(re.fullmatch(_HOST, host.lower().removeprefix("*.")) for host in hosts)


# --- asking ----------------------------------------------------------------------------------------------------------


def _verify(path: Path, question: Question) -> None:
    leaf, between, anchor = path[0], path[1:-1], path[-1]
    reference = _subject(question)
    builder = (
        verification.PolicyBuilder()
        .store(verification.Store([anchor.certificate]))
        .time(question.at.astimezone(UTC).replace(tzinfo=None))
        .max_chain_depth(question.max_depth)
        .extension_policies(
            ca_policy=_authorities(question.purpose, named=reference is not None),
            ee_policy=_leaves(question.purpose, named=reference is not None),
        )
    )
    certificates: Sequence[x509.Certificate] = [member.certificate for member in between]
    if reference is not None:
        builder.build_server_verifier(reference).verify(leaf.certificate, list(certificates))
    else:
        builder.build_client_verifier().verify(leaf.certificate, list(certificates))


def _subject(question: Question) -> x509.DNSName | x509.IPAddress | None:
    """Return the host that it is asked about; None for names that it does not take, which are then left out."""
    reference = question.reference
    if question.purpose is not Purpose.SERVER or reference is None:
        return None
    if isinstance(reference, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return x509.IPAddress(reference)
    return x509.DNSName(reference) if re.fullmatch(_HOST, reference) else None


@lru_cache(maxsize=16)
def _authorities(purpose: Purpose, *, named: bool) -> ExtensionPolicy:
    """Return what it asks of CAs: its own rules, but for what only the Web wants."""
    policy = (
        ExtensionPolicy.webpki_defaults_ca()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_authority)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
        .may_be_present(x509.SubjectKeyIdentifier, Criticality.NON_CRITICAL, None)
        .may_be_present(x509.AuthorityKeyIdentifier, Criticality.NON_CRITICAL, None)
    )
    if purpose is Purpose.CLIENT or (purpose is Purpose.SERVER and named):
        return policy  # it knows these two extended key usages
    return policy.may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)


@lru_cache(maxsize=16)
def _leaves(purpose: Purpose, *, named: bool) -> ExtensionPolicy:
    """Return what it asks of the leaf: whatever the purpose asks for, our own rules have judged."""
    if purpose is Purpose.CA:
        return ExtensionPolicy.permit_all()
    policy = ExtensionPolicy.webpki_defaults_ee()
    if named:
        policy = policy.require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    else:
        policy = policy.may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    return (
        policy.may_be_present(x509.AuthorityKeyIdentifier, Criticality.NON_CRITICAL, None)
        .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, None)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
    )


def _is_authority(_policy: object, _certificate: x509.Certificate, basic: x509.BasicConstraints) -> None:
    if not basic.ca:
        raise ValueError("is not a CA")


def _signs_certificates(_policy: object, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("lacks keyCertSign")
