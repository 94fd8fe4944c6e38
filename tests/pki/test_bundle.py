"""Certificates and CRLs in files that nobody has checked."""

from __future__ import annotations

import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from easycert.pki.formats.bundle import Bundle, Undecodable, read_bundle
from tests.pki.chainmaker import ca, crl, pem, resigned, server, shared_key

ROOT = ca(key=shared_key("ed25519"))
LEAF = server(ROOT)
LIST = crl(ROOT)
BROKEN = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


def test_certificates_and_crls_come_in_their_order() -> None:
    found = read_bundle(pem(LEAF.certificate, LIST, ROOT.certificate))
    assert found == Bundle((LEAF.certificate, ROOT.certificate), (LIST,))


@pytest.mark.parametrize("item", [LEAF.certificate, LIST], ids=["certificate", "crl"])
def test_der_is_one_of_either(item: x509.Certificate | x509.CertificateRevocationList) -> None:
    found = read_bundle(item.public_bytes(Encoding.DER))
    assert (*found.certificates, *found.crls) == (item,)


def test_ten_thousand_copies_are_read_once() -> None:
    assert read_bundle(pem(LEAF.certificate) * 10_000).certificates == (LEAF.certificate,)


def test_line_ends_do_not_make_another_certificate() -> None:
    unix = pem(LEAF.certificate)
    assert len(read_bundle(unix + unix.replace(b"\n", b"\r\n")).certificates) == 1


def test_a_broken_certificate_keeps_its_place_and_spoils_no_other() -> None:
    [broken, leaf] = read_bundle(BROKEN + pem(LEAF.certificate)).certificates
    assert isinstance(broken, Undecodable)
    assert broken.where == "certificate 1"
    assert leaf == LEAF.certificate


def test_a_certificate_whose_extensions_are_broken_is_one_all_the_same() -> None:
    """It can be judged, and its judgement says what is wrong."""
    leaf = resigned(server(ROOT, "a.example"), ROOT, b"\x82\x09a.example", b"\x87\x09a.example")
    [found] = read_bundle(pem(leaf.certificate)).certificates
    assert isinstance(found, x509.Certificate)
    with pytest.raises(ValueError, match="IP"):
        found.extensions  # noqa: B018


def test_text_around_blocks_and_other_blocks_are_passed_over() -> None:
    key = b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"
    assert read_bundle(b"Bag\n" + key + pem(LEAF.certificate) + b"end").certificates == (LEAF.certificate,)


@pytest.mark.parametrize("data", [b"", b"junk", b"0\x03\x02\x01\x01", b"-----BEGIN CERTIFICATE-----\nMAA="])
def test_what_holds_neither_is_empty(data: bytes) -> None:
    assert read_bundle(data) == Bundle((), ())


def test_a_file_of_nothing_but_begins_is_read_in_linear_time() -> None:
    assert read_bundle(b"-----BEGIN CERTIFICATE-----\n-" * 100_000) == Bundle((), ())


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    read_bundle(data)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_around_a_certificate_leave_it_there(before: bytes, after: bytes) -> None:
    data = before + b"\n" + pem(LEAF.certificate) + after
    if before.count(b"-----") == 0:
        assert read_bundle(data).readable_certificates[:1] == (LEAF.certificate,)


MARKS = [b"-----%b %b-----" % (word, what) for word in (b"BEGIN", b"END") for what in (b"CERTIFICATE", b"X509 CRL")]
#: What a block is, as one pattern; it takes quadratic time.
BLOCK = re.compile(rb"-----BEGIN (CERTIFICATE|X509 CRL)-----((?:(?!-----).)*)-----END \1-----", re.DOTALL)


@given(st.lists(st.sampled_from([*MARKS, b"\n", b"-", b"--", b"MAA=", b"-----"]), max_size=12).map(b"".join))
def test_blocks_are_found_as_one_pattern_would(text: bytes) -> None:
    found = read_bundle(b"-----BEGIN \n" + text)
    expected = dict.fromkeys(match[0] for match in BLOCK.finditer(text))
    assert len((*found.certificates, *found.crls)) == len(expected)
