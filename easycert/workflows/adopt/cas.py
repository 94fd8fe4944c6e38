"""The CAs of a foreign directory: which certificates are theirs, which key, which CRL, and what they revoked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from easycert.errors import EncryptedKey, InvalidName, Malformed, Refused
from easycert.model import Kind, Value
from easycert.pki.certificates import DECODING_ERRORS, is_ca
from easycert.pki.chains import IssuerPool, subject_bytes
from easycert.pki.crl import Revocation, crl_number
from easycert.pki.keys import PublicKey, public_der, require_named_curve, require_strong
from easycert.pki.names import SafeName
from easycert.workflows.adopt.contents import Contents, Found, FoundCrl, FoundIndex, FoundKey
from easycert.workflows.adopt.naming import name_of
from easycert.workflows.adopt.source import LeftOut

#: Name and key: a CA that was renewed with its key is still the same CA.
Identity = tuple[bytes | None, bytes]
#: What is named before the rest is counted.
_SHOWN = 5


class ForeignAuthority(Value):
    """A CA: its certificates (the one in force first), its key where that is there, and what it revoked.

    *crl* is its newest CRL; *revocations* are those of its index.
    """

    name: SafeName
    certificates: tuple[Found, ...]
    key: FoundKey | None
    crl: FoundCrl | None = None
    revocations: tuple[Revocation, ...] = ()

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate in force."""
        return self.certificates[0].certificate


def find_authorities(
    contents: Contents, designated: Iterable[str], now: datetime, source: str
) -> list[ForeignAuthority]:
    """Return the CAs of *source*: those whose key is there or whose file is *designated*, and all above and below them.

    Other CAs' certificates lie about in many places; what is taken in is trusted. Raises Refused where there is none,
    EncryptedKey when their keys are locked, WeakKey, and Malformed for an index in which a revocation cannot be read.
    """
    taken = _taken(contents, set(designated))
    _require_opened(taken, contents, source)
    if not taken:
        raise Refused(source, "it holds no CA's certificate together with its key")
    for found in taken:
        require_strong(found.certificate.public_key(), f"{source}/{found.path}")
        require_named_curve(found.certificate.tbs_certificate_bytes, f"{source}/{found.path}")
    authorities = list(_named(_grouped(taken, now), contents))
    revoked, crls = _with_indexes(authorities, contents, source), _newest_crls(authorities, contents)
    return [item._replace(crl=crls.get(item.name), revocations=revoked.get(item.name, ())) for item in authorities]


def identity(certificate: x509.Certificate) -> Identity:
    """Return name and key of a CA's certificate."""
    return subject_bytes(certificate), public_der(cast("PublicKey", certificate.public_key()))


def in_force(found: Found, now: datetime) -> tuple[bool, datetime]:
    """Return what sorts certificates of one name: those valid now are best, of these the newest."""
    certificate = found.certificate
    valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    return valid, certificate.not_valid_before_utc


class Issuers:
    """Who of some CAs signed a certificate; each question is bounded on its own."""

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        """Look among *certificates*, in whose order the first is preferred."""
        self._by_subject: dict[bytes | None, list[x509.Certificate]] = {}
        self._known: dict[x509.Certificate, list[x509.Certificate]] = {}
        for certificate in certificates:
            self._by_subject.setdefault(subject_bytes(certificate), []).append(certificate)

    def of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """Return the CA certificates whose key signed *certificate*."""
        if certificate not in self._known:
            namesakes = self._by_subject.get(certificate.issuer.public_bytes(), ())
            self._known[certificate] = IssuerPool(namesakes).issuers_of(certificate)
        return self._known[certificate]


# --- which CAs -------------------------------------------------------------------------------------------------------


