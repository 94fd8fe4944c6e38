"""Certificate policies along a path: RFC 5280 section 6.1 as RFC 9618 simplifies it.

Every policy is acceptable to us, and none is demanded from outside (RFC 5280 section 6.1.1 (c) to (g) at their
defaults). A path then fails only where a CA in it demands that an explicit policy goes through (policyConstraints) and
none does. RFC 9618 replaces the tree, which hostile certificates let grow exponentially (CVE-2023-0464), by a graph;
with every policy acceptable only its lowest level matters: which policies are still valid, and as what they are
expected further down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from easycert.errors import Reason
from easycert.pki.chains import is_self_issued
from easycert.pki.encoded import policy_mappings
from easycert.pki.members import Member, Path

_ANY = "2.5.29.32.0"
_LIMITS = (ExtensionOID.POLICY_CONSTRAINTS, ExtensionOID.POLICY_MAPPINGS, ExtensionOID.INHIBIT_ANY_POLICY)
#: Each valid policy of the lowest level, and the policies that stand for it below.
_Level = Mapping[str, frozenset[str]]


def judge_policies(path: Path) -> tuple[Reason, ...]:
    """Return why the policies of *path* (leaf first, anchor last) are not good enough; the anchor is not looked at."""
    certificates = path[-2::-1]
    if not any(_demands(member) for member in certificates):
        return ()  # without a demand nothing can fail; nearly every path
    state = _State(len(certificates))
    found: list[Reason] = []
    for member in certificates:
        found += [member.says(reason) for reason in state.process(member, is_last=member is certificates[-1])]
    return tuple(found)


def _demands(member: Member) -> bool:
    return any(extension.oid in _LIMITS for extension in member.extensions)


class _State:
    """The state variables of RFC 5280 section 6.1.2, the level of the policy graph among them."""

    def __init__(self, length: int) -> None:
        self._level: _Level = {_ANY: frozenset({_ANY})}
        self._explicit = self._mapping = self._any = length + 1

    def process(self, member: Member, *, is_last: bool) -> Sequence[Reason]:
        """Take the next certificate, and return what is wrong with its policies."""
        self._level = self._next_level(member, is_last=is_last)
        if is_last:
            self._explicit = max(0, self._explicit - 1)
            limits = member.find(x509.PolicyConstraints)
            if limits is not None and limits.value.require_explicit_policy == 0:
                self._explicit = 0
        found: list[Reason] = []
        if not self._level and self._explicit == 0:
            rule = "has no certificate policy that goes through, which a CA above it demands"
            found.append(Reason(rule, "RFC 5280 6.1.3 (f)"))
        if not is_last:
            found += self._map(member)
            self._tighten(member)
        return found

    def _next_level(self, member: Member, *, is_last: bool) -> _Level:
        """Return the policies that are valid for this certificate: section 6.1.3 (d) and (e)."""
        extension = member.find(x509.CertificatePolicies)
        if extension is None:
            return {}
        present = {policy.policy_identifier.dotted_string for policy in extension.value}
        expected: frozenset[str] = frozenset().union(*self._level.values())
        level = {
            policy: frozenset({policy}) for policy in present - {_ANY} if policy in expected or _ANY in self._level
        }
        if _ANY in present and (self._any > 0 or (not is_last and is_self_issued(member.certificate))):
            level.update({policy: frozenset({policy}) for policy in expected if policy not in level})
        return level

    def _map(self, member: Member) -> list[Reason]:
        """Apply the policy mappings of a CA: section 6.1.4 (a) and (b)."""
        der = member.encoded.extensions.get(ExtensionOID.POLICY_MAPPINGS.dotted_string) if member.encoded else None
        if der is None:
            return []
        try:
            pairs = policy_mappings(der)
        except ValueError as error:
            return [Reason(f"has policy mappings that cannot be read ({error})", "RFC 5280 4.2.1.5")]
        if any(_ANY in pair for pair in pairs):
            return [Reason("maps anyPolicy, which must not be mapped", "RFC 5280 6.1.4 (a)")]
        level = dict(self._level)
        for policy in {policy for policy, _ in pairs}:
            if self._mapping == 0:
                level.pop(policy, None)
            elif policy in level or _ANY in level:
                level[policy] = frozenset(below for above, below in pairs if above == policy)
        self._level = level
        return []

    def _tighten(self, member: Member) -> None:
        """Count down and take over what a CA demands: section 6.1.4 (h) to (j)."""
        if not is_self_issued(member.certificate):
            self._explicit = max(0, self._explicit - 1)
            self._mapping = max(0, self._mapping - 1)
            self._any = max(0, self._any - 1)
        limits, inhibit = member.find(x509.PolicyConstraints), member.find(x509.InhibitAnyPolicy)
        if limits is not None and limits.value.require_explicit_policy is not None:
            self._explicit = min(self._explicit, limits.value.require_explicit_policy)
        if limits is not None and limits.value.inhibit_policy_mapping is not None:
            self._mapping = min(self._mapping, limits.value.inhibit_policy_mapping)
        if inhibit is not None:
            self._any = min(self._any, inhibit.value.skip_certs)
