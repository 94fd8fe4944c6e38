"""What a person wants to know about a certificate, key, signing request, CRL or PKCS#12 file.

Descriptions are frozen values of plain parts: a renderer turns them into text or JSON without logic of its own. All
text in them is safe to show on one line, whatever the file said.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from cryptography import x509

from easycert.pki.describe.certificate import CertificateDescription, describe_certificate
from easycert.pki.describe.crl import CrlDescription, describe_crl
from easycert.pki.describe.key import KeyDescription, describe_private_key, describe_public_key
from easycert.pki.describe.pkcs12 import Pkcs12Description, describe_pkcs12
from easycert.pki.describe.request import RequestDescription, describe_request
from easycert.pki.formats.pem import StoredKey, StoredPublicKey

if TYPE_CHECKING:
    from easycert.pki.formats.pem import Item

__all__ = [
    "CertificateDescription",
    "CrlDescription",
    "Description",
    "KeyDescription",
    "Pkcs12Description",
    "RequestDescription",
    "describe",
]

Description: TypeAlias = (
    CertificateDescription | CrlDescription | KeyDescription | Pkcs12Description | RequestDescription
)


def describe(item: Item, now: datetime, source: str, *, passphrase: bytes | None = None) -> Description:
    """Return what *item*, found in the file *source*, is at *now*.

    Raises EncryptedKey when *passphrase* is given and does not open a PKCS#12 file, and Malformed when that is broken.
    """
    if isinstance(item, x509.Certificate):
        return describe_certificate(item, now)
    if isinstance(item, x509.CertificateSigningRequest):
        return describe_request(item)
    if isinstance(item, x509.CertificateRevocationList):
        return describe_crl(item, now)
    if isinstance(item, StoredKey):
        return describe_private_key(item)
    if isinstance(item, StoredPublicKey):
        return describe_public_key(item)
    return describe_pkcs12(item, now, source, passphrase)
