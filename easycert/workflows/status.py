"""What a person wants to know on a Monday: what ends, what is stale, what is exposed, what was left half done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

from easycert.certdir import CertDir
from easycert.errors import EasycertError, LedgerUnusable, UnreadableFile
from easycert.model import Kind
from easycert.store.layout import FOLDERS, Entry
from easycert.workflows.crl_states import CrlState, CrlStatus, crl_statuses
from easycert.workflows.exports.remembered import remembered_exports
from easycert.workflows.exports.values import Amiss
from easycert.workflows.holdings import Holding, Holdings, Problem, holdings
from easycert.workflows.listing import ORDER, Listed, Lister
from easycert.workflows.parents import Authorities

#: What somebody has to do something about.
_CRLS_DUE = (CrlState.DUE, CrlState.STALE, CrlState.MISSING)


class Counts(NamedTuple):
    """How many certificates there are, of each kind and in each state; what is revoked counts as nothing else."""

    certificates: int
    kinds: dict[str, int]
    expired: int
    due: int
    revoked: int


class Outlived(NamedTuple):
    """A CA that ends before certificates that it signed, which end with it: those, the longest-lived first."""

    name: str
    path: str
    not_after: datetime
    below: tuple[Outlasting, ...]


class Outlasting(NamedTuple):
    """A certificate that lasts longer than its CA."""

    kind: Kind
    name: str
    not_after: datetime


class Waiting(NamedTuple):
    """A signing request to which no certificate has come yet."""

    kind: Kind
    name: str
    path: str


class LedgerState(Enum):
    """How things stand with the ledger."""

    GOOD = "good"
    #: There is none yet: the next command that writes begins it.
    NONE = "none"
    NEWER = "newer"
    UNUSABLE = "unusable"


class LedgerStatus(NamedTuple):
    """The state of the ledger; how many entries it has and the time of the last, or why it cannot be used."""

    state: LedgerState
    entries: int
    last_at: datetime | None
    reason: str | None


class Status(NamedTuple):
    """The directory at a glance.

    *ending* are the certificates that have expired or are due for renewal, the first to end first; *exposed* the paths
    of private keys that others can read; *unfinished* how many commands were killed that nobody could finish; *exports*
    those that are not as they should be.
    """

    at: datetime
    directory: str
    counts: Counts
    ending: tuple[Listed, ...]
    crls: tuple[CrlStatus, ...]
    exposed: tuple[str, ...]
    outlived: tuple[Outlived, ...]
    waiting: tuple[Waiting, ...]
    unfinished: int
    ledger: LedgerStatus
    problems: tuple[Problem, ...]
    exports: tuple[Amiss, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether a certificate or a CRL is due, or overdue."""
        return bool(self.ending) or any(crl.state in _CRLS_DUE for crl in self.crls)


def status(certdir: CertDir) -> Status:
    """Return how things stand in *certdir*."""
    now = certdir.now()
    found = holdings(certdir)
    held = sorted(found.items, key=lambda item: (item.facts.not_after, ORDER[item.kind], item.name))
    lister = Lister(certdir, now, found.revocations)
    lines = [lister.listed(item) for item in held]
    authorities = Authorities(certdir, held)
    folders = _Folders(certdir, found)
    return Status(
        at=now,
        directory=_directory(certdir),
        counts=_counts(lines),
        ending=tuple(line for line in lines if line.due and line.state != "revoked"),
        crls=crl_statuses(certdir, now, authorities.all, found.revocations),
        exposed=tuple(sorted(folders.exposed())),
        outlived=tuple(_outlived(authorities, held, lines)),
        waiting=tuple(folders.waiting()),
        unfinished=certdir.store.unfinished(),
        ledger=_ledger(certdir),
        problems=found.problems,
        exports=_exports(certdir),
    )


def _directory(certdir: CertDir) -> str:
    somewhere = Entry(FOLDERS[Kind.CA], "x.crt")
    return certdir.store.path(somewhere).removesuffix(f"/{somewhere.path}")


