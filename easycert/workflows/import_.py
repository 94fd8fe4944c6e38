"""Bringing files in: as they are (the flag form), or checked against each other and put where they belong."""

from __future__ import annotations

from typing import NamedTuple

from easycert.certdir import CertDir
from easycert.errors import InvalidInput
from easycert.pki.names import SafeName
from easycert.store.files import read_file
from easycert.store.layout import Entry

#: What may be copied in as it is.
SUFFIXES = (".crt", ".key", ".p12")
_PRIVATE = ("key", "p12")


class Copied(NamedTuple):
    """A file that was copied in: the source as it was named, and the absolute path of the copy."""

    source: str
    path: str


def copy_in(certdir: CertDir, source: str, folder: str) -> Copied:
    """Copy one ``.crt``, ``.key`` or ``.p12`` file into *folder* byte for byte, under its own name.

    What is in it is not looked at: this is what Synapse's tool does; :func:`import_files` checks. Raises
    UnreadableFile, InvalidInput for another suffix, InvalidName, and AlreadyExists.
    """
    data = read_file(source)
    filename = source.rpartition("/")[2]
    stem, _, suffix = filename.rpartition(".")
    if not filename.endswith(SUFFIXES):
        raise InvalidInput("file", source, f"is not named like {', '.join(SUFFIXES)}")
    target = Entry(folder, f"{SafeName(stem)}.{suffix}")
    certdir.store.require_absent([target])
    with certdir.store.transaction() as files:
        files.create(target, data, private=suffix in _PRIVATE)
    return Copied(source, certdir.store.path(target))
