"""Private keys in memory: the twin of key files, for tests and for CAs that must never touch a disk."""

from __future__ import annotations

from easycert.model import Kind
from easycert.pki.keys import PrivateKey
from easycert.pki.names import SafeName


class MemoryKeys:
    """Keys in a dictionary."""

    def __init__(self) -> None:
        """Start with no keys."""
        self.keys: dict[tuple[Kind, str], PrivateKey] = {}

    def key(self, kind: Kind, name: SafeName) -> PrivateKey | None:
        """Return the key of *name*, or None. See :class:`~easycert.signers.protocol.Signers`."""
        return self.keys.get((kind, name))
