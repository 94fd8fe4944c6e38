"""Whether CRLs say that a certificate of a path is revoked (RFC 5280 section 6.3.3).

A CRL counts only when its signature is that of the CA of the path, or of a key that the same trust anchor vouches for:
the name alone proves nothing (cfssl once trusted CRLs that nobody had signed). A listed certificate is revoked even
where the CRL is stale or otherwise unfit; that a certificate is *not* listed says something only while the CRL is
fresh, speaks about it, and for the reasons that it covers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from easycert.errors import Reason
from easycert.pki.chains import authority_key_id, subject_key_id
from easycert.pki.crl_scope import ALL_REASONS, Listed, ListedFacts, Reasons, entry_reason
from easycert.pki.distinguished import comparable
from easycert.pki.members import Member, Path
from easycert.pki.signatures import UNREADABLE
from easycert.pki.subjects import shown_name
from easycert.pki.validity import rfc3339

#: Whether an anchor vouches for a signer of a CRL: dear, and asked only where its key made the signature.
Vouched = Callable[[], bool]
#: Certificates called like the issuer of a CRL that may have signed it in the CA's stead; given the path above a leaf.
Signers = Callable[[x509.CertificateRevocationList, Path], Iterable[tuple[x509.Certificate, Vouched]]]
#: Signatures of CRLs that are checked with other keys than the CA's own: forged ones and look-alikes cost no more.
_MOST_SIGNATURE_CHECKS = 512


class Findings(NamedTuple):
    """What CRLs say about a path: ``reasons`` to refuse it, and ``notes`` about what was not checked and why."""

    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]


class _Usable(NamedTuple):
    """An authentic CRL that speaks about a certificate, for which reasons, and the delta CRL that goes with it."""

    facts: ListedFacts
    covered: Reasons
    delta: ListedFacts | None = None

    @property
    def newest(self) -> ListedFacts:
        return self.delta or self.facts


class _Sorted(NamedTuple):
    """The CRLs that concern one certificate: ``fit`` to tell that it is good, ``unfit`` for that, and notes on both."""

    fit: tuple[_Usable, ...]
    unfit: tuple[ListedFacts, ...]
    notes: tuple[str, ...]


class Revocations:
    """CRLs at hand, asked about one path after the other at the instant *at*."""

    def __init__(self, crls: Iterable[Listed], at: datetime, signers: Signers | None = None) -> None:
        """Read *crls*; *signers* finds who else than a CA itself may have signed for it."""
        self._at = at
        self._signers = signers or (lambda _crl, _path: ())
        self._unreadable: list[Listed] = []
        self._facts: list[ListedFacts] = []
        self._checks = 0
        self._flaws: dict[tuple[int, tuple[x509.Certificate, ...]], str] = {}
        for crl in crls:
            try:
                self._facts.append(crl if isinstance(crl, ListedFacts) else ListedFacts(crl))
            except UNREADABLE:
                self._unreadable.append(crl)

    def judge(self, path: Path, *, required: bool) -> Findings:
        """Return what the CRLs say about every member of *path* but the anchor.

        An unknown status (no CRL, a stale one) is a reason where CRLs are *required*, else a note.
        """
        reasons: list[Reason] = []
        notes: list[str] = [f"a CRL was ignored: it {_UNDECODABLE}" for _ in self._unreadable]
        for position, member in enumerate(path[:-1]):
            revoked, unknown, remarks = self._status(member, path[position + 1 :])
            notes += remarks
            if revoked is not None:
                reasons.append(member.says(revoked))
            elif unknown and required:
                reasons.append(member.says(Reason(f"has the status unknown ({unknown})", "RFC 5280 6.3")))
            elif unknown.startswith("no CRL"):
                notes.append(f"{unknown}: revocation not checked")
            elif unknown:
                notes.append(f"status unknown ({unknown}) [RFC 5280 6.3]")
        return Findings(tuple(reasons), tuple(dict.fromkeys(notes)))

    def _status(self, member: Member, above: Path) -> tuple[Reason | None, str, tuple[str, ...]]:
        """Return why *member* is revoked, else why that is not known, and notes; its issuer is the first *above* it."""
        try:
            found = self._sorted(member, above)
            revoked = self._listed(member, found)
            return revoked, "" if revoked else self._unknown(above[0], found.fit), found.notes
        except UNREADABLE:  # an entry, or the serial number looked for
            return Reason("cannot be looked up in the CRL of its issuer", "RFC 5280 6.3.3 (i)"), "", ()

    # --- which CRLs count --------------------------------------------------------------------------------------------

    def _sorted(self, member: Member, above: Path) -> _Sorted:
        fit: list[_Usable] = []
        unfit: list[ListedFacts] = []
        notes: list[str] = []
        for facts in self._relevant(member):
            flaw = self._signature_flaw(facts, above)
            covered = frozenset() if flaw or facts.problem else facts.reasons_for(member)
            if flaw or facts.problem:
                notes.append(f"a CRL of '{shown_name(facts.crl.issuer)}' was ignored: it {flaw or facts.problem}")
            if covered:
                fit.append(_Usable(facts, covered))
            elif not flaw:
                unfit.append(facts)
        deltas = [usable.facts for usable in fit if usable.facts.is_delta]
        complete = [usable for usable in fit if not usable.facts.is_delta]
        current = tuple(self._with_delta(usable, deltas) for usable in self._in_force(complete))
        loose = [delta for delta in deltas if all(usable.delta is not delta for usable in current)]
        return _Sorted(current, (*unfit, *self._not_overtaken(loose, current)), tuple(notes))

    def _relevant(self, member: Member) -> Iterator[ListedFacts]:
        """Yield the CRLs of the certificate's issuer, and those of whoever its distribution points name instead."""
        points = member.find(x509.CRLDistributionPoints)
        names = [name for point in (points.value if points else ()) for name in point.crl_issuer or ()]
        issuers = {comparable(name.value) for name in names if isinstance(name, x509.DirectoryName)}
        issuers.add(comparable(member.certificate.issuer))
        return (facts for facts in self._facts if facts.issuer in issuers)

    def _signature_flaw(self, facts: ListedFacts, above: Path) -> str:
        question = id(facts), tuple(member.certificate for member in above)
        if question not in self._flaws:
            self._flaws[question] = self._find_signature_flaw(facts, above)
        return self._flaws[question]

    def _find_signature_flaw(self, facts: ListedFacts, above: Path) -> str:
        issuer = above[0].certificate
        flaw = "was signed by nobody whom the trust anchor vouches for [RFC 5280 6.3.3 (f)]"
        if facts.issuer == comparable(issuer.subject):
            flaw = _flaw(facts, issuer)
        if flaw and self._signed_by_another(facts, above):
            return ""
        if self._checks >= _MOST_SIGNATURE_CHECKS:
            return f"has no signer that was found within {_MOST_SIGNATURE_CHECKS} signature checks [RFC 5280 6.3.3 (f)]"
        return flaw

    def _signed_by_another(self, facts: ListedFacts, above: Path) -> bool:
        for signer, vouched in self._signers(facts.crl, above):
            if self._checks >= _MOST_SIGNATURE_CHECKS:
                return False
            self._checks += 1
            if not _flaw(facts, signer) and vouched():
                return True
        return False

    def _in_force(self, usable: Sequence[_Usable]) -> list[_Usable]:
        """Return the newest CRL of each scope, none from the future where there is another."""
        best: dict[object, _Usable] = {}
        for candidate in usable:
            scope = candidate.facts.distribution
            key = candidate.facts.issuer, scope.public_bytes() if scope is not None else b""
            if key not in best or self._age(candidate.facts) > self._age(best[key].facts):
                best[key] = candidate
        return list(best.values())

    def _age(self, facts: ListedFacts) -> tuple[bool, datetime, int]:
        return facts.crl.last_update_utc <= self._at, facts.crl.last_update_utc, facts.number or 0

    def _with_delta(self, usable: _Usable, deltas: Sequence[ListedFacts]) -> _Usable:
        """Return a complete CRL with the newest delta CRL that goes with it: RFC 5280 section 5.2.4."""
        fitting = [delta for delta in deltas if _brings_up_to_date(delta, usable.facts) and self._has_begun(delta)]
        return usable._replace(delta=max(fitting, key=self._age)) if fitting else usable

    def _has_begun(self, facts: ListedFacts) -> bool:
        return facts.crl.last_update_utc <= self._at

    def _not_overtaken(self, deltas: Sequence[ListedFacts], current: Sequence[_Usable]) -> Iterator[ListedFacts]:
        newest = max((usable.newest.crl.last_update_utc for usable in current), default=None)
        return (delta for delta in deltas if newest is None or delta.crl.last_update_utc > newest)

    # --- what they say -----------------------------------------------------------------------------------------------

    def _listed(self, member: Member, found: _Sorted) -> Reason | None:
        """Return why and when *member* was revoked; None where no CRL in force lists it.

        An older CRL than the one in force does not count, since a hold can be lifted. One from the future does (clocks
        differ), unless it says that the certificate was still good at the instant.
        """
        for usable in found.fit:
            for facts in (usable.delta, usable.facts):
                entry = facts.entry_for(member.certificate) if facts is not None else None
                if entry is None or facts is None:
                    continue
                if entry_reason(entry) is x509.ReasonFlags.remove_from_crl:
                    break  # the delta CRL takes back what the complete one says: section 6.3.3 (k)
                if self._counts(entry, facts):
                    return _revoked(entry)
                break
        for facts in found.unfit:
            entry = facts.entry_for(member.certificate)
            lifted = entry is not None and entry_reason(entry) is x509.ReasonFlags.remove_from_crl
            if entry is not None and not lifted and self._counts(entry, facts):
                return _revoked(entry)
        return None

    def _counts(self, entry: x509.RevokedCertificate, facts: ListedFacts) -> bool:
        return entry.revocation_date_utc <= self._at or facts.crl.last_update_utc <= self._at

    def _unknown(self, issuer: Member, usable: Sequence[_Usable]) -> str:
        """Return why the CRLs do not tell that a certificate they do not list is good; empty when they do."""
        if not usable:
            return f"no CRL of '{issuer.name}'"
        flaws = [self._not_fresh(issuer, each) for each in usable]
        fresh = (each.covered for each, flaw in zip(usable, flaws, strict=True) if not flaw)
        covered: Reasons = frozenset().union(*fresh)
        if covered >= ALL_REASONS:
            return ""
        return next(filter(None, flaws), f"the CRLs of '{issuer.name}' leave out some reasons")

    def _not_fresh(self, issuer: Member, usable: _Usable) -> str:
        """Return why neither the CRL nor the delta CRL that brings it up to date is fresh; empty when one is."""
        flaws = [self._out_of_date(issuer, facts) for facts in (usable.delta, usable.facts) if facts is not None]
        return "" if "" in flaws else flaws[0]

    def _out_of_date(self, issuer: Member, facts: ListedFacts) -> str:
        start, end = facts.crl.last_update_utc, facts.crl.next_update_utc
        if start > self._at:
            return f"CRL of '{issuer.name}' not valid before {rfc3339(start)}"
        if end is None:
            return f"CRL of '{issuer.name}' without nextUpdate: it may be of any age"
        if self._at > end:
            return f"CRL of '{issuer.name}' stale since {rfc3339(end)}"
        return ""


