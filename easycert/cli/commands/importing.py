"""``import``: bring in what another CA or machine made."""

from __future__ import annotations

from typing import Annotated

import typer

from easycert.cli.commands.results import put
from easycert.cli.options import (
    DEFAULT_LOCK_TIMEOUT,
    AllowUnsafeOption,
    CertDirOption,
    ForceOption,
    Habits,
    KindOption,
    LockTimeoutOption,
    Output,
    OutputOption,
    PassphraseFileOption,
    QuietOption,
    passphrase,
)
from easycert.pki.names import SafeName
from easycert.store.files import read_file
from easycert.workflows.import_ import Imported, ImportRequest, import_files

Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Certificate, chain, key or PKCS#12.", show_default=False)
]
NameOption = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Its name here, instead of its CN.", show_default=False)
]


def import_(
    files: Files,
    kind: KindOption = None,
    name: NameOption = None,
    passphrase_file: PassphraseFileOption = None,
    force: ForceOption = False,
    certdir: CertDirOption = None,
    lock_timeout: LockTimeoutOption = DEFAULT_LOCK_TIMEOUT,
    allow_unsafe: AllowUnsafeOption = False,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
) -> None:
    """Bring in a certificate with its chain and key, in PEM, DER or PKCS#12; the files named belong together.

    A certificate that comes back for a signing request is checked against the key that is here. Keys are stored
    unencrypted, readable by their owner only.
    """
    habits = Habits(certdir, lock_timeout, allow_unsafe, output, quiet)
    request = ImportRequest(
        sources=tuple((path, read_file(path)) for path in files),
        kind=kind,
        name=None if name is None else SafeName(name),
        passphrase=passphrase(passphrase_file, files[0]),
        replace=force,
    )
    imported = import_files(habits.open(), request)
    for note in imported.notes:
        habits.say(note)
    row = {"kind": imported.kind.value, "name": imported.name, "files": list(imported.paths)}
    put(habits, "imported", [row], [_lines(imported)])


def _lines(imported: Imported) -> str:
    head = f"{imported.kind.value} {imported.name.display}: {'imported' if imported.paths else 'already here'}"
    return "\n".join([head, *(f"  {path}" for path in imported.paths)])
