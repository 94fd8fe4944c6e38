"""What a person means when revoking: the NAME, SERIAL number or FILE of a certificate, and the CA that signed it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import AmbiguousIssuer, AmbiguousName, NotFound, SelfSigned, WrongIssuer
from easycert.ledger.records import Query
from easycert.model import Kind, Value
from easycert.pki.certificates import is_signed_by, load_certificate
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.names import SafeName
from easycert.pki.subjects import shown_name
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.workflows.authorities import certificates_below
from easycert.workflows.lookup import find, spellings

#: What a person, OpenSSL or a browser writes: hexadecimal with or without colons and 0x, or decimal.
_NUMBER = re.compile(r"(0x)?[0-9a-f]{1,64}|[0-9a-f]{1,2}(:[0-9a-f]{2}){0,31}", re.IGNORECASE)
_FINGERPRINT_DIGITS = 64


class Target(Value):
    """A certificate to be revoked, the CA whose CRL will say so, and how a person calls it.

    *kind* and *name* are its place in the certificate directory, None for one that never had one.
    """

    certificate: x509.Certificate
    authority: SafeName
    kind: Kind | None
    name: str | None

    @property
    def shown(self) -> str:
        """The certificate as output and errors call it."""
        if self.kind is not None and self.name is not None:
            return f"{self.kind.value} {self.name}"
        return shown_name(self.certificate.subject) or f"serial {even_hex(self.certificate.serial_number)}"


class _Found(Value):
    certificate: x509.Certificate
    kind: Kind | None
    name: str | None


def resolve(certdir: CertDir, text: str, *, kind: Kind | None = None, signas: SafeName | None = None) -> Target:
    """Return the certificate that *text* means: the NAME of one that is (or was) here, a FILE, or a SERIAL number.

    *kind* says which, where several have that name; *signas* which CA, where several could have signed it. Raises
    NotFound, AmbiguousName, AmbiguousIssuer, Malformed, UnreadableFile, SelfSigned, and WrongIssuer when no CA that is
    here (or not *signas*) signed it.
    """
    found = _by_name(certdir, text, kind) or _by_number(certdir, text, kind, signas)
    if found is None:
        raise NotFound(f"{kind.value} certificate" if kind else "certificate", text)
    return Target(found.certificate, issuer_of(certdir, found.certificate, text, signas), found.kind, found.name)


def issuer_of(certdir: CertDir, certificate: x509.Certificate, text: str, signas: SafeName | None = None) -> SafeName:
    """Return the name of the CA that signed *certificate*, which errors call *text*; judged by its key, not its name.

    Raises WrongIssuer, AmbiguousIssuer and SelfSigned.
    """
    if is_signed_by(certificate, certificate):
        raise SelfSigned(text)
    signers = [
        SafeName(entry.name)
        for entry, authority in certificates_below(certdir, layout.FOLDERS[Kind.CA])
        if (signas is None or entry.name == signas) and is_signed_by(certificate, authority)
    ]
    if not signers:
        who = f"the CA '{signas}' did not sign it" if signas else "no CA that is here signed it"
        raise WrongIssuer(text, f"{who}; its issuer is {shown_name(certificate.issuer)}")
    if len(signers) > 1:
        raise AmbiguousIssuer(text, tuple(signers))
    return signers[0]


def serial_numbers(text: str) -> tuple[int, ...]:
    """Return the serial numbers that *text* can mean: hexadecimal, with or without colons and 0x, or decimal.

    None for what is no number; two for digits alone, which are both.
    """
    if not _NUMBER.fullmatch(text):
        return ()
    hexadecimal = int(_digits(text), 16)
    return (hexadecimal,) if not text.isdecimal() or int(text) == hexadecimal else (hexadecimal, int(text))


def _by_name(certdir: CertDir, text: str, kind: Kind | None) -> _Found | None:
    """Return the certificate that has this name now, else that of the file, else the one that had the name last."""
    try:
        found = find(certdir, text, kind=kind)
    except NotFound:
        found = None
    if found is not None and found.entry is None:
        return _placed(certdir, load_certificate(found.data, found.path))
    if found is not None and found.entry is not None and found.entry.suffix == "crt":
        return _Found(load_certificate(found.data, found.path), found.kind, found.name)
    names = {str(name) for item in ((kind,) if kind else Kind) for name in spellings(text, item)}
    return _one(text, [item for name in sorted(names) for item in _recorded(certdir, kind, name=name, current=True)])


def _placed(certdir: CertDir, certificate: x509.Certificate) -> _Found:
    """Return the certificate of a file with the place that the ledger knows it at, if any."""
    known = _recorded(certdir, None, fingerprint=fingerprint_of(certificate.public_bytes(Encoding.DER)))
    return known[0] if known else _Found(certificate, None, None)


def _by_number(certdir: CertDir, text: str, kind: Kind | None, signas: SafeName | None) -> _Found | None:
    """Return the certificate with this serial number or SHA-256 fingerprint, also one that was replaced since."""
    digits, numbers = _digits(text), serial_numbers(text)
    if not numbers:
        return None
    if len(digits) == _FINGERPRINT_DIGITS:
        found = _recorded(certdir, kind, fingerprint=digits)
    else:
        found = [item for number in numbers for item in _recorded(certdir, kind, serial=even_hex(number))]
    if not certdir.ledger.exists():
        found = [item for item in _unrecorded(certdir, kind) if item.certificate.serial_number in numbers]
    if signas is not None and len(found) > 1:
        authority = certdir.read(layout.certificate(Kind.CA, signas))
        found = [item for item in found if authority and is_signed_by(item.certificate, load_certificate(*authority))]
    return _one(text, found)


def _recorded(certdir: CertDir, kind: Kind | None, **wanted: Any) -> list[_Found]:
    if not certdir.ledger.exists():
        return []
    records = certdir.ledger.records(Query(kind=kind.value if kind else "", **wanted))
    ders = ((record, certdir.ledger.der(record.fingerprint)) for record in records)
    return [
        _Found(load_certificate(der, f"the ledger's {record.name}"), Kind(record.kind), record.name)
        for record, der in ders
        if der is not None
    ]


def _unrecorded(certdir: CertDir, kind: Kind | None) -> Iterator[_Found]:
    """Yield the certificates of a directory that has no ledger yet."""
    for item in (kind,) if kind else Kind:
        for entry, certificate in certificates_below(certdir, layout.FOLDERS[item]):
            yield _Found(certificate, item, entry.name)


def _one(text: str, found: Sequence[_Found]) -> _Found | None:
    if len(found) > 1:
        raise AmbiguousName(text, tuple(map(_called, found)))
    return found[0] if found else None


def _called(found: _Found) -> str:
    where = f"{found.kind.value} {found.name}" if found.kind else shown_name(found.certificate.subject)
    serial = even_hex(found.certificate.serial_number)
    return f"{where} (serial 0x{serial}, issuer {shown_name(found.certificate.issuer)})"


def _digits(text: str) -> str:
    return text.lower().removeprefix("0x").replace(":", "")
