"""NSS databases: what Chromium's kin, Firefox and many Linux programs trust. Changed by ``certutil`` alone.

Read by SQLite where an entry has to be told from another: ``certutil -L -n NAME`` prints every certificate with the
same subject, and a renewed CA has the subject of the one before. Attributes are columns, named by their PKCS#11 number.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from urllib.parse import quote

from easycert.errors import TrustStoreUnusable, printable
from easycert.trust.machine import Machine
from easycert.trust.protocol import Anchor, Held, StoreKind
from easycert.trust.steps import Directory, Run, Step

#: CKA_LABEL and CKA_VALUE of the objects of CKA_CLASS CKO_CERTIFICATE (PKCS#11 3.0, sections 4.4 and 4.6).
_CERTIFICATES = "SELECT a3, a11 FROM nssPublic WHERE a0 = x'00000001' AND a11 IS NOT NULL"
#: A CA that is trusted to issue server certificates, and for nothing else (certutil(1), -t).
_TRUST = "C,,"
#: A line of ``certutil -L``: a name, then what it is trusted for: servers, mail, code.
_LINE = re.compile(r"(.*\S)\s+([pPcCTuw]*),([pPcCTuw]*),([pPcCTuw]*)\s*")
_FILE = "cert9.db"
_UNTRUSTED = "it is there, but not trusted to sign server certificates"


class NssStore:
    """The NSS database in the directory *place*; *kind* says for whom it is kept.

    *password_file* is a file with the database's password, where it has one (Firefox calls it the primary password).
    """

    def __init__(
        self,
        machine: Machine,
        place: str,
        kind: StoreKind = StoreKind.NSS,
        *,
        note: str = "",
        password_file: str | None = None,
    ) -> None:
        """Bind the store to *machine*."""
        self._machine = machine
        self.place = place
        self.kind = kind
        self.note = note
        self._password = ("-f", password_file) if password_file else ()

    def status(self, anchor: Anchor) -> tuple[Held, ...]:  # noqa: ARG002  (it tells all that it has)
        """Return every certificate of the database; one that does not exist yet holds none."""
        self._machine.require("certutil", self.place)
        if not self._is_there():
            return ()
        trusted = {name: "C" in ssl for name, ssl in self._trust().items()}
        return tuple(
            Held(label, der, trusted.get(label, False), "" if trusted.get(label, False) else _UNTRUSTED)
            for label, der in self._certificates()
        )

    def install(self, anchor: Anchor) -> tuple[Step, ...]:
        """Return: the database made, where there is none, and the certificate added."""
        self._machine.require("certutil", self.place)
        database = self._database()
        new: tuple[Step, ...] = ()
        if not self._is_there():
            self._require_owner()
            new = (Directory(self.place), Run(("certutil", "-N", "-d", database, "--empty-password")))
        words = ("certutil", "-A", "-d", database, *self._password, "-n", anchor.label, "-t", _TRUST)
        return (*new, Run(words, pem=anchor.pem, source=anchor.source))

    def remove(self, held: Held) -> tuple[Step, ...]:
        """Return: the certificate of that label deleted."""
        self._machine.require("certutil", self.place)
        return (Run(("certutil", "-D", "-d", self._database(), *self._password, "-n", held.label)),)

    def writable(self) -> bool:
        """Return whether this process may change the database, or make it where it is missing."""
        if self._is_there():
            return os.access(self.place, os.W_OK) and os.access(os.path.join(self.place, _FILE), os.W_OK)
        return os.access(self._above(), os.W_OK)

    def _above(self) -> str:
        """Return the nearest directory that is there."""
        above = self.place
        while not os.path.exists(above):
            above = os.path.dirname(above)
        return above

    def _require_owner(self) -> None:
        """Refuse, as the superuser, to make a database in the home of somebody who could not use it (hazard H6)."""
        owner = os.stat(self._above()).st_uid
        if os.geteuid() == 0 and owner != 0:
            raise TrustStoreUnusable(self.place, f"it would belong to root; run this as the user {owner}, without sudo")

    def _is_there(self) -> bool:
        return os.path.exists(os.path.join(self.place, _FILE))

    def _database(self) -> str:
        return f"sql:{self.place}"

    def _trust(self) -> Mapping[str, str]:
        ran = self._machine.children.run(("certutil", "-L", "-d", self._database()))
        if ran.code:
            raise TrustStoreUnusable(self.place, f"certutil {ran.how}: {printable(ran.complaint)}")
        return trust_flags(ran.stdout.decode("utf-8", "replace"))

    def _certificates(self) -> Iterator[tuple[str, bytes]]:
        path = os.path.join(self.place, _FILE)
        try:
            with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=10)) as database:
                for label, der in database.execute(_CERTIFICATES):
                    yield _text(label), bytes(der)
        except sqlite3.Error as error:
            raise TrustStoreUnusable(path, f"it cannot be read: {error}") from error


def trust_flags(listing: str) -> dict[str, str]:
    """Return what each certificate in a listing of ``certutil -L`` is trusted for as to TLS servers, by its name."""
    found = {}
    for line in listing.splitlines():
        match = _LINE.fullmatch(line)
        if match:
            found[match[1]] = match[2]
    return found


def _text(label: object) -> str:
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else ""
