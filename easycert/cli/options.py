"""Each option of the subcommands, declared once, and the values that are parsed from them at the door."""

from __future__ import annotations

import os
import sys
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from easycert.certdir import CertDir
from easycert.errors import InvalidInput
from easycert.model import Kind
from easycert.store.directories import Strictness

if TYPE_CHECKING:
    from easycert.pki.sans import SubjectAltName
    from easycert.pki.validity import When


#: Every option has a variable and most have no default worth a word: the help says so once, not at each.
_option = partial(typer.Option, show_envvar=False, show_default=False)
_argument = partial(typer.Argument, show_envvar=False, show_default=False)


class Output(Enum):
    """How results are written to stdout."""

    TEXT = "text"
    JSON = "json"


CertDirOption = Annotated[
    str | None,
    _option("--certdir", metavar="DIR", help="The certificate directory."),
]
LockTimeoutOption = Annotated[
    float,
    _option("--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another writer."),
]
AllowUnsafeOption = Annotated[
    bool, _option("--allow-unsafe", help="Accept a directory that others own or can write to.")
]
OutputOption = Annotated[Output, _option("--output", "-o", help="How to print the result.")]
QuietOption = Annotated[bool, _option("--quiet", "-q", help="Print nothing but errors.")]
ForceOption = Annotated[bool, _option("--force", help="Replace what exists under the same name.")]

Names = Annotated[list[str], _argument(metavar="NAME...", help="One name or several.")]
SignAsOption = Annotated[
    str | None,
    _option(
        "--signas",
        metavar="CA",
        help="The CA that signs; without it, it signs itself.",
    ),
]
SanOption = Annotated[
    list[str] | None,
    _option(
        "--san",
        metavar="SAN",
        help="A further name, address or URI (DNS: IP: email: URI: may stand before it); repeat it or use commas.",
    ),
]
SubjectOption = Annotated[
    str | None,
    _option("--subject", metavar="O=..,C=..", help="More subject attributes, such as O=Acme,C=FR."),
]
DaysOption = Annotated[
    int | None,
    _option("--days", metavar="N", min=1, help="How many days it is valid."),
]
NotAfterOption = Annotated[
    str | None,
    _option("--not-after", metavar="WHEN", help="When it ends: 90d, 12h, 1y, a date or RFC 3339."),
]
NotBeforeOption = Annotated[
    str | None,
    _option("--not-before", metavar="WHEN", help="When it begins: a date, RFC 3339, or 1d from now."),
]
KeyTypeOption = Annotated[
    str | None,
    _option(
        "--key-type",
        metavar="TYPE",
        help="rsa2048|rsa3072|rsa4096|ec256|ec384|ec521|ed25519|ed448|mldsa44|mldsa65|mldsa87.",
    ),
]
ProfileOption = Annotated[
    str,
    _option("--profile", metavar="PROFILE", help="modern, or synapse for what Synapse itself loads."),
]
PathLengthOption = Annotated[
    int | None,
    _option("--pathlen", metavar="N", min=0, max=100, help="How many CAs may stand below this one."),
]
PermitOption = Annotated[
    list[str] | None,
    _option(
        "--permit",
        metavar="NAME",
        help="Sign only below this domain, network or mailbox; repeatable.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    _option(
        "--exclude",
        metavar="NAME",
        help="Never sign below this domain, network or mailbox; repeatable.",
    ),
]
KindOption = Annotated[Kind | None, _option("--kind", help="What it is for.")]
PassphraseFileOption = Annotated[
    str | None,
    _option("--passphrase-file", metavar="FILE", help="A file whose first line is the passphrase."),
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
        if self.lock_timeout != self.lock_timeout:  # NaN: no time is ever past it
            raise InvalidInput("lock timeout", str(self.lock_timeout), "is not a number of seconds")
        return CertDir.open(self.certdir, lock_timeout=self.lock_timeout, unsafe=strictness, report=self.say)

    def say(self, sentence: str) -> None:
        """Tell the person at the terminal something, on stderr."""
        if not self.quiet:
            print(f"note: {sentence}", file=sys.stderr)


def split_sans(texts: list[str] | None) -> tuple[SubjectAltName, ...]:
    """Parse ``--san`` values, each one name or several with commas between them."""
    from easycert.pki.sans import parse_san

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
    return os.fsencode(value) or None
