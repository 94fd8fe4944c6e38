"""``backup`` and ``restore``: a service's directory, or the certificate directory, copied so that it is whole."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from easycert.cli import exits
from easycert.cli.options import Habits, Output, Passphrase, argument, new_passphrase, option, with_passphrase
from easycert.cli.progress import progress_line, readable_size
from easycert.cli.render import as_json
from easycert.errors import InvalidInput, UnreadableFile, printable

if TYPE_CHECKING:
    from easycert.workflows.backup import Backup
    from easycert.workflows.restore import Restored, Verified


class Recipient(Enum):
    """Whom a sealed backup is for."""

    PASSPHRASE = "passphrase"  # noqa: S105  # the word for one


PathsArgument = Annotated[
    list[str],
    argument(
        metavar="[SRC] DST",
        help="What to back up, else the certificate directory; and the new directory, in which {date} is filled in.",
    ),
]
SkipOption = Annotated[
    list[str] | None,
    option(
        "--skipdirs",
        metavar="PATTERN",
        help="Leave out directories whose path in SRC is like this; several behind SRC DST.",
    ),
]
EncryptOption = Annotated[
    Recipient | None,
    option("--encrypt-to", help="Make one file, DST.tar.age, which only the passphrase opens."),
]
VerifyOption = Annotated[
    bool, option("--verify", help="Read the backup DST again, and say what is not as its manifest says.")
]
BackupArgument = Annotated[str, argument(metavar="BACKUP", help="A backup: a directory, or a sealed file.")]
DestinationArgument = Annotated[str, argument(metavar="DST", help="The directory to make.")]


def backup(
    paths: PathsArgument,
    skipdirs: SkipOption = None,
    encrypt_to: EncryptOption = None,
    verify: VerifyOption = False,
    *,
    passphrase: Passphrase,
    habits: Habits,
) -> None:
    """Back up a service's directory while the service runs, or the certificate directory when no SRC is named.

    LMDB and SQLite databases are copied as they are at one moment; all else as it is, but for tmp/, backups/, sockets
    and locks. The backup is a plain directory that the service starts from, with its manifest beside it; it appears
    when it is complete. With --verify a backup is read again, and the exit code is 5 when it is not what it was.
    """
    if verify:
        _verify(paths, skipdirs, encrypt_to, passphrase, habits)
        return
    if len(paths) > 2 and not skipdirs:
        raise InvalidInput("argument", paths[2], "is one too many: there is [SRC] and DST")
    paths, patterns = paths[:2], (*(skipdirs or ()), *paths[2:])  # SRC DST --skipdirs A B, as Synapse has it
    from easycert.workflows.backup import BackupRequest
    from easycert.workflows.backup import backup as backed_up

    secret = new_passphrase(passphrase, "the backup") if encrypt_to is not None else None
    source = paths[0] if len(paths) == 2 else None
    request = BackupRequest(source, paths[-1], patterns, secret)
    if source is not None and os.path.exists(source) and not os.path.isdir(source):
        raise UnreadableFile(source, "it is not a directory")
    certdir = habits.open() if source is None else habits.open_at(source)
    with progress_line(quiet=habits.quiet) as line:
        made = backed_up(certdir, request, lambda done, total: line.bytes("copied", done, total))
    _tell(made, habits)


def restore(
    backup: BackupArgument, destination: DestinationArgument, *, passphrase: Passphrase, habits: Habits
) -> None:
    """Copy a backup to a directory that does not exist yet, and compare each file with the manifest.

    Nothing is overwritten. The directory appears when all of it is there and right.
    """
    from easycert.workflows.restore import RestoreRequest
    from easycert.workflows.restore import restore as restored

    with progress_line(quiet=habits.quiet) as line:
        done = with_passphrase(
            passphrase,
            lambda secret: restored(
                RestoreRequest(backup, destination, secret), lambda done, total: line.bytes("restored", done, total)
            ),
        )
    _tell_restored(done, habits)


def _verify(
    paths: list[str],
    skipdirs: list[str] | None,
    encrypt_to: Recipient | None,
    passphrase: Passphrase,
    habits: Habits,
) -> None:
    if len(paths) != 1:
        raise InvalidInput("argument", paths[1], "is one too many: --verify looks at one backup")
    if skipdirs or encrypt_to:
        raise InvalidInput("option", "--verify", "stands alone: it only reads a backup")
    from easycert.workflows.restore import verify as verified

    with progress_line(quiet=habits.quiet) as line:
        found = with_passphrase(
            passphrase,
            lambda secret: verified(paths[0], secret, lambda done, total: line.bytes("read", done, total)),
        )
    _tell_verified(found, habits)
    if found.differences:
        raise typer.Exit(exits.DRIFT)


def _tell(made: "Backup", habits: Habits) -> None:
    for note in made.notes:
        habits.say(note)
    for path in made.changed:
        habits.say(f"{printable(path)} was written to while it was copied")
    if not made.one_moment:
        habits.say("the LMDB databases are each of a moment of its own: they were written to all the time")
    for item in made.left_out:
        if item.reason.startswith("it is "):
            habits.say(f"{printable(item.path)} is left out: {item.reason}")
    if habits.output is Output.JSON:
        print(as_json("backup", made))
    elif not habits.quiet:
        print(f"{printable(made.destination)}: {_inside(made)}, {readable_size(made.size)}")


def _inside(made: "Backup") -> str:
    counts = {"file": made.files, "LMDB database": made.lmdb, "SQLite database": made.sqlite, "link": made.links}
    return ", ".join(_counted(count, what) for what, count in counts.items() if count) or "nothing in it"


def _tell_restored(done: "Restored", habits: Habits) -> None:
    if habits.output is Output.JSON:
        print(as_json("restored", done))
    elif not habits.quiet:
        made = f"as it was at {done.created}"
        print(f"{printable(done.destination)}: {_counted(done.files, 'file')}, {readable_size(done.size)}, {made}")


def _tell_verified(found: "Verified", habits: Habits) -> None:
    if habits.output is Output.JSON:
        print(as_json("verified", found))
        return
    for item in found.differences:
        print(f"{item.what}: {printable(item.path or '.')}{f' ({item.details})' if item.details else ''}")
    if not found.differences and not habits.quiet:
        as_it_was = f"{_counted(found.files, 'file')}, {readable_size(found.size)}, as they were at {found.created}"
        print(f"{printable(found.backup)}: {as_it_was}", file=sys.stdout)


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
