"""Rules about keys and signatures: which key types, sizes, curves and hashes clients do not take."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from easycert.pki.doctor.exam import Exam
from easycert.pki.doctor.findings import (
    BROWSERS,
    COMMON,
    EITHER_OPENSSL,
    LIBRARIES,
    REISSUE_EC,
    REISSUE_RSA,
    Client,
    Clients,
    Cure,
    Reason,
    Remedy,
    Rule,
    Severity,
)
from easycert.pki.keys import key_name
from easycert.pki.signatures import UNREADABLE
from easycert.pki.weakness import known_weakness

_RSA_BITS_MIN = 2048
_NIST_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_SMALL_RSA_REFUSED = EITHER_OPENSSL | {Client.APPLE}
_WEAK_HASHES: dict[type[hashes.HashAlgorithm], Clients] = {
    hashes.SHA1: COMMON - {Client.JAVA},
    hashes.MD5: COMMON,
}
_NEW_CA_EC = Remedy(Cure.NEW_CA, key_type="ec256")
_NEW_CA_RSA = Remedy(Cure.NEW_CA, key_type="rsa4096")


def _key(exam: Exam) -> object:
    try:
        return exam.certificate.public_key()
    except UNREADABLE:
        return None


def _small_rsa(exam: Exam) -> Iterator[Reason]:
    key = _key(exam)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_BITS_MIN:
        why = f"its RSA key has {key.key_size} bits, and 2048 are the least"
        yield Reason(_SMALL_RSA_REFUSED, why, _NEW_CA_RSA if exam.is_ca else REISSUE_RSA)


def _known_weakness(exam: Exam) -> Iterator[Reason]:
    key = _key(exam)
    weakness = known_weakness(key.public_numbers().n) if isinstance(key, rsa.RSAPublicKey) else ""
    if weakness:
        why = f"{weakness}: whoever has the certificate can work out the key"
        yield Reason(frozenset(), why, _NEW_CA_RSA if exam.is_ca else REISSUE_RSA, Severity.ERROR)


def _key_type(exam: Exam) -> Iterator[Reason]:
    key = _key(exam)
    remedy = _NEW_CA_EC if exam.is_ca else REISSUE_EC
    clients: Clients = frozenset()
    if isinstance(key, ed25519.Ed25519PublicKey):
        clients = BROWSERS
    elif isinstance(key, ed448.Ed448PublicKey):
        clients = BROWSERS | {Client.GO}
    elif isinstance(key, ec.EllipticCurvePublicKey):
        clients = _curve_refused(exam, key.curve.name)
    elif key is not None and not isinstance(key, rsa.RSAPublicKey):
        clients = COMMON
    if clients:
        why = f"its key is of the type {key_name(key)}, which they do not take"
        if clients == COMMON:
            why = f"its key is of the type {key_name(key)}, which only their newest versions take, if any"
        yield Reason(clients, why, remedy)


def _curve_refused(exam: Exam, curve: str) -> Clients:
    if curve == "secp521r1":  # Chrome verifies such signatures of CAs, and offers none to a server
        return frozenset() if exam.is_ca else frozenset({Client.CHROME})
    if curve in _NIST_CURVES:
        return frozenset()
    # OpenSSL verifies CAs on any curve that it knows; its TLS offers few of them to a server.
    return COMMON - EITHER_OPENSSL if exam.is_ca else COMMON


def _weak_hash(exam: Exam) -> Iterator[Reason]:
    if exam.is_self_issued:  # nobody relies on the signature of what is trusted as it stands
        return
    try:
        algorithm = exam.certificate.signature_hash_algorithm
    except UNREADABLE:
        return
    clients = _WEAK_HASHES.get(type(algorithm)) if algorithm is not None else None
    if clients and algorithm is not None:
        why = f"it is signed with {algorithm.name.upper()}, which can be forged"
        yield Reason(clients, why, exam.anew)


def _serial(exam: Exam) -> Iterator[Reason]:
    serial = exam.certificate.serial_number
    if serial < 0:
        why = "its serial number is negative, which Go refuses since 1.23"
        yield Reason(frozenset({Client.GO}), why, exam.anew)
    elif serial == 0 or serial.bit_length() > 159:
        why = "its serial number is 0" if serial == 0 else "its serial number is longer than 20 octets"
        yield Reason(frozenset(), f"{why}, which RFC 5280 forbids", exam.anew, Severity.NOTE)


def _unread_extensions(exam: Exam) -> Iterator[Reason]:
    for flaw in exam.member.flaws:
        clients = _refusing(flaw.rule)
        yield Reason(clients, f"it {flaw.rule}", exam.anew, None if clients else Severity.WARNING)


def _refusing(flaw: str) -> Clients:
    """Return who refuses a certificate with this flaw, as far as they were asked: our own reader is stricter."""
    if "path_length" in flaw:  # where there is no CA
        return frozenset({Client.STRICT})
    if "IPv4" in flaw:  # an address of another length
        return frozenset({Client.GO, Client.CHROME, Client.JAVA})
    return LIBRARIES if "DuplicateExtension" in flaw else frozenset()


RULES = (
    Rule(
        "broken",
        "Extensions or a subject that cannot be decoded, or an extension that is there twice",
        LIBRARIES | {Client.CHROME},
        (
            "RFC 5280 section 4.2",
            "Go: crypto/x509 ParseCertificate",
            "OpenSSL: X509_V_ERR_INVALID_EXTENSION",
            "Java: CertificateParsingException, for alternative names in 25 and not yet in 17",
        ),
        _unread_extensions,
    ),
    Rule(
        "small-rsa",
        "An RSA key of less than 2048 bits",
        _SMALL_RSA_REFUSED,
        (
            "OpenSSL: SSL_CTX_set_security_level(3), level 2, the default since 3.2 and in Debian",
            "Apple 103769: RSA keys of 2048 bits or more",
            "CA/B Forum BR 6.1.5",
        ),
        _small_rsa,
    ),
    Rule(
        "weak-key",
        "An RSA key that is known to be broken: ROCA, close primes, small factors",
        frozenset(),
        ("CA/B Forum BR 6.1.1.3", "CVE-2017-15361", "CVE-2022-26320"),
        _known_weakness,
    ),
    Rule(
        "key-type",
        "A key that is not RSA, P-256 or P-384",
        COMMON,
        (
            "Chromium: BoringSSL kVerifySignatureAlgorithms (no P-521, no Ed25519)",
            "Firefox: mozilla::pkix VerifySignedData",
            "Go: crypto/x509 (secp256k1, Ed448 are unknown to it)",
            "Java: JDK-8235540, obsolete curves removed in 16",
            "CA/B Forum BR 6.1.5",
        ),
        _key_type,
    ),
    Rule(
        "weak-hash",
        "A signature with SHA-1 or MD5, but for that of a root",
        COMMON,
        (
            "OpenSSL: SSL_CTX_set_security_level(3), SHA-1 has less than the 80 bits of level 1",
            "Go 1.18 release notes, crypto/x509: SHA-1",
            "Chromium: net::ERR_CERT_WEAK_SIGNATURE_ALGORITHM, local CAs too since 72",
            "Firefox: mozilla::pkix DigestAlgorithm",
            "Java: jdk.certpath.disabledAlgorithms (SHA1 only below the CAs of the JDK, MD5 always)",
            "GnuTLS: gnutls_sign_is_secure",
            "Apple 103769: SHA-2",
        ),
        _weak_hash,
    ),
    Rule(
        "serial-number",
        "A serial number that is negative, zero or longer than 20 octets",
        frozenset({Client.GO}),
        ("RFC 5280 section 4.1.2.2", "Go 1.23 release notes, crypto/x509: negative serial numbers"),
        _serial,
    ),
)
