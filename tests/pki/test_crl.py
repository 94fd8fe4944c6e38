"""Revocation lists: what is written, what is read, whose word is taken (RFC 5280 section 5; hazards D7, D14, G)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import EasycertError, InvalidInput, Malformed, Refused
from easycert.pki import keys
from easycert.pki.certificates import Issuer, key_identifier
from easycert.pki.crl import (
    NUMBER_MAX,
    Crl,
    CrlSpec,
    Revocation,
    crl_number,
    crl_pem,
    entries,
    is_revoked,
    load_crl,
    next_number,
    parse_reason,
    read_crl,
    reason_of,
    require_issued_by,
    revoked_certificate,
    revoked_der,
    serials,
    signed_crl,
    without,
)
from easycert.pki.keys import KeyType, PrivateKey
from easycert.pki.subjects import distinguished_name
from easycert.pki.validity import Validity
from tests.pki.crls import sign_crl

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


def read(crl: x509.CertificateRevocationList | bytes) -> Crl:
    return read_crl(crl_pem(crl), "ca.crl")


def require_by(crl: Crl, by: Issuer) -> None:
    require_issued_by(crl, by.name, by.key.public_key(), "ca.crl")


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
    require_by(read(crl), by)


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
    """Serial, date, reason, and extensions that nobody here knows: byte for byte."""
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00" * 99)  # a long form of length
    foreign = x509.RevokedCertificateBuilder(8, NOW - timedelta(days=9)).add_extension(strange, critical=False).build()
    by = issuer()
    builder = x509.CertificateRevocationListBuilder(by.name, NOW, NOW, [], [foreign])
    old = read(builder.sign(by.key, hashes.SHA256()))  # type: ignore[arg-type]
    new = read(signed_crl(CrlSpec(2, WEEK, (revoked_der(old), revoked_certificate(Revocation(7, NOW)))), by))
    assert revoked_der(new) == revoked_der(old) + revoked_certificate(Revocation(7, NOW))
    assert [(entry.serial_number, list(entry.extensions)) for entry in new.parsed] == [
        (8, list(foreign.extensions)),
        (7, []),
    ]


def test_an_entry_whose_reason_nobody_knows_is_carried_over_too() -> None:
    """A revocation is never lost: the entry is copied as bytes, whatever it says (reason 7 is not used by RFC 5280)."""
    by = issuer()
    der = signed(Revocation(7, NOW, x509.ReasonFlags.key_compromise)).public_bytes(DER)
    odd = load_crl(der.replace(bytes.fromhex("0a0101"), bytes.fromhex("0a0107"), 1), "ca.crl")
    again = sign_crl(CrlSpec(2, WEEK, (revoked_der(read(odd)),)), by)
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
        require_by(read(signed(by=issuer("other"))), issuer())


def test_G7_a_crl_by_another_key_of_the_same_name_is_not_believed() -> None:
    impostor = issuer("other")._replace(name=distinguished_name("ca"))
    with pytest.raises(Refused):
        require_by(read(signed(by=impostor)), issuer())


def test_G7_a_crl_by_a_key_of_another_type_is_not_believed() -> None:
    impostor = issuer("ca", KeyType.RSA2048)
    with pytest.raises(Refused):
        require_by(read(signed(by=impostor)), issuer())


def test_G7_an_altered_crl_is_not_believed() -> None:
    der = signed(Revocation(0x1234567890, NOW)).public_bytes(DER)
    forged = read_crl(der.replace(bytes.fromhex("1234567890"), bytes.fromhex("1234567891")), "ca.crl")
    with pytest.raises(Refused):
        require_by(forged, issuer())


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


ANY_ENTRY = st.builds(
    Revocation,
    st.integers(0, (1 << 159) - 1),
    st.datetimes(datetime(1951, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([reason for reason in x509.ReasonFlags if reason is not x509.ReasonFlags.remove_from_crl]),
    st.none() | st.datetimes(datetime(1951, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),
)


def built(revocation: Revocation) -> x509.RevokedCertificate:
    """Return the entry as cryptography's builder makes it."""
    builder = x509.RevokedCertificateBuilder(revocation.serial or 1, revocation.date.replace(tzinfo=None))
    if revocation.reason is not x509.ReasonFlags.unspecified:
        builder = builder.add_extension(x509.CRLReason(revocation.reason), critical=False)
    if revocation.invalid_since:
        builder = builder.add_extension(
            x509.InvalidityDate(revocation.invalid_since.replace(tzinfo=None, microsecond=0)), critical=False
        )
    return builder.build()


@given(st.lists(ANY_ENTRY, max_size=5))
def test_G9_a_spliced_crl_is_byte_for_byte_what_the_builder_makes(revocations: list[Revocation]) -> None:
    """An Ed25519 signature has nothing random in it, so even that is the same."""
    by = issuer("ca", KeyType.ED25519)
    wanted = [item._replace(serial=item.serial or 1) for item in revocations]
    spec = CrlSpec(7, WEEK, tuple(map(revoked_certificate, wanted)))
    builder = x509.CertificateRevocationListBuilder(
        by.name, WEEK.not_before, WEEK.not_after, [], [built(item) for item in wanted]
    )
    builder = builder.add_extension(x509.AuthorityKeyIdentifier(by.key_identifier, None, None), critical=False)
    expected = builder.add_extension(x509.CRLNumber(7), critical=False).sign(by.key, None)
    assert signed_crl(spec, by) == expected.public_bytes(DER)
    assert crl_pem(expected) == expected.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("key_type", KeyType)
