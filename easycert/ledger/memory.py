"""The ledger that lives in dictionaries: the twin of :mod:`easycert.ledger.sqlite` for tests and dry runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from easycert.errors import LedgerUnusable
from easycert.ledger.entries import (
    BRINGS_CERTIFICATE,
    GENESIS,
    Entry,
    Event,
    Located,
    chained,
    written_instant,
)
from easycert.ledger.records import Chained, Head, Index, Indexed, Query, Record, Revocation
from easycert.pki.certificates import load_certificate
from easycert.pki.facts import Facts, facts_of


class MemoryLedger:
    """A ledger that is gone with its process; see :class:`easycert.ledger.protocol.Ledger`."""

    def __init__(self, path: str = "/certs/.easycert/ledger") -> None:
        """Begin without a ledger; *path* is where it pretends to be."""
        self._path = path
        self._kept: dict[str, tuple[list[Chained], dict[str, bytes]]] = {}
        self._clear()
        self._exists = False

    def exists(self) -> bool:
        """Return whether there is a ledger."""
        return self._exists

    def create(self, entries: Iterable[Entry], located: Iterable[Located] = ()) -> None:
        """Begin the ledger with *entries*."""
        self._clear()
        self._exists = True
        self._extend(entries)
        self.locate(located)

    def set_aside(self, suffix: str) -> str | None:
        """Keep the ledger under another name."""
        if not self._exists:
            return None
        kept = f"{self._path}.{suffix}"
        self._kept[kept] = self._chain, self._der
        self._clear()
        self._exists = False
        return kept

    def append(self, entries: Sequence[Entry], located: Iterable[Located] = ()) -> None:
        """Add *entries*; those whose first is there already are not added again."""
        if entries and not self.has(entries[0].id):
            self._extend(entries)
        self.locate(located)

    def locate(self, located: Iterable[Located], gone: Iterable[str] = ()) -> None:
        """Note which file holds which certificate."""
        self._require()
        self._files |= {item.path: item for item in located}
        for path in gone:
            self._files.pop(path, None)

    def has(self, entry_id: str) -> bool:
        """Return whether the entry with this id is in the ledger."""
        self._require()
        return any(item.entry.id == entry_id for item in self._chain)

    def head(self) -> Head:
        """Return how many entries there are, and digest and time of the last."""
        self._require()
        if not self._chain:
            return Head(0, GENESIS, "")
        last = self._chain[-1]
        return Head(last.number, last.digest, written_instant(last.entry.at))

    def entries(self) -> Iterator[Chained]:
        """Yield every entry (without certificates) in its order."""
        self._require()
        return iter(tuple(self._chain))

    def records(self, query: Query | None = None) -> list[Record]:
        """Return the certificates that *query* asks for (None: all), the newest first."""
        self._require()
        found = (self._with_revocation(record) for record in reversed(self._records.values()))
        return [record for record in found if query is None or _matches(record, query)]

    def names_of_key(self, kind: str, key_sha256: str) -> list[str]:
        """Return the names of the current certificates of *kind* that carry the public key with this SHA-256."""
        return [record.name for record in self.records(Query(kind=kind, key_sha256=key_sha256, current=True))]

    def der(self, fingerprint: str) -> bytes | None:
        """Return the certificate with this fingerprint in DER, or None."""
        self._require()
        return self._der.get(fingerprint)

    def located(self) -> list[tuple[Located, Record]]:
        """Return every file that is known, with the record of its certificate."""
        self._require()
        return [
            (item, self._with_revocation(self._records[item.fingerprint]))
            for _, item in sorted(self._files.items())
            if item.fingerprint in self._records
        ]

    def index(self) -> Index:
        """Return for each file its stamp, and as much of its certificate's record as a list needs."""
        return {
            item.path: (item[2:], Indexed(*(getattr(record, field) for field in Indexed._fields)))
            for item, record in self.located()
        }

    def revocations(self, issuer_ids: Sequence[str] | None = None) -> list[Revocation]:
        """Return what is revoked, under these issuers only where given."""
        self._require()
        return [item for _, item in sorted(self._revoked.items()) if issuer_ids is None or item.issuer_id in issuer_ids]

    def last_crl_number(self, issuer_ids: Sequence[str]) -> int:
        """Return the highest number of a CRL published by the CA with these ids; 0 without one."""
        self._require()
        return max((self._crl_numbers.get(item, 0) for item in issuer_ids), default=0)

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    # --- keeping -----------------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        self._chain: list[Chained] = []
        self._der: dict[str, bytes] = {}
        self._records: dict[str, Record] = {}
        self._files: dict[str, Located] = {}
        self._revoked: dict[tuple[str, str], Revocation] = {}
        self._crl_numbers: dict[str, int] = {}

    def _require(self) -> None:
        if not self._exists:
            raise LedgerUnusable(self._path, "it is not there")

    def _extend(self, entries: Iterable[Entry]) -> None:
        self._require()
        digest = self._chain[-1].digest if self._chain else GENESIS
        entries = list(entries)
        # All or nothing: what is no certificate is found before anything is kept.
        bringing = [item for item in entries if item.event in BRINGS_CERTIFICATE]
        brought = iter([facts_of(load_certificate(item.der, "the ledger")) for item in bringing])
        for entry in entries:
            digest = chained(digest, entry)
            self._chain.append(Chained(len(self._chain) + 1, entry._replace(der=b""), digest))
            if entry.event in BRINGS_CERTIFICATE:
                self._bring(entry, next(brought))
            self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        key = entry.detail("issuer_id"), entry.detail("serial")
        if entry.event is Event.REVOKED:
            self._revoked[key] = Revocation(*key, entry.detail("date"), entry.detail("reason"))
        if entry.event is Event.RELEASED:
            self._revoked.pop(key, None)
        if entry.event is Event.PUBLISHED:
            self._crl_numbers[key[0]] = max(int(entry.detail("number")), self._crl_numbers.get(key[0], 0))

    def _bring(self, entry: Entry, facts: Facts) -> None:
        known = self._records.get(facts.fingerprint)
        record = Record._make(
            (
                *vars(facts).values(),
                entry.kind,
                entry.name,
                *(entry.detail(key) for key in ("origin", "profile", "renewal_of", "waived")),
                written_instant(entry.at),
                entry.actor,
                entry.detail("replaced_by"),
                *("", ""),
            )
        )
        if known:
            record = known._replace(kind=record.kind, name=record.name, replaced_by=record.replaced_by)
        if not record.replaced_by:
            for other in self._records.values():
                if (other.kind, other.name, other.replaced_by) == (record.kind, record.name, ""):
                    self._records[other.fingerprint] = other._replace(replaced_by=facts.fingerprint)
        self._records[facts.fingerprint] = record
        self._der[facts.fingerprint] = entry.der

    def _with_revocation(self, record: Record) -> Record:
        found = self._revoked.get((record.issuer_id, record.serial))
        return record if found is None else record._replace(revoked_at=found.at, reason=found.reason)


def _matches(record: Record, query: Query) -> bool:
    wanted = {field: value for field, value in query._asdict().items() if value}
    if wanted.pop("current", False) and record.replaced_by:
        return False
    return all(getattr(record, field) == value for field, value in wanted.items())
