"""Which certificates a renewal is about: those that were named, or all that are due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import EasycertError, InvalidInput, Malformed, NotFound, UnreadableFile
from easycert.model import Kind, Value
from easycert.pki.certificates import load_certificates
from easycert.pki.names import SafeName
from easycert.pki.validity import is_due, rfc3339
from easycert.store import layout
from easycert.workflows.holdings import Problem, holdings
from easycert.workflows.listing import ORDER
from easycert.workflows.lookup import find
from easycert.workflows.renew.values import Failure, RenewRequest, Skipped


class Candidate(Value):
    """A certificate in its place: what its file held when it was looked at, itself first.

    *carried* along is one that nobody asked for, but that a renewed CA takes with it.
    """

    kind: Kind
    name: SafeName
    data: bytes
    chain: tuple[x509.Certificate, ...]
    carried: bool = False

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return self.chain[0]

    @property
    def place(self) -> tuple[Kind, SafeName]:
        """What no two candidates share."""
        return self.kind, self.name


class Choice(Value):
    """The certificates to renew, those that need not be, and what could not be looked at."""

    candidates: tuple[Candidate, ...]
    skipped: tuple[Skipped, ...]
    failed: tuple[Failure, ...]


def chosen(certdir: CertDir, request: RenewRequest, now: datetime) -> Choice:
    """Return what *request* is about at *now*."""
    looked_at = list(_named(certdir, request) if request.names else _due(certdir, request, now))
    failed = [item for item in looked_at if isinstance(item, Failure)]
    found = {item.place: item for item in looked_at if isinstance(item, Candidate)}
    due = {place: item for place, item in found.items() if not request.due or _is_due(item, request, now)}
    fresh = [_fresh(item) for place, item in found.items() if place not in due] if request.names else []
    return Choice(tuple(due.values()), tuple(fresh), tuple(failed))


def everything(certdir: CertDir) -> Iterator[Candidate]:
    """Yield every certificate of the directory, with what stands behind it in its file; broken files are left out."""
    for kind in Kind:
        with suppress(UnreadableFile):
            for entry in certdir.store.entries(layout.FOLDERS[kind]):
                with suppress(Malformed, UnreadableFile):
                    candidate = _read(certdir, kind, entry) if entry.suffix == "crt" else None
                    if candidate is not None:
                        yield candidate


def _due(certdir: CertDir, request: RenewRequest, now: datetime) -> Iterator[Candidate | Failure]:
    """Yield what is due by the facts that the ledger's index has, so that a large directory is not read each day."""
    found = holdings(certdir, (request.kind,) if request.kind else tuple(Kind))
    yield from map(partial(_unusable, certdir), found.problems)
    for held in sorted(found.items, key=lambda item: (ORDER[item.kind], item.name)):
        begin, end = (datetime.fromtimestamp(second, UTC) for second in (held.facts.not_before, held.facts.not_after))
        if not is_due(begin, end, now, request.within):
            continue
        try:
            candidate = _read(certdir, held.kind, layout.certificate(held.kind, SafeName(held.name)))
        except EasycertError as error:  # it has just become unreadable
            yield Failure(held.kind, held.name, error)
        else:
            if candidate is not None:
                yield candidate


def _unusable(certdir: CertDir, problem: Problem) -> Failure:
    """Return why a file cannot be renewed, by the name that it has."""
    _, folder, filename = f"//{problem.path}".rsplit("/", 2)
    name = filename.removesuffix(".crt")
    for kind in Kind:
        if layout.FOLDERS[kind] == folder and name != filename:
            try:
                _read(certdir, kind, layout.Entry(folder, filename))
            except EasycertError as error:
                return Failure(kind, name, error)
    return Failure(None, problem.path, UnreadableFile(problem.path, problem.reason))


def _named(certdir: CertDir, request: RenewRequest) -> Iterator[Candidate | Failure]:
    for text in request.names:
        try:
            yield _by_name(certdir, text, request.kind)
        except EasycertError as error:
            yield Failure(request.kind, text, error)


def _by_name(certdir: CertDir, text: str, kind: Kind | None) -> Candidate:
    found = find(certdir, text, kind=kind)
    if found.kind is None or found.entry is None:
        raise InvalidInput("name", text, "is that of a file; what is renewed is in the certificate directory")
    candidate = _read(certdir, found.kind, found.entry) if found.entry.suffix == "crt" else None
    if candidate is None:
        raise NotFound(f"{found.kind.value} certificate", text)
    return candidate


def _read(certdir: CertDir, kind: Kind, entry: layout.Entry) -> Candidate | None:
    found = certdir.read(entry)
    return None if found is None else Candidate(kind, SafeName(entry.name), found[0], tuple(load_certificates(*found)))


def _is_due(candidate: Candidate, request: RenewRequest, now: datetime) -> bool:
    certificate = candidate.certificate
    return is_due(certificate.not_valid_before_utc, certificate.not_valid_after_utc, now, request.within)


def _fresh(candidate: Candidate) -> Skipped:
    end = rfc3339(candidate.certificate.not_valid_after_utc)
    return Skipped(candidate.kind, candidate.name, f"it is not due: it ends on {end}")
