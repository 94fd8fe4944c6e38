"""From one CRL of a CA to the next: what is put on it, taken off it, and what must stay (RFC 5280 section 5.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum

from cryptography import x509

from easycert.errors import Refused
from easycert.pki import crl as crls
from easycert.pki.crl import Crl, Revocation

_HOLD = x509.ReasonFlags.certificate_hold


class Outcome(Enum):
    """What revoking a certificate changed; the value is the word in output."""

    REVOKED = "revoked"
    #: It was on hold, and is now revoked for good.
    FINAL = "revoked for good"
    #: It had been revoked before: date and reason are as they were.
    ALREADY = "already revoked"
    #: It was on hold, and is good again.
    RELEASED = "released"


class Revision:
    """The entries of a CA's next CRL: those of the *old* one, byte for byte, and what is changed here."""

    def __init__(self, old: Crl | None) -> None:
        """Begin with the CRL that is there, None where there is none yet."""
        self.old = old
        self._removed: set[int] = set()
        self._added: dict[int, Revocation] = {}

    def find(self, serial: int) -> Revocation | None:
        """Return how the certificate with this serial number is revoked, or None."""
        if serial in self._added:
            return self._added[serial]
        if self.old is None or serial in self._removed or serial < 0:
            return None
        entry = self.old.parsed.get_revoked_certificate_by_serial_number(serial)
        if entry is None:
            return None
        return revocation_of(entry)

    def revoke(self, revocation: Revocation) -> Outcome:
        """Put a certificate on the CRL; one that is there stays as it is, unless it was only on hold.

        What was on hold and is revoked for good keeps its date: it has not been good since. Raises Refused for a serial
        number that no CRL can name.
        """
        crls.revoked_certificate(revocation)
        before = self.find(revocation.serial)
        if before is None:
            self._added[revocation.serial] = revocation
            return Outcome.REVOKED
        if before.reason is not _HOLD or revocation.reason is _HOLD:
            return Outcome.ALREADY
        self._removed.add(revocation.serial)
        self._added[revocation.serial] = revocation._replace(date=min(before.date, revocation.date))
        return Outcome.FINAL

    def release(self, serial: int, subject: str) -> None:
        """Take a certificate that is on hold off the CRL; *subject* names it in errors.

        Raises Refused unless it is there with the reason certificateHold: every other revocation is permanent (RFC 5280
        section 5.3.1). In a full CRL the entry is simply gone; removeFromCRL is for delta CRLs.
        """
        before = self.find(serial)
        if before is None:
            raise Refused(subject, "it is not revoked, so there is no hold to lift")
        if before.reason is not _HOLD:
            raise Refused(
                subject, f"it was revoked for good ({before.reason.value}); only certificateHold can be lifted"
            )
        self._removed.add(serial)
        self._added.pop(serial, None)  # the old entry, if there is one, is removed already

    def prune(self, ends: Mapping[int, datetime]) -> int:
        """Drop the entries of certificates that are known to have expired; return how many.

        *ends* are the expiries that are known, by serial number. An entry goes only when a CRL after its certificate's
        expiry has carried it (RFC 5280 section 3.3), and never while it is not known when that is.
        """
        if self.old is None:
            return 0
        published = self.old.parsed.last_update_utc
        expired = {serial for serial, end in ends.items() if end < published}
        gone = {serial for serial in crls.serials(crls.revoked_der(self.old)) if serial in expired} - self._removed
        self._removed |= gone
        return len(gone)

    def entries(self) -> Iterator[bytes]:
        """Yield the entries in DER, in the order in which they were revoked, the old ones in one piece."""
        kept = crls.revoked_der(self.old)
        yield crls.without(kept, self._removed) if self._removed else kept
        for revocation in self._added.values():
            yield crls.revoked_certificate(revocation)


def revocation_of(entry: x509.RevokedCertificate) -> Revocation:
    """Return what an entry says; a reason that cannot be read counts as ``unspecified``: it is final."""
    reason = crls.reason_of(entry) or x509.ReasonFlags.unspecified
    return Revocation(entry.serial_number, entry.revocation_date_utc, reason)
