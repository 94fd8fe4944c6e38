"""What is known of a certificate that is to be renewed: its entry in the ledger, and whether it was revoked."""

from __future__ import annotations

from cryptography import x509

from easycert.certdir import CertDir
from easycert.ledger.records import Query, Record
from easycert.model import Value
from easycert.pki import crl as crls
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.names import SafeName
from easycert.pki.validity import rfc3339
from easycert.store import layout


class Revocation(Value):
    """When a certificate was revoked (RFC 3339), and why, in the words of RFC 5280."""

    at: str
    reason: str


class Standing:
    """Answers from ledger and CRLs; each CRL is read once."""

    def __init__(self, certdir: CertDir) -> None:
        """Ask the ledger of *certdir*, where there is one, and its CRLs."""
        self._certdir = certdir
        self._has_ledger = certdir.ledger.exists()
        self._crls: dict[SafeName, tuple[x509.CertificateRevocationList, frozenset[int]] | None] = {}

    def record(self, certificate: x509.Certificate) -> Record | None:
        """Return what the ledger has on *certificate*. Raises LedgerUnusable."""
        if not self._has_ledger:
            return None
        fingerprint = fingerprint_of(certificate.public_bytes(Encoding.DER))
        return next(iter(self._certdir.ledger.records(Query(fingerprint=fingerprint))), None)

    def revocation(
        self, certificate: x509.Certificate, record: Record | None, authority: SafeName | None
    ) -> Revocation | None:
        """Return when and why *certificate* was revoked, by its ledger *record* or the CRL of its *authority*.

        Raises Malformed and UnreadableFile for a CRL that says nothing.
        """
        if record is not None and record.revoked_at:
            return Revocation(record.revoked_at, record.reason)
        found = None if authority is None else self._crl(authority)
        if found is None or certificate.serial_number not in found[1]:
            return None
        entry = found[0].get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is None or entry.revocation_date_utc is None:
            return None
        reason = crls.reason_of(entry) or x509.ReasonFlags.unspecified
        return Revocation(rfc3339(entry.revocation_date_utc), reason.value)

    def _crl(self, name: SafeName) -> tuple[x509.CertificateRevocationList, frozenset[int]] | None:
        if name not in self._crls:
            found = self._certdir.read(layout.crl(name))
            self._crls[name] = None
            if found is not None:
                crl = crls.read_crl(*found)
                self._crls[name] = crl.parsed, frozenset(crls.serials(crls.revoked_der(crl)))
        return self._crls[name]
