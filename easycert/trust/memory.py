"""A trust store in memory: the twin of the others, for tests."""

from __future__ import annotations

from easycert.errors import TrustStoreUnusable
from easycert.trust.protocol import Anchor, Held, StoreKind
from easycert.trust.steps import Act, Step


class MemoryTrust:
    """Entries in a list, in the order in which they came."""

    kind = StoreKind.NSS
    place = "memory"
    note = ""

    def __init__(self) -> None:
        """Trust nothing."""
        self.entries: list[Held] = []

    def status(self, anchor: Anchor) -> tuple[Held, ...]:  # noqa: ARG002  (it tells all that it has)
        """Return all entries."""
        return tuple(self.entries)

    def install(self, anchor: Anchor) -> tuple[Step, ...]:
        """Return: the entry added. It fails where there is one of that name."""
        return (Act(f"remember {anchor.label}", lambda: self._add(Held(anchor.label, anchor.der))),)

    def remove(self, held: Held) -> tuple[Step, ...]:
        """Return: the entry taken out."""
        return (Act(f"forget {held.label}", lambda: self.entries.remove(held)),)

    def writable(self) -> bool:
        """Return True: it is in this process."""
        return True

    def _add(self, held: Held) -> None:
        if any(item.label == held.label for item in self.entries):
            raise TrustStoreUnusable(self.place, f"there is an entry called {held.label}")
        self.entries.append(held)
