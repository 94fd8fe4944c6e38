"""Asking a TLS server who it is, and whether it takes us: one real handshake, judged in both directions.

The server's chain is judged as ``verify`` judges any certificate; nothing is trusted but what lies in ``cas/``, what
the caller names, and the system's CAs where the caller says so.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import (
    CannotConnect,
    EncryptedKey,
    InvalidName,
    KeyMismatch,
    Malformed,
    NotFound,
    Reason,
    VerificationFailed,
)
from easycert.model import Kind
from easycert.pki.chains import IssuerPool, climb, is_self_issued
from easycert.pki.crl_scope import Listed
from easycert.pki.distinguished import name_from_der
from easycert.pki.identity import host_reference
from easycert.pki.names import SafeName
from easycert.pki.rules import Purpose
from easycert.pki.signatures import UNREADABLE
from easycert.pki.subjects import shown_name
from easycert.pki.verify import Policy, verify
from easycert.store.layout import Entry
from easycert.store.layout import certificate as certificate_entry
from easycert.tls.handshake import Handshake, Target, probing_context, shake_hands
from easycert.tls.starttls import StartTls
from easycert.workflows.evidence import Evidence, gather
from easycert.workflows.examination import certificates_in
from easycert.workflows.lookup import Found, find
from easycert.workflows.probe_faults import Accuser, Fault, Side, Step
from easycert.workflows.probe_links import Link, Shelf

#: RFC 8996.
_FORBIDDEN = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})


class ProbeRequest(NamedTuple):
    """Whom to ask, and as whom.

    *servername* is the name that the certificate must have (SNI says it, too), the host without it. *user* is a NAME
    whose certificate is presented. *ca* are CAs of the directory by NAME, or FILEs, that are trusted instead of all of
    ``cas/``; *system* adds the system's. *alpn* are the protocols that are offered.
    """

    host: str
    port: int
    servername: str | None = None
    user: str | None = None
    ca: tuple[str, ...] = ()
    system: bool = False
    starttls: StartTls | None = None
    alpn: tuple[str, ...] = ()
    timeout: float = 10.0
    passphrase: bytes | None = None


class ClientSide(NamedTuple):
    """What the server made of us.

    Whether it *asked* for a certificate and from which CAs, who was *presented* (subject), and whether it was
    *accepted*: None where it did not say.
    """

    asked: bool
    authorities: tuple[str, ...]
    presented: str | None
    accepted: bool | None


@dataclass(frozen=True)
class Probe:
    """What a server is, and what is wrong; *anchor* is what its path ends in, if it has a good one."""

    host: str
    port: int
    address: str
    servername: str
    starttls: StartTls | None
    protocol: str | None
    cipher: str | None
    group: str | None
    alpn: str | None
    stapled: bool
    chain: tuple[Link, ...]
    anchor: Link | None
    client: ClientSide
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

    @property
    def due(self) -> tuple[Link, ...]:
        """The certificates of the chain, and what it ends in, that have less than a third of their life left."""
        return tuple(link for link in (*self.chain, *((self.anchor,) if self.anchor else ())) if link.due)


class Presented(NamedTuple):
    """The certificate that we present, what stands above it, and where it and its key lie."""

    found: Found
    leaf: x509.Certificate
    above: tuple[x509.Certificate, ...]
    key_path: str


def probe(certdir: CertDir, request: ProbeRequest) -> Probe:
    """Return what a handshake with the server tells, judged in both directions.

    Raises CannotConnect, InvalidSan for a name that no certificate could have, NotFound, UnreadableFile and Malformed
    for a user or CA that is not there, EncryptedKey and KeyMismatch for a key that cannot be used.
    """
    reference = host_reference(request.servername or request.host)
    own = gather(certdir, (), (), ())
    evidence = _evidence(certdir, request, own)
    us = _presented(certdir, request.user, own) if request.user is not None else None
    context = probing_context()
    if us is not None:
        _load(context, us, request.passphrase)
    sni = reference if isinstance(reference, str) else None
    target = Target(request.host, request.port, sni, request.starttls, request.alpn, request.timeout)
    heard = shake_hands(target, context)
    if not heard.chain:
        raise CannotConnect(request.host, request.port, _without_chain(heard))
    return _Judging(certdir, request, heard, evidence).result(str(reference), us)


def _without_chain(heard: Handshake) -> str:
    if heard.alert is not None:
        return f"it {heard.alert.meaning} (TLS alert {heard.alert.name})"
    return heard.problem or "it shows no certificate"


# --- what we bring ----------------------------------------------------------------------------------------------------


def _evidence(certdir: CertDir, request: ProbeRequest, own: Evidence) -> Evidence:
    """Return whom to trust: cas/ or what the caller names; what stands between and the CRLs are the directory's."""
    trust = [_authority_file(certdir, ca) for ca in request.ca]
    system = _system_roots() if request.system else ()
    if not trust and not system:
        return own
    named = gather(certdir, (*trust, *system), (), ())
    anchors = named.anchors if trust else (*own.anchors, *named.anchors)
    between = [one for one in (*own.anchors, *own.intermediates) if one not in anchors]
    return Evidence(anchors, tuple(between), own.crls, (*own.notes, *named.notes))


