"""Files sealed with a passphrase, in the format age v1 (https://age-encryption.org/v1): written and read in a stream.

Whoever has ``age`` opens them without easycert (``docs/adr/0011-backups.md``). Names in comments are of its
specification, https://github.com/C2SP/C2SP/blob/main/age.md.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from easycert.errors import EncryptedKey, Malformed

#: log2 of scrypt's N, as age itself writes it; a second, and 256 MiB.
WORK_FACTOR = 18
#: The highest that is read, as age has it: 4 GiB. More is a trap for whoever opens it.
WORK_FACTOR_MAX = 22

_INTRO = b"age-encryption.org/v1\n"
_SCRYPT_LABEL = b"age-encryption.org/v1/scrypt"
_STANZA, _END = b"-> ", b"---"
_FILE_KEY, _SALT, _NONCE, _TAG, _MAC = 16, 16, 16, 16, 32
_SCRYPT_ARGUMENTS = 4
_CHUNK = 64 * 1024
_LINE_MAX = 1024
_AGE = "a file that age encrypted with a passphrase"


class Sealer:
    """Seals what is written to it, and hands the sealed bytes to *write*."""

    def __init__(self, write: Callable[[bytes], object], passphrase: bytes, *, work_factor: int = WORK_FACTOR) -> None:
        """Write the header: a new file key, wrapped with *passphrase*."""
        key, salt, nonce = os.urandom(_FILE_KEY), os.urandom(_SALT), os.urandom(_NONCE)
        wrapped = ChaCha20Poly1305(_wrapping_key(passphrase, salt, work_factor)).encrypt(bytes(12), key, None)
        stanza = b"-> scrypt %s %d\n%s\n" % (_unpadded(salt), work_factor, _unpadded(wrapped))
        header = _INTRO + stanza + _END
        write(header + b" " + _unpadded(_header_mac(key, header).finalize()) + b"\n" + nonce)
        self._write = write
        self._payload = _Payload(key, nonce)
        self._pending = bytearray()

    def write(self, data: bytes | memoryview) -> int:
        """Seal *data*, and return how much it was."""
        self._pending += data
        at = 0
        while len(self._pending) - at > _CHUNK:  # a full chunk stays: it could be the last one
            self._write(self._payload.encrypted(bytes(self._pending[at : at + _CHUNK]), last=False))
            at += _CHUNK
        del self._pending[:at]
        return len(data)

    def close(self) -> None:
        """Write the end, by which a reader knows that nothing is missing."""
        self._write(self._payload.encrypted(bytes(self._pending), last=True))


class Opener:
    """Opens what was sealed, as it is read; each piece is genuine before it is handed out."""

    def __init__(self, read: Callable[[int], bytes], passphrase: bytes | None, source: str) -> None:
        """Read the header. Raises EncryptedKey for a passphrase that is missing or wrong, and Malformed."""
        self._read = read
        self._source = source
        header = _Header(self._exactly, source)
        if passphrase is None:
            raise EncryptedKey(source, wrong=False)
        key = header.file_key(passphrase)
        nonce = self._exactly(_NONCE)
        self._payload = _Payload(key, nonce)
        self._ahead = self._full_chunk()
        self._open = b""
        self._is_first, self._ended = True, False

    def read(self, count: int) -> bytes:
        """Return *count* bytes, fewer only at the end. Raises Malformed for what was altered or cut short."""
        pieces = []
        while count > 0 and (self._open or self._next()):
            pieces.append(self._open[:count])
            self._open = self._open[count:]
            count -= len(pieces[-1])
        return b"".join(pieces)

    def _next(self) -> bool:
        if self._ended:
            return False
        sealed, self._ahead = self._ahead, self._full_chunk()
        self._ended = not self._ahead
        try:
            self._open = self._payload.decrypted(sealed, last=self._ended)
        except InvalidTag:
            how = "it is cut short, or altered near its end" if self._ended else "it was altered"
            raise Malformed(self._source, "whole", how) from None
        if not self._open and not self._is_first:
            raise Malformed(self._source, "whole", "its end is not one that age writes")
        self._is_first = False
        return bool(self._open)

    def _full_chunk(self) -> bytes:
        pieces, wanted = [], _CHUNK + _TAG
        while wanted and (piece := self._read(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def _exactly(self, count: int) -> bytes:
        data = self._read(count)
        while len(data) < count and (more := self._read(count - len(data))):
            data += more
        if len(data) != count:
            raise Malformed(self._source, _AGE, "it is cut short")
        return data


class _Header:
    """The part before the nonce: one stanza ``scrypt``, and a MAC over all of it."""

    def __init__(self, read: Callable[[int], bytes], source: str) -> None:
        self._source = source
        if read(len(_INTRO)) != _INTRO:
            raise self._malformed("it begins otherwise")
        stanza = _line(read, self._malformed)
        body = _line(read, self._malformed)
        end = _line(read, self._malformed)
        arguments = stanza.removeprefix(_STANZA).split(b" ")
        if not stanza.startswith(_STANZA + b"scrypt ") or not end.startswith(_END + b" "):
            raise self._malformed("it is sealed for keys, or for several passphrases")
        if len(arguments) != _SCRYPT_ARGUMENTS - 1:
            raise self._malformed("its scrypt stanza has another form")
        self._salt = self._decoded(arguments[1], _SALT)
        self._wrapped = self._decoded(body, _FILE_KEY + _TAG)
        self._mac = self._decoded(end[len(_END) + 1 :], _MAC)
        self._signed = _INTRO + stanza + b"\n" + body + b"\n" + _END
        self._work_factor = self._number(arguments[2])

    def file_key(self, passphrase: bytes) -> bytes:
        wrapping = ChaCha20Poly1305(_wrapping_key(passphrase, self._salt, self._work_factor))
        try:
            key = wrapping.decrypt(bytes(12), self._wrapped, None)
        except InvalidTag:
            raise EncryptedKey(self._source, wrong=True) from None
        try:
            _header_mac(key, self._signed).verify(self._mac)
        except InvalidSignature:
            raise self._malformed("its header was altered") from None
        return key

    def _number(self, text: bytes) -> int:
        if not text.isdigit() or text.startswith(b"0") or len(text) > 2:
            raise self._malformed("its work factor is no number")
        if int(text) > WORK_FACTOR_MAX:
            raise self._malformed(f"its work factor {int(text)} is above {WORK_FACTOR_MAX}, and would take too long")
        return int(text)

    def _decoded(self, text: bytes, length: int) -> bytes:
        try:
            data = b64decode(text + b"=" * (-len(text) % 4), validate=True)
        except NotBase64:
            data = b""
        if len(data) != length or _unpadded(data) != text:
            raise self._malformed("its header is damaged")
        return data

    def _malformed(self, reason: str) -> Malformed:
        return Malformed(self._source, _AGE, reason)


class _Payload:
    """STREAM: chunks of 64 KiB, each sealed with its number and whether it is the last."""

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._cipher = ChaCha20Poly1305(HKDF(SHA256(), 32, salt=nonce, info=b"payload").derive(key))
        self._number = 0

    def encrypted(self, chunk: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last), chunk, None)

    def decrypted(self, chunk: bytes, *, last: bool) -> bytes:
        return self._cipher.decrypt(self._nonce(last), chunk, None)

    def _nonce(self, last: bool) -> bytes:
        self._number += 1
        return (self._number - 1).to_bytes(11, "big") + bytes([last])


def _wrapping_key(passphrase: bytes, salt: bytes, work_factor: int) -> bytes:
    return Scrypt(salt=_SCRYPT_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1).derive(passphrase)


def _header_mac(key: bytes, header: bytes) -> HMAC:
    mac = HMAC(HKDF(SHA256(), 32, salt=None, info=b"header").derive(key), SHA256())
    mac.update(header)
    return mac


def _unpadded(data: bytes) -> bytes:
    return b64encode(data).rstrip(b"=")


def _line(read: Callable[[int], bytes], malformed: Callable[[str], Malformed]) -> bytes:
    """Return the next line without its end, read byte by byte: what follows the header is not text."""
    line = bytearray()
    while (byte := read(1)) != b"\n":
        line += byte
        if len(line) > _LINE_MAX:
            raise malformed("its header has a line without end")
    return bytes(line)
