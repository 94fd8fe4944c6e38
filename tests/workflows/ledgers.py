"""Certificate directories whose ledger something happened to: on disk, with a clock that stands still."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from easycert.certdir import CertDir
from easycert.ledger.entries import Event
from easycert.ledger.migrations import MIGRATIONS
from easycert.ledger.sqlite import SqliteLedger
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.store.files import FileStore
from easycert.workflows.issue import issue
from easycert.workflows.revoke import revoke
from tests.workflows.examples import Clock, make, wanted

ROOT = SafeName("root")


def ledger_path(certs: Path) -> Path:
    """Return where the ledger of a directory is."""
    return certs / ".easycert" / "ledger.sqlite"


def opened(certs: Path, clock: Clock | None = None, report: Callable[[str], None] | None = None) -> CertDir:
    """Return a directory on disk, as a new process would open it."""
    store = FileStore([str(certs)], report=report)
    return CertDir(store, clock=clock or Clock(), report=report, ledger=lambda: SqliteLedger(str(ledger_path(certs))))


def used(certs: Path) -> CertDir:
    """Make a directory with a history: a root, hosts a to c, of which a was replaced and b revoked."""
    certdir = opened(certs)
    make(certdir, Kind.CA, "root")
    for name in ("a.example", "b.example", "c.example"):
        make(certdir, Kind.HOST, name, "root")
    issue(certdir, [wanted(Kind.HOST, "a.example", "root")], replace=True)
    revoke(certdir, Kind.HOST, SafeName("b.example"), ROOT)
    return opened(certs)


def exporting(certs: Path, destination: str = "/srv/tls") -> CertDir:
    """Record that host c is written to a place outside."""
    certdir = opened(certs)
    details = (("destination", destination), ("recipe", "nginx"), ("hook", "true"))
    with certdir.change() as change:
        change.record(Event.EXPORTED, kind="host", name="c.example", fingerprint="00" * 32, details=details)
    return opened(certs)


def tampered(certs: Path, *statements: str) -> CertDir:
    """Change the ledger of a directory behind easycert's back."""
    with closing(sqlite3.connect(ledger_path(certs))) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return opened(certs)


def newer(certs: Path) -> CertDir:
    """Make the ledger one that a later easycert wrote."""
    return tampered(certs, f"PRAGMA user_version={len(MIGRATIONS) + 1}")
