"""A site of our own: a CA, a host, and a page that is served over HTTPS and knows who asked for it."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from easycert.certdir import CertDir
from easycert.model import Kind
from tests.workflows.examples import make

#: Nothing that a warning of a browser could hold.
GREETING = "served under a CA of our own"
PAGE = f"<html><head><title>{GREETING}</title></head><body bgcolor=#106030><h1>{GREETING}</h1></body></html>"


class Site:
    """The page at :attr:`url`, whose certificate lies in :attr:`certdir`, the requests that it has answered, and the
    clients that did not want it."""

    def __init__(self, certdir: CertDir, top: Path, port: int) -> None:
        self.certdir = certdir
        self.top = top
        self.url = f"https://localhost:{port}/"
        self.requests: list[str] = []
        self.refusals: list[str] = []

    @property
    def leaf(self) -> Path:
        return self.top / "hosts" / "localhost.crt"

    def asked(self) -> int:
        """Return how many asked for the page since the last time."""
        count = self.requests.count("/")
        self.requests.clear()
        return count


@contextmanager
def running_site(top: Path) -> Iterator[Site]:
    certdir = CertDir.open(str(top))
    make(certdir, Kind.CA, "vertex")
    make(certdir, Kind.HOST, "localhost", "vertex")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(top / "hosts" / "localhost.crt", top / "hosts" / "localhost.key")

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: object, client_address: object) -> None:
            try:  # in the thread of this one client: a browser that refuses us holds nobody up
                wrapped = context.wrap_socket(request, server_side=True)
            except OSError as error:
                site.refusals.append(str(error))
                return
            Handler(wrapped, client_address, self)
            wrapped.close()

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: clients that refuse us are what this is about."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(self.path)
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.encode() if self.path == "/" else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    site = Site(certdir, top, server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
