"""Describing the successor of one certificate, and refusing one that must not be signed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import MissingAuthority, RenewalRefused
from easycert.ledger.records import Record
from easycert.model import Kind, Value
from easycert.pki.certificates import Issuer, authority_issuer, key_identifier, new_serial, url_extensions
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.issuers import require_permits_content
from easycert.pki.keys import PrivateKey, PublicKey
from easycert.pki.names import SafeName
from easycert.pki.renewal import Renewal, Terms, can_keep_serial, lifetime, names_by_serial, renewal
from easycert.pki.validity import rfc3339
from easycert.workflows.authorities import Authority
from easycert.workflows.next_crl import authority_for_crl, current
from easycert.workflows.renew.candidates import Candidate, everything
from easycert.workflows.renew.signatories import Signatories, is_self_signed
from easycert.workflows.renew.standing import Revocation, Standing
from easycert.workflows.renew.successor import KeyChoice
from easycert.workflows.renew.values import RenewRequest, Skipped
from easycert.workflows.signing import Draft, Drafter, Order

#: A leaf that is to live exactly as long as its CA is always some seconds younger; nobody wants to hear of that.
_WORTH_SAYING = timedelta(days=1)
#: How the ledger knows a CA that was renewed under the same serial number.
_REISSUE = "reissue"
_COMPROMISED = frozenset(
    flag.value
    for flag in (x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise, x509.ReasonFlags.aa_compromise)
)


class Admitted(Value):
    """A certificate that may be renewed, what the ledger has on it, and the CA that signs (None: it signs itself)."""

    candidate: Candidate
    record: Record | None
    authority: Authority | None


class Planned(Value):
    """A successor that may be signed: in whose place, with which new key (None: the old one), and what to say."""

    candidate: Candidate
    draft: Draft
    choice: KeyChoice
    new_key: PrivateKey | None
    notes: tuple[str, ...]

    @property
    def authority(self) -> Authority | None:
        """The CA that signs; None for a certificate that signs itself."""
        return self.draft.order.authority

    @property
    def revokes(self) -> bool:
        """Whether the old certificate can be revoked: there is a CA to say so, and no CA's file needs it any more."""
        return self.authority is not None and self.candidate.kind is not Kind.CA


