"""One run of renewals: all that are fine are signed and put in place in one change, the others are told.

CAs come before what they sign, and sign it with their new certificates. What is judged is judged while nobody else can
write, so of two runs at once one renews and the other finds that it was done; only keys are made before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import cast

from cryptography import x509

from easycert.bookkeeping import Change
from easycert.certdir import CertDir
from easycert.errors import EasycertError, LedgerUnusable, StoreBusy, StoreFailure
from easycert.model import Kind, Value
from easycert.pki import certificates, keys
from easycert.pki.keys import PublicKey, public_der
from easycert.pki.validity import rfc3339
from easycert.store import layout
from easycert.workflows.next_crl import CrlOptions
from easycert.workflows.renew.candidates import Candidate, chosen
from easycert.workflows.renew.plan import Planned, Planner
from easycert.workflows.renew.signatories import Signatories, is_self_signed
from easycert.workflows.renew.successor import Successors
from easycert.workflows.renew.values import Failure, Progress, Renewed, RenewRequest, RenewRun, Skipped
from easycert.workflows.revocable import Target
from easycert.workflows.revoke import Why, revoke_within
from easycert.workflows.signing import Draft, sign_drafts

#: Certificates between two reports of progress.
_SIGNED_AT_ONCE = 100
#: What concerns the directory as a whole, not the one name at hand.
_FATAL = (StoreFailure, StoreBusy, LedgerUnusable)
_NOT_FOR_CAS = "what the CA signed is still sent out with it"
_NOBODY = "it signed itself, and nobody could say so"
_Sign = Callable[[Sequence[Draft]], list[x509.Certificate]]
_Made = tuple[Planned, x509.Certificate]


def renew(certdir: CertDir, request: RenewRequest, progress: Progress | None = None) -> RenewRun:
    """Renew what *request* asks for and return what came of it; *progress* hears how far it is.

    What fails on one name is in the result. Raises StoreFailure, StoreBusy, LedgerUnusable and UnsafeDirectory, with
    nothing changed.
    """
    now = certdir.signing_time()
    choice = chosen(certdir, request, now)
    if not choice.candidates:
        return RenewRun((), choice.skipped, choice.failed)
    successors = Successors(certdir, request, keys.generate)
    signatories = Signatories(certdir, now)
    hopeful = [item for item in choice.candidates if signatories.can_sign(item.certificate)]
    successors.prepare(hopeful, progress or _unheard)
    with certdir.change(now) as change:
        work = _Round(certdir, request, now, _Means(successors, lambda drafts: sign_drafts(change, drafts)))
        work.go(choice.candidates, progress or _unheard)
        for planned, certificate in work.made:
            _stage(change, work, planned, certificate)
        if request.revoke_old:
            work.revoke_old(change)
    return work.result(choice.skipped, choice.failed)


def preview(certdir: CertDir, request: RenewRequest) -> RenewRun:
    """Return what :func:`renew` would do; its certificates are signed with throw-away keys, and nothing is written."""
    now = certdir.signing_time()
    choice = chosen(certdir, request, now)
    successors = Successors(certdir, request, cache(keys.generate))
    try:
        work = _Round(certdir, request, now, _Means(successors, lambda drafts: [draft.certificate for draft in drafts]))
        work.go(choice.candidates, _unheard)
    finally:
        certdir.ledger.close()  # what was only read stays as it lies
    return work.result(choice.skipped, choice.failed)


class _Means(Value):
    """What a round works with: the keys of successors, and who signs."""

    successors: Successors
    sign: _Sign


class _Round:
    """The work on one set of candidates."""

    def __init__(self, certdir: CertDir, request: RenewRequest, now: datetime, means: _Means) -> None:
        self.made: list[_Made] = []
        self._certdir = certdir
        self._request = request
        self._planner = Planner(certdir, request, now)
        self._now = now
        self._means = means
        self._skipped: list[Skipped] = []
        self._failed: list[Failure] = []
        self._notes: list[str] = []

    def go(self, candidates: Sequence[Candidate], progress: Progress) -> None:
        """Plan and sign, the CAs first, one below the other."""
        open_ones = {item.place: item for item in candidates}
        seen = set(open_ones)
        while authorities := sorted(
            (item for item in open_ones.values() if item.kind is Kind.CA),
            key=lambda item: self._planner.signatories.level(item.certificate),
        ):
            for candidate in authorities:
                del open_ones[candidate.place]
                self._renew_authority(candidate)
            carriers = [item for item in self._carriers() if item.place not in seen]
            if self._request.cascade:
                open_ones |= {item.place: item for item in carriers}
                seen |= open_ones.keys()
            else:
                self._tell_of(carriers)
        planned = [item for candidate in open_ones.values() if (item := self._planned(candidate))]
        done = 0
        for part in _parts(planned):
            self.made += self._signed(part)
            done += len(part)
            progress("signed certificates", done, len(planned))

    def chain(self, planned: Planned) -> Sequence[x509.Certificate]:
        """Return what stands behind the new certificate in its file."""
        candidate, successors = planned.candidate, self._planner.signatories.successors
        authority = planned.authority
        if candidate.kind is Kind.CA or authority is None:
            return [successors.get(item, item) for item in candidate.chain[1:]]
        presents = candidate.kind in (Kind.HOST, Kind.USER) or len(candidate.chain) > 1
        return authority.intermediates if presents else ()

    def revoke_old(self, change: Change) -> None:
        """Revoke what has a successor now, in the same *change*; a CA's file, and those below it, may go on with it."""
        targets = [
            Target(planned.candidate.certificate, planned.authority.name, *planned.candidate.place)
            for planned, _ in self.made
            if planned.revokes and planned.authority
        ]
        why = Why(x509.ReasonFlags.superseded)
        done = revoke_within(change, self._certdir, targets, why, (self._now, CrlOptions()))
        for published in done.published:
            self._notes += [f"{published.name}: {note}" for note in published.notes]

    def result(self, skipped: Sequence[Skipped], failed: Sequence[Failure]) -> RenewRun:
        """Return what came of it, beside what was known before."""
        renewed = tuple(_renewed(self._certdir, self._request, *made) for made in self.made)
        return RenewRun(renewed, (*skipped, *self._skipped), (*failed, *self._failed), tuple(self._notes))

    def _renew_authority(self, candidate: Candidate) -> None:
        planned = self._planned(candidate)
        if planned is None:
            return
        for _, certificate in (made := self._signed([planned])):
            self._planner.signatories.replace(candidate.certificate, certificate)
            if planned.authority is None:
                end = rfc3339(candidate.certificate.not_valid_after_utc)
                path = self._certdir.store.path(layout.certificate(Kind.CA, candidate.name))
                self._notes.append(f"hand out {path}: who trusts the old certificate does so until {end}")
        self.made += made

    def _planned(self, candidate: Candidate) -> Planned | None:
        """Return the successor of *candidate* if one is to be signed; why not is noted otherwise."""
        try:
            if self._certdir.store.read(layout.certificate(candidate.kind, candidate.name)) != candidate.data:
                self._skipped.append(_overtaken(candidate))
                return None
            choice = self._means.successors.choose(candidate)
            admitted = self._planner.admit(candidate, choice)
            if isinstance(admitted, Skipped):
                self._skipped.append(admitted)
                return None
            return self._planner.plan(admitted, choice, self._means.successors.new_key(candidate, choice))
        except _FATAL:
            raise
        except EasycertError as error:
            self._failed.append(Failure(candidate.kind, candidate.name, error))
            return None

    def _signed(self, planned: Sequence[Planned]) -> list[_Made]:
        """Return *planned*, all of one issuer, with their certificates; none when the issuer cannot sign after all."""
        try:
            made = self._means.sign([item.draft for item in planned])
        except _FATAL:
            raise
        except EasycertError as error:
            self._failed += [Failure(item.candidate.kind, item.candidate.name, error) for item in planned]
            return []
        return list(zip(planned, made, strict=True))

    def _carriers(self) -> list[Candidate]:
        """Return the certificates in whose files an older certificate of a renewed CA stands."""
        successors = self._planner.signatories.successors
        if all(map(is_self_signed, successors)):
            return []  # nobody sends a root
        new = {_identity(item): item for item in successors.values()}
        return [
            item._replace(carried=True)
            for item in self._planner.everything()
            if item.certificate.not_valid_after_utc >= self._now
            and any(new.get(_identity(above), above) != above for above in item.chain[1:])
        ]

    def _tell_of(self, carriers: Sequence[Candidate]) -> None:
        if not carriers:
            return
        first, *others = [f"{item.kind.value} {item.name}" for item in carriers]
        more, them = (f" and {len(others)} more", "them") if others else ("", "it")
        self._notes.append(f"the file of {first}{more} holds the old certificate of the CA; --cascade renews {them}")


