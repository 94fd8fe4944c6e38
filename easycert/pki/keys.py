"""Private and public keys: which types exist, how they are made, read and written, and which are refused.

Sources: CA/B Forum BR 6.1.5 and 6.1.6 (sizes, exponents, curves), RFC 5758 and RFC 8410 (which hash goes with which
key), RFC 9881 (ML-DSA). cryptography itself makes and loads RSA-1024 and e=3 without a word, so the rules live here.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa

from easycert.errors import EncryptedKey, InvalidInput, Malformed, WeakKey
from easycert.pki.encodings import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

MlDsaPrivateKey: TypeAlias = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
MlDsaPublicKey: TypeAlias = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | MlDsaPrivateKey
)
PublicKey: TypeAlias = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey | MlDsaPublicKey
)

_PUBLIC_KEYS = (
    rsa.RSAPublicKey,
    ec.EllipticCurvePublicKey,
    ed25519.Ed25519PublicKey,
    ed448.Ed448PublicKey,
    mldsa.MLDSA44PublicKey,
    mldsa.MLDSA65PublicKey,
    mldsa.MLDSA87PublicKey,
)
RSA_EXPONENT = 65537
_RSA_BITS_MIN = 2048
_RSA_BITS_THROWN_AWAY = 1024
#: Above this a single signature check costs everyone who meets the certificate more than it protects.
_RSA_BITS_MAX = 16384


class KeyType(Enum):
    """The key types that easycert makes; the value is the word on the command line."""

    RSA2048 = "rsa2048"
    RSA3072 = "rsa3072"
    RSA4096 = "rsa4096"
    EC256 = "ec256"
    EC384 = "ec384"
    EC521 = "ec521"
    ED25519 = "ed25519"
    ED448 = "ed448"
    MLDSA44 = "mldsa44"
    MLDSA65 = "mldsa65"
    MLDSA87 = "mldsa87"

    @classmethod
    def parse(cls, text: str) -> KeyType:
        """Return the key type called *text*, case-free. Raises InvalidInput."""
        try:
            return cls(text.lower())
        except ValueError:
            known = ", ".join(member.value for member in cls)
            raise InvalidInput("key type", text, f"is not one of {known}") from None


_MAKERS: dict[KeyType, Callable[[], PrivateKey]] = {
    KeyType.RSA2048: lambda: rsa.generate_private_key(RSA_EXPONENT, 2048),
    KeyType.RSA3072: lambda: rsa.generate_private_key(RSA_EXPONENT, 3072),
    KeyType.RSA4096: lambda: rsa.generate_private_key(RSA_EXPONENT, 4096),
    KeyType.EC256: lambda: ec.generate_private_key(ec.SECP256R1()),
    KeyType.EC384: lambda: ec.generate_private_key(ec.SECP384R1()),
    KeyType.EC521: lambda: ec.generate_private_key(ec.SECP521R1()),
    KeyType.ED25519: ed25519.Ed25519PrivateKey.generate,
    KeyType.ED448: ed448.Ed448PrivateKey.generate,
    KeyType.MLDSA44: mldsa.MLDSA44PrivateKey.generate,
    KeyType.MLDSA65: mldsa.MLDSA65PrivateKey.generate,
    KeyType.MLDSA87: mldsa.MLDSA87PrivateKey.generate,
}

_CURVES = {"secp256r1": KeyType.EC256, "secp384r1": KeyType.EC384, "secp521r1": KeyType.EC521}
#: id-ecPublicKey with a SEQUENCE behind it where the OID of a curve belongs (RFC 5480 section 2.1.1).
_EXPLICIT_CURVE = bytes.fromhex("06072a8648ce3d020130")
_EC_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256,
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}


def successor_type(key: object) -> KeyType:
    """Return the type of a key that takes the place of the public key *key*.

    The same where it is one that we make, else the nearest: the next larger, and at least of 128 bits of strength for
    one that no certificate may carry any more (NIST SP 800-57 part 1, table 2).
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        return next((known for known in _CURVES.values() if int(known.value[2:]) >= key.key_size), KeyType.EC521)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
        sizes = (KeyType.RSA2048, KeyType.RSA3072, KeyType.RSA4096)
        return next((known for known in sizes if int(known.value[3:]) >= key.key_size), KeyType.RSA4096)
    known = {member.value: member for member in KeyType}
    return known.get(key_name(key), KeyType.RSA3072)


def generate(key_type: KeyType) -> PrivateKey:
    """Return a new private key from the operating system's random numbers."""
    return _MAKERS[key_type]()


