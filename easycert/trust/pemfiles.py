"""Certificates in PEM, by their bytes alone: a bundle of the system's has hundreds, and none needs to be understood."""

from __future__ import annotations

import binascii
import os
import re
from collections.abc import Iterator

from easycert.errors import TrustStoreUnusable

#: ``BEGIN TRUSTED CERTIFICATE`` (OpenSSL) holds more than a certificate, and is no bundle's business.
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
#: The largest bundle in the field has half a megabyte.
_LIMIT = 1 << 24


def certificates_in(data: bytes) -> Iterator[bytes]:
    """Yield the DER of each certificate in the PEM *data*; what cannot be decoded is left out."""
    for match in _BLOCK.finditer(data):
        try:
            yield binascii.a2b_base64(match[1])
        except binascii.Error:
            continue


def certificates_of(path: str) -> tuple[bytes, ...]:
    """Return the DER of each certificate in the file at *path*; none where there is no such file.

    Raises TrustStoreUnusable when it is there and cannot be read.
    """
    try:
        if not os.path.isfile(path):  # a FIFO or device would have us wait (hazard B14)
            return ()
        with open(path, "rb") as file:
            return tuple(certificates_in(file.read(_LIMIT)))
    except OSError as error:
        raise TrustStoreUnusable(path, f"it cannot be read: {error.strerror}") from error
