"""The next CRL of a CA: what the one before it, and the ledger, make of it; shared by all that publish and revoke.

Both remember what is revoked, and each makes good what the other has lost: a CRL that was deleted, or restored from an
older state, gets back what the ledger knows; what another tool put on the CRL is recorded in the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from cryptography import x509

from easycert.bookkeeping import Change
from easycert.certdir import CertDir
from easycert.errors import InvalidInput
from easycert.ledger.entries import Event, read_instant, written_instant
from easycert.ledger.records import Query
from easycert.model import Kind, Value
from easycert.pki import crl as crls
from easycert.pki.crl import Crl, CrlSpec, Revocation
from easycert.pki.facts import authority_ids
from easycert.pki.issuers import require_may_sign_crls
from easycert.pki.keys import PublicKey
from easycert.pki.names import SafeName
from easycert.pki.revision import Revision, revocation_of
from easycert.pki.validity import BACKDATE, Validity, When, period, rfc3339
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.workflows import authorities
from easycert.workflows.authorities import Authority

#: Entries of a CRL that the ledger lacks and takes in by the way; where there are more, somebody should look first.
_TAKEN_IN_AT_MOST = 1000


class CrlOptions(Value):
    """How the next CRL is to be.

    It is valid until *next_update*; unless that is said, for as long as the site's settings say, else as the one before
    it was, and the first one as long as the site's profile says. *prune* drops the entries of certificates that have
    expired.
    """

    next_update: When | None = None
    prune: bool = False


class Published(Value):
    """A CRL that was written: its CA, absolute path, number and validity, its entries and how many of them are gone."""

    name: SafeName
    path: str
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    pruned: int
    notes: tuple[str, ...]
    #: The CRL in DER, for who wants to put it elsewhere.
    der: bytes


class NextCrl:
    """The next CRL of one CA, within the open *change* in which it will be published."""

    def __init__(self, certdir: CertDir, change: Change, authority: Authority) -> None:
        """Begin with the CRL that is there. Raises Malformed, and Refused for one that the CA did not sign."""
        self.authority = authority
        self.revision = Revision(current(certdir, authority.name, authority.certificate))
        self._certdir = certdir
        self._change = change
        self._ids = authority_ids(authority.certificate)
        self._notes: list[str] = []
        self._make_good()

    def record(self, event: Event, serial: int, *, issuer_id: str = "", **place: str) -> None:
        """Stage the ledger entry that the certificate with this serial number is revoked, as it stands, or no more.

        *issuer_id* is how the certificate names the CA; *place* is its kind, name and fingerprint, as far as they are
        known.
        """
        found = self.revision.find(serial) if event is Event.REVOKED else None
        self._record(event, issuer_id or self._issuer_id(serial), serial, found, place)

    def stage(self, now: datetime, options: CrlOptions) -> Published:
        """Sign the CRL and stage it, and the record of its number, in the change."""
        old, authority = self.revision.old, self.authority
        pruned = self._pruned(now) if options.prune else 0
        known = max(0 if old is None else crls.crl_number(old.parsed), self._change.ledger.last_crl_number(self._ids))
        number = crls.next_number(known, now)
        spec = CrlSpec(number, self._validity(now, options.next_update), tuple(self.revision.entries()))
        encoded = crls.signed_crl(spec, authority.issuer)
        written = x509.load_der_x509_crl(encoded)  # nothing takes the place of a CRL that cannot be read itself
        entry = layout.crl(authority.name)
        self._change.replace(entry, crls.crl_pem(encoded))
        details = (("issuer_id", self._ids[0]), ("number", str(number)))
        self._change.record(Event.PUBLISHED, kind=Kind.CA.value, name=str(authority.name), details=details)
        return Published(
            name=authority.name,
            path=self._certdir.store.path(entry),
            number=number,
            this_update=spec.validity.not_before,
            next_update=spec.validity.not_after,
            entries=len(written),
            pruned=pruned,
            notes=(*self._notes, *_clock_notes(old, now)),
            der=encoded,
        )

    def _record(
        self, event: Event, issuer_id: str, serial: int, found: Revocation | None, place: Mapping[str, str]
    ) -> None:
        details = [("issuer_id", issuer_id), ("serial", even_hex(serial))]
        if found is not None:
            details += [("date", written_instant(found.date)), ("reason", found.reason.value)]
            if found.invalid_since is not None:
                details.append(("invalid_since", written_instant(found.invalid_since)))
        by_ca = {"kind": Kind.CA.value, "name": str(self.authority.name)}
        self._change.record(event, details=tuple(details), **(by_ca | dict(place)))

    def _pruned(self, now: datetime) -> int:
        ends = self._expiries()
        pruned = self.revision.prune(ends)
        old = self.revision.old
        waiting = sum((old is None or old.parsed.last_update_utc <= end) and end < now for end in ends.values())
        if waiting:
            self._notes.append(f"expired since the last CRL, so their entries stay this once: {waiting}")
        return pruned

    def _validity(self, now: datetime, wish: When | None) -> Validity:
        site, old = self._certdir.settings, self.revision.old
        before = None if old is None else _life(old)
        return period(now, wish or site.crl_lifetime or before or site.profile_for().crl_lifetime)

    def _make_good(self) -> None:
        listed = frozenset(crls.serials(crls.revoked_der(self.revision.old)))
        known, lacking = 0, set()
        for text, end in self._change.ledger.revoked_until(self._ids):
            if int(text, 16) in listed:
                known += 1
            elif not self._has_expired(end):
                lacking.add(text)
        if lacking:
            self._restore(lacking)
        if known < len(listed):
            recorded = (int(text, 16) for text, _ in self._change.ledger.revoked_until(self._ids))
            self._take_in(listed.difference(recorded))

    def _restore(self, lacking: Collection[str]) -> None:
        """Put back what the CRL has lost."""
        for item in self._change.ledger.revocations(self._ids):
            if item.serial in lacking:
                self.revision.revoke(Revocation(int(item.serial, 16), read_instant(item.at), reason_named(item.reason)))
        self._notes.append(f"{len(lacking)} revoked in the ledger were not on the CRL; they are again")

    def _take_in(self, unrecorded: frozenset[int]) -> None:
        """Record what another tool put on the CRL."""
        if len(unrecorded) > _TAKEN_IN_AT_MOST:
            self._notes.append(
                f"the ledger lacks {len(unrecorded)} entries of the CRL; easycert ledger rebuild adds them"
            )
        elif unrecorded and self.revision.old is not None:
            for entry in self.revision.old.parsed:
                if entry.serial_number in unrecorded:
                    found = revocation_of(entry)
                    self._record(Event.REVOKED, self._issuer_id(found.serial), found.serial, found, {})

    def _issuer_id(self, serial: int) -> str:
        """Return under which id of the CA the ledger knows the certificate with this serial number, if it does."""
        known = self._change.ledger.records(Query(serial=even_hex(serial)))
        return next((record.issuer_id for record in known if record.issuer_id in self._ids), self._ids[0])

    def _has_expired(self, end: int) -> bool:
        """Return whether what ends then had done so when the CRL was published: it may have been dropped from it."""
        return self.revision.old is not None and 0 < end < self.revision.old.parsed.last_update_utc.timestamp()

    def _expiries(self) -> Mapping[int, datetime]:
        """Return when the certificates that the CA has revoked expire, by serial number, as far as the ledger knows."""
        ends = self._change.ledger.revoked_until(self._ids)
        return {int(text, 16): datetime.fromtimestamp(end, UTC) for text, end in ends if end}


def authority_for_crl(certdir: CertDir, name: SafeName) -> Authority:
    """Return the CA called *name*. Raises MissingAuthority, and IssuerUnusable for one that may sign no CRL."""
    authority = authorities.load(certdir, name)
    require_may_sign_crls(authority.certificate, name)
    return authority


def current(certdir: CertDir, name: SafeName, authority: x509.Certificate) -> Crl | None:
    """Return the CRL in the directory of the CA called *name*; None where there is none yet.

    Raises Malformed, and Refused for one that the key in the certificate *authority* did not sign.
    """
    found = certdir.read(layout.crl(name))
    if found is None:
        return None
    data, source = found
    crl = crls.read_crl(data, source)
    crls.require_issued_by(crl, authority.subject, cast("PublicKey", authority.public_key()), source)
    return crl


def reason_named(text: str) -> x509.ReasonFlags:
    """Return the reason that the ledger calls so; ``unspecified`` for one that nobody knows."""
    try:
        return crls.parse_reason(text)
    except InvalidInput:
        return x509.ReasonFlags.unspecified


def _life(crl: Crl) -> When | None:
    """Return how long *crl* was to be valid when it was made, as :func:`period` would have been told."""
    end = crl.parsed.next_update_utc
    life = end - crl.parsed.last_update_utc - BACKDATE + timedelta(seconds=1) if end else timedelta()
    return When(None, life) if life > timedelta() else None


def _clock_notes(old: Crl | None, now: datetime) -> Iterator[str]:
    if old is not None and now < old.parsed.last_update_utc:
        yield f"the clock is behind: the CRL before this one is of {rfc3339(old.parsed.last_update_utc)}"
