"""A zoo of bad certificates: each is bad in one way, and everything else about it is right.

``Zoo(now, folder)["expired"]`` is a :class:`Specimen`: chain, key, root, host name and CRLs, in memory and in files.
What is wrong with each, and which client says what to it, is the table in :mod:`easycert.testing.species`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from cryptography import x509

from easycert.pki.certificates import certificate_pem
from easycert.pki.doctor.findings import Client
from easycert.pki.encodings import Encoding
from easycert.testing.breeding import Chain, Role
from easycert.testing.credential import write_pair
from easycert.testing.sayings import Says
from easycert.testing.species import SPECIES, Species

__all__ = ["SPECIES", "Role", "Specimen", "Zoo", "names_refused_by_all"]

_TABLE = {species.name: species for species in SPECIES}
#: Who can be asked about every kind of certificate; browsers and Apple's clients judge only servers of the Web.
EVERYBODY = frozenset({Client.OPENSSL, Client.STRICT, Client.GO, Client.JAVA, Client.GNUTLS})


@dataclass(frozen=True)
class Specimen:
    """One certificate of the zoo, as its owner presents it and as a client has to judge it."""

    species: Species
    chain: Chain
    folder: Path

    def __repr__(self) -> str:
        """Return its name and what is wrong with it."""
        return f"<Specimen {self.name}: {self.wrong}>"

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Its name in the table."""
        return self.species.name

    @property
    def wrong(self) -> str:
        """What is wrong with it, in a few words."""
        return self.species.wrong

    @property
    def rule(self) -> str:
        """The clause that forbids it."""
        return self.species.rule

    @property
    def says(self) -> Says:
        """What each client says that refuses it: the telling part of its message."""
        return self.species.says

    @property
    def hostname(self) -> str:
        """The name that the client asks for; empty for a client's certificate."""
        return self.chain.hostname

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return self.chain.leaf.certificate

    # --- in PEM ------------------------------------------------------------------------------------------------------

    @property
    def pem(self) -> bytes:
        """The chain as its owner sends it, leaf first, without the root."""
        return self.chain.leaf.pem + b"".join(made.pem for made in self.chain.sent)

    @property
    def key_pem(self) -> bytes:
        """The leaf's private key."""
        return self.chain.leaf.key_pem

    @property
    def trust_pem(self) -> bytes:
        """The root that the other side trusts."""
        return certificate_pem(*(made.certificate for made in self.chain.roots))

    @property
    def crl_pem(self) -> bytes:
        """The CRLs of its CAs; empty where revocation is not what it is about."""
        return b"".join(crl.public_bytes(Encoding.PEM) for crl in self.chain.crls)

    # --- in files ----------------------------------------------------------------------------------------------------

    @cached_property
    def _pair(self) -> tuple[Path, Path]:
        return write_pair(self.folder / self.name, self.pem, self.key_pem)

    @property
    def certificate_file(self) -> Path:
        """A file with :attr:`pem`."""
        return self._pair[0]

    @property
    def key_file(self) -> Path:
        """A file with :attr:`key_pem`."""
        return self._pair[1]

    @cached_property
    def trust_file(self) -> Path:
        """A file with :attr:`trust_pem`, for whatever takes a CA bundle."""
        path = self._pair[0].with_name("trust.pem")
        path.write_bytes(self.trust_pem)
        return path

    @cached_property
    def crl_file(self) -> Path:
        """A file with :attr:`crl_pem`."""
        path = self._pair[0].with_name("crl.pem")
        path.write_bytes(self.crl_pem)
        return path

    # --- TLS ---------------------------------------------------------------------------------------------------------

    def presenting_context(self) -> ssl.SSLContext:
        """Return a context for the side that presents it: a server, or a client that does not look at the server's.

        It has no scruples about weak keys and hashes. Raises SSLError for what OpenSSL cannot even load.
        """
        server = self.species.role is Role.SERVER
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    def judging_context(self) -> ssl.SSLContext:
        """Return a context for the other side: Python's defaults since 3.13, and CRLs if there are any."""
        server = self.species.role is Role.SERVER
        purpose = ssl.Purpose.SERVER_AUTH if server else ssl.Purpose.CLIENT_AUTH
        context = ssl.create_default_context(purpose, cafile=str(self.trust_file))
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        if self.chain.crls:
            context.load_verify_locations(str(self.crl_file))
            context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN
        return context


class Zoo:
    """Every species once, seen from *now*; each is made when it is first asked for, and kept."""

    def __init__(self, now: datetime, folder: Path) -> None:
        """Make nothing yet; *now* is aware, and files go below *folder*."""
        self.now = now.replace(microsecond=0)
        self._folder = folder
        self._made: dict[str, Specimen] = {}
        self._others: dict[datetime, Zoo] = {}

    def __getitem__(self, name: str) -> Specimen:
        """Return the specimen called *name*. Raises KeyError that tells the names there are."""
        if name not in _TABLE:
            raise KeyError(f"the zoo has no '{name}'; it has {', '.join(_TABLE)}")
        if name not in self._made:
            species = _TABLE[name]
            self._made[name] = Specimen(species, species.chain(self.now), self._folder)
        return self._made[name]

    def __iter__(self) -> Iterator[Specimen]:
        """Yield every specimen, the good ones too."""
        return (self[name] for name in _TABLE)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(_TABLE)

    def at(self, now: datetime) -> Zoo:
        """Return the zoo as it is at another time: for tests that stop the clock."""
        if now not in self._others:
            self._others[now] = Zoo(now, self._folder / f"at-{now:%Y%m%dT%H%M%S}")
        return self._others[now]


def names_refused_by(*clients: Client | str, role: Role | str = Role.SERVER, crls: bool = False) -> list[str]:
    """Return the names of the species that each of *clients* refuses, for ``pytest.mark.parametrize``.

    With *crls* also those that it refuses only when it is given the CRLs.

    A client is one of ``openssl``, ``openssl-strict`` (Python's ``ssl`` since 3.13), ``go``, ``java``, ``gnutls``.
    """
    wanted = {Client(client) for client in clients}
    of_role = [each for each in SPECIES if each.role is Role(role) and wanted <= set(each.says)]
    return [each.name for each in of_role if crls or not each.is_told_by_crls]


def names_refused_by_all(role: Role | str = Role.SERVER) -> list[str]:
    """Return the names of the species that every client refuses: yours has to, too."""
    return names_refused_by(*EVERYBODY, role=role)
