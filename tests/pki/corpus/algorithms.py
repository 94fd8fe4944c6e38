"""Keys and signatures: CA/Browser Forum BR 6.1.5, 6.1.6 and 7.1.3.2, RFC 5480, RFC 8410, RFC 9881."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.pki.chainmaker import Made
from tests.pki.corpus.case import Body, Case, authority, chain, leaf, reshaped, tlv

NULL = tlv(0x05)
#: AlgorithmIdentifiers by what signs with them.
IDENTIFIERS = {
    "RSA with MD5": bytes.fromhex("06092a864886f70d010104"),
    "RSA with SHA-1": bytes.fromhex("06092a864886f70d010105"),
    "RSA with SHA-224": bytes.fromhex("06092a864886f70d01010e"),
    "RSA with SHA-256": bytes.fromhex("06092a864886f70d01010b"),
    "RSA with SHA-384": bytes.fromhex("06092a864886f70d01010c"),
    "RSA with SHA-512": bytes.fromhex("06092a864886f70d01010d"),
    "ECDSA with SHA-1": bytes.fromhex("06072a8648ce3d0401"),
    "ECDSA with SHA-224": bytes.fromhex("06082a8648ce3d040301"),
    "ECDSA with SHA-256": bytes.fromhex("06082a8648ce3d040302"),
    "ECDSA with SHA-384": bytes.fromhex("06082a8648ce3d040303"),
    "ECDSA with SHA-512": bytes.fromhex("06082a8648ce3d040304"),
}
HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "MD5": hashes.MD5,
    "SHA-1": hashes.SHA1,
    "SHA-224": hashes.SHA224,
    "SHA-256": hashes.SHA256,
    "SHA-384": hashes.SHA384,
    "SHA-512": hashes.SHA512,
}


@cache
def keys() -> dict[str, Any]:
    """Return one key of every kind."""
    return {
        "P-256": ec.generate_private_key(ec.SECP256R1()),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "P-521": ec.generate_private_key(ec.SECP521R1()),
        "P-224": ec.generate_private_key(ec.SECP224R1()),
        "secp256k1": ec.generate_private_key(ec.SECP256K1()),
        "brainpoolP256r1": ec.generate_private_key(ec.BrainpoolP256R1()),
        "RSA 1024": rsa.generate_private_key(65537, 1024),
        "RSA 2048": rsa.generate_private_key(65537, 2048),
        "RSA 3072": rsa.generate_private_key(65537, 3072),
        "RSA with exponent 3": rsa.generate_private_key(3, 2048),
        "DSA": dsa.generate_private_key(2048),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
        "Ed448": ed448.Ed448PrivateKey.generate(),
        "ML-DSA-44": mldsa.MLDSA44PrivateKey.generate(),
        "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate(),
        "ML-DSA-87": mldsa.MLDSA87PrivateKey.generate(),
    }


BAD = {"P-224", "secp256k1", "brainpoolP256r1", "RSA 1024", "DSA"}
ROOT = authority()


def of_leaves_and_authorities() -> Iterator[Case]:
    """Yield each kind of key in a leaf, an intermediate and a root."""
    for kind, key in keys().items():
        good = kind not in BAD
        why = "" if good else "key that is not good enough"
        yield chain(f"a leaf of {kind}", good, leaf(ROOT, key=key), ROOT, why=why, differs=LEAF.get(kind, {}))
        if kind == "DSA":  # cryptography's builder makes DSA signatures, but nobody should
            continue
        middle = authority("middle", ROOT, key=key)
        yield chain(
            f"an intermediate of {kind}", good, leaf(middle), middle, ROOT, why=why, differs=AUTHORITY.get(kind, {})
        )
        root = authority(key=key)
        yield chain(f"a root of {kind}", good, leaf(root), root, why=why, differs=AUTHORITY.get(kind, {}))


_BITS = "asks for 112 bits, whatever the curve"
_ANY_LEAF = "does not look at the key of a leaf"
LEAF: dict[str, dict[str, str]] = {
    "P-224": {"cryptography": _ANY_LEAF, "openssl": _BITS, "gnutls": _BITS},
    "secp256k1": {"cryptography": _ANY_LEAF, "openssl": _BITS, "gnutls": _ANY_LEAF},
    "brainpoolP256r1": {"cryptography": _ANY_LEAF, "openssl": _BITS, "gnutls": _ANY_LEAF},
    "RSA 1024": {"cryptography": _ANY_LEAF, "gnutls": "takes 1024 bits"},
    "DSA": {"cryptography": _ANY_LEAF, "openssl": "takes DSA", "gnutls": "likewise"},
}
_NO_EDWARDS = {"cryptography": "takes no CA of an Edwards curve, which BR 6.1.5 does not know"}
AUTHORITY: dict[str, dict[str, str]] = {
    "P-224": {"openssl": _BITS, "gnutls": _BITS},
    "secp256k1": {"openssl": _BITS},
    "brainpoolP256r1": {"openssl": _BITS},
    "RSA 1024": {"gnutls": "takes 1024 bits"},
    "Ed25519": _NO_EDWARDS,
    "Ed448": _NO_EDWARDS,
}


def signatures() -> Iterator[Case]:
    """Yield each hash below a sound key."""
    for fact, identifier in IDENTIFIERS.items():
        scheme, _, hash_name = fact.partition(" with ")
        hash_ = HASHES[hash_name]()
        issuer = authority(key=keys()["RSA 2048" if scheme == "RSA" else "P-256"])
        good = hash_name not in ("MD5", "SHA-1")
        made = resigned(leaf(issuer), issuer, tlv(0x30, identifier, NULL if scheme == "RSA" else b""), hash_)
        yield chain(fact, good, made, issuer, why="" if good else "forged|signature", differs=SIGNATURES.get(fact, {}))
    pss = authority(key=keys()["RSA 2048"])
    made = Made(_pss(leaf(pss), pss), None, pss.name)
    yield chain("RSA-PSS with SHA-256", True, made, pss)


_NO_SHA224 = {"cryptography": "takes SHA-256, SHA-384 and SHA-512 only, as BR 7.1.3.2 has it"}
SIGNATURES = {"RSA with SHA-224": _NO_SHA224, "ECDSA with SHA-224": _NO_SHA224}


def resigned(made: Made, issuer: Made, algorithm: bytes, hash_: hashes.HashAlgorithm) -> Made:
    """Return the certificate with this algorithm inside, outside and in fact."""
    body = Body.of(made.certificate)
    body.algorithm = algorithm
    signed = body.der()
    if isinstance(issuer.key, rsa.RSAPrivateKey):
        signature = issuer.key.sign(signed, padding.PKCS1v15(), hash_)
    else:
        signature = issuer.key.sign(signed, ec.ECDSA(hash_))
    der = tlv(0x30, signed, algorithm, tlv(0x03, b"\0", signature))
    return Made(x509.load_der_x509_certificate(der), made.key, made.name)


def _pss(made: Made, issuer: Made) -> x509.Certificate:
    certificate = made.certificate
    builder = x509.CertificateBuilder(
        issuer_name=issuer.name,
        subject_name=made.name,
        public_key=made.key.public_key(),
        serial_number=certificate.serial_number,
        not_valid_before=certificate.not_valid_before_utc.replace(tzinfo=None),
        not_valid_after=certificate.not_valid_after_utc.replace(tzinfo=None),
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    return builder.sign(issuer.key, hashes.SHA256(), rsa_padding=scheme)


def forgeries() -> Iterator[Case]:
    """Yield signatures that are no good."""
    for kind in ("P-256", "RSA 2048", "Ed25519", "ML-DSA-44"):
        issuer = authority(key=keys()[kind])
        sound = leaf(issuer).certificate
        der = sound.public_bytes(Encoding.DER)
        flipped = der[:-1] + bytes([der[-1] ^ 1])
        broken = Made(x509.load_der_x509_certificate(flipped), None, issuer.name)
        yield chain(f"a flipped bit in a signature by {kind}", False, broken, issuer, why="does not verify")
    impostor = authority("root")
    yield chain("a signature by a namesake", False, leaf(impostor, key_ids=False), ROOT, why="does not verify")
    stolen = leaf(impostor, key_ids=False, more=[(_identifier(ROOT), False)])
    yield chain("a namesake that borrows the key identifier", False, stolen, ROOT, why="does not verify")


def _identifier(made: Made) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(made.key.public_key())


def explicit_curves() -> Iterator[Case]:
    """Yield P-256 spelt out parameter by parameter, which RFC 5480 2.1.1 forbids (CVE-2020-0601)."""

    def spell_out(body: Body) -> None:
        body.key = _spki(_P256_SPELT_OUT, body.key)

    made = reshaped(leaf(ROOT), ROOT, spell_out)
    lax = {"gnutls": "takes a curve that it recognises", "cryptography": _ANY_LEAF}
    yield chain("a leaf with an explicit curve", False, made, ROOT, why="not named", differs=lax)
    middle = reshaped(authority("middle", ROOT), ROOT, spell_out)
    yield chain("an intermediate with an explicit curve", False, leaf(middle), middle, ROOT, why="not named")
    root = authority()
    root = reshaped(root, root, spell_out)
    yield chain("a root with an explicit curve", False, leaf(root), root, why="not named")


def _spki(parameters: bytes, key: bytes) -> bytes:
    point = key[-65:]
    algorithm = tlv(0x30, bytes.fromhex("06072a8648ce3d0201"), parameters)
    return tlv(0x30, algorithm, tlv(0x03, b"\0" + point))


_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_G = bytes.fromhex(
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
)
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


_P256_SPELT_OUT = tlv(
    0x30,
    _integer(1),
    tlv(0x30, bytes.fromhex("06072a8648ce3d0101"), _integer(_P)),
    tlv(0x30, tlv(0x04, (_P - 3).to_bytes(32, "big")), tlv(0x04, _B.to_bytes(32, "big"))),
    tlv(0x04, _G),
    _integer(_N),
    _integer(1),
)


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from of_leaves_and_authorities()
    yield from signatures()
    yield from forgeries()
    yield from explicit_curves()
