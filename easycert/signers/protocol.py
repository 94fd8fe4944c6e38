"""What easycert needs of the place where private keys live: to be handed one that can sign."""

from __future__ import annotations

from typing import Protocol

from easycert.model import Kind
from easycert.pki.keys import PrivateKey
from easycert.pki.names import SafeName


class Signers(Protocol):
    """Private keys by the kind and name of what they belong to."""

    def key(self, kind: Kind, name: SafeName) -> PrivateKey | None:
        """Return the private key of *name*, or None when there is none.

        Raises UnreadableFile, Malformed or EncryptedKey for one that is there and cannot be used.
        """
