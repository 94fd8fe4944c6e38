"""Which CA of a directory signed a certificate, judged by names, key identifiers and signatures.

Checking a signature costs more than all else about a certificate. So there is one case in which it is not checked
again: a certificate that was signed here (it was checked then, and the ledger's index says that the file still holds
it), below the only key that bears the name and key identifier of its issuer. What came in from elsewhere, what the
ledger does not know, and every CA is checked each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from cryptography import x509

from easycert.certdir import CertDir
from easycert.model import Kind
from easycert.pki.certificates import is_ca, is_signed_by
from easycert.pki.facts import authority_ids
from easycert.pki.keys import PublicKey, public_der
from easycert.pki.subjects import shown_name
from easycert.workflows.holdings import Holding, certificate_of

#: How a certificate was made that a CA of this directory signed, and easycert checked.
_SIGNED_HERE = frozenset({"fresh", "csr", "renewal"})


class Authority(NamedTuple):
    """A CA of the directory that may have signed others: its place among what is held, its name and certificate."""

    position: int
    name: str
    certificate: x509.Certificate


class Authorities:
    """The CAs of a directory, found by the name and key identifier that those whom they signed bear."""

    def __init__(self, certdir: CertDir, held: Sequence[Holding]) -> None:
        """Look for the CAs among what is *held*."""
        self._certdir = certdir
        self._by_name: dict[str, list[Authority]] = {}
        self._by_identity: dict[tuple[str, str], list[Authority]] = {}
        self._sure: dict[tuple[str, str], int | None] = {}
        #: All of them, in the order in which they are held.
        self.all: list[Authority] = []
        for position, item in enumerate(held):
            certificate = certificate_of(certdir, item) if item.kind is Kind.CA else None
            if certificate is not None and is_ca(certificate):
                self._add(Authority(position, item.name, certificate))

    def candidates(self, item: Holding) -> Sequence[Authority]:
        """Return the CAs that may have signed *item*, as far as names and key identifiers tell."""
        identity = item.facts.issuer, item.facts.issuer_id
        return self._by_identity.get(identity) or self._by_name.get(item.facts.issuer) or ()

    def parent_of(self, position: int, item: Holding) -> int | None:
        """Return the position of the CA that signed the certificate *item* at *position*, or None."""
        if item.kind is not Kind.CA and item.facts.origin in _SIGNED_HERE:
            sure = self._only((item.facts.issuer, item.facts.issuer_id))
            if sure is not None:
                return sure
        candidates = self.candidates(item)
        certificate = certificate_of(self._certdir, item) if candidates else None
        if certificate is None:
            return None
        signers = (one for one in candidates if one.position != position and is_signed_by(certificate, one.certificate))
        return next((one.position for one in signers), None)

    def _add(self, authority: Authority) -> None:
        self.all.append(authority)
        name = shown_name(authority.certificate.subject)
        self._by_name.setdefault(name, []).append(authority)
        for authority_id in authority_ids(authority.certificate):
            self._by_identity.setdefault((name, authority_id), []).append(authority)

    def _only(self, identity: tuple[str, str]) -> int | None:
        """Return the first CA of this identity if all that have it have one key, else None."""
        if identity not in self._sure:
            found = self._by_identity.get(identity, [])
            keys = {public_der(cast("PublicKey", one.certificate.public_key())) for one in found}
            self._sure[identity] = found[0].position if len(keys) == 1 else None
        return self._sure[identity]
