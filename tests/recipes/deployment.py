"""A PKI of today, made by the installed command, and what the recipes make of it, written as they say."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from easycert.model import Kind
from easycert.recipes.catalogue import recipe
from easycert.recipes.rendering import render
from easycert.recipes.values import Material, Rendering, Wanted

HOST = "localhost"
#: A directory that every syntax with quotation marks must cope with.
HOSTILE = 'it\'s "here" & #1; ünï'
_SECONDS = 20


class Pki(NamedTuple):
    """A root, an intermediate below it, a host and a user; each in the certificate directory *directory*."""

    directory: Path

    def material(self, kind: Kind) -> Material:
        """Return what there is of the host (localhost) or the user (alice)."""
        stem = self.directory / {Kind.HOST: "hosts/localhost", Kind.USER: "users/alice"}[kind]
        leaf, *chain = x509.load_pem_x509_certificates(stem.with_suffix(".crt").read_bytes())
        issuing, root = (self._authority(name) for name in ("issuing", "root"))
        assert chain in ([], [issuing])
        key = load_pem_private_key(stem.with_suffix(".key").read_bytes(), None)
        return Material(kind, stem.name, leaf, (issuing,), (root,), key)  # type: ignore[arg-type]

    def deliver(self, name: str, directory: Path, kind: Kind = Kind.HOST, passphrase: bytes | None = None) -> Rendering:
        """Write the files of the recipe *name* into *directory*, with their modes, and return the whole."""
        made = render(recipe(name), self.material(kind), Wanted(str(directory), passphrase))
        directory.mkdir(parents=True, exist_ok=True)
        for file in made.files:
            path = directory / file.name
            path.write_bytes(file.data)
            path.chmod(file.mode)
        return made

    def context(self, *, with_certificate: bool) -> ssl.SSLContext:
        """Return what a client trusts, the root alone, and what it shows, if anything."""
        context = ssl.create_default_context(cafile=self.directory / "cas/root.crt")
        if with_certificate:
            chain = self.directory / "alice.pem"
            if not chain.exists():
                self.deliver("curl", self.directory, Kind.USER)
                shutil.copy(self.directory / "cert.pem", chain)
            context.load_cert_chain(chain, self.directory / "key.pem")
        return context

    def _authority(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.directory / f"cas/{name}.crt").read_bytes())


def make(directory: Path) -> Pki:
    """Make the PKI in *directory* by the command."""
    for words in (
        "ca root",
        "ca issuing --signas root",
        "host localhost --san 127.0.0.1 --signas issuing",
        "user alice --signas issuing",
    ):
        argv = [sys.executable, "-m", "easycert", *words.split(), "--certdir", str(directory), "-q"]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return Pki(directory)


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