_UNDECODABLE = "cannot be decoded [RFC 5280 5.1]"


def judge_revocation(path: Path, crls: Sequence[Listed], at: datetime, *, required: bool) -> Findings:
    """Return what *crls* say at the instant *at* about every member of *path* but the anchor."""
    return Revocations(crls, at).judge(path, required=required)


def _flaw(facts: ListedFacts, signer: x509.Certificate) -> str:
    """Return a fragment that says why *signer* did not, or must not, sign this CRL; empty where it may and did."""
    if not facts.is_signed_by(signer):
        named, held = authority_key_id(facts.crl), subject_key_id(signer)
        if named is not None and held is not None and named != held:
            return "is of another key (its authorityKeyIdentifier says so) [RFC 5280 6.3.3 (c)]"
        return "has a signature that was not made by this CA's key [RFC 5280 6.3.3 (g)]"
    try:
        usage = signer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    except UNREADABLE:
        return "was signed by a certificate that cannot be decoded [RFC 5280 6.3.3 (f)]"
    return "" if usage.crl_sign else "was signed by a key whose keyUsage lacks cRLSign [RFC 5280 6.3.3 (f)]"


def _brings_up_to_date(delta: ListedFacts, complete: ListedFacts) -> bool:
    """Return whether a delta CRL goes with a complete one: same issuer and scope, numbers that meet (6.3.3 (c))."""
    if delta.issuer != complete.issuer or delta.distribution != complete.distribution:
        return False
    if authority_key_id(delta.crl) != authority_key_id(complete.crl):
        return False
    numbers = delta.base_number, complete.number, delta.number
    return None not in numbers and numbers[0] <= numbers[1] < numbers[2]  # type: ignore[operator]


def _revoked(entry: x509.RevokedCertificate) -> Reason:
    found = entry_reason(entry)
    why = "unreadable reason" if found is None else found.value
    return Reason(f"was revoked on {rfc3339(entry.revocation_date_utc)} ({why})", "RFC 5280 6.3.3 (i)")
