"""Exporting: a user's key, certificate and CA in one PKCS#12 file, for browsers and mail programs."""

from __future__ import annotations

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import KeyMismatch, NotFound, WrongIssuer
from easycert.model import Kind, Value
from easycert.pki.certificates import authority_issuer, load_certificates, require_signed_by
from easycert.pki.formats import pkcs12
from easycert.pki.names import SafeName
from easycert.pki.subjects import common_name
from easycert.store import layout


class Exported(Value):
    """A PKCS#12 file that was written, by its absolute path."""

    name: SafeName
    path: str


def export_pkcs12(certdir: CertDir, name: SafeName, *, passphrase: bytes | None = None) -> Exported:
    """Write ``users/NAME.p12`` from the user's certificate, its CA's certificate and the user's key.

    Raises NotFound, whose ``what`` says which of the three is missing (looked for in that order, as Synapse does),
    KeyMismatch, WrongIssuer when the CA is another of the same name, and AlreadyExists.
    """
    target = layout.pkcs12(Kind.USER, name)
    certificate, chain = _chain(certdir, name)
    key = certdir.signers.key(Kind.USER, name)
    if key is None:
        raise NotFound("User private key", name)
    try:
        authority_issuer(certificate, key)
    except KeyMismatch:
        path = certdir.store.path(layout.key(Kind.USER, name))
        raise KeyMismatch(path, "it is not the key of the certificate beside it") from None
    certdir.store.require_absent([target])
    packed = pkcs12.pack(name, pkcs12.Bundle(key, certificate, chain), passphrase=passphrase)
    with certdir.store.transaction() as files:
        files.create(target, packed, private=True)
    return Exported(name, certdir.store.path(target))


def _chain(certdir: CertDir, name: SafeName) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    found = _read(certdir, Kind.USER, name)
    if not found:
        raise NotFound("User cert", name)
    certificate, *intermediates = found
    issuer = common_name(certificate.issuer)
    above = _read(certdir, Kind.CA, SafeName(issuer)) if issuer else []
    if not above:
        raise NotFound("CA cert", issuer or name)
    chain = dict.fromkeys([_signer(certificate, above, name), *intermediates])
    return certificate, tuple(chain)


def _signer(certificate: x509.Certificate, candidates: list[x509.Certificate], name: SafeName) -> x509.Certificate:
    """Return the one of *candidates* that signed: a CA may have been made anew under its old name (hazard D8)."""
    for candidate in candidates:
        try:
            require_signed_by(certificate, candidate, name)
        except KeyMismatch:
            continue
        return candidate
    raise WrongIssuer(name, "the CA that is here under its issuer's name did not sign it")


def _read(certdir: CertDir, kind: Kind, name: SafeName) -> list[x509.Certificate]:
    found = certdir.read(layout.certificate(kind, name))
    return load_certificates(*found) if found else []
