"""The keychains of macOS, by ``security``: the system's for the superuser, else that of whoever is logged in.

A keychain names a certificate by its subject, so there is no label of ours: what is ours is told by its fingerprint
alone (``docs/adr/0010-whose-entry.md``).
"""

from __future__ import annotations

import os
from hashlib import sha1

from easycert.errors import TrustStoreUnusable, printable
from easycert.trust import platforms
from easycert.trust.machine import Machine
from easycert.trust.pemfiles import certificates_in
from easycert.trust.protocol import Anchor, Held, StoreKind
from easycert.trust.steps import Run, Step

_TOOL = "security"
_UNTRUSTED = "it is in the keychain, but not trusted"


class KeychainStore:
    """The keychain that a process of this user changes on *machine*."""

    kind = StoreKind.SYSTEM
    note = "Safari and Chrome take it up at once; Firefox does so from version 120 on"

    def __init__(self, machine: Machine, *, for_all: bool) -> None:
        """Choose the system's keychain when it is *for_all* users, else the one of the user."""
        self._machine = machine
        #: Trust is kept apart from keychains: for all users (``-d``), or for one.
        self._domain = ("-d",) if for_all else ()
        self.place = (
            machine.below_root(platforms.KEYCHAIN_OF_SYSTEM)
            if for_all
            else machine.below_home(platforms.KEYCHAIN_OF_USER)
        )

    def status(self, anchor: Anchor) -> tuple[Held, ...]:
        """Return *anchor*, if the keychain has it."""
        self._machine.require(_TOOL, self.place)
        ran = self._machine.children.run((_TOOL, "find-certificate", "-a", "-p", self.place))
        if ran.code:
            raise TrustStoreUnusable(self.place, f"{_TOOL} {ran.how}: {printable(ran.complaint)}")
        if anchor.der not in certificates_in(ran.stdout):
            return ()
        words = (_TOOL, "verify-cert", "-q", "-l", "-L", "-p", "ssl", "-c", _file(anchor.source, self.place))
        trusted = self._machine.children.run(words).code == 0
        return (Held(anchor.label, anchor.der, trusted, "" if trusted else _UNTRUSTED, anchor.source),)

    def install(self, anchor: Anchor) -> tuple[Step, ...]:
        """Return: added to the keychain, and trusted."""
        self._machine.require(_TOOL, self.place)
        source = _file(anchor.source, self.place)
        result = "trustRoot" if anchor.is_root else "trustAsRoot"
        return (Run((_TOOL, "add-trusted-cert", *self._domain, "-r", result, "-k", self.place, source)),)

    def remove(self, held: Held) -> tuple[Step, ...]:
        """Return: no longer trusted, and out of the keychain."""
        source = _file(held.source, self.place)
        name = sha1(held.der, usedforsecurity=False).hexdigest().upper()
        return (
            Run((_TOOL, "remove-trusted-cert", *self._domain, source)),
            Run((_TOOL, "delete-certificate", "-Z", name, self.place)),
        )

    def writable(self) -> bool:
        """Return whether this process may change the keychain; macOS may ask for a password all the same."""
        return os.access(self.place, os.W_OK)


def _file(source: str | None, place: str) -> str:
    if source is None:
        raise TrustStoreUnusable(place, f"{_TOOL} needs the certificate alone in a file, in PEM")
    return os.path.abspath(source)