def _stage(change: Change, work: _Round, planned: Planned, certificate: x509.Certificate) -> None:
    kind, name = planned.candidate.place
    if planned.new_key is not None:
        pem = keys.private_pem(planned.new_key, traditional=planned.choice.traditional)
        change.replace(layout.key(kind, name), pem, private=True)
    change.replace(layout.certificate(kind, name), certificates.certificate_pem(certificate, *work.chain(planned)))


def _renewed(certdir: CertDir, request: RenewRequest, planned: Planned, certificate: x509.Certificate) -> Renewed:
    kind, name = planned.candidate.place
    key_entry, bundle = layout.key(kind, name), layout.pkcs12(kind, name)
    is_stale = certdir.store.find(bundle) is not None
    notes = [*planned.notes, *([f"{certdir.store.path(bundle)} holds the old one; make it anew"] if is_stale else [])]
    if request.revoke_old and not planned.revokes:
        notes.append("the old certificate is not revoked: " + (_NOT_FOR_CAS if kind is Kind.CA else _NOBODY))
    return Renewed(
        kind=kind,
        name=name,
        old=planned.candidate.certificate,
        certificate=certificate,
        certificate_path=certdir.store.path(layout.certificate(kind, name)),
        key_path=certdir.store.find(key_entry),
        new_key=planned.choice.new is not None,
        old_revoked=request.revoke_old and planned.revokes,
        notes=tuple(notes),
    )


def _identity(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Return what all certificates of one CA have in common: name and key."""
    return certificate.subject.public_bytes(), public_der(cast("PublicKey", certificate.public_key()))


def _unheard(_doing: str, _done: int, _total: int) -> None:
    pass


def _overtaken(candidate: Candidate) -> Skipped:
    return Skipped(candidate.kind, candidate.name, "another command has changed it meanwhile")


def _parts(planned: Sequence[Planned]) -> Iterator[list[Planned]]:
    """Yield *planned* in handy parts, each of one issuer."""
    groups: dict[str | None, list[Planned]] = {}
    for item in planned:
        groups.setdefault(item.authority.name if item.authority else None, []).append(item)
    for group in groups.values():
        for first in range(0, len(group), _SIGNED_AT_ONCE):
            yield group[first : first + _SIGNED_AT_ONCE]
