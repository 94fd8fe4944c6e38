"""``csr`` and ``sign``: certificate signing requests, from both sides."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

from typing import Annotated

import typer

from easycert.cli.commands.results import put_issued, put_requests
from easycert.cli.options import (
    SETTINGS,
    DaysOption,
    ForceOption,
    Habits,
    KeyTypeOption,
    Names,
    NotAfterOption,
    NotBeforeOption,
    PathLengthOption,
    ProfileOption,
    SanOption,
    SubjectOption,
    argument,
    complete_authorities,
    option,
    split_sans,
    subject_attributes,
    validity_end,
)
from easycert.cli.spread import spread
from easycert.model import Kind
from easycert.pki.keys import KeyType
from easycert.pki.names import NAMES, SafeName
from easycert.pki.validity import parse_when
from easycert.store.files import read_file
from easycert.workflows.csr import CsrRequest, make_requests
from easycert.workflows.sign import SigningRequest, sign_request

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make a key and a certificate signing request.",
    context_settings=SETTINGS,
)

_HELP = {
    Kind.HOST: "Make keys and signing requests for hosts.",
    Kind.USER: "Make keys and signing requests for users.",
    Kind.CA: "Make keys and signing requests for CAs below a root elsewhere.",
    Kind.CODE: "Make keys and signing requests for code signers.",
}

AsOption = Annotated[Kind, option("--as", envvar="EASYCERT_AS", help="What the certificate is for.")]
FileArgument = Annotated[str, argument(metavar="FILE", help="The signing request, PEM or DER.")]
SignAsRequired = Annotated[
    str, option("--signas", metavar="CA", help="The CA that signs.", autocompletion=complete_authorities)
]
NameOption = Annotated[
    str | None,
    option("--name", metavar="NAME", help="The name, instead of the one asked for."),
]
AllowWildcardOption = Annotated[bool, option("--allow-wildcard", help="Sign a request for a wildcard name.")]


def _add_request_command(kind: Kind) -> None:
    def request(
        names: Names,
        san: SanOption = None,
        subject: SubjectOption = None,
        key_type: KeyTypeOption = None,
        profile: ProfileOption = None,
        force: ForceOption = False,
        *,
        habits: Habits,
    ) -> None:
        certdir = habits.open()
        chosen = certdir.settings.profile_for(profile)
        wanted = [
            CsrRequest(
                kind,
                NAMES[kind](name),
                chosen,
                split_sans(san),
                subject_attributes(subject, certdir.settings, chosen),
                None if key_type is None else KeyType.parse(key_type),
            )
            for name in names
        ]
        put_requests(make_requests(certdir, wanted, replace=force), habits)

    app.command(kind.value, help=_HELP[kind], context_settings=SETTINGS)(spread(request))


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
    profile: ProfileOption = None,
    pathlen: PathLengthOption = None,
    allow_wildcard: AllowWildcardOption = False,
    force: ForceOption = False,
    *,
    habits: Habits,
) -> None:
    """Sign a certificate signing request that somebody sent.

    The names and the subject it asks for are kept; whatever else it asks for (CA:TRUE, key usages, ...) is not granted,
    and said. A wrong signature, a weak key or a key that another name has already is refused.
    """
    certdir = habits.open()
    wanted = SigningRequest(
        data=read_file(file),
        source=file,
        kind=as_,
        signas=SafeName(signas),
        profile=certdir.settings.profile_for(profile),
        name=None if name is None else NAMES[as_](name),
        sans=split_sans(san),
        end=validity_end(days, not_after),
        start=None if not_before is None else parse_when(not_before),
        path_length=pathlen,
        allow_wildcard=allow_wildcard,
    )
    put_issued([sign_request(certdir, wanted, replace=force)], habits)
