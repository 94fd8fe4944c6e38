"""Each option of the subcommands, declared once, and the values that are parsed from them at the door."""

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from easycert.certdir import CertDir
from easycert.errors import InvalidInput
from easycert.model import Kind
from easycert.store.directories import Strictness

if TYPE_CHECKING:
    from easycert.pki.names import SubjectAltName
    from easycert.pki.validity import When


class Output(Enum):
    """How results are written to stdout."""

    TEXT = "text"
    JSON = "json"


CertDirOption = Annotated[
    str | None,
    typer.Option("--certdir", metavar="DIR", help="The certificate directory.", show_default=False, show_envvar=False),
]
LockTimeoutOption = Annotated[
    float,
    typer.Option(
        "--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another writer.", show_envvar=False
    ),
]
AllowUnsafeOption = Annotated[
    bool, typer.Option("--allow-unsafe", help="Accept a directory that others own or can write to.", show_envvar=False)
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print the result.", show_envvar=False)]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", show_envvar=False)]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace what exists under the same name.", show_envvar=False)
]

Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="One name or several.", show_default=False, show_envvar=False)
]
SignAsOption = Annotated[
    str | None,
    typer.Option(
        "--signas",
        metavar="CA",
        help="The CA that signs; without it, it signs itself.",
        show_default=False,
        show_envvar=False,
    ),
]
SanOption = Annotated[
    list[str] | None,
    typer.Option(
        "--san",
        metavar="SAN",
        help="A further name, address or URI (DNS: IP: email: URI: may stand before it); repeat it or use commas.",
        show_default=False,
    ),
]
SubjectOption = Annotated[
    str | None,
    typer.Option(
        "--subject", metavar="O=..,C=..", help="More subject attributes, such as O=Acme,C=FR.", show_default=False
    ),
]
DaysOption = Annotated[
    int | None,
    typer.Option(
        "--days", metavar="N", min=1, help="How many days it is valid.", show_default=False, show_envvar=False
    ),
]
NotAfterOption = Annotated[
    str | None,
    typer.Option(
        "--not-after", metavar="WHEN", help="When it ends: 90d, 12h, 1y, a date or RFC 3339.", show_default=False
    ),
]
NotBeforeOption = Annotated[
    str | None,
    typer.Option(
        "--not-before", metavar="WHEN", help="When it begins: a date, RFC 3339, or 1d from now.", show_default=False
    ),
]
KeyTypeOption = Annotated[
    str | None,
    typer.Option(
        "--key-type",
        metavar="TYPE",
        help="rsa2048|rsa3072|rsa4096|ec256|ec384|ec521|ed25519|ed448|mldsa44|mldsa65|mldsa87.",
        show_default=False,
    ),
]
ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile", metavar="PROFILE", help="modern, or synapse for what Synapse itself loads.", show_envvar=False
    ),
]
PathLengthOption = Annotated[
    int | None,
    typer.Option(
        "--pathlen", metavar="N", min=0, max=100, help="How many CAs may stand below this one.", show_default=False
    ),
]
PermitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--permit",
        metavar="NAME",
        help="Sign only below this domain, network or mailbox; repeatable.",
        show_default=False,
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="NAME",
        help="Never sign below this domain, network or mailbox; repeatable.",
        show_default=False,
    ),
]
KindOption = Annotated[
    Kind | None, typer.Option("--kind", help="What it is for.", show_default=False, show_envvar=False)
]
PassphraseFileOption = Annotated[
    str | None,
    typer.Option(
        "--passphrase-file", metavar="FILE", help="A file whose first line is the passphrase.", show_default=False
    ),
]

DEFAULT_LOCK_TIMEOUT = 10.0
#: Each option can come from a variable; -h works as --help does.
SETTINGS = {"auto_envvar_prefix": "EASYCERT", "help_option_names": ["-h", "--help"], "max_content_width": 110}


class Habits(NamedTuple):
    """What every subcommand takes: where to work, how long to wait, what to print."""

    certdir: str | None
    lock_timeout: float = DEFAULT_LOCK_TIMEOUT
    allow_unsafe: bool = False
    output: Output = Output.TEXT
    quiet: bool = False

    def open(self) -> CertDir:
        """Return the certificate directory that the options and the environment name."""
        strictness = Strictness.ALLOW if self.allow_unsafe else Strictness.REFUSE
        return CertDir.open(self.certdir, lock_timeout=self.lock_timeout, unsafe=strictness, report=self.say)

    def say(self, sentence: str) -> None:
        """Tell the person at the terminal something, on stderr."""
        if not self.quiet:
            print(f"note: {sentence}", file=sys.stderr)


def split_sans(texts: list[str] | None) -> tuple[SubjectAltName, ...]:
    """Parse ``--san`` values, each one name or several with commas between them."""
    from easycert.pki.names import parse_san

    return tuple(parse_san(part) for text in texts or () for part in text.split(","))


def validity_end(days: int | None, not_after: str | None) -> When | None:
    """Return the end of a validity from ``--days`` or ``--not-after``, of which only one may be given."""
    from easycert.pki import validity

    if days is not None and not_after is not None:
        raise InvalidInput("option", "--not-after", "cannot stand beside --days: both say when the validity ends")
    if days is not None:
        return validity.days(days)
    return validity.parse_when(not_after) if not_after is not None else None


def passphrase(path: str | None, source: str) -> bytes | None:
    """Return the passphrase from *path*, ``EASYCERT_PASSPHRASE`` or, on a terminal, nothing yet: None."""
    if path is not None:
        from easycert.store.files import read_file

        first_line = read_file(path).split(b"\n", 1)[0].removesuffix(b"\r")
        if not first_line:
            raise InvalidInput("passphrase file", path, f"is empty, so it cannot open {source}")
        return first_line
    value = os.environ.pop("EASYCERT_PASSPHRASE", "")  # a child process has no business with it (hazard F2)
    return value.encode() or None
