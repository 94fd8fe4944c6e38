"""``run``: a command that trusts the CAs of the certificate directory, or those of a PKI that is made for it alone."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from easycert.cli import exits
from easycert.cli.handover import become, run_beside
from easycert.cli.options import SETTINGS, Place, argument, complete_authorities, complete_users, option
from easycert.cli.spread import spread
from easycert.errors import InvalidInput
from easycert.pki.names import SafeName
from easycert.workflows.environment import EnvironmentRequest, environment, for_child

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Command = Annotated[list[str], argument(metavar="CMD...", help="The command and its arguments.")]
AuthoritiesOption = Annotated[
    list[str] | None,
    option(
        "--ca",
        metavar="CA",
        help="Trust this CA only; repeatable. Without it, all in cas/.",
        autocompletion=complete_authorities,
    ),
]
CertOption = Annotated[
    str | None,
    option(
        "--cert",
        metavar="USER",
        help="Let clients show the certificate of this user.",
        autocompletion=complete_users,
    ),
]
EphemeralOption = Annotated[
    bool, option("--ephemeral", help="Make a throw-away PKI for the command, and remove it afterwards.")
]
HostOption = Annotated[
    list[str] | None,
    option("--host", metavar="HOST", help="With --ephemeral: a host that it has (localhost); repeatable."),
]
UserOption = Annotated[
    list[str] | None,
    option("--user", metavar="USER", help="With --ephemeral: a user that it has; repeatable."),
]


def run(
    command: Command,
    ca: AuthoritiesOption = None,
    cert: CertOption = None,
    ephemeral: EphemeralOption = False,
    host: HostOption = None,
    user: UserOption = None,
    *,
    place: Place,
) -> None:
    """Run a command that trusts the CAs of the certificate directory, beside all that it trusts anyway.

    The variables that programs read are set for it, and its exit code is that of easycert. With --ephemeral it gets a
    PKI of its own, whose files EASYCERT_HOST_CERT_FILE, EASYCERT_HOST_KEY_FILE and EASYCERT_CA_FILE name.
    """
    if not ephemeral:
        _require_none("--host", host)
        _require_none("--user", user)
        _run(command, ca, cert, place)
        return
    _require_none("--ca", ca)
    _require_none("--cert", cert)
    code = _run_ephemeral(command, host or ["localhost"], user or [], place)
    if code:
        raise typer.Exit(exits.BySignal(128 - code) if code < 0 else code)


def _run(command: list[str], ca: list[str] | None, cert: str | None, place: Place) -> None:
    request = EnvironmentRequest(os.environ, tuple(SafeName(name) for name in ca or ()), cert)
    found = environment(place.open(), request)
    put_notes(found.notes, found.overridden, place)
    become(command, for_child(os.environ, found.variables))


def _run_ephemeral(command: list[str], hosts: list[str], users: list[str], place: Place) -> int:
    # What making certificates needs, trusting them does not.
    from easycert.pki.names import HostName, UserName
    from easycert.workflows.ephemeral import EphemeralRequest, ephemeral

    request = EphemeralRequest(tuple(map(HostName, hosts)), tuple(map(UserName, users)), os.environ)
    with ephemeral(request, place.say) as made:
        put_notes(made.notes, made.overridden, place)
        return run_beside(command, for_child(os.environ, made.variables))


def put_notes(notes: Sequence[str], overridden: Sequence[str], place: Place) -> None:
    """Say what is not as a person might expect it."""
    for note in notes:
        place.say(note)
    if overridden:
        place.say(f"set anew, whatever it said before: {', '.join(overridden)}")


def _require_none(name: str, given: object) -> None:
    if given:
        why = "goes with --ephemeral only" if name in ("--host", "--user") else "cannot stand beside --ephemeral"
        raise InvalidInput("option", name, why)


# What follows the command's name is the command's: its options are none of ours.
app.command("run", context_settings={**SETTINGS, "allow_interspersed_args": False})(spread(run))
