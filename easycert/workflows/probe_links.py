"""The certificates of a handshake as a person wants to know them, and which files of the directory they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import EasycertError
from easycert.model import Kind
from easycert.pki.chains import shown_issuer
from easycert.pki.describe.certificate import days_left, fingerprint, state
from easycert.pki.identity import dns_matches
from easycert.pki.members import shown_subject
from easycert.pki.validity import is_due
from easycert.workflows.examination import Held, Patient, Ward, examine, key_type_of, kind_of, names_of, ward
from easycert.workflows.holdings import Holding, certificate_of, holdings


class Link(NamedTuple):
    """One certificate of a chain; *path*, *kind* and *name* say which of the directory's it is, if it is there."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    days_left: int
    state: str
    due: bool
    key_type: str
    sha256: str
    path: str | None
    kind: Kind | None
    name: str | None


class Exported(NamedTuple):
    """A directory to which a certificate is exported, and whether its files are as they should be."""

    destination: str
    is_current: bool


class Shelf:
    """The certificates of a directory, found by what they are, and the patients that commands are worded for."""

    def __init__(self, certdir: CertDir, authorities: Iterable[x509.Certificate]) -> None:
        """Look at the files of *certdir*; *authorities* are the certificates in ``cas/``."""
        self._certdir = certdir
        self.now = certdir.now()
        self._held = holdings(certdir).items
        self._by_fingerprint = {item.facts.fingerprint: item for item in self._held}
        self._authorities = tuple(authorities)

    def holding(self, certificate: x509.Certificate) -> Holding | None:
        """Return where in the directory *certificate* lies, or None."""
        return self._by_fingerprint.get(fingerprint(certificate))

    def path(self, certificate: x509.Certificate) -> str | None:
        """Return the file of the directory that *certificate* is, or None."""
        held = self.holding(certificate)
        return held.path if held else None

    def link(self, certificate: x509.Certificate) -> Link:
        """Return *certificate* as a link of a chain. What of it cannot be read is said to be so."""
        held = self.holding(certificate)
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return Link(
            subject=shown_subject(certificate),
            issuer=shown_issuer(certificate),
            names=names_of(certificate),
            not_before=begin,
            not_after=end,
            days_left=days_left(end, self.now),
            state=state(certificate, self.now),
            due=is_due(begin, end, self.now),
            key_type=key_type_of(certificate),
            sha256=fingerprint(certificate),
            path=held.path if held else None,
            kind=held.kind if held else None,
            name=held.name if held else None,
        )

    def hosts_for(self, reference: str) -> Sequence[tuple[Holding, x509.Certificate]]:
        """Return the host certificates of the directory that name *reference* and are valid now."""
        found = []
        for item in self._held:
            if item.kind is not Kind.HOST or not covers(item.facts.sans, reference):
                continue
            certificate = certificate_of(self._certdir, item)
            if certificate is not None and state(certificate, self.now) == "valid":
                found.append((item, certificate))
        return found

    def exported(self, held: Holding) -> Exported | None:
        """Return where the certificate is exported to, if that is remembered, and whether it is as it should be."""
        from easycert.workflows.exports.checking import states
        from easycert.workflows.exports.remembered import remembered_exports

        try:
            exports = remembered_exports(self._certdir, held.name, kind=held.kind)
            found = [Exported(item.export.destination, item.is_current) for item in states(self._certdir, exports)]
        except EasycertError:  # the ledger is of no use now: the certificate is, all the same
            return None
        return min(found, key=lambda item: item.is_current, default=None)

    def users_of(self, issuers: Iterable[str]) -> list[Holding]:
        """Return the users with a key here below CAs with one of these subjects; any, without *issuers*."""
        wanted = self._below(issuers)
        users = [item for item in self._held if item.kind is Kind.USER and item.has_key]
        current = [item for item in users if item.facts.not_after > self.now.timestamp()]
        return [item for item in current if not wanted or item.facts.issuer in wanted]

    def _below(self, issuers: Iterable[str]) -> frozenset[str]:
        """Return these subjects, and those of the CAs of the directory that stand below them."""
        found = set(issuers)
        authorities = [item.facts for item in self._held if item.kind is Kind.CA]
        for _ in authorities:
            more = {facts.subject for facts in authorities if facts.issuer in found} - found
            if not more:
                break
            found |= more
        return frozenset(found)

    def authority_called(self, subjects: Iterable[str]) -> Holding | None:
        """Return the first CA of the directory with one of these subjects, one whose key is here before others."""
        wanted = frozenset(subjects)
        found = [item for item in self._held if item.kind is Kind.CA and item.facts.subject in wanted]
        return next(iter(sorted(found, key=lambda item: not item.has_key)), None)

    def patient(self, certificate: x509.Certificate, kind: Kind | None = None) -> Patient:
        """Return *certificate* as what commands are worded for; its issuer is known only if it is a CA of ours."""
        held = self._as_held(certificate, kind)
        found = examine(held, self._ward(held), ())._replace(findings=())
        ours = any(item.kind is Kind.CA and item.name == found.issuer for item in self._held)
        return found if ours else found._replace(issuer=None)

    def _ward(self, held: Held) -> Ward:
        own = [self._as_held(one, Kind.CA) for one in self._authorities if one != held.certificate]
        return ward([held, *own], (), self.now)

    def _as_held(self, certificate: x509.Certificate, kind: Kind | None) -> Held:
        found = self.holding(certificate)
        if found is None:
            return Held("", certificate, kind or kind_of(certificate))
        return Held(found.path, certificate, found.kind, found.name)


def covers(sans: str, reference: str) -> bool:
    """Return whether *sans*, one a line with their prefixes, name the host *reference*."""
    for san in sans.split("\n"):
        kind, _, value = san.partition(":")
        if (kind == "DNS" and dns_matches(value, reference)) or (kind == "IP" and value == reference):
            return True
    return False
