"""The certificates of a directory, one line each, as many as a person asked for, sorted by when they end."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import InvalidName, NotFound, printable
from easycert.ledger.records import Indexed, Query, Record
from easycert.model import Kind, Value
from easycert.pki.certificates import load_certificate
from easycert.pki.describe.certificate import is_self_signed
from easycert.pki.encodings import Encoding
from easycert.pki.facts import authority_ids, fingerprint_of
from easycert.pki.names import SafeName
from easycert.pki.subjects import shown_name
from easycert.pki.validity import When, is_due
from easycert.store import layout
from easycert.workflows.holdings import Holding, Holdings, Problem, certificate_of, holdings
from easycert.workflows.revoked import Revocations

_DAY = timedelta(days=1)
#: Kinds in the order in which lists show them.
ORDER = {kind: number for number, kind in enumerate(Kind)}
_BY_WORD = {kind.value: kind for kind in Kind}
_Test: TypeAlias = Callable[[Indexed], bool]


class Listed(NamedTuple):
    """One certificate in a line.

    ``state`` is ``valid``, ``expired``, ``not yet valid`` or, before all of these, ``revoked``; ``due`` says that it is
    time to renew it. ``path`` is None for one that only the ledger has, and ``replaced_by`` the fingerprint of what
    took its place.
    """

    kind: Kind
    name: str
    path: str | None
    subject: str
    issuer: str
    self_signed: bool
    serial: str
    not_before: datetime
    not_after: datetime
    state: str
    days_left: int
    due: bool
    key_type: str
    sans: tuple[str, ...]
    has_key: bool
    key_exposed: bool
    sha256: str
    revoked_at: datetime | None
    reason: str | None
    replaced_by: str | None


class Listing(NamedTuple):
    """The certificates asked for, those that end first before the others; files of no use; what else is to be said."""

    items: tuple[Listed, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


class Filter(Value):
    """Which certificates to list: of these *kinds*, and such that all else that is set holds.

    *issuer* names a CA of the directory, or is the common name of an issuer that is not here. *ends_by*, *expired* and
    *revoked* add up: what ends from now until then, what has ended, what is revoked. One of *sans* and *key_types*
    (patterns with ``*``, ``?`` and ``[..]``, upper and lower case alike) must fit; a SAN with or without its prefix.
    With *former*, certificates that only the ledger has are listed too: those that were replaced, and lost ones.
    """

    kinds: Collection[Kind] = tuple(Kind)
    issuer: str | None = None
    ends_by: When | None = None
    expired: bool = False
    revoked: bool = False
    sans: Collection[str] = ()
    key_types: Collection[str] = ()
    former: bool = False


def listed(certdir: CertDir, wanted: Filter | None = None) -> Listing:
    """Return the certificates that *wanted* asks for, by default all that lie in the directory.

    Raises NotFound for an issuer of which there is neither a CA nor a certificate, and InvalidInput for a time that
    cannot be.
    """
    wanted, now = wanted or Filter(), certdir.now()
    found = holdings(certdir, wanted.kinds)
    lister = Lister(certdir, now, found.revocations)
    fits = _test(certdir, wanted, now, found)
    items = [item for item in found.items if fits(item.facts)]
    items.sort(key=lambda item: (item.facts.not_after, ORDER[item.kind], item.name))
    lines = [lister.listed(item) for item in items]
    if wanted.former:
        lines += [lister.former(record) for record in _former(certdir, wanted, found) if fits(_indexed(record))]
        lines.sort(key=lambda line: (line.not_after, ORDER[line.kind], line.name))
    return Listing(tuple(lines), found.problems, found.notes)


class Lister:
    """Makes a line out of what is held, seen at one instant."""

    def __init__(self, certdir: CertDir, now: datetime, revoked: Revocations) -> None:
        """See the certificates of *certdir* at *now*, those in *revoked* as revoked."""
        self._certdir = certdir
        self._now = now
        self._revoked = revoked

    def listed(self, held: Holding) -> Listed:
        """Return the line of a certificate that lies in the directory."""
        return self._line(held, is_self_signed=held.facts.self_issued and self._is_self_signed(held))

    def former(self, record: Record) -> Listed:
        """Return the line of a certificate that only the ledger has."""
        held = Holding(_BY_WORD[record.kind], record.name, "", False, False, _indexed(record))
        line = self._line(held, is_self_signed=record.self_issued)
        return line._replace(path=None, replaced_by=record.replaced_by or None)

    def _is_self_signed(self, held: Holding) -> bool:
        certificate = certificate_of(self._certdir, held)
        return certificate is not None and is_self_signed(certificate)

    def _line(self, held: Holding, *, is_self_signed: bool) -> Listed:
        # By position: a directory may hold a hundred thousand, and names cost as much as all the rest of this.
        kind, name, path, has_key, key_exposed, facts = held
        now = self._now
        begin, end = datetime.fromtimestamp(facts.not_before, UTC), datetime.fromtimestamp(facts.not_after, UTC)
        revoked = self._revoked.get((facts.issuer_id, facts.serial))
        state = "revoked" if revoked else "expired" if now > end else "not yet valid" if now < begin else "valid"
        return Listed(
            kind,
            name,
            path,
            facts.subject,
            facts.issuer,
            bool(is_self_signed),
            facts.serial,
            begin,
            end,
            state,
            (end - now) // _DAY,
            is_due(begin, end, now),
            facts.key_type,
            tuple(facts.sans.split("\n")) if facts.sans else (),
            has_key,
            key_exposed,
            facts.fingerprint,
            datetime.fromisoformat(revoked.at) if revoked else None,
            revoked.reason if revoked else None,
            None,
        )


# --- what was asked for ----------------------------------------------------------------------------------------------


def _test(certdir: CertDir, wanted: Filter, now: datetime, found: Holdings) -> _Test:
    tests = list(_tests(certdir, wanted, now, found))
    return lambda facts: all(test(facts) for test in tests)


def _tests(certdir: CertDir, wanted: Filter, now: datetime, found: Holdings) -> Iterator[_Test]:
    if wanted.issuer is not None:
        yield _issued_by(certdir, wanted.issuer, found)
    states = list(_states(wanted, now, found.revocations))
    if states:
        yield lambda facts: any(state(facts) for state in states)
    if wanted.key_types:
        key_type = _pattern(wanted.key_types)
        yield lambda facts: bool(key_type(facts.key_type))
    if wanted.sans:
        san = _pattern(wanted.sans)
        yield lambda facts: any(san(name) or san(name.partition(":")[2]) for name in facts.sans.split("\n") if name)


def _states(wanted: Filter, now: datetime, revoked: Revocations) -> Iterator[_Test]:
    instant = now.timestamp()
    if wanted.ends_by is not None:
        last = wanted.ends_by.resolve(now).timestamp()
        yield lambda facts: instant <= facts.not_after <= last
    if wanted.expired:
        yield lambda facts: facts.not_after < instant
    if wanted.revoked:
        yield lambda facts: (facts.issuer_id, facts.serial) in revoked


def _pattern(patterns: Collection[str]) -> Callable[[str], object]:
    from fnmatch import translate

    return re.compile("|".join(map(translate, patterns)), re.IGNORECASE).match


def _issued_by(certdir: CertDir, issuer: str, found: Holdings) -> _Test:
    """Return a test for what the CA called *issuer* signed, its own certificate aside."""
    authorities = list(_authorities(certdir, issuer, found))
    if authorities:
        own = {fingerprint_of(certificate.public_bytes(Encoding.DER)) for certificate in authorities}
        keys = {(shown_name(item.subject), one) for item in authorities for one in authority_ids(item)}
        return lambda facts: (facts.issuer, facts.issuer_id) in keys and facts.fingerprint not in own
    attribute = f"CN={printable(issuer)}"
    if not any(attribute in item.facts.issuer.split(", ") for item in found.items):
        raise NotFound("certificate authority", issuer)
    return lambda facts: attribute in facts.issuer.split(", ")


def _authorities(certdir: CertDir, issuer: str, found: Holdings) -> Iterator[x509.Certificate]:
    """Yield the certificate of the CA called *issuer*, and those that had its place before."""
    try:
        name = SafeName(issuer)
    except InvalidName:  # the common name of somebody else's CA may be any text
        return
    here = certdir.read(layout.certificate(Kind.CA, name))
    if here:
        yield load_certificate(*here)
    if found.ledger:
        with closing(certdir.ledger) as ledger:
            for record in ledger.records(Query(kind=Kind.CA.value, name=name)):
                yield load_certificate(ledger.der(record.fingerprint) or b"", "a certificate in the ledger")


# --- what only the ledger has ----------------------------------------------------------------------------------------


def _former(certdir: CertDir, wanted: Filter, found: Holdings) -> Iterator[Record]:
    if not found.ledger:
        return
    here = {(item.kind.value, item.name, item.facts.fingerprint) for item in found.items}
    kinds = {kind.value for kind in wanted.kinds}
    with closing(certdir.ledger) as ledger:
        for record in ledger.records():
            if record.kind in kinds and (record.kind, record.name, record.fingerprint) not in here:
                yield record


def _indexed(record: Record) -> Indexed:
    return Indexed(*(getattr(record, field) for field in Indexed._fields))
