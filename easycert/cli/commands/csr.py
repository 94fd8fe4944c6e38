"""``csr`` and ``sign``: certificate signing requests, from both sides."""

from __future__ import annotations

from typing import Annotated

import typer

from easycert.cli.commands.results import put_issued, put_requests
from easycert.cli.options import (
    DEFAULT_LOCK_TIMEOUT,
    SETTINGS,
    AllowUnsafeOption,
    CertDirOption,
    DaysOption,
    ForceOption,
    Habits,
    KeyTypeOption,
    LockTimeoutOption,
    Names,
    NotAfterOption,
    NotBeforeOption,
    Output,
    OutputOption,
    PathLengthOption,
    ProfileOption,
    QuietOption,
    SanOption,
    SubjectOption,
    split_sans,
    validity_end,
)
from easycert.model import Kind
from easycert.pki.keys import KeyType
from easycert.pki.names import NAMES, SafeName
from easycert.pki.profiles import profile_named
from easycert.pki.subjects import parse_subject
from easycert.pki.validity import parse_when
from easycert.store.files import read_file
from easycert.workflows.csr import CsrRequest, make_requests
from easycert.workflows.sign import SigningRequest, sign_request

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make a key and a certificate signing request.",
)

_HELP = {
    Kind.HOST: "Make keys and signing requests for hosts.",
    Kind.USER: "Make keys and signing requests for users.",
    Kind.CA: "Make keys and signing requests for CAs below a root elsewhere.",
    Kind.CODE: "Make keys and signing requests for code signers.",
}

AsOption = Annotated[Kind, typer.Option("--as", help="What the certificate is for.")]
FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="The signing request, PEM or DER.", show_default=False)
]
SignAsRequired = Annotated[str, typer.Option("--signas", metavar="CA", help="The CA that signs.", show_default=False)]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="The name, instead of the one asked for.", show_default=False),
]
AllowWildcardOption = Annotated[bool, typer.Option("--allow-wildcard", help="Sign a request for a wildcard name.")]


def _add_request_command(kind: Kind) -> None:
    @app.command(kind.value, help=_HELP[kind], context_settings=SETTINGS)
    def request(
        names: Names,
        san: SanOption = None,
        subject: SubjectOption = None,
        key_type: KeyTypeOption = None,
        profile: ProfileOption = "modern",
        force: ForceOption = False,
        certdir: CertDirOption = None,
        lock_timeout: LockTimeoutOption = DEFAULT_LOCK_TIMEOUT,
        allow_unsafe: AllowUnsafeOption = False,
        output: OutputOption = Output.TEXT,
        quiet: QuietOption = False,
    ) -> None:
        habits = Habits(certdir, lock_timeout, allow_unsafe, output, quiet)
        wanted = [
            CsrRequest(
                kind,
                NAMES[kind](name),
                profile_named(profile),
                split_sans(san),
                parse_subject(subject or ""),
                None if key_type is None else KeyType.parse(key_type),
            )
            for name in names
        ]
        put_requests(make_requests(habits.open(), wanted, replace=force), habits)


for _kind in _HELP:
    _add_request_command(_kind)


def sign(
    file: FileArgument,
    signas: SignAsRequired,
    as_: AsOption = Kind.HOST,
    name: NameOption = None,
    san: SanOption = None,
    days: DaysOption = None,
    not_after: NotAfterOption = None,
    not_before: NotBeforeOption = None,
    profile: ProfileOption = "modern",
    pathlen: PathLengthOption = None,
    allow_wildcard: AllowWildcardOption = False,
    force: ForceOption = False,
    certdir: CertDirOption = None,
    lock_timeout: LockTimeoutOption = DEFAULT_LOCK_TIMEOUT,
    allow_unsafe: AllowUnsafeOption = False,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
) -> None:
    """Sign a certificate signing request that somebody sent.

    The names and the subject it asks for are kept; whatever else it asks for (CA:TRUE, key usages, ...) is not granted,
    and said. A wrong signature, a weak key or a key that another name has already is refused.
    """
    habits = Habits(certdir, lock_timeout, allow_unsafe, output, quiet)
    wanted = SigningRequest(
        data=read_file(file),
        source=file,
        kind=as_,
        signas=SafeName(signas),
        profile=profile_named(profile),
        name=None if name is None else NAMES[as_](name),
        sans=split_sans(san),
        end=validity_end(days, not_after),
        start=None if not_before is None else parse_when(not_before),
        path_length=pathlen,
        allow_wildcard=allow_wildcard,
    )
    put_issued([sign_request(habits.open(), wanted, replace=force)], habits)