def _counts(lines: Sequence[Listed]) -> Counts:
    kinds = {kind.value: 0 for kind in Kind}
    for line in lines:
        kinds[line.kind.value] += 1
    good = [line for line in lines if line.state != "revoked"]
    return Counts(
        certificates=len(lines),
        kinds=kinds,
        expired=sum(line.state == "expired" for line in good),
        due=sum(line.due and line.state != "expired" for line in good),
        revoked=len(lines) - len(good),
    )


def _outlived(authorities: Authorities, held: Sequence[Holding], lines: Sequence[Listed]) -> Iterator[Outlived]:
    """Yield the CAs that end before what they signed; what has expired, or is revoked, no longer matters."""
    below: dict[int, list[Outlasting]] = {}
    for position in range(len(held) - 1, -1, -1):  # the longest-lived first
        item, line = held[position], lines[position]
        end = item.facts.not_after
        if line.state in ("expired", "revoked") or not any(
            held[one.position].facts.not_after < end for one in authorities.candidates(item)
        ):
            continue
        parent = authorities.parent_of(position, item)
        if parent is not None and held[parent].facts.not_after < end:
            below.setdefault(parent, []).append(Outlasting(item.kind, item.name, line.not_after))
    for parent, outlasting in sorted(below.items()):
        line = lines[parent]
        yield Outlived(line.name, held[parent].path, line.not_after, tuple(outlasting))


class _Folders:
    """The files that are no certificates: keys that stand alone, PKCS#12 files, requests."""

    def __init__(self, certdir: CertDir, found: Holdings) -> None:
        self._certdir = certdir
        self._held = found.items
        self._entries = [(kind, list(self._listed(folder))) for kind, folder in FOLDERS.items()]

    def exposed(self) -> Iterator[str]:
        """Yield the paths of private keys that others can read."""
        known = {(item.kind, item.name) for item in self._held}
        for item in self._held:
            if item.key_exposed:
                yield self._path(Entry(FOLDERS[item.kind], f"{item.name}.key"))
        for kind, entries in self._entries:
            for entry in entries:
                alone = entry.suffix == "p12" or (entry.suffix == "key" and (kind, entry.name) not in known)
                if alone and self._is_exposed(entry):
                    yield self._path(entry)

    def waiting(self) -> Iterator[Waiting]:
        """Yield the requests without a certificate."""
        for kind, entries in self._entries:
            certified = {entry.name for entry in entries if entry.suffix == "crt"}
            for entry in entries:
                if entry.suffix == "csr" and entry.name not in certified:
                    yield Waiting(kind, entry.name, self._path(entry))

    def _listed(self, folder: str) -> Iterator[Entry]:
        try:
            yield from self._certdir.store.entries(folder)
        except UnreadableFile:  # told with the certificates of that folder
            return

    def _is_exposed(self, entry: Entry) -> bool:
        try:
            return self._certdir.store.exposed(entry)
        except UnreadableFile:
            return False

    def _path(self, entry: Entry) -> str:
        return self._certdir.store.find(entry) or self._certdir.store.path(entry)


def _exports(certdir: CertDir) -> tuple[Amiss, ...]:
    try:
        exports = remembered_exports(certdir)
        if not exports:
            return ()
        from easycert.workflows.exports.checking import amiss  # few directories have any

        return amiss(certdir, exports)
    except EasycertError:  # the ledger's own line says so
        return ()


def _ledger(certdir: CertDir) -> LedgerStatus:
    try:
        if not certdir.ledger.exists():
            return LedgerStatus(LedgerState.NONE, 0, None, None)
        head = certdir.ledger.head()
        certdir.ledger.close()
    except LedgerUnusable as error:
        state = LedgerState.NEWER if error.newer else LedgerState.UNUSABLE
        return LedgerStatus(state, 0, None, error.reason)
    except EasycertError as error:
        return LedgerStatus(LedgerState.UNUSABLE, 0, None, str(error))
    last = datetime.fromisoformat(head.at).astimezone(UTC) if head.at else None
    return LedgerStatus(LedgerState.GOOD, head.number, last, None)
