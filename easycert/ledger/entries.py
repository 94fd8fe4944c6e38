"""Entries of the ledger: what happened to a certificate, when, and by whom; how an entry is written down and chained.

An entry is hashed in one canonical form, a sequence of netstrings (``5:hello,``), which is also how entries travel in
the journal until they are in the ledger. Each entry of a ledger has a digest over the digest of the entry before it and
its own canonical form, so that an entry that is edited, removed or put in between breaks every digest behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import NamedTuple

from easycert.model import Value

#: What the first entry names as the digest of the one before it.
GENESIS = bytes(32).hex()
Details = tuple[tuple[str, str], ...]


class Event(Enum):
    """What an entry tells; the value is the word in the ledger and in its exports."""

    #: A certificate is about to be signed (RFC 5280 has no word for it; public CAs call it the precertificate's log).
    INTENDED = "intended"
    ISSUED = "issued"
    #: A certificate came in from elsewhere.
    IMPORTED = "imported"
    #: A certificate was found in the directory when the ledger began, or was begun anew.
    ADOPTED = "adopted"
    REVOKED = "revoked"
    #: A certificate was on hold, and is no longer (RFC 5280 section 5.3.1, removeFromCRL).
    RELEASED = "released"
    #: A CRL was signed.
    PUBLISHED = "published"
    #: A certificate was written to another place in the form that a program reads, and will be again when renewed.
    EXPORTED = "exported"
    #: What was written to another place is not to be written again.
    FORGOTTEN = "forgotten"
    #: The ledger was made again from the files, the CRLs, and what could be read of the one before.
    REBUILT = "rebuilt"


#: The events that bring a certificate, in DER, into the ledger.
BRINGS_CERTIFICATE = (Event.ISSUED, Event.IMPORTED, Event.ADOPTED)
#: Origins of certificates whose serial numbers easycert gave: each is there once under its CA (RFC 5280, 4.1.2.2).
GIVEN = ("fresh", "csr", "renewal")


#: What ``replaced_by`` says of a certificate that came in without a file and never had one here.
UNFILED = "unfiled"


class Entry(Value):
    """One entry: an *event* at an instant (aware, UTC, whole seconds) by the user *actor* of the operating system.

    *kind* and *name* say in which place of the certificate directory, *fingerprint* (SHA-256, hexadecimal) which
    certificate, *der* brings it along. *details* are further facts by name, such as ``origin`` or ``reason``. The *id*
    is random: an entry that is handed over twice is kept once.
    """

    event: Event
    at: datetime
    actor: str
    id: str
    kind: str = ""
    name: str = ""
    fingerprint: str = ""
    details: Details = ()
    der: bytes = b""

    def detail(self, key: str) -> str:
        """Return the detail called *key*, or an empty string."""
        return next((value for known, value in self.details if known == key), "")


class Located(NamedTuple):
    """Which certificate (by fingerprint) the file at a relative *path* holds.

    It does so for as long as the file has this size in bytes, time of change in nanoseconds and inode number.
    """

    path: str
    fingerprint: str
    size: int
    mtime_ns: int
    inode: int


def canonical(entry: Entry) -> bytes:
    """Return what is hashed of *entry*: everything but the certificate itself, for which its fingerprint stands."""
    return _netstrings(map(_encoded, texts(entry)))


def chained(before: str, entry: Entry) -> str:
    """Return the digest of *entry* behind the entry with the digest *before*: SHA-256, hexadecimal."""
    return chained_texts(before, texts(entry))


def chained_texts(before: str, parts: Iterable[str]) -> str:
    """Return the digest of an entry given as the *parts* that :func:`texts` returns, whatever they say."""
    return sha256(bytes.fromhex(before) + _netstrings(map(_encoded, parts))).hexdigest()


def texts(entry: Entry) -> tuple[str, ...]:
    """Return *entry* without its certificate as the texts that are hashed, in their order."""
    flat = (text for pair in entry.details for text in pair)
    head = (entry.id, entry.event.value, written_instant(entry.at), entry.actor, entry.kind, entry.name)
    return (*head, entry.fingerprint, *flat)


def entry_of(parts: Sequence[str], der: bytes = b"") -> Entry:
    """Return the entry whose :func:`texts` are *parts*. Raises ValueError for what is none."""
    identifier, event, at, actor, kind, name, fingerprint, *flat = parts
    details = tuple(zip(flat[::2], flat[1::2], strict=True))
    return Entry(Event(event), read_instant(at), actor, identifier, kind, name, fingerprint, details, der)


def packed(entries: Iterable[Entry]) -> bytes:
    """Return *entries* as bytes that :func:`unpacked` reads."""
    return _netstrings(_netstrings((entry.der, *map(_encoded, texts(entry)))) for entry in entries)


def unpacked(data: bytes) -> tuple[Entry, ...]:
    """Return the entries in *data*. Raises ValueError for anything that :func:`packed` did not make."""
    return tuple(_entry(*_strings(item)) for item in _strings(data))


def written_instant(instant: datetime) -> str:
    """Return an instant as the ledger writes it, ``2027-03-15T12:00:00Z``: such texts sort by time."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def read_instant(text: str) -> datetime:
    """Return the instant that :func:`written_instant` wrote. Raises ValueError for any other text."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None or written_instant(instant) != text:
        raise ValueError("an instant is not written as the ledger writes it")
    return instant


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _entry(der: bytes, *fields: bytes) -> Entry:
    return entry_of([field.decode("utf-8", "surrogatepass") for field in fields], der)


def _netstrings(strings: Iterable[bytes]) -> bytes:
    return b"".join(b"%d:%b," % (len(string), string) for string in strings)


def _strings(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        colon = data.index(b":", position, position + 12)
        end = colon + 1 + int(data[position:colon])
        if data[end : end + 1] != b",":
            raise ValueError("a netstring does not end with a comma")
        yield data[colon + 1 : end]
        position = end + 1
