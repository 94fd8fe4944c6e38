"""What is wrong between a server and us, whose certificate and which file it is about, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from cryptography import x509

from easycert.errors import Reason
from easycert.model import Kind
from easycert.pki.chains import IssuerPool, climb, is_self_issued, shown_issuer
from easycert.pki.doctor.findings import REISSUE_EC, RENEW, Cure, Remedy
from easycert.pki.members import shown_subject
from easycert.tls.alerts import Alert
from easycert.workflows.examination import Patient
from easycert.workflows.holdings import Holding
from easycert.workflows.probe_links import Shelf


class Side(Enum):
    """Who refuses: we the server, or the server us."""

    SERVER = "server"
    CLIENT = "client"


class Step(Enum):
    """What mends a fault, as far as doctor's cures do not say it; ``cli`` words it as a command."""

    #: Doctor's cure for the patient of the fault.
    CURE = "cure"
    #: The server is to be given the certificate that lies in the directory, with its chain, and told to read it.
    SERVE = "serve"
    #: What was exported for the server is to be written again, and its hook run.
    REFRESH = "refresh"
    #: What was exported for the server lies there as it should: it has to read it.
    RELOAD = "reload"
    #: The certificate of an intermediate is to be put behind the server's own.
    APPEND = "append"
    #: The CA that the server's certificate comes from is to be trusted.
    TRUST = "trust"
    #: The server is to trust the CA that the client's certificate comes from.
    TRUST_US = "trust us"
    #: A certificate that is here is to be presented.
    PRESENT = "present"
    #: A user certificate is to be made, and presented.
    NEW_USER = "new user"
    #: A user certificate is to be asked for: its CA's key is elsewhere.
    REQUEST_USER = "request user"
    #: The clocks of both machines are to be compared.
    CLOCK = "clock"
    #: Nothing that easycert could do: the server's settings.
    SETTINGS = "settings"


class Fault(NamedTuple):
    """One rule that is broken: who refuses, whose certificate (its subject and file), the rule, its clause, the cure.

    *subject* is None where it is about no certificate. *name* is what the command is about: a user, a CA, a file.
    """

    side: Side
    subject: str | None
    path: str | None
    rule: str
    section: str
    step: Step
    name: str | None = None
    patient: Patient | None = None
    remedy: Remedy | None = None

    def __str__(self) -> str:
        """Return the rule with its clause."""
        return f"{self.rule} [{self.section}]"


_REISSUE = Remedy(Cure.REISSUE)
_NEW_CA = Remedy(Cure.NEW_CA)
#: What a reason of :mod:`easycert.pki.verify` begins with or holds -> what mends it for a leaf, and for a CA.
CURES: tuple[tuple[str, Remedy | Step, Remedy | Step], ...] = (
    ("expired on", RENEW, RENEW),
    ("is not valid before", Step.CLOCK, Step.CLOCK),
    ("does not name", _REISSUE, _REISSUE),
    ("has no subject alternative name", _REISSUE, _REISSUE),
    ("is not the certificate that is pinned", Step.SETTINGS, Step.SETTINGS),
    ("has a stapled OCSP response", Step.SETTINGS, Step.SETTINGS),
    ("was revoked", _REISSUE, _NEW_CA),
    ("is self-signed and not a trust anchor", Step.TRUST, Step.TRUST),
    ("of which no certificate was given", Step.TRUST, Step.TRUST),
    ("has a signature that the key of its issuer", _REISSUE, Step.TRUST),
    ("has an extended key usage without", _REISSUE, RENEW),
    ("is a CA certificate, not one for", _REISSUE, _REISSUE),
    ("has a keyUsage without", RENEW, RENEW),
    ("has the status unknown", Remedy(Cure.CRL), Remedy(Cure.CRL)),
    ("stale since", Remedy(Cure.CRL), Remedy(Cure.CRL)),
    ("is signed with", RENEW, RENEW),
    ("is not accepted", REISSUE_EC, _NEW_CA),
    ("has name constraints that forbid this", _NEW_CA, _NEW_CA),
    ("(pathLenConstraint)", _NEW_CA, _NEW_CA),
    ("has no basicConstraints", RENEW, RENEW),
    ("is not a CA:", Remedy(Cure.LOOK), Remedy(Cure.LOOK)),
    ("may not sign certificates", RENEW, RENEW),
)


