"""Whether certificates and CRLs in a directory agree with its ledger."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from cryptography import x509

from easycert.adoption import readable_entries, signer_of
from easycert.certdir import CertDir
from easycert.errors import Malformed, UnreadableFile
from easycert.ledger.records import Query, Record, Revocation
from easycert.model import Kind
from easycert.pki import crl as crls
from easycert.pki.certificates import first_der, load_certificate
from easycert.pki.facts import authority_ids, facts_of
from easycert.pki.wording import even_hex, one_line
from easycert.store import layout
from easycert.workflows.findings import REBUILD, Finding, Topic, place

_TAKE_IN = f"{REBUILD} takes it in as it is, if that is right"
_ON_DISK, _KNOWN = 0, 1
_RESTORE = "restore it from a backup"
#: A path as one side has it: the file that is there, or the fingerprint of what the ledger knows there.
_Side: TypeAlias = tuple[str, int, layout.Entry | None, str]
_NAMED_AT_MOST = 3


def has_certificates(certdir: CertDir) -> bool:
    """Return whether there is any certificate file in the directory."""
    return any(True for kind in Kind for _ in _certificates(certdir, kind, []))


def _certificates(certdir: CertDir, kind: Kind, unread: list[tuple[str, str]]) -> Iterator[layout.Entry]:
    """Yield the certificate files of this kind in the directory that is written to."""
    for entry in readable_entries(certdir.store, layout.FOLDERS[kind], "crt", unread):
        if certdir.store.stamp(entry) is not None:
            yield entry


class FileAudit:
    """Compares files and ledger; ``unread`` gathers (path, reason) of what could not be compared."""

    def __init__(self, certdir: CertDir) -> None:
        """Take the directory, whose ledger is there."""
        self._certdir = certdir
        self._ledger = certdir.ledger
        self._newest = self._ledger.head().at
        #: The CAs of the directory, each with its name there.
        self._authorities: dict[x509.Certificate, str] = {}
        self.unread: list[tuple[str, str]] = []

    def findings(self) -> Iterator[Finding]:
        """Yield every difference."""
        files: Iterator[_Side] = ((entry.path, _ON_DISK, entry, "") for entry in self._files())
        known: Iterator[_Side] = ((item.path, _KNOWN, None, item.fingerprint) for item in self._ledger.places())
        for path, found in groupby(merge(files, known, key=itemgetter(0, 1)), key=itemgetter(0)):
            both = list(found)
            entry = next((entry for _, side, entry, _ in both if side == _ON_DISK), None)
            yield from self._compared(path, entry, both[-1][3])
        yield from self._crl_findings()

    def _files(self) -> Iterator[layout.Entry]:
        """Yield the certificate files by path."""
        for kind in sorted(Kind, key=lambda kind: layout.FOLDERS[kind]):
            yield from _certificates(self._certdir, kind, self.unread)

    # --- certificates -------------------------------------------------------------------------------------------------

    def _compared(self, path: str, entry: layout.Entry | None, known: str) -> Iterator[Finding]:
        if entry is None:
            yield self._gone(path, known)
            return
        try:
            data = self._certdir.store.read(entry) or b""
            der = first_der(data, path)
            if entry.folder == layout.FOLDERS[Kind.CA]:
                self._authorities[load_certificate(data, path)] = entry.name
        except (Malformed, UnreadableFile) as error:
            if known:
                yield _file(
                    path, f"its certificate cannot be read any more ({error.reason})", "restore it from a backup"
                )
            else:
                self.unread.append((path, error.reason))
            return
        fingerprint = sha256(der).hexdigest()
        if fingerprint != known:
            yield self._another(path, fingerprint, der, known)

    def _gone(self, path: str, known: str) -> Finding:
        records = self._ledger.records(Query(fingerprint=known))
        what = f"it is gone; it held the certificate {_serials(records)}"
        return _file(path, what, f"{_RESTORE}, or let {REBUILD} forget the file, not the certificate")

    def _another(self, path: str, fingerprint: str, der: bytes, known: str) -> Finding:
        """Tell about a file that holds another certificate than the ledger says."""
        records = self._ledger.records(Query(fingerprint=fingerprint))
        if records and records[0].replaced_by:
            now = self._ledger.records(Query(fingerprint=records[0].replaced_by))
            return _file(path, f"it holds {_serials(records)}, which was replaced by {_serials(now)}", _TAKE_IN)
        if records:
            other = place(records[0].kind, records[0].name)
            return _file(path, f"it holds {_serials(records)}, which the ledger has as that of {other}", _TAKE_IN)
        return self._unknown(path, der, known)

    def _unknown(self, path: str, der: bytes, known: str) -> Finding:
        try:
            certificate = load_certificate(der, path)
            facts = facts_of(certificate)
        except Malformed as error:
            return _file(path, f"its certificate cannot be read ({error.reason})", _RESTORE)
        what = f"its certificate {facts.serial} ({one_line(facts.subject)}) is not in the ledger"
        if known:
            what += f", which knows {_serials(self._ledger.records(Query(fingerprint=known)))} there"
        if certificate.not_valid_before_utc.isoformat() > self._newest:
            what += f"; it is newer than the newest entry ({self._newest}), so the ledger may be an older copy"
        return _file(path, what, _TAKE_IN)

    # --- CRLs ---------------------------------------------------------------------------------------------------------

    def _crl_findings(self) -> Iterator[Finding]:
        seen: set[str] = set()
        for entry in readable_entries(self._certdir.store, layout.CRLS, "crl", self.unread):
            try:
                crl = crls.load_crl(self._certdir.store.read(entry) or b"", entry.path)
                signer = signer_of(crl, self._authorities)
            except (Malformed, UnreadableFile) as error:
                self.unread.append((entry.path, error.reason))
                continue
            if signer is None:
                self.unread.append((entry.path, "no CA that is here signed it"))
                continue
            ids = authority_ids(signer)
            seen.update(ids)
            yield from self._crl_compared(entry, crl, ids)
        yield from self._without_crl(seen)

    def _crl_compared(
        self, entry: layout.Entry, crl: x509.CertificateRevocationList, ids: Sequence[str]
    ) -> Iterator[Finding]:
        listed = {even_hex(item.serial_number) for item in crl}
        known = self._ledger.revocations(ids)
        unknown = sorted(listed - {item.serial for item in known})
        if unknown:
            yield _crl(entry.path, f"it revokes {_some(unknown)}, of which the ledger knows nothing", _TAKE_IN)
        lacking = [item.serial for item in known if item.serial not in listed and self._is_due(item)]
        if lacking:
            what = f"it lacks {_some(lacking)}, which the ledger has as revoked"
            yield _crl(entry.path, what, _publish(entry.name))
        number, last = crls.crl_number(crl), self._ledger.last_crl_number(ids)
        if number < last:
            what = f"its number is {number}, and {last} was published already: it may be an older copy"
            yield _crl(entry.path, what, _publish(entry.name))
        elif number > last:
            what = f"its number is {number}, and the ledger knows {last} as the last: the ledger may be an older copy"
            yield _crl(entry.path, what, _TAKE_IN)

    def _without_crl(self, seen: set[str]) -> Iterator[Finding]:
        """Yield the CAs of this directory that have revoked something and have no CRL here."""
        for authority, name in self._authorities.items():
            ids = authority_ids(authority)
            revoked = [item.serial for item in self._ledger.revocations(ids) if self._is_due(item)]
            if revoked and seen.isdisjoint(ids):
                seen.update(ids)
                what = f"there is none, though it would list {_some(revoked)} as revoked"
                yield _crl(f"{layout.CRLS}/{name}.crl", what, _publish(name))

    def _is_due(self, revocation: Revocation) -> bool:
        """Return whether a CRL must have this: certificates that have expired may have been dropped."""
        records = self._ledger.records(Query(serial=revocation.serial, issuer_id=revocation.issuer_id))
        now = self._certdir.now().timestamp()
        return not records or any(record.not_after >= now for record in records)


def _publish(name: str) -> str:
    return f"easycert crl {shlex.quote(name)} publishes one"


def _serials(records: Iterable[Record]) -> str:
    return ", ".join(record.serial for record in records) or "that it does not know"


def _some(serials: Sequence[str]) -> str:
    shown = ", ".join(serials[:_NAMED_AT_MOST])
    return shown if len(serials) <= _NAMED_AT_MOST else f"{shown} and {len(serials) - _NAMED_AT_MOST} more"


def _file(path: str, what: str, advice: str) -> Finding:
    return Finding(Topic.FILE, one_line(path), what, advice)


def _crl(subject: str, what: str, advice: str) -> Finding:
    return Finding(Topic.CRL, one_line(subject), what, advice)
