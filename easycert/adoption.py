"""Beginning a ledger in a directory that has none, or again: what lies there is recorded, and nothing moved.

Everything is handed on one by one, so that memory does not grow with the number of certificates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from easycert.errors import Malformed, UnreadableFile
from easycert.ledger.entries import Entry, Event, Located, written_instant
from easycert.ledger.records import Query
from easycert.model import Kind, Value
from easycert.pki import crl as crls
from easycert.pki.certificates import DECODING_ERRORS, first_der, load_certificate
from easycert.pki.encodings import Encoding
from easycert.pki.facts import Facts, authority_ids, facts_of
from easycert.pki.keys import PublicKey
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.store.protocol import Store

if TYPE_CHECKING:
    from easycert.ledger.protocol import Ledger

#: Makes an entry of this event, its other fields by name.
MakeEntry = Callable[..., Entry]
#: How many finds go into the ledger in one transaction.
_BATCH = 500


class Find(Value):
    """What one file tells: an entry, where its certificate lies, or both; and the facts of the certificate."""

    entry: Entry | None = None
    located: Located | None = None
    facts: Facts | None = None


class Survey:
    """A walk through certificates and CRLs of a directory; ``unread`` gathers (path, reason) of what is left out."""

    def __init__(self, store: Store, make: MakeEntry, known: Ledger | None = None) -> None:
        """Take the *store* to walk through, and what makes entries; what the ledger *known* has needs none."""
        self._store = store
        self._make = make
        self._known = known
        self._authorities: list[x509.Certificate] = []
        #: Serial numbers of certificates that name their CA by its name only, by issuer id.
        self._unkeyed: dict[str, set[int]] = {}
        self.unread: list[tuple[str, str]] = []

    def certificates(self) -> Iterator[Find]:
        """Yield the certificates in the directory that is written to, each with its place."""
        for kind in Kind:
            for entry in readable_entries(self._store, layout.FOLDERS[kind], "crt", self.unread):
                try:
                    find = self._find(kind, entry)
                except (Malformed, UnreadableFile) as error:
                    self.unread.append((entry.path, error.reason))
                else:
                    if find is not None:
                        yield find

    def crls(self) -> Iterator[Find]:
        """Yield what the CRLs say, once the certificates were seen; only who signed one counts as its issuer."""
        for entry in readable_entries(self._store, layout.CRLS, "crl", self.unread):
            try:
                crl = crls.load_crl(self._store.read(entry) or b"", entry.path)
                signer = signer_of(crl, self._authorities)
            except (Malformed, UnreadableFile) as error:
                self.unread.append((entry.path, error.reason))
                continue
            if signer is None:
                self.unread.append((entry.path, "no CA that is here signed it"))
                continue
            yield from self._told_by(crl, authority_ids(signer), entry.name)

    def _find(self, kind: Kind, entry: layout.Entry) -> Find | None:
        stamp = self._store.stamp(entry)  # before it is read: if it changes meanwhile it will be read again
        data = self._store.read(entry)
        if data is None:
            return None
        if kind is Kind.CA:
            self._authorities.append(load_certificate(data, entry.path))
        if stamp is None:
            return None  # it lies in another directory of the search path, whose own ledger knows it
        if self._known is not None:  # the fingerprint alone costs a third of all the facts
            fingerprint = sha256(first_der(data, entry.path)).hexdigest()
            if self._is_known(kind, entry, fingerprint):
                return Find(None, Located(entry.path, fingerprint, *stamp))
        certificate = load_certificate(data, entry.path)
        facts = facts_of(certificate)
        if facts.issuer_id.startswith("name-"):
            self._unkeyed.setdefault(facts.issuer_id, set()).add(int(facts.serial, 16))
        made = self._make(
            Event.ADOPTED,
            kind=kind.value,
            name=entry.name,
            fingerprint=facts.fingerprint,
            details=(("origin", "adoption"),),
            der=certificate.public_bytes(Encoding.DER),
        )
        return Find(made, Located(entry.path, facts.fingerprint, *stamp), facts)

    def _is_known(self, kind: Kind, entry: layout.Entry, fingerprint: str) -> bool:
        """Return whether the ledger has this certificate as current, here or where it lies as well."""
        if self._known is None:
            return False
        (record,) = self._known.records(Query(fingerprint=fingerprint, current=True)) or (None,)
        if record is None:
            return False
        if (record.kind, record.name) == (kind.value, entry.name):
            return True
        data = self._store.read(layout.Entry(layout.FOLDERS[Kind(record.kind)], f"{record.name}.crt"))
        with suppress(Malformed):
            return data is not None and sha256(first_der(data, record.name)).hexdigest() == fingerprint
        return False

    def _told_by(self, crl: x509.CertificateRevocationList, issuer_ids: tuple[str, ...], name: str) -> Iterator[Find]:
        known = {item.serial for item in self._known.revocations(issuer_ids)} if self._known else ()
        for revoked in crl:
            serial = even_hex(revoked.serial_number)
            if serial in known:
                continue
            details = (
                ("issuer_id", self._issuer_id(revoked.serial_number, issuer_ids)),
                ("serial", serial),
                ("date", written_instant(revoked.revocation_date_utc)),
                ("reason", (crls.reason_of(revoked) or x509.ReasonFlags.unspecified).value),
            )
            yield Find(self._make(Event.REVOKED, kind=Kind.CA.value, name=name, details=details))
        number = crls.crl_number(crl)
        if number > (self._known.last_crl_number(issuer_ids) if self._known else 0):
            published = (("issuer_id", issuer_ids[0]), ("number", str(number)))
            yield Find(self._make(Event.PUBLISHED, kind=Kind.CA.value, name=name, details=published))

    def _issuer_id(self, serial: int, issuer_ids: tuple[str, ...]) -> str:
        """Return by which of its ids the certificate with this number names its CA; the first, if it is not known."""
        for item in issuer_ids[1:]:
            if serial in self._unkeyed.get(item, ()):
                return item
            if self._known is not None and self._known.records(Query(serial=even_hex(serial), issuer_id=item)):
                return item
        return issuer_ids[0]


def adopt(ledger: Ledger, survey: Survey) -> int:
    """Record in *ledger* what *survey* finds, and return how many entries that made."""
    return fill(ledger, survey.certificates()) + fill(ledger, survey.crls())


def fill(ledger: Ledger, finds: Iterable[Find]) -> int:
    """Record *finds* in *ledger*, and return how many entries that made."""
    count, remaining = 0, iter(finds)
    while batch := list(islice(remaining, _BATCH)):
        entries = [find.entry for find in batch if find.entry]
        facts = {find.facts.fingerprint: find.facts for find in batch if find.facts}
        ledger.append(entries, [find.located for find in batch if find.located], facts=facts)
        count += len(entries)
    return count


def readable_entries(store: Store, folder: str, suffix: str, unread: list[tuple[str, str]]) -> Iterator[layout.Entry]:
    """Yield the files in *folder* with this suffix, sorted; a folder that cannot be read is told in *unread*."""
    try:
        entries = store.each(folder, suffix)
    except UnreadableFile as error:
        unread.append((folder, error.reason))
        return
    yield from entries


def signer_of(crl: x509.CertificateRevocationList, authorities: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """Return which of *authorities* signed *crl*, or None."""
    return next((item for item in authorities if _is_signed_by(crl, item)), None)


def _is_signed_by(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    with suppress(InvalidSignature, *DECODING_ERRORS):
        return crl.issuer == authority.subject and crl.is_signature_valid(cast("PublicKey", authority.public_key()))
    return False