def generate_many(key_type: KeyType, count: int) -> list[PrivateKey]:
    """Return *count* new private keys; RSA keys are made on all cores, since their making releases the GIL."""
    if count == 1 or not key_type.value.startswith("rsa"):
        return [generate(key_type) for _ in range(count)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        return list(pool.map(generate, [key_type] * count))


def throw_away(like: PrivateKey) -> PrivateKey:
    """Return a new key whose signatures have the same algorithm identifier as those of *like*, to be used once.

    A weak one where that is quicker: nobody will ever trust what it signs.
    """
    public = like.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return rsa.generate_private_key(RSA_EXPONENT, _RSA_BITS_THROWN_AWAY)
    return generate(KeyType(key_name(public)))


def signature_hash(key: PrivateKey | PublicKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """Return the hash that a signature by *key* uses (RFC 5758); None where the algorithm brings its own."""
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return cast("hashes.SHA256", _EC_HASHES[key.curve.name]())
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return hashes.SHA256()
    return None


def public_der(key: PublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo of *key* in DER: two keys are the same when these bytes are."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_name(key: object) -> str:
    """Return what people call the type of a public key: ``ec256``, ``rsa4096``, or the class for one unknown to us."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        known = _CURVES.get(key.curve.name)
        return known.value if known else key.curve.name
    return type(key).__name__.removesuffix("PublicKey").lower()


def require_strong(key: object, what: str) -> PublicKey:
    """Return *key* as one that a certificate may carry. Raises WeakKey, naming *what* it belongs to.

    Beside what :func:`require_accepted` asks, known weaknesses of RSA keys are looked for: BR 6.1.1.3.
    """
    accepted = require_accepted(key, what)
    if isinstance(accepted, rsa.RSAPublicKey):
        from easycert.pki.weakness import known_weakness  # number theory that only RSA keys from outside need

        weakness = known_weakness(accepted.public_numbers().n)
        if weakness:
            raise WeakKey(what, f"{weakness}; make a new key")
    return accepted


def require_accepted(key: object, what: str) -> PublicKey:
    """Return *key* as one of a type and size that easycert works with. Raises WeakKey, naming *what* it belongs to.

    BR 6.1.5 and 6.1.6: RSA of at least 2048 bits, a multiple of 8, exponent 65537; P-256, P-384, P-521. Ed25519, Ed448
    and ML-DSA are a private CA's own choice.
    """
    if not isinstance(key, _PUBLIC_KEYS):
        raise WeakKey(
            what, f"its key type {key_name(key)} is not accepted; use RSA, P-256/384/521, Ed25519/448 or ML-DSA"
        )
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES:
        raise WeakKey(what, f"the curve {key.curve.name} is not accepted; use P-256, P-384 or P-521")
    if isinstance(key, rsa.RSAPublicKey):
        require_rsa_size(key, what)
        exponent = key.public_numbers().e
        if exponent != RSA_EXPONENT:
            raise WeakKey(what, f"the RSA exponent {exponent} is not accepted; it must be {RSA_EXPONENT}")
    return key


def require_rsa_size(key: rsa.RSAPublicKey, what: str) -> None:
    """Raise WeakKey unless *key* is as long as BR 6.1.5 wants it."""
    if key.key_size < _RSA_BITS_MIN or key.key_size > _RSA_BITS_MAX or key.key_size % 8:
        raise WeakKey(what, f"RSA of {key.key_size} bits is not accepted; use 2048 or more, in whole bytes")


def require_named_curve(encoded: bytes, what: str) -> None:
    """Raise WeakKey when the key in *encoded* (a request or certificate in DER) brings a curve of its own.

    RFC 5480 section 2.1.1 allows named curves only; curves that an attacker described broke Windows (CVE-2020-0601).
    """
    if _EXPLICIT_CURVE in encoded:
        raise WeakKey(what, "its curve is not named but described by parameters, which RFC 5480 forbids")


def private_pem(key: PrivateKey, *, traditional: bool = False) -> bytes:
    """Return *key* unencrypted in PEM: PKCS#8, or the *traditional* form where there is one (PKCS#1, SEC 1)."""
    traditional = traditional and isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    form = PrivateFormat.TraditionalOpenSSL if traditional else PrivateFormat.PKCS8
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def load_private_key(data: bytes, source: str, *, passphrase: bytes | None = None, ours: bool = False) -> PrivateKey:
    """Return the private key in PEM *data*; *source* names it in errors.

    *ours* skips the search for weak RSA keys and OpenSSL's check of their primes, which takes a quarter of a second:
    for keys that easycert made, where checking one signature with the public key proves as much. Raises EncryptedKey,
    Malformed and WeakKey.
    """
    try:
        key = load_pem_private_key(data, passphrase, unsafe_skip_rsa_key_validation=ours)
    except TypeError:
        if passphrase is not None:  # a passphrase was offered for a key that is in the clear: nothing to decrypt
            return load_private_key(data, source, ours=ours)
        raise EncryptedKey(source, wrong=False) from None
    except (ValueError, UnsupportedAlgorithm):
        if passphrase is not None and b"ENCRYPTED" in data:
            raise EncryptedKey(source, wrong=True) from None
        raise Malformed(source, "a private key in PEM", "it cannot be decoded") from None
    if not hasattr(key, "sign"):
        raise WeakKey(source, "its key type cannot sign")
    (require_accepted if ours else require_strong)(key.public_key(), source)
    return cast("PrivateKey", key)
