"""Whether a key made the signature on a certificate, whatever the names in it are.

cryptography's ``verify_directly_issued_by`` does this where issuer and subject are the same bytes. RFC 5280 section 7.1
compares names otherwise, so the few certificates whose names differ in case, spaces or string type need their own way.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from easycert.pki.encoded import encoded

#: What cryptography raises, lazily, for parts of a certificate or CRL that it cannot decode.
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
#: Keys whose signatures have one form only, with the algorithm that says so (RFC 8410 section 3, RFC 9881 section 2).
_OneForm = (
    ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
_ONE_FORM: dict[x509.ObjectIdentifier, type[_OneForm]] = {
    SignatureAlgorithmOID.ED25519: ed25519.Ed25519PublicKey,
    SignatureAlgorithmOID.ED448: ed448.Ed448PublicKey,
    x509.ObjectIdentifier("2.16.840.1.101.3.4.3.17"): mldsa.MLDSA44PublicKey,
    x509.ObjectIdentifier("2.16.840.1.101.3.4.3.18"): mldsa.MLDSA65PublicKey,
    x509.ObjectIdentifier("2.16.840.1.101.3.4.3.19"): mldsa.MLDSA87PublicKey,
}


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether the key of *issuer* made the signature of *certificate*; names do not count."""
    try:
        if certificate.issuer.public_bytes() == issuer.subject.public_bytes():
            certificate.verify_directly_issued_by(issuer)
            return True
        return _verifies(certificate, issuer.public_key())
    except (InvalidSignature, *UNREADABLE):
        return False


def _verifies(certificate: x509.Certificate, key: object) -> bool:
    """Return whether *key* made the signature; raises what cryptography raises where it did not."""
    if not encoded(certificate).algorithms_agree:  # RFC 5280 section 4.1.1.2
        return False
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    parameters, hash_ = certificate.signature_algorithm_parameters, certificate.signature_hash_algorithm
    form = _ONE_FORM.get(certificate.signature_algorithm_oid)
    if form is not None and isinstance(key, form):
        key.verify(signature, signed)
        return True
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(parameters, ec.ECDSA):
        key.verify(signature, signed, parameters)
        return True
    if isinstance(key, rsa.RSAPublicKey) and isinstance(parameters, padding.PSS | padding.PKCS1v15) and hash_:
        key.verify(signature, signed, parameters, hash_)
        return True
    return False