def _authority_file(certdir: CertDir, ca: str) -> str:
    if os.sep in ca or os.path.isfile(ca):
        return ca
    try:
        found = certdir.store.find(certificate_entry(Kind.CA, SafeName(ca)))
    except InvalidName:
        found = None
    if found is None:
        raise NotFound("CA", ca)
    return found


def _system_roots() -> tuple[str, ...]:
    paths = ssl.get_default_verify_paths()
    return tuple(path for path in (paths.cafile, paths.capath) if path)[:1]


def _presented(certdir: CertDir, name: str, own: Evidence) -> Presented:
    """Return the certificate of the user *name* (or of the host, which may call another one) and its key's file."""
    try:
        found = find(certdir, name, kind=Kind.USER)
    except NotFound as error:
        try:
            found = find(certdir, name, kind=Kind.HOST)
        except NotFound:
            raise error from None
    certificates = certificates_in(found.data, found.path)
    if not certificates:
        raise Malformed(found.path, "a certificate", "it holds something else")
    assert found.entry is not None
    key_path = certdir.store.find(Entry(found.entry.folder, f"{found.entry.name}.key"))
    if key_path is None:
        raise NotFound("private key", name)
    leaf, *rest = certificates
    above = climb(IssuerPool([*rest, *own.intermediates]), leaf)[1:]
    return Presented(found, leaf, tuple(above), key_path)


def _load(context: ssl.SSLContext, us: Presented, passphrase: bytes | None) -> None:
    """Give the context our chain and key. Raises EncryptedKey and KeyMismatch."""
    from tempfile import NamedTemporaryFile

    from easycert.pki.encodings import Encoding

    def password() -> bytes:
        if passphrase is None:
            raise EncryptedKey(us.key_path, wrong=False)
        return passphrase

    with NamedTemporaryFile(suffix=".pem") as chain:  # certificates only: no secret leaves the key's file
        chain.write(b"".join(one.public_bytes(Encoding.PEM) for one in (us.leaf, *us.above)))
        chain.flush()
        try:
            context.load_cert_chain(chain.name, us.key_path, password=password)
        except ssl.SSLError as error:
            if passphrase is not None and error.reason != "KEY_VALUES_MISMATCH":
                raise EncryptedKey(us.key_path, wrong=True) from None
            raise KeyMismatch(us.key_path, "it cannot be used with the certificate beside it") from None


# --- what they bring --------------------------------------------------------------------------------------------------


