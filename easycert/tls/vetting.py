"""What is checked of a peer when OpenSSL is content: CRLs, by the rules of ``easycert verify``, or a pinned one.

OpenSSL's own check of CRLs fails for every CA that has none, and Python hands out no callback of its verification. So
the chain that OpenSSL accepted is judged at the end of the handshake, inside ``do_handshake``, and nothing is read or
written before (``docs/adr/0008-tls-contexts.md``). The classes here are what ``wrap_socket`` and ``wrap_bio`` return.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography import x509

from easycert.errors import EasycertError, Reason, printable
from easycert.pki.chains import IssuerPool, climb, order_chain
from easycert.pki.crl_scope import ListedFacts
from easycert.pki.members import read_member, shown_subject
from easycert.pki.revocation import judge_revocation
from easycert.pki.signatures import UNREADABLE

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: Chains whose verdict is remembered, so that a long CRL is not searched for each connection of the same peer.
_MOST_REMEMBERED = 4096
#: OpenSSL's X509_V_ERR_CERT_REVOKED and X509_V_ERR_APPLICATION_VERIFICATION.
_REVOKED, _REFUSED = 23, 50


class PeerRefused(EasycertError, ssl.SSLCertVerificationError):
    """A peer whose certificate OpenSSL accepts and we do not; ``reasons`` says why, ``subject`` who it is.

    It is an :class:`ssl.SSLCertVerificationError`, so that whoever uses the context handles it as any failed handshake.
    """

    def __init__(self, subject: str, reasons: tuple[Reason | str, ...], code: int = _REFUSED) -> None:
        self.subject = subject
        self.reasons = reasons
        told = f"{printable(subject)} is refused: {'; '.join(map(str, reasons))}"
        ssl.SSLCertVerificationError.__init__(self, ssl.SSLErrorNumber.SSL_ERROR_SSL, told)
        self.library, self.reason = "easycert", "CERTIFICATE_VERIFY_FAILED"
        self.verify_code, self.verify_message = code, "; ".join(map(str, reasons))


class Vetting:
    """What a peer of one generation of contexts is held against."""

    def __init__(
        self,
        now: Callable[[], datetime],
        authorities: Sequence[x509.Certificate] = (),
        crls: Sequence[ListedFacts] = (),
        *,
        pin: str | None = None,
        require_crl: bool = False,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Hold peers against *crls*, issuers found among *authorities*; or against *pin* alone, a SHA-256 in hex.

        With *require_crl* a certificate whose status no fresh CRL tells is refused; without, *report* hears of it.
        """
        self._now = now
        self._pool = IssuerPool(authorities)
        self._crls = tuple(crls)
        self._pin = pin
        self._require_crl = require_crl
        self._report = report
        # A CRL of tomorrow may refuse then whom it does not refuse today; one that grows stale refuses nobody.
        self._remembers = not require_crl and all(item.crl.last_update_utc <= now() for item in crls)
        self._good: set[bytes] = set()
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def require_welcome(self, connection: ssl.SSLSocket | ssl.SSLObject) -> None:
        """Raise PeerRefused unless the peer of *connection*, whose handshake is over, may be spoken to."""
        if self._pin is not None:
            self._require_pinned(connection.getpeercert(binary_form=True))
        elif self._crls or self._require_crl:
            chain = _verified_chain(connection)
            if chain:
                self.require_not_revoked(chain)
            elif leaf := connection.getpeercert(binary_form=True):  # of a session of TLS 1.2 that is taken up again
                self.require_not_revoked((leaf, *_sent_chain(connection)), ordered=False)

    def _require_pinned(self, leaf: bytes | None) -> None:
        found = hashlib.sha256(leaf or b"").hexdigest()
        if leaf is None or found != self._pin:
            reason = f"its certificate has the SHA-256 {found}, and {self._pin} is pinned"
            raise PeerRefused("the server", (reason if leaf else "it shows no certificate, and one is pinned",))

    def require_not_revoked(self, chain: tuple[bytes, ...], *, ordered: bool = True) -> None:
        """Raise PeerRefused for a *chain* in DER, leaf first, of which a CRL lists a member.

        What stands above its last certificate is found in the directory: who is trusted as an intermediate alone can be
        revoked by its root. A chain that is not *ordered* is put in order.
        """
        known = b"".join(hashlib.sha256(der).digest() for der in chain)
        with self._lock:
            if known in self._good:
                return
            notes = set(self._judge(chain, ordered)) - self._told
            self._told |= notes
            if len(self._good) >= _MOST_REMEMBERED:
                self._good.clear()
            if self._remembers:
                self._good.add(known)
        for note in sorted(notes):
            self._report(note)

    def _judge(self, chain: tuple[bytes, ...], ordered: bool) -> list[str]:
        """Return what is to be reported of a *chain* that is good. Raises PeerRefused."""
        try:
            certificates = [x509.load_der_x509_certificate(der) for der in chain]
        except UNREADABLE as error:
            raise PeerRefused("the peer", (f"its certificate cannot be decoded ({error})",)) from None
        if not ordered:
            certificates, _ = order_chain(certificates[0], certificates)
        whole = [*certificates[:-1], *climb(self._pool, certificates[-1])]
        path = tuple(
            read_member(item, is_leaf=place == 0, is_anchor=place == len(whole) - 1) for place, item in enumerate(whole)
        )
        found = judge_revocation(path, self._crls, self._now(), required=self._require_crl)
        if found.reasons:
            raise PeerRefused(shown_subject(whole[0]), found.reasons, _REVOKED)
        return [note for note in found.notes if not note.startswith("no CRL")]


