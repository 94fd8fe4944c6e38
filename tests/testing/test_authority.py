"""The CA for tests: what it issues works in TLS, what it revokes is refused, and its names read aloud."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import freezegun
import pytest
from cryptography import x509

from easycert.errors import AlreadyExists, InvalidInput, InvalidName, WrongIssuer
from easycert.pki.certificates import load_certificates
from easycert.testing import ThrowawayCA
from easycert.testing.credential import Credential
from tests.testing.handshake import shake_hands


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> ThrowawayCA:
    return ThrowawayCA.make(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def host(ca: ThrowawayCA) -> Credential:
    return ca.issue_host("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def alice(ca: ThrowawayCA) -> Credential:
    return ca.issue_user("alice@example.com")


def names(credential: Credential) -> list[str]:
    found = credential.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


# --- issuing ---------------------------------------------------------------------------------------------------------


def test_a_host_has_its_names(host: Credential) -> None:
    assert names(host) == ["localhost", "127.0.0.1"]


def test_a_user_has_a_mailbox(alice: Credential) -> None:
    assert names(alice) == ["alice@example.com"]
    assert alice.name == "alice@example.com"


def test_code_can_be_signed(ca: ThrowawayCA) -> None:
    usage = ca.issue_code("release").certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CODE_SIGNING]


def test_files_hold_what_is_in_memory_and_the_key_is_private(host: Credential) -> None:
    assert host.certificate_file.read_bytes() == host.pem
    assert host.key_file.read_bytes() == host.key_pem
    assert host.key_file.stat().st_mode & 0o777 == 0o600
    assert host.files == (str(host.certificate_file), str(host.key_file))
    assert "PRIVATE KEY" not in repr(host)


def test_one_name_can_be_issued_again_and_the_first_stays_as_it_is(ca: ThrowawayCA) -> None:
    first, second = ca.issue_host("twice.test"), ca.issue_host("twice.test", "also.test")
    assert first.serial_number != second.serial_number
    assert load_certificates(first.certificate_file.read_bytes(), "first") == [first.certificate]


def test_the_key_type_can_be_chosen(ca: ThrowawayCA) -> None:
    assert ca.issue_host("rsa.test", key_type="rsa2048").certificate.public_key().key_size == 2048  # type: ignore[union-attr]


@pytest.mark.parametrize("end", ["2h", timedelta(hours=2), datetime.now(UTC) + timedelta(hours=2)], ids=type)
def test_the_end_can_be_said_in_three_ways(ca: ThrowawayCA, end: str | timedelta | datetime) -> None:
    left = ca.issue_host("short.test", end=end).certificate.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(hours=1) < left < timedelta(hours=2, minutes=1)


def test_a_start_can_lie_ahead(ca: ThrowawayCA) -> None:
    late = ca.issue_host("late.test", start="1d", end="9d")
    assert late.certificate.not_valid_before_utc > datetime.now(UTC)


@pytest.mark.parametrize("name", ["../x", "", "a b"])
def test_names_that_are_none_are_refused(ca: ThrowawayCA, name: str) -> None:
    with pytest.raises((InvalidName, InvalidInput)):
        ca.issue_host(name)


def test_an_existing_ca_is_not_replaced(ca: ThrowawayCA, tmp_path: Path) -> None:
    with pytest.raises(AlreadyExists):
        ThrowawayCA.make(tmp_path, certdir=ca.certdir)


# --- TLS -------------------------------------------------------------------------------------------------------------


def test_client_and_server_trust_each_other(ca: ThrowawayCA, host: Credential) -> None:
    assert shake_hands(ca.client_context(), ca.server_context(host))[:2] == ("", "")


def test_what_it_issues_passes_the_strictest_python(ca: ThrowawayCA, host: Credential) -> None:
    client = ca.client_context()
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    assert shake_hands(client, ca.server_context(host))[:2] == ("", "")


def test_the_client_checks_the_name(ca: ThrowawayCA, host: Credential) -> None:
    ended = shake_hands(ca.client_context(), ca.server_context(host), "other.test")
    assert "Hostname mismatch" in ended.client


def test_the_client_trusts_nobody_else(ca: ThrowawayCA, host: Credential, tmp_path: Path) -> None:
    other = ThrowawayCA.make(tmp_path)
    assert "certificate verify failed" in shake_hands(other.client_context(), ca.server_context(host)).client


def test_trust_can_be_added_to_a_context(ca: ThrowawayCA, host: Credential) -> None:
    client = ssl.create_default_context()
    ca.trust_in(client)
    assert shake_hands(client, ca.server_context(host))[:2] == ("", "")


def test_a_mutual_server_sees_the_user(ca: ThrowawayCA, host: Credential, alice: Credential) -> None:
    ended = shake_hands(ca.client_context(alice), ca.server_context(host, mutual=True))
    assert ended.seen
    assert ended.seen["subjectAltName"] == (("email", "alice@example.com"),)


def test_a_mutual_server_refuses_a_client_without_a_certificate(ca: ThrowawayCA, host: Credential) -> None:
    ended = shake_hands(ca.client_context(), ca.server_context(host, mutual=True))
    assert "peer did not return a certificate" in ended.server


def test_a_hosts_certificate_is_no_users(ca: ThrowawayCA, host: Credential) -> None:
    ended = shake_hands(ca.client_context(host), ca.server_context(host, mutual=True))
    assert "unsuitable certificate purpose" in ended.server


def test_below_an_intermediate_the_server_sends_the_chain(ca: ThrowawayCA) -> None:
    issuing = ca.intermediate("below")
    host = issuing.issue_host("localhost")
    assert len(load_certificates(host.pem, "host")) == 2
    assert issuing.trust_file == ca.trust_file
    assert issuing.root is ca
    assert shake_hands(ca.client_context(), issuing.server_context(host))[:2] == ("", "")


# --- revoking --------------------------------------------------------------------------------------------------------


def test_a_revoked_host_is_refused_by_a_client_that_looks(ca: ThrowawayCA) -> None:
    host = ca.issue_host("localhost")
    server = ca.server_context(host)
    assert shake_hands(ca.client_context(crl=True), server).client == ""
    ca.revoke(host, "keyCompromise")
    assert "certificate revoked" in shake_hands(ca.client_context(crl=True), server).client
    assert shake_hands(ca.client_context(), server).client == ""
    entry = ca.crl.get_revoked_certificate_by_serial_number(host.serial_number)
    assert entry
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise


def test_a_revoked_user_is_refused_by_a_server_that_looks(ca: ThrowawayCA, host: Credential) -> None:
    mallory = ca.issue_user("mallory@example.com")
    ca.revoke(mallory.certificate)
    ended = shake_hands(ca.client_context(mallory), ca.server_context(host, mutual=True, crl=True))
    assert "certificate revoked" in ended.server


def test_one_that_was_replaced_can_be_revoked(ca: ThrowawayCA) -> None:
    first, second = ca.issue_host("replaced.test"), ca.issue_host("replaced.test")
    ca.revoke(first)
    assert ca.crl.get_revoked_certificate_by_serial_number(first.serial_number)
    assert not ca.crl.get_revoked_certificate_by_serial_number(second.serial_number)


def test_a_certificate_of_somebody_else_is_not_revoked(ca: ThrowawayCA, tmp_path: Path) -> None:
    below = ca.intermediate("other")
    with pytest.raises(WrongIssuer):
        ca.revoke(below.issue_host("localhost"))


# --- the CA ----------------------------------------------------------------------------------------------------------


def test_it_says_where_it_is_and_whom_to_trust(ca: ThrowawayCA) -> None:
    assert (ca.directory / "cas" / "tests.crt") == ca.trust_file
    assert ca.trust_file.read_bytes() == ca.pem
    assert ca.certificate.subject == ca.certificate.issuer
    assert repr(ca) == f"<ThrowawayCA tests in {ca.directory}>"


def test_each_variable_names_the_trust_file(ca: ThrowawayCA) -> None:
    assert ca.variables["SSL_CERT_FILE"] == ca.variables["REQUESTS_CA_BUNDLE"] == str(ca.trust_file)


@pytest.mark.parametrize("then", ["2021-03-04", "2040-03-04"])
def test_it_issues_under_a_stopped_clock(ca: ThrowawayCA, then: str) -> None:
    with freezegun.freeze_time(then):
        host = ca.issue_host("frozen.test", end="10d")
    instant = datetime.fromisoformat(then).replace(tzinfo=UTC)
    assert host.certificate.not_valid_before_utc <= instant < host.certificate.not_valid_after_utc
    assert ca.certificate.not_valid_before_utc < host.certificate.not_valid_before_utc
    assert host.certificate.not_valid_after_utc < ca.certificate.not_valid_after_utc


def test_a_stopped_clock_makes_expired_certificates(ca: ThrowawayCA) -> None:
    with freezegun.freeze_time("2022-01-01"):
        host = ca.issue_host("localhost", end="30d")
    assert "certificate has expired" in shake_hands(ca.client_context(), ca.server_context(host)).client