def _taken(contents: Contents, designated: set[str]) -> list[Found]:
    candidates = [found for found in contents.certificates.values() if is_ca(found.certificate)]
    keys = {public_der(found.key.public_key()) for found in contents.keys}
    taken = [item for item in candidates if item.path in designated or identity(item.certificate)[1] in keys]
    issuers = Issuers(item.certificate for item in candidates)
    beside: dict[x509.Certificate, list[x509.Certificate]] = {item.certificate: [] for item in candidates}
    for certificate in list(beside):
        for issuer in issuers.of(certificate):
            beside[certificate].append(issuer)
            beside[issuer].append(certificate)
    chosen = {item.certificate for item in taken}
    waiting = list(chosen)
    while waiting:
        new = [certificate for certificate in beside[waiting.pop()] if certificate not in chosen]
        chosen.update(new)
        waiting += new
    return [item for item in candidates if item.certificate in chosen]


def _require_opened(taken: Sequence[Found], contents: Contents, source: str) -> None:
    """Raise EncryptedKey when nothing was opened and the key of a CA is among what was not.

    A key that stays locked beside others that were opened is another person's, and said to be left out.
    """
    if not contents.locked or contents.opened:
        return
    keys = {public_der(found.key.public_key()) for found in contents.keys}
    if contents.asked or not any(identity(found.certificate)[1] in keys for found in taken):
        likeliest = min(contents.locked, key=lambda path: "ca" not in path.rpartition("/")[2].lower())
        raise EncryptedKey(f"{source}/{likeliest}", wrong=contents.asked)


def _grouped(taken: Sequence[Found], now: datetime) -> list[tuple[Found, ...]]:
    groups: dict[Identity, list[Found]] = {}
    for found in taken:
        groups.setdefault(identity(found.certificate), []).append(found)
    return [tuple(sorted(group, key=lambda item: in_force(item, now), reverse=True)) for group in groups.values()]


def _named(groups: Iterable[tuple[Found, ...]], contents: Contents) -> Iterator[ForeignAuthority]:
    """Yield each group as a CA; of several of one name the one with a key, or else the newest (hazard D8)."""
    keys = {public_der(found.key.public_key()): found for found in contents.keys}
    with_keys = [(keys.get(identity(group[0].certificate)[1]), group) for group in groups]
    newest_first = sorted(with_keys, key=lambda item: item[1][0].certificate.not_valid_before_utc, reverse=True)
    taken: set[SafeName] = set()
    for key, group in sorted(newest_first, key=lambda item: item[0] is None):
        try:
            name = name_of(group[0].certificate, Kind.CA, group[0].path)
        except InvalidName as error:
            contents.left_out.append(LeftOut(group[0].path, str(error)))
            continue
        if name in taken:
            contents.left_out.append(LeftOut(group[0].path, f"it is another CA that is called '{name}', too"))
            continue
        taken.add(name)
        yield ForeignAuthority(name, group, key)


# --- what they revoked -----------------------------------------------------------------------------------------------


def _with_indexes(
    authorities: Sequence[ForeignAuthority], contents: Contents, source: str
) -> dict[SafeName, tuple[Revocation, ...]]:
    """Return what the indexes say that each CA revoked."""
    issuers = Issuers(found.certificate for authority in authorities for found in authority.certificates)
    known = _by_serial_and_end(contents)
    revoked: dict[SafeName, tuple[Revocation, ...]] = {}
    for found in contents.indexes:
        _require_readable_revocations(found, source)
        owner = _owner(found, authorities, issuers, known)
        rows = [row for row in found.contents.rows if row.revoked is not None]
        if owner is None and rows:
            raise Refused(f"{source}/{found.path}", "it cannot be told which CA revoked what is in it")
        if owner is not None:
            own = tuple(Revocation(row.serial, row.revoked, row.reason) for row in rows if row.revoked)
            revoked[owner.name] = (*revoked.get(owner.name, ()), *own)
            contents.left_out += _absent(found, owner, known)
    return revoked


