"""What the flag form does to the certificate directory: modes, revocation lists, several writers, broken contents."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

REASON = x509.CRLReason(x509.ReasonFlags.unspecified)


def crl_of(certs, ca="vertex"):
    return x509.load_pem_x509_crl((certs / f"crls/{ca}.crl").read_bytes())


def serial_of(certs, what):
    return x509.load_pem_x509_certificate((certs / f"{what}.crt").read_bytes()).serial_number


def refused(ran):
    """Return whether *ran* ended with the one line that the flag form has for a failure."""
    return ran.code == 1 and len(ran.lines) == 1 and ran.stdout.startswith("ERROR: ")


# --- modes -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("open_umask")
def test_only_the_owner_may_read_keys_and_directories_whatever_the_umask(easycert, own_home):
    for argv in (
        ["--ca", "vertex"],
        ["--csr", "visi"],
        ["--code", "c", "--signas", "vertex"],
        ["v", "--signas", "vertex"],
    ):
        assert easycert("--certdir", "new/deep/certs", *argv).code == 0
    assert easycert("--certdir", "new/deep/certs", "--p12", "v").code == 0
    made = [path for path in (own_home / "new/deep/certs").rglob("*") if ".easycert" not in path.parts]
    modes = {path.name: path.stat().st_mode & 0o777 for path in made}
    assert {mode for name, mode in modes.items() if name.endswith((".key", ".p12"))} == {0o600}
    assert {modes[folder] for folder in ("cas", "users", "code")} == {0o700}
    assert (own_home / "new/deep/certs").stat().st_mode & 0o777 == 0o700
    assert {mode & 0o022 for mode in modes.values()} == {0}, "nobody else may write anything"


@pytest.mark.usefixtures("open_umask")
def test_an_imported_key_is_for_its_owner_only(easycert, certs_once, own_home):
    (own_home / "lax.key").write_bytes((certs_once / "cas/vertex.key").read_bytes())
    (own_home / "lax.key").chmod(0o644)
    assert easycert("--importfile", "cas", "lax.key").code == 0
    assert (own_home / ".syn/certs/cas/lax.key").stat().st_mode & 0o777 == 0o600


# --- revocation lists ------------------------------------------------------------------------------------------------


def test_a_list_has_a_number_that_grows_and_the_cas_key_identifier(easycert, certs):
    numbers = []
    for _ in range(3):
        assert easycert("--crl", "vertex").code == 0
        numbers.append(crl_of(certs).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
    assert numbers == sorted(set(numbers))
    ca = x509.load_pem_x509_certificate((certs / "cas/vertex.crt").read_bytes())
    identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    found = crl_of(certs).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert found.key_identifier == identifier
    assert crl_of(certs).is_signature_valid(ca.public_key())


def test_revoking_lists_the_serial_once_and_again_changes_nothing_of_it(easycert, certs):
    assert easycert("--revokeas", "vertex", "visi@vertex.link").code == 0
    (first,) = crl_of(certs)
    assert first.serial_number == serial_of(certs, "users/visi@vertex.link")
    assert easycert("--revokeas", "vertex", "visi@vertex.link").lines == [
        "Certificate revoked: visi@vertex.link",
        "CRL updated: vertex",
    ]
    (again,) = crl_of(certs)
    assert (again.serial_number, again.revocation_date_utc) == (first.serial_number, first.revocation_date_utc)


def test_entries_of_a_list_that_synapse_wrote_are_kept_as_they_are(easycert, certs):
    """Synapse's lists have no number and no key identifier, and their entries give "unspecified" as the reason."""
    key = serialization.load_pem_private_key((certs / "cas/vertex.key").read_bytes(), None)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vertex")])
    revoked_on = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    entry = x509.RevokedCertificateBuilder(1 << 127, revoked_on).add_extension(REASON, critical=False).build()
    theirs = x509.CertificateRevocationListBuilder(issuer, revoked_on, revoked_on + timedelta(days=3650), [], [entry])
    (certs / "crls").mkdir()
    (certs / "crls/vertex.crl").write_bytes(theirs.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    assert easycert("--revokeas", "vertex", "--server", "cortex.vertex.link").code == 0
    kept = crl_of(certs).get_revoked_certificate_by_serial_number(1 << 127)
    assert kept is not None
    assert kept.revocation_date_utc == revoked_on
    assert len(crl_of(certs)) == 2


def test_four_revocations_at_once_lose_none(certs, own_home):
    """Four processes, one list: each waits for its turn."""
    victims = {
        "users/visi@vertex.link": ["visi@vertex.link"],
        "users/fourth@vertex.link": ["fourth@vertex.link"],
        "hosts/cortex.vertex.link": ["--server", "cortex.vertex.link"],
        "code/Build Pipeline": ["--code", "Build Pipeline"],
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "easycert", "--revokeas", "vertex", *argv], cwd=own_home, stdout=subprocess.PIPE
        )
        for argv in victims.values()
    ]
    for process in started:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert said.endswith(b"CRL updated: vertex\n")
    assert {entry.serial_number for entry in crl_of(certs)} == {serial_of(certs, what) for what in victims}


