"""A context that hands each handshake on to a context made of the files as they are now."""

from __future__ import annotations

import errno
import ssl
import threading
from collections.abc import Callable
from socket import socket
from typing import Any, NamedTuple, Protocol, Self

from easycert.tls.material import Mark, Report
from easycert.tls.vetting import VettedObject, VettedSocket, Vetting

#: What a user may set on a context.
_SETTINGS = (
    "options",
    "verify_flags",
    "minimum_version",
    "maximum_version",
    "keylog_filename",
)


class Made(ssl.SSLContext):
    """A context made of files as they were at one time, and what its peers are held against."""

    vetting: Vetting
    sslobject_class = VettedObject
    sslsocket_class = VettedSocket


class _Call(NamedTuple):
    """A method that a user called, to be called again on contexts to come."""

    method: str
    args: tuple[Any, ...]

    def repeat(self, context: ssl.SSLContext) -> None:
        getattr(ssl.SSLContext, self.method)(context, *self.args)


class Side(Protocol):
    """What a context is made of: a server's or a client's (:mod:`easycert.tls.sides`)."""

    protocol: ssl._SSLMethod

    @property
    def verifies(self) -> bool:
        """Whether the URL says how peers are verified: then no setting does."""

    def secure(self, context: ssl.SSLContext) -> None:
        """Give *context* what depends on no file."""

    def marks(self) -> tuple[Mark, ...]:
        """Return the marks of all files that matter."""

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to look at again, although no mark has changed."""

    def parts(self) -> Any:
        """Read the files, and return what contexts are made of; equal to what it was where nothing has changed."""

    def make(self, parts: Any, fresh: Callable[[], Made]) -> tuple[Made, ...]:
        """Return contexts made of *parts*, each of one that *fresh* makes; the first begins each handshake."""

    def name_to_verify(self, given: str | bytes | None) -> str | bytes | None:
        """Return the name that the peer must have; *given* is the library's."""


class RenewingContext(ssl.SSLContext):
    """What users hold: an :class:`ssl.SSLContext` whose handshakes are those of contexts made of the files as they are.

    What is set on it, and what is called on it, counts for all handshakes that begin afterwards, but for
    ``check_hostname`` and ``verify_mode`` where the URL says how to verify: libraries that compare names themselves
    turn them off. A session that is offered to it is not resumed: each handshake verifies anew.
    """

    sslobject_class = VettedObject
    sslsocket_class = VettedSocket

    def __new__(cls, side: Side, _report: Report) -> Self:
        """Make the native context, which no handshake uses."""
        return super().__new__(cls, side.protocol)

    def __init__(self, side: Side, report: Report) -> None:
        """Read what *side* names, and raise what that raises; later, tell *report* what is wrong with them."""
        self._side = side
        self._report = report
        self._calls: list[_Call] = []
        self._changing = threading.Lock()
        side.secure(self)
        self._seen = side.marks()
        self._parts = side.parts()
        self._contexts = side.make(self._parts, self._fresh)
        self.vetting = self._contexts[0].vetting  # for whoever gets round wrap_socket and wrap_bio

    # --- taking up what has changed ----------------------------------------------------------------------------------

    def _current(self) -> Made:
        """Return the context for a handshake now; while one thread makes a new one, others take the one before."""
        if self._changing.acquire(blocking=False):
            try:
                marks = self._side.marks()
                if marks != self._seen or not self._side.is_settled:
                    self._take_up(marks)
            finally:
                self._changing.release()
        return self._set_up(self._contexts)

    def _take_up(self, marks: tuple[Mark, ...]) -> None:
        self._seen = marks  # taken before reading: what changes meanwhile is seen next time
        try:
            parts = self._side.parts()
            if parts != self._parts:
                self._contexts = self._side.make(parts, self._fresh)
                self._parts = parts
        except Exception as error:  # a listener goes on, whatever happens to its files or the caller's passphrase()
            self._report(f"{error}; what was there before stays in use")

    def _set_up(self, contexts: tuple[Made, ...]) -> Made:
        """Hand on what the user has set, and return the first context."""
        names = _SETTINGS if self._side.verifies else (*_SETTINGS, "verify_mode")
        wanted = [(name, getattr(self, name)) for name in names]
        for context in contexts:
            for name, value in wanted:
                if getattr(context, name) != value:
                    setattr(context, name, value)
        if self.sni_callback is not None:
            contexts[0].sni_callback = self.sni_callback
        return contexts[0]

    def _fresh(self) -> Made:
        made = Made(self._side.protocol)
        self._side.secure(made)
        for call in self._calls:
            call.repeat(made)
        return made

    # --- what ssl.SSLContext does ------------------------------------------------------------------------------------

    def wrap_socket(
        self,
        sock: socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,  # noqa: ARG002  (see the class)
    ) -> ssl.SSLSocket:
        """Wrap *sock*, as :meth:`ssl.SSLContext.wrap_socket` does. A listening socket keeps this context."""
        if server_side and not _is_connected(sock):
            return super().wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs)
        name = self._side.name_to_verify(server_hostname)
        return self._current().wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, name)

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,  # noqa: ARG002  (see the class)
    ) -> ssl.SSLObject:
        """Wrap two buffers, as :meth:`ssl.SSLContext.wrap_bio` does."""
        name = self._side.name_to_verify(server_hostname)
        return self._current().wrap_bio(incoming, outgoing, server_side, name)

    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        """Set the protocols to offer, or choose from; some libraries do so before each handshake."""
        self._again("set_alpn_protocols", tuple(alpn_protocols), instead=True)

    def set_ciphers(self, cipherlist: str, /) -> None:
        """Set the ciphers of TLS 1.2."""
        self._again("set_ciphers", cipherlist, instead=True)

    def set_ecdh_curve(self, name: str, /) -> None:
        """Set the curve for key exchange."""
        self._again("set_ecdh_curve", name, instead=True)

    def load_dh_params(self, path: str, /) -> None:
        """Load parameters for key exchange."""
        self._again("load_dh_params", path, instead=True)

    def load_cert_chain(self, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
        """Show another certificate, too, where its key is of another type; else instead."""
        self._again("load_cert_chain", certfile, keyfile, password)

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        """Trust these, too."""
        self._again("load_verify_locations", cafile, capath, cadata)

    def load_default_certs(self, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        """Trust what the system trusts, too."""
        self._again("load_default_certs", purpose)

    def set_default_verify_paths(self) -> None:
        """Trust what OpenSSL trusts, too."""
        self._again("set_default_verify_paths")

    def _again(self, method: str, *args: Any, instead: bool = False) -> None:
        """Call a method of :class:`ssl.SSLContext` on this context, on those in use, and later on those to come."""
        call = _Call(method, args)
        if call in self._calls:
            return
        call.repeat(self)
        self._calls = [other for other in self._calls if not instead or other.method != method] + [call]
        for context in self._contexts:
            call.repeat(context)


def _is_connected(sock: socket) -> bool:
    try:
        sock.getpeername()
    except OSError as error:
        if error.errno in (errno.ENOTCONN, errno.EINVAL):
            return False
        raise
    return True
