"""Revocation lists: what is written, what is read, whose word is taken (RFC 5280 section 5; hazards D7, D14, G)."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import EasycertError, Malformed, Refused
from easycert.pki import keys
from easycert.pki.certificates import Issuer, key_identifier
from easycert.pki.crl import (
    CrlSpec,
    Revocation,
    crl_number,
    crl_pem,
    entries,
    is_revoked,
    load_crl,
    require_issued_by,
    revoked_certificate,
    sign_crl,
)
from easycert.pki.keys import KeyType, PrivateKey
from easycert.pki.subjects import distinguished_name
from easycert.pki.validity import Validity

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WEEK = Validity(NOW, NOW + timedelta(days=7))
DER = serialization.Encoding.DER
REASONS = [reason for reason in x509.ReasonFlags if reason is not x509.ReasonFlags.unspecified]


@functools.cache
def key(key_type: KeyType, name: str) -> PrivateKey:
    return keys.generate(key_type)


def issuer(name: str = "ca", key_type: KeyType = KeyType.EC256) -> Issuer:
    private = key(key_type, name)
    return Issuer(distinguished_name(name), key_identifier(private.public_key()), private)


def signed(*revocations: Revocation, number: int = 1, by: Issuer | None = None) -> x509.CertificateRevocationList:
    return sign_crl(CrlSpec(number, WEEK, tuple(map(revoked_certificate, revocations))), by or issuer())


@pytest.mark.parametrize("key_type", KeyType)
def test_a_crl_has_all_that_RFC_5280_asks_for(key_type: KeyType) -> None:
    """RFC 5280 sections 5.1.2.5 (nextUpdate), 5.2.1 (AKI), 5.2.3 (number): neither extension is critical."""
    by = issuer("ca", key_type)
    crl = signed(number=42, by=by)
    assert crl.issuer == by.name
    assert Validity(crl.last_update_utc, crl.next_update_utc) == WEEK
    assert [(item.oid._name, item.critical) for item in crl.extensions] == [
        ("authorityKeyIdentifier", False),
        ("cRLNumber", False),
    ]
    assert crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == by.key_identifier
    assert crl_number(crl) == 42
    require_issued_by(crl, by, "ca.crl")


def test_a_crl_of_nothing_has_no_list_at_all() -> None:
    """RFC 5280 section 5.1.2.6: when there are no revoked certificates the list MUST be absent."""
    der = signed().public_bytes(DER)
    assert b"260601120000Z" + b"\x17\x0d260608120000Z\xa0" in der


@pytest.mark.parametrize("reason", REASONS)
def test_G4_a_reason_is_written_and_is_not_critical(reason: x509.ReasonFlags) -> None:
    entry = entries(signed(Revocation(7, NOW, reason)))[0]
    found = entry.extensions.get_extension_for_class(x509.CRLReason)
    assert (found.value.reason, found.critical) == (reason, False)


def test_G4_unspecified_is_no_reason() -> None:
    """RFC 5280 section 5.3.1: SHOULD be absent."""
    assert len(entries(signed(Revocation(7, NOW)))[0].extensions) == 0


@pytest.mark.parametrize("serial", [1, 0x7F, 0x80, (1 << 63), (1 << 159) - 1])
def test_D14_an_entry_has_the_very_serial_of_its_certificate(serial: int) -> None:
    crl = load_crl(crl_pem(signed(Revocation(serial, NOW))), "ca.crl")
    assert is_revoked(crl, serial)
    assert not is_revoked(crl, serial + 1)
    assert [(entry.serial_number, entry.revocation_date_utc) for entry in entries(crl)] == [(serial, NOW)]


def test_no_crl_revokes_nothing() -> None:
    assert not is_revoked(None, 7)
    assert entries(None) == ()


def test_entries_of_an_older_crl_are_carried_over_as_they_are() -> None:
    """Serial, date and reason; cryptography's own bytes of the entry."""
    old = signed(Revocation(7, NOW, x509.ReasonFlags.key_compromise), Revocation(8, NOW - timedelta(days=9)))
    new = sign_crl(CrlSpec(2, WEEK, tuple(entries(old))), issuer())
    assert [(entry.serial_number, entry.revocation_date_utc, list(entry.extensions)) for entry in new] == [
        (entry.serial_number, entry.revocation_date_utc, list(entry.extensions)) for entry in old
    ]


def test_an_entry_whose_reason_nobody_knows_is_carried_over_too() -> None:
    """A revocation is never lost: the entry is copied as bytes, whatever it says (reason 7 is not used by RFC 5280)."""
    by = issuer()
    der = signed(Revocation(7, NOW, x509.ReasonFlags.key_compromise)).public_bytes(DER)
    odd = load_crl(der.replace(bytes.fromhex("0a0101"), bytes.fromhex("0a0107"), 1), "ca.crl")
    again = load_crl(crl_pem(sign_crl(CrlSpec(2, WEEK, tuple(entries(odd))), by)), "ca.crl")
    assert is_revoked(again, 7)
    assert bytes.fromhex("0a0107") in again.public_bytes(DER)


