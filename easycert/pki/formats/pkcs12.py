"""PKCS#12 (RFC 7292): a key, its certificate and the chain in one file; and trust stores, as Java reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from easycert.errors import EncryptedKey, Malformed, WeakKey
from easycert.pki.encodings import Encoding, NoEncryption, PrivateFormat
from easycert.pki.keys import PrivateKey, require_strong
from easycert.pki.subjects import common_name

#: For a passphrase that people chose. Each program that opens the file does all of them: Java takes two seconds.
ROUNDS = 600_000
#: keytool's own: for what is no secret, or has a passphrase that is written down beside it.
JAVA_ROUNDS = 10_000
#: What readers before 2018 ask for is weak anyway, and some of them are slow.
_LEGACY_ROUNDS = 2048
#: The ways to encrypt, as DER object identifiers: PBES2, and SHA-1 with three-key 3DES (RFC 7292 appendix C).
_PROTECTIONS = (bytes.fromhex("06092a864886f70d01050d"), bytes.fromhex("060a2a864886f70d010c0103"))


class Bundle(NamedTuple):
    """What a PKCS#12 file holds."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


def pack(name: str, bundle: Bundle, *, passphrase: bytes | None, legacy: bool = False, rounds: int = ROUNDS) -> bytes:
    """Return *bundle* as PKCS#12 with the friendly *name*; AES-256 and PBKDF2 with SHA-256 under a passphrase.

    *legacy* is 3DES with SHA-1, for macOS and Windows before 2019. Without a passphrase nothing is encrypted, which is
    what Synapse reads. Raises WeakKey for ML-DSA keys, which PKCS#12 readers do not know yet.
    """
    if "MLDSA" in type(bundle.key).__name__:
        raise WeakKey(name, "PKCS#12 cannot hold an ML-DSA key yet; use the .key and .crt files")
    key = cast("pkcs12.PKCS12PrivateKeyTypes", bundle.key)
    return pkcs12.serialize_key_and_certificates(
        name.encode(), key, bundle.certificate, bundle.chain, _protection(passphrase, legacy=legacy, rounds=rounds)
    )


def pack_trust(anchors: Iterable[x509.Certificate], *, passphrase: bytes) -> bytes:
    """Return *anchors* as PKCS#12 in which Java finds trusted certificates, each under the name of its CA.

    Java tells them by an attribute of its own; it shows no entries in a PKCS#12 file of certificates without it.
    """
    names: dict[str, x509.Certificate] = {}
    for anchor in anchors:
        name = wanted = (common_name(anchor.subject) or "ca").lower()  # Java knows aliases in lower case only
        number = 1
        while name in names:
            number += 1
            name = f"{wanted} {number}"
        names[name] = anchor
    entries = [pkcs12.PKCS12Certificate(anchor, name.encode()) for name, anchor in names.items()]
    return pkcs12.serialize_java_truststore(entries, _protection(passphrase, legacy=False, rounds=JAVA_ROUNDS))


def _protection(passphrase: bytes | None, *, legacy: bool, rounds: int) -> serialization.KeySerializationEncryption:
    if passphrase is None:
        return NoEncryption()
    builder = PrivateFormat.PKCS12.encryption_builder()
    if legacy:
        builder = builder.kdf_rounds(_LEGACY_ROUNDS).key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        return builder.hmac_hash(hashes.SHA1()).build(passphrase)  # noqa: S303 (what the old readers know)
    builder = builder.kdf_rounds(rounds).key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
    return builder.hmac_hash(hashes.SHA256()).build(passphrase)


def is_same(first: bytes, second: bytes, passphrase: bytes | None) -> bool:
    """Return whether two PKCS#12 files hold the same under the same passphrase, protected in the same way.

    Their bytes always differ: each is salted. What cannot be read is not the same as anything.
    """
    if [mark in first for mark in _PROTECTIONS] != [mark in second for mark in _PROTECTIONS]:
        return False
    try:
        return _contents(first, passphrase) == _contents(second, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _contents(data: bytes, passphrase: bytes | None) -> tuple[bytes, list[pkcs12.PKCS12Certificate | None]]:
    found = pkcs12.load_pkcs12(data, passphrase)
    key = found.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) if found.key else b""
    return key, [found.cert, *found.additional_certs]


def unpack(data: bytes, source: str, passphrase: bytes | None) -> Bundle:
    """Return what the PKCS#12 file *data* holds. Raises EncryptedKey, Malformed and WeakKey."""
    try:
        found = pkcs12.load_pkcs12(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if "password" in str(error).lower() or "passphrase" in str(error).lower():
            raise EncryptedKey(source, wrong=passphrase is not None) from None
        raise Malformed(source, "a PKCS#12 file", "it cannot be decoded") from None
    if found.key is None or found.cert is None:
        raise Malformed(source, "a PKCS#12 file", "it lacks a private key or its certificate")
    require_strong(found.key.public_key(), source)
    return Bundle(cast("PrivateKey", found.key), found.cert.certificate, _certificates(found.additional_certs))


def _certificates(found: Sequence[pkcs12.PKCS12Certificate]) -> tuple[x509.Certificate, ...]:
    return tuple(item.certificate for item in found)
