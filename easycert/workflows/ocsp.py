"""OCSP as files: a request is answered from what CRL and ledger know, and the CA's signer of such answers is made.

Who answers is the certificate that the CA has delegated this to, where there is one (``ocsp/CA-ocsp.crt``); then the
CA's own key need not be here. Else it is the CA itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import KeyMismatch, NameLength, SignerUnfit
from easycert.ledger.records import Query, Record
from easycert.model import Kind, Value
from easycert.pki.certificates import authority_issuer, is_self_issued, is_signed_by, load_certificate
from easycert.pki.chains import IssuerPool, climb
from easycert.pki.crl import Crl
from easycert.pki.facts import authority_ids
from easycert.pki.issuers import require_valid
from easycert.pki.keys import KeyType
from easycert.pki.names import CommonName, SafeName
from easycert.pki.ocsp import (
    CertId,
    ErrorStatus,
    Responder,
    ResponseSpec,
    State,
    Status,
    error_response,
    load_request,
    may_sign,
    require_may_respond,
    sign_response,
)
from easycert.pki.revision import Revision
from easycert.pki.validity import When, days, is_due, period
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.workflows import authorities
from easycert.workflows.authorities import certificates_below
from easycert.workflows.issue import Issued, IssueRequest, issue
from easycert.workflows.next_crl import current, reason_named

#: BR 4.9.9: at least eight hours and at most ten days. Whoever has kept an answer can show it for as long.
LIFETIME = days(4)
_UNUSUAL = (
    "the CA itself answers, whose key usage lacks digitalSignature: strict clients want a certificate made with "
    "easycert ocsp-signer"
)


class RespondRequest(Value):
    """An OCSP request in DER, the file that it came from, and until when the answers are to hold."""

    data: bytes
    source: str
    next_update: When = LIFETIME


class Answer(Value):
    """What was answered about one certificate."""

    serial: int
    state: State
    revoked_at: datetime | None
    reason: x509.ReasonFlags


class Responded(Value):
    """An OCSP response in DER, and what it says.

    *authority* is the CA for which it speaks and *signer* who signed it, both None in a response that says that no CA
    which is here issued what was asked for.
    """

    response: bytes
    authority: SafeName | None
    signer: str | None
    answers: tuple[Answer, ...]
    next_update: datetime | None
    notes: tuple[str, ...]


class SignerRequest(Value):
    """An OCSP signer that is wanted: for which CA, and how; *due* makes one only where it is time for a new one."""

    signas: SafeName
    key_type: KeyType | None = None
    end: When | None = None
    due: bool = False


def signer_name(authority: SafeName) -> SafeName:
    """Return what the OCSP signer of a CA is called. Raises NameLength for a CA whose name leaves no room for that."""
    return CommonName(f"{authority}-ocsp")


def make_signer(certdir: CertDir, request: SignerRequest, *, replace: bool = False) -> Issued | None:
    """Make a key and a certificate to which the CA delegates its answers; None when that was not due.

    Raises AlreadyExists unless *replace* or it is due, and what :func:`~easycert.workflows.issue.issue` raises.
    """
    name = signer_name(request.signas)
    if request.due:
        replace = True
        if not _is_due(certdir, name, request.signas):
            return None
    wanted = IssueRequest(Kind.OCSP, name, request.signas, key_type=request.key_type, end=request.end)
    (issued,) = issue(certdir, [wanted], replace=replace)
    return issued


def respond(certdir: CertDir, request: RespondRequest) -> Responded:
    """Answer an OCSP request.

    A certificate is good only if it is known that the CA issued it, and not that it is revoked; any other serial number
    is unknown (RFC 6960 section 2.2). Raises Malformed for what is no request, SignerUnfit for one that may not
    answer, IssuerUnusable for a CA that is not valid, and MissingAuthority without a key to sign with.
    """
    now = certdir.signing_time()
    asked = load_request(request.data, request.source)
    found = _authority(certdir, asked.wanted)
    if found is None:
        note = "no CA that is here issued what is asked for: the response says 'unauthorized'"
        return Responded(error_response(ErrorStatus.UNAUTHORIZED), None, None, (), None, (note,))
    name, authority = found
    require_valid(authority, name, now)
    try:
        knowledge = _Knowledge(certdir, name, authority, now)
        answers = tuple(_answers(knowledge, asked.wanted))
        responder, signer, notes = _responder(certdir, name, knowledge)
    finally:
        certdir.ledger.close()  # what was only read stays as it lies
    ends = (item.not_valid_after_utc for item in (authority, *responder.certificates))
    until = min(period(now, request.next_update).not_after, *ends)
    made = sign_response(ResponseSpec(answers, now, until, asked.nonce), responder)
    told = tuple(Answer(item.serial, status.state, status.revoked_at, status.reason) for item, status in answers)
    return Responded(made, name, signer, told, until, notes)


class _Knowledge:
    """What CRL, ledger and files know of the certificates of one CA."""

    def __init__(self, certdir: CertDir, name: SafeName, authority: x509.Certificate, now: datetime) -> None:
        self.authority = authority
        self._certdir = certdir
        self.now = now
        self._ids = authority_ids(authority)
        crl: Crl | None = current(certdir, name, authority)
        self._listed = Revision(crl)

    def status(self, serial: int) -> Status:
        """Return the state of the certificate with this serial number."""
        issued = next(self._issued(serial), None)
        expired = issued is not None and issued.not_valid_after_utc < self.now
        cutoff = self.authority.not_valid_before_utc if expired else None  # RFC 6960 section 4.4.4: all is kept
        revoked = self._listed.find(serial)
        if revoked is not None:
            return Status(State.REVOKED, revoked.date, revoked.reason, cutoff)
        for record in self._records(serial):
            if record.revoked_at:
                at = datetime.fromisoformat(record.revoked_at).astimezone(UTC)
                return Status(State.REVOKED, at, reason_named(record.reason), cutoff)
        return Status(State.GOOD if issued else State.UNKNOWN, archive_cutoff=cutoff)

    def _records(self, serial: int) -> Sequence[Record]:
        ledger = self._certdir.ledger
        if serial < 0 or not ledger.exists():
            return ()
        return [item for item in ledger.records(Query(serial=even_hex(serial))) if item.issuer_id in self._ids]

    def _issued(self, serial: int) -> Iterator[x509.Certificate]:
        """Yield certificates of this serial number that the CA's key has signed; no other is ever good."""
        ders = (self._certdir.ledger.der(record.fingerprint) for record in self._records(serial))
        known = [load_certificate(der, "the ledger") for der in ders if der is not None]
        if not self._certdir.ledger.exists():
            folders = layout.FOLDERS.values()
            known = [item for folder in folders for _, item in certificates_below(self._certdir, folder)]
        yield from (item for item in known if item.serial_number == serial and is_signed_by(item, self.authority))


