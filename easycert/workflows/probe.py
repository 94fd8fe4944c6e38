"""Asking a TLS server who it is, and whether it takes us: one real handshake, judged in both directions.

The server's chain is judged as ``verify`` judges any certificate; nothing is trusted but what lies in ``cas/``, what
the caller names, and the system's CAs where the caller says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import (
    CannotConnect,
    Malformed,
    Reason,
    VerificationFailed,
)
from easycert.pki.chains import IssuerPool, climb, is_self_issued
from easycert.pki.crl_scope import Listed
from easycert.pki.describe.certificate import fingerprint
from easycert.pki.distinguished import name_from_der
from easycert.pki.identity import host_reference
from easycert.pki.members import shown_subject
from easycert.pki.rules import Purpose
from easycert.pki.signatures import UNREADABLE
from easycert.pki.staples import Staple, judge_staple
from easycert.pki.subjects import shown_name
from easycert.pki.verify import Policy, verify
from easycert.tls.handshake import Handshake, probing_context, shake_hands
from easycert.tls.lookup import find_user
from easycert.tls.stapling import ask_for_staple
from easycert.tls.starttls import StartTls
from easycert.tls.target import Target
from easycert.tls.urls import SslUrl
from easycert.workflows.evidence import Evidence, gather
from easycert.workflows.probe_faults import Accuser, Fault, Side, Step
from easycert.workflows.probe_links import Link, Shelf
from easycert.workflows.probe_means import Presented, load, presented, trusted

#: What must not be spoken any more, and who says so.
_FORBIDDEN = {"SSLv3": "RFC 7568 3", "TLSv1": "RFC 8996 4", "TLSv1.1": "RFC 8996 5"}


class ProbeRequest(NamedTuple):
    """Whom to ask, and as whom.

    *servername* is the name that the certificate must have (SNI says it, too), the host without it. *user* is a NAME
    whose certificate is presented, else the one that *url* asks for, which may pin the server's, too. *ca* are CAs of
    the directory by NAME, or FILEs, that are trusted instead of all of ``cas/``; *system* adds the system's. *alpn* are
    the protocols that are offered. With *staple* a second connection asks for a stapled OCSP response.
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
    url: SslUrl | None = None
    staple: bool = False


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
    staple: Staple | None
    chain: tuple[Link, ...]
    anchor: Link | None
    client: ClientSide
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

    @property
    def due(self) -> tuple[Link, ...]:
        """The certificates of the chain, and what it ends in, that have less than a third of their life left."""
        return tuple(link for link in (*self.chain, *((self.anchor,) if self.anchor else ())) if link.due)


def probe(certdir: CertDir, request: ProbeRequest) -> Probe:
    """Return what a handshake with the server tells, judged in both directions.

    Raises CannotConnect, InvalidSan for a name that no certificate could have, NotFound, UnreadableFile and Malformed
    for a user or CA that is not there, EncryptedKey and KeyMismatch for a key that cannot be used.
    """
    reference = host_reference(request.servername or request.host)
    own = gather(certdir, (), (), ())
    evidence = trusted(certdir, request.ca, own, system=request.system)
    user = request.user or (find_user(certdir, request.url) if request.url is not None else None)
    us = presented(certdir, user, own) if user is not None else None
    context = probing_context()
    if us is not None:
        load(context, us, request.passphrase)
    sni = reference if isinstance(reference, str) else None
    target = Target(request.host, request.port, sni, request.starttls, request.alpn, request.timeout)
    heard = shake_hands(target, context)
    if not heard.chain:
        raise CannotConnect(request.host, request.port, _without_chain(heard))
    stapled = ask_for_staple(target).response if request.staple else None
    return _Judging(certdir, request, heard, evidence, stapled).result(str(reference), us)


def _without_chain(heard: Handshake) -> str:
    if heard.alert is not None:
        return f"it {heard.alert.meaning} (TLS alert {heard.alert.name})"
    return heard.problem or "it shows no certificate"


# --- what they bring --------------------------------------------------------------------------------------------------


