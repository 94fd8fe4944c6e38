"""OpenSSL, GnuTLS and pkilint judge OCSP: requests that they made, answered by the command, in every key type."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from easycert.pki import certificates
from easycert.pki.keys import KeyType
from easycert.pki.ocsp import Responder, ResponseSpec, State, Status, load_request, sign_response
from tests.judges.authority import EDWARDS, MLDSA, NOW, Family, families, family
from tests.judges.verdicts import ask

pytestmark = pytest.mark.real

HIERARCHIES = [(profile, key_type) for profile, key_type in families() if key_type not in MLDSA]
SIGNERS = ["the CA", "a delegate"]


def easycert(certs: Path, *argv: str | Path) -> str:
    verdict = ask(sys.executable, "-m", "easycert", *argv, "--certdir", certs)
    assert verdict.good, verdict.text
    return verdict.text


class Asked:
    """A directory with a CA below a root, a good host and a revoked one, and OpenSSL asking about them."""

    def __init__(self, certs: Path, openssl: str) -> None:
        self.certs, self.top, self._openssl = certs, certs.parent, openssl
        self.issuing = certs / "cas/issuing.crt"

    def cert(self, name: str) -> Path:
        return self.certs / "hosts" / f"{name}.crt"

    def answered(self, *about: str | Path, issuer: Path | None = None) -> tuple[Path, Path]:
        """Let OpenSSL ask (with a nonce) about *about*, and easycert answer; return the files of both."""
        request, response = self.top / "it.req", self.top / "it.resp"
        verdict = ask(self._openssl, "ocsp", "-issuer", issuer or self.issuing, *about, "-reqout", request)
        assert verdict.good, verdict.text
        easycert(self.certs, "ocsp", "respond", request, "--out", response, "--force", "-q")
        return request, response

    def judged(self, *about: str | Path, issuer: Path | None = None) -> str:
        """Return what OpenSSL says of the answer, given the root alone to trust."""
        request, response = self.answered(*about, issuer=issuer)
        verdict = ask(
            self._openssl, "ocsp", "-reqin", request, "-no_nonce", "-respin", response, "-issuer",
            issuer or self.issuing, *about, "-CAfile", self.certs / "cas/root.crt",
        )  # fmt: skip
        assert "Response verify OK" in verdict.text, verdict.text
        assert "WARNING" not in verdict.text
        return verdict.text


@pytest.fixture(params=SIGNERS)
def asked(request: pytest.FixtureRequest, need: Callable[[str], str], tmp_path: Path) -> Asked:
    certs = tmp_path / "certs"
    easycert(certs, "ca", "root")
    easycert(certs, "ca", "issuing", "--signas=root")
    easycert(certs, "host", "good.example", "bad.example", "--signas=issuing")
    easycert(certs, "revoke", "bad.example", "--reason=keyCompromise")
    if request.param == "a delegate":
        easycert(certs, "ocsp-signer", "--signas=issuing")
    return Asked(certs, need("openssl"))


def test_openssl_is_told_good_revoked_and_unknown(asked: Asked) -> None:
    assert f"{asked.cert('good.example')}: good" in asked.judged("-cert", asked.cert("good.example"))
    text = asked.judged("-cert", asked.cert("bad.example"))
    assert f"{asked.cert('bad.example')}: revoked" in text
    assert "Reason: keyCompromise" in text
    assert "0x1234: unknown" in asked.judged("-serial", "0x1234")


def test_openssl_may_ask_about_several_with_another_hash(asked: Asked) -> None:
    text = asked.judged("-sha256", "-cert", asked.cert("good.example"), "-cert", asked.cert("bad.example"))
    assert "good.example.crt: good" in text
    assert "bad.example.crt: revoked" in text


def test_openssl_is_told_about_a_ca(asked: Asked) -> None:
    text = asked.judged("-cert", asked.issuing, issuer=asked.certs / "cas/root.crt")
    assert f"{asked.issuing}: good" in text


def test_openssl_is_told_when_another_ca_is_meant(asked: Asked, need: Callable[[str], str]) -> None:
    elsewhere = asked.top / "elsewhere"
    easycert(elsewhere, "ca", "other")
    _, response = asked.answered("-serial", "7", issuer=elsewhere / "cas/other.crt")
    assert "unauthorized (6)" in ask(need("openssl"), "ocsp", "-respin", response, "-noverify").text


def test_gnutls_verifies_the_answers(asked: Asked, need: Callable[[str], str]) -> None:
    _, response = asked.answered("-cert", asked.cert("bad.example"))
    trust = ["--load-trust", asked.issuing] if (asked.certs / "ocsp").exists() else ["--load-signer", asked.issuing]
    verdict = ask(need("ocsptool"), "--verify-response", *trust, "--load-response", response)
    assert "Verifying OCSP Response: Success" in verdict.text, verdict.text
    assert "Certificate Status: revoked" in verdict.text


def test_gnutls_asks_too(asked: Asked, need: Callable[[str], str]) -> None:
    request, response = asked.top / "gnutls.req", asked.top / "gnutls.resp"
    leaf = ["--load-issuer", asked.issuing, "--load-cert", asked.cert("good.example")]
    assert ask(need("ocsptool"), "--generate-request", *leaf, "--outfile", request).good
    easycert(asked.certs, "ocsp", "respond", request, "--out", response)
    verdict = ask(need("ocsptool"), "--response-info", "--load-response", response)
    assert "Certificate Status: good" in verdict.text


def test_an_answer_goes_to_stdout_unless_it_is_told_where(asked: Asked) -> None:
    request, response = asked.answered("-cert", asked.cert("good.example"))
    command = [sys.executable, "-m", "easycert", "ocsp", "respond", request, "--certdir", asked.certs]
    printed = subprocess.run(command, check=True, capture_output=True).stdout
    assert len(printed) == pytest.approx(len(response.read_bytes()), abs=4)  # ECDSA signatures differ in length
    assert ocsp.load_der_ocsp_response(printed).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_pkilint_finds_nothing(asked: Asked, need_module: Callable[[str], Any]) -> None:
    need_module("pkilint")
    _, response = asked.answered("-cert", asked.cert("bad.example"), "-cert", asked.cert("good.example"))
    linted = ask(sys.executable, "-m", "pkilint.bin.lint_ocsp_response", "lint", "-s", "NOTICE", response)
    assert (linted.text.strip(), linted.good) == ("", True)


@pytest.mark.parametrize(("profile", "key_type"), HIERARCHIES)
def test_every_key_type_of_a_ca_answers(
    profile: str, key_type: KeyType, need: Callable[[str], str], tmp_path: Path
) -> None:
    """OpenSSL looks at the signature; ``tests/pki/test_ocsp.py`` at those of ML-DSA, which OpenSSL 3.0 cannot read."""
    kin: Family = family(profile, key_type)
    names = {"root.pem": kin.root.pem, "ca.pem": kin.intermediate.pem, "leaf.pem": kin.host.pem}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    asks = ["ocsp", "-issuer", tmp_path / "ca.pem", "-cert", tmp_path / "leaf.pem"]
    request, response = tmp_path / "it.req", tmp_path / "it.resp"
    assert ask(need("openssl"), *asks, "-reqout", request).good
    found = load_request(request.read_bytes(), "it")
    revoked = Status(State.REVOKED, NOW - timedelta(hours=1), x509.ReasonFlags.superseded)
    spec = ResponseSpec(((found.wanted[0], revoked),), NOW, NOW + timedelta(days=1), found.nonce)
    response.write_bytes(sign_response(spec, Responder(kin.intermediate.key, (kin.intermediate.certificate,))))
    verdict = ask(
        need("openssl"), *asks, "-reqin", request, "-no_nonce", "-respin", response, "-CAfile", tmp_path / "root.pem"
    )
    assert "Response verify OK" in verdict.text, verdict.text
    assert "leaf.pem: revoked" in verdict.text
    assert certificates.is_ca(kin.intermediate.certificate) or key_type in EDWARDS
