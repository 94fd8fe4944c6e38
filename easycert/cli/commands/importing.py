"""``import``: bring in what another CA or machine made."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import stat
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from easycert.cli import exits
from easycert.cli.commands.results import put
from easycert.cli.options import (
    ForceOption,
    Habits,
    KindOption,
    Output,
    Passphrase,
    argument,
    option,
    with_passphrase,
)
from easycert.errors import InvalidInput, printable
from easycert.model import Kind, Value
from easycert.pki.names import SafeName
from easycert.store.files import read_file
from easycert.workflows.adopt.layout import Origin
from easycert.workflows.import_ import Imported, ImportRequest, import_files

if TYPE_CHECKING:
    from easycert.workflows.adopt.results import Adopted

Files = Annotated[list[str], argument(metavar="FILE...|DIR", help="Certificate, chain, key, PKCS#12; or a CA's DIR.")]
NameOption = Annotated[str | None, option("--name", metavar="NAME", help="Its name here, instead of its CN.")]
FromOption = Annotated[Origin | None, option("--from", envvar="EASYCERT_FROM", help="Which tool made DIR; auto looks.")]
DryRunOption = Annotated[bool, option("--dry-run", help="With DIR, say what would come in and write nothing.")]


class _Wishes(Value):
    """What was asked for, beside what it is about."""

    kind: Kind | None
    replace: bool
    dry_run: bool
    passphrase: Passphrase
    habits: Habits


def import_(
    files: Files,
    kind: KindOption = None,
    name: NameOption = None,
    force: ForceOption = False,
    from_: FromOption = None,
    dry_run: DryRunOption = False,
    *,
    passphrase: Passphrase,
    habits: Habits,
) -> None:
    """Bring in a certificate with its chain and key, in PEM, DER or PKCS#12; the files named belong together.

    A certificate that comes back for a signing request is checked against the key that is here. Keys are stored
    unencrypted, readable by their owner only.

    DIR is the directory of a CA that easy-rsa, mkcert, openssl ca or step-ca made: its CAs, keys, certificates and
    revocations come in together, or nothing does. It is only read. All that came in is verified.
    """
    wishes = _Wishes(kind, force, dry_run, passphrase, habits)
    if from_ is not None or any(os.path.isdir(path) for path in files):
        _require_alone(files, name)
        _adopt(files[0], from_ or Origin.AUTO, wishes)
    elif dry_run:
        raise InvalidInput("option", "--dry-run", "is for a directory: importing files says what is wrong with them")
    else:
        _import_files(files, name, wishes)


def _import_files(files: list[str], name: str | None, wishes: _Wishes) -> None:
    request = ImportRequest(
        sources=tuple((path, read_file(path)) for path in files),
        kind=wishes.kind,
        name=None if name is None else SafeName(name),
        replace=wishes.replace,
    )
    habits = wishes.habits
    certdir = habits.open()
    imported = with_passphrase(
        wishes.passphrase, lambda secret: import_files(certdir, request._replace(passphrase=secret))
    )
    for note in (*imported.notes, *_exposed_keys(request.sources)):
        habits.say(note)
    row = {"kind": imported.kind.value, "name": imported.name, "files": list(imported.paths)}
    put(habits, "imported", [row], [_lines(imported)])


def _require_alone(files: list[str], name: str | None) -> None:
    if len(files) > 1:
        raise InvalidInput("directory", files[0], "comes alone: everything in it belongs together")
    if name is not None:
        raise InvalidInput("option", "--name", "is for files: what is in a directory has names of its own")


def _adopt(directory: str, origin: Origin, wishes: _Wishes) -> None:
    # What adopting needs, files alone do not.
    import sys

    from easycert.cli.adoptions import adoption_notes, adoption_text
    from easycert.cli.progress import progress_line
    from easycert.cli.render import Palette, as_json
    from easycert.workflows.adopt.adoption import AdoptRequest, adopt

    habits, certdir = wishes.habits, wishes.habits.open()
    request = AdoptRequest(directory, origin, kind=wishes.kind, replace=wishes.replace, dry_run=wishes.dry_run)

    def attempt(secret: bytes | None) -> "Adopted":
        with progress_line(quiet=habits.quiet) as line:
            return adopt(certdir, request._replace(passphrase=secret), line)

    adopted = with_passphrase(wishes.passphrase, attempt)
    for note in adoption_notes(adopted):
        habits.say(note)
    if habits.output is Output.JSON:
        print(as_json("adopted", adopted))
    elif not habits.quiet:
        print(adoption_text(adopted, Palette.of(sys.stdout)))
    if adopted.failed:
        raise typer.Exit(exits.NOT_VERIFIED)


def _exposed_keys(sources: Iterable[tuple[str, bytes]]) -> Iterator[str]:
    """Yield a note for each source of a private key that others can read: the copy is safe, the original is not."""
    for path, data in sources:
        holds_key = b"PRIVATE KEY-----" in data and b"ENCRYPTED" not in data
        if holds_key and os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH):
            yield f"{printable(path)} holds a private key that others can read; chmod 600 it, or remove it"


def _lines(imported: Imported) -> str:
    head = f"{imported.kind.value} {imported.name.display}: {'imported' if imported.paths else 'already here'}"
    return "\n".join([head, *(f"  {path}" for path in imported.paths)])
