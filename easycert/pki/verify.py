"""Verify a certificate: find its paths, judge them by every rule, and say all that is wrong with the best one.

RFC 5280 section 6 (paths), RFC 9525 (host names), CA/B Forum BR (weak keys and hashes). The rules stand in
:mod:`easycert.pki.rules`, :mod:`easycert.pki.identity` and :mod:`easycert.pki.revocation`. Trust comes only from the
anchors that are passed in, never from the system's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from easycert.errors import VerificationFailed
from easycert.pki.chains import MAX_DEPTH, IssuerPool, climb, find_chains
from easycert.pki.identity import host_mismatch, host_reference, mailbox_mismatch
from easycert.pki.revocation import judge_revocation
from easycert.pki.rules import Path, Purpose, broken_rules, oddities, read_member, shown_subject

__all__ = ["Policy", "Purpose", "Verified", "verify"]


class Policy(NamedTuple):
    """What a certificate is verified against; ``at`` is an aware datetime, ``hostname`` a HostName or plain text."""

    anchors: tuple[x509.Certificate, ...]
    at: datetime
    intermediates: tuple[x509.Certificate, ...] = ()
    purpose: Purpose = Purpose.ANY
    hostname: str | None = None
    email: str | None = None
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    require_crl: bool = False
    max_depth: int = MAX_DEPTH


class Verified(NamedTuple):
    """A good path, leaf first and anchor last, and notes about what was not checked or is unusual."""

    path: tuple[x509.Certificate, ...]
    notes: tuple[str, ...]


class _Verdict(NamedTuple):
    path: tuple[x509.Certificate, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def verify(leaf: x509.Certificate, policy: Policy) -> Verified:
    """Return the first path from *leaf* to an anchor that breaks no rule, the shortest tried first.

    A leaf that is itself an anchor is trusted as it stands; the rules for leaves hold for it all the same. Raises
    VerificationFailed with every broken rule of the path that breaks the fewest, and InvalidSan where the policy's own
    host name or e-mail address is none.
    """
    pool = IssuerPool([*policy.anchors, *policy.intermediates])
    identity = _identity_reasons(leaf, policy)
    verdicts = []
    for chain in find_chains(pool, leaf, policy.anchors, max_depth=policy.max_depth):
        verdict = _judge(chain, policy, identity)
        if not verdict.reasons:
            return Verified(verdict.path, verdict.notes)
        verdicts.append(verdict)
    best = min(verdicts, key=lambda verdict: len(verdict.reasons)) if verdicts else None
    reasons = best.reasons if best else _reasons_without_anchor(pool, leaf, policy, identity)
    raise VerificationFailed(shown_subject(leaf), reasons)


def _judge(chain: Sequence[x509.Certificate], policy: Policy, identity: tuple[str, ...]) -> _Verdict:
    path = _members(chain, policy)
    revocation = judge_revocation(path, policy.crls, policy.at, required=policy.require_crl)
    reasons = (*identity, *broken_rules(path, policy.at, policy.purpose), *revocation.reasons)
    return _Verdict(tuple(chain), reasons, (*_unchecked(policy), *revocation.notes, *oddities(path)))


def _members(chain: Sequence[x509.Certificate], policy: Policy) -> Path:
    return tuple(
        read_member(certificate, is_leaf=not position, is_anchor=certificate in policy.anchors)
        for position, certificate in enumerate(chain)
    )


def _identity_reasons(leaf: x509.Certificate, policy: Policy) -> tuple[str, ...]:
    member = read_member(leaf, is_leaf=True)
    if member.flaws:  # reported as such: whether it has names nobody can tell
        return ()
    names = member.find(x509.SubjectAlternativeName)
    presented = names.value if names else None
    reasons: list[str] = []
    if policy.hostname is not None:
        mismatch = host_mismatch(presented, host_reference(policy.hostname))
        reasons += [f"{mismatch} [RFC 9525 6]"] if mismatch else []
    if policy.email is not None:
        mismatch = mailbox_mismatch(presented, policy.email)
        reasons += [f"{mismatch} [RFC 8550 3]"] if mismatch else []
    return tuple(reasons)


def _unchecked(policy: Policy) -> tuple[str, ...]:
    if policy.purpose is Purpose.SERVER and policy.hostname is None:
        return ("name not checked: no host name was given",)
    return ()


def _reasons_without_anchor(
    pool: IssuerPool, leaf: x509.Certificate, policy: Policy, identity: tuple[str, ...]
) -> tuple[str, ...]:
    """Say where the way up ends, and what else is wrong with the part of the path that there is."""
    chain = climb(pool, leaf)
    path = _members(chain, policy)
    top = path[-1]
    if any(certificate in policy.anchors for certificate in chain):
        end = f"is more than {policy.max_depth} CAs away from a trust anchor [RFC 5280 6.1]"
    else:
        end = f"{top.says(pool.why_no_issuer(top.certificate))} [RFC 5280 6.1.3 (a)]"
    return (end, *identity, *broken_rules(path[: policy.max_depth + 2], policy.at, policy.purpose))
