"""What we bring to a handshake: whom we trust, and who we are."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import EncryptedKey, InvalidName, KeyMismatch, Malformed, NotFound
from easycert.model import Kind
from easycert.pki.chains import IssuerPool, climb
from easycert.pki.names import SafeName
from easycert.store.layout import Entry
from easycert.store.layout import certificate as certificate_entry
from easycert.workflows.evidence import Evidence, gather
from easycert.workflows.examination import certificates_in
from easycert.workflows.lookup import Found, find


class Presented(NamedTuple):
    """The certificate that we present, what stands above it, and where it and its key lie."""

    found: Found
    leaf: x509.Certificate
    above: tuple[x509.Certificate, ...]
    key_path: str


def trusted(certdir: CertDir, authorities: Sequence[str], own: Evidence, *, system: bool) -> Evidence:
    """Return whom to trust: cas/ or what the caller names; what stands between and the CRLs are the directory's."""
    trust = [_authority_file(certdir, ca) for ca in authorities]
    roots = _system_roots() if system else ()
    if not trust and not roots:
        return own
    named = gather(certdir, (*trust, *roots), (), ())
    anchors = named.anchors if trust else (*own.anchors, *named.anchors)
    between = [one for one in (*own.anchors, *own.intermediates) if one not in anchors]
    return Evidence(anchors, tuple(between), own.crls, (*own.notes, *named.notes))


def _authority_file(certdir: CertDir, ca: str) -> str:
    if os.sep in ca or os.path.isfile(ca):
        return ca
    try:
        found = certdir.store.find(certificate_entry(Kind.CA, SafeName(ca)))
    except InvalidName:
        found = None
    if found is None:
        raise NotFound("CA", ca)
    return found


def _system_roots() -> tuple[str, ...]:
    paths = ssl.get_default_verify_paths()
    return tuple(path for path in (paths.cafile, paths.capath) if path)[:1]


def presented(certdir: CertDir, name: str, own: Evidence) -> Presented:
    """Return the certificate of the user *name* (or of the host, which may call another one) and its key's file."""
    try:
        found = find(certdir, name, kind=Kind.USER)
    except NotFound as error:
        try:
            found = find(certdir, name, kind=Kind.HOST)
        except NotFound:
            raise error from None
    certificates = certificates_in(found.data, found.path)
    if not certificates:
        raise Malformed(found.path, "a certificate", "it holds something else")
    assert found.entry is not None
    key_path = certdir.store.find(Entry(found.entry.folder, f"{found.entry.name}.key"))
    if key_path is None:
        raise NotFound("private key", name)
    leaf, *rest = certificates
    above = climb(IssuerPool([*rest, *own.intermediates]), leaf)[1:]
    return Presented(found, leaf, tuple(above), key_path)


def load(context: ssl.SSLContext, us: Presented, passphrase: bytes | None) -> None:
    """Give the context our chain and key. Raises EncryptedKey and KeyMismatch."""
    from tempfile import NamedTemporaryFile

    from easycert.pki.encodings import Encoding

    def password() -> bytes:
        if passphrase is None:
            raise EncryptedKey(us.key_path, wrong=False)
        return passphrase

    with NamedTemporaryFile(suffix=".pem") as chain:  # certificates only: no secret leaves the key's file
        chain.write(b"".join(one.public_bytes(Encoding.PEM) for one in (us.leaf, *us.above)))
        chain.flush()
        try:
            context.load_cert_chain(chain.name, us.key_path, password=password)
        except ssl.SSLError as error:
            if passphrase is not None and error.reason != "KEY_VALUES_MISMATCH":
                raise EncryptedKey(us.key_path, wrong=True) from None
            raise KeyMismatch(us.key_path, "it cannot be used with the certificate beside it") from None
