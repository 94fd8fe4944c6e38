"""``verify``: is this certificate good, for this, at this time, and if not, why? It changes nothing."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
import warnings
from typing import TYPE_CHECKING, Annotated

import typer

from easycert.cli import exits
from easycert.cli.options import Habits, Output, argument, complete_certificates, option
from easycert.cli.render import Palette, as_json
from easycert.errors import VerificationFailed
from easycert.model import Kind, Value
from easycert.pki.paths import MAX_DEPTH
from easycert.pki.rules import Purpose
from easycert.pki.wording import one_line, readable_name

if TYPE_CHECKING:
    from datetime import datetime

    from easycert.workflows.verify import Verification, VerifyRequest

Target = Annotated[
    str,
    argument(
        metavar="NAME|FILE",
        help="A name in the certificate directory, or a file.",
        autocompletion=complete_certificates,
    ),
]
KindOption = Annotated[Kind | None, option("--kind", help="Which one, where several kinds have this name.")]
PurposeOption = Annotated[
    Purpose | None,
    option("--purpose", help="What it must be good for; by default what it is."),
]
HostNameOption = Annotated[
    str | None,
    option("--hostname", metavar="HOST", help="The host that it must name; by default its own NAME."),
]
NoHostNameOption = Annotated[bool, option("--no-hostname", help="Do not ask which host it names.")]
EmailOption = Annotated[str | None, option("--email", metavar="ADDRESS", help="The mailbox that it must name.")]
AtOption = Annotated[
    str | None,
    option("--at", metavar="WHEN", help="Judge it at another time: 90d, a date or RFC 3339."),
]
MaxDepthOption = Annotated[
    int,
    option("--max-depth", metavar="N", min=0, max=255, help=f"At most N CAs up to the trusted one: {MAX_DEPTH}."),
]
TrustOption = Annotated[
    list[str] | None,
    option("--trust", metavar="FILE|DIR", help="Trust the certificates in it, and not cas/; repeatable."),
]
UntrustedOption = Annotated[
    list[str] | None,
    option("--untrusted", metavar="FILE|DIR", help="Certificates that may stand between; repeatable."),
]
CrlOption = Annotated[list[str] | None, option("--crl", metavar="FILE|DIR", help="CRLs to look at; repeatable.")]
RequireCrlOption = Annotated[bool, option("--require-crl", help="Fail where no fresh CRL tells its status.")]


class Evidence(Value):
    """What the certificate is judged by."""

    trust: TrustOption = None
    untrusted: UntrustedOption = None
    crl: CrlOption = None
    require_crl: RequireCrlOption = False
    max_depth: MaxDepthOption = MAX_DEPTH


class Wanted(Value):
    """What the certificate must be good for."""

    purpose: PurposeOption = None
    hostname: HostNameOption = None
    no_hostname: NoHostNameOption = False
    email: EmailOption = None
    at: AtOption = None


def verify(
    target: Target,
    kind: KindOption = None,
    *,
    wanted: Wanted,
    evidence: Evidence,
    habits: Habits,
) -> None:
    """Verify a certificate: a path to a root in cas/, dates, purpose, host name, CRLs, and the key beside it.

    Every reason against it is named, with the rule that it breaks, and the exit code is then 4. The system's own CAs
    are never trusted. With --trust, nothing is taken from the certificate directory but the certificate itself.
    """
    from easycert.workflows.verify import verify_named

    opened = habits.open()
    request = _request(target, kind, wanted, evidence, opened.now())
    try:
        with warnings.catch_warnings():  # cryptography's, of what it reads: the reasons say the same, and better
            warnings.simplefilter("ignore")
            verified = verify_named(opened, request)
    except VerificationFailed as error:
        _tell_failure(error, habits.output)
        raise typer.Exit(exits.NOT_VERIFIED) from None
    _tell_success(verified, request, habits)


def _request(target: str, kind: Kind | None, wanted: Wanted, evidence: Evidence, now: "datetime") -> "VerifyRequest":
    from easycert.pki.validity import parse_when
    from easycert.workflows.verify import VerifyRequest

    return VerifyRequest(
        target,
        kind,
        purpose=wanted.purpose,
        hostname=wanted.hostname,
        at=parse_when(wanted.at).resolve(now) if wanted.at is not None else None,
        require_crl=evidence.require_crl,
        email=wanted.email,
        no_hostname=wanted.no_hostname,
        max_depth=evidence.max_depth,
        trust=tuple(evidence.trust or ()),
        untrusted=tuple(evidence.untrusted or ()),
        crls=tuple(evidence.crl or ()),
    )


def _tell_success(verified: "Verification", request: "VerifyRequest", habits: Habits) -> None:
    for note in verified.notes:
        habits.say(note)
    if habits.output is Output.JSON:
        print(as_json("verification", {"verified": True, "reasons": (), **vars(verified)}))
    elif not habits.quiet:
        palette = Palette.of(sys.stdout)
        subject = (
            f"{verified.kind.value} {readable_name(verified.name)}"
            if verified.kind and verified.name
            else one_line(request.target)
        )
        purpose = "" if verified.purpose is Purpose.ANY else f" as a {_SHOWN_PURPOSES[verified.purpose]}"
        names = " and ".join(filter(None, (verified.hostname, verified.email)))
        print(f"{subject} {palette.paint('verifies', 'green')}{purpose}{f' for {names}' if names else ''}")
        for certificate in verified.chain:
            print(f"  {certificate}")


_SHOWN_PURPOSES = {
    Purpose.SERVER: "server",
    Purpose.CLIENT: "client",
    Purpose.CODE: "signer of code",
    Purpose.CA: "CA",
}


def _tell_failure(error: VerificationFailed, output: Output) -> None:
    """Print every reason; a program that asked for JSON gets them as such, on stdout."""
    if output is Output.JSON:
        print(as_json("verification", {"verified": False, "subject": error.subject, "reasons": error.reasons}))
        return
    print(f"error: {one_line(error.subject)} does not verify:", file=sys.stderr)
    for reason in error.reasons:
        print(f"- {reason}", file=sys.stderr)