class _Judging:
    """A handshake, and what is said of it."""

    def __init__(
        self,
        certdir: CertDir,
        request: ProbeRequest,
        heard: Handshake,
        evidence: Evidence,
        stapled: bytes | None,
    ) -> None:
        self._request = request
        self._stapled = stapled
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
        pinned = request.url.certhash if request.url is not None else None
        server = self._server(reference) if pinned is None else self._pinned(pinned)
        staple = self._staple()
        stapled = [self._accuser.says(self._sent[0], reason) for reason in staple.reasons] if staple else []
        faults = (*self._protocol(), *server, *stapled, *self._client(asked_for, us))
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
            staple=staple,
            chain=tuple(self._shelf.link(one) for one in self._sent),
            anchor=self._shelf.link(self._anchor) if self._anchor is not None else None,
            client=ClientSide(heard.asked, asked_for, None if us is None else us.found.name, heard.accepted),
            faults=tuple(dict.fromkeys(faults)),
            notes=tuple(dict.fromkeys((*self._notes, *self._accuser.notes))),
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
        if protocol is None or protocol not in _FORBIDDEN:
            return []
        rule = f"the server speaks {protocol}, which must not be used any more"
        return [Fault(Side.SERVER, None, None, rule, _FORBIDDEN[protocol], Step.SETTINGS)]

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

    def _pinned(self, certhash: str) -> list[Fault]:
        """Judge by the URL's certhash alone, as a client of Telepath does."""
        if fingerprint(self._sent[0]) == certhash:
            self._notes.append("pinned by certhash: nothing else of the server's certificate counts")
            return []
        reason = Reason(f"is not the certificate that is pinned by certhash={certhash}", "RFC 7469 2.6")
        return [self._accuser.says(self._sent[0], reason)]

    def _staple(self) -> Staple | None:
        if self._stapled is None:
            if self._request.staple:
                self._notes.append("the server staples no OCSP response, or hides it in TLS 1.3")
            return None
        leaf, *rest = self._sent
        pool = IssuerPool([*rest, *self._evidence.intermediates, *self._evidence.anchors])
        issuer = next(iter(climb(pool, leaf)[1:]), None)
        return judge_staple(self._stapled, leaf, issuer, self._shelf.now)

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
            if us is not None and heard.asked:
                shown = shown_subject(us.leaf)
                self._notes += [f"the server does not mind that {shown} {one}" for one in self._against_us(us)]
            return []
        if us is None or not heard.asked:
            if heard.asked and (heard.alert is None or heard.alert.name in _WANTING):
                return [self._accuser.absent(wanted, heard.alert, self._sent[0])]
            if heard.alert is not None:
                return [self._accuser.refused(heard.alert, None)]
            return [Fault(Side.CLIENT, None, None, f"the handshake failed: {heard.problem}", _TLS, Step.SETTINGS)]
        faults = list(self._accuser.of_client(us.leaf, self._against_us(us)))
        if wanted and not {shown_name(one.issuer) for one in (us.leaf, *us.above)} & set(wanted):
            faults.append(self._accuser.not_among(us.leaf, wanted))
        if heard.alert is not None:
            faults.append(self._accuser.refused(heard.alert, us.leaf))
        elif not faults:
            faults.append(self._accuser.hung_up(us.leaf))
        return faults

    def _against_us(self, us: Presented) -> Sequence[Reason]:
        """Return what is wrong with our own certificate; that our CA is to be trusted is for the server to know."""
        evidence = self._evidence
        policy = _with(
            Policy(evidence.anchors, self._shelf.now, purpose=Purpose.CLIENT),
            (*us.above, *evidence.intermediates),
            evidence.crls,
        )
        try:
            verify(us.leaf, policy)
        except VerificationFailed as error:
            return [one for one in error.reasons if one.section != "RFC 5280 6.1.3 (a)"]
        return []


_TLS = "RFC 8446 4"
#: With these a server says that it wants a certificate: TLS 1.2 has no alert of its own for that.
_WANTING = frozenset({"certificate_required", "handshake_failure", "bad_certificate", "certificate_unknown"})


def _with(policy: Policy, between: Sequence[x509.Certificate], crls: Sequence[Listed]) -> Policy:
    return policy._replace(intermediates=tuple(between), crls=tuple(crls))


def _shown(name: bytes) -> str:
    try:
        return shown_name(name_from_der(name))
    except UNREADABLE:
        return "(unreadable name)"
