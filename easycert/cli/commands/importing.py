"""``import``: bring in what another CA or machine made."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import stat
from collections.abc import Iterable, Iterator
from typing import Annotated

from easycert.cli.commands.results import put
from easycert.cli.options import (
    ForceOption,
    Habits,
    KindOption,
    Passphrase,
    argument,
    option,
    with_passphrase,
)
from easycert.errors import printable
from easycert.pki.names import SafeName
from easycert.store.files import read_file
from easycert.workflows.import_ import Imported, ImportRequest, import_files

Files = Annotated[list[str], argument(metavar="FILE...", help="Certificate, chain, key or PKCS#12.")]
NameOption = Annotated[str | None, option("--name", metavar="NAME", help="Its name here, instead of its CN.")]


def import_(
    files: Files,
    kind: KindOption = None,
    name: NameOption = None,
    force: ForceOption = False,
    *,
    passphrase: Passphrase,
    habits: Habits,
) -> None:
    """Bring in a certificate with its chain and key, in PEM, DER or PKCS#12; the files named belong together.

    A certificate that comes back for a signing request is checked against the key that is here. Keys are stored
    unencrypted, readable by their owner only.
    """
    request = ImportRequest(
        sources=tuple((path, read_file(path)) for path in files),
        kind=kind,
        name=None if name is None else SafeName(name),
        replace=force,
    )
    certdir = habits.open()
    imported = with_passphrase(passphrase, lambda secret: import_files(certdir, request._replace(passphrase=secret)))
    for note in (*imported.notes, *_exposed_keys(request.sources)):
        habits.say(note)
    row = {"kind": imported.kind.value, "name": imported.name, "files": list(imported.paths)}
    put(habits, "imported", [row], [_lines(imported)])


def _exposed_keys(sources: Iterable[tuple[str, bytes]]) -> Iterator[str]:
    """Yield a note for each source of a private key that others can read: the copy is safe, the original is not."""
    for path, data in sources:
        holds_key = b"PRIVATE KEY-----" in data and b"ENCRYPTED" not in data
        if holds_key and os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH):
            yield f"{printable(path)} holds a private key that others can read; chmod 600 it, or remove it"


def _lines(imported: Imported) -> str:
    head = f"{imported.kind.value} {imported.name.display}: {'imported' if imported.paths else 'already here'}"
    return "\n".join([head, *(f"  {path}" for path in imported.paths)])
