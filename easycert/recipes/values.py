"""What goes into a recipe and what comes out of one."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from cryptography import x509

from easycert.model import Kind
from easycert.pki.keys import PrivateKey


class Material(NamedTuple):
    """What there is of one name: *chain* is its intermediates, issuer first, *anchors* the roots that it leads to."""

    kind: Kind
    name: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...]
    key: PrivateKey | None


class Wanted(NamedTuple):
    """What the caller wants: files in the absolute directory *destination*; *legacy* is PKCS#12 of the old kind."""

    destination: str
    passphrase: bytes | None = None
    legacy: bool = False


class File(NamedTuple):
    """A file that is to be written; *name* is one file name, below the destination."""

    name: str
    data: bytes
    mode: int


class Rendering(NamedTuple):
    """What a recipe made: the files, text for the program's configuration, and a command that has it read new files."""

    files: tuple[File, ...]
    snippet: str
    reload: str


class Part(Enum):
    """What a file can hold."""

    KEY = "key"
    LEAF = "leaf"
    CHAIN = "chain"
    ANCHORS = "anchors"


class Format(Enum):
    """How a file holds it."""

    PEM = "pem"
    #: Keys as PKCS#1 or SEC 1, for readers that compare them with their own.
    PEM_TRADITIONAL = "pem-traditional"
    DER = "der"
    PKCS12 = "pkcs12"
    #: PKCS#12 for a reader that knows nothing newer than 3DES and SHA-1.
    PKCS12_LEGACY = "pkcs12-legacy"
    TRUST_STORE = "java-trust-store"
    SECRET = "kubernetes-secret"  # noqa: S105 (a word of the schema)
    CONFIG_MAP = "kubernetes-configmap"
    DOTENV = "dotenv"
    #: The passphrase and a line end.
    PASSWORD = "password"  # noqa: S105
    #: ``password=`` and the passphrase, as Java reads it.
    PASSWORD_PROPERTIES = "password-properties"  # noqa: S105
    #: The passphrase as that of Java's key store and trust store, for ``java @FILE``.
    JAVA_OPTIONS = "java-options"

    @property
    def is_pkcs12(self) -> bool:
        """Whether it is PKCS#12, which is salted: made twice, its bytes differ."""
        return self in (Format.PKCS12, Format.PKCS12_LEGACY, Format.TRUST_STORE)

    @property
    def is_password(self) -> bool:
        """Whether it holds the passphrase."""
        return self in (Format.PASSWORD, Format.PASSWORD_PROPERTIES, Format.JAVA_OPTIONS)


class Group(Enum):
    """What kind of thing reads the files."""

    FORMAT = "format"
    SERVER = "server"
    CLIENT = "client"
    STORE = "store"


class Secret(Enum):
    """Whether the files can be, or must be, under a passphrase."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Quoting(Enum):
    """How a program's configuration quotes text: :mod:`easycert.recipes.quoting`."""

    PLAIN = "plain"
    SHELL = "shell"
    JSON = "json"
    HCL = "hcl"
    NGINX = "nginx"
    APACHE = "apache"
    CADDY = "caddy"
    POSTGRESQL = "postgresql"
    POWERSHELL = "powershell"
    XML = "xml"
    #: A word, or one in double quotation marks in which a backslash escapes.
    WORD = "word"


#: The parts of a file, or of one entry in it, in their order.
Parts = tuple[Part, ...]


class Plan(NamedTuple):
    """A file of a recipe before it is filled: *entries* are what a format with named values holds."""

    name: str
    format: Format
    mode: int
    holds: Parts = ()
    entries: tuple[tuple[str, Parts], ...] = ()
    optional: bool = False

    @property
    def parts(self) -> frozenset[Part]:
        """All that the file holds, wherever in it."""
        return frozenset(self.holds).union(*(parts for _, parts in self.entries))


class Recipe(NamedTuple):
    """What a program wants; *sources* are the pages that say so, *keys* the key types that it knows, if not all."""

    name: str
    summary: str
    group: Group
    sources: tuple[str, ...]
    kinds: tuple[Kind, ...]
    files: tuple[Plan, ...]
    quoting: Quoting = Quoting.PLAIN
    snippet: str = ""
    reload: str = ""
    secret: Secret = Secret.NONE
    default_passphrase: str = ""
    keys: tuple[str, ...] = ()

    @property
    def needs_key(self) -> bool:
        """Whether a file holds the private key."""
        return any(Part.KEY in plan.parts for plan in self.files)

    @property
    def is_single(self) -> bool:
        """Whether it is one file, which may have any name."""
        return len(self.files) == 1

    @property
    def is_text(self) -> bool:
        """Whether all its files are text, which a terminal can show."""
        return not any(plan.format is Format.DER or plan.format.is_pkcs12 for plan in self.files)

    @property
    def has_legacy(self) -> bool:
        """Whether there is an older form of it: PKCS#12 with a key has."""
        return any(plan.format in (Format.PKCS12, Format.PKCS12_LEGACY) for plan in self.files)

    @property
    def password_file(self) -> str | None:
        """The name of the file that the passphrase is written to, if there is one."""
        return next((plan.name for plan in self.files if plan.format.is_password), None)