def _verified_chain(connection: ssl.SSLSocket | ssl.SSLObject) -> tuple[bytes, ...]:
    """Return the chain that OpenSSL verified, leaf first, in DER; of a resumed session there is none."""
    native: Any = connection._sslobj  # type: ignore[union-attr]  # public since Python 3.13, as bytes
    return tuple(map(_der, native.get_verified_chain() or ()))


def _sent_chain(connection: ssl.SSLSocket | ssl.SSLObject) -> tuple[bytes, ...]:
    native: Any = connection._sslobj  # type: ignore[union-attr]
    return tuple(map(_der, native.get_unverified_chain() or ()))


def _der(certificate: Any) -> bytes:
    if isinstance(certificate, bytes):
        return certificate
    import _ssl

    return bytes(certificate.public_bytes(_ssl.ENCODING_DER))


class _Vetted:
    """Lets nothing through before the handshake is over and its peer has been looked at."""

    context: ssl.SSLContext
    _welcome = False
    _held_against: Vetting | None = None

    def verify_client_post_handshake(self) -> NoReturn:
        """Refuse: a certificate that is shown later would not be looked at."""
        raise NotImplementedError("clients are asked for certificates in the handshake only, where CRLs are checked")

    def _remember(self) -> None:
        """Note what the peer is held against, before an ``sni_callback`` of the caller's can switch to another."""
        self._held_against = self._held_against or getattr(self.context, "vetting", None)

    def _look_at_peer(self) -> None:
        if not self._welcome and self._held_against is not None:
            self._held_against.require_welcome(self)  # type: ignore[arg-type]
        self._welcome = True


class VettedObject(_Vetted, ssl.SSLObject):
    """What ``wrap_bio`` returns: asyncio, and all that is built on it."""

    def do_handshake(self) -> None:
        """Shake hands. Raises PeerRefused, too."""
        self._remember()
        super().do_handshake()
        self._look_at_peer()

    def read(self, len: int = 1024, buffer: Buffer | None = None) -> Any:  # noqa: A002  (the standard library's name)
        """Read, after the handshake."""
        self._require_handshake()
        return super().read(len, buffer)

    def write(self, data: Buffer) -> int:
        """Write, after the handshake."""
        self._require_handshake()
        return super().write(data)

    def _require_handshake(self) -> None:
        if not self._welcome:  # OpenSSL would shake hands in passing, and go on
            self.do_handshake()


class VettedSocket(_Vetted, ssl.SSLSocket):
    """What ``wrap_socket`` returns."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands. Raises PeerRefused, too."""
        self._remember()
        super().do_handshake(block)
        self._look_at_peer()

    def read(self, len: int = 1024, buffer: Buffer | None = None) -> Any:  # noqa: A002  (the standard library's name)
        """Read, after the handshake."""
        self._require_handshake()
        return super().read(len, buffer)

    def write(self, data: Buffer) -> int:
        """Write, after the handshake."""
        self._require_handshake()
        return super().write(data)

    def send(self, data: Buffer, flags: int = 0) -> int:
        """Send, after the handshake; so do ``sendall`` and ``sendfile``, which call it."""
        self._require_handshake()
        return super().send(data, flags)

    def _require_handshake(self) -> None:
        if not self._welcome and self._sslobj is not None:  # type: ignore[attr-defined]
            self.do_handshake()
