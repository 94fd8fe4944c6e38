"""A directory that easy-rsa made is taken over whole: what it issued works here, what it revoked stays revoked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import EncryptedKey
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.workflows.adopt.layout import Origin
from easycert.workflows.adopt.placing import Outcome
from tests.workflows.adopt.examples import adopted, outcomes, tree
from tests.workflows.adopt.tools import PASSPHRASE, EasyRsa, Need
from tests.workflows.examples import make

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def used(need: Need, tmp_path_factory: pytest.TempPathFactory) -> EasyRsa:
    """Return an easy-rsa directory that has seen some years: issued, signed, renewed, revoked, a CRL published."""
    easyrsa = EasyRsa(need, tmp_path_factory.mktemp("easy-rsa"))
    easyrsa("build-ca", "nopass")
    easyrsa("build-server-full", "www.example.com", "nopass")
    easyrsa("build-server-full", "old.example.com", "nopass")
    easyrsa("build-client-full", "alice", "nopass")
    easyrsa("build-client-full", "bob", "nopass")
    easyrsa("gen-req", "carol", "nopass")
    easyrsa("sign-req", "client", "carol")
    easyrsa("gen-req", "pending", "nopass")
    easyrsa("renew", "old.example.com", "nopass")
    easyrsa("renew", "carol", "nopass")
    easyrsa("revoke-renewed", "carol", "superseded")
    easyrsa("revoke", "bob", "keyCompromise")
    easyrsa("gen-crl")
    return easyrsa


def test_everything_it_issued_comes_in_and_verifies(here: CertDir, used: EasyRsa) -> None:
    result = adopted(here, used.pki)
    assert result.origin is Origin.EASY_RSA
    assert outcomes(result) == [
        ("ca", "Easy-RSA CA", Outcome.IMPORTED, True),
        ("host", "old.example.com", Outcome.IMPORTED, True),
        ("host", "old.example.com", Outcome.OLDER, None),
        ("host", "www.example.com", Outcome.IMPORTED, True),
        ("user", "alice", Outcome.IMPORTED, True),
        ("user", "bob", Outcome.REVOKED, None),
        ("user", "carol", Outcome.IMPORTED, True),
        ("user", "carol", Outcome.REVOKED, None),
    ]
    assert result.failed == ()


def test_the_directory_that_holds_the_pki_is_recognised_too(here: CertDir, used: EasyRsa) -> None:
    assert adopted(here, used.pki.parent).directory == str(used.pki)


def test_the_source_is_only_read(here: CertDir, used: EasyRsa) -> None:
    before = tree(used.pki)
    adopted(here, used.pki)
    assert tree(used.pki) == before


def test_a_dry_run_says_the_same_and_writes_nothing(here: CertDir, used: EasyRsa, tmp_path: Path) -> None:
    tried = adopted(here, used.pki, dry_run=True)
    assert not (tmp_path / "certs").exists()
    done = adopted(here, used.pki)
    assert tried._replace(dry_run=False) == done


def test_a_second_time_there_is_nothing_to_do(here: CertDir, used: EasyRsa, tmp_path: Path) -> None:
    adopted(here, used.pki)
    before = tree(tmp_path / "certs")
    again = adopted(here, used.pki)
    assert {item.outcome for item in again.certificates} == {Outcome.HERE, Outcome.OLDER, Outcome.REVOKED}
    assert [item.verified for item in again.certificates if item.outcome is Outcome.HERE] == [True] * 5
    assert tree(tmp_path / "certs") == before


def test_its_crl_is_taken_over_byte_for_byte(here: CertDir, used: EasyRsa, tmp_path: Path) -> None:
    adopted(here, used.pki)
    assert (tmp_path / "certs/crls/Easy-RSA CA.crl").read_bytes() == (used.pki / "crl.pem").read_bytes()


def test_what_was_never_signed_is_left_out_and_said(here: CertDir, used: EasyRsa) -> None:
    left = dict(adopted(here, used.pki).left_out)
    assert set(left) == {"reqs/pending.req", "private/pending.key"}
    assert "never signed" in left["reqs/pending.req"]


def test_keys_are_readable_by_their_owner_only(here: CertDir, used: EasyRsa, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        adopted(here, used.pki)
    finally:
        os.umask(before)
    keys = list((tmp_path / "certs").rglob("*.key"))
    assert len(keys) == 5
    assert {oct(path.stat().st_mode & 0o777) for path in keys} == {"0o600"}


def test_openssl_accepts_what_came_in_and_our_crl_revokes(
    here: CertDir, used: EasyRsa, tmp_path: Path, need: Need
) -> None:
    adopted(here, used.pki)
    ca, crl = tmp_path / "certs/cas/Easy-RSA CA.crt", tmp_path / "certs/crls/Easy-RSA CA.crl"

    def verdict(certificate: Path) -> subprocess.CompletedProcess[str]:
        checks = ["-CAfile", str(ca), "-CRLfile", str(crl), "-crl_check"]
        command = [need("openssl"), "verify", *checks, str(certificate)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    for path in ("hosts/www.example.com.crt", "hosts/old.example.com.crt", "users/alice.crt", "users/carol.crt"):
        assert verdict(tmp_path / "certs" / path).returncode == 0, path
    revoked = list((used.pki / "revoked/certs_by_serial").iterdir())
    assert len(revoked) == 2
    for path in revoked:
        assert "certificate revoked" in verdict(path).stderr


def test_the_ca_goes_on_signing_here(here: CertDir, used: EasyRsa, tmp_path: Path, need: Need) -> None:
    adopted(here, used.pki)
    issued = make(here, Kind.HOST, "new.example.com", "Easy-RSA CA")
    command = [need("openssl"), "verify", "-CAfile", str(used.pki / "ca.crt"), issued.certificate_path]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_a_revocation_that_its_crl_lacks_is_put_on_the_next_one(here: CertDir, need: Need, tmp_path: Path) -> None:
    easyrsa = EasyRsa(need, tmp_path / "easy-rsa")
    easyrsa("build-ca", "nopass")
    easyrsa("build-client-full", "early", "nopass")
    easyrsa("build-client-full", "late", "nopass")
    easyrsa("revoke", "early", "superseded")
    easyrsa("gen-crl")
    easyrsa("revoke", "late", "keyCompromise")
    result = adopted(here, easyrsa.pki)
    assert [(item.outcome.value, item.revoked) for item in result.crls] == [("signed anew", 2)]
    crl = x509.load_pem_x509_crl((tmp_path / "certs/crls/Easy-RSA CA.crl").read_bytes())
    reasons = [entry.extensions.get_extension_for_class(x509.CRLReason).value.reason for entry in crl]
    assert reasons == [x509.ReasonFlags.superseded, x509.ReasonFlags.key_compromise]
    again = adopted(here, easyrsa.pki)
    assert [(item.outcome.value, item.revoked) for item in again.crls] == [("already here", 2)]


def test_a_ca_whose_key_is_encrypted_needs_its_passphrase(here: CertDir, need: Need, tmp_path: Path) -> None:
    easyrsa = EasyRsa(need, tmp_path / "easy-rsa")
    secret = PASSPHRASE.decode()
    easyrsa("build-ca", EASYRSA_PASSIN=f"pass:{secret}", EASYRSA_PASSOUT=f"pass:{secret}")
    easyrsa("build-server-full", "www.example.com", "nopass", EASYRSA_PASSIN=f"pass:{secret}")
    for given in (None, b"wrong"):
        with pytest.raises(EncryptedKey, match=r"ca\.key") as caught:
            adopted(here, easyrsa.pki, passphrase=given)
        assert caught.value.wrong is (given is not None)
        assert not (tmp_path / "certs").exists()
    result = adopted(here, easyrsa.pki, passphrase=PASSPHRASE)
    assert [item.verified for item in result.certificates] == [True, True]
    assert any("that have a passphrase there (1)" in note for note in result.notes)
    assert here.signers.key(Kind.CA, SafeName("Easy-RSA CA")) is not None


def test_a_key_that_another_passphrase_locks_is_left_out_and_its_certificate_comes(
    here: CertDir, need: Need, tmp_path: Path
) -> None:
    easyrsa = EasyRsa(need, tmp_path / "easy-rsa")
    easyrsa("build-ca", "nopass")
    easyrsa("build-client-full", "alice", EASYRSA_PASSOUT="pass:her own")
    result = adopted(here, easyrsa.pki)
    assert dict(result.left_out) == {"private/alice.key": "it is encrypted, and no passphrase was given"}
    assert outcomes(result)[1] == ("user", "alice", Outcome.IMPORTED, True)
    opened = adopted(here, easyrsa.pki, passphrase=b"her own")
    assert [Path(path).name for path in opened.certificates[1].files] == ["alice.key"]


@pytest.mark.parametrize(("algorithm", "curve"), [("rsa", ""), ("ec", "secp384r1"), ("ed", "ed25519")])
def test_its_other_key_types_come_in(here: CertDir, need: Need, tmp_path: Path, algorithm: str, curve: str) -> None:
    easyrsa = EasyRsa(need, tmp_path / "easy-rsa", algorithm, curve)
    easyrsa("build-ca", "nopass")
    easyrsa("build-server-full", "www.example.com", "nopass")
    assert [item.verified for item in adopted(here, easyrsa.pki).certificates] == [True, True]


def test_a_ca_below_it_comes_with_what_it_issued(here: CertDir, need: Need, tmp_path: Path) -> None:
    above, below = EasyRsa(need, tmp_path / "above"), EasyRsa(need, tmp_path / "below")
    above("build-ca", "nopass", EASYRSA_REQ_CN="above")
    below("build-ca", "nopass", "subca", EASYRSA_REQ_CN="below")
    above("import-req", str(below.pki / "reqs/ca.req"), "below")
    above("sign-req", "ca", "below")
    certificate = (above.pki / "issued/below.crt").read_bytes()
    (below.pki / "ca.crt").write_bytes(certificate + (above.pki / "ca.crt").read_bytes())
    below("build-server-full", "www.example.com", "nopass")
    result = adopted(here, below.pki)
    assert {(item.kind.value, item.name, item.with_key, item.verified) for item in result.certificates} == {
        ("ca", "above", False, True),
        ("ca", "below", True, True),
        ("host", "www.example.com", True, True),
    }
    served = (tmp_path / "certs/hosts/www.example.com.crt").read_bytes()
    assert served.count(b"-----BEGIN CERTIFICATE-----") == 2
    assert [item.outcome.value for item in adopted(here, above.pki).certificates] == ["imported", "already here"]
