"""Whether a certificate directory is whole: pairs, chains, no left-overs, and a ledger that agrees with the files."""

from __future__ import annotations

import stat
from pathlib import Path

from easycert.certdir import CertDir
from easycert.ledger.entries import GENESIS, chained
from easycert.ledger.records import Query
from easycert.pki.certificates import load_certificate
from easycert.pki.crl import load_crl
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.keys import public_der
from easycert.pki.names import SafeName
from easycert.store.layout import FOLDERS
from easycert.workflows.audit import audit


def assert_pairs_are_whole(certs: Path) -> None:
    """Assert that a reader finds whole files only, each key fit for the certificate beside it, and no left-overs."""
    certdir = CertDir.open(certs)
    certdir.store.entries("cas")  # a reader finishes what is unfinished before it looks
    assert list((certs / ".easycert").glob("journal/*")) == []
    for kind, folder in FOLDERS.items():
        for path in (certs / folder).glob("*"):
            assert path.suffix in (".key", ".crt", ".csr", ".p12"), path
            assert path.stat().st_size > 0
            if path.suffix == ".key":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
            if path.suffix == ".crt":
                certificate = load_certificate(path.read_bytes(), str(path))
                key = certdir.signers.key(kind, SafeName(path.stem))
                assert key is None or public_der(key.public_key()) == public_der(certificate.public_key())
    for path in (certs / "crls").glob("*"):
        load_crl(path.read_bytes(), str(path))


def assert_ledger_agrees(certs: Path) -> None:
    """Assert that no file is without its row and no row claims a file that never came, and that the chain is whole."""
    ledger = CertDir.open(certs).ledger
    files = {
        path.relative_to(certs).as_posix(): fingerprint_of(pem_to_der(path))
        for folder in FOLDERS.values()
        for path in (certs / folder).glob("*.crt")
    }
    if ledger.exists():
        assert {item.path: item.fingerprint for item, _ in ledger.located()} == files
        current = {record.fingerprint for record in ledger.records(Query(current=True))}
        assert set(files.values()) == current
        digest = GENESIS
        for item in ledger.entries():
            digest = chained(digest, item.entry)
            assert item.digest == digest
        ledger.close()
        assert audit(CertDir.open(certs)).findings == ()
    else:
        assert files == {}


def pem_to_der(path: Path) -> bytes:
    return load_certificate(path.read_bytes(), str(path)).public_bytes(Encoding.DER)
