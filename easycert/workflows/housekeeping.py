"""What lies around the certificates of a directory: keys, modes, CRLs, strays. It only looks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import LEDGER, CertDir
from easycert.errors import EasycertError, EncryptedKey, KeyMismatch, LedgerUnusable, Malformed, UnreadableFile, WeakKey
from easycert.model import Kind
from easycert.pki.certificates import authority_issuer
from easycert.pki.doctor import files
from easycert.pki.doctor.findings import Clients, Cure, Finding, Remedy, Severity
from easycert.pki.keys import load_private_key
from easycert.store.layout import CRLS, FOLDERS, STATE, Entry
from easycert.store.survey import Seen
from easycert.workflows.examination import Held, Ward

_CAS = FOLDERS[Kind.CA]
_PRIVATE_SUFFIXES = ("key", "p12")
_KEY_MARK = b"PRIVATE KEY-----"


class Amiss(NamedTuple):
    """A finding about a file, and the path of what it is told with: the certificate beside a key, else the file."""

    path: str
    finding: Finding


def amiss(certdir: CertDir, held: Sequence[Held], place: Ward) -> Iterator[Amiss]:
    """Yield what is wrong with files, keys and CRLs of the directory. Raises UnreadableFile where it may not look."""
    seen = certdir.store.survey()
    certificates = {item.path for item in held}
    for item in seen:
        if item.is_directory:
            yield from _told(item.path, files.directory(item.path, item.mode, ours=item.ours))
        elif item.folder:
            beside = item.path.removesuffix(item.suffix) + "crt"
            path = beside if item.suffix in _PRIVATE_SUFFIXES and beside in certificates else item.path
            yield from _told(path, _file(certdir, item, certificates, place))
    for one in held:
        yield from _told(one.path, _key(certdir, one))
        if one.kind is Kind.CA:
            yield from _told(one.path, _authority(certdir, one, held, place))


def ledger_amiss(certdir: CertDir) -> Iterator[Amiss]:
    """Yield where ledger and files differ (hazard E14); a directory without a ledger has nothing to differ from.

    Raises StoreBusy.
    """
    if not certdir.ledger.exists():
        return
    from easycert.workflows.audit import audit
    from easycert.workflows.findings import Topic

    path, remedy = certdir.store.path(Entry(STATE, LEDGER)), Remedy(Cure.LEDGER)
    try:
        found = audit(certdir).findings
    except LedgerUnusable as error:
        yield Amiss(path, files.LEDGER_BROKEN.finds(Severity.ERROR, error.reason, remedy))
        return
    for finding in found:
        differs = finding.topic in (Topic.FILE, Topic.CRL)
        rule, severity = (files.LEDGER_DIFFERS, Severity.WARNING) if differs else (files.LEDGER_BROKEN, Severity.ERROR)
        yield Amiss(path, rule.finds(severity, f"{finding.subject}: {finding.what}", remedy))


def private_parts(path: str, data: bytes, mode: int, *, ours: bool) -> Iterator[Finding]:
    """Yield what is wrong with the mode of a file outside of the directory that has a private key in it."""
    if _KEY_MARK in data:
        yield from files.private_file(path, mode, ours=ours, shared=True)


def _told(path: str, findings: Iterator[Finding]) -> Iterator[Amiss]:
    return (Amiss(path, finding) for finding in findings)


def _file(certdir: CertDir, item: Seen, known: Collection[str], place: Ward) -> Iterator[Finding]:
    if item.suffix in _PRIVATE_SUFFIXES:
        yield from files.private_file(item.path, item.mode, ours=item.ours)
    elif item.folder == CRLS and item.suffix == "crl":
        yield from _revocation_list(certdir, item, place)
    elif item.folder == _CAS and item.suffix == "crt" and item.filename.startswith("."):
        why = "it is hidden, and Synapse reads it as a CA like any other"
        yield files.STRAY_FILE.finds(_for_synapse(place), why, Remedy(Cure.MOVE_AWAY, path=item.path))
    elif item.suffix == "crt" and item.path not in known and not item.filename.startswith("."):
        yield _unreadable(item.path, "no certificate can be read from it", item.folder == _CAS)


def _revocation_list(certdir: CertDir, item: Seen, place: Ward) -> Iterator[Finding]:
    try:
        data = certdir.store.read(Entry(item.folder, item.filename)) or b""
        is_pem = b"-----BEGIN" in data
        crl = x509.load_pem_x509_crl(data) if is_pem else x509.load_der_x509_crl(data)
    except (ValueError, EasycertError):
        yield _unreadable(item.path, "no CRL can be read from it", True)
        return
    if not is_pem:
        yield files.NOT_PEM.finds(_for_synapse(place), "it is in DER, and Synapse reads PEM", Remedy(Cure.CRL))
    yield from files.revocation_list(crl, files.signer_of(crl, place.authorities), place.at)


def _unreadable(path: str, why: str, synapse: bool) -> Finding:
    clients: Clients = files.UNREADABLE_FILE.clients if synapse else frozenset()
    return files.UNREADABLE_FILE.finds(Severity.ERROR, why, Remedy(Cure.MOVE_AWAY, path=path), clients)


def _key(certdir: CertDir, one: Held) -> Iterator[Finding]:
    """Judge whether the private key beside a certificate is its own, and can be used."""
    if one.filed_as is None:
        return
    entry = Entry(FOLDERS[one.kind], f"{one.filed_as}.key")
    try:
        data = certdir.store.read(entry)
        if data is None:
            if one.kind is Kind.CA:
                why = "its private key is not here: it can sign nothing where it lies"
                yield files.KEY_MISSING.finds(Severity.NOTE, why, Remedy(Cure.LOOK))
            return
        authority_issuer(one.certificate, load_private_key(data, entry.path, ours=True))
    except KeyMismatch:
        why = f"the private key {entry.path} does not belong to it: no TLS server or client starts with the two"
        cure = Cure.LOOK if one.kind is Kind.CA else Cure.REISSUE
        yield files.KEY_DIFFERS.finds(Severity.ERROR, why, Remedy(cure))
    except EncryptedKey:
        why = f"the private key {entry.path} has a passphrase, and Synapse reads plain ones only"
        yield files.KEY_ENCRYPTED.finds(Severity.NOTE, why, Remedy(Cure.LOOK))
    except WeakKey:
        return  # the certificate says as much
    except (Malformed, UnreadableFile) as error:
        yield files.UNREADABLE_FILE.finds(Severity.ERROR, str(error), Remedy(Cure.LOOK), frozenset())


def _authority(certdir: CertDir, one: Held, held: Sequence[Held], place: Ward) -> Iterator[Finding]:
    filed = [item.certificate for item in held if item.kind is Kind.CA and item.filed_as]
    for_synapse = one.certificate in place.of_synapse
    yield from files.namesakes(filed, one.certificate, for_synapse=for_synapse)
    if one.filed_as is None:
        return
    data = certdir.store.read(Entry(_CAS, f"{one.filed_as}.crt")) or b""
    if b"-----BEGIN" not in data:
        severity = Severity.ERROR if for_synapse else Severity.NOTE
        yield files.NOT_PEM.finds(severity, "it is in DER, and Synapse reads PEM", Remedy(Cure.TO_PEM))
    below = [item for item in held if any(m.certificate == one.certificate for m in place.paths[item.certificate][:1])]
    named = any(files.names_a_crl(item.certificate) for item in below)
    if named and certdir.store.find(Entry(CRLS, f"{one.filed_as}.crl")) is None:
        why = "certificates that it signed say where its CRL lies, and there is none here to publish"
        yield files.CRL_MISSING.finds(Severity.WARNING, why, Remedy(Cure.CRL))


def _for_synapse(place: Ward) -> Severity:
    return Severity.ERROR if place.of_synapse else Severity.NOTE
