"""The ledger that lives in dictionaries: the twin of :mod:`easycert.ledger.sqlite` for tests and dry runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from easycert.errors import LedgerUnusable
from easycert.ledger.applying import LATELY
from easycert.ledger.entries import (
    BRINGS_CERTIFICATE,
    GENESIS,
    GIVEN,
    Entry,
    Event,
    Located,
    chained,
    texts,
    written_instant,
)
from easycert.ledger.records import (
    Chained,
    Counts,
    Export,
    Head,
    Index,
    Indexed,
    Order,
    Query,
    Record,
    Revocation,
    Row,
    export_of,
)
from easycert.pki.certificates import load_certificate
from easycert.pki.facts import Facts, facts_of


class MemoryLedger:
    """A ledger that is gone with its process; see :class:`easycert.ledger.protocol.Ledger`."""

    def __init__(self, path: str = "/certs/.easycert/ledger") -> None:
        """Begin without a ledger; *path* is where it pretends to be."""
        self._path = path
        self._kept: set[str] = set()
        self._clear()
        self._exists = False

    def exists(self) -> bool:
        """Return whether there is a ledger."""
        return self._exists

    def create(self, entries: Iterable[Entry], located: Iterable[Located] = ()) -> None:
        """Begin the ledger with *entries*."""
        with self.fresh() as draft:
            draft.append(tuple(entries), located)

    def spare(self, suffix: str) -> str:
        """Return a name under which nothing is kept."""
        names = (f"{self._path}.{suffix}{number}" for number in ("", *(f"-{more}" for more in range(2, 10_000))))
        return next(name for name in names if name not in self._kept)

    @contextmanager
    def fresh(self, kept: str = "") -> Iterator[MemoryLedger]:
        """Give the block an empty ledger that takes the place of this one when the block ends well."""
        draft = self.scratch()
        yield draft
        if kept:
            self._kept.add(kept)
        self.__dict__.update(vars(draft), _path=self._path, _kept=self._kept)

    def scratch(self) -> MemoryLedger:
        """Return an empty ledger."""
        ledger = MemoryLedger(self._path)
        ledger._exists = True
        return ledger

    def tidy(self) -> None:
        """Do nothing: nothing outlives its process."""

    def any_version(self) -> MemoryLedger:
        """Return a ledger with what is in this one."""
        ledger = self.scratch()
        ledger.__dict__.update(vars(self))
        return ledger

    def append(
        self, entries: Sequence[Entry], located: Iterable[Located] = (), *, facts: Mapping[str, Facts] | None = None
    ) -> str:
        """Add *entries*; those whose first is there already are not added again."""
        before = ""
        if entries and not self.has(entries[0].id):
            before = max((written_instant(item.entry.at) for item in self._chain[-LATELY:]), default="")
            self._extend(entries, facts or {})
        self.locate(located)
        return before

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

    def entries(self, *, backwards: bool = False) -> Iterator[Chained]:
        """Yield every entry (without certificates) in its order."""
        self._require()
        return iter(self._chain[::-1] if backwards else tuple(self._chain))

    def rows(self) -> Iterator[Row]:
        """Yield every entry as it stands."""
        return (Row(item.number, item.digest, texts(item.entry)) for item in self.entries())

    def records(self, query: Query | None = None) -> list[Record]:
        """Return the certificates that *query* asks for (None: all), the newest first."""
        self._require()
        found = (self._with_revocation(record) for record in reversed(self._records.values()))
        return [record for record in found if query is None or _matches(record, query)]

    def names_of_key(self, kind: str, key_sha256: str) -> list[str]:
        """Return the names of the current certificates of *kind* that carry the public key with this SHA-256."""
        return [record.name for record in self.records(Query(kind=kind, key_sha256=key_sha256, current=True))]

    def every(self, order: Order) -> Iterator[Record]:
        """Yield every certificate in this *order*."""
        newest = self.records()
        if order is Order.FINGERPRINT:
            return iter(sorted(newest))
        return iter(newest if order is Order.NEWEST else newest[::-1])

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

    def places(self) -> Iterator[Located]:
        """Yield every file that is known, by path."""
        self._require()
        return iter([item for _, item in sorted(self._files.items())])

    def revocations(self, issuer_ids: Sequence[str] | None = None) -> list[Revocation]:
        """Return what is revoked, under these issuers only where given."""
        self._require()
        return [item for _, item in sorted(self._revoked.items()) if issuer_ids is None or item.issuer_id in issuer_ids]

    def revoked_until(self, issuer_ids: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Yield the serial number of each certificate that these issuers have revoked, and when it ends."""
        ends: dict[tuple[str, str], int] = {}
        for record in self._records.values():
            key = record.issuer_id, record.serial
            ends[key] = max(record.not_after, ends.get(key, 0))
        for item in self.revocations(issuer_ids):
            yield item.serial, ends.get((item.issuer_id, item.serial), 0)

    def crl_numbers(self) -> dict[str, int]:
        """Return the highest number of a published CRL by issuer id."""
        self._require()
        return dict(self._crl_numbers)

    def counts(self) -> Counts:
        """Return how much there is."""
        self._require()
        serials = {(record.issuer_id, record.serial) for record in self._records.values()}
        return Counts(len(self._records), len(self._revoked), len(self._revoked.keys() - serials))

    def last_crl_number(self, issuer_ids: Sequence[str]) -> int:
        """Return the highest number of a CRL published by the CA with these ids; 0 without one."""
        self._require()
        return max((self._crl_numbers.get(item, 0) for item in issuer_ids), default=0)

    def exports(self) -> list[Export]:
        """Return what was written to other places and is to be written again."""
        self._require()
        return sorted(self._exports.values())

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
        self._exports: dict[tuple[str, str, str, str], Export] = {}

    def _require(self) -> None:
        if not self._exists:
            raise LedgerUnusable(self._path, "it is not there")

    def _extend(self, entries: Sequence[Entry], known: Mapping[str, Facts]) -> None:
        self._require()
        digest = self._chain[-1].digest if self._chain else GENESIS
        # All or nothing: what is no certificate, or contradicts another, is found before anything is kept.
        bringing = [item for item in entries if item.event in BRINGS_CERTIFICATE]
        facts = [known.get(item.fingerprint) or _facts(item) for item in bringing]
        self._require_unique(bringing, facts)
        brought = iter(facts)
        for entry in entries:
            digest = chained(digest, entry)
            self._chain.append(Chained(len(self._chain) + 1, entry._replace(der=b""), digest))
            if entry.event in BRINGS_CERTIFICATE:
                self._bring(entry, next(brought))
            self._apply(entry)

    def _require_unique(self, bringing: Sequence[Entry], facts: Sequence[Facts]) -> None:
        taken = {(record.issuer_id, record.serial) for record in self._records.values() if record.origin in GIVEN}
        for entry, fact in zip(bringing, facts, strict=True):
            key = fact.issuer_id, fact.serial
            if entry.detail("origin") in GIVEN and fact.fingerprint not in self._records:
                if key in taken:
                    raise LedgerUnusable(self._path, "an entry contradicts what it says: this serial number is taken")
                taken.add(key)

    def _apply(self, entry: Entry) -> None:
        key = entry.detail("issuer_id"), entry.detail("serial")
        if entry.event is Event.REVOKED:
            self._revoked[key] = Revocation(*key, entry.detail("date"), entry.detail("reason"))
        if entry.event is Event.RELEASED:
            self._revoked.pop(key, None)
        if entry.event is Event.PUBLISHED:
            self._crl_numbers[key[0]] = max(int(entry.detail("number")), self._crl_numbers.get(key[0], 0))

        if entry.event is Event.EXPORTED:
            self._exports[export_of(entry).key] = export_of(entry)
        if entry.event is Event.FORGOTTEN:
            self._exports.pop(export_of(entry).key, None)

    def _bring(self, entry: Entry, facts: Facts) -> None:
        known = self._records.get(facts.fingerprint)
        record = Record._make(
            (
                *vars(facts).values(),
                entry.kind,
                entry.name,
                *(entry.detail(key) for key in ("origin", "profile", "renewal_of", "waived")),
                entry.detail("at") or written_instant(entry.at),
                entry.detail("actor") or entry.actor,
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


def _facts(entry: Entry) -> Facts:
    facts = facts_of(load_certificate(entry.der, "the certificate in the ledger"))
    if facts.fingerprint != entry.fingerprint:
        raise ValueError("an entry brings another certificate than the one that it names")
    return facts


def _matches(record: Record, query: Query) -> bool:
    wanted = {field: value for field, value in query._asdict().items() if value}
    if wanted.pop("current", False) and record.replaced_by:
        return False
    return all(getattr(record, field) == value for field, value in wanted.items())
