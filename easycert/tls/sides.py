"""What the contexts of a server and of a client are made of."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import printable
from easycert.model import Kind
from easycert.pki.certificates import certificate_pem
from easycert.pki.crl_scope import ListedFacts
from easycert.pki.identity import host_mismatch, host_reference
from easycert.pki.names import SafeName
from easycert.pki.signatures import UNREADABLE
from easycert.pki.validity import rfc3339
from easycert.store import layout
from easycert.tls.lookup import find_host, find_user, host_candidates, user_candidates
from easycert.tls.material import Mark, Material, Passphrase, Presented, Report
from easycert.tls.renewing import Made
from easycert.tls.urls import SslUrl, TlsName
from easycert.tls.vetting import Vetting

#: Not strict: Synapse's own certificates lack what VERIFY_X509_STRICT wants. An intermediate may be trusted alone.
_VERIFY = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
_CAS = layout.FOLDERS[Kind.CA]


class Wishes(NamedTuple):
    """What else than its URL a context is made by: see :func:`easycert.tls.contexts.server_context`."""

    report: Report
    passphrase: Passphrase | None = None
    require_crl: bool = False


class Parts(NamedTuple):
    """What was read of the files: what is shown, whom to trust, who else is a CA, and the CRLs."""

    shown: tuple[Presented, ...]
    anchors: tuple[x509.Certificate, ...] = ()
    authorities: tuple[x509.Certificate, ...] = ()
    crls: tuple[ListedFacts, ...] = ()


class _Side:
    """What both sides share."""

    def __init__(self, url: SslUrl, certdir: CertDir, wishes: Wishes) -> None:
        """Take what *url* says from *certdir*."""
        self._url = url
        self._certdir = certdir
        self._wishes = wishes
        self._material = Material(certdir, wishes.report, wishes.passphrase)

    def secure(self, context: ssl.SSLContext) -> None:
        """Give *context* what depends on no file."""
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.verify_flags = _VERIFY

    @property
    def is_settled(self) -> bool:
        """Whether no pair of certificate and key was found half renewed."""
        return self._material.is_settled

    def _marks(self, kind: Kind, names: Iterable[SafeName]) -> tuple[Mark, ...]:
        material = self._material
        entries = (entry for name in names for entry in (layout.certificate(kind, name), layout.key(kind, name)))
        return (*map(material.mark, entries), *material.marks(_CAS, "crt"), *material.marks(layout.CRLS, "crl"))

    def _complete(self, context: Made, parts: Parts, vetting: Vetting) -> Made:
        if parts.anchors:
            context.load_verify_locations(cadata=certificate_pem(*parts.anchors).decode())
        context.vetting = vetting
        return context

    def _vetting(self, parts: Parts) -> Vetting:
        return Vetting(
            self._certdir.now,
            parts.authorities,
            parts.crls,
            pin=self._url.certhash,
            require_crl=self._wishes.require_crl,
            report=self._wishes.report,
        )


class ServerSide(_Side):
    """A server's; see :func:`easycert.tls.contexts.server_context`.

    With ``ca=``, a host that a root signed itself is presented with that root behind it if the root is one that clients
    are verified by: OpenSSL completes a chain of one from the store that it verifies by, and Python offers neither
    SSL_MODE_NO_AUTO_CHAIN nor a second store. Clients ignore it (RFC 8446 section 4.4.2); with an intermediate in the
    chain, nothing is added.
    """

    protocol = ssl.PROTOCOL_TLS_SERVER

    def __init__(self, url: SslUrl, certdir: CertDir, wishes: Wishes) -> None:
        """Take what *url* says from *certdir*."""
        super().__init__(url, certdir, wishes)
        self._remarked: set[tuple[x509.Certificate, str]] = set()

    @property
    def verifies(self) -> bool:
        """Whether clients are verified as the URL says."""
        return self._url.ca is not None

    def secure(self, context: ssl.SSLContext) -> None:
        """Give *context* what depends on no file."""
        super().secure(context)
        if self._url.ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            # A resumed session would be one whose certificate was looked at hours ago.
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0

    def marks(self) -> tuple[Mark, ...]:
        """Return the marks of all files that matter."""
        return self._marks(Kind.HOST, (name for host in self._url.hostnames for name in host_candidates(host)))

    def parts(self) -> Parts:
        """Read the files."""
        hosts = [find_host(self._certdir, hostname) for hostname in self._url.hostnames]
        shown = tuple(self._material.presented(Kind.HOST, name) for name in hosts)
        if self._url.ca is None:
            return Parts(shown)
        anchors = self._material.authority(self._url.ca)
        return Parts(shown, anchors, self._material.authorities(), self._material.crls())

    def make(self, parts: Parts, fresh: Callable[[], Made]) -> tuple[Made, ...]:
        """Return a context for each host; the first switches to the one that a client asks for."""
        vetting, now = self._vetting(parts), self._certdir.now()
        contexts = []
        for hostname, shown in zip(self._url.hostnames, parts.shown, strict=True):
            self._remark(shown, _flaw(shown.chain[0], hostname, now))
            context = fresh()
            shown.load_into(context)
            contexts.append(self._complete(context, parts, vetting))
        if len(contexts) > 1:
            contexts[0].sni_callback = _chooser(_by_name(self._url, parts.shown, contexts))
        return tuple(contexts)

    def _remark(self, shown: Presented, flaw: str) -> None:
        """Report what clients will refuse, once for each certificate."""
        remark = f"{printable(shown.source)}: clients will refuse its certificate: it {flaw}"
        if flaw and (shown.chain[0], flaw) not in self._remarked:
            self._remarked.add((shown.chain[0], flaw))
            self._wishes.report(remark)

    def name_to_verify(self, given: str | bytes | None) -> str | bytes | None:
        """Return *given*: clients have no names to verify."""
        return given


class ClientSide(_Side):
    """A client's; see :func:`easycert.tls.contexts.client_context`."""

    protocol = ssl.PROTOCOL_TLS_CLIENT
    #: Servers always are.
    verifies = True

    def secure(self, context: ssl.SSLContext) -> None:
        """Give *context* what depends on no file."""
        super().secure(context)
        if self._url.certhash is not None:  # instead of what OpenSSL verifies
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE

    def marks(self) -> tuple[Mark, ...]:
        """Return the marks of all files that matter."""
        return self._marks(Kind.USER, user_candidates(self._url))

    def parts(self) -> Parts:
        """Read the files."""
        user = find_user(self._certdir, self._url)
        shown = () if user is None else (self._material.presented(Kind.USER, user),)
        if self._url.certhash is not None:
            return Parts(shown)
        authorities = self._material.authorities()
        return Parts(shown, authorities, authorities, self._material.crls())

    def make(self, parts: Parts, fresh: Callable[[], Made]) -> tuple[Made, ...]:
        """Return the context."""
        context = fresh()
        for shown in parts.shown:
            shown.load_into(context)
        if self._url.certhash is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return (self._complete(context, parts, self._vetting(parts)),)

    def name_to_verify(self, given: str | bytes | None) -> str | bytes | None:
        """Return the name of ``hostname=``, whatever the library was told; else the library's, else the URL's host."""
        if self._url.has_hostname or not given:
            return str(self._url.hostname)
        return given


