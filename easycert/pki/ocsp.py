"""OCSP: requests are read and responses written (RFC 6960; nonces: RFC 9654).

cryptography reads and makes messages about one certificate only; a request may ask for several, and each is answered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import Enum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from easycert.errors import KeyMismatch, Malformed, SignerUnfit
from easycert.model import Value
from easycert.pki import der, signing
from easycert.pki.certificates import require_signed_by
from easycert.pki.crl import reason_code
from easycert.pki.der import Reader
from easycert.pki.encodings import Encoding
from easycert.pki.keys import PrivateKey, public_der
from easycert.pki.validity import rfc3339

_NONCE = bytes.fromhex("06092b0601050507300102")  # id-pkix-ocsp-nonce
_ARCHIVE_CUTOFF = bytes.fromhex("06092b0601050507300106")
_BASIC = bytes.fromhex("06092b0601050507300101")
#: RFC 9654 section 2.1.
_NONCE_MAX = 128
#: The hashes that name an issuer, by the DER of their OID; their parameters are NULL or absent (RFC 5754 section 2).
_HASHES: dict[bytes, Callable[[bytes], hashlib._Hash]] = {
    bytes.fromhex("06052b0e03021a"): hashlib.sha1,
    bytes.fromhex("0609608648016503040201"): hashlib.sha256,
    bytes.fromhex("0609608648016503040202"): hashlib.sha384,
    bytes.fromhex("0609608648016503040203"): hashlib.sha512,
}


class CertId(Value):
    """Which certificate is asked for: hashes of its issuer's name and key, and its serial number.

    *encoded* is what the request says, which goes back into the response as it stands; *algorithm* is the OID of the
    hash in DER.
    """

    algorithm: bytes
    name_hash: bytes
    key_hash: bytes
    serial: int
    encoded: bytes

    def is_issued_by(self, authority: x509.Certificate) -> bool:
        """Return whether the issuer that is meant has the name and the key of *authority* (RFC 6960 section 4.1.1)."""
        digest = _HASHES.get(self.algorithm)
        if digest is None:
            return False
        name, key = name_and_key(authority)
        return (digest(name).digest(), digest(key).digest()) == (self.name_hash, self.key_hash)


class OcspRequest(Value):
    """What a client asks: certificates, at least one, and a *nonce* (its extension's value) that is to come back."""

    wanted: tuple[CertId, ...]
    nonce: bytes | None


class State(Enum):
    """What is known of a certificate; the value is the word of RFC 6960 section 2.2."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class Status(Value):
    """The state of one certificate, since when and why it is revoked; and since when states are kept, if it expired."""

    state: State
    revoked_at: datetime | None = None
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified
    archive_cutoff: datetime | None = None


class ResponseSpec(Value):
    """A response that is still to be signed: the answers, when it is made, and how long they hold."""

    answers: tuple[tuple[CertId, Status], ...]
    produced_at: datetime
    next_update: datetime
    nonce: bytes | None = None


class Responder(Value):
    """Who signs responses: a key, its certificate (the CA's own, or one that it delegated this to), and CAs above that.

    All *certificates* are sent along: many clients have the root only.
    """

    key: PrivateKey
    certificates: tuple[x509.Certificate, ...] = ()


class ErrorStatus(Enum):
    """Why there is no answer (RFC 6960 section 4.2.1)."""

    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    UNAUTHORIZED = 6


def key_bits(info: Reader) -> bytes:
    """Return what is hashed of a SubjectPublicKeyInfo: its BIT STRING without tag, length and unused bits.

    RFC 6960 section 4.1.1.
    """
    info.next(der.SEQUENCE)
    return info.contents(der.BIT_STRING)[1:]


def name_and_key(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Return the subject and the bits of the key as the certificate has them: written anew they might be others."""
    body = Reader.whole(certificate.tbs_certificate_bytes)
    body.optional(der.context(0))  # version
    for tag in (der.INTEGER, der.SEQUENCE, der.SEQUENCE, der.SEQUENCE):  # serial, algorithm, issuer, validity
        body.next(tag)
    return body.raw(der.SEQUENCE), key_bits(body.enter())


# --- requests --------------------------------------------------------------------------------------------------------


def load_request(data: bytes, source: str) -> OcspRequest:
    """Return the request in *data*. Raises Malformed, also for a nonce that is empty or longer than 128 octets.

    A signature on the request is not looked at: everyone may ask.
    """
    if data.startswith(b"-----"):
        raise Malformed(source, "an OCSP request", "it is text, and a request is DER")
    try:
        return _request(data)
    except ValueError as error:
        raise Malformed(source, "an OCSP request", str(error)) from None


def _request(data: bytes) -> OcspRequest:
    outer = Reader.whole(data)
    body = outer.enter()
    outer.optional(der.context(0))  # optionalSignature
    outer.finish()
    version = body.optional(der.context(0))
    if version is not None and version.number() != 0:
        raise ValueError("its version is not 1")
    body.optional(der.context(1))  # requestorName
    wanted = tuple(_wanted(body.enter()))
    extensions = body.optional(der.context(2))
    body.finish()
    if not wanted:
        raise ValueError("it asks for no certificate")
    return OcspRequest(wanted, _nonce(extensions.enter()) if extensions is not None else None)


def _wanted(requests: Reader) -> Iterator[CertId]:
    while requests.tag is not None:
        single = requests.enter()
        encoded = single.raw(der.SEQUENCE)
        extensions = single.optional(der.context(0))
        single.finish()
        if extensions is not None:
            _nonce(extensions.enter(), known=())
        yield _cert_id(encoded)


def _cert_id(encoded: bytes) -> CertId:
    reader = Reader.whole(encoded)
    algorithm = reader.enter()
    identifier = algorithm.raw(der.OID)
    if algorithm.tag == der.NULL and algorithm.contents(der.NULL):
        raise ValueError("the parameters of a hash are not NULL")
    algorithm.finish()
    name, key, serial = reader.contents(der.OCTET_STRING), reader.contents(der.OCTET_STRING), reader.number()
    reader.finish()
    return CertId(identifier, name, key, serial, encoded)


def _nonce(extensions: Reader, known: Sequence[bytes] = (_NONCE,)) -> bytes | None:
    """Return the value of the nonce extension; what else there is is ignored unless it is critical (RFC 6960 4.4)."""
    found = None
    while extensions.tag is not None:
        extension = extensions.enter()
        identifier = extension.raw(der.OID)
        critical = extension.tag == der.BOOLEAN and extension.contents(der.BOOLEAN) != b"\0"
        value = extension.contents(der.OCTET_STRING)
        extension.finish()
        if identifier not in known and critical:
            raise ValueError("it has a critical extension that is not understood here")
        if identifier == _NONCE and identifier in known:
            if found is not None:
                raise ValueError("it has two nonces")
            found = value
            _require_nonce(value)
    return found


def _require_nonce(value: bytes) -> None:
    size = len(Reader(value).contents(der.OCTET_STRING)) if value else 0
    if not 1 <= size <= _NONCE_MAX:
        raise ValueError(f"its nonce has {size} octets, not 1 to {_NONCE_MAX} (RFC 9654 2.1)")


# --- responses -------------------------------------------------------------------------------------------------------


def sign_response(spec: ResponseSpec, responder: Responder) -> bytes:
    """Return the OCSP response that *spec* describes, in DER, signed by *responder* (RFC 6960 section 4.2.1)."""
    bits = key_bits(Reader.whole(public_der(responder.key.public_key())))
    identifier = hashlib.sha1(bits, usedforsecurity=False).digest()
    data = der.tlv(
        der.SEQUENCE,
        der.tlv(der.context(2), der.tlv(der.OCTET_STRING, identifier)),  # responderID by key
        der.generalized_time(spec.produced_at),
        der.tlv(der.SEQUENCE, *(_single(spec, cert_id, status) for cert_id, status in spec.answers)),
        _extensions(der.context(1), (_NONCE, spec.nonce)) if spec.nonce is not None else b"",
    )
    sent = der.tlv(der.SEQUENCE, *(item.public_bytes(Encoding.DER) for item in responder.certificates))
    chain = der.tlv(der.context(0), sent) if responder.certificates else b""
    basic = der.tlv(der.SEQUENCE, _BASIC, der.tlv(der.OCTET_STRING, signing.signed(responder.key, data, chain)))
    return der.tlv(der.SEQUENCE, der.integer(0, der.ENUMERATED), der.tlv(der.context(0), basic))


def error_response(status: ErrorStatus) -> bytes:
    """Return the response, in DER and unsigned, that says why there is no answer (RFC 6960 section 2.3)."""
    return der.tlv(der.SEQUENCE, der.integer(status.value, der.ENUMERATED))


def _single(spec: ResponseSpec, cert_id: CertId, status: Status) -> bytes:
    cutoff = status.archive_cutoff
    return der.tlv(
        der.SEQUENCE,
        cert_id.encoded,
        _status(status),
        der.generalized_time(spec.produced_at),
        der.tlv(der.context(0), der.generalized_time(spec.next_update)),
        _extensions(der.context(1), (_ARCHIVE_CUTOFF, der.generalized_time(cutoff))) if cutoff else b"",
    )


def _status(status: Status) -> bytes:
    if status.state is not State.REVOKED or status.revoked_at is None:
        return der.tlv(der.context(0 if status.state is State.GOOD else 2, constructed=False))
    reason = b""
    if status.reason is not x509.ReasonFlags.unspecified:
        reason = der.tlv(der.context(0), der.integer(reason_code(status.reason), der.ENUMERATED))
    return der.tlv(der.context(1), der.generalized_time(status.revoked_at), reason)


def _extensions(tag: int, *extensions: tuple[bytes, bytes]) -> bytes:
    written = (der.tlv(der.SEQUENCE, name, der.tlv(der.OCTET_STRING, value)) for name, value in extensions)
    return der.tlv(tag, der.tlv(der.SEQUENCE, *written))


# --- who may answer --------------------------------------------------------------------------------------------------


def require_may_respond(certificate: x509.Certificate, authority: x509.Certificate, now: datetime, source: str) -> None:
    """Raise SignerUnfit when *certificate*, in the file *source*, may not sign responses for *authority* at *now*.

    It must be issued by the CA itself, have OCSPSigning among its extended key usages and be valid (RFC 6960 section
    4.2.2.2), and its key usage must not forbid signatures (RFC 5280 section 4.2.1.3).
    """
    try:
        require_signed_by(certificate, authority, source)
    except KeyMismatch:
        raise SignerUnfit(source, "the CA did not sign it itself, so it may not answer (RFC 6960 4.2.2.2)") from None
    if ExtendedKeyUsageOID.OCSP_SIGNING not in _usages(certificate):
        raise SignerUnfit(source, "its extended key usage lacks OCSPSigning (RFC 6960 4.2.2.2)")
    if not may_sign(certificate):
        raise SignerUnfit(source, "its key usage lacks digitalSignature (RFC 5280 4.2.1.3)")
    if now > certificate.not_valid_after_utc:
        raise SignerUnfit(source, f"it expired on {rfc3339(certificate.not_valid_after_utc)}")
    if now < certificate.not_valid_before_utc:
        raise SignerUnfit(source, f"it is not valid before {rfc3339(certificate.not_valid_before_utc)}")


def _usages(certificate: x509.Certificate) -> Sequence[x509.ObjectIdentifier]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return ()


def may_sign(certificate: x509.Certificate) -> bool:
    """Return whether the key usage allows signing responses (BR 7.1.2.10.7 asks that of CAs, too)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True
