"""The flags of Synapse's form, declared for completion only: :mod:`easycert.cli.flags` parses and runs them."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

from enum import Enum
from typing import Annotated

from easycert.cli.options import argument, complete_anything, complete_authorities, option


class Folder(Enum):
    """Where ``--importfile`` puts a file."""

    CAS = "cas"
    HOSTS = "hosts"
    USERS = "users"


def flag_form(
    name: Annotated[str | None, argument(autocompletion=complete_anything)] = None,
    certdir: Annotated[str | None, option("--certdir", help="certificate directory")] = None,
    importfile: Annotated[Folder | None, option("--importfile", help="copy the file NAME into this folder")] = None,
    ca: Annotated[bool, option("--ca", help="a certificate authority")] = False,
    server: Annotated[bool, option("--server", help="a host")] = False,
    code: Annotated[bool, option("--code", help="a code signer")] = False,
    server_sans: Annotated[str | None, option("--server-sans", help="more names of the host")] = None,
    signas: Annotated[
        str | None, option("--signas", help="sign with this CA", autocompletion=complete_authorities)
    ] = None,
    csr: Annotated[bool, option("--csr", help="make a key and a request")] = False,
    sign_csr: Annotated[bool, option("--sign-csr", help="sign the request in the file NAME")] = False,
    p12: Annotated[bool, option("--p12", help="pack a user's key, certificate and CA")] = False,
    crl: Annotated[bool, option("--crl", help="write the CRL of the CA NAME")] = False,
    revokeas: Annotated[
        str | None, option("--revokeas", help="revoke NAME as this CA", autocompletion=complete_authorities)
    ] = None,
) -> None:
    """Stand for the flag form in the eyes of a shell; it is never run."""