class Planner:
    """Plans successors, one after the other, at one time, in one directory."""

    def __init__(self, certdir: CertDir, request: RenewRequest, now: datetime) -> None:
        """Read the CAs of *certdir* and what is known of its certificates."""
        self.signatories = Signatories(certdir, now)
        self._certdir = certdir
        self._request = request
        self._now = now
        self._settings = certdir.settings
        self._drafter = Drafter(self._settings.waivers)
        self._standing = Standing(certdir)
        self._everything: list[Candidate] | None = None
        self._may_revoke: set[SafeName] = set()

    def everything(self) -> list[Candidate]:
        """Return every certificate of the directory that can be read, as it was when this was first asked."""
        if self._everything is None:
            self._everything = list(everything(self._certdir))
        return self._everything

    def admit(self, candidate: Candidate, choice: KeyChoice) -> Admitted | Skipped:
        """Return *candidate* if it may have a successor, with whoever is to sign it, or why it needs none.

        Raises RenewalRefused, and what keeps its CA from signing.
        """
        old = candidate.certificate
        record = self._standing.record(old)
        revoked = self._revocation(old, record)
        if revoked is not None:
            if (self._request.due or candidate.carried) and not self._request.revoked:
                return Skipped(candidate.kind, candidate.name, f"it was revoked on {revoked.at[:10]}")
            self._require_renewable(candidate, revoked, keeps_key=choice.new is None)
        authority = None if is_self_signed(old) else self.signatories.authority_of(old, candidate.name)
        return Admitted(candidate, record, authority)

    def plan(self, admitted: Admitted, choice: KeyChoice, new_key: PrivateKey | None) -> Planned:
        """Return the successor, drafted. Raises RenewalRefused, LintRefused, and what the CA forbids."""
        candidate, authority, record = admitted.candidate, admitted.authority, admitted.record
        old = candidate.certificate
        keeps_serial = self._keeps_serial(candidate, record)
        terms = self._terms(admitted, _itself(candidate, choice, new_key) if authority is None else authority.issuer)
        terms = terms._replace(serial=old.serial_number) if keeps_serial else terms
        made = renewal(old, terms._replace(public_key=new_key.public_key()) if new_key else terms)
        if authority is not None:
            require_permits_content(authority.path, authority.name, made.content)
            self._require_gain(candidate, made, authority)
            self._require_may_revoke(candidate, authority)
        order = Order(
            kind=candidate.kind,
            name=candidate.name,
            tbs=made.tbs,
            issuer=terms.issuer,
            authority=authority,
            origin=_REISSUE if keeps_serial else "renewal",
            profile=record.profile if record else "",
            renewal_of=fingerprint_of(old.public_bytes(Encoding.DER)),
        )
        notes = (
            *choice.notes,
            *_differences(made),
            *_serial_notes(keeps_serial),
            *self._clamping(old, made, authority),
        )
        return Planned(candidate, self._drafter.draft(order), choice, new_key, notes)

    def _terms(self, admitted: Admitted, issuer: Issuer) -> Terms:
        """Return the terms of a successor that keeps its key and has a new serial number."""
        old, authority = admitted.candidate.certificate, admitted.authority
        urls = [] if authority is None else url_extensions(self._settings.urls_for(authority.name))
        return Terms(
            kind=admitted.candidate.kind,
            public_key=cast("PublicKey", old.public_key()),
            issuer=issuer,
            validity=lifetime(old, self._now, authority.not_after if authority else None),
            serial=new_serial(),
            locations=tuple(extension for extension, _ in urls),
        )

    def _revocation(self, old: x509.Certificate, record: Record | None) -> Revocation | None:
        signer = self.signatories.signer(old)
        return self._standing.revocation(old, record, signer[0] if signer else None)

    def _require_renewable(self, candidate: Candidate, revoked: Revocation, *, keeps_key: bool) -> None:
        if not self._request.revoked:
            raise RenewalRefused(candidate.name, f"it was revoked on {revoked.at[:10]} ({revoked.reason})")
        if keeps_key and revoked.reason in _COMPROMISED:
            raise RenewalRefused(
                candidate.name, f"it was revoked for {revoked.reason}: its key must not be certified again"
            )

    def _require_gain(self, candidate: Candidate, made: Renewal, authority: Authority) -> None:
        """Refuse a successor that is due and ends with its CA, no later: it would be made again and again, in vain."""
        if not self._request.due or candidate.carried or self.signatories.has_successor(authority):
            return
        end, latest = made.tbs.validity.not_after, authority.not_after
        if candidate.certificate.not_valid_after_utc >= end >= latest:
            reason = f"the CA '{authority.name}' ends on {rfc3339(latest)}, too; renew the CA first"
            raise RenewalRefused(candidate.name, reason)

    def _require_may_revoke(self, candidate: Candidate, authority: Authority) -> None:
        """Raise what will keep the old certificate from being revoked, before anything is signed."""
        if self._request.revoke_old and candidate.kind is not Kind.CA and authority.name not in self._may_revoke:
            signer = authority_for_crl(self._certdir, authority.name)
            current(self._certdir, signer.name, signer.certificate)
            self._may_revoke.add(authority.name)

    def _keeps_serial(self, candidate: Candidate, record: Record | None) -> bool:
        """Return whether a CA's serial number must stay, since certificates name the CA's certificate by it."""
        old = candidate.certificate
        if candidate.kind is not Kind.CA or not can_keep_serial(old):
            return False
        if (record and record.origin == _REISSUE) or (is_self_signed(old) and names_by_serial(old, old)):
            return True  # it had to before, or what it signed for others, elsewhere, was made the same way as it
        below = (item.certificate for item in self.everything() if item.certificate != old)
        return any(item.issuer == old.subject and names_by_serial(item, old) for item in below)

    def _clamping(self, old: x509.Certificate, made: Renewal, authority: Authority | None) -> tuple[str, ...]:
        end = made.tbs.validity.not_after
        if authority is None or lifetime(old, self._now, None).not_after - end < _WORTH_SAYING:
            return ()
        return (f"valid until {rfc3339(end)} only, when the CA '{authority.name}' expires",)


def _itself(candidate: Candidate, choice: KeyChoice, new_key: PrivateKey | None) -> Issuer:
    """Return the issuer of a certificate that signs itself."""
    if new_key is not None:
        return Issuer(candidate.certificate.subject, key_identifier(new_key.public_key()), new_key)
    if choice.own is not None:
        return authority_issuer(candidate.certificate, choice.own)
    if candidate.kind is Kind.CA:
        raise MissingAuthority(candidate.name, ".key")
    raise RenewalRefused(candidate.name, "it signs itself, and its private key is not here")


def _differences(made: Renewal) -> tuple[str, ...]:
    return (f"kept but for: {'; '.join(made.changes)}",) if made.changes else ()


def _serial_notes(keeps_serial: bool) -> tuple[str, ...]:
    if not keeps_serial:
        return ()
    return ("its serial number is kept: certificates below name it by that, and would not verify under another",)
