"""The CRL of a CA that is taken over: its own as it stands where that says everything, else the next one."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from easycert.bookkeeping import Change
from easycert.certdir import CertDir
from easycert.errors import AlreadyExists, IssuerUnusable, Malformed
from easycert.model import Value
from easycert.pki.certificates import authority_issuer
from easycert.pki.crl import Crl, CrlSpec, Revocation, crl_pem, next_number, read_crl, signed_crl
from easycert.pki.facts import authority_ids
from easycert.pki.issuers import require_may_sign_crls
from easycert.pki.profiles import MODERN
from easycert.pki.revision import Revision
from easycert.pki.validity import Validity, When, period
from easycert.store import layout
from easycert.workflows.adopt.cas import ForeignAuthority, crl_age, is_crl_of
from easycert.workflows.adopt.foreign import listed_in, revocations_of


class CrlOutcome(Enum):
    """What becomes of a CA's CRL; the value is the word in output."""

    IMPORTED = "imported"
    HERE = "already here"
    #: A new one was signed, since the one that is there lacks revocations.
    SIGNED = "signed anew"
    #: Revocations are known that no CRL has, and there is no key to sign one with.
    UNSIGNED = "lacks revocations"


class SettledCrl(Value):
    """What becomes of a CRL, how many revocations it has, and which are on none yet.

    *data* are the bytes of the file, or None where it stays as it is or is still to be signed.
    """

    outcome: CrlOutcome
    revoked: int
    number: int
    data: bytes | None = None
    missing: tuple[Revocation, ...] = ()
    base: Crl | None = None


def settle_crl(certdir: CertDir, authority: ForeignAuthority, *, replace: bool) -> SettledCrl | None:
    """Return what becomes of the CRL of *authority*; None where there is none and nothing was revoked.

    Of the CRL that is here and the one that came the later is the base. Nothing that either of them or the index
    revokes is lost. Raises AlreadyExists for a file in its place that this CA did not sign, unless it is to give way.
    """
    here = _here(certdir, authority, replace=replace)
    came = read_crl(authority.crl.data, authority.crl.path) if authority.crl else None
    base = _later(came, here)
    wanted = {item.serial: item for item in (listed_in(here.parsed) if here else ())} | revocations_of(authority)
    missing = tuple(item for item in wanted.values() if base is None or not _has(base, item.serial))
    count, number = len(wanted), crl_age(base.parsed)[0] if base else 0
    if base is None and not missing:
        return None
    if missing:
        outcome = CrlOutcome.SIGNED if may_sign(authority) else CrlOutcome.UNSIGNED
        data = authority.crl.data if authority.crl and base is came and outcome is CrlOutcome.UNSIGNED else None
        return SettledCrl(outcome, count, number, data, missing, base)
    if came and authority.crl and base is came and (here is None or here.der != came.der):
        return SettledCrl(CrlOutcome.IMPORTED, count, number, authority.crl.data)
    return SettledCrl(CrlOutcome.HERE, count, number)


def put_crl(change: Change, authority: ForeignAuthority, settled: SettledCrl, now: datetime) -> int:
    """Stage the CRL in *change*, where its file does not stay as it is; return its number. Raises KeyMismatch."""
    if settled.outcome is CrlOutcome.SIGNED:
        return _sign(change, authority, settled, now)
    if settled.data is not None:
        change.replace(layout.crl(authority.name), settled.data)
    return settled.number


def _sign(change: Change, authority: ForeignAuthority, settled: SettledCrl, now: datetime) -> int:
    assert authority.key is not None
    revision = Revision(settled.base)
    for item in settled.missing:
        revision.revoke(item)
    known = change.ledger.last_crl_number(authority_ids(authority.certificate))
    number = next_number(max(settled.number, known), now)
    spec = CrlSpec(number, _validity(settled.base, now), tuple(revision.entries()))
    encoded = signed_crl(spec, authority_issuer(authority.certificate, authority.key.key))
    change.replace(layout.crl(authority.name), crl_pem(encoded))
    return number


def _validity(base: Crl | None, now: datetime) -> Validity:
    """Return when the next CRL is valid: for as long as the one before it was."""
    if base is None or base.parsed.next_update_utc is None:
        return period(now, MODERN.crl_lifetime)
    return period(now, When(None, base.parsed.next_update_utc - base.parsed.last_update_utc))


def _here(certdir: CertDir, authority: ForeignAuthority, *, replace: bool) -> Crl | None:
    """Return the CRL that has the place already, if it is this CA's."""
    entry = layout.crl(authority.name)
    found = certdir.read(entry)
    if found is None:
        return None
    try:
        crl = read_crl(*found)
        ours = is_crl_of(crl.parsed, authority.certificate)
    except Malformed:
        ours = False
    if ours:
        return crl
    if not replace:
        raise AlreadyExists(found[1])
    return None


def _later(one: Crl | None, other: Crl | None) -> Crl | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda item: crl_age(item.parsed))


def _has(crl: Crl, serial: int) -> bool:
    return crl.parsed.get_revoked_certificate_by_serial_number(serial) is not None


def may_sign(authority: ForeignAuthority) -> bool:
    """Return whether *authority* can sign a CRL: its certificate says so, and its key came along."""
    try:
        require_may_sign_crls(authority.certificate, authority.name)
    except IssuerUnusable:
        return False
    return authority.key is not None
