"""Patients: certificates as they lie in files, each with what stands above it, and what the rule book says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from easycert.errors import Malformed
from easycert.model import Kind
from easycert.pki.certificates import DECODING_ERRORS
from easycert.pki.chains import is_self_issued
from easycert.pki.describe.certificate import guessed_kind, subject_alternative_names
from easycert.pki.doctor.book import judge
from easycert.pki.doctor.exam import Exam, carries_synapse_mark, climb
from easycert.pki.doctor.findings import Client, Finding
from easycert.pki.keys import key_name
from easycert.pki.members import Member, read_member, shown_subject
from easycert.pki.signatures import UNREADABLE
from easycert.pki.subjects import common_name, shown_name


class Patient(NamedTuple):
    """Something that was examined: a certificate, or (without *kind*) another file or directory; and what was found.

    *filed* says whether *name* is its name in the certificate directory, so that a command can replace it; else it is
    its common name. *issuer* is the CA above it, *names* are its subject alternative names.
    """

    path: str
    kind: Kind | None
    name: str | None
    subject: str
    issuer: str | None
    filed: bool
    self_signed: bool
    names: tuple[str, ...]
    key_type: str
    for_synapse: bool
    findings: tuple[Finding, ...]


class Held(NamedTuple):
    """A certificate and where it lies: *filed_as* is its name in the directory, *sent* what follows it in its file."""

    path: str
    certificate: x509.Certificate
    kind: Kind
    filed_as: str | None = None
    sent: tuple[x509.Certificate, ...] = ()


class Ward(NamedTuple):
    """All that is examined together: who may stand above whom, what CAs are called here, and the time."""

    at: datetime
    authorities: tuple[x509.Certificate, ...]
    names: dict[x509.Certificate, str]
    #: For each CA the kinds of what it signed, and whether any of it carries Synapse's mark.
    below: dict[x509.Certificate, frozenset[Kind]]
    of_synapse: frozenset[x509.Certificate]
    paths: dict[x509.Certificate, tuple[Member, ...]]


def certificates_in(data: bytes, source: str) -> list[x509.Certificate]:
    """Return the certificates in PEM or DER *data*, however odd, as long as they can be taken apart at all.

    Nothing in them is decoded yet: what cannot be is a finding. Raises Malformed.
    """
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(data)]
    except DECODING_ERRORS:
        raise Malformed(source, "a certificate", "it cannot be decoded") from None


def kind_of(certificate: x509.Certificate) -> Kind:
    """Return what a certificate is for, as far as it says; one that says nothing is taken for a host's."""
    try:
        return guessed_kind(certificate) or Kind.HOST
    except UNREADABLE:
        return Kind.HOST


def ward(held: Sequence[Held], more: Iterable[x509.Certificate], at: datetime) -> Ward:
    """Return the ward of *held*; *more* are further certificates that may stand above them."""
    filed = {item.certificate: item.filed_as for item in held if item.kind is Kind.CA and item.filed_as}
    authorities = tuple(
        dict.fromkeys(
            [
                *(item.certificate for item in held if item.kind is Kind.CA),
                *(one for item in held for one in item.sent),
                *more,
            ]
        )
    )
    below: dict[x509.Certificate, set[Kind]] = {}
    of_synapse: set[x509.Certificate] = set()
    paths = {item.certificate: climb(item.certificate, authorities) for item in held}
    for item in held:
        above = [member.certificate for member in paths[item.certificate]]
        for authority in above:
            below.setdefault(authority, set()).add(item.kind)
        if item.kind is not Kind.CA and carries_synapse_mark(item.certificate):
            of_synapse.update((item.certificate, *above))
    kinds = {authority: frozenset(found) for authority, found in below.items()}
    return Ward(at, authorities, filed, kinds, frozenset(of_synapse), paths)


def examine(held: Held, place: Ward, only: Iterable[Client] = ()) -> Patient:
    """Return what the rule book says about one certificate."""
    certificate = held.certificate
    above = place.paths[certificate]
    exam = Exam(
        read_member(certificate, is_leaf=held.kind is not Kind.CA),
        held.kind,
        place.at,
        above,
        held.sent,
        held.filed_as,
        place.below.get(certificate, frozenset()),
        certificate in place.of_synapse,
    )
    return Patient(
        path=held.path,
        kind=held.kind,
        name=held.filed_as or _called(certificate),
        subject=shown_subject(certificate),
        issuer=_issuer(certificate, above, place),
        filed=held.filed_as is not None,
        self_signed=is_self_issued(certificate),
        names=names_of(certificate),
        key_type=key_type_of(certificate),
        for_synapse=certificate in place.of_synapse,
        findings=judge(exam, only),
    )


def _issuer(certificate: x509.Certificate, above: tuple[Member, ...], place: Ward) -> str | None:
    """Return the CA above by its name in the directory, else as it calls itself; None for what signed itself."""
    if above and above[0].certificate in place.names:
        return place.names[above[0].certificate]
    return None if is_self_issued(certificate) else _called(certificate, "issuer")


def _called(certificate: x509.Certificate, which: str = "subject") -> str | None:
    try:
        name: x509.Name = getattr(certificate, which)
        return common_name(name) or shown_name(name) or None
    except UNREADABLE:
        return None


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the subject alternative names of *certificate*; none where they cannot be read."""
    try:
        return tuple(subject_alternative_names(certificate.extensions))
    except UNREADABLE:
        return ()


def key_type_of(certificate: x509.Certificate) -> str:
    """Return the type of the key of *certificate*; ``unknown`` where it cannot be read."""
    try:
        return key_name(certificate.public_key())
    except UNREADABLE:
        return "unknown"
