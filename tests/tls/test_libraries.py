"""Each library that takes an SSLContext takes ours: served, asked, refused, renewed."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest

from easycert import CertDir, HostName, Kind, RenewRequest, renew, revoke
from easycert.tls import client_context, server_context
from tests.tls.pki import CORTEX, ROOT, VISI

pytest.importorskip("aiohttp", reason="a judge: scripts/environment judges")

from tests.tls.libraries import CLIENTS, HELLO, SERVERS

SERVER = f"ssl://127.0.0.1/?hostname={CORTEX}&ca=vertex"
ANYONE = f"ssl://127.0.0.1/?hostname={CORTEX}"
CLIENT = f"ssl://visi@127.0.0.1/?hostname={CORTEX}"
#: What the libraries make of a handshake that failed.
REFUSED = (OSError, EOFError)


def refusals() -> tuple[type[BaseException], ...]:
    import httpx

    return (*REFUSED, httpx.TransportError)


@pytest.mark.parametrize("library", SERVERS)
def test_a_server_asks_for_users(made_once: Path, library: str) -> None:
    nobody = client_context(f"ssl://127.0.0.1/?hostname={CORTEX}", made_once)
    with SERVERS[library](server_context(SERVER, made_once)) as port:
        assert CLIENTS["http.client"](client_context(CLIENT, made_once), port) == HELLO
        with pytest.raises(REFUSED):
            CLIENTS["http.client"](nobody, port)


@pytest.mark.parametrize("library", SERVERS)
def test_a_server_refuses_who_was_revoked_and_shows_what_was_renewed_while_it_runs(certs: Path, library: str) -> None:
    client = client_context(f"ssl://visi@127.0.0.1/?hostname={CORTEX}", certs)
    certdir = CertDir.open(certs)
    with SERVERS[library](server_context(SERVER, certs)) as port:
        before = shown(client, port)
        renew(certdir, RenewRequest(names=(CORTEX,)))
        assert shown(client, port) != before
        revoke(certdir, Kind.USER, VISI, ROOT)
        with pytest.raises(REFUSED):
            CLIENTS["http.client"](client, port)


def shown(context: ssl.SSLContext, port: int) -> str:
    import socket

    with socket.create_connection(("127.0.0.1", port), 30) as raw, context.wrap_socket(raw) as wrapped:
        wrapped.sendall(b"GET / HTTP/1.0\r\nHost: h\r\n\r\n")
        assert wrapped.recv(1)
        return hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()


@pytest.mark.parametrize("library", CLIENTS)
def test_a_client_shows_its_user_and_verifies_the_name_of_the_URL(made_once: Path, library: str) -> None:
    with SERVERS["asyncio"](server_context(SERVER, made_once)) as port:
        assert CLIENTS[library](client_context(CLIENT, made_once), port) == HELLO
        with pytest.raises(refusals()):
            CLIENTS[library](client_context("ssl://visi@127.0.0.1/?hostname=axon.vertex.link", made_once), port)


@pytest.mark.parametrize("library", CLIENTS)
def test_a_client_refuses_a_host_that_was_revoked(certs: Path, library: str) -> None:
    client = client_context(CLIENT, certs)
    with SERVERS["asyncio"](server_context(ANYONE, certs)) as port:
        assert CLIENTS[library](client, port) == HELLO
        revoke(CertDir.open(certs), Kind.HOST, HostName(CORTEX), ROOT)
        with pytest.raises(refusals()):
            CLIENTS[library](client, port)


@pytest.mark.parametrize("library", [name for name in CLIENTS if name != "requests"])  # it turns verification on again
def test_a_client_takes_the_pinned_host_and_no_other(made_once: Path, library: str) -> None:
    with SERVERS["asyncio"](server_context(ANYONE, made_once)) as port:
        pin = shown(client_context(CLIENT, made_once), port)
        assert CLIENTS[library](client_context(f"ssl://h/?certhash={pin}", made_once), port) == HELLO
        with pytest.raises(refusals()):
            CLIENTS[library](client_context(f"ssl://h/?certhash={'00' * 32}", made_once), port)
