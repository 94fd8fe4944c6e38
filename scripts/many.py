#!/usr/bin/env python3
"""Fill a certificate directory with many host certificates, each with its own key, as measurements need them.

``python scripts/many.py DIR COUNT`` makes a root, an issuing CA and COUNT hosts below it, all in the ledger;
``--no-ledger`` leaves the ledger out. Certificates and signatures are real (P-256); only the ceremony is left out that
makes each issue durable on its own: files are written directly, the ledger's entries in one transaction.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from easycert.certdir import CertDir
from easycert.ledger.entries import Entry, Event, Located
from easycert.model import Kind
from easycert.pki.facts import fingerprint_of
from easycert.pki.names import CaName
from easycert.workflows import authorities
from easycert.workflows.issue import IssueRequest, issue

ROOT, ISSUING = "root", "issuing"
_PEM = serialization.Encoding.PEM
_KEY_FORM = (_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Leaf(NamedTuple):
    """One host: its name, and its certificate and key."""

    name: str
    certificate: x509.Certificate
    key: bytes


def fill(directory: Path, count: int, *, ledger: bool = True) -> CertDir:
    """Return the certificate directory at *directory*, new, with two CAs and *count* hosts in it."""
    certdir = CertDir.open(directory)
    now = datetime.now(UTC).replace(microsecond=0)
    issue(certdir, [IssueRequest(Kind.CA, CaName(ROOT), None)])
    issue(certdir, [IssueRequest(Kind.CA, CaName(ISSUING), CaName(ROOT))])
    hosts = directory / "hosts"
    hosts.mkdir(mode=0o700, exist_ok=True)
    made = [_written(hosts, leaf, now) for leaf in _leaves(certdir, count, now)]
    if ledger:
        with certdir.change(now) as change:
            change.ledger.append([entry for entry, _ in made], [located for _, located in made])
    else:
        for path in (directory / ".easycert").glob("ledger*"):
            path.unlink()
    return certdir


def _leaves(certdir: CertDir, count: int, now: datetime) -> Iterator[Leaf]:
    authority = authorities.load(certdir, CaName(ISSUING))
    issuer, above = authority.issuer, authority.certificate.not_valid_after_utc
    usage = x509.KeyUsage(True, *(False,) * 8)
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    constraints = x509.BasicConstraints(False, None)
    pointer = x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None)
    for number in range(count):
        name = f"host-{number:06}.example.com"
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = [
            x509.Extension(constraints.oid, False, constraints),
            x509.Extension(usage.oid, True, usage),
            x509.Extension(server.oid, False, server),
            _plain(x509.SubjectAlternativeName([x509.DNSName(name)])),
            _plain(x509.SubjectKeyIdentifier.from_public_key(key.public_key())),
            _plain(pointer),
        ]
        # Ends are spread over more than the year around now: some have expired, some will soon.
        end = min(now + timedelta(days=-20 + 417 * number / count), above)
        builder = x509.CertificateBuilder(
            issuer_name=issuer.name,
            subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=end - timedelta(days=397),
            not_valid_after=end,
            extensions=extensions,
        )
        yield Leaf(name, builder.sign(issuer.key, hashes.SHA256()), key.private_bytes(*_KEY_FORM))


def _plain(value: x509.ExtensionType) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, False, value)


def _written(hosts: Path, leaf: Leaf, now: datetime) -> tuple[Entry, Located]:
    for path, data in (
        (hosts / f"{leaf.name}.key", leaf.key),
        (hosts / f"{leaf.name}.crt", leaf.certificate.public_bytes(_PEM)),
    ):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
    der = leaf.certificate.public_bytes(serialization.Encoding.DER)
    status = path.stat()
    located = Located(f"hosts/{path.name}", fingerprint_of(der), status.st_size, status.st_mtime_ns, status.st_ino)
    entry = Entry(
        event=Event.ISSUED,
        at=now,
        actor="bench",
        id=os.urandom(8).hex(),
        kind=Kind.HOST.value,
        name=leaf.name,
        fingerprint=located.fingerprint,
        details=(("origin", "fresh"), ("profile", "modern")),
        der=der,
    )
    return entry, located


def main() -> None:
    """Fill the directory that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="a directory that does not exist yet")
    parser.add_argument("count", type=int, help="how many hosts")
    parser.add_argument("--no-ledger", action="store_true", help="as Synapse leaves a directory")
    wish = parser.parse_args()
    fill(wish.directory, wish.count, ledger=not wish.no_ledger)


if __name__ == "__main__":
    main()
