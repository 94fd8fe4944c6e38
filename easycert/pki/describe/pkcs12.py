"""A PKCS#12 file as a person wants to know it: what is in it (RFC 7292)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12

from easycert.errors import EncryptedKey, Malformed
from easycert.pki.describe.certificate import CertificateDescription, describe_certificate
from easycert.pki.describe.key import KeyDescription, describe_private_key
from easycert.pki.formats.pem import StoredKey, StoredPkcs12
from easycert.pki.wording import one_line


@dataclass(frozen=True)
class Pkcs12Description:
    """What a PKCS#12 file holds; where ``opened`` is false nothing is known, for lack of the passphrase."""

    type: str
    encrypted: bool
    opened: bool
    friendly_name: str | None
    key: KeyDescription | None
    certificates: tuple[CertificateDescription, ...]
    warnings: tuple[str, ...]


def describe_pkcs12(stored: StoredPkcs12, now: datetime, source: str, passphrase: bytes | None) -> Pkcs12Description:
    """Return what a PKCS#12 file holds, its own certificate first.

    Raises EncryptedKey when a *passphrase* was given and is wrong, and Malformed.
    """
    try:
        return _described(pkcs12.load_pkcs12(stored.data, None), now, encrypted=False)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if "password" not in str(error).lower():
            raise Malformed(source, "a PKCS#12 file", "it cannot be decoded") from None
    if passphrase is None:
        return Pkcs12Description("PKCS#12", True, False, None, None, (), ())
    try:
        return _described(pkcs12.load_pkcs12(stored.data, passphrase), now, encrypted=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise EncryptedKey(source, wrong=True) from None


def _described(found: pkcs12.PKCS12KeyAndCertificates, now: datetime, *, encrypted: bool) -> Pkcs12Description:
    key = describe_private_key(StoredKey(found.key, "PKCS#8", encrypted)) if found.key else None
    own = [found.cert] if found.cert else []
    friendly_name = found.cert.friendly_name if found.cert else None
    return Pkcs12Description(
        type="PKCS#12",
        encrypted=encrypted,
        opened=True,
        friendly_name=one_line(friendly_name.decode(errors="backslashreplace")) if friendly_name else None,
        key=key,
        certificates=tuple(describe_certificate(item.certificate, now) for item in [*own, *found.additional_certs]),
        warnings=("it holds a private key that no passphrase protects",) if key and not encrypted else (),
    )
