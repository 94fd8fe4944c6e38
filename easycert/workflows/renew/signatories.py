"""Who signed what is to be renewed, and whether that CA may sign it again."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import EasycertError, KeyMismatch, RenewalRefused
from easycert.model import Kind
from easycert.pki.certificates import authority_issuer, is_self_issued, require_signed_by
from easycert.pki.names import SafeName
from easycert.pki.subjects import shown_name
from easycert.store import layout
from easycert.workflows import authorities
from easycert.workflows.authorities import Authority

#: CAs above each other that are counted; a loop has no end.
_MOST_LEVELS = 16


class Signatories:
    """The CAs of a directory during one renewal, those that were renewed in it with their new certificates."""

    def __init__(self, certdir: CertDir, now: datetime) -> None:
        """Read the CAs of *certdir*, which are to be usable at *now*."""
        self._certdir = certdir
        self._now = now
        self._by_subject: dict[bytes, list[tuple[SafeName, x509.Certificate]]] = {}
        for entry, certificate in authorities.certificates_below(certdir, layout.FOLDERS[Kind.CA]):
            known = self._by_subject.setdefault(certificate.subject.public_bytes(), [])
            known.append((SafeName(entry.name), certificate))
        self._signers: dict[x509.Certificate, tuple[SafeName, x509.Certificate] | None] = {}
        self._usable: dict[SafeName, Authority | EasycertError] = {}
        #: The new certificate of each CA that was renewed, by its old one.
        self.successors: dict[x509.Certificate, x509.Certificate] = {}

    def signer(self, certificate: x509.Certificate) -> tuple[SafeName, x509.Certificate] | None:
        """Return the name and the (old) certificate of the CA that signed, one whose key is here if there is one."""
        if certificate not in self._signers:
            known = self._by_subject.get(certificate.issuer.public_bytes(), ())
            found = [(name, authority) for name, authority in known if _signed(certificate, authority)]
            here = (item for item in found if self._has_key(item[0]))
            self._signers[certificate] = found[0] if len(found) == 1 else next(here, found[0] if found else None)
        return self._signers[certificate]

    def authority(self, name: SafeName) -> Authority:
        """Return the CA called *name*, ready to sign. Raises what keeps it from signing."""
        if name not in self._usable:
            try:
                self._usable[name] = self._loaded(name)
            except EasycertError as error:
                self._usable[name] = error
        found = self._usable[name]
        if isinstance(found, EasycertError):
            raise found
        return found

    def authority_of(self, certificate: x509.Certificate, name: SafeName) -> Authority:
        """Return the CA that signed *certificate*, which is that of *name*. Raises RenewalRefused when it is gone."""
        signer = self.signer(certificate)
        if signer is None:
            issuer = shown_name(certificate.issuer)
            raise RenewalRefused(name, f"the CA that signed it ('{issuer}') is not in this certificate directory")
        return self.authority(signer[0])

    def can_sign(self, certificate: x509.Certificate) -> bool:
        """Return whether a successor of *certificate* may be signed, as far as its CA goes and things stand now."""
        if is_self_signed(certificate):
            return True
        signer = self.signer(certificate)
        try:
            return signer is not None and self.authority(signer[0]) is not None
        except EasycertError:
            return False

    def replace(self, old: x509.Certificate, new: x509.Certificate) -> None:
        """Let the CA with the certificate *old* sign with *new* from here on."""
        self.successors[old] = new
        self._usable.clear()

    def has_successor(self, authority: Authority) -> bool:
        """Return whether the CA, or one above it, was renewed."""
        return not set(self.successors.values()).isdisjoint(authority.path)

    def level(self, certificate: x509.Certificate) -> int:
        """Return how many CAs stand above *certificate*: what is above is renewed first."""
        level = 0
        while not is_self_signed(certificate) and level < _MOST_LEVELS:
            signer = self.signer(certificate)
            if signer is None:
                break
            level, certificate = level + 1, signer[1]
        return level

    def _loaded(self, name: SafeName) -> Authority:
        found = authorities.load(self._certdir, name)
        authorities.require_not_revoked(self._certdir, found)
        path = tuple(self.successors.get(certificate, certificate) for certificate in found.path)
        renewed = Authority(name, authority_issuer(path[0], found.issuer.key), path)
        authorities.require_in_force(renewed, self._now)
        return renewed

    def _has_key(self, name: SafeName) -> bool:
        return self._certdir.store.find(layout.key(Kind.CA, name)) is not None


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Return whether its own key signed *certificate*."""
    return is_self_issued(certificate) and _signed(certificate, certificate)


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        require_signed_by(certificate, authority, "a certificate")
    except KeyMismatch:
        return False
    return True
