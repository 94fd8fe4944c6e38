"""cryptography's encodings and PEM key loader, without the SSH formats that its public package brings along.

``cryptography.hazmat.primitives.serialization`` imports its SSH module, which imports dataclasses, inspect and what
hangs from them: a seventh of all that a whole command costs. The names below are the very same objects, taken from
where that package takes them; should cryptography move them, the public package is used (``docs/adr/``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )
else:
    try:
        from cryptography.hazmat.bindings._rust import openssl
        from cryptography.hazmat.primitives._serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

        load_pem_private_key = openssl.keys.load_pem_private_key
    except (ImportError, AttributeError):
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
            PublicFormat,
            load_pem_private_key,
        )

__all__ = ["Encoding", "NoEncryption", "PrivateFormat", "PublicFormat", "load_pem_private_key"]