def _authority(certdir: CertDir, wanted: Sequence[CertId]) -> tuple[SafeName, x509.Certificate] | None:
    """Return the first CA of which something is asked; of several with one name and key, one that has a signer."""
    found = [
        (SafeName(entry.name), certificate)
        for entry, certificate in certificates_below(certdir, layout.FOLDERS[Kind.CA])
        if any(item.is_issued_by(certificate) for item in wanted)
    ]
    first = {id(item): position for position, item in enumerate(wanted)}
    found.sort(key=lambda pair: min(first[id(item)] for item in wanted if item.is_issued_by(pair[1])))
    return found[0] if found else None


def _answers(knowledge: _Knowledge, wanted: Sequence[CertId]) -> Iterator[tuple[CertId, Status]]:
    for item in wanted:
        ours = item.is_issued_by(knowledge.authority)
        yield item, knowledge.status(item.serial) if ours else Status(State.UNKNOWN)


def _responder(certdir: CertDir, name: SafeName, knowledge: _Knowledge) -> tuple[Responder, str, tuple[str, ...]]:
    """Return who signs the answers of a CA, how a person calls that, and notes about it."""
    chain = _sent(certdir, knowledge.authority)
    signer = _delegate(name)
    found = certdir.read(layout.certificate(Kind.OCSP, signer)) if signer else None
    if signer is None or found is None:
        issuer = authorities.load(certdir, name).issuer
        own = chain or (knowledge.authority,)  # GnuTLS looks for the signer among what is sent, also for a root
        return Responder(issuer.key, own), f"ca {name}", () if may_sign(knowledge.authority) else (_UNUSUAL,)
    certificate, path = load_certificate(*found), found[1]
    require_may_respond(certificate, knowledge.authority, knowledge.now, path)
    if knowledge.status(certificate.serial_number).state is State.REVOKED:
        raise SignerUnfit(path, "it was revoked, so it may not answer any more")
    key = certdir.signers.key(Kind.OCSP, signer)
    if key is None:
        raise SignerUnfit(path, "its private key is not here, so it cannot answer")
    try:
        authority_issuer(certificate, key)
    except KeyMismatch:
        raise KeyMismatch(path, "the private key beside it does not belong to it") from None
    return Responder(key, (certificate, *chain)), f"ocsp {signer}", ()


def _sent(certdir: CertDir, authority: x509.Certificate) -> tuple[x509.Certificate, ...]:
    """Return what a client that trusts the root needs beside the signer: the CA and those above it, less the root."""
    found = [item for _, item in certificates_below(certdir, layout.FOLDERS[Kind.CA])]
    return tuple(item for item in climb(IssuerPool(found), authority) if not is_self_issued(item))


def _delegate(authority: SafeName) -> SafeName | None:
    try:
        return signer_name(authority)
    except NameLength:  # such a CA can have none, and answers itself
        return None


def _is_due(certdir: CertDir, name: SafeName, signas: SafeName) -> bool:
    found = certdir.read(layout.certificate(Kind.OCSP, name))
    authority = certdir.read(layout.certificate(Kind.CA, signas))
    if found is None or authority is None or certdir.store.find(layout.key(Kind.OCSP, name)) is None:
        return True
    certificate, now = load_certificate(*found), certdir.signing_time()
    try:
        require_may_respond(certificate, load_certificate(*authority), now, found[1])
    except SignerUnfit:  # the CA has another key now, or it has expired
        return True
    return is_due(certificate.not_valid_before_utc, certificate.not_valid_after_utc, now)
