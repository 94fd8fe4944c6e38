"""Each option of the subcommands, declared once, and the values that are parsed from them at the door."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import sys
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from easycert.certdir import CertDir
from easycert.errors import EncryptedKey, InvalidInput, printable
from easycert.model import Kind, Value
from easycert.store.directories import Strictness

if TYPE_CHECKING:
    from easycert.pki.profiles import Profile
    from easycert.pki.sans import SubjectAltName
    from easycert.pki.subjects import Attributes
    from easycert.pki.validity import When
    from easycert.settings import Settings


#: Every option has a variable and most have no default worth a word: the help says so once, not at each.
option = partial(typer.Option, show_envvar=False, show_default=False)
argument = partial(typer.Argument, show_envvar=False, show_default=False)


def complete_authorities(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of CAs for the shell."""
    from easycert.cli.completion import authorities  # only a shell asks

    return authorities(ctx.params, incomplete)


def complete_certificates(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of certificates for the shell."""
    from easycert.cli.completion import certificates

    return certificates(ctx.params, incomplete)


def complete_hosts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of hosts for the shell."""
    from easycert.cli.completion import hosts

    return hosts(ctx.params, incomplete)


def complete_users(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of users for the shell."""
    from easycert.cli.completion import users

    return users(ctx.params, incomplete)


def complete_anything(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of certificates for the shell, and of requests and keys that stand alone."""
    from easycert.cli.completion import anything

    return anything(ctx.params, incomplete)


def complete_recipes(incomplete: str) -> list[str]:
    """Return the names of recipes for the shell."""
    from easycert.recipes.catalogue import names

    return [name for name in names() if name.startswith(incomplete)]


class Output(Enum):
    """How results are written to stdout."""

    TEXT = "text"
    JSON = "json"


class TableOutput(Enum):
    """How a table is written to stdout."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


CertDirOption = Annotated[
    str | None,
    option("--certdir", metavar="DIR", help="The certificate directory."),
]
LockTimeoutOption = Annotated[
    float,
    option("--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another writer."),
]
AllowUnsafeOption = Annotated[
    bool, option("--allow-unsafe", help="Accept a directory that others own or can write to.")
]
OutputOption = Annotated[Output, option("--output", "-o", help="How to print the result.")]
TableOutputOption = Annotated[TableOutput, option("--output", "-o", help="How to print the result.")]
QuietOption = Annotated[bool, option("--quiet", "-q", help="Print nothing but errors.")]
ForceOption = Annotated[bool, option("--force", help="Replace what exists under the same name.")]

Names = Annotated[list[str], argument(metavar="NAME...", help="One name or several.")]
SignAsOption = Annotated[
    str | None,
    option(
        "--signas",
        metavar="CA",
        help="The CA that signs; without it, it signs itself.",
        autocompletion=complete_authorities,
    ),
]
SanOption = Annotated[
    list[str] | None,
    option(
        "--san",
        metavar="SAN",
        help="A further name, address or URI (DNS: IP: email: URI: may stand before it); repeat it or use commas.",
    ),
]
SubjectOption = Annotated[
    str | None,
    option("--subject", metavar="O=..,C=..", help="More subject attributes, such as O=Acme,C=FR."),
]
DaysOption = Annotated[
    int | None,
    option("--days", metavar="N", min=1, help="How many days it is valid."),
]
NotAfterOption = Annotated[
    str | None,
    option("--not-after", metavar="WHEN", help="When it ends: 90d, 12h, 1y, a date or RFC 3339."),
]
NotBeforeOption = Annotated[
    str | None,
    option("--not-before", metavar="WHEN", help="When it begins: a date, RFC 3339, or 1d from now."),
]
KeyTypeOption = Annotated[
    str | None,
    option(
        "--key-type",
        metavar="TYPE",
        help="rsa2048|rsa3072|rsa4096|ec256|ec384|ec521|ed25519|ed448|mldsa44|mldsa65|mldsa87.",
    ),
]
ProfileOption = Annotated[
    str | None,
    option("--profile", metavar="PROFILE", help="modern, or synapse for what Synapse itself loads."),
]
PathLengthOption = Annotated[
    int | None,
    option("--pathlen", metavar="N", min=0, max=100, help="How many CAs may stand below this one."),
]
PermitOption = Annotated[
    list[str] | None,
    option(
        "--permit",
        metavar="NAME",
        help="Sign only below this domain, network or mailbox; repeatable.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    option(
        "--exclude",
        metavar="NAME",
        help="Never sign below this domain, network or mailbox; repeatable.",
    ),
]
KindOption = Annotated[Kind | None, option("--kind", help="What it is for.")]
ExitZeroOption = Annotated[bool, option("--exit-zero", help="Exit 0 whatever is found, for timers.")]
DetailedExitCodeOption = Annotated[
    bool,
    option("--detailed-exitcode", help="Exit with 6 when nothing was due."),
]
PassphraseFileOption = Annotated[
    str | None,
    option("--passphrase-file", metavar="FILE", help="A file whose first line is the passphrase."),
]
PassphraseFdOption = Annotated[
    int | None,
    option("--passphrase-fd", metavar="N", min=0, help="An open file descriptor to read the passphrase from."),
]
HookTimeoutOption = Annotated[
    float, option("--hook-timeout", metavar="SECONDS", min=0.001, help="How long the hook may take (300).")
]
_PASSPHRASE_MAX = 1 << 16
_Result = TypeVar("_Result")

#: Each option can come from a variable; -h works as --help does.
SETTINGS = {"auto_envvar_prefix": "EASYCERT", "help_option_names": ["-h", "--help"], "max_content_width": 110}


class Place(Value):
    """What every subcommand takes: where to work, how long to wait, whether to talk."""

    certdir: CertDirOption = None
    lock_timeout: LockTimeoutOption = 10.0
    allow_unsafe: AllowUnsafeOption = False
    quiet: QuietOption = False

    def open(self) -> CertDir:
        """Return the certificate directory that the options and the environment name."""
        return self.open_at(self.certdir)

    def open_at(self, directory: str | None) -> CertDir:
        """Return what is, or could become, the certificate directory at *directory*, on the terms of the options."""
        strictness = Strictness.ALLOW if self.allow_unsafe else Strictness.REFUSE
        if self.lock_timeout != self.lock_timeout:  # NaN: no time is ever past it
            raise InvalidInput("lock timeout", str(self.lock_timeout), "is not a number of seconds")
        return CertDir.open(directory, lock_timeout=self.lock_timeout, unsafe=strictness, report=self.say)

    def say(self, sentence: str) -> None:
        """Tell the person at the terminal something, on stderr."""
        if not self.quiet:
            print(f"note: {sentence}", file=sys.stderr)


class Habits(Place):
    """What a subcommand takes whose result is text or JSON."""

    output: OutputOption = Output.TEXT


class TableHabits(Place):
    """What a subcommand takes whose result is a table."""

    output: TableOutputOption = TableOutput.TEXT


class Passphrase(Value):
    """Where the passphrase of an encrypted key or PKCS#12 file comes from."""

    passphrase_file: PassphraseFileOption = None
    passphrase_fd: PassphraseFdOption = None


def split_sans(texts: list[str] | None) -> "tuple[SubjectAltName, ...]":
    """Parse ``--san`` values, each one name or several with commas between them."""
    from easycert.pki.sans import parse_san

    return tuple(parse_san(part) for text in texts or () for part in text.split(","))


def subject_attributes(subject: str | None, site: "Settings", profile: "Profile") -> "Attributes":
    """Return the attributes of ``--subject``, else the site's own where *profile* allows any."""
    if subject is None:
        return site.subject if profile.names_beyond_cn else ()
    from easycert.pki.subjects import parse_subject

    return parse_subject(subject)


def validity_end(days: int | None, not_after: str | None) -> "When | None":
    """Return the end of a validity from ``--days`` or ``--not-after``, of which only one may be given."""
    from easycert.pki import validity

    if days is not None and not_after is not None:
        raise InvalidInput("option", "--not-after", "cannot stand beside --days: both say when the validity ends")
    if days is not None:
        return validity.days(days)
    return validity.parse_when(not_after) if not_after is not None else None


def passphrase(wish: Passphrase) -> bytes | None:
    """Return the passphrase from ``--passphrase-file``, ``--passphrase-fd`` or ``EASYCERT_PASSPHRASE``; None without.

    Never from an argument: every user of the machine can read those.
    """
    if wish.passphrase_file is not None:
        from easycert.store.files import read_file

        return _first_line(read_file(wish.passphrase_file), wish.passphrase_file)
    if wish.passphrase_fd is not None:
        with os.fdopen(wish.passphrase_fd, "rb") as stream:
            return _first_line(stream.read(_PASSPHRASE_MAX), f"descriptor {wish.passphrase_fd}")
    value = os.environ.pop("EASYCERT_PASSPHRASE", "")  # a child process has no business with it (hazard F2)
    return os.fsencode(value) or None


def with_passphrase(wish: Passphrase, attempt: Callable[[bytes | None], _Result]) -> _Result:
    """Return what *attempt* makes with the passphrase; a person at a terminal is asked for one that is missing."""
    given = passphrase(wish)
    try:
        return attempt(given)
    except EncryptedKey as error:
        if error.wrong or given is not None or not sys.stdin.isatty():
            raise
        from getpass import getpass

        return attempt(os.fsencode(getpass(f"Passphrase for {printable(error.source)}: ")))


def new_passphrase(wish: Passphrase, what: str) -> bytes:
    """Return the passphrase that *what* is to be encrypted with; a person at a terminal is asked, twice.

    Raises EncryptedKey where there is none, and InvalidInput when the two differ or are empty.
    """
    given = passphrase(wish)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise EncryptedKey(what, wrong=False)
    from getpass import getpass

    typed = getpass(f"New passphrase for {what}: ")
    if not typed or typed != getpass("The same again: "):
        raise InvalidInput("passphrase", "", "is empty, or not the same twice")
    return os.fsencode(typed)


def _first_line(data: bytes, source: str) -> bytes:
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        raise InvalidInput("passphrase source", source, "holds no passphrase in its first line")
    return line
