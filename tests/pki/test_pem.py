"""What a file holds: lenient in form, strict in content, silent about secrets."""

from __future__ import annotations

import contextlib
import time
import warnings
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import EncryptedKey, Malformed
from easycert.pki.formats.pem import StoredKey, StoredPkcs12, StoredPublicKey, der_blocks, identify
from tests.pki.chainmaker import ca, crl, name, pem, server, shared_key

ENCODING, FORM = serialization.Encoding, serialization.PrivateFormat
ROOT = ca()
LEAF = server(ROOT)
KEY = shared_key("ec256")
PLAIN = serialization.NoEncryption()
LOCKED = serialization.BestAvailableEncryption(b"secret")


def request(key: Any = KEY) -> x509.CertificateSigningRequest:
    return x509.CertificateSigningRequestBuilder().subject_name(name("asker")).sign(key, hashes.SHA256())


def private(encoding: Any = ENCODING.PEM, form: Any = FORM.PKCS8, encryption: Any = PLAIN, key: Any = KEY) -> bytes:
    return bytes(key.private_bytes(encoding, form, encryption))


def public(encoding: Any = ENCODING.PEM) -> bytes:
    return bytes(KEY.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))


def only(data: bytes, **options: Any) -> Any:
    (item,) = identify(data, "file", **options).items
    return item


@pytest.mark.parametrize("encoding", [ENCODING.PEM, ENCODING.DER])
def test_a_certificate_is_recognised(encoding: Any) -> None:
    assert only(LEAF.certificate.public_bytes(encoding)) == LEAF.certificate


@pytest.mark.parametrize("encoding", [ENCODING.PEM, ENCODING.DER])
def test_a_signing_request_is_recognised(encoding: Any) -> None:
    assert isinstance(only(request().public_bytes(encoding)), x509.CertificateSigningRequest)


@pytest.mark.parametrize("encoding", [ENCODING.PEM, ENCODING.DER])
def test_a_crl_is_recognised(encoding: Any) -> None:
    assert isinstance(only(crl(ROOT, LEAF.certificate).public_bytes(encoding)), x509.CertificateRevocationList)


@pytest.mark.parametrize("encoding", [ENCODING.PEM, ENCODING.DER])
def test_a_public_key_is_recognised(encoding: Any) -> None:
    assert isinstance(only(public(encoding)), StoredPublicKey)


@pytest.mark.parametrize("encoding", [ENCODING.PEM, ENCODING.DER])
@pytest.mark.parametrize(
    ("form", "kind", "told"),
    [
        (FORM.PKCS8, "ec256", "PKCS#8"),
        (FORM.PKCS8, "mldsa65", "PKCS#8"),
        (FORM.TraditionalOpenSSL, "ec256", "SEC 1"),
        (FORM.TraditionalOpenSSL, "rsa2048", "PKCS#1"),
    ],
)
def test_the_form_of_a_private_key_is_told(encoding: Any, form: Any, kind: str, told: str) -> None:
    stored = only(private(encoding, form, key=shared_key(kind)))
    assert (stored.form, stored.encrypted) == (told, False)


@pytest.mark.parametrize(
    ("encoding", "form"),
    [(ENCODING.PEM, FORM.PKCS8), (ENCODING.DER, FORM.PKCS8), (ENCODING.PEM, FORM.TraditionalOpenSSL)],
)
def test_an_encrypted_key_is_told_apart_without_its_passphrase(encoding: Any, form: Any) -> None:
    stored = only(private(encoding, form, LOCKED))
    assert isinstance(stored, StoredKey)
    assert (stored.key, stored.encrypted) == (None, True)


@pytest.mark.parametrize("encoding", [ENCODING.PEM, ENCODING.DER])
def test_an_encrypted_key_opens_with_its_passphrase(encoding: Any) -> None:
    stored = only(private(encoding, FORM.PKCS8, LOCKED), passphrase=b"secret")
    assert stored.key.public_key() == KEY.public_key()


@pytest.mark.parametrize("encoding", [ENCODING.PEM, ENCODING.DER])
def test_a_wrong_passphrase_is_an_error_of_its_own(encoding: Any) -> None:
    with pytest.raises(EncryptedKey, match="wrong"):
        identify(private(encoding, FORM.PKCS8, LOCKED), "file", passphrase=b"guess")


def test_a_passphrase_that_is_not_needed_does_no_harm() -> None:
    assert only(private(), passphrase=b"secret").key is not None


def test_pkcs12_is_recognised_without_its_passphrase() -> None:
    data = pkcs12.serialize_key_and_certificates(b"me", LEAF.key, LEAF.certificate, None, LOCKED)
    assert isinstance(only(data), StoredPkcs12)


def test_the_repr_of_a_pkcs12_file_does_not_show_it() -> None:
    data = pkcs12.serialize_key_and_certificates(b"me", LEAF.key, LEAF.certificate, None, PLAIN)
    assert repr(data)[10:40] not in repr(identify(data, "file"))


def test_a_weak_key_can_be_looked_at() -> None:
    assert only(private(key=shared_key("rsa1024"))).key.key_size == 1024


