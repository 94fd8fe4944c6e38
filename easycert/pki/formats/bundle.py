"""What a file offers to a verification: certificates and CRLs, and what of it cannot be decoded.

Unlike :mod:`easycert.pki.formats.pem` this takes each certificate as it comes: it is decoded only so far that its rules
can be judged, and one that is broken does not spoil those beside it. Copies are read once, however many there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from cryptography import x509

from easycert.pki.members import told
from easycert.pki.signatures import UNREADABLE

_BEGIN = re.compile(rb"-----BEGIN (CERTIFICATE|X509 CERTIFICATE|X509 CRL)-----")
_DASHES = b"-----"
_PEM_MARK = b"-----BEGIN "
_Found = TypeVar("_Found", x509.Certificate, x509.CertificateRevocationList)


class Undecodable(NamedTuple):
    """A certificate or CRL that is there and cannot be decoded: where it stands, and what cryptography says of it."""

    where: str
    problem: str


class Bundle(NamedTuple):
    """What a file holds, each once and in its order; a certificate that cannot be decoded keeps its place."""

    certificates: tuple[x509.Certificate | Undecodable, ...]
    crls: tuple[x509.CertificateRevocationList | Undecodable, ...]

    @property
    def readable_certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates that can be decoded."""
        return tuple(item for item in self.certificates if not isinstance(item, Undecodable))

    @property
    def readable_crls(self) -> tuple[x509.CertificateRevocationList, ...]:
        """The CRLs that can be decoded."""
        return tuple(item for item in self.crls if not isinstance(item, Undecodable))

    @property
    def undecodable(self) -> tuple[Undecodable, ...]:
        """What cannot be decoded."""
        return tuple(item for item in (*self.certificates, *self.crls) if isinstance(item, Undecodable))


def read_bundle(data: bytes) -> Bundle:
    """Return the certificates and CRLs in PEM or DER *data*; anything else in it, keys above all, is passed over."""
    if _PEM_MARK not in data:
        return _from_der(data)
    blocks = dict.fromkeys(_blocks(data))
    certificates = [block for label, block in blocks if label != b"X509 CRL"]
    crls = [block for label, block in blocks if label == b"X509 CRL"]
    return Bundle(
        tuple(_decoded(x509.load_pem_x509_certificate, certificates, "certificate")),
        tuple(_decoded(x509.load_pem_x509_crl, crls, "CRL")),
    )


def _from_der(data: bytes) -> Bundle:
    try:
        return Bundle((x509.load_der_x509_certificate(data),), ())
    except UNREADABLE:
        pass
    try:
        return Bundle((), (x509.load_der_x509_crl(data),))
    except UNREADABLE:
        return Bundle((), ())


def _blocks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and bytes of the PEM blocks that matter; line ends are made alike, so that copies are."""
    text, at = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), 0
    while begin := _BEGIN.search(text, at):
        closing, dashes = b"-----END %b-----" % begin[1], text.find(_DASHES, begin.end())
        if dashes >= 0 and text.startswith(closing, dashes):
            at = dashes + len(closing)
            yield begin[1], text[begin.start() : at] + b"\n"
        else:
            at = begin.end() - len(_DASHES)  # which may begin another


def _decoded(load: Callable[[bytes], _Found], blocks: list[bytes], what: str) -> Iterator[_Found | Undecodable]:
    for number, block in enumerate(blocks, start=1):
        try:
            yield load(block)
        except UNREADABLE as error:
            yield Undecodable(f"{what} {number}", told(error))
