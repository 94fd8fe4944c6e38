"""Private keys as the unencrypted PEM files of a certificate directory."""

from __future__ import annotations

from easycert.model import Kind
from easycert.pki.keys import PrivateKey, load_private_key
from easycert.pki.names import SafeName
from easycert.store import layout
from easycert.store.protocol import Store


class KeyFiles:
    """Keys in ``NAME.key`` beside their certificates."""

    def __init__(self, store: Store) -> None:
        """Read keys from *store*."""
        self._store = store

    def key(self, kind: Kind, name: SafeName) -> PrivateKey | None:
        """Return the key in the file of *name*, or None. See :class:`~easycert.signers.protocol.Signers`."""
        entry = layout.key(kind, name)
        data = self._store.read(entry)
        if data is None:
            return None
        # The primes of our own keys are not checked again: each signature made is verified with the public key instead.
        return load_private_key(data, self._store.find(entry) or entry.path, ours=True)
