"""The words of a diagnosis: who refuses, how bad it is, why, and what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from easycert.model import Kind

if TYPE_CHECKING:
    from easycert.pki.doctor.exam import Exam


class Client(Enum):
    """A family of programs that judge certificates alike; the value is the word on the command line."""

    OPENSSL = "openssl"
    STRICT = "openssl-strict"
    GO = "go"
    JAVA = "java"
    APPLE = "apple"
    CHROME = "chrome"
    FIREFOX = "firefox"
    GNUTLS = "gnutls"
    SYNAPSE = "synapse"

    @property
    def shown(self) -> str:
        """The name that people know."""
        return _SHOWN[self]


_SHOWN = {
    Client.OPENSSL: "OpenSSL",
    Client.STRICT: "OpenSSL strict (Python >= 3.13)",
    Client.GO: "Go",
    Client.JAVA: "Java",
    Client.APPLE: "Apple",
    Client.CHROME: "Chrome",
    Client.FIREFOX: "Firefox",
    Client.GNUTLS: "GnuTLS",
    Client.SYNAPSE: "Synapse",
}
Clients = frozenset[Client]

#: Everyone who follows RFC 5280; Synapse has a verifier of its own, and rules of its own.
COMMON: Clients = frozenset(Client) - {Client.SYNAPSE}
BROWSERS: Clients = frozenset({Client.APPLE, Client.CHROME, Client.FIREFOX})
LIBRARIES: Clients = COMMON - BROWSERS
#: OpenSSL's default and its strict mode, which adds to it.
EITHER_OPENSSL: Clients = frozenset({Client.OPENSSL, Client.STRICT})
#: Java trusts an anchor's name and key and looks at little else of it: RFC 5280 section 6.1.1 (d).
ANCHOR_JUDGES: Clients = COMMON - {Client.JAVA}

#: Apple 103769: of host certificates that begin later, Apple asks for more.
APPLE_SINCE = datetime(2019, 7, 1, tzinfo=UTC)

#: Who looks at certificates of each kind: browsers and Apple's rules are about servers, code is signed for the others.
JUDGES: dict[Kind, Clients] = {
    Kind.CA: frozenset(Client),
    Kind.HOST: frozenset(Client),
    Kind.USER: LIBRARIES | {Client.SYNAPSE},
    Kind.CODE: EITHER_OPENSSL | {Client.SYNAPSE},
    Kind.OCSP: LIBRARIES,
}


class Severity(Enum):
    """How bad a finding is; the order is that of the lines, the worst first."""

    #: A client that the certificate is for refuses it, or a secret is in danger.
    ERROR = "error"
    #: It will be refused before long, or something is due.
    WARNING = "warning"
    #: Good to know: refused only by clients that it was not made for, or unusual.
    NOTE = "note"


class Cure(Enum):
    """What mends a finding; ``cli`` words it as a command."""

    #: The same certificate again, with today's extensions and dates; a CA keeps its key.
    RENEW = "renew"
    #: A certificate made anew with other names, key or dates, as the remedy says.
    REISSUE = "reissue"
    #: A new CA beside this one, since its key or name is the fault, and everything signed anew by it.
    NEW_CA = "new CA"
    #: The mode of a file or directory tightened.
    MODE = "mode"
    #: A CRL signed anew.
    CRL = "crl"
    #: The certificate of the CA above brought in.
    IMPORT_ISSUER = "import issuer"
    #: The chain in the file written anew: leaf, intermediates, no root.
    REBUILD_CHAIN = "rebuild chain"
    #: The same certificate in PEM.
    TO_PEM = "to PEM"
    #: A file that does not belong here moved away.
    MOVE_AWAY = "move away"
    #: The ledger compared with the files, and made again if they are right.
    LEDGER = "ledger"
    #: Looked at by a person: nothing can be said in general.
    LOOK = "look"


class Remedy(NamedTuple):
    """What mends a finding, and what must differ from how it is now."""

    cure: Cure
    key_type: str | None = None
    profile: str | None = None
    days: int | None = None
    names: tuple[str, ...] = ()
    path: str | None = None
    mode: int | None = None


RENEW = Remedy(Cure.RENEW)
#: P-256 is what every client knows (Synapse apart, which wants RSA).
REISSUE_EC = Remedy(Cure.REISSUE, key_type="ec256")
REISSUE_RSA = Remedy(Cure.REISSUE, key_type="rsa4096")


class Reason(NamedTuple):
    """What one rule says about one certificate: who refuses it (nobody: advice), why, and what mends it.

    The severity follows from who refuses, unless it is given.
    """

    clients: Clients
    why: str
    remedy: Remedy
    severity: Severity | None = None


class Rule(NamedTuple):
    """One rule: its name, what it is about in a line for the documentation, whom it concerns, its sources, itself."""

    name: str
    about: str
    clients: Clients
    sources: tuple[str, ...]
    judge: Callable[[Exam], Iterator[Reason]]


class Finding(NamedTuple):
    """One line of a diagnosis."""

    rule: str
    severity: Severity
    clients: tuple[Client, ...]
    why: str
    remedy: Remedy
    sources: tuple[str, ...]


def in_order(clients: Iterable[Client]) -> tuple[Client, ...]:
    """Return *clients* in the order in which they are declared."""
    wanted = frozenset(clients)
    return tuple(client for client in Client if client in wanted)
