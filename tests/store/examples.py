"""What the tests of the directory on disk save in it, and how they look at what is there."""

from __future__ import annotations

from pathlib import Path

from easycert.store.files import FileStore
from easycert.store.layout import Entry

KEY, CERTIFICATE, CRL = Entry("hosts", "www.key"), Entry("hosts", "www.crt"), Entry("crls", "ca.crl")


def save_pair(store: FileStore) -> None:
    with store.transaction() as transaction:
        transaction.create(KEY, b"key", private=True)
        transaction.create(CERTIFICATE, b"certificate")


def save(store: FileStore, entry: Entry, data: bytes = b"data") -> None:
    with store.transaction() as transaction:
        transaction.create(entry, data)


def everything(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() if path.is_file() else b"" for path in top.rglob("*")}
