"""OpenSSL and GnuTLS judge what ``revoke`` and ``crl`` write: the files of a directory, read as a server would."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.judges.verdicts import Verdict, ask

pytestmark = pytest.mark.real


def easycert(certs: Path, *argv: str | Path) -> str:
    verdict = ask(sys.executable, "-m", "easycert", *argv, "--certdir", certs)
    assert verdict.good, verdict.text
    return verdict.text


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    """Return a directory with a CA below a root, two hosts, and the CRLs of both CAs."""
    made = tmp_path / "certs"
    easycert(made, "ca", "root")
    easycert(made, "ca", "issuing", "--signas=root")
    easycert(made, "host", "good.example", "bad.example", "--signas=issuing")
    easycert(made, "crl", "root", "issuing")
    return made


@pytest.fixture
def verify(certs: Path, need: Callable[[str], str]) -> Callable[[str], Verdict]:
    """Return a function that lets OpenSSL verify a host, with the CRLs of all CAs above it."""
    openssl = need("openssl")

    def verified(name: str) -> Verdict:
        crls = certs.parent / "all.crl"
        crls.write_bytes(b"".join(path.read_bytes() for path in sorted((certs / "crls").glob("*.crl"))))
        return ask(
            openssl, "verify", "-x509_strict", "-crl_check_all", "-CRLfile", crls, "-CAfile", certs / "cas/root.crt",
            "-untrusted", certs / "cas/issuing.crt", certs / f"hosts/{name}.crt",
        )  # fmt: skip

    return verified


def test_openssl_refuses_what_was_revoked_and_nothing_else(certs: Path, verify: Callable[[str], Verdict]) -> None:
    assert verify("bad.example").good
    easycert(certs, "revoke", "bad.example", "--reason=keyCompromise", "--invalid-since=2026-01-01")
    assert "certificate revoked" in verify("bad.example").text
    assert verify("good.example").good


def test_openssl_accepts_again_what_was_only_on_hold(certs: Path, verify: Callable[[str], Verdict]) -> None:
    easycert(certs, "revoke", "bad.example", "--reason=certificateHold")
    assert not verify("bad.example").good
    easycert(certs, "revoke", "bad.example", "--unhold")
    assert verify("bad.example").good


def test_openssl_refuses_everything_below_a_revoked_ca(certs: Path, verify: Callable[[str], Verdict]) -> None:
    easycert(certs, "revoke", "issuing", "--reason=cACompromise")
    verdict = verify("good.example")
    assert not verdict.good
    assert "certificate revoked" in verdict.text


def test_openssl_finds_an_older_certificate_of_the_same_name(certs: Path, need: Callable[[str], str]) -> None:
    """Its serial number as OpenSSL prints it."""
    openssl, path = need("openssl"), certs / "hosts/bad.example.crt"
    serial = ask(openssl, "x509", "-in", path, "-noout", "-serial").text.strip().removeprefix("serial=")
    easycert(certs, "host", "bad.example", "--signas=issuing", "--force")
    easycert(certs, "revoke", serial, "--reason=superseded")
    text = ask(openssl, "crl", "-in", certs / "crls/issuing.crl", "-noout", "-text").text
    assert f"Serial Number: {serial}" in text
    assert "Superseded" in text


def test_openssl_reads_the_copy_for_web_servers(certs: Path, need: Callable[[str], str]) -> None:
    copy = certs.parent / "issuing.crl"
    easycert(certs, "crl", "issuing", "--der", copy)
    verdict = ask(need("openssl"), "crl", "-inform", "DER", "-in", copy, "-noout", "-CAfile", certs / "cas/issuing.crt")
    assert verdict.text.strip() == "verify OK"


def test_gnutls_verifies_the_crl(certs: Path, need: Callable[[str], str]) -> None:
    easycert(certs, "revoke", "bad.example", "--reason=keyCompromise")
    verdict = ask(
        need("certtool"), "--verify-crl", "--load-ca-certificate", certs / "cas/issuing.crt",
        "--infile", certs / "crls/issuing.crl",
    )  # fmt: skip
    assert verdict.good, verdict.text
    assert "Verification output: Verified" in verdict.text


def test_pkilint_finds_nothing(certs: Path, need_module: Callable[[str], Any]) -> None:
    need_module("pkilint")
    easycert(certs, "revoke", "bad.example", "--reason=keyCompromise", "--invalid-since=2026-01-01")
    for name in ("root", "issuing"):
        linted = ask(
            sys.executable, "-m", "pkilint.bin.lint_crl", "lint", "-t", "CRL", "-p", "PKIX", "-s", "NOTICE",
            certs / f"crls/{name}.crl",
        )  # fmt: skip
        assert (linted.text.strip(), linted.good) == ("", True)
