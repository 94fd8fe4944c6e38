"""Linting what lies in files: every certificate and CRL in them, each beside the CA that signed it, if it is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import Malformed, UnreadableFile
from easycert.model import Kind
from easycert.pki.certificates import load_certificates
from easycert.pki.chains import IssuerPool, authority_key_id, subject_key_id
from easycert.pki.encodings import Encoding
from easycert.pki.formats.pem import der_blocks
from easycert.pki.lint import Finding, Severity, lint_certificate_der, lint_crl_der, type_of
from easycert.pki.signatures import UNREADABLE
from easycert.pki.subjects import shown_name
from easycert.store import layout
from easycert.workflows.lookup import Found, find

#: What the labels of PEM blocks say; other blocks (keys, requests) are passed over.
_TYPES = {"CERTIFICATE": "certificate", "X509 CERTIFICATE": "certificate", "X509 CRL": "crl"}
_Signed = x509.Certificate | x509.CertificateRevocationList


@dataclass(frozen=True)
class Linted:
    """A certificate or CRL that was judged, and what rules it breaks.

    *type* is ``certificate`` or ``crl``, *number* says where among those of its file it stands, from 1. *kind* and
    *name* are those of the certificate directory, for what was named so. *subject* (of a CRL, its issuer) is None
    where it cannot be read, *issuer* the subject of the CA that it was held against, None where none was found.
    """

    path: str
    number: int
    type: str
    kind: Kind | None
    name: str | None
    subject: str | None
    issuer: str | None
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """Return how many findings are of this severity."""
        return sum(finding.severity is severity for finding in self.findings)


@dataclass(frozen=True)
class LintReport:
    """All that was judged, in the order of the files; *notes* tell what could not be taken into account."""

    items: tuple[Linted, ...]
    notes: tuple[str, ...]

    def count(self, severity: Severity) -> int:
        """Return how many findings are of this severity."""
        return sum(item.count(severity) for item in self.items)


@dataclass(frozen=True)
class _Block:
    """What is judged: its DER, and the same loaded by cryptography, None where that refuses it."""

    der: bytes
    type: str
    loaded: _Signed | None


def lint(certdir: CertDir, targets: Sequence[str], *, kind: Kind | None = None) -> LintReport:
    """Judge what *targets* name: each a NAME in the certificate directory, of this *kind* if given, or a FILE.

    CAs are looked for in the same file, then in the certificate directory. Raises AmbiguousName, NotFound,
    UnreadableFile, and Malformed for a file that holds no certificate and no CRL.
    """
    notes: list[str] = []
    found = [find(certdir, target, kind=kind) for target in targets]
    blocks = [_blocks(each) for each in found]
    authorities = [authority for file in _authorities(certdir, notes) for authority in file]
    items = [item for each, held in zip(found, blocks, strict=True) for item in _linted(each, held, authorities)]
    return LintReport(tuple(items), tuple(dict.fromkeys(notes)))


def _blocks(found: Found) -> list[_Block]:
    blocks = []
    for label, der in der_blocks(found.data, found.path):
        type_ = _TYPES.get(label) if label else type_of(der)
        if type_ is not None:
            load = x509.load_der_x509_crl if type_ == "crl" else x509.load_der_x509_certificate
            blocks.append(_Block(der, type_, _loaded(load, der)))
    if not blocks:
        raise Malformed(found.path, "a certificate or CRL", "it holds something else")
    return blocks


def _loaded(load: Callable[[bytes], _Signed], der: bytes) -> _Signed | None:
    try:
        return load(der)
    except UNREADABLE:
        return None


def _linted(found: Found, blocks: Sequence[_Block], authorities: Iterable[x509.Certificate]) -> Iterator[Linted]:
    loaded = [block.loaded for block in blocks if isinstance(block.loaded, x509.Certificate)]
    finder = _IssuerFinder((*loaded, *authorities))
    for number, block in enumerate(blocks, start=1):
        issuer = finder.issuer_of(block.loaded) if block.loaded is not None else None
        above = issuer.public_bytes(Encoding.DER) if issuer is not None else None
        kind = found.kind if number == 1 else None  # a chain file goes on with CAs
        yield Linted(
            path=found.path,
            number=number,
            type=block.type,
            kind=kind,
            name=found.name if number == 1 else None,
            subject=_shown(block.loaded),
            issuer=_shown(issuer),
            findings=lint_crl_der(block.der, above)
            if block.type == "crl"
            else lint_certificate_der(block.der, above, kind),
        )


def _shown(item: _Signed | None) -> str | None:
    if item is None:
        return None
    try:
        return shown_name(item.subject if isinstance(item, x509.Certificate) else item.issuer)
    except UNREADABLE:
        return None


class _IssuerFinder:
    """Looks for the CA that signed something among CAs; None for what signed itself."""

    def __init__(self, authorities: Sequence[x509.Certificate]) -> None:
        self._authorities = tuple(dict.fromkeys(authorities))
        self._pool = IssuerPool(self._authorities)

    def issuer_of(self, item: _Signed) -> x509.Certificate | None:
        """Return the CA whose key made the signature; else one of the name and key identifier that *item* gives."""
        if isinstance(item, x509.CertificateRevocationList):
            return next((one for one in self._namesakes(item) if _verifies(item, one)), None)
        signers = self._pool.issuers_of(item)
        if item in signers:
            return None
        return next(iter((*signers, *self._namesakes(item))), None)

    def _namesakes(self, item: _Signed) -> Iterator[x509.Certificate]:
        """Yield the CAs of this name, however it is written, unless their key identifier is another."""
        wanted = authority_key_id(item)
        for authority in self._authorities:
            known = subject_key_id(authority)
            if authority != item and _same_name(item, authority) and (None in (wanted, known) or wanted == known):
                yield authority


def _same_name(item: _Signed, authority: x509.Certificate) -> bool:
    try:
        return item.issuer == authority.subject
    except UNREADABLE:
        return False


def _verifies(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]  # TypeError for other keys
    except UNREADABLE:
        return False


def _authorities(certdir: CertDir, notes: list[str]) -> Iterator[Sequence[x509.Certificate]]:
    """Yield the certificates in each file of ``cas/``."""
    for entry in certdir.store.entries(layout.FOLDERS[Kind.CA]):
        if entry.suffix != "crt":
            continue
        path = certdir.store.find(entry) or entry.path
        try:
            yield load_certificates(certdir.store.read(entry) or b"", path)
        except (Malformed, UnreadableFile) as error:
            notes.append(f"{path} was not looked at for CAs: {error.reason}")
