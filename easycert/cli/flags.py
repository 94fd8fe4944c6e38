"""The flag form: a drop-in for Synapse's ``easycert`` tool.

Its grammar is argparse's, its lines on stdout are Synapse's, its certificates follow the ``synapse`` profile. It asks
the same workflows as the subcommands and has no logic of its own but this translation. What Synapse's tool has no line
for (a shortened validity, a directory that others can write to) goes to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

from easycert.certdir import CertDir
from easycert.cli import exits, start_up
from easycert.errors import (
    AlreadyExists,
    EasycertError,
    InvalidSan,
    MissingAuthority,
    NameLength,
    NotFound,
    UnreadableFile,
    WrongIssuer,
    printable,
)
from easycert.model import Kind
from easycert.pki.names import CommonName, SafeName, SynapseHostName
from easycert.pki.profiles import SYNAPSE
from easycert.pki.sans import SanType, SubjectAltName, typed_san
from easycert.store.directories import Strictness

if TYPE_CHECKING:
    from easycert.workflows.publish import CrlOptions

Lines = Iterable[str]

_USUAL_WIDTH = 80

_DESCRIPTION = """\
Make certificates for Synapse, with the flags of Synapse's own easycert tool.
For everything else, and modern defaults, see the subcommands: easycert --help
"""


class _Refusal(Exception):
    """A line of Synapse's own for a command that cannot be done."""


def run_flags(argv: list[str]) -> int:
    """Run one command line of the flag form and return its exit code: 0 done, 1 failed; argparse exits with 2."""
    options = _parser().parse_args(argv)
    start_up.spare_openssl_bindings()
    try:
        # Synapse's tool expands variables too: a Dockerfile's exec form has no shell that would.
        directory = options.certdir and os.path.expandvars(options.certdir)
        certdir = CertDir.open(directory, unsafe=Strictness.WARN, report=_warn)
        for line in _mode(options)(certdir, options):
            print(line)
    except _Refusal as refusal:
        print(refusal)
        return exits.FAILED
    except EasycertError as error:
        print(_line(error, options))
        return exits.FAILED
    return exits.DONE


class _Parser(argparse.ArgumentParser):
    """argparse, but what it quotes from the command line cannot move the cursor."""

    def error(self, message: str) -> NoReturn:
        super().error(message if message.isprintable() else printable(message))


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal. argparse would import shutil to ask for that width, even when it prints no help."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_width() - 2)


def _terminal_width() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL_WIDTH
    except (AttributeError, OSError, ValueError):  # no stdout at all, not a file, not a terminal
        return _USUAL_WIDTH


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="easycert", description=_DESCRIPTION, formatter_class=_HelpFormatter)
    parser.add_argument("--certdir", metavar="DIR", help="certificate directory (default: ~/.syn/certs)")
    parser.add_argument("--importfile", choices=("cas", "hosts", "users"), help="copy the file NAME into this folder")
    kinds = parser.add_argument_group("what the certificate is for (a user, unless one of these is given)")
    kinds.add_argument("--ca", action="store_true", help="a certificate authority")
    kinds.add_argument("--server", action="store_true", help="a host")
    kinds.add_argument("--code", action="store_true", help="a code signer")
    kinds.add_argument(
        "--server-sans", metavar="LIST", help="more names of the host: DNS:a,IP:10.0.0.1,email:b@c,URI:d"
    )
    parser.add_argument("--signas", metavar="CA", help="sign with this CA; without it a certificate signs itself")
    parser.add_argument("--csr", action="store_true", help="make a key and a certificate signing request")
    parser.add_argument("--sign-csr", action="store_true", help="sign the certificate signing request in the file NAME")
    parser.add_argument("--p12", action="store_true", help="pack a user's key, certificate and CA into a .p12 file")
    parser.add_argument("--crl", action="store_true", help="write the certificate revocation list of the CA NAME")
    parser.add_argument("--revokeas", metavar="CA", help="revoke the certificate NAME as this CA, which signed it")
    parser.add_argument(
        "name", metavar="NAME", help="the certificate's name, or a file for --sign-csr and --importfile"
    )
    return parser


def _mode(options: argparse.Namespace) -> Callable[[CertDir, argparse.Namespace], Lines]:
    """Return what to do; when several modes are given, the first in Synapse's order wins."""
    if options.crl:
        return _publish
    if options.revokeas is not None:  # an empty CA name is refused; Synapse's tool would issue a certificate instead
        return _revoke
    if options.importfile:
        return _import
    if options.p12:
        return _export
    if options.sign_csr:
        return _sign
    return _request if options.csr else _issue


def _publish(certdir: CertDir, options: argparse.Namespace) -> Lines:
    from easycert.workflows.publish import publish

    return [f"CRL saved: {publish(certdir, SafeName(options.name), _crl_options()).path}"]


def _revoke(certdir: CertDir, options: argparse.Namespace) -> Lines:
    from easycert.workflows.revoke import revoke

    kind = Kind.CODE if options.code else Kind.HOST if options.server else Kind.CA if options.ca else Kind.USER
    name, authority = SafeName(options.name), SafeName(options.revokeas)
    try:
        revoke(certdir, kind, name, authority, options=_crl_options())
    except MissingAuthority:
        raise
    except NotFound:
        raise _Refusal(f"Certificate not found: {name}") from None
    except WrongIssuer:
        reason = f"Failed to validate that certificate was signed by {authority}"
        raise _Refusal(f"Failed to revoke certificate: {reason}") from None
    return [f"Certificate revoked: {name}", f"CRL updated: {authority}"]


