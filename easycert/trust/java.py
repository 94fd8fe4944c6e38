"""Java's own store: the keystore ``cacerts`` in the directory of each Java, changed by its ``keytool``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from easycert.errors import TrustStoreUnusable, printable
from easycert.trust import platforms
from easycert.trust.labels import has_our_form
from easycert.trust.machine import Machine
from easycert.trust.pemfiles import certificates_in
from easycert.trust.protocol import Anchor, Held, StoreKind
from easycert.trust.steps import Run, Step

#: What every Java comes with: no secret, and all the same nothing that belongs among the words of a command.
_WELL_KNOWN = "changeit"
_VARIABLE = "EASYCERT_STOREPASS"
#: ``keytool -list -rfc``, in English, tells the name of each entry on a line of its own.
_ENTRY = re.compile(rb"^Alias name: (.*)$", re.MULTILINE)
_NOTE = "programs in Java that run have to be restarted"


class JavaStore:
    """The keystore at *place* of the Java in the directory *home*; *password_file* has its password, if it changed."""

    kind = StoreKind.JAVA
    note = _NOTE

    def __init__(self, machine: Machine, home: str, place: str, *, password_file: str | None = None) -> None:
        """Bind the store to *machine*."""
        self._machine = machine
        self.place = place
        own = os.path.join(home, "bin", "keytool")
        self._keytool = own if os.access(own, os.X_OK) else "keytool"
        self._password_file = password_file

    def status(self, anchor: Anchor) -> tuple[Held, ...]:
        """Return what easycert put there, and *anchor* by whatever name."""
        self._machine.require(self._keytool, self.place)
        listing = self._command("-list", "-rfc")
        ran = self._machine.children.run(listing.words, variables=dict(listing.variables))
        if ran.code:
            raise TrustStoreUnusable(self.place, f"keytool {ran.how}: {printable(ran.complaint)}")
        return tuple(
            Held(alias, der) for alias, der in trusted_entries(ran.stdout) if der == anchor.der or has_our_form(alias)
        )

    def install(self, anchor: Anchor) -> tuple[Step, ...]:
        """Return: the certificate imported under its label."""
        words = self._command("-importcert", "-noprompt", "-alias", anchor.label)
        return (words._replace(pem=anchor.pem, source=anchor.source),)

    def remove(self, held: Held) -> tuple[Step, ...]:
        """Return: the entry of that alias deleted."""
        return (self._command("-delete", "-alias", held.label),)

    def writable(self) -> bool:
        """Return whether this process may change the keystore, which keytool writes anew in its directory."""
        return os.access(self.place, os.W_OK)

    def _command(self, *words: str) -> Run:
        place = ("-keystore", self.place)
        if self._password_file is not None:
            return Run((self._keytool, *words, *place, "-storepass:file", self._password_file))
        return Run((self._keytool, *words, *place, "-storepass:env", _VARIABLE), ((_VARIABLE, _WELL_KNOWN),))


def java_stores(machine: Machine, password_file: str | None = None) -> Iterator[JavaStore]:
    """Yield the store of the Java that JAVA_HOME names, else of the one on PATH."""
    for home in _homes(machine):
        for path in platforms.CACERTS:
            place = os.path.join(home, path)
            if os.path.isfile(place):
                yield JavaStore(machine, home, place, password_file=password_file)
                return


def trusted_entries(listing: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield alias and certificate (DER) of each entry in what ``keytool -list -rfc`` prints."""
    found = list(_ENTRY.finditer(listing))
    for match, following in zip(found, [*found[1:], None], strict=True):
        text = listing[match.end() : following.start() if following else len(listing)]
        if b"trustedCertEntry" in text:
            for der in certificates_in(text):
                yield match[1].strip().decode("utf-8", "replace"), der


def _homes(machine: Machine) -> Iterator[str]:
    named = machine.environment.get("JAVA_HOME", "")
    if os.path.isabs(named):
        yield named
        return
    for tool in ("java", "keytool"):
        path = machine.children.find(tool)
        if path is not None:
            yield os.path.dirname(os.path.dirname(os.path.realpath(path)))
