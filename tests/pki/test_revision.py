"""From one CRL to the next: once and for good, but for a hold (RFC 5280 section 5.3; hazards G1, G3, G8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags

from easycert.errors import Refused
from easycert.pki import keys
from easycert.pki.certificates import Issuer, key_identifier
from easycert.pki.crl import Crl, CrlSpec, Revocation, read_crl, revoked_der, signed_crl
from easycert.pki.keys import KeyType
from easycert.pki.revision import Outcome, Revision
from easycert.pki.subjects import distinguished_name
from easycert.pki.validity import Validity

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = keys.generate(KeyType.ED25519)
ISSUER = Issuer(distinguished_name("ca"), key_identifier(KEY.public_key()), KEY)


def published(revision: Revision, at: datetime = NOW) -> Crl:
    return read_crl(signed_crl(CrlSpec(1, Validity(at, at + 7 * DAY), tuple(revision.entries())), ISSUER), "ca.crl")


def crl(*revocations: Revocation, at: datetime = NOW) -> Crl:
    revision = Revision(None)
    for revocation in revocations:
        assert revision.revoke(revocation) is Outcome.REVOKED
    return published(revision, at)


def listed(found: Crl) -> list[tuple[int, datetime, ReasonFlags]]:
    def reason(entry: x509.RevokedCertificate) -> ReasonFlags:
        found = list(entry.extensions)
        return found[0].value.reason if found else ReasonFlags.unspecified  # type: ignore[attr-defined]

    return [(entry.serial_number, entry.revocation_date_utc, reason(entry)) for entry in found.parsed]


def held() -> Crl:
    return crl(Revocation(7, NOW, ReasonFlags.certificate_hold))


def test_G1_revoking_twice_changes_neither_date_nor_reason() -> None:
    revision = Revision(crl(Revocation(7, NOW, ReasonFlags.superseded)))
    assert revision.revoke(Revocation(7, NOW + DAY, ReasonFlags.key_compromise)) is Outcome.ALREADY
    assert listed(published(revision)) == [(7, NOW, ReasonFlags.superseded)]


def test_G1_revoking_twice_in_one_go_is_revoking_once() -> None:
    revision = Revision(None)
    assert revision.revoke(Revocation(7, NOW)) is Outcome.REVOKED
    assert revision.revoke(Revocation(7, NOW)) is Outcome.ALREADY
    assert len(listed(published(revision))) == 1


def test_old_entries_are_copied_byte_for_byte() -> None:
    old = crl(Revocation(7, NOW, ReasonFlags.superseded), Revocation(8, NOW))
    revision = Revision(old)
    revision.revoke(Revocation(9, NOW))
    assert revoked_der(published(revision)).startswith(revoked_der(old))


def test_a_hold_can_become_final_and_keeps_its_date() -> None:
    """It was not to be trusted since then."""
    revision = Revision(held())
    assert revision.revoke(Revocation(7, NOW + DAY, ReasonFlags.key_compromise)) is Outcome.FINAL
    assert listed(published(revision)) == [(7, NOW, ReasonFlags.key_compromise)]


def test_a_hold_on_hold_stays_as_it_is() -> None:
    assert Revision(held()).revoke(Revocation(7, NOW + DAY, ReasonFlags.certificate_hold)) is Outcome.ALREADY


def test_G3_a_hold_can_be_lifted_and_the_entry_is_gone() -> None:
    revision = Revision(held())
    revision.release(7, "host a")
    assert revision.find(7) is None
    assert listed(published(revision)) == []


def test_G3_what_was_put_on_hold_and_released_in_one_go_is_not_there() -> None:
    revision = Revision(None)
    revision.revoke(Revocation(7, NOW, ReasonFlags.certificate_hold))
    revision.release(7, "host a")
    assert listed(published(revision)) == []
    assert revision.revoke(Revocation(7, NOW)) is Outcome.REVOKED
    assert len(listed(published(revision))) == 1


@pytest.mark.parametrize("reason", [ReasonFlags.key_compromise, ReasonFlags.unspecified, ReasonFlags.superseded])
def test_G3_no_other_revocation_can_be_taken_back(reason: ReasonFlags) -> None:
    """RFC 5280 section 5.3.1."""
    revision = Revision(crl(Revocation(7, NOW, reason)))
    with pytest.raises(Refused, match="revoked for good"):
        revision.release(7, "host a")
    assert len(listed(published(revision))) == 1


def test_G3_what_is_not_revoked_cannot_be_released() -> None:
    with pytest.raises(Refused, match="host a: it is not revoked"):
        Revision(crl()).release(7, "host a")


def test_G8_an_entry_goes_when_a_crl_after_its_expiry_has_carried_it() -> None:
    """RFC 5280 section 3.3."""
    old = crl(Revocation(7, NOW - 9 * DAY), Revocation(8, NOW - 9 * DAY), at=NOW)
    revision = Revision(old)
    assert revision.prune({7: NOW - DAY, 8: NOW + DAY}) == 1
    assert [serial for serial, *_ in listed(published(revision))] == [8]


def test_G8_an_entry_stays_until_one_more_crl_has_carried_it() -> None:
    """Expired now, but not yet when the CRL that is out was published."""
    assert Revision(crl(Revocation(7, NOW), at=NOW)).prune({7: NOW + DAY}) == 0
    assert Revision(crl(Revocation(7, NOW), at=NOW)).prune({7: NOW}) == 0


def test_G8_an_entry_whose_expiry_is_unknown_stays() -> None:
    assert Revision(crl(Revocation(7, NOW - 999 * DAY))).prune({8: NOW - DAY}) == 0
    assert Revision(None).prune({7: NOW - DAY}) == 0


def test_a_negative_serial_number_changes_nothing() -> None:
    revision = Revision(crl(Revocation(7, NOW)))
    with pytest.raises(Refused, match="negative"):
        revision.revoke(Revocation(-1, NOW))
    assert revision.find(-1) is None


def test_serials_with_their_high_bit_set_are_found() -> None:
    for serial in (0, 0x80, 0xFF, 1 << 63, (1 << 159) - 1):
        revision = Revision(crl(Revocation(serial, NOW, ReasonFlags.certificate_hold)))
        assert revision.find(serial) is not None
        revision.release(serial, "it")
        assert listed(published(revision)) == []
