"""Beginning a ledger in a directory that has none: what lies there is recorded, and nothing moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from easycert.errors import Malformed, UnreadableFile
from easycert.ledger.entries import Entry, Event, Located, written_instant
from easycert.model import Kind
from easycert.pki import crl as crls
from easycert.pki.certificates import DECODING_ERRORS, load_certificate
from easycert.pki.encodings import Encoding
from easycert.pki.facts import authority_ids, fingerprint_of, issuer_id
from easycert.pki.keys import PublicKey
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.store.protocol import Store

#: Makes an entry of this event, its other fields by name.
MakeEntry = Callable[..., Entry]


class Adopted(NamedTuple):
    """The entries with which a ledger begins, where each certificate lies, and what could not be read, and why."""

    entries: tuple[Entry, ...]
    located: tuple[Located, ...]
    unread: tuple[tuple[str, str], ...]


def adopted(store: Store, make: MakeEntry) -> Adopted:
    """Return what the certificates and CRLs in *store* make of a ledger; a broken file is left out."""
    unread: list[tuple[str, str]] = []
    found = [item for kind in Kind for item in _certificates(store, kind, unread)]
    entries = [
        make(
            Event.ADOPTED,
            kind=kind.value,
            name=entry.name,
            fingerprint=fingerprint_of(der),
            details=(("origin", "adoption"),),
            der=der,
        )
        for kind, entry, _, der in found
    ]
    located = [
        Located(entry.path, fingerprint_of(der), *stamp)
        for _, entry, _, der in found
        if (stamp := store.stamp(entry)) is not None
    ]
    certificates = [(kind, certificate) for kind, _, certificate, _ in found]
    entries += _revocations(store, certificates, make, unread)
    return Adopted(tuple(entries), tuple(located), tuple(unread))


def _certificates(
    store: Store, kind: Kind, unread: list[tuple[str, str]]
) -> Iterator[tuple[Kind, layout.Entry, x509.Certificate, bytes]]:
    for entry, data in _readable(store, layout.FOLDERS[kind], "crt", unread):
        try:
            certificate = load_certificate(data, entry.path)
        except Malformed as error:
            unread.append((entry.path, error.reason))
        else:
            yield kind, entry, certificate, certificate.public_bytes(Encoding.DER)


def _readable(
    store: Store, folder: str, suffix: str, unread: list[tuple[str, str]]
) -> Iterator[tuple[layout.Entry, bytes]]:
    try:
        entries = [entry for entry in store.entries(folder) if entry.suffix == suffix]
    except UnreadableFile as error:
        unread.append((folder, error.reason))
        return
    for entry in entries:
        try:
            data = store.read(entry)
        except UnreadableFile as error:
            unread.append((entry.path, error.reason))
        else:
            if data is not None:
                yield entry, data


def _revocations(
    store: Store, certificates: list[tuple[Kind, x509.Certificate]], make: MakeEntry, unread: list[tuple[str, str]]
) -> Iterator[Entry]:
    """Yield what the CRLs say; only the CA whose key signed one is believed to be its issuer."""
    authorities = [certificate for kind, certificate in certificates if kind is Kind.CA]
    known = {(issuer_id(certificate), even_hex(certificate.serial_number)) for _, certificate in certificates}
    for entry, data in _readable(store, layout.CRLS, "crl", unread):
        try:
            crl = crls.load_crl(data, entry.path)
        except Malformed as error:
            unread.append((entry.path, error.reason))
            continue
        signer = next((item for item in authorities if _is_signed_by(crl, item)), None)
        if signer is None:
            unread.append((entry.path, "no CA that is here signed it"))
            continue
        yield from _entries_of(crl, authority_ids(signer), known, partial(make, kind=Kind.CA.value, name=entry.name))


def _is_signed_by(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return crl.issuer == authority.subject and crl.is_signature_valid(cast("PublicKey", authority.public_key()))
    except (InvalidSignature, *DECODING_ERRORS):
        return False


def _entries_of(
    crl: x509.CertificateRevocationList, issuer_ids: tuple[str, ...], known: set[tuple[str, str]], make: MakeEntry
) -> Iterator[Entry]:
    for revoked in crl:
        serial = even_hex(revoked.serial_number)
        issuer_id = next((item for item in issuer_ids if (item, serial) in known), issuer_ids[0])
        details = (
            ("issuer_id", issuer_id),
            ("serial", serial),
            ("date", written_instant(revoked.revocation_date_utc)),
            ("reason", _reason(revoked)),
        )
        yield make(Event.REVOKED, details=details)
    number = crls.crl_number(crl)
    if number:
        yield make(Event.PUBLISHED, details=(("issuer_id", issuer_ids[0]), ("number", str(number))))


def _reason(revoked: x509.RevokedCertificate) -> str:
    try:
        return revoked.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except (x509.ExtensionNotFound, *DECODING_ERRORS):
        return x509.ReasonFlags.unspecified.value
