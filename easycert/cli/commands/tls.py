"""``tls serve``: a small TLS server for trying things."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from easycert.cli.options import SETTINGS, Habits, Output, argument, option
from easycert.cli.render import as_json
from easycert.cli.spread import spread
from easycert.errors import InvalidInput, InvalidUrl, UnreadableFile
from easycert.model import Value

if TYPE_CHECKING:
    from easycert.tls.serve import Conversation, Server
    from easycert.tls.urls import SslUrl

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Try TLS with the certificates that are here.",
    context_settings=SETTINGS,
)

UrlArgument = Annotated[
    str, argument(metavar="URL", help="ssl://HOST:PORT/?hostname=..&ca=.. echoes lines, https://.. answers HTTP.")
]
FilesOption = Annotated[
    str | None, option("--files", metavar="DIR", help="With https, serve the files in DIR instead of a page.")
]
RequireCrlOption = Annotated[bool, option("--require-crl", help="Refuse clients for whom no fresh CRL speaks.")]
_HTTPS = "https://"
_HTTPS_PORT = 443


class Served(Value):
    """What is served, and to whom."""

    files: FilesOption = None
    require_crl: RequireCrlOption = False


def serve(url: UrlArgument, *, served: Served, habits: Habits) -> None:
    """Serve with a host's certificate until interrupted: echo lines (ssl://), or answer HTTP (https://).

    hostname= names the certificates in hosts/, ca= the CA that clients must be of. It prints where it listens (port 0
    is any free one), and on stderr a line for each connection. What is renewed is taken up at once.
    """
    import gc

    from easycert.tls.contexts import server_context
    from easycert.tls.serve import Listening, Server

    parsed, converse = _wanted(url, served)
    context = server_context(parsed, habits.open(), report=habits.say, require_crl=served.require_crl)
    context.set_alpn_protocols([] if url.lower().startswith("ssl:") else ["http/1.1"])
    gc.enable()  # it is switched off for commands that end soon
    with Server(Listening(str(parsed.host), parsed.port), context, converse, habits.say) as server:
        _announce(url, parsed, server, habits)
        server.serve_forever(poll_interval=0.25)


def _wanted(url: str, served: Served) -> "tuple[SslUrl, Conversation]":
    """Return the URL as one of ssl://, and what to talk about. Raises InvalidInput and UnreadableFile."""
    from dataclasses import replace

    from easycert.tls.urls import DEFAULT_PORT, parse_url

    if not url.lower().startswith((_HTTPS, "ssl://")):
        raise InvalidUrl("...", "begins with neither ssl:// nor https://: write ssl://HOST:PORT/?hostname=NAME")
    if not url.lower().startswith(_HTTPS):
        if served.files is not None:
            raise InvalidInput("option", "--files", "is for https:// URLs")
        from easycert.tls.serve import echo

        return parse_url(url), echo
    from easycert.tls.pages import files, page

    rest = url[len(_HTTPS) :]
    parsed = parse_url(f"ssl://{rest}")
    if parsed.port == DEFAULT_PORT and f":{DEFAULT_PORT}" not in rest:
        parsed = replace(parsed, port=_HTTPS_PORT)
    if served.files is None:
        return parsed, page()
    if not os.path.isdir(served.files):
        raise UnreadableFile(served.files, "it is not a directory")
    return parsed, files(served.files)


def _announce(url: str, parsed: "SslUrl", server: "Server", habits: Habits) -> None:
    host, port = server.listening
    scheme = "https" if url.lower().startswith(_HTTPS) else "ssl"
    shown = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
    if habits.output is Output.JSON:
        fields = {"url": shown, "host": host, "port": port, "names": [str(name) for name in parsed.hostnames]}
        print(as_json("listening", {**fields, "ca": parsed.ca}), flush=True)
    elif not habits.quiet:
        print(shown, flush=True)
    clients = f", to clients of the CA {parsed.ca}" if parsed.ca else ""
    habits.say(f"serving as {', '.join(parsed.hostnames)}{clients}; Ctrl-C ends it")
    sys.stderr.flush()


app.command("serve", context_settings=SETTINGS, short_help="A small server for trying things.")(spread(serve))
app.callback()(lambda: None)  # a group, though it has one command
