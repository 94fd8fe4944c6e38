"""The rules for a member of a certification path, given what stands below it (RFC 5280 section 6.1 and others).

A path is judged from the leaf up: whether a CA may stand where it does depends on it and on what is below, so a search
knows at each step whether it is worth going on. RFC 5280 trusts an anchor as it stands; like other verifiers we hold
its certificate to the same rules as any CA's, because a person put it there and wants to know.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from easycert.errors import Reason
from easycert.pki.chains import is_self_issued
from easycert.pki.constraints import breaches
from easycert.pki.form import Findings, broken_form, judged
from easycert.pki.members import Member, Path
from easycert.pki.validity import rfc3339


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
_SHOWN = {Purpose.SERVER: "servers", Purpose.CLIENT: "clients", Purpose.CODE: "code signers"}
#: The key usages of which one is needed, as RFC 5280 section 4.2.1.12 pairs them with extended key usages.
_KEY_USAGES = {
    Purpose.SERVER: ("digitalSignature", "keyEncipherment", "keyAgreement"),
    Purpose.CLIENT: ("digitalSignature", "keyAgreement"),
    Purpose.CODE: ("digitalSignature",),
}
_ATTRIBUTES = {
    "digitalSignature": "digital_signature",
    "keyEncipherment": "key_encipherment",
    "keyAgreement": "key_agreement",
}


#: Names times constraints that are compared for one question: a second of work, for thousands of hostile CAs.
_MOST_COMPARISONS = 500_000
_TOO_MANY = (Reason("has name constraints that are too many to compare", "RFC 5280 6.1.3 (b), (c)"),)


class Judge:
    """Judges members of paths at the instant *at* (aware) for *purpose*; remembers what it has found."""

    def __init__(self, at: datetime, purpose: Purpose, max_depth: int) -> None:
        """At most *max_depth* CAs may stand between leaf and anchor; self-issued ones do not count."""
        self._at = at
        self._purpose = purpose
        self._max_depth = max_depth
        self._alone: dict[tuple[x509.Certificate, bool, bool], tuple[Reason, ...]] = {}
        self._names: dict[tuple[x509.Certificate, x509.Certificate], tuple[Reason, ...]] = {}
        self._comparisons = 0

    def __call__(self, member: Member, below: Path) -> tuple[Reason, ...]:
        """Return every rule that *member* breaks above *below* (leaf first); empty is good."""
        key = member.certificate, member.is_leaf, member.is_anchor
        if key not in self._alone:
            self._alone[key] = self._on_its_own(member)
        found = list(self._alone[key])
        found += judged(_path_length, member, below, self._purpose)
        found += self._name_constraints(member, below)
        about = [member.says(reason) for reason in found]
        return tuple(dict.fromkeys([*about, *self._depth(member, below)]))

    def _on_its_own(self, member: Member) -> tuple[Reason, ...]:
        found = judged(_validity, member, self._at)
        found += broken_form(member)
        if not member.is_leaf or self._purpose is Purpose.CA:
            found += judged(_authority, member)
        if member.is_leaf:
            found += judged(_leaf_usage, member, self._purpose)
        found += judged(_extended_usage, member, self._purpose)
        return tuple(found)

    def _depth(self, member: Member, below: Path) -> Findings:
        """Complain once, at the first CA that is one too many."""
        counts = len(below) > 0 and not member.is_anchor and not is_self_issued(member.certificate)
        if counts and _authorities(below[1:]) == self._max_depth:
            yield Reason(f"is more than {self._max_depth} CAs away from a trust anchor", "RFC 5280 6.1")

    def _name_constraints(self, member: Member, below: Path) -> tuple[Reason, ...]:
        constraints = member.find(x509.NameConstraints)
        if constraints is None:
            return ()
        found: list[Reason] = []
        for other in below:
            if not other.is_leaf and is_self_issued(other.certificate):  # RFC 5280 section 6.1.3 (b)
                continue
            pair = member.certificate, other.certificate
            if pair not in self._names:
                self._comparisons += _comparisons(other, constraints.value)
                enough = self._comparisons > _MOST_COMPARISONS
                self._names[pair] = _TOO_MANY if enough else tuple(judged(_constrained, other, constraints.value))
            found += self._names[pair]
        return tuple(found)


def _authorities(members: Path) -> int:
    return sum(not is_self_issued(member.certificate) for member in members)


def _validity(member: Member, at: datetime) -> Findings:
    instant = at.replace(microsecond=0)  # notAfter is inclusive, and has no fractions: RFC 5280 section 4.1.2.5
    begin, end = member.certificate.not_valid_before_utc, member.certificate.not_valid_after_utc
    if instant > end:
        yield Reason(f"expired on {rfc3339(end)}", "RFC 5280 6.1.3 (a)(2)")
    if instant < begin:
        yield Reason(f"is not valid before {rfc3339(begin)}", "RFC 5280 6.1.3 (a)(2)")


# --- issuers ---------------------------------------------------------------------------------------------------------


def _authority(member: Member) -> Findings:
    basic = member.find(x509.BasicConstraints)
    if member.certificate.version is x509.Version.v1:
        yield Reason("is an X.509 version 1 certificate, which cannot be a CA's", "RFC 5280 6.1.4 (k)")
    elif basic is None and not member.flaws:
        yield Reason("has no basicConstraints, so it is not a CA", "RFC 5280 6.1.4 (k)")
    elif basic is not None and not basic.value.ca:
        yield Reason("is not a CA: its basicConstraints say CA:FALSE", "RFC 5280 6.1.4 (k)")
    usage = member.find(x509.KeyUsage)
    if usage is not None and not usage.value.key_cert_sign:
        yield Reason("may not sign certificates: its keyUsage lacks keyCertSign", "RFC 5280 6.1.4 (n)")


def _path_length(member: Member, below: Path, purpose: Purpose) -> Findings:
    """Count the CAs below; a leaf that is to be used as a CA counts too: what it issues makes it an intermediate."""
    basic = member.find(x509.BasicConstraints)
    if basic is None or basic.value.path_length is None or not below:
        return
    allowed, count = basic.value.path_length, _authorities(below if purpose is Purpose.CA else below[1:])
    if count > allowed:
        rule = f"allows {allowed} CAs below it (pathLenConstraint), not {count}"
        yield Reason(rule, "RFC 5280 4.2.1.9, 6.1.4 (l)")


def _comparisons(other: Member, constraints: x509.NameConstraints) -> int:
    names = other.find(x509.SubjectAlternativeName)
    bases = len(constraints.permitted_subtrees or ()) + len(constraints.excluded_subtrees or ())
    return bases * (1 + (len(list(names.value)) if names else 0))


def _constrained(other: Member, constraints: x509.NameConstraints) -> Findings:
    names = other.find(x509.SubjectAlternativeName)
    for breach in breaches(names.value if names else (), other.certificate.subject, constraints):
        whose = "" if other.is_leaf else f" (in '{other.name}')"
        yield Reason(f"has name constraints that forbid this: {breach}{whose}", "RFC 5280 6.1.3 (b), (c)")


# --- usage -----------------------------------------------------------------------------------------------------------


def _leaf_usage(leaf: Member, purpose: Purpose) -> Findings:
    if purpose not in _USAGES:
        return
    usage, shown = leaf.find(x509.KeyUsage), _SHOWN[purpose]
    if purpose is Purpose.CODE and leaf.find(x509.ExtendedKeyUsage) is None and not leaf.flaws:
        yield Reason("has no extended key usage, which code signers need", "CA/B Forum CSBR 7.1.2.3")
    if leaf.claims_ca:
        yield Reason(f"is a CA certificate, not one for {shown}", "CA/B Forum BR 7.1.2.7.8")
    wanted = _KEY_USAGES[purpose]
    if usage is not None and not any(getattr(usage.value, _ATTRIBUTES[bit]) for bit in wanted):
        yield Reason(f"has a keyUsage without {' or '.join(wanted)}, which {shown} need", "RFC 5280 4.2.1.12")


def _extended_usage(member: Member, purpose: Purpose) -> Findings:
    """Judge the leaf and every CA: a CA that says what it issues for may not issue for anything else."""
    wanted, present = _USAGES.get(purpose), member.find(x509.ExtendedKeyUsage)
    if wanted is None or present is None:  # without the extension any purpose goes: RFC 5280 section 4.2.1.12
        return
    if wanted not in present.value and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in present.value:
        yield Reason(f"has an extended key usage without {wanted._name}", "RFC 5280 4.2.1.12")
