"""What is revoked in a directory: what the ledger knows, and what CRLs say that were published without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import Malformed, UnreadableFile
from easycert.ledger.entries import written_instant
from easycert.ledger.records import Revocation
from easycert.model import Kind
from easycert.pki import crl as crls
from easycert.pki.facts import authority_ids, issuer_id
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.workflows.authorities import certificates_below

#: By the id of the issuer and the serial number, as :class:`~easycert.pki.facts.Facts` have them.
Revocations: TypeAlias = Mapping[tuple[str, str], Revocation]


def revocations(certdir: CertDir, *, ledger: bool) -> Revocations:
    """Return what is revoked; *ledger* tells whether there is one that can be used.

    Of CRLs only those are read whose number is not the last that the ledger saw published, and only those count that a
    CA of the directory has signed. What cannot be read says nothing.
    """
    found: dict[tuple[str, str], Revocation] = {}
    unknown = [crl for crl in _crls(certdir) if not (ledger and _is_known(certdir, crl))]
    if unknown:
        from easycert.pki.doctor.files import signer_of  # most directories have no such CRL

        authorities = [certificate for _, certificate in certificates_below(certdir, layout.FOLDERS[Kind.CA])]
        for crl in unknown:
            signer = signer_of(crl, authorities)
            if signer is not None:
                found |= _entries(crl, signer)
    if ledger:
        found |= {(item.issuer_id, item.serial): item for item in certdir.ledger.revocations()}
    return found


def _crls(certdir: CertDir) -> Iterator[x509.CertificateRevocationList]:
    try:
        entries = [entry for entry in certdir.store.entries(layout.CRLS) if entry.suffix == "crl"]
    except UnreadableFile:
        return
    for entry in entries:
        try:
            yield crls.load_crl(certdir.store.read(entry) or b"", entry.path)
        except (Malformed, UnreadableFile):
            continue


def _is_known(certdir: CertDir, crl: x509.CertificateRevocationList) -> bool:
    number = crls.crl_number(crl)
    return number > 0 and number == certdir.ledger.last_crl_number([issuer_id(crl)])


def _entries(
    crl: x509.CertificateRevocationList, signer: x509.Certificate
) -> Iterator[tuple[tuple[str, str], Revocation]]:
    for entry in crl:
        reason = crls.reason_of(entry) or x509.ReasonFlags.unspecified
        serial, at = even_hex(entry.serial_number), written_instant(entry.revocation_date_utc)
        for authority_id in authority_ids(signer):
            yield (authority_id, serial), Revocation(authority_id, serial, at, reason.value)
