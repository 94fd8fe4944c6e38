"""``show``: look at one thing."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
from typing import Annotated

from easycert.cli.options import (
    Habits,
    Output,
    Passphrase,
    argument,
    complete_anything,
    option,
    with_passphrase,
)
from easycert.cli.render import Palette, as_json
from easycert.errors import InvalidInput
from easycert.model import Kind

Target = Annotated[
    str,
    argument(
        metavar="NAME|FILE",
        help="A name in the certificate directory, or a file.",
        autocompletion=complete_anything,
    ),
]
KindOption = Annotated[Kind | None, option("--kind", help="Which one, where several kinds have this name.")]
PemOption = Annotated[bool, option("--pem", help="Print it in PEM instead; private keys never.")]


def show(
    target: Target,
    kind: KindOption = None,
    pem: PemOption = False,
    *,
    passphrase: Passphrase,
    habits: Habits,
) -> None:
    """Show what a person wants to know about a certificate, key, signing request, CRL or PKCS#12 file.

    A passphrase, where one is needed, comes from --passphrase-file, --passphrase-fd, EASYCERT_PASSPHRASE or a prompt.
    """
    from easycert.workflows.show import public_pem, shown

    if pem:
        if habits.output is Output.JSON:
            raise InvalidInput("option", "--pem", "cannot stand beside -o json: both say how to print")
        print(public_pem(habits.open(), target, kind=kind).decode("ascii"), end="")
        return
    certdir = habits.open()
    found = with_passphrase(passphrase, lambda secret: shown(certdir, target, kind=kind, passphrase=secret))
    if habits.output is Output.JSON:
        print(as_json("contents", found))
    elif not habits.quiet:
        from easycert.cli.sheets import shown_text

        print(shown_text(found, Palette.of(sys.stdout)))