def test_a_spliced_crl_is_signed_as_the_builder_signs(key_type: KeyType) -> None:
    by = issuer("ca", key_type)
    crl = signed(Revocation(7, NOW), by=by)
    assert crl.is_signature_valid(by.key.public_key())
    assert crl.signature_algorithm_oid == signed(by=by).signature_algorithm_oid


@given(st.lists(ANY_ENTRY, max_size=8), st.sets(st.integers(0, 7)))
def test_entries_are_told_apart_and_taken_out(revocations: list[Revocation], chosen: set[int]) -> None:
    kept = [revoked_certificate(item) for item in revocations]
    unwanted = {revocations[index].serial for index in chosen if index < len(revocations)}
    assert list(serials(b"".join(kept))) == [item.serial for item in revocations]
    assert without(b"".join(kept), unwanted) == b"".join(
        der for der, item in zip(kept, revocations, strict=True) if item.serial not in unwanted
    )


def test_a_negative_serial_number_is_refused() -> None:
    with pytest.raises(Refused, match="negative"):
        revoked_certificate(Revocation(-1, NOW))


@pytest.mark.slow
@pytest.mark.parametrize("count", [100_000, 1_000_000])
def test_G9_a_million_entries_are_read_and_signed_again(count: int) -> None:
    entry = revoked_certificate(Revocation(1 << 158, NOW, x509.ReasonFlags.superseded))
    big = b"".join(entry[:4] + (number | 1 << 158).to_bytes(20, "big") + entry[24:] for number in range(count))
    old = read(signed_crl(CrlSpec(1, WEEK, (big,)), issuer()))
    require_by(old, issuer())
    new = load_crl(
        signed_crl(CrlSpec(2, WEEK, (revoked_der(old), revoked_certificate(Revocation(7, NOW)))), issuer()), ""
    )
    assert len(new) == count + 1
    assert is_revoked(new, 7)
    assert is_revoked(new, (1 << 158) | (count - 1))


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_G5_a_number_is_the_time_or_one_more_than_the_highest_known() -> None:
    """So it rises with the clock running backwards, and after a directory was restored from an older state."""
    assert next_number(0, NOW) == int(NOW.timestamp())
    assert next_number(int(NOW.timestamp()), NOW) == int(NOW.timestamp()) + 1
    assert next_number(1 << 40, NOW) == (1 << 40) + 1


def test_G5_a_number_has_at_most_20_octets() -> None:
    """RFC 5280 section 5.2.3."""
    assert next_number(NUMBER_MAX - 1, NOW) == NUMBER_MAX
    assert crl_number(signed(number=NUMBER_MAX)) == NUMBER_MAX
    with pytest.raises(Refused, match="20 octets"):
        next_number(NUMBER_MAX, NOW)


# --- reasons ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [item for item in x509.ReasonFlags if item is not x509.ReasonFlags.remove_from_crl])
def test_G4_a_reason_has_its_name_in_RFC_5280_in_any_case(reason: x509.ReasonFlags) -> None:
    assert (
        parse_reason(reason.value) is parse_reason(reason.value.upper()) is parse_reason(reason.value.lower()) is reason
    )


@pytest.mark.parametrize(
    ("code", "name"), [(0, "unspecified"), (1, "keyCompromise"), (6, "certificateHold"), (10, "aACompromise")]
)
def test_G4_a_reason_has_its_number_too(code: int, name: str) -> None:
    assert parse_reason(str(code)).value == name


@pytest.mark.parametrize("text", ["7", "11", "", "lost", "removeFromCRL", "8", "key compromise", "\x1b"])
def test_G4_no_other_reason_is_taken(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_reason(text)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("reason", REASONS)
def test_G4_a_reason_is_read_back(reason: x509.ReasonFlags) -> None:
    assert reason_of(entries(signed(Revocation(7, NOW, reason)))[0]) is reason


def test_G4_a_reason_that_is_none_cannot_be_read() -> None:
    der = signed(Revocation(7, NOW, x509.ReasonFlags.key_compromise)).public_bytes(DER)
    odd = load_crl(der.replace(bytes.fromhex("0a0101"), bytes.fromhex("0a0107"), 1), "ca.crl")
    assert reason_of(entries(odd)[0]) is None
    assert reason_of(entries(signed(Revocation(7, NOW)))[0]) is x509.ReasonFlags.unspecified


def test_G4_a_compromise_may_be_dated_back() -> None:
    """RFC 5280 section 5.3.2: the invalidity date may lie before CRLs that are out; the revocation date must not."""
    since = NOW - timedelta(days=30)
    entry = entries(signed(Revocation(7, NOW, x509.ReasonFlags.key_compromise, since)))[0]
    found = entry.extensions.get_extension_for_class(x509.InvalidityDate)
    assert (found.value.invalidity_date_utc, found.critical, entry.revocation_date_utc) == (since, False, NOW)


# --- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dress",
    [
        lambda pem: pem.replace(b"\n", b"\r\n"),
        lambda pem: b"Certificate Revocation List (CRL):\n    Version 2 (0x1)\n" + pem,
        lambda pem: pem + b"trailing text\n",
        lambda pem: b"\xef\xbb\xbf" + pem,
    ],
    ids=["CRLF", "text before", "text behind", "BOM"],
)
def test_a_crl_in_pem_may_be_dressed_up(dress: Callable[[bytes], bytes]) -> None:
    crl = signed(Revocation(7, NOW))
    found = read_crl(dress(crl_pem(crl)), "ca.crl")
    assert (found.parsed, found.der) == (crl, crl.public_bytes(DER))
