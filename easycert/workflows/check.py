"""Whether certificates end too soon: those of the directory, those that are named, or those in any file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from easycert.certdir import CertDir
from easycert.errors import EasycertError, NotFound, UnreadableFile
from easycert.ledger.records import Indexed
from easycert.model import Kind, Value
from easycert.pki.certificates import DECODING_ERRORS
from easycert.pki.formats.bundle import Undecodable, read_bundle
from easycert.pki.validity import When, is_due
from easycert.store.files import CRL_LIMIT, read_file
from easycert.store.survey import files_below
from easycert.workflows.crl_states import CrlStatus, crl_statuses
from easycert.workflows.holdings import Problem, facts_from, holdings
from easycert.workflows.lookup import find
from easycert.workflows.parents import Authorities
from easycert.workflows.revoked import Revocations

_DAY = timedelta(days=1)
#: What certificates are called in a directory that is no certificate directory.
_SUFFIXES = (".pem", ".crt", ".cer", ".cert", ".der")
#: Deeper and more than any tree of fixtures.
_DEPTH, _MOST_FILES = 16, 100_000


class CheckRequest(Value):
    """What to check: NAMEs, FILEs and directories, or without any the whole certificate directory.

    Something fails that ends between now and *within*; without it, what has less than a third of its life left.
    """

    targets: tuple[str, ...] = ()
    kind: Kind | None = None
    within: When | None = None


class Checked(NamedTuple):
    """One certificate and whether it ends too soon.

    *kind* and *name* are None for one that was found in a FILE; *number* is its place in the file at *path*, from 1.
    What is revoked has been given up and fails no more.
    """

    kind: Kind | None
    name: str | None
    path: str
    number: int
    subject: str
    issuer: str
    serial: str
    sha256: str
    not_before: datetime
    not_after: datetime
    state: str
    days_left: int
    failing: bool


class Check(NamedTuple):
    """What was looked at, those that end first before the others; what could not be; and at what time.

    What ends after *until* does not fail; None where each is judged by the life that it has left. The CRLs are those
    of the certificate directory, where all of it was checked; they never fail a check.
    """

    at: datetime
    until: datetime | None
    items: tuple[Checked, ...]
    crls: tuple[CrlStatus, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def failing(self) -> tuple[Checked, ...]:
        """The certificates that end too soon, or have ended."""
        return tuple(item for item in self.items if item.failing)


def check(certdir: CertDir, request: CheckRequest) -> Check:
    """Return how long what *request* names is valid. What cannot be read is a problem, and no reason to stop.

    Raises InvalidInput for a time that lies beyond the year 9999.
    """
    now = certdir.now()
    judge = _Judge(now, None if request.within is None else request.within.resolve(now))
    if not request.targets:
        return _everything(certdir, judge)
    problems: list[Problem] = []
    revoked = holdings(certdir, ()).revocations
    items = [item for target in request.targets for item in _target(certdir, request, target, judge, revoked, problems)]
    return _result(judge, items, (), problems, ())


class _Judge:
    def __init__(self, now: datetime, until: datetime | None) -> None:
        self.now = now
        self.until = until
        self._within = None if until is None else until - now

    def checked(self, where: tuple[Kind | None, str | None, str, int], facts: Indexed, *, revoked: bool) -> Checked:
        kind, name, path, number = where
        now = self.now
        begin, end = datetime.fromtimestamp(facts.not_before, UTC), datetime.fromtimestamp(facts.not_after, UTC)
        state = "revoked" if revoked else "expired" if now > end else "not yet valid" if now < begin else "valid"
        return Checked(
            kind,
            name,
            path,
            number,
            facts.subject,
            facts.issuer,
            facts.serial,
            facts.fingerprint,
            begin,
            end,
            state,
            (end - now) // _DAY,
            not revoked and is_due(begin, end, now, self._within),
        )


def _everything(certdir: CertDir, judge: _Judge) -> Check:
    found = holdings(certdir)
    items = [
        judge.checked(
            (item.kind, item.name, item.path, 1),
            item.facts,
            revoked=(item.facts.issuer_id, item.facts.serial) in found.revocations,
        )
        for item in found.items
    ]
    crls = crl_statuses(certdir, judge.now, Authorities(certdir, found.items).all, found.revocations)
    return _result(judge, items, crls, found.problems, found.notes)


def _result(
    judge: _Judge,
    items: list[Checked],
    crls: tuple[CrlStatus, ...],
    problems: Iterable[Problem],
    notes: tuple[str, ...],
) -> Check:
    items.sort(key=lambda item: (item.not_after, item.path, item.number))
    return Check(judge.now, judge.until, tuple(items), crls, tuple(problems), notes)


# --- what was named --------------------------------------------------------------------------------------------------


class _Pile(NamedTuple):
    """Bytes in which certificates are looked for, where they come from, and whether there must be one."""

    kind: Kind | None
    name: str | None
    path: str
    data: bytes
    expected: bool


def _target(
    certdir: CertDir,
    request: CheckRequest,
    target: str,
    judge: _Judge,
    revoked: Revocations,
    problems: list[Problem],
) -> Iterator[Checked]:
    try:
        for pile in _piles(certdir, request, target, problems):
            yield from _pile(pile, judge, revoked, problems)
    except NotFound:
        problems.append(Problem(target, "there is no certificate of that name here, and no such file"))
    except UnreadableFile as error:
        problems.append(Problem(target, error.reason))
    except EasycertError as error:
        problems.append(Problem(target, str(error)))


def _piles(certdir: CertDir, request: CheckRequest, target: str, problems: list[Problem]) -> Iterator[_Pile]:
    try:
        found = find(certdir, target, kind=request.kind)
    except EasycertError:
        if not os.path.isdir(target):
            raise
    else:
        yield _Pile(found.kind, found.name, found.path, found.data, expected=True)
        return
    for path in sorted(files_below(target, depth=_DEPTH, most=_MOST_FILES)):
        if path.endswith(_SUFFIXES):
            try:
                yield _Pile(None, None, path, read_file(path, limit=CRL_LIMIT), expected=False)
            except UnreadableFile as error:
                problems.append(Problem(path, error.reason))


def _pile(pile: _Pile, judge: _Judge, revoked: Revocations, problems: list[Problem]) -> Iterator[Checked]:
    bundle = read_bundle(pile.data)
    problems += [Problem(pile.path, f"{item.where} cannot be decoded") for item in bundle.undecodable]
    if pile.expected and not bundle.certificates:
        problems.append(Problem(pile.path, "it holds no certificate"))
    for number, certificate in enumerate(bundle.certificates, start=1):
        if isinstance(certificate, Undecodable):
            continue
        try:
            facts = facts_from(certificate)
        except DECODING_ERRORS:
            problems.append(Problem(pile.path, f"certificate {number} cannot be decoded"))
        else:
            known = (facts.issuer_id, facts.serial) in revoked
            yield judge.checked((pile.kind, pile.name, pile.path, number), facts, revoked=known)
