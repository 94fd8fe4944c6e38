"""Which CAs of a certificate directory a program is told to trust."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import (
    EasycertError,
    IssuerUnusable,
    Malformed,
    NotFound,
    NothingToTrust,
    Refused,
    UnreadableFile,
    printable,
)
from easycert.model import Kind, Value
from easycert.pki import issuers
from easycert.pki.certificates import is_self_issued, is_signed_by, load_certificate
from easycert.pki.names import SafeName
from easycert.store import layout


class Trusted(Value):
    """The CAs that are trusted, by name, and notes about those that are not."""

    authorities: tuple[tuple[str, x509.Certificate], ...]
    notes: tuple[str, ...]

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates of the CAs."""
        return tuple(certificate for _, certificate in self.authorities)


def trusted(certdir: CertDir, names: Sequence[SafeName], now: datetime) -> Trusted:
    """Return the CAs called *names*; without any, every CA in ``cas/``, roots and intermediates, as Synapse does.

    One that has ended or has not begun, that a CRL here revokes, or that is no CA, is left out, and refused where it
    was named. Raises NotFound, Refused, Malformed, UnreadableFile, and NothingToTrust where none is left.
    """
    own, notes = _in_cas(certdir)
    if names:
        found = tuple((name, _named(certdir, name)) for name in dict.fromkeys(names))
        for name, certificate in found:
            try:
                _require_trustworthy(certdir, name, certificate, own, now)
            except IssuerUnusable as error:
                raise Refused(error.subject, error.reason) from None
        return Trusted(found, ())
    good = []
    for candidate, certificate in own.items():
        try:
            _require_trustworthy(certdir, candidate, certificate, own, now)
        except EasycertError as error:
            notes.append(f"not trusted: {error}")
        else:
            good.append((candidate, certificate))
    if not good:
        raise NothingToTrust(certdir.store.path(layout.Entry(layout.FOLDERS[Kind.CA], "")).rstrip("/"), tuple(notes))
    return Trusted(tuple(good), tuple(notes))


def _named(certdir: CertDir, name: SafeName) -> x509.Certificate:
    found = certdir.read(layout.certificate(Kind.CA, name))
    if found is None:
        raise NotFound("CA", name)
    return load_certificate(*found)


def _in_cas(certdir: CertDir) -> tuple[dict[str, x509.Certificate], list[str]]:
    found: dict[str, x509.Certificate] = {}
    notes = []
    for entry in certdir.store.each(layout.FOLDERS[Kind.CA], "crt"):
        try:
            read = certdir.read(entry)
            if read is not None:
                found[entry.name] = load_certificate(*read)
        except (Malformed, UnreadableFile) as error:
            notes.append(f"not trusted: {error}")
    return found, notes


def _require_trustworthy(
    certdir: CertDir, name: str, certificate: x509.Certificate, own: dict[str, x509.Certificate], now: datetime
) -> None:
    issuers.require_may_sign_certificates(certificate, name)
    issuers.require_valid(certificate, name, now)
    seen = {certificate}
    while not is_self_issued(certificate):
        above = next(((by, ca) for by, ca in own.items() if ca not in seen and is_signed_by(certificate, ca)), None)
        if above is None:
            return
        _require_not_revoked(certdir, name, certificate, above[0])
        certificate = above[1]
        seen.add(certificate)


def _require_not_revoked(certdir: CertDir, name: str, certificate: x509.Certificate, parent: str) -> None:
    """Raise IssuerUnusable for what the CRL of the CA *parent* lists: as a root it would escape that for good."""
    found = certdir.read(layout.crl(SafeName(parent)))
    if found is None:
        return
    from easycert.pki import crl as crls

    if crls.is_revoked(crls.load_crl(*found), certificate.serial_number):
        raise IssuerUnusable(f"the CA '{printable(name)}'", f"it was revoked by '{printable(parent)}'")
