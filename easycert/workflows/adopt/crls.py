"""The CRL of a CA that is taken over: its own as it stands where that says everything, else the next one."""

from __future__ import annotations

from enum import Enum

from easycert.certdir import CertDir
from easycert.errors import AlreadyExists, IssuerUnusable, Malformed
from easycert.model import Value
from easycert.pki.certificates import authority_issuer
from easycert.pki.crl import Crl, Revocation, read_crl
from easycert.pki.issuers import require_may_sign_crls
from easycert.pki.revision import Revision
from easycert.store import layout
from easycert.store.protocol import Transaction
from easycert.workflows.adopt.cas import ForeignAuthority, crl_age, is_crl_of
from easycert.workflows.adopt.foreign import listed_in, revocations_of
from easycert.workflows.authorities import Authority
from easycert.workflows.publish import CrlOptions, Draft, stage


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


def put_crl(certdir: CertDir, files: Transaction, authority: ForeignAuthority, settled: SettledCrl) -> int:
    """Stage the CRL in *files*, where its file does not stay as it is; return its number."""
    if settled.outcome is CrlOutcome.SIGNED:
        return _sign(certdir, files, authority, settled)
    if settled.data is not None:
        files.replace(layout.crl(authority.name), settled.data)
    return settled.number


def _sign(certdir: CertDir, files: Transaction, authority: ForeignAuthority, settled: SettledCrl) -> int:
    assert authority.key is not None
    issuer = authority_issuer(authority.certificate, authority.key.key)
    revision = Revision(settled.base)
    for item in settled.missing:
        revision.revoke(item)
    signer = Authority(authority.name, issuer, (authority.certificate,))
    return stage(certdir, files, Draft(signer, revision, certdir.signing_time(), CrlOptions())).number


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
