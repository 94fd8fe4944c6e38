"""PKCS#12 (RFC 7292): a key, its certificate and the chain in one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from easycert.errors import EncryptedKey, Malformed, WeakKey
from easycert.pki.keys import PrivateKey, require_strong


class Bundle(NamedTuple):
    """What a PKCS#12 file holds."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


def pack(name: str, bundle: Bundle, *, passphrase: bytes | None) -> bytes:
    """Return *bundle* as PKCS#12 with the friendly *name*; AES-256 and PBKDF2 with SHA-256 under a passphrase.

    Without a passphrase nothing is encrypted, which is what Synapse reads. Raises WeakKey for ML-DSA keys, which
    PKCS#12 readers do not know yet.
    """
    if "MLDSA" in type(bundle.key).__name__:
        raise WeakKey(name, "PKCS#12 cannot hold an ML-DSA key yet; use the .key and .crt files")
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = (
            serialization.PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(600_000)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(hashes.SHA256())
            .build(passphrase)
        )
    return pkcs12.serialize_key_and_certificates(
        name.encode(), cast("pkcs12.PKCS12PrivateKeyTypes", bundle.key), bundle.certificate, bundle.chain, protection
    )


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
