"""Where what came from a foreign directory goes, and what happens where something is in its place already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import cast

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import AlreadyExists, EasycertError, KeyMismatch, Malformed
from easycert.model import Kind, Value
from easycert.pki.certificates import certificate_pem, is_self_issued, load_certificate, require_signed_by
from easycert.pki.keys import PrivateKey, PublicKey, private_pem, public_der
from easycert.pki.names import SafeName
from easycert.store import layout
from easycert.store.layout import Entry
from easycert.workflows.adopt.cas import ForeignAuthority
from easycert.workflows.adopt.contents import FoundKey
from easycert.workflows.adopt.foreign import ForeignCertificate


class Outcome(Enum):
    """What becomes of a certificate; the value is the word in output."""

    IMPORTED = "imported"
    HERE = "already here"
    #: A newer certificate of that name, by the same CA, is here, and stays.
    KEPT = "kept the newer one here"
    #: A newer certificate of that name came along.
    OLDER = "older"
    #: It has no file: it is on the CRL.
    REVOKED = "revoked"


#: These have a file here.
FILED = (Outcome.IMPORTED, Outcome.HERE)


class Placement(Value):
    """A file that is to be written."""

    entry: Entry
    data: bytes
    private: bool = False
    replaces: bool = False


class Settled(Value):
    """What becomes of a certificate, and the files to be written for it, its key first.

    *successor* is the certificate that has the file of its name here, where that is another one.
    """

    outcome: Outcome
    files: tuple[Placement, ...] = ()
    successor: x509.Certificate | None = None


def settle_authority(certdir: CertDir, authority: ForeignAuthority, *, replace: bool) -> Settled:
    """Return what becomes of a CA. Raises AlreadyExists for another of its name, unless it is to give way."""
    wish = _Wish(Kind.CA, authority.name, (authority.certificate,), authority.key)
    return _settle(certdir, wish, authority.certificate, replace=replace)


def settle_certificate(certdir: CertDir, item: ForeignCertificate, *, replace: bool) -> Settled:
    """Return what becomes of a certificate. Raises AlreadyExists for another of its name, unless it is to give way."""
    if item.revocation is not None or item.newer:
        outcome = Outcome.OLDER if item.revocation is None else Outcome.REVOKED
        return Settled(outcome, successor=_other_here(certdir, item))
    presented = [above for above in item.above if not is_self_issued(above)] if item.kind is not Kind.CODE else []
    wish = _Wish(item.kind, item.name, (item.found.certificate, *presented), item.key)
    return _settle(certdir, wish, item.above[0], replace=replace)


class _Wish(Value):
    """A certificate with those that are presented with it, and its key, which want a place under a name."""

    kind: Kind
    name: SafeName
    chain: tuple[x509.Certificate, ...]
    key: FoundKey | None


def _settle(certdir: CertDir, wish: _Wish, issuer: x509.Certificate, *, replace: bool) -> Settled:
    entry = layout.certificate(wish.kind, wish.name)
    here = None if replace else _here(certdir, entry)
    if here is not None and here != wish.chain[0]:
        if _is_newer(here, wish, issuer):
            return Settled(Outcome.KEPT, successor=here)
        raise AlreadyExists(certdir.store.find(entry) or entry.path)
    files = list(_key(certdir, wish, replace=replace))
    data = certificate_pem(*wish.chain)
    if here is None and certdir.store.read(entry) != data:
        files.append(Placement(entry, data, replaces=replace))
    return Settled(Outcome.IMPORTED if files else Outcome.HERE, tuple(files))


def _other_here(certdir: CertDir, item: ForeignCertificate) -> x509.Certificate | None:
    """Return the certificate that has the place of *item*, if it is another and can be read."""
    try:
        here = _here(certdir, layout.certificate(item.kind, item.name))
    except AlreadyExists:
        return None
    return None if here == item.found.certificate else here


def _here(certdir: CertDir, entry: Entry) -> x509.Certificate | None:
    """Return the certificate that has the place already. Raises AlreadyExists for a file that holds none."""
    found = certdir.read(entry)
    try:
        return None if found is None else load_certificate(*found)
    except Malformed as error:
        raise AlreadyExists(error.source) from None


def _is_newer(here: x509.Certificate, wish: _Wish, issuer: x509.Certificate) -> bool:
    """Return whether what is here took over: the same CA made it, later. For a CA that is: it has the same key."""
    if here.not_valid_before_utc < wish.chain[0].not_valid_before_utc:
        return False
    if wish.kind is Kind.CA:
        return _public(here) == _public(issuer)
    try:
        require_signed_by(here, issuer, wish.name)
    except KeyMismatch:
        return False
    return True


def _key(certdir: CertDir, wish: _Wish, *, replace: bool) -> Iterator[Placement]:
    """Yield the key to write.

    Raises AlreadyExists for another key in its place, unless that is to give way, and KeyMismatch where none comes that
    could take it.
    """
    entry = layout.key(wish.kind, wish.name)
    there = _key_here(certdir, wish)
    if there == _public(wish.chain[0]):
        return
    path = certdir.store.find(entry) or entry.path
    if there is not None and not replace:
        raise AlreadyExists(path)
    if there is not None and wish.key is None:
        raise KeyMismatch(f"{wish.kind.value} {wish.name}", f"it does not belong to the private key {path}")
    if wish.key is not None:
        # PKCS#1 for RSA: the one form that Synapse compares byte for byte.
        data = private_pem(wish.key.key, traditional=hasattr(wish.key.key, "decrypt"))
        yield Placement(entry, data, private=True, replaces=replace)


def _key_here(certdir: CertDir, wish: _Wish) -> bytes | None:
    """Return the public half of the key that has the place already; empty for one that cannot be read."""
    try:
        key: PrivateKey | None = certdir.signers.key(wish.kind, wish.name)
    except EasycertError:
        return b""
    return None if key is None else public_der(key.public_key())


def _public(certificate: x509.Certificate) -> bytes:
    return public_der(cast("PublicKey", certificate.public_key()))


def written(certdir: CertDir, files: Sequence[Placement]) -> tuple[str, ...]:
    """Return the absolute paths of *files*."""
    return tuple(certdir.store.path(item.entry) for item in files)
