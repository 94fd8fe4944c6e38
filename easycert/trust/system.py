"""The operating system's store on Linux: a directory of files, and a program that makes bundles of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from easycert.errors import TrustStoreUnusable
from easycert.trust.machine import Machine
from easycert.trust.pemfiles import certificates_of
from easycert.trust.platforms import Platform
from easycert.trust.protocol import Anchor, Held, StoreKind
from easycert.trust.steps import Delete, Place, Run, Step

_NOT_IN_FORCE = "its file is there, but what programs read does not have it"


class SystemStore:
    """The store of the Linux that *platform* describes."""

    kind = StoreKind.SYSTEM
    note = ""

    def __init__(self, machine: Machine, platform: Platform) -> None:
        """Bind the store to *machine*."""
        self._machine = machine
        self._platform = platform
        self.place = machine.below_root(platform.anchors)

    def status(self, anchor: Anchor) -> tuple[Held, ...]:
        """Return what easycert put into the directory of anchors, and *anchor* wherever it comes from."""
        trusted = {der for path in self._platform.bundles for der in self._certificates(path)}
        held = tuple(self._files(trusted))
        if anchor.der in trusted and all(item.der != anchor.der for item in held):
            return (*held, Held("", anchor.der))
        return held

    def install(self, anchor: Anchor) -> tuple[Step, ...]:
        """Return: a file of its own in the directory of anchors, and the program that makes it count."""
        self._machine.require(self._platform.adding[0], self.place)
        if not os.path.isdir(self.place):
            raise TrustStoreUnusable(self.place, "there is no such directory")
        return Place(self._path(anchor.label), anchor.pem, anchor.source), self._update(self._platform.adding)

    def remove(self, held: Held) -> tuple[Step, ...]:
        """Return: the file deleted, and the program that makes that count."""
        self._machine.require(self._platform.dropping[0], self.place)
        path = self._path(held.label)
        try:
            with open(path, "rb") as file:
                pem = file.read()
        except OSError as error:
            raise TrustStoreUnusable(path, f"it cannot be read: {error.strerror}") from error
        return Delete(path, pem), self._update(self._platform.dropping)

    def writable(self) -> bool:
        """Return whether this process may put files there."""
        return os.access(self.place, os.W_OK | os.X_OK)

    def _files(self, trusted: set[bytes]) -> Iterator[Held]:
        try:
            names = sorted(os.listdir(self.place))
        except FileNotFoundError:
            return
        except OSError as error:
            raise TrustStoreUnusable(self.place, f"it cannot be read: {error.strerror}") from error
        for name in names:
            label, suffix = os.path.splitext(name)
            if suffix == self._platform.suffix:
                path = os.path.join(self.place, name)
                held = certificates_of(path)
                ours = len(held) == 1 and not os.path.islink(path)  # what we make is a file with one certificate
                for der in held or (b"",):
                    in_force = der in trusted
                    yield Held(label if ours else name, der, in_force, "" if in_force else _NOT_IN_FORCE)

    def _certificates(self, path: str) -> tuple[bytes, ...]:
        return certificates_of(self._machine.below_root(path))

    def _path(self, label: str) -> str:
        return os.path.join(self.place, label + self._platform.suffix)

    def _update(self, words: tuple[str, ...]) -> Run:
        if self._machine.root != "/":
            paths = ((option, self._machine.below_root(path)) for option, path in self._platform.elsewhere)
            words += tuple(word for pair in paths for word in pair)
        return Run(words)