# --- what is there already, broken or strange ------------------------------------------------------------------------

BROKEN = {
    "empty": b"",
    "garbage": b"\x00\xff" * 5_000_000,
    "half a block": b"-----BEGIN CERTIFICATE-----\nMIIB",
    "not base64": b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    "wrong DER": b"-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n",
}
NEEDS_CA = {
    "issue": ["new@vertex.link", "--signas", "vertex"],
    "sub": ["--ca", "sub", "--signas", "vertex"],
    "crl": ["--crl", "vertex"],
    "revoke": ["--revokeas", "vertex", "visi@vertex.link"],
    "sign": ["--sign-csr", ".syn/certs/users/asked@vertex.link.csr", "--signas", "vertex"],
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("file", ["cas/vertex.crt", "cas/vertex.key"])
def test_a_broken_ca_is_refused(easycert, certs, unchanged, file, data):
    (certs / file).write_bytes(data)
    for argv in NEEDS_CA.values():
        with unchanged():
            ran = easycert(*argv)
        assert (ran.code, len(ran.lines)) == (1, 1), argv


@pytest.mark.parametrize("argv", NEEDS_CA.values(), ids=NEEDS_CA.keys())
def test_a_ca_with_the_key_of_another_is_refused(easycert, certs, unchanged, argv):
    shutil.copy(certs / "cas/other.key", certs / "cas/vertex.key")
    with unchanged():
        assert refused(easycert(*argv))


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("argv", [NEEDS_CA["crl"], NEEDS_CA["revoke"]], ids=["crl", "revoke"])
def test_a_broken_list_is_never_replaced_by_one_that_forgot(easycert, certs, unchanged, argv, data):
    (certs / "crls").mkdir()
    (certs / "crls/vertex.crl").write_bytes(data)
    with unchanged():
        assert refused(easycert(*argv))


@pytest.mark.parametrize("data", list(BROKEN.values())[1:], ids=list(BROKEN)[1:])
def test_a_broken_request_is_refused(easycert, certs, own_home, unchanged, data):
    (own_home / "broken.csr").write_bytes(data)
    with unchanged():
        assert refused(easycert("--sign-csr", "broken.csr", "--signas", "vertex"))


def test_a_private_key_in_place_of_a_request_is_refused_and_not_shown(easycert, certs, unchanged):
    with unchanged():
        ran = easycert("--sign-csr", ".syn/certs/cas/vertex.key", "--signas", "vertex")
    assert refused(ran)
    secret = (certs / "cas/vertex.key").read_text().splitlines()[3]
    assert secret not in ran.stdout + ran.stderr


def test_a_pipe_in_place_of_a_file_is_refused_at_once(easycert, certs, own_home):
    os.mkfifo(own_home / "pipe.crt")
    assert easycert("--sign-csr", "pipe.crt", "--signas", "vertex").lines == ["csr not found: pipe.crt"]
    assert easycert("--importfile", "cas", "pipe.crt").lines == ["ERROR: File pipe.crt does not exist"]


@pytest.mark.parametrize("suffix", ["key", "crt"])
def test_a_directory_where_a_file_is_to_go_is_refused(easycert, certs, unchanged, suffix):
    (certs / f"users/new.{suffix}").mkdir()
    with unchanged():
        ran = easycert("new", "--signas", "vertex")
    assert (ran.code, len(ran.lines)) == (1, 1)


def test_a_file_where_the_directory_should_be_is_refused(easycert, own_home, unchanged):
    (own_home / "file").write_text("not a directory")
    with unchanged():
        assert refused(easycert("--certdir", "file", "new"))


@pytest.mark.parametrize("file", [".crt", ".key", "..crt", "a\nb.crt", "$HOME.crt"])
def test_a_file_with_a_hostile_name_is_not_imported(easycert, certs, own_home, unchanged, file):
    shutil.copy(certs / "cas/other.crt", own_home / file)
    with unchanged():
        assert refused(easycert("--importfile", "cas", file))


def test_a_link_in_place_of_a_new_file_is_not_followed(easycert, certs, own_home, unchanged):
    (own_home / "victim").write_text("precious")
    (certs / "users/new.crt").symlink_to(own_home / "victim")
    with unchanged():
        assert easycert("new", "--signas", "vertex").code == 1