@pytest.mark.parametrize("encode", [crl_pem, lambda crl: crl.public_bytes(DER)], ids=["PEM", "DER"])
def test_a_crl_is_read_in_either_form(encode: object) -> None:
    crl = signed(Revocation(7, NOW))
    assert load_crl(encode(crl), "ca.crl") == crl  # type: ignore[operator]


def test_a_crl_without_number_counts_as_zero() -> None:
    """Synapse writes none."""
    bare = x509.CertificateRevocationListBuilder(distinguished_name("ca"), NOW, NOW + timedelta(days=1))
    assert crl_number(bare.sign(key(KeyType.EC256, "ca"), hashes.SHA256())) == 0  # type: ignore[arg-type]


def test_G7_a_crl_by_another_CA_is_not_believed() -> None:
    with pytest.raises(Refused, match="not signed by this CA"):
        require_issued_by(signed(by=issuer("other")), issuer(), "ca.crl")


def test_G7_a_crl_by_another_key_of_the_same_name_is_not_believed() -> None:
    impostor = issuer("other")._replace(name=distinguished_name("ca"))
    with pytest.raises(Refused):
        require_issued_by(signed(by=impostor), issuer(), "ca.crl")


def test_G7_a_crl_by_a_key_of_another_type_is_not_believed() -> None:
    impostor = issuer("ca", KeyType.RSA2048)
    with pytest.raises(Refused):
        require_issued_by(signed(by=impostor), issuer(), "ca.crl")


def test_G7_an_altered_crl_is_not_believed() -> None:
    der = signed(Revocation(0x1234567890, NOW)).public_bytes(DER)
    forged = load_crl(der.replace(bytes.fromhex("1234567890"), bytes.fromhex("1234567891")), "ca.crl")
    with pytest.raises(Refused):
        require_issued_by(forged, issuer(), "ca.crl")


def _broken() -> dict[str, bytes]:
    crl = signed(Revocation(7, NOW))
    der, pem = crl.public_bytes(DER), crl_pem(crl)
    return {
        "empty": b"",
        "half DER": der[:60],
        "half PEM": pem[:100],
        "trailing DER": der + b"\0",
        "random": bytes(range(256)),
        "a certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "version 9": der.replace(b"\x02\x01\x01\x30", b"\x02\x01\x09\x30", 1),
        "duplicate extension": der.replace(bytes.fromhex("0603551d14"), bytes.fromhex("0603551d23"), 1),
        "name that is not UTF-8": der.replace(b"\x0c\x02ca", b"\x0c\x02\xff\xfe", 1),
        "impossible date": der.replace(b"260608120000Z", b"269908120000Z", 1),
        "entry of an impossible date": signed(Revocation(7, NOW - timedelta(days=40)))
        .public_bytes(DER)
        .replace(b"260422120000Z", b"269922120000Z", 1),
    }


@pytest.mark.parametrize("flaw", _broken())
def test_D7_a_broken_crl_is_refused_and_its_file_named(flaw: str) -> None:
    """Lazily decoded parts too: nothing may surprise the code that copies the entries into the next CRL."""
    with pytest.raises(Malformed) as refusal:
        load_crl(_broken()[flaw], "crls/x\x1b.crl")
    assert str(refusal.value).startswith(r"crls/x\x1b.crl is not a certificate revocation list")
    assert str(refusal.value).isprintable()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_line(data: bytes) -> None:
    for text in (data, b"\x30\x82" + data, b"-----BEGIN X509 CRL-----\n" + data):
        with pytest.raises(EasycertError) as refusal:
            load_crl(text, "x.crl")
        assert str(refusal.value).isprintable()


@given(st.lists(st.tuples(st.integers(1, (1 << 159) - 1), st.sampled_from(list(x509.ReasonFlags))), max_size=20))
def test_what_was_revoked_is_what_is_listed(revoked: list[tuple[int, x509.ReasonFlags]]) -> None:
    crl = load_crl(crl_pem(signed(*(Revocation(serial, NOW, reason) for serial, reason in revoked))), "ca.crl")
    assert [entry.serial_number for entry in entries(crl)] == [serial for serial, _ in revoked]
    assert all(is_revoked(crl, serial) for serial, _ in revoked)


def test_G9_ten_thousand_entries_are_signed_at_once() -> None:
    """Added one by one they would be copied fifty million times."""
    crl = signed(*(Revocation(serial, NOW) for serial in range(1, 10_001)))
    assert len(entries(crl)) == 10_000
    assert is_revoked(crl, 9_999)