def _crl_options() -> CrlOptions:
    """Return what Synapse's CRLs are like: nobody renews them, so each is good for ten years."""
    from easycert.workflows.publish import CrlOptions

    return CrlOptions(next_update=SYNAPSE.crl_lifetime)


def _import(certdir: CertDir, options: argparse.Namespace) -> Lines:
    from easycert.workflows.import_ import SUFFIXES, copy_in

    source = options.name
    if not os.path.isfile(source):
        raise _Refusal(f"ERROR: File {printable(source)} does not exist")
    if not source.endswith(SUFFIXES):
        raise _Refusal("ERROR: importFile only supports .crt, .key, .p12 extensions")
    try:
        copied = copy_in(certdir, source, options.importfile)
    except AlreadyExists as error:
        raise _Refusal(f"ERROR: File {error.path} already exists") from None
    return [f"copied {copied.source} to {copied.path}"]


def _export(certdir: CertDir, options: argparse.Namespace) -> Lines:
    from easycert.workflows.export import export_pkcs12

    try:
        return [f"client cert saved: {export_pkcs12(certdir, SafeName(options.name)).path}"]
    except NotFound as error:
        raise _Refusal(f"ERROR: missing {error.what}") from None


def _sign(certdir: CertDir, options: argparse.Namespace) -> Lines:
    from easycert.store.files import read_file
    from easycert.workflows.sign import SigningRequest, sign_request

    if options.signas is None:
        raise _Refusal("--sign-csr requires --signas")
    kind = Kind.HOST if options.server else Kind.USER
    authority, source = CommonName(options.signas), os.path.expanduser(os.path.expandvars(options.name))
    try:
        data = read_file(source) if os.path.isfile(source) else b""
    except UnreadableFile:
        if os.access(source, os.R_OK):
            raise
        data = b""
    if not data:
        raise _Refusal(f"csr not found: {printable(options.name)}")
    wanted = SigningRequest(
        data=data,
        source=source,
        kind=kind,
        signas=authority,
        profile=SYNAPSE,
        sans=_sans(options) if kind is Kind.HOST else (),
        allow_wildcard=True,
    )
    issued = sign_request(certdir, wanted)
    _tell(issued.notes)
    return [f"cert saved: {issued.certificate_path}"]


def _request(certdir: CertDir, options: argparse.Namespace) -> Lines:
    from easycert.workflows.csr import CsrRequest, make_requests

    if options.ca:
        raise _Refusal("ERROR: CSR for CA cert not supported (yet)")
    kind = Kind.HOST if options.server else Kind.USER
    wanted = CsrRequest(kind, _name(kind, options.name), SYNAPSE, sans=_sans(options) if kind is Kind.HOST else ())
    (made,) = make_requests(certdir, [wanted])
    return [f"key saved: {made.key_path}", f"csr saved: {made.request_path}"]


def _issue(certdir: CertDir, options: argparse.Namespace) -> Lines:
    from easycert.workflows.issue import IssueRequest, issue

    kind = Kind.CA if options.ca else Kind.HOST if options.server else Kind.CODE if options.code else Kind.USER
    wanted = IssueRequest(
        kind,
        _name(kind, options.name),
        None if options.signas is None else SafeName(options.signas),
        SYNAPSE,
        sans=_sans(options) if kind is Kind.HOST else (),
    )
    (issued,) = issue(certdir, [wanted])
    _tell(issued.notes)
    if kind is Kind.USER:
        _tell(_looks_like_a_command(options.name))
    return [f"key saved: {issued.key_path}", f"cert saved: {issued.certificate_path}"]


def _looks_like_a_command(name: str) -> Iterator[str]:
    """Yield a word of warning: a subcommand with a typing error in it is the name of a user in this form."""
    from difflib import get_close_matches

    from easycert.cli.table import COMMANDS

    for near in get_close_matches(name, COMMANDS, n=1, cutoff=0.7):
        yield f"'{printable(name)}' is now a user's certificate; did you mean the subcommand '{near}'?"


def _name(kind: Kind, text: str) -> SafeName:
    return SynapseHostName(text) if kind is Kind.HOST else CommonName(text)


_SAN_PREFIXES = {f"{san_type.value}:": san_type for san_type in SanType}


def _sans(options: argparse.Namespace) -> tuple[SubjectAltName, ...]:
    return tuple(_san(item) for item in options.server_sans.split(",")) if options.server_sans else ()


def _san(item: str) -> SubjectAltName:
    for prefix, san_type in _SAN_PREFIXES.items():
        if item.startswith(prefix):
            try:
                return typed_san(san_type, item.removeprefix(prefix), underscores=True)
            except InvalidSan:
                break
    raise _Refusal(f"ERROR: Unsupported san value: {printable(item)}")


def _line(error: EasycertError, options: argparse.Namespace) -> str:
    """Return the one line that Synapse's tool prints for *error*."""
    if isinstance(error, AlreadyExists):
        return f"file exists: {error.path}"
    if isinstance(error, MissingAuthority):
        return f"ERROR: Missing {error.suffix} for {error.name}"
    if isinstance(error, NameLength):
        what = "CSR" if options.csr and not options.sign_csr else "Certificate"
        rule = "name values must be between 1-64 bytes when utf8-encoded"
        return f"ERROR: {what} {rule}. got name={printable(error.text)}, len={error.length}"
    return f"ERROR: {error}"


def _tell(notes: Iterable[str]) -> None:
    for note in notes:
        _warn(note)


def _warn(sentence: str) -> None:
    print(f"easycert: {sentence}", file=sys.stderr)
