"""``probe``: a real handshake with a server, what it tells, and what is wrong in either direction."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.options import (
    ExitZeroOption,
    Habits,
    Output,
    Passphrase,
    argument,
    complete_authorities,
    complete_certificates,
    option,
    with_passphrase,
)
from easycert.cli.render import Palette, as_json
from easycert.errors import InvalidInput
from easycert.model import Value
from easycert.pki.validity import rfc3339
from easycert.pki.wording import one_line, readable_name
from easycert.tls.places import Place, parse_place
from easycert.tls.starttls import StartTls

if TYPE_CHECKING:
    from easycert.cli.mending import Mending
    from easycert.workflows.probe import Probe, ProbeRequest
    from easycert.workflows.probe_faults import Fault
    from easycert.workflows.probe_links import Link

ServerArgument = Annotated[str, argument(metavar="HOST:PORT|URL", help="The server; https:// and ssl:// URLs, too.")]
CertOption = Annotated[
    str | None,
    option("--cert", metavar="USER", help="Present this user's certificate.", autocompletion=complete_certificates),
]
ServerNameOption = Annotated[
    str | None, option("--servername", metavar="NAME", help="The name that it must have, and is asked for by (SNI).")
]
CaOption = Annotated[
    list[str] | None,
    option("--ca", metavar="CA|FILE", help="Trust this CA only; repeatable.", autocompletion=complete_authorities),
]
SystemOption = Annotated[bool, option("--system", help="Trust the CAs of the operating system, too.")]
StartTlsOption = Annotated[StartTls | None, option("--starttls", help="Begin in the clear, as this protocol does.")]
StapleOption = Annotated[
    bool, option("--staple", help="Ask for a stapled OCSP response, too, by a second connection in TLS 1.2.")
]
TimeoutOption = Annotated[
    float, option("--timeout", metavar="SECONDS", min=0.1, max=3600, help="How long it may take altogether.")
]
#: Names that are shown of a certificate that has many; JSON has all.
_SHOWN_NAMES = 12


class Trust(Value):
    """Whom to trust."""

    ca: CaOption = None
    system: SystemOption = False


class Manner(Value):
    """How to talk to the server."""

    cert: CertOption = None
    servername: ServerNameOption = None
    starttls: StartTlsOption = None
    staple: StapleOption = False
    timeout: TimeoutOption = 10.0


def probe(
    server: ServerArgument,
    exit_zero: ExitZeroOption = False,
    *,
    manner: Manner,
    trust: Trust,
    secret: Passphrase,
    habits: Habits,
) -> None:
    """Shake hands with a TLS server, and say who it is, whether it is what it should be, and whether it takes us.

    It is judged as verify judges, by the CAs in cas/. Each fault is named with the certificate, the rule, the file and
    the command that mends it. It exits 4 when we refuse the server or it refuses us, 1 when there is no handshake, 3
    when a certificate has less than a third of its life left, else 0.
    """
    from easycert.cli.mending import Mending
    from easycert.workflows.probe import probe as probe_server

    place = parse_place(server)
    request = _request(server, place, manner, trust)
    certdir = habits.open()
    with warnings.catch_warnings():  # cryptography's, of what it reads: the faults say the same, and better
        warnings.simplefilter("ignore")
        found = (
            with_passphrase(secret, lambda given: probe_server(certdir, request._replace(passphrase=given)))
            if request.user is not None or request.url is not None
            else probe_server(certdir, request)
        )
    mending = Mending(habits.certdir, _words(server, manner), found.faults)
    _tell(found, mending, habits)
    if not exit_zero:
        raise typer.Exit(_code(found))


def _request(server: str, place: Place, manner: Manner, trust: Trust) -> "ProbeRequest":
    from easycert.tls.handshake import HTTP_PROTOCOLS
    from easycert.tls.urls import parse_url
    from easycert.workflows.probe import ProbeRequest

    if place.scheme and manner.starttls:
        raise InvalidInput("option", "--starttls", "cannot stand beside a URL, which says how the connection begins")
    url = parse_url(server) if place.scheme == "ssl" else None
    port = place.port or (manner.starttls.port if manner.starttls else None)
    if port is None:
        raise InvalidInput("server", server, "has no port: write HOST:PORT")
    return ProbeRequest(
        place.host,
        port,
        manner.servername or (str(url.hostname) if url is not None else None),
        manner.cert,
        tuple(trust.ca or ()),
        trust.system,
        manner.starttls,
        () if manner.starttls or url is not None else HTTP_PROTOCOLS,
        manner.timeout,
        url=url,
        staple=manner.staple,
    )


def _words(server: str, manner: Manner) -> list[str]:
    words = [server]
    if manner.servername:
        words += ["--servername", manner.servername]
    return [*words, "--starttls", manner.starttls.value] if manner.starttls else words


def _code(found: "Probe") -> int:
    if found.faults:
        return exits.NOT_VERIFIED
    return exits.DUE if found.due else exits.DONE


def _tell(found: "Probe", mending: "Mending", habits: Habits) -> None:
    for note in found.notes:
        habits.say(one_line(note))
    for link in found.due:
        habits.say(f"{link.subject} ends on {rfc3339(link.not_after)}, {_in_days(link)}")
    if habits.output is Output.JSON:
        print(as_json("probe", _fields(found, mending)))
        return
    palette = Palette.of(sys.stdout)
    if not habits.quiet:
        for line in _lines(found, palette):
            print(line)
    for line in _fault_lines(found, mending):
        print(line, file=sys.stderr)


def _in_days(link: "Link") -> str:
    if link.days_left < 0:
        return "which has passed"
    return f"in {link.days_left} day{'' if link.days_left == 1 else 's'}"


def _fields(found: "Probe", mending: "Mending") -> dict[str, Any]:
    faults = [
        {
            "side": fault.side,
            "subject": fault.subject,
            "path": fault.path,
            "rule": fault.rule,
            "section": fault.section,
            "fix": mending.command(fault) or None,
        }
        for fault in found.faults
    ]
    head = {name: value for name, value in vars(found).items() if name not in ("faults", "notes")}
    due = [link.subject for link in found.due]
    return {"verified": not found.faults, **head, "faults": faults, "due": due, "notes": found.notes}


def _lines(found: "Probe", palette: Palette) -> Iterator[str]:
    good = palette.paint("good", "green") if not found.faults else palette.paint("refused", "red")
    yield f"{one_line(found.host)} port {found.port} ({found.address}): {good}"
    alpn = f"ALPN {one_line(found.alpn)}" if found.alpn else None
    agreed = (found.protocol or "no protocol agreed", found.cipher, found.group, alpn)
    yield f"  {', '.join(filter(None, agreed))}"
    yield f"  name: {found.servername}"
    if found.staple is not None:
        end = f", until {rfc3339(found.staple.next_update)}" if found.staple.next_update else ""
        yield f"  stapled OCSP response: {found.staple.status or 'of no use'}{end}"
    yield from _client_lines(found)
    for number, link in enumerate(found.chain):
        yield from _link_lines(link, number, palette)
    if found.anchor is not None and found.anchor not in found.chain:
        yield from _link_lines(found.anchor, None, palette)


def _client_lines(found: "Probe") -> Iterator[str]:
    client = found.client
    if not client.asked:
        yield "  client certificate: not asked for"
        return
    source = f" from {_listed(client.authorities)}" if client.authorities else ""
    yield f"  client certificate: asked for{source}"
    who = one_line(client.presented) if client.presented else "none"
    verdict = {True: "accepted", False: "refused", None: "not refused, as far as can be seen"}[client.accepted]
    yield f"  presented: {who}, {verdict}"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(map(one_line, names[:_SHOWN_NAMES]))
    return shown + (f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else "")


def _link_lines(link: "Link", number: int | None, palette: Palette) -> Iterator[str]:
    place = "trusted" if number is None else str(number)
    yield f"  {place}: {palette.paint(one_line(link.subject), 'bold')}"
    yield f"     issuer   {one_line(link.issuer)}"
    if link.names:
        yield f"     names    {_listed(link.names)}"
    yield f"     valid    {rfc3339(link.not_before)} to {rfc3339(link.not_after)} ({link.state})"
    yield f"     key      {link.key_type}, SHA-256 {link.sha256}"
    if link.path and link.kind and link.name:
        yield f"     file     {one_line(link.path)} ({link.kind.value} {readable_name(link.name)})"


def _fault_lines(found: "Probe", mending: "Mending") -> Iterator[str]:
    if not found.faults:
        return
    yield f"error: {one_line(found.host)}:{found.port}: {_who_refuses(found)}:"
    for fault, next_one in zip(found.faults, (*found.faults[1:], None), strict=True):
        yield f"- {_sentence(fault)}"
        fix = mending.command(fault)
        if fix and (next_one is None or mending.command(next_one) != fix):
            yield f"  fix: {fix}"


def _who_refuses(found: "Probe") -> str:
    sides = {fault.side.value for fault in found.faults}
    if len(sides) == 2:
        return "we refuse the server, and it refuses us"
    return "the server is refused" if "server" in sides else "the server refuses us"


def _sentence(fault: "Fault") -> str:
    if fault.subject is None:
        return f"{one_line(fault.rule)} [{fault.section}]"
    where = f" ({one_line(fault.path)})" if fault.path else ""
    return f"{one_line(fault.subject)}{where} {one_line(fault.rule)} [{fault.section}]"
