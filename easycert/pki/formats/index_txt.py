"""The ``index.txt`` of ``openssl ca`` (and of easy-rsa, which drives it): what a CA issued, and what it revoked.

One line for each certificate, six fields with tabs between: ``V``, ``R`` or ``E``; when it ends; when it was revoked,
with a reason; serial number; file name; subject. Source: ``openssl-ca(1)``, and what OpenSSL 1.0 to 3.5 write.

Lines come from a disk that others may have written to: a line that cannot be read is a :class:`Flaw`, never a crash and
never silently skipped, since it could be a revocation. The file name is not read at all: nothing may follow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

from cryptography.x509 import ReasonFlags

from easycert.errors import printable

_FIELDS = 6
_TIME = re.compile(rb"(\d\d)?(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")
_SERIAL = re.compile(rb"[0-9A-Fa-f]{1,128}")
#: A tab within a field has a backslash before it.
_SEPARATOR = re.compile(rb"(?<!\\)\t")
#: RFC 5280 section 4.1.2.5.1: two digits stand for 1950 to 2049.
_CENTURY_BREAK = 50
#: The words of ``-crl_reason``, and what the options ``-crl_hold``, ``-crl_compromise``, ``-crl_CA_compromise`` write.
_REASONS = {
    "unspecified": ReasonFlags.unspecified,
    "keycompromise": ReasonFlags.key_compromise,
    "cacompromise": ReasonFlags.ca_compromise,
    "affiliationchanged": ReasonFlags.affiliation_changed,
    "superseded": ReasonFlags.superseded,
    "cessationofoperation": ReasonFlags.cessation_of_operation,
    "certificatehold": ReasonFlags.certificate_hold,
    "removefromcrl": ReasonFlags.remove_from_crl,
    "holdinstruction": ReasonFlags.certificate_hold,
    "keytime": ReasonFlags.key_compromise,
    "cakeytime": ReasonFlags.ca_compromise,
}


class Status(Enum):
    """What the first field says; ``E`` is only written by ``openssl ca -updatedb``, so ``V`` may have ended, too."""

    VALID = "V"
    REVOKED = "R"
    EXPIRED = "E"


class Row(NamedTuple):
    """One certificate of the index; *revoked* (aware, UTC) and *reason* only where its status is REVOKED."""

    line: int
    status: Status
    serial: int
    not_after: datetime | None
    revoked: datetime | None
    reason: ReasonFlags
    subject: str


class Flaw(NamedTuple):
    """A line that cannot be read, and why; *revoked* where it says that its certificate was."""

    line: int
    reason: str
    revoked: bool


class Index(NamedTuple):
    """What an ``index.txt`` holds, in its order."""

    rows: tuple[Row, ...]
    flaws: tuple[Flaw, ...]


def parse_index(data: bytes) -> Index:
    """Return what *data* holds; whatever the bytes are, nothing is raised."""
    rows: list[Row] = []
    flaws: list[Flaw] = []
    for number, line in _lines(data):
        try:
            rows.append(_row(number, line))
        except ValueError as error:
            flaws.append(Flaw(number, str(error), line.startswith(b"R\t")))
    return Index(tuple(rows), tuple(flaws))


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip() and not line.startswith(b"#"):
            yield number, line.removesuffix(b"\r")


def _row(number: int, line: bytes) -> Row:
    fields = _SEPARATOR.split(line)
    if len(fields) != _FIELDS:
        raise ValueError(f"it has {len(fields)} fields, not {_FIELDS}")
    word, ends, revocation, serial, _file, subject = fields
    status = _status(word)
    if not _SERIAL.fullmatch(serial):
        raise ValueError(f"its serial number is '{_shown(serial)}'")
    revoked, reason = _revocation(revocation) if status is Status.REVOKED else (None, ReasonFlags.unspecified)
    return Row(number, status, int(serial, 16), _end(ends), revoked, reason, _shown(subject.replace(b"\\\t", b"\t")))


def _status(word: bytes) -> Status:
    try:
        return Status(word.decode("ascii"))
    except ValueError:
        raise ValueError(f"it begins with '{_shown(word)}', not with V, R or E") from None


def _end(text: bytes) -> datetime | None:
    """Return when the certificate ends; None where that cannot be read, which its own file tells better."""
    try:
        return _time(text)
    except ValueError:
        return None


def _revocation(text: bytes) -> tuple[datetime, ReasonFlags]:
    """Read ``date[,reason[,more]]``: more is a hold instruction or the time of a compromise."""
    date, _, rest = text.partition(b",")
    word = rest.partition(b",")[0]
    reason = _REASONS.get(word.decode("ascii", "replace").lower()) if word else ReasonFlags.unspecified
    # A reason that nobody knows is no reason to forget the revocation.
    return _time(date), reason or ReasonFlags.unspecified


def _time(text: bytes) -> datetime:
    """Read a UTCTime or GeneralizedTime as ASN.1 writes it, in UTC. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"its time is '{_shown(text)}'")
    century, *rest = match.groups()
    year, month, day, hour, minute, second = map(int, rest)
    first = int(century) if century else 19 if year >= _CENTURY_BREAK else 20
    try:
        return datetime(first * 100 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"its time is '{_shown(text)}'") from None


def _shown(text: bytes) -> str:
    return printable(text.decode("utf-8", "backslashreplace"))
