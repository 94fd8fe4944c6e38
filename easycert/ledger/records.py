"""What a ledger answers: records of certificates, of revocations, of files, and the state of the chain."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeAlias

from easycert.ledger.entries import Details, Entry, written_instant


class Record(NamedTuple):
    """One certificate that is or was in the directory, as far as a list or a search needs it.

    The first fields are those of :class:`easycert.pki.facts.Facts`. ``origin`` says how it was made (``fresh``,
    ``csr``, ``renewal``, ``reissue``, ``import``, ``adoption``), ``renewal_of`` and ``replaced_by`` are fingerprints
    (the latter may be UNFILED), ``at`` and ``actor`` when and by whom it came into the ledger, ``revoked_at`` and
    ``reason`` are empty unless it is revoked.
    """

    fingerprint: str
    serial: str
    subject: str
    issuer: str
    issuer_id: str
    self_issued: bool
    not_before: int
    not_after: int
    key_type: str
    key_sha256: str
    sans: str
    kind: str
    name: str
    origin: str
    profile: str
    renewal_of: str
    waived: str
    at: str
    actor: str
    replaced_by: str
    revoked_at: str
    reason: str


class Indexed(NamedTuple):
    """What a list needs of one certificate: fields of a :class:`Record`."""

    fingerprint: str
    serial: str
    subject: str
    issuer: str
    issuer_id: str
    self_issued: bool
    not_before: int
    not_after: int
    key_type: str
    sans: str
    origin: str


#: By the relative path of a file: its size, time of change in nanoseconds and inode number, and its certificate.
Index: TypeAlias = dict[str, tuple[tuple[int, int, int], Indexed]]


class Query(NamedTuple):
    """Which certificates to return: those that match every field that is set; *current* leaves replaced ones out."""

    kind: str = ""
    name: str = ""
    serial: str = ""
    issuer_id: str = ""
    fingerprint: str = ""
    key_sha256: str = ""
    current: bool = False


class Revocation(NamedTuple):
    """That a certificate is revoked: whose (``issuer_id``), its serial number, when (RFC 3339) and why."""

    issuer_id: str
    serial: str
    at: str
    reason: str


class Export(NamedTuple):
    """A certificate that was written to another place, as often as it is renewed, in the form that a program reads.

    ``destination`` is an absolute directory, ``recipe`` the name of the form. ``kind`` and ``name`` say what is
    written, ``fingerprint`` which certificate was written last, ``at`` (RFC 3339) when. ``owner``, ``group``, ``hook``
    (a command line for the shell), ``legacy`` (``yes``) and ``passphrase_file`` say how, empty where nothing was said;
    no passphrase is ever here. ``files`` has a line for each file: the SHA-256 of what is in it, ``-`` where that is
    private, a space, and its name.
    """

    destination: str
    recipe: str
    kind: str
    name: str
    fingerprint: str
    owner: str
    group: str
    hook: str
    legacy: str
    passphrase_file: str
    files: str
    at: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What no two exports share: where to, in which form, and what."""
        return self[0], self[1], self[2], self[3]


#: The fields of an :class:`Export` that stand in the details of its entry.
EXPORT_DETAILS = ("destination", "recipe", "owner", "group", "hook", "legacy", "passphrase_file", "files")


def export_of(entry: Entry) -> Export:
    """Return the export that an entry, EXPORTED or FORGOTTEN, is about."""
    said = {field: entry.detail(field) for field in EXPORT_DETAILS}
    at = entry.detail("at") or written_instant(entry.at)
    return Export(kind=entry.kind, name=entry.name, fingerprint=entry.fingerprint, at=at, **said)


def export_details(export: Export) -> Details:
    """Return the details of the entry that records *export*."""
    return tuple((field, text) for field in EXPORT_DETAILS if (text := getattr(export, field)))


class Head(NamedTuple):
    """The end of the chain: number (how many there are), digest and time (RFC 3339) of the last entry."""

    number: int
    digest: str
    at: str


class Row(NamedTuple):
    """An entry as it stands in the ledger, whatever it says: number, digest, and what was hashed of it, in its order.

    ``parts`` are what :func:`easycert.ledger.entries.texts` returns of the entry, if nobody changed it.
    """

    number: int
    digest: str
    parts: tuple[str, ...]


class Order(Enum):
    """In which order records are read."""

    OLDEST = "oldest"
    NEWEST = "newest"
    FINGERPRINT = "fingerprint"


class Counts(NamedTuple):
    """How many certificates and revocations there are, and of how many revocations the certificate is not known."""

    certificates: int
    revocations: int
    unknown_revoked: int


class Chained(NamedTuple):
    """An entry in its place: its number from 1, itself, and its digest as the ledger has it."""

    number: int
    entry: Entry
    digest: str
