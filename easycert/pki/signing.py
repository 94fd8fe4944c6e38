"""Signing bytes that no builder of cryptography makes: which algorithm goes with a key, and how that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa

from easycert.pki import der
from easycert.pki.keys import PrivateKey, PublicKey, signature_hash

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

#: RFC 4055 section 5 and RFC 8017 appendix A.2.4: the parameters are NULL; everywhere else they are absent.
_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b0500")
#: RFC 5758 section 3.2, by the size of the curve.
_ECDSA = {
    256: bytes.fromhex("06082a8648ce3d040302"),
    384: bytes.fromhex("06082a8648ce3d040303"),
    521: bytes.fromhex("06082a8648ce3d040304"),
}
_OTHERS: tuple[tuple[type, bytes], ...] = (
    (ed25519.Ed25519PrivateKey, bytes.fromhex("06032b6570")),  # RFC 8410 section 3
    (ed448.Ed448PrivateKey, bytes.fromhex("06032b6571")),
    (mldsa.MLDSA44PrivateKey, bytes.fromhex("0609608648016503040311")),  # RFC 9881 section 2
    (mldsa.MLDSA65PrivateKey, bytes.fromhex("0609608648016503040312")),
    (mldsa.MLDSA87PrivateKey, bytes.fromhex("0609608648016503040313")),
)


def signature_algorithm(key: PrivateKey) -> bytes:
    """Return the AlgorithmIdentifier of signatures by *key*, in DER."""
    return der.tlv(der.SEQUENCE, _algorithm(key))


def signature(key: PrivateKey, data: bytes) -> bytes:
    """Return the signature over *data*, made as :func:`signature_algorithm` says."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), cast("HashAlgorithm", signature_hash(key)))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(cast("HashAlgorithm", signature_hash(key))))
    return key.sign(data)


def signed(key: PrivateKey, data: bytes, *behind: bytes) -> bytes:
    """Return ``SEQUENCE { data, algorithm, signature, ... }``: a certificate, a CRL or an OCSP response by its body."""
    bits = der.tlv(der.BIT_STRING, b"\0", signature(key, data))
    return der.tlv(der.SEQUENCE, data, signature_algorithm(key), bits, *behind)


def require_signature(public_key: PublicKey, made: bytes, data: bytes) -> None:
    """Raise InvalidSignature unless *made* is a signature over *data* that :func:`signature` made with this key."""
    if isinstance(public_key, rsa.RSAPublicKey):
        public_key.verify(made, data, padding.PKCS1v15(), cast("HashAlgorithm", signature_hash(public_key)))
    elif isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(made, data, ec.ECDSA(cast("HashAlgorithm", signature_hash(public_key))))
    else:
        public_key.verify(made, data)


def _algorithm(key: PrivateKey) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return _SHA256_WITH_RSA
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _ECDSA[key.curve.key_size]
    return next(algorithm for kind, algorithm in _OTHERS if isinstance(key, kind))
