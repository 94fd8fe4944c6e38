"""A connection to a stranger, bounded in time and in what it may send: nobody keeps us waiting or fills the memory."""

from __future__ import annotations

import socket
from time import monotonic
from types import TracebackType

from easycert.errors import CannotConnect

#: A chain may have 100 kB (OpenSSL's own limit), a greeting and tickets come on top; a probe asks for nothing more.
_MOST_OCTETS = 1 << 20
_CHUNK = 16384


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
        for family, kind, protocol, _, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
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
