"""What a file holds: certificates, keys, signing requests, CRLs or PKCS#12, in PEM or in DER.

Read leniently in form (a BOM, CRLF, text around the blocks, several blocks: RFC 7468 section 2) and strictly in
content: each block decodes wholly or the file is refused. Errors say where, never what: a private key must not end up
in one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from easycert.errors import EncryptedKey, Malformed
from easycert.pki.certificates import DECODING_ERRORS, load_certificate

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

_ANYTHING = "a certificate, key, signing request, CRL or PKCS#12 file"
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_DER_SEQUENCE = 0x30
_DER_INTEGER = 0x02
#: Tag after the version number of a private key: RFC 5208 section 5, RFC 8017 appendix A.1.2, RFC 5915 section 3.
_KEY_FORMS = {0x30: "PKCS#8", 0x02: "PKCS#1", 0x04: "SEC 1"}
_KEY_LABELS = {
    "PRIVATE KEY": "PKCS#8",
    "ENCRYPTED PRIVATE KEY": "PKCS#8",
    "RSA PRIVATE KEY": "PKCS#1",
    "EC PRIVATE KEY": "SEC 1",
    "DSA PRIVATE KEY": "traditional DSA",
}
#: ``openssl ecparam -genkey`` writes them before the key, which names its curve itself.
_SKIPPED_LABELS = ("EC PARAMETERS",)


class StoredKey(NamedTuple):
    """A private key as a file holds it; ``key`` is None when it is encrypted and no passphrase was given."""

    key: PrivateKeyTypes | None
    form: str
    encrypted: bool


class StoredPublicKey(NamedTuple):
    """A public key that stands alone in a file."""

    key: PublicKeyTypes


class StoredPkcs12:
    """A PKCS#12 file, not yet opened; no NamedTuple, whose ``repr`` would show the key of one without a passphrase."""

    def __init__(self, data: bytes) -> None:
        """Keep the bytes of the file in ``data``."""
        self.data = data


Item: TypeAlias = (
    x509.Certificate
    | x509.CertificateSigningRequest
    | x509.CertificateRevocationList
    | StoredKey
    | StoredPublicKey
    | StoredPkcs12
)


class Contents(NamedTuple):
    """What a file holds, in its order, at least one item."""

    items: tuple[Item, ...]

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates among the items: a chain file's leaf first."""
        return tuple(item for item in self.items if isinstance(item, x509.Certificate))


class _Reader(NamedTuple):
    """Whose file it is, for errors, and what opens an encrypted key."""

    source: str
    passphrase: bytes | None

    def malformed(self, reason: str) -> Malformed:
        return Malformed(self.source, _ANYTHING, reason)


def identify(data: bytes, source: str, *, passphrase: bytes | None = None) -> Contents:
    """Return what *data* holds; *source* names it in errors.

    An encrypted private key is opened when a *passphrase* is given, and told apart when not. Raises Malformed for
    anything unknown, broken or empty, and EncryptedKey for a wrong passphrase.
    """
    reader = _Reader(source, passphrase)
    if not data.strip():
        raise reader.malformed("it is empty")
    if _is_der(data):
        return Contents((_from_der(data, reader),))
    items = tuple(_from_pem(data, reader))
    if not items:
        raise reader.malformed("it is neither PEM nor DER")
    return Contents(items)


def der_blocks(data: bytes, source: str) -> tuple[tuple[str, bytes], ...]:
    """Return label and DER of each PEM block in *data*; of DER, itself under an empty label.

    What is in the blocks is not looked at, so that somebody can say what is wrong with it. Raises Malformed.
    """
    reader = _Reader(source, None)
    if not data.strip():
        raise reader.malformed("it is empty")
    if _is_der(data):
        return (("", data),)
    blocks = tuple((label, _decoded(block, reader)) for label, block in _blocks(_as_text(data, reader), reader))
    if not blocks:
        raise reader.malformed("it is neither PEM nor DER")
    return blocks


def _decoded(block: bytes, reader: _Reader) -> bytes:
    """Return the bytes in a PEM block, whose headers (RFC 1421 section 4.6) end with an empty line."""
    import binascii

    _, *lines, _ = block.strip().split(b"\n")
    if any(b":" in line for line in lines):
        lines = lines[next((number for number, line in enumerate(lines) if not line.strip()), len(lines)) :]
    try:
        return binascii.a2b_base64(b"".join(b"".join(lines).split()), strict_mode=True)
    except binascii.Error:
        raise reader.malformed("a PEM block is not base64") from None


# --- DER -------------------------------------------------------------------------------------------------------------


def _is_der(data: bytes) -> bool:
    """Return whether one SEQUENCE fills *data*; a text that starts with ``0``, DER's tag, does not."""
    start, length = _der_header(data)
    return data[0] == _DER_SEQUENCE and (length is None or start + length == len(data))


def _der_header(data: bytes) -> tuple[int, int | None]:
    """Return where the contents of the first DER value start and how long they are (None: BER's indefinite form)."""
    if len(data) < 2 or data[1] < 0x80:
        return 2, data[1] if len(data) > 1 else 0
    octets = data[1] & 0x7F
    return 2 + octets, int.from_bytes(data[2 : 2 + octets], "big") if octets else None