class _Judging:
    """A handshake, and what is said of it."""

    def __init__(self, certdir: CertDir, request: ProbeRequest, heard: Handshake, evidence: Evidence) -> None:
        self._request = request
        self._heard = heard
        self._evidence = evidence
        self._notes: list[str] = list(evidence.notes)
        self._sent = self._readable(heard.chain)
        everything = (*self._sent, *evidence.anchors, *evidence.intermediates)
        self._shelf = Shelf(certdir, (*evidence.anchors, *evidence.intermediates))
        self._accuser = Accuser(self._shelf, everything)
        self._anchor: x509.Certificate | None = None

    def result(self, reference: str, us: Presented | None) -> Probe:
        heard, request = self._heard, self._request
        asked_for = tuple(_shown(name) for name in heard.authorities)
        faults = (*self._protocol(), *self._server(reference), *self._client(asked_for, us))
        return Probe(
            host=request.host,
            port=request.port,
            address=heard.address,
            servername=reference,
            starttls=request.starttls,
            protocol=heard.protocol,
            cipher=heard.cipher,
            group=heard.group,
            alpn=heard.alpn,
            stapled=heard.stapled,
            chain=tuple(self._shelf.link(one) for one in self._sent),
            anchor=self._shelf.link(self._anchor) if self._anchor is not None else None,
            client=ClientSide(heard.asked, asked_for, None if us is None else us.found.name, heard.accepted),
            faults=tuple(dict.fromkeys(faults)),
            notes=tuple(dict.fromkeys(self._notes)),
        )

    def _readable(self, chain: Sequence[bytes]) -> list[x509.Certificate]:
        found = []
        for number, der in enumerate(chain, start=1):
            try:
                certificate = x509.load_der_x509_certificate(der)
                found.append((certificate, certificate.not_valid_before_utc, certificate.not_valid_after_utc)[0])
            except UNREADABLE:
                if number == 1:
                    raise Malformed("the server's certificate", "a certificate", "it cannot be decoded") from None
                self._notes.append(f"certificate {number} of the chain cannot be decoded")
        return found

    def _protocol(self) -> list[Fault]:
        protocol = self._heard.protocol
        if protocol not in _FORBIDDEN:
            return []
        rule = f"the server speaks {protocol}, which must not be used any more"
        return [Fault(Side.SERVER, None, None, rule, "RFC 8996 5", Step.SETTINGS)]

    def _server(self, reference: str) -> list[Fault]:
        leaf, *rest = self._sent
        evidence = self._evidence
        policy = Policy(evidence.anchors, self._shelf.now, purpose=Purpose.SERVER, hostname=reference)
        missing = self._missing(leaf, rest)
        faults = [self._accuser.missing(leaf, one) for one in missing]
        self._order(leaf, rest)
        more = _with(policy, (*rest, *evidence.intermediates), evidence.crls)
        try:
            verified = verify(leaf, more)
        except VerificationFailed as error:
            return [*faults, *self._accuser.of_server(leaf, error.reasons, reference)]
        self._anchor = verified.path[-1]
        self._notes += verified.notes
        return faults

    def _missing(self, leaf: x509.Certificate, rest: Sequence[x509.Certificate]) -> list[x509.Certificate]:
        """Return the intermediates that are here, that the server does not send, and without which no path ends."""
        anchors, ours = self._evidence.anchors, self._evidence.intermediates
        alone = climb(IssuerPool([*rest, *anchors]), leaf)
        if any(one in anchors for one in alone):
            return []
        together = climb(IssuerPool([*rest, *ours, *anchors]), leaf)
        if not any(one in anchors for one in together):
            return []
        return [one for one in together[1:] if one not in rest and one not in anchors]

    def _order(self, leaf: x509.Certificate, rest: Sequence[x509.Certificate]) -> None:
        chain = climb(IssuerPool(rest), leaf)
        if any(is_self_issued(one) for one in rest):
            self._notes.append("the server sends its root, too: nobody needs it (RFC 8446 section 4.4.2)")
        if len({leaf, *rest}) <= len(rest):
            self._notes.append("the server sends a certificate twice")
            rest = [one for one in dict.fromkeys(rest) if one != leaf]
        strays = [one for one in rest if one not in chain and one != leaf]
        if strays:
            self._notes.append("the server sends certificates that do not belong to its chain")
        elif [leaf, *rest] != chain and set(chain) == {leaf, *rest}:
            self._notes.append("the server sends its chain in the wrong order (RFC 5246 section 7.4.2)")

    def _client(self, wanted: tuple[str, ...], us: Presented | None) -> list[Fault]:
        heard = self._heard
        if heard.accepted is not False:
            return []
        if us is None or not heard.asked:
            if heard.asked and (heard.alert is None or heard.alert.name in _WANTING):
                return [self._accuser.absent(wanted, heard.alert)]
            if heard.alert is not None:
                return [self._accuser.refused(heard.alert, None)]
            return [Fault(Side.CLIENT, None, None, f"the handshake failed: {heard.problem}", _TLS, Step.SETTINGS)]
        faults = self._our_own(us)
        if wanted and not {shown_name(one.issuer) for one in (us.leaf, *us.above)} & set(wanted):
            faults.append(self._accuser.not_among(us.leaf, wanted))
        if heard.alert is not None:
            faults.append(self._accuser.refused(heard.alert, us.leaf))
        elif not faults:
            faults.append(Fault(Side.CLIENT, None, None, f"the server ended it: {heard.problem}", _TLS, Step.SETTINGS))
        return faults

    def _our_own(self, us: Presented) -> list[Fault]:
        evidence = self._evidence
        policy = _with(
            Policy(evidence.anchors, self._shelf.now, purpose=Purpose.CLIENT),
            (*us.above, *evidence.intermediates),
            evidence.crls,
        )
        try:
            verify(us.leaf, policy)
        except VerificationFailed as error:
            return list(self._accuser.of_client(us.leaf, _of_us(error.reasons)))
        return []


_TLS = "RFC 8446 4"
#: With these a server says that it wants a certificate: TLS 1.2 has no alert of its own for that.
_WANTING = frozenset({"certificate_required", "handshake_failure", "bad_certificate", "certificate_unknown"})


def _of_us(reasons: Sequence[Reason]) -> Sequence[Reason]:
    """Leave out that we do not trust our own CA: the server has to."""
    return [one for one in reasons if one.section != "RFC 5280 6.1.3 (a)"]


def _with(policy: Policy, between: Sequence[x509.Certificate], crls: Sequence[Listed]) -> Policy:
    return policy._replace(intermediates=tuple(between), crls=tuple(crls))


def _shown(name: bytes) -> str:
    try:
        return shown_name(name_from_der(name))
    except UNREADABLE:
        return "(unreadable name)"
