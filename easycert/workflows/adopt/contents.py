"""What lies in a foreign directory, file by file, told by its contents: certificates, keys, requests, CRLs, indexes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from easycert.errors import EncryptedKey, Malformed, UnreadableFile, WeakKey
from easycert.pki.formats.index_txt import Index, parse_index
from easycert.pki.formats.pem import Item, StoredKey, StoredPkcs12, identify
from easycert.pki.keys import PrivateKey, require_strong
from easycert.pki.signing import require_signature, signature
from easycert.workflows.adopt.layout import Layout
from easycert.workflows.adopt.source import LeftOut, Source

_MIB = 1 << 20
#: An index names a hundred thousand certificates in 10 MiB; a CRL as many revoked ones in 4.
_LONG = 64 * _MIB
_LONG_NAMES = ("index", "crl", ".db", ".txt", "database")
_INDEX_NAME = "index.txt"
_INDEX_ROW = re.compile(rb"[VRE]\t\d{10,14}Z\t[0-9A-Za-z,.]*\t[0-9A-Fa-f]+\t[^\n]*\t")
_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]{1,40}-----")
_PROBE = b"easycert"
#: What a file of such a name holds is said when it cannot be read; of others nobody expects anything.
_TELLING = (".crt", ".cer", ".der", ".pem", ".key", ".crl", ".req", ".csr", ".p12", ".pfx")

#: Hears what is being done, and how many of how many are done.
Progress = Callable[[str, int, int], None]
_Item = TypeVar("_Item")


class Found(NamedTuple):
    """A certificate, and the file (relative to the source) that holds it."""

    certificate: x509.Certificate
    path: str


class FoundKey(NamedTuple):
    """A private key, and the file that holds it."""

    key: PrivateKey
    path: str


class FoundRequest(NamedTuple):
    """A signing request, and the file that holds it."""

    request: x509.CertificateSigningRequest
    path: str


class FoundCrl(NamedTuple):
    """A CRL, its file, and the bytes of that file."""

    crl: x509.CertificateRevocationList
    path: str
    data: bytes


class FoundIndex(NamedTuple):
    """An ``index.txt``, and its path."""

    contents: Index
    path: str


@dataclass
class Contents:
    """Everything that was found, each certificate once.

    ``locked`` are the files of encrypted keys that were not opened, ``opened`` counts those that were, and ``asked`` is
    whether there was a passphrase to try.
    """

    asked: bool
    certificates: dict[x509.Certificate, Found] = field(default_factory=dict)
    keys: list[FoundKey] = field(default_factory=list)
    requests: list[FoundRequest] = field(default_factory=list)
    crls: list[FoundCrl] = field(default_factory=list)
    indexes: list[FoundIndex] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def unheard(_doing: str, _done: int, _total: int) -> None:
    """Tell nobody how far something is."""


def watched(progress: Progress, doing: str, items: Sequence[_Item]) -> Iterator[_Item]:
    """Yield *items*, and tell *progress* how many are done."""
    for number, item in enumerate(items):
        progress(doing, number, len(items))
        yield item


def read_contents(source: Source, layout: Layout, passphrase: bytes | None, progress: Progress = unheard) -> Contents:
    """Return what *source* holds; encrypted keys are opened with *passphrase*, and where it fails are ``locked``.

    A broken file spoils nothing but itself. Raises UnreadableFile for an index that cannot be read: what it alone knows
    to be revoked must not be forgotten.
    """
    contents = Contents(asked=passphrase is not None)
    for path in watched(progress, "reading", source.files(layout.skipped, contents.left_out)):
        _read_file(source, path, passphrase, contents)
    return contents


def _read_file(source: Source, path: str, passphrase: bytes | None, contents: Contents) -> None:
    name = path.rpartition("/")[2].lower()
    try:
        data = source.read(path, _LONG if any(word in name for word in _LONG_NAMES) else _MIB)
    except UnreadableFile as error:
        if name == _INDEX_NAME:
            raise
        if name.endswith(_TELLING):
            contents.left_out.append(LeftOut(path, error.reason))
        return
    if name == _INDEX_NAME or _INDEX_ROW.match(data):
        contents.indexes.append(FoundIndex(parse_index(data), path))
    elif name.endswith(_TELLING) or _PEM.search(data):
        for item in _items(data, path, passphrase, contents):
            _sort_in(item, path, data, contents)


def _items(data: bytes, path: str, passphrase: bytes | None, contents: Contents) -> tuple[Item, ...]:
    try:
        return identify(data, path, passphrase=passphrase).items
    except EncryptedKey:  # what else is in the file is not locked
        return _items(data, path, None, contents)
    except Malformed as error:
        contents.left_out.append(LeftOut(path, error.reason))
        return ()


def _sort_in(item: Item, path: str, data: bytes, contents: Contents) -> None:
    if isinstance(item, x509.Certificate):
        contents.certificates.setdefault(item, Found(item, path))
    elif isinstance(item, StoredKey):
        _sort_in_key(item, path, contents)
    elif isinstance(item, x509.CertificateSigningRequest):
        contents.requests.append(FoundRequest(item, path))
    elif isinstance(item, x509.CertificateRevocationList):
        contents.crls.append(FoundCrl(item, path, data))
    elif isinstance(item, StoredPkcs12):
        contents.left_out.append(LeftOut(path, "it is a PKCS#12 file; bring it in alone, with: easycert import FILE"))


def _sort_in_key(item: StoredKey, path: str, contents: Contents) -> None:
    if item.key is None:
        contents.locked.append(path)
        return
    if item.encrypted:
        contents.opened.append(path)
    try:
        require_strong(item.key.public_key(), path)
        key = cast("PrivateKey", item.key)
        require_signature(key.public_key(), signature(key, _PROBE), _PROBE)
    except WeakKey as error:
        contents.left_out.append(LeftOut(path, error.reason))
    except (InvalidSignature, ValueError):
        contents.left_out.append(LeftOut(path, "it is damaged: what it signs does not verify"))
    else:
        contents.keys.append(FoundKey(key, path))
