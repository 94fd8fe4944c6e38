"""What a ledger answers: records of certificates, of revocations, of files, and the state of the chain."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeAlias

from easycert.ledger.entries import Entry


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
