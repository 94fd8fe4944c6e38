"""Every certificate of a directory with the facts that lists are made of: from the ledger's index, else from its file.

The index says which certificate a file held when it had a certain size, time of change and inode number. Where the file
still has these, its certificate is taken from the ledger, a fraction of the work of parsing it; any other file is read.
So the files stay the truth, and a ledger that is missing, damaged, of a newer version or out of date costs time only.

A reader never adds a certificate to the ledger, nor says that a file holds another one than the ledger believes: that
is drift, which ``ledger verify`` is to find. Only when many files hold the same certificates as before under other
stamps, as after ``cp -a`` of a whole directory, are their stamps brought up to date, if nobody is writing just then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import EasycertError, Malformed, UnreadableFile
from easycert.ledger.entries import Located
from easycert.ledger.records import Index, Indexed
from easycert.model import Kind
from easycert.pki.certificates import load_certificate
from easycert.pki.facts import facts_of
from easycert.store import layout
from easycert.store.layout import Entry
from easycert.store.pairs import Pair
from easycert.store.protocol import Stamp
from easycert.workflows.revoked import Revocations, revocations

#: So many files are read sooner than the lock is taken and the ledger written.
_READ_SOONER = 64
#: A file that was changed this lately may change again without getting another time of change (FAT counts in 2 s).
_UNSETTLED_NS = 2_000_000_000
_SUFFIX = ".crt"


class Problem(NamedTuple):
    """A file that cannot be used, and why."""

    path: str
    reason: str


class Holding(NamedTuple):
    """A certificate that lies in the directory, the first of its file: where, the key beside it, and its facts.

    ``facts.origin`` says how the certificate was made; it is empty for one that was read from its file.
    """

    kind: Kind
    name: str
    path: str
    has_key: bool
    key_exposed: bool
    facts: Indexed


class Holdings(NamedTuple):
    """What the directory holds, in no order; what is revoked; files of no use; and what is to be said about the rest.

    *ledger* tells whether there is a ledger that can be used.
    """

    items: list[Holding]
    revocations: Revocations
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    ledger: bool


def holdings(certdir: CertDir, kinds: Collection[Kind] = tuple(Kind)) -> Holdings:
    """Return every certificate of these *kinds*. A file of no use is told and spoils nothing but itself (hazard D7)."""
    reader = _Reader(certdir)
    try:
        items = [item for kind in Kind if kind in kinds for item in reader.held(kind)]
        revoked = revocations(certdir, ledger=reader.indexed)
    finally:
        reader.close()
    return Holdings(items, revoked, tuple(sorted(reader.problems)), tuple(reader.notes), reader.indexed)


def facts_from(certificate: x509.Certificate) -> Indexed:
    """Return the facts of a certificate of whose making nothing is known."""
    found = vars(facts_of(certificate))
    return Indexed(origin="", **{field: found[field] for field in Indexed._fields if field in found})


def certificate_of(certdir: CertDir, held: Holding) -> x509.Certificate | None:
    """Return the certificate itself, read from its file; None should it have gone or become unreadable meanwhile."""
    try:
        data = certdir.store.read(Entry(layout.FOLDERS[held.kind], f"{held.name}{_SUFFIX}"))
        return None if data is None else load_certificate(data, held.path)
    except (Malformed, UnreadableFile):
        return None


class _Reader:
    """Reads folder after folder, and remembers what could not be read and which stamps are out of date."""

    def __init__(self, certdir: CertDir) -> None:
        self._certdir = certdir
        self._now_ns = int(certdir.now().timestamp()) * 1_000_000_000
        self._stale: list[Located] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        #: Whether there is a ledger that can be used.
        self.indexed = False
        self._index = self._read_index()

    def held(self, kind: Kind) -> Iterable[Holding]:
        """Yield the certificates of the folder of *kind*."""
        folder, index = layout.FOLDERS[kind], self._index
        try:
            for pair in self._certdir.store.pairs(folder):
                name, directory, written, stamp, has_key, key_exposed = pair
                place = f"{folder}/{name}{_SUFFIX}"
                known = index.get(place) if written else None
                facts = known[1] if known and known[0] == stamp else self._facts(pair, folder, known)
                if facts is not None:
                    yield Holding(kind, name, f"{directory}/{place}", has_key, key_exposed, facts)
        except UnreadableFile as error:
            self.problems.append(Problem(error.path, error.reason))

    def close(self) -> None:
        """Bring many stamps that are out of date up to date, and give back the ledger."""
        if len(self._stale) >= _READ_SOONER:
            self._certdir.refresh_index(self._stale)
        if self.indexed:
            self._certdir.ledger.close()

    def _read_index(self) -> Index:
        try:
            if not self._certdir.ledger.exists():
                return {}
            index = self._certdir.ledger.index()
        except EasycertError as error:  # damaged, newer, or in the hands of a foreign program: the files are the truth
            self.notes.append(f"{error}; read from the files instead")
            return {}
        self.indexed = True
        return index

    def _facts(self, pair: Pair, folder: str, known: tuple[Stamp, Indexed] | None) -> Indexed | None:
        """Return the facts of a file that is not, or no longer, what the index says: read from the file."""
        found = self._read(folder, pair)
        if found is None or known is None or found.fingerprint != known[1].fingerprint:
            return found
        if pair.stamp[1] < self._now_ns - _UNSETTLED_NS:
            self._stale.append(Located(f"{folder}/{pair.name}{_SUFFIX}", found.fingerprint, *pair.stamp))
        return known[1]

    def _read(self, folder: str, pair: Pair) -> Indexed | None:
        entry = Entry(folder, f"{pair.name}{_SUFFIX}")
        path = f"{pair.directory}/{entry.path}"
        try:
            data = self._certdir.store.read(entry) if entry.is_named else None
            if data is None:  # nothing that easycert could have put there, or just gone
                return None
            return facts_from(load_certificate(data, path))
        except Malformed as error:
            self.problems.append(Problem(path, f"it is not {error.what} that can be decoded"))
        except UnreadableFile as error:
            self.problems.append(Problem(path, error.reason))
        return None
