"""Where things lie in a certificate directory: parsed names to relative paths. Pure.

The layout is Synapse's (``cas hosts users code crls``), and ``ocsp``; a live directory is adopted as it stands. Only a
:class:`~easycert.pki.names.SafeName` can become part of a path, so no unparsed text ever does.
"""

from __future__ import annotations

from easycert.errors import InvalidName
from easycert.model import Kind, Value
from easycert.pki.names import SafeName

FOLDERS = {Kind.CA: "cas", Kind.HOST: "hosts", Kind.USER: "users", Kind.CODE: "code", Kind.OCSP: "ocsp"}
CRLS = "crls"
STATE = ".easycert"


class Entry(Value):
    """One file of a certificate directory: its folder and its file name in it."""

    folder: str
    filename: str

    @property
    def path(self) -> str:
        """The path relative to the certificate directory, with ``/`` between the two parts."""
        return f"{self.folder}/{self.filename}" if self.folder else self.filename

    @property
    def name(self) -> str:
        """The file name without its suffix: the name of the CA, host, user or code signer."""
        return self.filename.rpartition(".")[0]

    @property
    def suffix(self) -> str:
        """The suffix without its dot (``crt``, ``key``, ``csr``, ``p12``, ``crl``)."""
        return self.filename.rpartition(".")[2]

    @property
    def is_named(self) -> bool:
        """Whether the name is one that a certificate may have; hidden and stray files have none."""
        try:
            return bool(SafeName(self.name))
        except InvalidName:
            return False

    def require_plain(self) -> None:
        """Raise ValueError unless both parts are one visible component of a path, as all made from names are."""
        for part in (self.folder, self.filename):
            if not part or part.startswith(".") or "/" in part or "\0" in part:
                raise ValueError(f"not a place in a certificate directory: {part!r}")


#: A site's defaults (:mod:`easycert.settings`).
SETTINGS = Entry("", "easycert.toml")


def certificate(kind: Kind, name: SafeName) -> Entry:
    """Return the entry of a certificate (``hosts/NAME.crt``)."""
    return Entry(FOLDERS[kind], f"{name}.crt")


def key(kind: Kind, name: SafeName) -> Entry:
    """Return the entry of a private key (``hosts/NAME.key``)."""
    return Entry(FOLDERS[kind], f"{name}.key")


def request(kind: Kind, name: SafeName) -> Entry:
    """Return the entry of a certificate signing request (``hosts/NAME.csr``)."""
    return Entry(FOLDERS[kind], f"{name}.csr")


def pkcs12(kind: Kind, name: SafeName) -> Entry:
    """Return the entry of a PKCS#12 file (``users/NAME.p12``)."""
    return Entry(FOLDERS[kind], f"{name}.p12")


def crl(name: SafeName) -> Entry:
    """Return the entry of a CA's certificate revocation list (``crls/CA.crl``)."""
    return Entry(CRLS, f"{name}.crl")