def test_a_dsa_key_can_be_looked_at() -> None:
    key = dsa.generate_private_key(1024)
    assert only(private(form=FORM.TraditionalOpenSSL, key=key)).form == "traditional DSA"


@pytest.mark.parametrize(
    "dressed",
    [
        pytest.param(lambda data: b"\xef\xbb\xbf" + data, id="a BOM"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda data: data.replace(b"\n", b"\r"), id="CR"),
        pytest.param(lambda data: b"Subject: CN=www\n   issuer\n\n" + data, id="text before"),
        pytest.param(lambda data: data + b"\nthe end\n", id="text behind"),
        pytest.param(lambda data: data.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(lambda data: b"0" + b"\n" + data, id="text that starts like DER"),
        pytest.param(lambda data: data.rstrip(b"\n"), id="no last newline"),
    ],
)
def test_pem_is_read_in_any_dress(dressed: Any) -> None:
    assert only(dressed(pem(LEAF.certificate))) == LEAF.certificate


def test_several_blocks_keep_their_order() -> None:
    items = identify(private() + pem(LEAF.certificate, ROOT.certificate), "file").items
    assert [type(item).__name__ for item in items] == ["StoredKey", "Certificate", "Certificate"]


def test_the_certificates_of_a_mixed_file_are_found() -> None:
    found = identify(private() + pem(LEAF.certificate, ROOT.certificate), "file").certificates
    assert found == (LEAF.certificate, ROOT.certificate)


def test_curve_parameters_before_a_key_are_passed_over() -> None:
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    assert only(parameters + private(form=FORM.TraditionalOpenSSL)).form == "SEC 1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"hello", "neither PEM nor DER"),
        (b"\xff\xfe\x00", "neither PEM nor DER"),
        (b"0", "neither PEM nor DER"),
        (b"\x30\x00", "DER"),
        (b"\x30\x80\x00\x00", "DER"),
        (b"\x30\x03\x02\x01\x03", "DER"),
        (pem(LEAF.certificate)[:300], "no end"),
        (pem(LEAF.certificate)[:300] + pem(LEAF.certificate), "no end"),
        (pem(LEAF.certificate).replace(b"\nMI", b"\nMA"), r"block 1 \(CERTIFICATE\) cannot be decoded"),
        (pem(LEAF.certificate) + b"-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n", r"block 2 \(X509 CRL\)"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n", "OPENSSH PRIVATE KEY"),
        (LEAF.certificate.public_bytes(ENCODING.DER) + b"x", "neither PEM nor DER"),
        (LEAF.certificate.public_bytes(ENCODING.DER)[:-1], "neither PEM nor DER"),
    ],
)
def test_anything_else_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        identify(data, "file")


def test_a_broken_private_key_is_not_echoed() -> None:
    secret = private().splitlines()[1]
    with pytest.raises(Malformed) as caught:
        identify(private().replace(b"\nMI", b"\nMA"), "file")
    assert secret[4:20].decode() not in str(caught.value)


def test_a_key_under_a_strange_label_is_not_echoed() -> None:
    with pytest.raises(Malformed) as caught:
        identify(private().replace(b"PRIVATE KEY", b"SECRET THING"), "file")
    assert private().splitlines()[1].decode() not in str(caught.value)


def test_a_million_beginnings_without_an_end_are_refused_at_once() -> None:
    start = time.perf_counter()
    with pytest.raises(Malformed, match="no end"):
        identify(b"-----BEGIN CERTIFICATE-----\n" * 40_000, "file")
    assert time.perf_counter() - start < 5


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(Malformed):
        identify(data, "file")


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_certificate_is_read_or_refused_never_a_surprise(position: int, octet: int) -> None:
    damaged = bytearray(LEAF.certificate.public_bytes(ENCODING.DER))
    damaged[position % len(damaged)] = octet
    with contextlib.suppress(Malformed), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's own, on serial numbers that are not positive
        identify(bytes(damaged), "file")


def test_blocks_are_returned_as_they_are_whatever_is_in_them() -> None:
    text = b"-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"
    headers = b"-----BEGIN X509 CRL-----\nProc-Type: 4\nA: b\n\nAwQF\n-----END X509 CRL-----\n"
    assert der_blocks(b"\xef\xbb\xbf" + text + b"noise\r\n" + headers, "file") == (
        ("CERTIFICATE", b"\0\1\2"),
        ("X509 CRL", b"\3\4\5"),
    )


def test_DER_is_one_block_without_a_label() -> None:
    assert der_blocks(b"\x30\x01\x05", "file") == (("", b"\x30\x01\x05"),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n",
        b"text",
        b"-----BEGIN CERTIFICATE-----\nAAEC\n",
        b"-----BEGIN CERTIFICATE-----\nA*EC\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAE\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_holds_no_blocks_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        der_blocks(data, "file")


@given(st.binary(max_size=200))
def test_blocks_of_arbitrary_bytes_are_refused_in_one_way(data: bytes) -> None:
    for text in (data, b"-----BEGIN CERTIFICATE-----\n" + data + b"\n-----END CERTIFICATE-----\n"):
        with contextlib.suppress(Malformed):
            der_blocks(text, "file")
