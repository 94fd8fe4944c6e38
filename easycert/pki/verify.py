"""Verify a certificate: find its paths, judge them by every rule, and say all that is wrong with the best one.

RFC 5280 section 6 (paths, policies, CRLs), RFC 9525 (host names), CA/B Forum BR (weak keys and hashes). The rules stand
in :mod:`easycert.pki.rules`, :mod:`~easycert.pki.form`, :mod:`~easycert.pki.policies`, :mod:`~easycert.pki.identity`
and :mod:`~easycert.pki.revocation`. Trust comes only from the anchors that are passed in, never from the system's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import NamedTuple

from cryptography import x509

from easycert.errors import Reason, VerificationFailed
from easycert.pki.chains import IssuerPool, authority_key_id, climb, issuer_name, subject_key_id, subject_name
from easycert.pki.crl_scope import Listed
from easycert.pki.distinguished import comparable
from easycert.pki.form import known_weaknesses, oddities
from easycert.pki.identity import host_mismatch, host_reference, mailbox_mismatch
from easycert.pki.members import Path, shown_subject
from easycert.pki.opinion import Question, second_opinion
from easycert.pki.paths import MAX_DEPTH, Ascent, Candidate
from easycert.pki.policies import judge_policies
from easycert.pki.revocation import Revocations
from easycert.pki.rules import Judge, Purpose

__all__ = ["Policy", "Purpose", "Verified", "verify"]

#: Paths that are judged to the end. Real bundles, cross-signed ones too, have a handful.
_MOST_CANDIDATES = 64
#: Paths with broken rules among them: the first is as good as any to tell what is wrong.
_MOST_FAILURES = 8


class Policy(NamedTuple):
    """What a certificate is verified against; ``at`` is an aware datetime, ``hostname`` a HostName or plain text."""

    anchors: tuple[x509.Certificate, ...]
    at: datetime
    intermediates: tuple[x509.Certificate, ...] = ()
    purpose: Purpose = Purpose.ANY
    hostname: str | None = None
    email: str | None = None
    crls: tuple[Listed, ...] = ()
    require_crl: bool = False
    max_depth: int = MAX_DEPTH


class Verified(NamedTuple):
    """A good path, leaf first and anchor last, and notes about what was not checked or is unusual."""

    path: tuple[x509.Certificate, ...]
    notes: tuple[str, ...]


def verify(leaf: x509.Certificate, policy: Policy) -> Verified:
    """Return the first path from *leaf* to an anchor that breaks no rule, the shortest tried first.

    A leaf that is itself an anchor is trusted as it stands; the rules for leaves hold for it all the same. Raises
    VerificationFailed with every broken rule of the path that breaks the fewest, and InvalidSan where the policy's own
    host name or e-mail address is none.
    """
    return _Verification(leaf, policy).result()


class _Verification:
    """One leaf, one policy, and what is learned about the certificates at hand while they are judged."""

    def __init__(self, leaf: x509.Certificate, policy: Policy) -> None:
        self._leaf = leaf
        self._policy = policy
        self._pool = IssuerPool([*policy.anchors, *policy.intermediates])
        self._anchors = frozenset(policy.anchors)
        self._judge = Judge(policy.at, policy.purpose, policy.max_depth)
        self._ascent = Ascent(self._pool, self._anchors, self._judge, policy.max_depth)
        self._reference = host_reference(policy.hostname) if policy.hostname is not None else None
        self._revocations = Revocations(policy.crls, policy.at, self._crl_signers)

    def result(self) -> Verified:
        """Return the good path. Raises VerificationFailed."""
        identity = self._identity_reasons()
        best: tuple[Reason, ...] | None = None
        failures = 0
        for candidate in islice(self._ascent.candidates(self._leaf), _MOST_CANDIDATES):
            reasons, notes = self._completed(candidate)
            if not reasons and not identity:
                reasons = self._second_opinion(candidate)
            if not reasons and not identity:
                certificates = tuple(member.certificate for member in candidate.path)
                return Verified(certificates, (*_unchecked(self._policy), *notes, *oddities(candidate.path)))
            if best is None or len(reasons) < len(best):
                best = reasons
            failures += bool(candidate.broken)
            if identity or failures >= _MOST_FAILURES:
                break
        found = self._without_anchor(identity) if best is None else (*identity, *best)
        raise VerificationFailed(shown_subject(self._leaf), tuple(dict.fromkeys(found)))

    def _completed(self, candidate: Candidate) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
        """Return everything that is wrong with a path, what only the whole path can tell included, and notes."""
        revocation = self._revocations.judge(candidate.path, required=self._policy.require_crl)
        path = candidate.path
        reasons = (*candidate.broken, *known_weaknesses(path), *judge_policies(path), *revocation.reasons)
        return reasons, revocation.notes

    def _second_opinion(self, candidate: Candidate) -> tuple[Reason, ...]:
        policy = self._policy
        question = Question(policy.at, policy.purpose, self._reference, policy.max_depth)
        return second_opinion(candidate.path, question)

    def _identity_reasons(self) -> tuple[Reason, ...]:
        reference, email = self._reference, self._policy.email
        member = self._ascent.member(self._leaf, is_leaf=True)
        if member.flaws:  # reported as such: whether it has names nobody can tell
            return ()
        names = member.find(x509.SubjectAlternativeName)
        presented = names.value if names else None
        mismatches = (
            (host_mismatch(presented, reference) if reference is not None else "", "RFC 9525 6"),
            (mailbox_mismatch(presented, email) if email is not None else "", "RFC 8550 3"),
        )
        return tuple(Reason(mismatch, section) for mismatch, section in mismatches if mismatch)

    def _without_anchor(self, identity: tuple[Reason, ...]) -> tuple[Reason, ...]:
        """Say where the way up ends, and what else is wrong with the part of the path that there is."""
        chain = climb(self._pool, self._leaf)
        path: Path = ()
        broken: list[Reason] = []
        for certificate in chain[: self._policy.max_depth + 2]:
            member = self._ascent.member(certificate, is_leaf=not path)
            broken += self._judge(member, path)
            path = (*path, member)
        if self._ascent.gave_up:
            end = Reason(self._ascent.gave_up, "RFC 5280 6.1")
        elif any(certificate in self._anchors for certificate in chain):
            end = Reason(f"is more than {self._policy.max_depth} CAs away from a trust anchor", "RFC 5280 6.1")
        else:
            top = self._ascent.member(chain[-1], is_leaf=len(chain) == 1)
            end = top.says(Reason(self._pool.why_no_issuer(top.certificate), "RFC 5280 6.1.3 (a)"))
        return (end, *identity, *broken)

    # --- who else may sign CRLs --------------------------------------------------------------------------------------

    def _crl_signers(
        self, crl: x509.CertificateRevocationList, above: Path
    ) -> Iterator[tuple[x509.Certificate, Callable[[], bool]]]:
        """Yield certificates of the CRL's issuer that a trust anchor vouches for: RFC 5280 section 6.3.3 (f).

        For a CA's own CRLs another certificate of that name counts only if the CA itself, or whoever issued the CA's
        certificate, issued it: a namesake somewhere else below the same anchor is not the CA.
        """
        name = comparable(crl.issuer)
        family = [member.certificate for member in above if subject_name(member.certificate) == name]
        kin = {name, *map(issuer_name, family)}
        wanted = authority_key_id(crl)
        for signer in self._pool.called(crl.issuer):
            if wanted is not None and subject_key_id(signer) not in (wanted, None):
                continue
            if signer in family:
                yield signer, lambda: True
            elif not family or issuer_name(signer) in kin:
                yield signer, partial(self._vouched, signer, crl)

    def _vouched(self, signer: x509.Certificate, crl: x509.CertificateRevocationList) -> bool:
        """Return whether *signer* has a path to an anchor on which no other CRL revokes anybody."""
        if signer in self._anchors:
            return True
        judge = Judge(self._policy.at, Purpose.ANY, self._policy.max_depth)
        ascent = Ascent(self._pool, self._anchors, judge, self._policy.max_depth)
        others = Revocations(
            (other for other in self._policy.crls if getattr(other, "crl", other) is not crl), self._policy.at
        )
        for candidate in islice(ascent.candidates(signer), _MOST_FAILURES):
            if not candidate.broken and not others.judge(candidate.path, required=False).reasons:
                return True
        return False


def _unchecked(policy: Policy) -> tuple[str, ...]:
    if policy.purpose is Purpose.SERVER and policy.hostname is None:
        return ("name not checked: no host name was given",)
    return ()