def _from_der(data: bytes, reader: _Reader) -> Item:
    start, _ = _der_header(data)
    if data[start : start + 4] == bytes((_DER_INTEGER, 1, 3, _DER_SEQUENCE)):  # RFC 7292 section 4: PFX, version 3
        return StoredPkcs12(data)
    form = _KEY_FORMS.get(data[start + 3] if len(data) > start + 3 else 0, "PKCS#8")
    for read in (_certificate, _der_request, _der_crl, _der_public_key):
        try:
            return read(data, reader)
        except (*DECODING_ERRORS, Malformed):
            continue
    try:
        return _private_key(serialization.load_der_private_key, data, form, reader)
    except DECODING_ERRORS:
        raise reader.malformed("it is DER that holds none of these, or is damaged") from None


def _der_request(data: bytes, _: _Reader) -> Item:
    return _decoded_request(x509.load_der_x509_csr(data))


def _der_crl(data: bytes, _: _Reader) -> Item:
    return _decoded_crl(x509.load_der_x509_crl(data))


def _der_public_key(data: bytes, _: _Reader) -> Item:
    return StoredPublicKey(serialization.load_der_public_key(data))


# --- PEM -------------------------------------------------------------------------------------------------------------


def _from_pem(data: bytes, reader: _Reader) -> Iterator[Item]:
    for number, (label, block) in enumerate(_blocks(_as_text(data, reader), reader), start=1):
        if label in _SKIPPED_LABELS:
            continue
        read = _PEM_READERS.get(label)
        if read is None:
            raise reader.malformed(f"easycert does not read PEM blocks called '{label}'")
        try:
            yield read(block, reader)
        except (*DECODING_ERRORS, Malformed):
            raise reader.malformed(f"PEM block {number} ({label}) cannot be decoded") from None


def _as_text(data: bytes, reader: _Reader) -> bytes:
    if data.startswith(_UTF16_BOMS):  # what PowerShell's `>` writes
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError:
            raise reader.malformed("it is neither PEM nor DER") from None
    return data.removeprefix(_UTF8_BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _blocks(text: bytes, reader: _Reader) -> Iterator[tuple[str, bytes]]:
    """Yield label and bytes of each PEM block; linear in the size of the text, whatever it holds."""
    begins = list(_BEGIN.finditer(text))
    for begin, following in zip_longest(begins, begins[1:]):
        label = begin[1].decode("ascii")
        footer = f"-----END {label}-----".encode()
        end = text.find(footer, begin.end(), following.start() if following else len(text))
        if end < 0:
            raise reader.malformed(f"a PEM block called '{label}' has no end")
        yield label, text[begin.start() : end + len(footer)] + b"\n"


def _certificate(data: bytes, reader: _Reader) -> Item:
    return load_certificate(data, reader.source)


def _pem_request(block: bytes, _: _Reader) -> Item:
    return _decoded_request(x509.load_pem_x509_csr(block))


def _pem_crl(block: bytes, _: _Reader) -> Item:
    return _decoded_crl(x509.load_pem_x509_crl(block))


def _pem_public_key(block: bytes, _: _Reader) -> Item:
    return StoredPublicKey(serialization.load_pem_public_key(block))


def _pem_private_key(form: str) -> Callable[[bytes, _Reader], Item]:
    return lambda block, reader: _private_key(serialization.load_pem_private_key, block, form, reader)


_PEM_READERS: dict[str, Callable[[bytes, _Reader], Item]] = {
    "CERTIFICATE": _certificate,
    "X509 CERTIFICATE": _certificate,
    "CERTIFICATE REQUEST": _pem_request,
    "NEW CERTIFICATE REQUEST": _pem_request,
    "X509 CRL": _pem_crl,
    "PUBLIC KEY": _pem_public_key,
    "RSA PUBLIC KEY": _pem_public_key,
    **{label: _pem_private_key(form) for label, form in _KEY_LABELS.items()},
}


# --- both ------------------------------------------------------------------------------------------------------------


def _decoded_request(request: x509.CertificateSigningRequest) -> x509.CertificateSigningRequest:
    """Make cryptography decode now what it decodes only when used, so that later code cannot be surprised."""
    request.extensions  # noqa: B018
    request.subject  # noqa: B018
    request.public_key()
    return request


def _decoded_crl(crl: x509.CertificateRevocationList) -> x509.CertificateRevocationList:
    crl.extensions  # noqa: B018
    crl.issuer  # noqa: B018
    for entry in crl:
        entry.extensions  # noqa: B018
    return crl


def _private_key(load: Callable[..., PrivateKeyTypes], data: bytes, form: str, reader: _Reader) -> StoredKey:
    """Read a private key only to look at it: OpenSSL's check of RSA primes, a quarter of a second, is left out."""
    try:
        return StoredKey(load(data, None, unsafe_skip_rsa_key_validation=True), form, encrypted=False)
    except TypeError:  # cryptography's word for "a passphrase is needed"
        if reader.passphrase is None:
            return StoredKey(None, form, encrypted=True)
    try:
        return StoredKey(load(data, reader.passphrase, unsafe_skip_rsa_key_validation=True), form, encrypted=True)
    except ValueError:
        raise EncryptedKey(reader.source, wrong=True) from None
