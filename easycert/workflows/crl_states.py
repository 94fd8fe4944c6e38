"""The CRLs of a directory and how fresh they are; and which CA ought to have one and has none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import Malformed, UnreadableFile
from easycert.pki import crl as crls
from easycert.pki.facts import authority_ids
from easycert.pki.subjects import shown_name
from easycert.pki.validity import is_due
from easycert.store import layout
from easycert.store.layout import Entry
from easycert.workflows.parents import Authority
from easycert.workflows.revoked import Revocations


class CrlState(Enum):
    """How things stand with a CRL."""

    CURRENT = "current"
    #: It is time for the next one, as ``crl --due`` sees it.
    DUE = "due"
    #: The next one should be there by now: whoever looks at it takes no certificate of its CA.
    STALE = "stale"
    NOT_YET_VALID = "not yet valid"
    #: Its CA has revoked something and there is no CRL that says so.
    MISSING = "missing"
    #: No CA that is here signed it.
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"


class CrlStatus(NamedTuple):
    """One CRL: the name of its file or CA, where it lies, and what it says, as far as there is any."""

    name: str
    path: str | None
    state: CrlState
    issuer: str | None = None
    number: int | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    entries: int = 0


def crl_statuses(
    certdir: CertDir, now: datetime, authorities: Sequence[Authority], revoked: Revocations
) -> tuple[CrlStatus, ...]:
    """Return every CRL of the directory by name, then those of *authorities* that lack one though they revoked."""
    signers: set[str] = set()
    present = [_status(certdir, entry, now, authorities, signers) for entry in _entries(certdir)]
    return (*present, *_missing(authorities, revoked, signers))


def _entries(certdir: CertDir) -> list[Entry]:
    try:
        return [entry for entry in certdir.store.entries(layout.CRLS) if entry.suffix == "crl"]
    except UnreadableFile:
        return []


def _status(
    certdir: CertDir, entry: Entry, now: datetime, authorities: Sequence[Authority], signers: set[str]
) -> CrlStatus:
    path = certdir.store.find(entry) or certdir.store.path(entry)
    try:
        crl = crls.load_crl(certdir.store.read(entry) or b"", path)
    except (Malformed, UnreadableFile):
        return CrlStatus(entry.name, path, CrlState.UNREADABLE)
    signed = [one.name for one in authorities if _signed(crl, one.certificate)]
    signers.update(signed)
    state = _freshness(crl, now) if signed else CrlState.FOREIGN
    return CrlStatus(
        name=entry.name,
        path=path,
        state=state,
        issuer=shown_name(crl.issuer),
        number=crls.crl_number(crl) or None,
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        entries=len(crl),
    )


def _signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    from easycert.pki.doctor.files import signer_of

    return signer_of(crl, [authority]) is not None


def _freshness(crl: x509.CertificateRevocationList, now: datetime) -> CrlState:
    begin, end = crl.last_update_utc, crl.next_update_utc
    if end is not None and now > end:
        return CrlState.STALE
    if now < begin:
        return CrlState.NOT_YET_VALID
    return CrlState.DUE if end is None or is_due(begin, end, now) else CrlState.CURRENT


def _missing(authorities: Sequence[Authority], revoked: Revocations, signers: Collection[str]) -> Iterator[CrlStatus]:
    revokers = {issuer_id for issuer_id, _ in revoked}
    for one in authorities:
        if one.name not in signers and revokers.intersection(authority_ids(one.certificate)):
            yield CrlStatus(one.name, None, CrlState.MISSING, shown_name(one.certificate.subject))