class Accuser:
    """Turns reasons and alerts into faults, with the certificate, the file and the cure for each."""

    def __init__(self, shelf: Shelf, pool: Sequence[x509.Certificate]) -> None:
        """Look for files on *shelf*, and for CAs that reasons name in *pool*."""
        self._shelf = shelf
        self._pool = pool
        #: What is to be said beside the faults.
        self.notes: list[str] = []
        self._cas = {shown_subject(one): one for one in reversed(pool)}

    def of_server(self, leaf: x509.Certificate, reasons: Sequence[Reason], host: str) -> Iterator[Fault]:
        """Yield why we refuse the server with the certificate *leaf*, which was to name *host*."""
        better = next((one for one, certificate in self._shelf.hosts_for(host) if certificate != leaf), None)
        if better:
            self.notes.append(f"the server does not serve {better.path}, which names {host} and is valid")
        for reason in reasons:
            fault = self._about(Side.SERVER, leaf, reason, host)
            # The directory has what the server lacks: it only has to get it.
            if better and reason.certificate is None and fault.step is not Step.CLOCK:
                fault = fault._replace(step=self._way(better), name=better.name, patient=None, remedy=None)
            yield fault

    def of_client(self, leaf: x509.Certificate, reasons: Sequence[Reason]) -> Iterator[Fault]:
        """Yield why a server that trusts whom we trust refuses the client certificate *leaf*."""
        for reason in reasons:
            yield self._about(Side.CLIENT, leaf, reason, None)

    def says(self, leaf: x509.Certificate, reason: Reason) -> Fault:
        """Return *reason* as it stands against the server's certificate *leaf*."""
        return self._about(Side.SERVER, leaf, reason, None)

    def missing(self, leaf: x509.Certificate, intermediate: x509.Certificate) -> Fault:
        """Return that the server does not send *intermediate*, which is here."""
        held = self._shelf.holding(leaf)
        return Fault(
            Side.SERVER,
            shown_subject(leaf),
            self._shelf.path(leaf),
            f"comes without the certificate of its CA '{shown_subject(intermediate)}', which is no trust anchor; "
            "the server must send it",
            "RFC 8446 4.4.2",
            self._way(held) if held else Step.APPEND,
            held.name if held else self._shelf.path(intermediate),
        )

    def refused(self, alert: Alert, leaf: x509.Certificate | None) -> Fault:
        """Return that the server gave up with *alert*, having seen *leaf* of ours."""
        rule = f"the server {alert.meaning} (TLS alert {alert.name})"
        if leaf is None:
            return Fault(Side.CLIENT, None, None, rule, alert.section, Step.SETTINGS)
        subject, path = shown_subject(leaf), self._shelf.path(leaf)
        patient = self._shelf.patient(leaf, Kind.USER)
        step, remedy = _AFTER_ALERT.get(alert.name, (Step.CURE, Remedy(Cure.LOOK)))
        name = self._root_of(leaf) if step is Step.TRUST_US else None
        return Fault(Side.CLIENT, subject, path, rule, alert.section, step, name, patient, remedy)

    def hung_up(self, leaf: x509.Certificate) -> Fault:
        """Return that the server ended it without an alert once it had seen *leaf* of ours, as asyncio's do."""
        rule = (
            "was shown to the server, which then hung up without a word; it may not trust "
            f"'{shown_issuer(leaf)}', and its log may tell"
        )
        path, root = self._shelf.path(leaf), self._root_of(leaf)
        return Fault(Side.CLIENT, shown_subject(leaf), path, rule, "RFC 8446 6.2", Step.TRUST_US, root)

    def not_among(self, leaf: x509.Certificate, wanted: Sequence[str]) -> Fault:
        """Return that no CA of those that the server asks for stands above *leaf*."""
        authority = self._shelf.authority_called(wanted)
        patient = self._shelf.patient(leaf, Kind.USER)
        subject, path = shown_subject(leaf), self._shelf.path(leaf)
        rule = f"was issued by '{shown_issuer(leaf)}', and the server takes only what comes from {_listed(wanted)}"
        if authority is None:
            return Fault(Side.CLIENT, subject, path, rule, "RFC 8446 4.2.4", Step.TRUST_US, self._root_of(leaf))
        patient = patient._replace(issuer=authority.name)
        return Fault(Side.CLIENT, subject, path, rule, "RFC 8446 4.2.4", Step.CURE, None, patient, _REISSUE)

    def absent(self, wanted: Sequence[str], alert: Alert | None, server: x509.Certificate) -> Fault:
        """Return that the server wants a client certificate, and who could present one.

        Where it does not say of which CA, those above its own certificate are the likeliest.
        """
        told = f" (TLS alert {alert.name})" if alert is not None else ""
        source = f" from {_listed(wanted)}" if wanted else ""
        rule, section = f"the server wants a client certificate{source}, and got none{told}", "RFC 8446 4.4.2.4"
        likely = wanted or [shown_subject(one) for one in climb(IssuerPool(self._pool), server)[1:]]
        users = self._shelf.users_of(likely) or ([] if wanted else self._shelf.users_of(()))
        authority = self._shelf.authority_called(likely)
        step, name = Step.REQUEST_USER, None
        if users:
            step, name = Step.PRESENT, users[0].name
        elif authority is not None and authority.has_key:
            step, name = Step.NEW_USER, authority.name
        return Fault(Side.CLIENT, None, None, rule, section, step, name)

    def _about(self, side: Side, leaf: x509.Certificate, reason: Reason, host: str | None) -> Fault:
        accused = self._cas.get(reason.certificate) if reason.certificate is not None else leaf
        cure = cure_of(reason)
        if cure is Step.TRUST and accused is leaf and self._shelf.holding(leaf) and is_self_issued(leaf):
            cure = _REISSUE  # below a CA, for nobody is to trust a host
        subject = reason.certificate if reason.certificate is not None else shown_subject(leaf)
        step = cure if isinstance(cure, Step) else Step.CURE
        if accused is None:
            return Fault(side, subject, None, reason.rule, reason.section, Step.TRUST)
        remedy = cure if isinstance(cure, Remedy) else None
        if remedy is not None and host is not None and reason.rule.startswith(_NAMELESS):
            remedy = remedy._replace(names=(host,))
        kind = Kind.CA if accused is not leaf else Kind.HOST if side is Side.SERVER else Kind.USER
        patient = self._shelf.patient(accused, kind)
        return Fault(side, subject, self._shelf.path(accused), reason.rule, reason.section, step, None, patient, remedy)

    def _way(self, held: Holding) -> Step:
        """Return how the server gets what is *held*: it may be exported for it already."""
        exported = self._shelf.exported(held)
        if exported is None:
            return Step.SERVE
        if exported.is_current:
            told = f"what the server needs lies in {exported.destination}, as it should: have it read that again"
            self.notes.append(told)
            return Step.RELOAD
        return Step.REFRESH

    def _root_of(self, leaf: x509.Certificate) -> str | None:
        """Return the file of the highest CA above *leaf* that the directory has."""
        chain = climb(IssuerPool(self._pool), leaf)[1:]
        paths = [path for one in reversed(chain) if (path := self._shelf.path(one)) is not None]
        return paths[0] if paths else None


_NAMELESS = ("does not name", "has no subject alternative name")
_AFTER_ALERT: dict[str, tuple[Step, Remedy | None]] = {
    "unknown_ca": (Step.TRUST_US, None),
    "certificate_expired": (Step.CURE, RENEW),
    "certificate_revoked": (Step.CURE, _REISSUE),
}
_SHOWN = 3


def cure_of(reason: Reason) -> Remedy | Step:
    """Return what mends what *reason* says, of a leaf or of a CA; a person's look where nothing is known to."""
    for fragment, leaf, authority in CURES:
        if fragment in reason.rule:
            return leaf if reason.certificate is None else authority
    return Remedy(Cure.LOOK)


def _listed(names: Sequence[str]) -> str:
    shown = " or ".join(f"'{name}'" for name in names[:_SHOWN])
    return shown + (f" or {len(names) - _SHOWN} others" if len(names) > _SHOWN else "")
