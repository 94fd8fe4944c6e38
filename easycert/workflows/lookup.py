"""What a person means by a NAME or a FILE: the one place where show and verify find things."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from easycert.certdir import CertDir
from easycert.errors import AmbiguousName, InvalidInput, KeyMismatch, NotFound
from easycert.model import Kind
from easycert.pki.names import HostName, SafeName
from easycert.store import layout
from easycert.store.layout import Entry

if TYPE_CHECKING:
    from cryptography import x509

#: What a name stands for, the best first: a certificate says most, but a pending request or a lone key has a name too.
_SUFFIXES = ("crt", "csr", "key", "p12")
_FILE_LIMIT = 1 << 20


@dataclass(frozen=True)
class Found:
    """A file that a person named: where it is and what it holds; *entry* and *kind* only if it was named by NAME."""

    path: str
    data: bytes
    kind: Kind | None = None
    entry: Entry | None = None

    @property
    def name(self) -> str | None:
        """The name that the thing has in the certificate directory."""
        return self.entry.name if self.entry else None


@dataclass(frozen=True)
class KeyBeside:
    """The private key that lies beside a certificate; *problem* says why it is of no use with it, if so.

    One that was not *seen*, for want of permission or of its passphrase, may be the right one all the same.
    """

    path: str
    exposed: bool
    problem: str | None
    seen: bool = True


def find(certdir: CertDir, text: str, *, kind: Kind | None = None) -> Found:
    """Return what *text* names: a NAME in the certificate directory, of this *kind* if given, else a FILE.

    Raises AmbiguousName when several kinds have that name, NotFound and UnreadableFile.
    """
    named = list(_named(certdir, text, kind))
    if len(named) > 1:
        raise AmbiguousName(text, tuple(f"{found.value} {entry.name}" for found, entry in named))
    if named:
        found, entry = named[0]
        data = certdir.store.read(entry)
        if data is not None:
            return Found(certdir.store.find(entry) or entry.path, data, found, entry)
    if kind is None and (os.sep in text or os.path.isfile(text)):
        return _file(text)
    raise NotFound(kind.value if kind else "certificate, key or signing request", text)


def key_beside(certdir: CertDir, entry: Entry, certificate: x509.Certificate) -> KeyBeside | None:
    """Return the key file beside the certificate in *entry*, judged against *certificate*, or None."""
    from easycert.errors import EasycertError, EncryptedKey, UnreadableFile
    from easycert.pki.certificates import authority_issuer
    from easycert.pki.keys import load_private_key

    key_entry = Entry(entry.folder, f"{entry.name}.key")
    path = certdir.store.find(key_entry)
    if path is None:
        return None
    problem, seen = None, True
    try:
        authority_issuer(certificate, load_private_key(certdir.store.read(key_entry) or b"", path, ours=True))
    except KeyMismatch:
        problem = "it does not belong to the certificate beside it"
    except (EncryptedKey, UnreadableFile) as error:
        problem, seen = str(error), False
    except EasycertError as error:
        problem = str(error)
    return KeyBeside(path, certdir.store.exposed(key_entry), problem, seen)


def _named(certdir: CertDir, text: str, kind: Kind | None) -> Iterator[tuple[Kind, Entry]]:
    """Yield what has this name, of each kind at most once; certificates outshine what has none."""
    found = [
        (wanted, entry)
        for wanted in ((kind,) if kind else Kind)
        if (entry := _entry(certdir, text, wanted)) is not None
    ]
    certified = [item for item in found if item[1].suffix == "crt"]
    yield from certified or found


def _entry(certdir: CertDir, text: str, kind: Kind) -> Entry | None:
    for suffix in _SUFFIXES:
        for name in spellings(text, kind):
            entry = Entry(layout.FOLDERS[kind], f"{name}.{suffix}")
            if certdir.store.find(entry) is not None:
                return entry
    return None


def spellings(text: str, kind: Kind) -> Iterator[SafeName]:
    """Yield the file names that *text* may have: as it stands, and as the name of a new certificate is normalised."""
    for parse in (SafeName, HostName) if kind is Kind.HOST else (SafeName,):
        try:
            yield parse(text)
        except InvalidInput:
            continue
    if kind is Kind.USER and text != text.lower():
        yield from spellings(text.lower(), kind)


def _file(path: str) -> Found:
    from easycert.store.files import CRL_LIMIT, read_file

    return Found(path, read_file(path, limit=CRL_LIMIT if path.endswith(".crl") else _FILE_LIMIT))
