"""Whether the ledger is as it was written, and whether it and the files still tell the same.

Three questions, in this order: is the chain of entries whole, do the tables that are derived from it say what it says,
and do certificates and CRLs in the directory agree with it. Nothing is changed; every difference is one finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from easycert.certdir import CertDir
from easycert.errors import StoreFailure, UnsafeDirectory, printable
from easycert.ledger.chain import Chain
from easycert.ledger.entries import Event, entry_of
from easycert.ledger.records import Counts, Head, Query, Row
from easycert.model import Value
from easycert.workflows.audit_files import FileAudit, has_certificates
from easycert.workflows.audit_records import record_findings
from easycert.workflows.findings import REBUILD, Finding, Topic


class Intent(Value):
    """A certificate that was about to be signed and is not in the ledger: it may exist all the same."""

    number: int
    at: str
    actor: str
    kind: str
    name: str
    issuer: str
    serial: str


class Audit(Value):
    """What an audit found; *proven* is the number of the entry that has the digest that was asked for, 0 without one.

    *unread* are path and reason of files that could not be compared. The ledger and the files agree where there are no
    *findings*.
    """

    head: Head
    counts: Counts
    findings: tuple[Finding, ...]
    intents: tuple[Intent, ...]
    proven: int
    unread: tuple[tuple[str, str], ...]


def audit(certdir: CertDir, digest: str = "") -> Audit:
    """Compare the ledger with itself and with the files; *digest*, noted down earlier, must still be in its chain.

    A command at work may be between its files and their entries, so differences are looked at again under the lock of
    the directory, where this process may take it. Raises LedgerUnusable for a ledger that cannot be read, StoreBusy.
    """
    found = _Auditing(certdir, digest).audit()
    if not found.findings:
        return found
    try:
        with certdir.store.transaction():
            return _Auditing(certdir, digest).audit()
    except (StoreFailure, UnsafeDirectory):  # read-only, or not ours: then nobody is at work here
        return found


class _Auditing:
    def __init__(self, certdir: CertDir, digest: str) -> None:
        self._certdir = certdir
        self._ledger = certdir.ledger
        self._digest = digest
        self._chain = Chain(digest)
        self._findings: list[Finding] = []
        self._intents: list[Intent] = []
        #: Where the digest that was asked for ended another ledger: the name of its file.
        self._ended = ""

    def audit(self) -> Audit:
        if not self._ledger.exists():
            return self._without_ledger()
        try:
            derived = record_findings(self._ledger, self._followed())
            self._findings = [*self._broken(), *self._not_proven(), *derived]
            files = FileAudit(self._certdir)
            self._findings += files.findings()
            head, counts = self._ledger.head(), self._ledger.counts()
        finally:
            self._ledger.close()
        found = tuple(self._findings), tuple(self._intents), self._chain.proven, tuple(files.unread)
        return Audit(head, counts, *found)

    def _without_ledger(self) -> Audit:
        findings = []
        if has_certificates(self._certdir):
            what = "there is none, though there are certificates"
            findings.append(Finding(Topic.LEDGER, "the ledger", what, f"{REBUILD} begins one"))
        if self._digest:
            findings.append(_digest_finding(self._digest, "there is no ledger that could have an entry with it"))
        return Audit(Head(0, "", ""), Counts(0, 0, 0), tuple(findings), (), 0, ())

    def _followed(self) -> Iterator[Row]:
        for row in self._chain.follow(self._ledger.rows()):
            self._remember(row)
            yield row

    def _remember(self, row: Row) -> None:
        """Keep what was meant and never came, and what an earlier ledger ended with."""
        try:
            entry = entry_of(row.parts)
        except ValueError:
            return
        if entry.event is Event.REBUILT and self._digest and entry.detail("digest") == self._digest:
            self._ended = entry.detail("kept")
        if entry.event is not Event.INTENDED:
            return
        serial, issuer_id = entry.detail("serial"), entry.detail("issuer_id")
        if not self._ledger.records(Query(serial=serial, issuer_id=issuer_id)):
            at, actor = entry.detail("at") or row.parts[2], entry.detail("actor") or entry.actor
            what = (entry.detail(field) for field in ("kind", "name", "issuer", "serial"))
            self._intents.append(Intent(row.number, at, actor, *what))

    def _broken(self) -> Iterator[Finding]:
        for number, what in self._chain.breaks:
            advice = f"compare with a backup of the ledger; {REBUILD} keeps this one aside and begins a new chain"
            yield Finding(Topic.CHAIN, f"entry {number}", what, advice)

    def _not_proven(self) -> Iterator[Finding]:
        if not self._digest or self._chain.proven:
            return
        if self._chain.claimed:
            what = f"it is that of entry {self._chain.claimed}, but what stands before that was changed"
        elif self._ended:
            what = f"an earlier ledger ended with it, which was replaced and is kept as {printable(self._ended)}"
        else:
            what = "no entry has it: entries were changed or removed since it was noted, or it is of another ledger"
        yield _digest_finding(self._digest, what)


def _digest_finding(digest: str, what: str) -> Finding:
    return Finding(Topic.DIGEST, digest, what, "compare with a backup of the ledger from the time when it was noted")
