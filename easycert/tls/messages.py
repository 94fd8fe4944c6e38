"""What is said in a TLS handshake: the messages that tell who is there and what was agreed (RFC 8446 4, RFC 5246 7.4).

Python's ``ssl`` keeps most of it to itself: the chain of a handshake that failed, whether a certificate was asked for
and from whom, the group of the key exchange. But it lets one listen to the decrypted messages. Everything here is
written by strangers: what cannot be read raises ValueError, and :class:`Overheard` then knows less.
"""

from __future__ import annotations

from easycert.tls.alerts import Alert, alert_of

_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO, _NEW_SESSION_TICKET, _CERTIFICATE, _SERVER_KEY_EXCHANGE, _CERTIFICATE_REQUEST = 2, 4, 11, 12, 13
_TLS13 = 0x0304
_VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", _TLS13: "TLSv1.3"}
_KEY_SHARE, _AUTHORITIES = 51, 47
_NAMED_CURVE = 3
_FATAL = 2
#: More than any server sends; a CertificateRequest of all public CAs has 200.
_MOST = 1000
#: RFC 8446 section 4.2.7, RFC 7919, RFC 8734, and the hybrids of draft-ietf-tls-ecdhe-mlkem.
_GROUPS = {
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    26: "brainpoolP256r1",
    27: "brainpoolP384r1",
    28: "brainpoolP512r1",
    29: "x25519",
    30: "x448",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
    259: "ffdhe6144",
    260: "ffdhe8192",
    4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768",
    4589: "SecP384r1MLKEM1024",
}


class _Octets:
    """Reads the vectors of RFC 8446 section 3.4: a length of one to three octets, and so many octets."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise ValueError("a message is cut off")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def vector(self, octets: int) -> bytes:
        return self.take(self.number(octets))

    def vectors(self, outer: int, inner: int) -> list[bytes]:
        part = _Octets(self.vector(outer))
        found = []
        while part:
            found.append(part.vector(inner))
            if len(found) > _MOST:
                raise ValueError("a message has too many parts")
        return found

    def extensions(self) -> dict[int, bytes]:
        part = _Octets(self.vector(2))
        found: dict[int, bytes] = {}
        while part:
            kind = part.number(2)
            found[kind] = part.vector(2)
        return found


def certificates(message: bytes, *, tls13: bool) -> tuple[bytes, ...]:
    """Return the certificates of a Certificate message in DER, leaf first. Raises ValueError.

    RFC 8446 section 4.4.2, RFC 5246 section 7.4.2.
    """
    octets = _body(message)
    if not tls13:
        return tuple(octets.vectors(3, 3))
    octets.vector(1)
    entries = _Octets(octets.vector(3))
    chain: list[bytes] = []
    while entries:
        chain.append(entries.vector(3))
        entries.vector(2)
        if len(chain) > _MOST:
            raise ValueError("a message has too many parts")
    return tuple(chain)


def status(message: bytes) -> bytes | None:
    """Return the OCSP response of a CertificateStatus message (RFC 6066 section 8), or None. Raises ValueError."""
    octets = _body(message)
    return octets.vector(3) if octets.number(1) == 1 else None


def authorities(message: bytes, *, tls13: bool) -> tuple[bytes, ...]:
    """Return the names in DER of the CAs that a CertificateRequest asks for; empty where any will do.

    RFC 8446 sections 4.3.2 and 4.2.4, RFC 5246 section 7.4.4. Raises ValueError.
    """
    octets = _body(message)
    if tls13:
        octets.vector(1)
        listed = octets.extensions().get(_AUTHORITIES)
        return () if listed is None else tuple(_Octets(listed).vectors(2, 2))
    octets.vector(1)
    octets.vector(2)
    return tuple(octets.vectors(2, 2)) if octets else ()


def group(message: bytes) -> str:
    """Return the group of a ServerHello's key share or of a ServerKeyExchange; empty where there is none.

    RFC 8446 section 4.2.8, RFC 8422 section 5.4. Raises ValueError.
    """
    octets = _body(message)
    if message[0] == _SERVER_KEY_EXCHANGE:
        return _group_name(octets.number(2)) if octets.number(1) == _NAMED_CURVE else "finite field"
    octets.take(2 + 32)
    octets.vector(1)
    octets.take(2 + 1)
    share = octets.extensions().get(_KEY_SHARE, b"") if octets else b""
    return _group_name(int.from_bytes(share[:2], "big")) if len(share) >= 2 else ""


def _group_name(number: int) -> str:
    return _GROUPS.get(number, f"group {number:#06x}")


def _body(message: bytes) -> _Octets:
    """Return the contents of a handshake message: type, length of three octets, contents."""
    octets = _Octets(message)
    octets.take(1)
    return _Octets(octets.vector(3))


class Overheard:
    """What was heard of one handshake; :meth:`listen` is what ``ssl`` calls for each message."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.answered = False
        self.protocol: str | None = None
        self.chain: tuple[bytes, ...] = ()
        self.asked = False
        self.authorities: tuple[bytes, ...] = ()
        self.group = ""
        #: A ticket comes once the server is content with the client, its certificate included.
        self.ticket = False
        #: The last fatal alert of the server.
        self.alert: Alert | None = None
        self.closed = False

    @property
    def ended(self) -> bool:
        """Whether the server has said that it is done, one way or the other."""
        return self.alert is not None or self.closed

    def listen(self, _connection: object, direction: str, version: int, content: int, _kind: int, data: bytes) -> None:
        """Take note of a message."""
        if direction != "read" or not data:
            return
        if content == _ALERT and len(data) == 2:
            self._note_alert(data[0], data[1])
        elif content == _HANDSHAKE and len(data) >= 4:
            self.answered = True
            try:
                self._note(data, int(version))
            except ValueError:  # OpenSSL will say what it thinks of it
                return

    def _note_alert(self, level: int, number: int) -> None:
        self.answered = True
        if level == _FATAL:
            self.alert = alert_of(number)
        elif number == 0:
            self.closed = True

    def _note(self, data: bytes, version: int) -> None:
        tls13 = version == _TLS13
        kind = data[0]
        if kind != _SERVER_HELLO:  # its own number says less than what it agrees to
            self.protocol = self.protocol or _VERSIONS.get(version)
        if kind == _CERTIFICATE:
            self.chain = certificates(data, tls13=tls13)
        elif kind == _CERTIFICATE_REQUEST:
            self.asked = True
            self.authorities = authorities(data, tls13=tls13)
        elif kind in (_SERVER_HELLO, _SERVER_KEY_EXCHANGE):
            self.group = group(data) or self.group
        elif kind == _NEW_SESSION_TICKET:
            self.ticket = True
