"""A real handshake with whoever is there, verified by nobody: what is said of it is judged afterwards, by ``pki``.

The server gets a client hello, and the client certificate that a person named, with the proof that its key is there.
No octet of application data is sent. RFC 8446, RFC 5246.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import NamedTuple

from easycert.errors import CannotConnect, printable
from easycert.tls.alerts import Alert
from easycert.tls.messages import Overheard
from easycert.tls.target import Target, reached
from easycert.tls.wire import Wire

#: What is offered where nothing was turned to TLS by hand: what browsers say.
HTTP_PROTOCOLS = ("h2", "http/1.1")
#: Seconds in which a server that refuses a client has said so, or shown that it goes on, before we say goodbye.
_GRACE = 1.0
#: Seconds after it has shown that it goes on, in which one that looks at the client once more may still hang up.
_SECOND_THOUGHTS = 0.3
#: Seconds that a server may take to answer a goodbye.
_FAREWELL = 3.0
#: Everything that authenticates the server, however weak: a weak server is told about, not skipped.
_CIPHERS = "ALL:COMPLEMENTOFALL:!aNULL:!eNULL:@SECLEVEL=0"


class Handshake(NamedTuple):
    """What a handshake told: what was agreed, the chain in DER as it was sent, and what became of our certificate.

    *complete* says whether both sides finished. *asked* is whether a client certificate was asked for, from one of the
    CAs whose names in DER are *authorities* (any, where there are none). *accepted* is None where the server did not
    say. *alert* is what it gave up with; *problem* what OpenSSL had to say where there was no alert.
    """

    address: str
    protocol: str | None
    cipher: str | None
    bits: int | None
    group: str | None
    alpn: str | None
    chain: tuple[bytes, ...]
    asked: bool
    authorities: tuple[bytes, ...]
    complete: bool
    accepted: bool | None
    alert: Alert | None
    problem: str


def probing_context() -> ssl.SSLContext:
    """Return a context that talks to anybody, in any version and with any cipher that shows who is there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(_CIPHERS)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.options &= ~(ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
    return context


def shake_hands(target: Target, context: ssl.SSLContext) -> Handshake:
    """Return what a handshake with *target* tells; *context* is of :func:`probing_context` and for this call alone.

    Raises CannotConnect where nobody is there, where it does not turn to TLS, and where nothing of TLS is understood.
    """
    if target.alpn:
        context.set_alpn_protocols(list(target.alpn))
    with reached(target) as wire:
        return _Shaking(wire, context, target.servername).result()


class _Shaking:
    """One handshake: OpenSSL between two buffers, and the wire."""

    def __init__(self, wire: Wire, context: ssl.SSLContext, servername: str | None) -> None:
        self._wire = wire
        self._heard = Overheard()
        # Not public, and the only way to hear the chain of a handshake that fails and what a server asks for.
        context._msg_callback = self._heard.listen  # type: ignore[attr-defined]
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        #: Whether the connection has ended, and whether the server ended it before we did, without a word.
        self._is_over = self._hung_up = False
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=servername)

    def result(self) -> Handshake:
        problem = self._handshake()
        complete = not problem
        if complete:
            self._part()
        heard = self._heard
        if not heard.answered:
            raise self._wire.failure(problem or "it does not speak TLS")
        cipher = self._tls.cipher() if complete else None
        return Handshake(
            address=self._wire.address,
            protocol=heard.protocol,
            cipher=cipher[0] if cipher else None,
            bits=cipher[2] if cipher else None,
            group=heard.group or None,
            alpn=self._tls.selected_alpn_protocol() if complete else None,
            chain=heard.chain,
            asked=heard.asked,
            authorities=heard.authorities,
            complete=complete,
            accepted=self._accepted(complete),
            alert=heard.alert,
            problem=problem or ("it hung up right after the handshake" if self._hung_up else ""),
        )

    def _accepted(self, complete: bool) -> bool | None:
        """Return whether the server took us as we are; in TLS 1.3 a refusal comes after the handshake."""
        heard = self._heard
        if heard.alert is not None or self._hung_up or not complete:
            return False
        return True if heard.ticket or heard.closed or heard.protocol != "TLSv1.3" else None

    def _handshake(self) -> str:
        """Shake hands; return what went wrong, or an empty text."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                try:
                    data = self._wire.receive()
                except CannotConnect as error:
                    if self._heard.answered:
                        return error.reason
                    raise
                self._feed(data)
            except ssl.SSLError as error:
                self._flush_last()
                return _told(error)
            else:
                self._flush()
                return ""

    def _part(self) -> None:
        """Listen whether the server refuses us after all, say goodbye, and listen again until it has done so, too."""
        heard = self._heard
        if heard.asked:
            while self._listen(_SECOND_THOUGHTS if heard.ticket else _GRACE) and not heard.ended:
                continue
            self._hung_up = self._is_over and not heard.ended
        if not heard.ended and not self._is_over:
            with suppress(ssl.SSLError, OSError):  # it wants the answer, for which we listen below
                self._tls.unwrap()
            self._flush_last()
            while self._listen(_FAREWELL) and not heard.ended:
                continue

    def _listen(self, within: float) -> bool:
        """Take in what comes *within* so many seconds; return whether there may be more."""
        try:
            data = self._wire.receive(within=within)
        except TimeoutError:
            return False
        except CannotConnect:  # reset, or time is up
            self._is_over = self._wire.left > 0
            return False
        self._is_over = not data
        self._feed(data)
        try:
            while self._tls.read(16384):
                continue
        except ssl.SSLWantReadError:
            return bool(data)
        except (ssl.SSLError, OSError):
            return False
        return bool(data)

    def _feed(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._wire.send(self._outgoing.read())

    def _flush_last(self) -> None:
        try:
            self._flush()
        except CannotConnect:  # it went before us
            return


def _told(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLEOFError):
        return "it closed the connection in the middle of the handshake"
    if error.reason in _NOT_TLS:
        return "it does not speak TLS"
    reason = (error.reason or str(error.args[-1])).lower().replace("_", " ")
    return f"the handshake failed: {printable(reason)}"


_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "BAD_RECORD_TYPE"}
)