def _require_readable_revocations(found: FoundIndex, source: str) -> None:
    for flaw in found.contents.flaws:
        if flaw.revoked:
            raise Malformed(f"{source}/{found.path}", "an index of openssl ca", f"in line {flaw.line}, {flaw.reason}")


def _by_serial_and_end(contents: Contents) -> dict[tuple[int, datetime], list[x509.Certificate]]:
    """Index all certificates by what an index tells of each: two CAs may have given the same serial number."""
    known: dict[tuple[int, datetime], list[x509.Certificate]] = {}
    for certificate in contents.certificates:
        known.setdefault((certificate.serial_number, certificate.not_valid_after_utc), []).append(certificate)
    return known


def _owner(
    found: FoundIndex,
    authorities: Sequence[ForeignAuthority],
    issuers: Issuers,
    known: dict[tuple[int, datetime], list[x509.Certificate]],
) -> ForeignAuthority | None:
    """Return the CA that signed most of what an index names; the one beside it, where none of that is here."""
    signers: Counter[Identity] = Counter()
    for row in found.contents.rows:
        for certificate in known.get((row.serial, row.not_after), ()) if row.not_after else ():
            signers.update({identity(issuer) for issuer in issuers.of(certificate)})
    by_identity = {identity(item.certificate): item for item in authorities}
    if signers:
        return by_identity[signers.most_common(1)[0][0]]
    folder = found.path.rpartition("/")[0]
    beside = [item for item in authorities if _lies_below(item, f"{folder}/" if folder else "")]
    return beside[0] if len(beside) == 1 else None


def _lies_below(authority: ForeignAuthority, prefix: str) -> bool:
    key = (authority.key.path,) if authority.key else ()
    return any(path.startswith(prefix) for path in (*key, *(found.path for found in authority.certificates)))


def _absent(
    found: FoundIndex,
    owner: ForeignAuthority,
    known: dict[tuple[int, datetime], list[x509.Certificate]],
) -> Iterator[LeftOut]:
    """Yield one line about what the index names and no file holds."""
    absent = [row for row in found.contents.rows if row.not_after and (row.serial, row.not_after) not in known]
    if absent:
        shown = ", ".join(f"{row.serial:x} ({row.subject})" for row in absent[:_SHOWN])
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        yield LeftOut(found.path, f"no file holds the certificates that '{owner.name}' issued as {shown}{more}")
    for flaw in found.contents.flaws[:_SHOWN]:
        yield LeftOut(found.path, f"line {flaw.line}: {flaw.reason}")


def _newest_crls(authorities: Sequence[ForeignAuthority], contents: Contents) -> dict[SafeName, FoundCrl]:
    """Return the newest CRL of each CA; one that none of them signed is left out."""
    newest: dict[SafeName, FoundCrl] = {}
    for found in contents.crls:
        owner = next((item for item in authorities if is_crl_of(found.crl, item.certificate)), None)
        if owner is None:
            contents.left_out.append(LeftOut(found.path, "it is a CRL that none of the CAs here signed"))
        elif _is_delta(found.crl):
            contents.left_out.append(LeftOut(found.path, "it is a delta CRL, which says only what has changed"))
        elif owner.name not in newest or crl_age(newest[owner.name].crl) < crl_age(found.crl):
            newest[owner.name] = found
    return newest


def _is_delta(crl: x509.CertificateRevocationList) -> bool:
    return any(isinstance(extension.value, x509.DeltaCRLIndicator) for extension in crl.extensions)


def is_crl_of(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Return whether the key in a CA's *certificate* signed *crl*, under its name."""
    if crl.issuer != certificate.subject:
        return False
    try:
        return crl.is_signature_valid(cast("PublicKey", certificate.public_key()))
    except (InvalidSignature, *DECODING_ERRORS):
        return False


def crl_age(crl: x509.CertificateRevocationList) -> tuple[int, datetime]:
    """Return what is greater for the later of two CRLs of one CA: its number, and where that is the same, its time."""
    return crl_number(crl), crl.last_update_utc
