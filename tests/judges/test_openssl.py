"""OpenSSL judges with ``-x509_strict``: chains, purposes, names, keys, requests and CRLs.

OpenSSL reads ML-DSA from 3.5 on; an older one skips those families, whose signatures test_signatures.py checks.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from easycert.model import Kind
from easycert.pki import certificates, keys
from easycert.pki.crl import CrlSpec, Revocation, crl_pem, revoked_certificate
from easycert.pki.csr import build_request, request_pem
from easycert.pki.keys import KeyType
from easycert.pki.sans import parse_san
from easycert.pki.subjects import distinguished_name
from easycert.pki.validity import Validity
from tests.judges.authority import (
    HOST,
    MLDSA,
    NOW,
    USER,
    Family,
    Made,
    Wish,
    families,
    family,
    key_of,
    make,
    oddities,
    spec_of,
)
from tests.judges.verdicts import Verdict, ask
from tests.pki.crls import sign_crl

pytestmark = pytest.mark.real


class OpenSsl:
    """The program, and a folder for the files it is shown."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder

    def __call__(self, *argv: str | Path, stdin: bytes = b"") -> Verdict:
        return ask(self.program, *argv, stdin=stdin)

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def verify(self, leaf: Made, *argv: str | Path) -> Verdict:
        """Verify *leaf* with the certificates above it: the last is trusted, the others are not."""
        root = leaf.above[-1] if leaf.above else leaf.certificate
        between = self.file("between.pem", certificates.certificate_pem(*leaf.above[:-1]))
        trusted = ["-no-CApath", "-no-CAstore", "-CAfile", self.file("root.pem", certificates.certificate_pem(root))]
        extra = ["-untrusted", between] if leaf.above[:-1] else []
        return self("verify", "-x509_strict", *trusted, *extra, *argv, self.file("leaf.pem", leaf.pem))


@functools.cache
def reads_mldsa(program: str) -> bool:
    version = re.match(r"OpenSSL (\d+)\.(\d+)", ask(program, "version").text)
    return version is not None and (int(version[1]), int(version[2])) >= (3, 5)


@pytest.fixture
def openssl(need: Callable[[str], str], tmp_path: Path) -> OpenSsl:
    return OpenSsl(need("openssl"), tmp_path)


@pytest.fixture(params=families(), ids=lambda param: f"{param[0]}-{param[1].value}")
def kin(request: pytest.FixtureRequest, openssl: OpenSsl) -> Family:
    profile, key_type = request.param
    if key_type in MLDSA and not reads_mldsa(openssl.program):
        pytest.skip("OpenSSL reads ML-DSA from 3.5 on")
    return family(profile, key_type)


def test_a_chain_verifies_strictly(kin: Family, openssl: OpenSsl) -> None:
    for _, made in kin.members():
        assert openssl.verify(made).good, openssl.verify(made).text


def test_each_leaf_serves_its_purpose_and_no_other(kin: Family, openssl: OpenSsl) -> None:
    verdicts = {
        (name, purpose): openssl.verify(made, "-purpose", purpose).good
        for name, made in (("host", kin.host), ("user", kin.user), ("code", kin.code))
        for purpose in ("sslserver", "sslclient")
    }
    assert [pair for pair, good in verdicts.items() if good] == [("host", "sslserver"), ("user", "sslclient")]


def test_the_host_name_matches_and_another_does_not(kin: Family, openssl: OpenSsl) -> None:
    assert openssl.verify(kin.host, "-verify_hostname", HOST).good
    assert not openssl.verify(kin.host, "-verify_hostname", "example.com").good


def test_names_of_every_type_match(openssl: OpenSsl) -> None:
    kin = family("modern", KeyType.EC256)
    for option, value in (
        ("-verify_hostname", "api.example.com"),
        ("-verify_hostname", "x.apps.example.com"),
        ("-verify_ip", "192.0.2.1"),
        ("-verify_ip", "2001:db8::1"),
    ):
        assert openssl.verify(kin.host, option, value).good, value
    assert openssl.verify(kin.user, "-verify_email", USER).good
    assert not openssl.verify(kin.host, "-verify_hostname", "x.y.apps.example.com").good
    assert not openssl.verify(kin.host, "-verify_ip", "192.0.2.2").good


def test_the_text_of_every_certificate_can_be_printed(kin: Family, openssl: OpenSsl) -> None:
    for name, made in kin.members():
        shown = openssl("x509", "-noout", "-text", "-ext", "basicConstraints", stdin=made.pem)
        assert shown.good, (name, shown.text)
        assert "Version: 3" in shown.text
        assert "<INVALID" not in shown.text
        assert "Error" not in shown.text


def test_unusual_certificates_verify_strictly(openssl: OpenSsl) -> None:
    for name, made in oddities():
        verdict = openssl.verify(made)
        assert verdict.good, (name, verdict.text)


