"""What is examined: one certificate in its place, with all that the rules need to know about where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from easycert.model import Kind
from easycert.pki.certificates import is_signed_by
from easycert.pki.chains import IssuerPool, authority_key_id, is_self_issued, subject_bytes, subject_key_id
from easycert.pki.doctor.findings import RENEW, Cure, Remedy
from easycert.pki.encodings import Encoding, PublicFormat
from easycert.pki.members import Member, read_member
from easycert.pki.paths import MAX_DEPTH
from easycert.pki.profiles import NETSCAPE_CERT_TYPE
from easycert.pki.signatures import UNREADABLE

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
#: cryptography verifies no signature made with these, so that a path through one is found by names alone.
_UNVERIFIED_HASHES = (hashes.MD5, hashes.SHA1)
#: CAs of one name whose keys are tried where no key identifier points to one.
_MOST_NAMESAKES = 16


class Exam(NamedTuple):
    """One certificate in its place.

    ``above`` are its CAs, the one that signed it first, as far as they are known; ``sent`` is what stands behind it in
    its file, which is what a server sends; ``filed_as`` is its name in the certificate directory; ``kinds_below`` are
    the kinds of what a CA signed.
    """

    member: Member
    kind: Kind
    at: datetime
    above: tuple[Member, ...] = ()
    sent: tuple[x509.Certificate, ...] = ()
    filed_as: str | None = None
    kinds_below: frozenset[Kind] = frozenset()
    for_synapse: bool = False

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return self.member.certificate

    @property
    def is_ca(self) -> bool:
        """Whether it is looked at as a CA."""
        return self.kind is Kind.CA

    @property
    def is_self_issued(self) -> bool:
        """Whether its subject is its issuer."""
        return is_self_issued(self.certificate)

    @property
    def is_anchor(self) -> bool:
        """Whether clients are given it to trust: a CA that nobody stands above."""
        return self.is_ca and self.is_self_issued

    @property
    def has_root(self) -> bool:
        """Whether the path above it is known to its end."""
        top = self.above[-1] if self.above else self.member
        return is_self_issued(top.certificate)

    @property
    def anew(self) -> Remedy:
        """What mends a fault of its form: a CA keeps its key; anything else is made anew, for renewal keeps faults."""
        return RENEW if self.is_ca else Remedy(Cure.REISSUE)

    def find(self, kind: type[_Extension]) -> x509.Extension[_Extension] | None:
        """Return the extension of this kind, or None."""
        return self.member.find(kind)


def climb(certificate: x509.Certificate, authorities: Iterable[x509.Certificate]) -> tuple[Member, ...]:
    """Return the CAs above *certificate* that are among *authorities*, the one that signed it first.

    A signature with SHA-1 or MD5 cannot be verified here: its issuer is whoever has the name and key identifier. And a
    key identifier that is wrong does not hide who signed: that is what is to be found out.
    """
    pool = IssuerPool(authorities)
    given = list(dict.fromkeys(authorities))
    path: list[Member] = []
    below = certificate
    while len(path) <= MAX_DEPTH and not is_self_issued(below):
        issuers = pool.issuers_of(below) or _namesakes(below, given)
        seen = {certificate, *(member.certificate for member in path)}
        issuer = next((one for one in issuers if one not in seen), None)
        if issuer is None:
            break
        path.append(read_member(issuer, is_leaf=False, is_anchor=is_self_issued(issuer)))
        below = issuer
    return tuple(path)


def public_bytes(certificate: x509.Certificate) -> bytes:
    """Return the public key in DER; for one that cannot be read, the signature, which no other certificate has."""
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UNREADABLE:
        return certificate.signature


def carries_synapse_mark(certificate: x509.Certificate) -> bool:
    """Return whether it has Netscape's certificate type, which today hardly anything but Synapse writes."""
    try:
        certificate.extensions.get_extension_for_oid(NETSCAPE_CERT_TYPE)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False
    return True


def _namesakes(certificate: x509.Certificate, given: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return who signed *certificate* where a key identifier is wrong, or the signature too weak to be verified."""
    try:
        weak = isinstance(certificate.signature_hash_algorithm, _UNVERIFIED_HASHES)
        wanted, key_id = certificate.issuer.public_bytes(), authority_key_id(certificate)
    except UNREADABLE:
        return []
    named = [one for one in given if subject_bytes(one) == wanted][:_MOST_NAMESAKES]
    if weak:
        return [one for one in named if key_id is None or subject_key_id(one) in (None, key_id)]
    return [one for one in named if is_signed_by(certificate, one)]
