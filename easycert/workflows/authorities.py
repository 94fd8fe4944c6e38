"""Finding the CA that is to sign, with everything above it, and refusing one that must not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import IssuerUnusable, KeyMismatch, Malformed, MissingAuthority, UnreadableFile
from easycert.model import Kind, Value
from easycert.pki import issuers
from easycert.pki.certificates import (
    Issuer,
    authority_issuer,
    is_self_issued,
    load_certificate,
    load_certificates,
)
from easycert.pki.keys import PrivateKey
from easycert.pki.names import SafeName
from easycert.store import layout


class Authority(Value):
    """A CA of the certificate directory: its certificate and key, and the path above it."""

    name: SafeName
    issuer: Issuer
    #: The CA itself first, then each CA above it, as far as this directory holds them.
    path: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's own certificate."""
        return self.path[0]

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """What a server sends after its own certificate: the path without its self-signed root."""
        return tuple(certificate for certificate in self.path if not is_self_issued(certificate))

    @property
    def not_after(self) -> datetime:
        """The instant at which the first of the path expires; nothing issued here is valid longer."""
        return min(certificate.not_valid_after_utc for certificate in self.path)


def load(certdir: CertDir, name: SafeName) -> Authority:
    """Return the CA called *name*, whose key belongs to its certificate.

    Raises MissingAuthority (the key is looked for first, as Synapse does), Malformed and KeyMismatch.
    """
    key = certdir.signers.key(Kind.CA, name)
    if key is None:
        raise MissingAuthority(name, ".key")
    certificate, *above = _own_certificates(certdir, name)
    issuer = _matched(certdir, name, certificate, key)
    return Authority(name, issuer, (certificate, *_above(certdir, certificate, above)))


def require_usable(certdir: CertDir, authority: Authority, now: datetime) -> None:
    """Raise IssuerUnusable when the CA, or one above it, is expired, not yet valid, revoked or no CA at all."""
    require_in_force(authority, now)
    require_not_revoked(certdir, authority)


def require_in_force(authority: Authority, now: datetime) -> None:
    """Raise IssuerUnusable when the CA, or one above it, is expired or not yet valid, or it is no CA at all."""
    issuers.require_may_sign_certificates(authority.certificate, authority.name)
    for certificate in authority.path:
        issuers.require_valid(certificate, authority.name, now)


def require_not_revoked(certdir: CertDir, authority: Authority) -> None:
    """Raise IssuerUnusable when one of the CAs above says that the CA, or one between, is revoked."""
    if len(authority.path) > 1:
        for parent_name, parent in _certificates_in_cas(certdir):
            if parent in authority.path[1:]:
                _require_not_revoked(certdir, authority, parent_name)


def certificates_below(certdir: CertDir, folder: str) -> Iterator[tuple[layout.Entry, x509.Certificate]]:
    """Yield the certificates of *folder* that can be read; a broken file spoils nothing but itself (hazard D7)."""
    for entry in certdir.store.entries(folder):
        if entry.suffix != "crt":
            continue
        try:
            data = certdir.store.read(entry)
            if data is not None:
                yield entry, load_certificate(data, entry.path)
        except (Malformed, UnreadableFile):
            continue


def _certificates_in_cas(certdir: CertDir) -> Iterator[tuple[str, x509.Certificate]]:
    for entry, certificate in certificates_below(certdir, layout.FOLDERS[Kind.CA]):
        yield entry.name, certificate


def _own_certificates(certdir: CertDir, name: SafeName) -> list[x509.Certificate]:
    found = certdir.read(layout.certificate(Kind.CA, name))
    if found is None:
        raise MissingAuthority(name, ".crt")
    return load_certificates(*found)


def _matched(certdir: CertDir, name: SafeName, certificate: x509.Certificate, key: PrivateKey) -> Issuer:
    try:
        return authority_issuer(certificate, key)
    except KeyMismatch:
        path = certdir.store.path(layout.key(Kind.CA, name))
        raise KeyMismatch(path, f"it is not the key of the certificate of the CA '{name}'") from None


def _above(
    certdir: CertDir, certificate: x509.Certificate, candidates: list[x509.Certificate]
) -> Sequence[x509.Certificate]:
    """Return the CAs above *certificate*, found in the rest of its own file and in ``cas/``."""
    if is_self_issued(certificate):
        return ()
    from easycert.pki.chains import IssuerPool, climb  # only an intermediate has a path

    return climb(IssuerPool([*candidates, *(found for _, found in _certificates_in_cas(certdir))]), certificate)[1:]


def _require_not_revoked(certdir: CertDir, authority: Authority, parent_name: str) -> None:
    found = certdir.read(layout.crl(SafeName(parent_name)))
    if found is None:
        return
    from easycert.pki import crl as crls

    crl = crls.load_crl(*found)
    if any(crls.is_revoked(crl, certificate.serial_number) for certificate in authority.path[:-1]):
        raise IssuerUnusable(f"the CA '{authority.name}'", f"it was revoked by '{parent_name}'")
