"""``ocsp respond`` and ``ocsp-signer``: answers about single certificates, as files, and who signs them."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.commands.results import put, put_issued
from easycert.cli.options import (
    SETTINGS,
    DaysOption,
    DetailedExitCodeOption,
    ForceOption,
    Habits,
    KeyTypeOption,
    NotAfterOption,
    Output,
    argument,
    complete_authorities,
    option,
    validity_end,
)
from easycert.cli.render import plain
from easycert.cli.spread import spread
from easycert.errors import InvalidInput
from easycert.pki.keys import KeyType
from easycert.pki.names import SafeName
from easycert.pki.ocsp import State
from easycert.pki.validity import parse_when, rfc3339
from easycert.pki.wording import even_hex
from easycert.store.files import read_file
from easycert.store.outside import require_writable, write_file
from easycert.workflows.ocsp import LIFETIME, Responded, RespondRequest, SignerRequest, make_signer, respond

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Answer OCSP requests from what CRL and ledger know.",
    context_settings=SETTINGS,
)

RequestArgument = Annotated[str, argument(metavar="REQUEST", help="The OCSP request, a file in DER.")]
OutOption = Annotated[str | None, option("--out", metavar="FILE", help="Where the response goes; else to stdout.")]
UntilOption = Annotated[
    str | None,
    option("--next-update", metavar="WHEN", help="Until when the answers hold: 12h, 4d, a date or RFC 3339."),
]
AuthorityOption = Annotated[
    str,
    option(
        "--signas",
        metavar="CA",
        help="The CA for which it answers, and that signs it.",
        autocompletion=complete_authorities,
    ),
]
DueOption = Annotated[bool, option("--due", help="Only where there is none, or a third of its life or less is left.")]


def respond_(
    request: RequestArgument,
    out: OutOption = None,
    next_update: UntilOption = None,
    force: ForceOption = False,
    *,
    habits: Habits,
) -> None:
    """Answer an OCSP request: good, revoked or unknown for each certificate that it asks for.

    The answers hold for four days. They are signed by the certificate that easycert ocsp-signer made for the CA, or by
    the CA itself. What the CA is not known to have issued is unknown, never good.
    """
    _require_outlet(out, habits)
    wanted = RespondRequest(read_file(request), request, LIFETIME if next_update is None else parse_when(next_update))
    if out is not None:
        require_writable(out, replace=force)
    done = respond(habits.open(), wanted)
    for note in done.notes:
        habits.say(note)
    if out is None:
        sys.stdout.buffer.write(done.response)
        return
    write_file(out, done.response, replace=force)
    put(habits, "ocsp", [_row(done, out)], _texts(done, out))


@app.callback()
def _group() -> None:
    """Stand for the group, which Typer would else do away with as long as it has one command."""


app.command("respond", context_settings=SETTINGS)(spread(respond_))


def ocsp_signer(
    signas: AuthorityOption,
    days: DaysOption = None,
    not_after: NotAfterOption = None,
    key_type: KeyTypeOption = None,
    due: DueOption = False,
    detailed_exitcode: DetailedExitCodeOption = False,
    force: ForceOption = False,
    *,
    habits: Habits,
) -> None:
    """Make the key and certificate that answer OCSP requests for a CA: ocsp/CA-ocsp.key and .crt, valid 30 days.

    With them the CA's own key need not be where requests are answered. They are for nothing else.
    """
    if detailed_exitcode and not due:
        raise InvalidInput("option", "--detailed-exitcode", "goes with --due only: else there is always work to do")
    wanted = SignerRequest(
        SafeName(signas), None if key_type is None else KeyType.parse(key_type), validity_end(days, not_after), due
    )
    made = make_signer(habits.open(), wanted, replace=force)
    if made is None:
        habits.say(f"the OCSP signer of the CA '{signas}' is not due")
    put_issued([] if made is None else [made], habits)
    if detailed_exitcode and made is None:
        raise typer.Exit(exits.NOTHING_DUE)


def _require_outlet(out: str | None, habits: Habits) -> None:
    """Refuse to print DER where a person, or JSON, would be looking at it."""
    if out is None and habits.output is Output.JSON:
        raise InvalidInput("option", "--output json", "needs --out FILE: stdout cannot hold the response, too")
    if out is None and sys.stdout.isatty():
        raise InvalidInput("option", "--out", "is needed on a terminal: a response is DER, which none can show")


def _row(done: Responded, out: str) -> dict[str, Any]:
    return {
        "status": "unauthorized" if done.authority is None else "successful",
        "issuer": done.authority,
        "signer": done.signer,
        "answers": [
            {
                "serial": even_hex(item.serial),
                "state": item.state.value,
                "date": plain(item.revoked_at),
                "reason": item.reason.value if item.state is State.REVOKED else None,
            }
            for item in done.answers
        ],
        "next_update": plain(done.next_update),
        "response": out,
        "notes": list(done.notes),
    }


def _texts(done: Responded, out: str) -> Iterator[str]:
    for item in done.answers:
        revoked = item.state is State.REVOKED and item.revoked_at is not None
        since = f" on {rfc3339(item.revoked_at)} ({item.reason.value})" if revoked and item.revoked_at else ""
        yield f"{even_hex(item.serial)}: {item.state.value}{since}"
    if done.next_update is not None:
        yield f"  signed by  {done.signer}, until {rfc3339(done.next_update)}"
    yield f"  response   {out}"
