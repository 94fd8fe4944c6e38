"""Entries for tests of ledgers, about certificates that are really signed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

from cryptography import x509

from easycert.ledger.entries import Details, Entry, Event
from easycert.ledger.records import Export, export_details
from easycert.model import Kind
from easycert.pki import certificates, keys
from easycert.pki.certificates import CertificateSpec, Issuer
from easycert.pki.encodings import Encoding
from easycert.pki.facts import facts_of, fingerprint_of
from easycert.pki.keys import KeyType, PrivateKey
from easycert.pki.profiles import MODERN
from easycert.pki.subjects import distinguished_name
from easycert.pki.validity import days, period

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_IDS: Iterator[int] = itertools.count(1)


def certificate(name: str, generation: int = 1) -> x509.Certificate:
    """Return a self-signed host certificate for *name*; another one for each *generation*."""
    return _certificate(name, generation)


@cache
def _certificate(name: str, generation: int) -> x509.Certificate:
    return _signed(name, generation, keys.generate(KeyType.EC256), certificates.new_serial())


def with_serial(other: x509.Certificate) -> x509.Certificate:
    """Return another certificate with serial number and issuer of *other*, which cannot be."""
    key = keys.generate(KeyType.EC256)
    issuer = Issuer(other.issuer, certificates.subject_key_identifier(other), key)
    return certificates.sign(_spec("twin.example", 1, other.serial_number), key.public_key(), issuer)


def _signed(name: str, generation: int, key: PrivateKey, serial: int) -> x509.Certificate:
    spec = _spec(name, generation, serial)
    return certificates.sign(spec, key.public_key(), certificates.self_issuer(spec, key))


def _spec(name: str, generation: int, serial: int) -> CertificateSpec:
    validity = period(NOW, days(30 * generation))
    return CertificateSpec(Kind.HOST, distinguished_name(name), (), validity, MODERN, serial, self_signed=True)


def entry(event: Event, *, at: datetime = NOW, **fields: object) -> Entry:
    """Return an entry by alice with an id of its own."""
    return Entry(event, at, "alice", f"{next(_IDS):016x}", **fields)  # type: ignore[arg-type]


def issued(name: str, generation: int = 1, *, event: Event = Event.ISSUED, details: Details = ()) -> Entry:
    """Return the entry that brings :func:`certificate` into a ledger."""
    der = certificate(name, generation).public_bytes(Encoding.DER)
    details = details or (("origin", "fresh"), ("profile", "modern"))
    return entry(event, kind="host", name=name, fingerprint=fingerprint_of(der), details=details, der=der)


def revoked(name: str, generation: int = 1, reason: str = "superseded") -> Entry:
    """Return the entry that revokes :func:`certificate`."""
    facts = facts_of(certificate(name, generation))
    details = (("issuer_id", facts.issuer_id), ("serial", facts.serial), ("date", "2026-03-01T12:00:00Z"))
    return entry(Event.REVOKED, kind="ca", name="root", details=(*details, ("reason", reason)))


def exported(name: str, generation: int = 1, **said: str) -> Entry:
    """Return the entry that says that :func:`certificate` was written to ``/srv/tls``, for nginx; *said* otherwise."""
    fingerprint = fingerprint_of(certificate(name, generation).public_bytes(Encoding.DER))
    blank = dict.fromkeys(Export._fields, "") | {"destination": "/srv/tls", "recipe": "nginx", "files": "00 tls.crt"}
    export = Export(**blank | said)
    return entry(Event.EXPORTED, kind="host", name=name, fingerprint=fingerprint, details=export_details(export))
