"""A PKI of today, and what `easycert export` makes of it: all by the command, as people run it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from easycert.model import Kind

HOST = "localhost"
WHO = {Kind.HOST: HOST, Kind.USER: "alice"}
#: A directory that every syntax with quotation marks must cope with.
HOSTILE = 'it\'s "here" & #1; ünï'
_SECONDS = 20


class Delivered(NamedTuple):
    """What the command said that it wrote: names of files, and the texts of the recipe."""

    files: tuple[str, ...]
    snippet: str
    reload: str


class Pki(NamedTuple):
    """A root, an intermediate below it, a host and a user; each in the certificate directory *directory*."""

    directory: Path

    def deliver(self, name: str, to: Path, kind: Kind = Kind.HOST, passphrase: bytes | None = None) -> Delivered:
        """Export the host (localhost) or the user (alice) for the recipe *name* into the directory *to*."""
        words = ["export", WHO[kind], "--for", name, "--to", to, "--no-remember", "-o", "json"]
        if passphrase is not None:
            secret = to.parent / "passphrase"
            secret.parent.mkdir(parents=True, exist_ok=True)
            secret.write_bytes(passphrase + b"\n")
            words += ["--passphrase-file", secret]
        (done,) = json.loads(easycert(self.directory, *words))["exported"]
        return Delivered(tuple(Path(path).name for path in done["files"]), done["snippet"], done["reload"])

    def context(self, *, with_certificate: bool) -> ssl.SSLContext:
        """Return what a client trusts, the root alone, and what it shows, if anything."""
        context = ssl.create_default_context(cafile=self.directory / "cas/root.crt")
        if with_certificate:
            place = self.directory.with_name(f"{self.directory.name}-client")
            if not place.exists():
                self.deliver("pem", place, Kind.USER)
            context.load_cert_chain(place / "alice.pem")
        return context


def make(directory: Path) -> Pki:
    """Make the PKI in *directory* by the command."""
    for words in (
        "ca root",
        "ca issuing --signas root",
        "host localhost --san 127.0.0.1 --signas issuing",
        "user alice --signas issuing",
    ):
        easycert(directory, *words.split())
    return Pki(directory)


def easycert(directory: Path, *words: str | Path) -> str:
    """Run the command on the certificate directory *directory*, and return what it prints."""
    return subprocess.check_output([sys.executable, "-m", "easycert", *words, "--certdir", directory, "-q"], text=True)


def changed(text: str, *changes: tuple[str, str]) -> str:
    """Return the snippet *text* with a few things as the test needs them, ports above all."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def status(context: ssl.SSLContext, port: int, path: str = "/") -> int:
    """Return the status that an HTTPS server answers a GET with. Raises OSError where TLS fails."""
    with closing(http.client.HTTPSConnection(HOST, port, context=context, timeout=_SECONDS)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def served(context: ssl.SSLContext, port: int) -> bytes:
    """Return the certificate, in DER, that a TLS server shows."""
    plain = socket.create_connection((HOST, port), timeout=_SECONDS)
    with plain, context.wrap_socket(plain, server_hostname=HOST) as connection:
        certificate = connection.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate


def answer(
    context: ssl.SSLContext, port: int, question: bytes, before: Callable[[socket.socket], None] | None
) -> bytes:
    """Return the first bytes that a TLS server answers *question* with; *before* is said in the clear.

    Raises OSError where TLS fails, which under TLS 1.3 shows when the answer is read.
    """
    with socket.create_connection((HOST, port), timeout=_SECONDS) as plain:
        if before:
            before(plain)
        with context.wrap_socket(plain, server_hostname=HOST) as connection:
            connection.sendall(question)
            return connection.recv(4096)


def is_refused(try_it: Callable[[], object]) -> bool:
    """Return whether a server ends a connection, by an alert or otherwise."""
    try:
        return try_it() == b""
    except OSError:
        return True


def is_root() -> bool:
    """Return whether the tests may become other users."""
    return os.geteuid() == 0