def test_the_netscape_types_of_synapse_are_read(openssl: OpenSsl) -> None:
    shown = {
        name: openssl("x509", "-noout", "-ext", "nsCertType", stdin=made.pem).text.splitlines()[-1].strip()
        for name, made in family("synapse", KeyType.RSA2048).members()
    }
    assert (shown["host"], shown["user"], shown["code"]) == ("SSL Server", "SSL Client", "Object Signing")


def test_D12_every_issuer_key_signs_every_subject_key(openssl: OpenSsl) -> None:
    """Key types that this OpenSSL reads, each below each."""
    readable = [key_type for key_type in KeyType if key_type not in MLDSA or reads_mldsa(openssl.program)]
    for issuer in readable:
        root = family("modern", issuer).root
        for subject in readable:
            leaf = make(Wish(Kind.HOST, HOST, key_type=subject), root)
            verdict = openssl.verify(leaf, "-purpose", "sslserver")
            assert verdict.good, (issuer, subject, verdict.text)


def unchecked(wish: Wish, issuer: Made) -> Made:
    """Return a certificate that easycert would refuse to make: signed without asking what the issuer may sign."""
    key = key_of(wish.key_type, wish.kind, wish.name)
    return Made(
        certificates.sign(spec_of(wish), key.public_key(), issuer.issuer), key, (issuer.certificate, *issuer.above)
    )


def test_D3_the_path_length_is_enforced_by_others_too(openssl: OpenSsl) -> None:
    """The issuing CA has a path length of 0: a CA below it is worth nothing."""
    too_deep = unchecked(Wish(Kind.CA, "too deep"), family("modern", KeyType.EC256).intermediate)
    verdict = openssl.verify(make(Wish(Kind.HOST, HOST), too_deep))
    assert not verdict.good
    assert "path length" in verdict.text


def test_D4_name_constraints_are_enforced_by_others_too(openssl: OpenSsl) -> None:
    constrained = next(made for name, made in oddities() if name == "name constraints")
    assert openssl.verify(make(Wish(Kind.HOST, "a.example.com"), constrained)).good
    verdict = openssl.verify(unchecked(Wish(Kind.HOST, "a.example.org"), constrained))
    assert not verdict.good
    assert "permitted subtree violation" in verdict.text


@pytest.mark.parametrize("traditional", [False, True])
@pytest.mark.parametrize("key_type", KeyType)
def test_every_key_file_is_read_and_checks(key_type: KeyType, traditional: bool, openssl: OpenSsl) -> None:
    if key_type in MLDSA and not reads_mldsa(openssl.program):
        pytest.skip("OpenSSL reads ML-DSA from 3.5 on")
    key = family("modern", key_type).host.key
    verdict = openssl("pkey", "-check", "-noout", stdin=keys.private_pem(key, traditional=traditional))
    assert verdict.good, verdict.text


@pytest.mark.parametrize("key_type", KeyType)
@pytest.mark.parametrize("ca", [False, True])
def test_every_signing_request_proves_possession(key_type: KeyType, ca: bool, openssl: OpenSsl) -> None:
    if key_type in MLDSA and not reads_mldsa(openssl.program):
        pytest.skip("OpenSSL reads ML-DSA from 3.5 on")
    sans = [] if ca else [parse_san(text) for text in (HOST, "192.0.2.1", USER, "URI:spiffe://example.org/x")]
    request = build_request(distinguished_name(HOST), sans, family("modern", key_type).host.key, ca=ca)
    verdict = openssl("req", "-verify", "-noout", "-text", stdin=request_pem(request))
    assert verdict.good, verdict.text
    assert "OK" in verdict.text
    assert f"CA:{str(ca).upper()}" in verdict.text


def crl(issuer: Made, *revoked: Made, number: int = 1) -> bytes:
    entries = tuple(revoked_certificate(Revocation(made.certificate.serial_number, NOW)) for made in revoked)
    return crl_pem(sign_crl(CrlSpec(number, Validity(NOW, NOW + timedelta(days=7)), entries), issuer.issuer))


def test_a_crl_verifies_with_its_CA_and_with_no_other(kin: Family, openssl: OpenSsl) -> None:
    ca = openssl.file("ca.pem", kin.intermediate.pem)
    other = openssl.file("other.pem", kin.root.pem)
    data = crl(kin.intermediate, kin.user)
    assert openssl("crl", "-verify", "-noout", "-CAfile", ca, stdin=data).text.strip() == "verify OK"
    assert "verify OK" not in openssl("crl", "-verify", "-noout", "-CAfile", other, stdin=data).text
    assert "X509v3 CRL Number" in openssl("crl", "-noout", "-text", stdin=data).text


def test_a_revoked_certificate_fails_and_its_sister_does_not(kin: Family, openssl: OpenSsl) -> None:
    files = openssl.file("all.crl", crl(kin.root) + crl(kin.intermediate, kin.user))
    assert openssl.verify(kin.host, "-crl_check_all", "-CRLfile", files).good
    verdict = openssl.verify(kin.user, "-crl_check_all", "-CRLfile", files)
    assert not verdict.good
    assert "certificate revoked" in verdict.text
