"""What a foreign directory amounts to, whatever its layout: CAs, what they issued, what is of no use."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import cast

from cryptography import x509

from easycert.errors import InvalidInput, Refused, WrongIssuer
from easycert.model import Kind, Value
from easycert.pki.certificates import is_ca, is_self_issued
from easycert.pki.crl import Revocation, reason_of
from easycert.pki.keys import PublicKey, public_der, require_named_curve, require_strong
from easycert.pki.names import SafeName
from easycert.workflows.adopt.cas import ForeignAuthority, Issuers, find_authorities, identity, in_force
from easycert.workflows.adopt.contents import Contents, Found, FoundKey
from easycert.workflows.adopt.naming import kind_of, name_of
from easycert.workflows.adopt.source import LeftOut


class ForeignCertificate(Value):
    """A certificate that one of the CAs issued: what it is here, its key where that is there, the CAs above it.

    *told* is whether it says itself what it is for. *newer* is whether another of its name is the better one.
    """

    found: Found
    kind: Kind
    name: SafeName
    told: bool
    key: FoundKey | None
    above: tuple[x509.Certificate, ...]
    revocation: Revocation | None = None
    newer: bool = False


class Foreign(Value):
    """Everything that a foreign directory holds, and what of it cannot come in."""

    authorities: tuple[ForeignAuthority, ...]
    certificates: tuple[ForeignCertificate, ...]
    left_out: tuple[LeftOut, ...]
    #: What they issued and what cannot come in, for want of a usable name or key: the ledger knows it all the same.
    unplaced: tuple[x509.Certificate, ...]

    def revoked_by(self, certificate: x509.Certificate) -> dict[int, Revocation]:
        """Return what the CA that is *certificate*'s issuer revoked, by serial number; nothing where it is not here."""
        above = [item for item in self.authorities if item.certificate.subject == certificate.issuer]
        return {serial: item for authority in above for serial, item in revocations_of(authority).items()}


def understand(
    contents: Contents, designated: Sequence[str], now: datetime, *, source: str, kind: Kind | None
) -> Foreign:
    """Return what *contents* amount to; *kind* is what certificates are that do not say so.

    Raises EncryptedKey when the key of a CA may be among those that are locked, and what
    :func:`easycert.workflows.adopt.cas.find_authorities` raises.
    """
    authorities = find_authorities(contents, designated, now, source)
    sorter = _Sorter(contents, authorities, kind)
    certificates = tuple(_newest_marked([*sorter.certificates()], now))
    _leave_out_the_rest(contents, source)
    roots_first = sorted(authorities, key=lambda item: (not is_self_issued(item.certificate), item.name))
    return Foreign(tuple(roots_first), certificates, tuple(sorted(contents.left_out)), tuple(sorter.unplaced))


def revocations_of(authority: ForeignAuthority) -> dict[int, Revocation]:
    """Return what a CA revoked, by serial number: the entries of its CRL, and what only its index knows."""
    listed = listed_in(authority.crl.crl) if authority.crl else ()
    return {item.serial: item for item in (*authority.revocations, *listed)}


def listed_in(crl: x509.CertificateRevocationList) -> Iterator[Revocation]:
    """Yield what a CRL lists; a reason that cannot be read counts as ``unspecified``."""
    for entry in crl:
        reason = reason_of(entry) or x509.ReasonFlags.unspecified
        yield Revocation(entry.serial_number, entry.revocation_date_utc, reason)


class _Sorter:
    """Finds the CA of each certificate, and what it is here."""

    def __init__(self, contents: Contents, authorities: Sequence[ForeignAuthority], kind: Kind | None) -> None:
        self._contents = contents
        self._kind = kind
        self._issuers = Issuers(found.certificate for item in authorities for found in item.certificates)
        self._authorities = {identity(item.certificate): item for item in authorities}
        self._keys = {public_der(found.key.public_key()): found for found in contents.keys}
        self.unplaced: list[x509.Certificate] = []
        self._paths: dict[SafeName, tuple[x509.Certificate, ...]] = {}
        self._revoked = {item.name: revocations_of(item) for item in authorities}

    def certificates(self) -> Iterator[ForeignCertificate]:
        """Yield what comes in; what does not joins what is left out."""
        for found in self._contents.certificates.values():
            try:
                if is_ca(found.certificate):
                    self._require_ours(found)
                else:
                    yield self._certificate(found)
            except (InvalidInput, Refused) as error:
                if not isinstance(error, WrongIssuer):
                    self.unplaced.append(found.certificate)
                self._contents.left_out.append(LeftOut(found.path, _fragment(error)))

    def _require_ours(self, found: Found) -> None:
        if identity(found.certificate) not in self._authorities:
            raise WrongIssuer(found.path, "it is the certificate of a CA that is none of these")

    def _certificate(self, found: Found) -> ForeignCertificate:
        certificate = found.certificate
        signers = self._issuers.of(certificate)
        if not signers:
            raise WrongIssuer(found.path, "none of the CAs here signed it")
        public_key = require_strong(certificate.public_key(), found.path)
        require_named_curve(certificate.tbs_certificate_bytes, found.path)
        kind, told = kind_of(certificate, self._kind)
        authority = self._authorities[identity(signers[0])]
        return ForeignCertificate(
            found=found,
            kind=kind,
            name=name_of(certificate, kind, found.path),
            told=told,
            key=self._keys.get(public_der(public_key)),
            above=self._path_of(authority),
            revocation=self._revoked[authority.name].get(certificate.serial_number),
        )

    def _path_of(self, authority: ForeignAuthority) -> tuple[x509.Certificate, ...]:
        """Return the certificate in force of a CA and of each above it."""
        if authority.name not in self._paths:
            path = [authority.certificate]
            while new := [certificate for certificate in self._above(path[-1]) if certificate not in path]:
                path.append(new[0])
            self._paths[authority.name] = tuple(path)
        return self._paths[authority.name]

    def _above(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        return [self._authorities[identity(signer)].certificate for signer in self._issuers.of(certificate)]


def _fragment(error: InvalidInput | Refused) -> str:
    return error.reason if isinstance(error, Refused) else str(error)


def _newest_marked(certificates: Sequence[ForeignCertificate], now: datetime) -> Iterator[ForeignCertificate]:
    """Yield *certificates*, by kind and name: the best of each name first, those behind it marked."""
    order = sorted(certificates, key=lambda item: in_force(item.found, now), reverse=True)
    order.sort(key=lambda item: (list(Kind).index(item.kind), item.name, item.revocation is not None))
    for item, before in zip(order, [None, *order], strict=False):
        same = before is not None and (before.kind, before.name) == (item.kind, item.name)
        yield item._replace(newer=same)


def _leave_out_the_rest(contents: Contents, source: str) -> None:
    """Say which requests nobody signed, and which keys belong to no certificate."""
    certified = {_public(found.certificate) for found in contents.certificates.values()}
    pending = {_public(found.request): found for found in contents.requests if _public(found.request) not in certified}
    for request in pending.values():
        command = f"easycert sign {shlex.quote(f'{source}/{request.path}')} --signas CA"
        contents.left_out.append(LeftOut(request.path, f"it is a request that was never signed; sign it: {command}"))
    for found in contents.keys:
        public = public_der(found.key.public_key())
        if public in pending:
            contents.left_out.append(LeftOut(found.path, f"it is the key of the unsigned {pending[public].path}"))
        elif public not in certified:
            contents.left_out.append(LeftOut(found.path, "no certificate here is that of this private key"))


def _public(signed: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return public_der(cast("PublicKey", signed.public_key()))
