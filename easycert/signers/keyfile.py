"""Private keys as the unencrypted PEM files of a certificate directory."""

from __future__ import annotations

from collections.abc import Callable

from easycert.model import Kind
from easycert.pki.keys import PrivateKey, load_private_key
from easycert.pki.names import SafeName

#: Reads the key file of a name: its bytes and where they lie, or None. Where files live is not a signer's business.
ReadKeyFile = Callable[[Kind, SafeName], tuple[bytes, str] | None]


class KeyFiles:
    """Keys in ``NAME.key`` beside their certificates."""

    def __init__(self, read: ReadKeyFile) -> None:
        """Take the bytes of keys from *read*."""
        self._read = read

    def key(self, kind: Kind, name: SafeName) -> PrivateKey | None:
        """Return the key in the file of *name*, or None. See :class:`~easycert.signers.protocol.Signers`."""
        found = self._read(kind, name)
        if found is None:
            return None
        # The primes of our own keys are not checked again: each signature made is verified with the public key instead.
        return load_private_key(*found, ours=True)