def _by_name(url: SslUrl, shown: tuple[Presented, ...], contexts: list[Made]) -> dict[str, Made]:
    """Return the context for each name: those of the URL first, then whatever else the certificates say."""
    by_name = dict(zip(map(str, url.hostnames), contexts, strict=True))
    for presented, context in zip(shown, contexts, strict=True):
        for name in _dns_names(presented.chain[0]):
            by_name.setdefault(name.lower(), context)
    return by_name


def _flaw(certificate: x509.Certificate, name: TlsName, now: datetime) -> str:
    """Return why every client will refuse the *certificate* of the host *name*, as a fragment; empty where not so."""
    if certificate.not_valid_after_utc < now:
        return f"expired on {rfc3339(certificate.not_valid_after_utc)}"
    if name.is_wildcard:
        return ""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""  # OpenSSL takes the common name then
    except UNREADABLE:
        return "has names that cannot be decoded"
    return host_mismatch(names, host_reference(name))


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return []


def _chooser(by_name: dict[str, Made]) -> Callable[[ssl.SSLObject | ssl.SSLSocket, str | None, ssl.SSLContext], None]:
    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        """Switch to the certificate of the *name* that a client asked for (RFC 6066 section 3), if there is one."""
        wanted = (name or "").lower()
        found = by_name.get(wanted) or by_name.get(f"*.{wanted.partition('.')[2]}")
        if found is not None:
            connection.context = found

    return choose
