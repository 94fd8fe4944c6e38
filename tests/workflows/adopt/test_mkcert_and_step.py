"""What mkcert and step-ca leave: their CAs come in, and what cannot be known of the rest is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.errors import EncryptedKey
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.workflows.adopt.layout import Origin
from easycert.workflows.adopt.placing import Outcome
from tests.workflows.adopt.examples import adopted, outcomes, tree
from tests.workflows.adopt.tools import PASSPHRASE, Need, StepKeys, mkcert, real_step_path, step_path
from tests.workflows.examples import make

BOTH = StepKeys(PASSPHRASE, PASSPHRASE)


@pytest.mark.real
def test_the_ca_of_mkcert_comes_in_and_signs(here: CertDir, need: Need, tmp_path: Path) -> None:
    mkcert(need, tmp_path / "caroot", "-cert-file", "/dev/null", "-key-file", "/dev/null", "x.test")
    before = tree(tmp_path / "caroot")
    result = adopted(here, tmp_path / "caroot")
    (ca,) = result.certificates
    assert (result.origin, ca.outcome, ca.with_key, ca.verified) == (Origin.MKCERT, Outcome.IMPORTED, True, True)
    assert ca.name.startswith("mkcert ")
    assert any("no record of what it issued" in note for note in result.notes)
    assert any("can sign no CRL: its key usage lacks cRLSign" in note for note in result.notes)
    assert tree(tmp_path / "caroot") == before
    issued = make(here, Kind.HOST, "new.test", ca.name)
    command = [need("openssl"), "verify", "-CAfile", str(tmp_path / "caroot/rootCA.pem"), issued.certificate_path]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.real
def test_certificates_that_lie_in_its_caroot_come_in_by_their_names(here: CertDir, need: Need, tmp_path: Path) -> None:
    mkcert(need, tmp_path / "caroot", "*.example.test", "::1")
    mkcert(need, tmp_path / "caroot", "-client", "alice@example.test")
    mkcert(need, tmp_path / "caroot", "-ecdsa", "10.0.0.1")
    assert outcomes(adopted(here, tmp_path / "caroot"))[1:] == [
        ("host", "*.example.test", Outcome.IMPORTED, True),
        ("host", "10.0.0.1", Outcome.IMPORTED, True),
        ("user", "alice@example.test", Outcome.IMPORTED, True),
    ]


def test_both_cas_of_step_come_in_and_its_database_is_said_to_be_unread(here: CertDir, tmp_path: Path) -> None:
    step_path(tmp_path / "step", BOTH)
    result = adopted(here, tmp_path / "step", passphrase=PASSPHRASE)
    assert result.origin is Origin.STEP
    assert {(item.name, item.with_key, item.verified) for item in result.certificates} == {
        ("Example Root CA", True, True),
        ("Example Intermediate CA", True, True),
    }
    assert any("in its own database, which cannot be read" in note for note in result.notes)
    assert result.left_out == ()
    assert make(here, Kind.HOST, "www.example.com", "Example Intermediate CA").certificate.issuer


@pytest.mark.slow
@pytest.mark.real
def test_what_step_s_own_code_made_comes_in(here: CertDir, need: Need, tmp_path: Path) -> None:
    real_step_path(need, tmp_path / "step")
    before = tree(tmp_path / "step")
    result = adopted(here, tmp_path / "step", passphrase=PASSPHRASE)
    assert outcomes(result) == [
        ("ca", "Example Root CA", Outcome.IMPORTED, True),
        ("ca", "Example Intermediate CA", Outcome.IMPORTED, True),
    ]
    assert set(dict(result.left_out)) == {"secrets/ssh_host_ca_key", "secrets/ssh_user_ca_key"}
    assert any("that have a passphrase there (2)" in note for note in result.notes)
    assert tree(tmp_path / "step") == before
    issued = make(here, Kind.HOST, "www.example.com", "Example Intermediate CA")
    command = [need("openssl"), "verify", "-CAfile", str(tmp_path / "step/certs/root_ca.crt")]
    command += ["-untrusted", str(tmp_path / "step/certs/intermediate_ca.crt"), issued.certificate_path]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_the_root_s_key_may_have_another_passphrase(here: CertDir, tmp_path: Path) -> None:
    step_path(tmp_path / "step", StepKeys(b"in a safe", PASSPHRASE))
    result = adopted(here, tmp_path / "step", passphrase=PASSPHRASE)
    assert dict(result.left_out) == {"secrets/root_ca_key": "the passphrase does not open it"}
    assert here.signers.key(Kind.CA, SafeName("Example Root CA")) is None
    adopted(here, tmp_path / "step", passphrase=b"in a safe")
    assert here.signers.key(Kind.CA, SafeName("Example Root CA")) is not None


def test_the_keys_of_step_need_their_passphrase(here: CertDir, tmp_path: Path) -> None:
    step_path(tmp_path / "step", BOTH)
    with pytest.raises(EncryptedKey, match=r"_ca_key is missing"):
        adopted(here, tmp_path / "step")
    with pytest.raises(EncryptedKey, match=r"_ca_key is wrong"):
        adopted(here, tmp_path / "step", passphrase=b"guess")
    assert not (tmp_path / "certs").exists()
