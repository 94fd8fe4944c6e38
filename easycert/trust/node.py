"""Node.js: it has no store. It trusts, beside its own roots, the file that a variable of its environment names."""

from __future__ import annotations

import shlex

from easycert.trust.machine import Machine
from easycert.trust.pemfiles import certificates_of
from easycert.trust.protocol import Anchor, Held, StoreKind
from easycert.trust.steps import ByHand, Step

VARIABLE = "NODE_EXTRA_CA_CERTS"


class NodeStore:
    """The file that ``NODE_EXTRA_CA_CERTS`` names in the environment of *machine*, if it names one."""

    kind = StoreKind.NODE
    note = f"Node has no store: when it starts, it reads the file that {VARIABLE} names"

    def __init__(self, machine: Machine) -> None:
        """Look at the environment of *machine*."""
        self._path = machine.environment.get(VARIABLE, "")
        self.place = f"{VARIABLE}={self._path}" if self._path else VARIABLE
        if self._path:
            self.note = "a file that is named there holds as many certificates as it has to, and this one lacks the CA"

    def status(self, anchor: Anchor) -> tuple[Held, ...]:
        """Return *anchor*, by the label that is ours to let go, if the file has it."""
        held = certificates_of(self._path) if self._path else ()
        return (Held(anchor.label, anchor.der),) if anchor.der in held else ()

    def install(self, anchor: Anchor) -> tuple[Step, ...]:
        """Return the line to type. A file that is named already is somebody else's, and stays as it is."""
        source = shlex.quote(anchor.source) if anchor.source else "FILE"
        return (ByHand(f"export {VARIABLE}={source}"),)

    def remove(self, held: Held) -> tuple[Step, ...]:  # noqa: ARG002  (there is but one thing to let go)
        """Return the line to type."""
        return (ByHand(f"unset {VARIABLE}"),)

    def writable(self) -> bool:
        """Return True: the environment is the person's own."""
        return True
