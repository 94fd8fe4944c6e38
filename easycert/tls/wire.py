"""A connection to a stranger, bounded in time and in what it may send: nobody keeps us waiting or fills the memory."""

from __future__ import annotations

import socket
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any

from easycert.errors import CannotConnect

#: A chain may have 100 kB (OpenSSL's own limit), a greeting and tickets come on top; a probe asks for nothing more.
_MOST_OCTETS = 1 << 20
_CHUNK = 16384

#: Family, kind, protocol, and an address as that family has it.
_Address = tuple[socket.AddressFamily, socket.SocketKind, int, Any]


class Wire:
    """A TCP connection that ends *timeout* seconds after it was begun, whatever the other side does."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        """Connect to *host* and *port*. Raises CannotConnect."""
        self.host = host
        self.port = port
        self._deadline = monotonic() + timeout
        self._timeout = timeout
        self._left = _MOST_OCTETS
        try:
            self._socket = self._connected()
        except (OSError, UnicodeError) as error:
            raise self.failure(_told(error)) from None
        self.address = str(self._socket.getpeername()[0])

    def __enter__(self) -> Wire:
        """Return itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._socket.close()

    def _connected(self) -> socket.socket:
        """Return a connection to the first of the host's addresses that takes one; all share the time that there is."""
        failed: OSError = TimeoutError()
        for family, kind, protocol, address in self._looked_up():
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(self._remaining())
                connection.connect(address)
            except OSError as error:
                connection.close()
                failed = error
            except CannotConnect:
                connection.close()
                raise
            else:
                return connection
        raise failed

    def _looked_up(self) -> list[_Address]:
        """Return where the host is. The C library looks as long as it likes; that nobody waits is all we can do."""
        with suppress(socket.gaierror):
            return self._addresses(socket.AI_NUMERICHOST)  # nobody is asked
        from threading import Thread

        found: list[list[_Address] | Exception] = []

        def look_up() -> None:
            try:
                found.append(self._addresses(0))
            except Exception as error:  # raised again where somebody waits for it
                found.append(error)

        looking = Thread(target=look_up, daemon=True)
        looking.start()
        looking.join(self._remaining())
        if not found:
            raise self.failure(f"its name could not be looked up within {self._timeout:g} s")
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def _addresses(self, flags: int) -> list[_Address]:
        answers = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=flags)
        return [(family, kind, protocol, address) for family, kind, protocol, _, address in answers]

    def failure(self, reason: str) -> CannotConnect:
        """Return the error that says why there is no connection."""
        return CannotConnect(self.host, self.port, reason)

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self._deadline - monotonic()

    def send(self, data: bytes) -> None:
        """Send *data*. Raises CannotConnect."""
        try:
            self._socket.settimeout(self._remaining())
            self._socket.sendall(data)
        except OSError as error:
            raise self.failure(_told(error)) from None

    def receive(self, most: int = _CHUNK, within: float | None = None) -> bytes:
        """Return what comes next, at most so many octets; empty at the end of the connection.

        Raises TimeoutError when nothing came *within* so many seconds, and CannotConnect when the connection breaks,
        time is up, or more came than anybody needs to say.
        """
        if self._left <= 0:
            raise self.failure("it sends without end")
        seconds = self._remaining()
        try:
            self._socket.settimeout(seconds if within is None else min(seconds, within))
            data = self._socket.recv(min(most, self._left))
        except TimeoutError:
            if within is not None:
                raise
            raise self.failure(self._too_slow()) from None
        except OSError as error:
            raise self.failure(_told(error)) from None
        self._left -= len(data)
        return data

    def _remaining(self) -> float:
        left = self.left
        if left <= 0:
            raise self.failure(self._too_slow())
        return left

    def _too_slow(self) -> str:
        return f"no answer within {self._timeout:g} s"


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, UnicodeError):
        return "the host name cannot be looked up"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).removesuffix(".")
