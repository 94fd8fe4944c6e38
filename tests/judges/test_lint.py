"""Our lint beside others: what pkilint or OpenSSL's strict mode refuses is an error for us, but for what is explained.

The corpus is that of ``tests/pki/lint``: for each rule certificates and CRLs that break it, and those that are right.
"""

from __future__ import annotations

import re
import subprocess
from base64 import encodebytes
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from easycert.pki.lint import Severity, lint_certificate_der, lint_crl_der
from tests.judges.test_pkilint import certificate_judge, crl_judge
from tests.pki.lint import test_certificate_rules as certificates
from tests.pki.lint import test_crl_rules as crls
from tests.pki.lint.maker import CA, SERVER, Certificate, private_key, spki
from tests.pki.lint.test_certificate_rules import Case

pytestmark = pytest.mark.real

#: What pkilint calls an error, and we do not; each is explained in docs/standards.md.
PKILINT_ALONE = {
    # RFC 9525 section 6.3 defines wildcards.
    "a wildcard": "pkix.invalid_domain_name_syntax",
    "wildcard-wide 0": "pkix.invalid_domain_name_syntax",
    # RFC 5280 section 4.2.1.10 shows none with a leading dot, and clients take them.
    "constraints-leading-dot 0": "pkix.invalid_domain_name_syntax",
    # RFC 6818 section 3 allows what RFC 5280 did not.
    "notice-not-utf8 0": "pkix.rfc5280_certificate_policies_invalid_explicit_text_encoding",
    # RFC 3986 has more schemes than the web, RFC 5321 section 4.1.2 quoted local parts.
    "URIs": "pkix.invalid_uri_syntax",
    "a quoted mailbox": "pkix.invalid_email_address_syntax",
    # RFC 5280 section 4.2.1.1: a root may lack it.
    "without AKI": "pkix.authority_key_identifier_extension_absent",
}
#: What OpenSSL refuses, and is no error: what it cannot read, or what is not about the certificate as such.
OPENSSL_ALONE = {
    "key-type-browsers 1": "decode error",  # ML-DSA, before OpenSSL 3.5
    "a precertificate": "unhandled critical extension",  # which is what its poison is for
}
#: Within the validity of what :mod:`tests.pki.lint.maker` makes.
WHEN = "1768000000"


def corpus() -> Iterator[tuple[str, Case]]:
    for rule, cases in certificates.CASES.items():
        for number, case in enumerate(cases):
            yield f"{rule} {number}", case
    for what, certificate in certificates.RIGHT.items():
        yield what, Case(certificate, certificates.ISSUERS_OF.get(what, CA))
    for what, (certificate, issuer) in certificates.RIGHT_CAS.items():
        yield what, Case(certificate, issuer)


def errors(case: Case) -> set[str]:
    return {finding.rule for finding in certificates.broken(case) if finding.severity is Severity.ERROR}


CORPUS = [pytest.param(name, case, id=name) for name, case in corpus() if case.certificate.key is not None]


# --- pkilint ---------------------------------------------------------------------------------------------------------


def complaints(judge: Any, load: Callable[[bytes], Any], der: bytes) -> set[str]:
    """Return the codes of pkilint's errors; one that it cannot even load is one."""
    try:
        root = load(der).root
    except ValueError:
        return {"not loaded"}
    found = (each.finding for result in judge.validate(root) for each in result.finding_descriptions)
    return {finding.code for finding in found if finding.severity.name in ("FATAL", "ERROR")}


@pytest.mark.parametrize(("name", "case"), CORPUS)
def test_what_pkilint_refuses_is_an_error(name: str, case: Case, need_module: Callable[[str], ModuleType]) -> None:
    need_module("pkilint")
    from pkilint import loader

    load = loader.RFC5280CertificateDocumentLoader().load_der_document
    theirs, alone = complaints(certificate_judge(), load, case.certificate.der), PKILINT_ALONE.get(name)
    assert alone is None or alone in theirs, "they agree with us now"
    assert bool(theirs - {alone}) <= bool(errors(case)), theirs


@pytest.mark.parametrize(
    "crl",
    [
        *(
            pytest.param(case.crl, id=f"{rule} {at}")
            for rule, cases in crls.CASES.items()
            for at, case in enumerate(cases)
        ),
        *(pytest.param(crl, id=what) for what, crl in crls.RIGHT.items()),
    ],
)
def test_what_pkilint_refuses_in_a_CRL_is_an_error(crl: crls.Crl, need_module: Callable[[str], ModuleType]) -> None:
    need_module("pkilint")
    from pkilint import loader

    load = loader.RFC5280CertificateListDocumentLoader().load_der_document
    theirs = complaints(crl_judge(), load, crl.der)
    ours = {finding.rule for finding in lint_crl_der(crl.der) if finding.severity is Severity.ERROR}
    assert bool(theirs) <= bool(ours), theirs


def test_what_pkilint_refuses_beside_the_CA_is_an_error(need_module: Callable[[str], ModuleType]) -> None:
    """Names byte for byte, key identifiers, and the rest of ``lint_pkix_signer_signee_cert_chain``."""
    need_module("pkilint")
    from pkilint import loader
    from pkilint.bin import lint_pkix_signer_signee_cert_chain as linter

    load = loader.RFC5280CertificateDocumentLoader().load_der_document
    decode, judge = linter.create_decoder_validation_container(), linter.create_issuer_validation_container()
    refused = 0
    for name, case in corpus():
        if case.issuer is None or case.certificate.key is None:
            continue
        documents: dict[str, Any] = {}
        try:
            documents["issuer"] = load(case.issuer.der, "issuer", "issuer", documents)
            documents["subject"] = load(case.certificate.der, "subject", "subject", documents)
        except ValueError:
            continue
        for document in (documents["issuer"], documents["subject"]):
            list(decode.validate(document.root))
        results = judge.validate(documents["issuer"].root)
        found = [each.finding for result in results for each in result.finding_descriptions]
        theirs = {finding.code for finding in found if finding.severity.name in ("FATAL", "ERROR")}
        refused += bool(theirs)
        assert bool(theirs) <= bool(errors(case)), (name, theirs)
    assert refused > 2


# --- OpenSSL ---------------------------------------------------------------------------------------------------------

KEYS = {spki("p256", which): private_key("p256", which) for which in (1, 2, 3, 5, 7, 9)}


def pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"


def verdict(openssl: str, folder: Path, certificate: Certificate, issuer: Certificate | None) -> str:
    """Return what ``openssl verify -x509_strict`` says against a certificate; its CA is trusted as it stands."""
    signer = issuer or certificate
    signed = certificate.signed(KEYS[signer.key])
    (folder / "leaf.pem").write_bytes(pem(signed))
    (folder / "ca.pem").write_bytes(pem(issuer.signed(KEYS[spki("p256", 1)]) if issuer else signed))
    command = [openssl, "verify", "-x509_strict", "-partial_chain", "-attime", WHEN, "-trusted", "ca.pem", "leaf.pem"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


@pytest.mark.parametrize(
    ("name", "case"), [item for item in CORPUS if (item.values[1].issuer or item.values[1].certificate).key in KEYS]
)
def test_what_strict_OpenSSL_refuses_is_an_error(
    name: str, case: Case, need: Callable[[str], str], tmp_path: Path
) -> None:
    said = verdict(need("openssl"), tmp_path, case.certificate, case.issuer)
    if re.search(r"error (9|10) at", said):  # not valid at that moment, which lint does not judge
        return
    alone = OPENSSL_ALONE.get(name)
    assert not said or errors(case) or (alone is not None and alone in said), said


def test_strict_OpenSSL_is_awake(need: Callable[[str], str], tmp_path: Path) -> None:
    assert verdict(need("openssl"), tmp_path, SERVER, CA) == ""
    assert "Missing Authority Key Identifier" in verdict(need("openssl"), tmp_path, SERVER.lacks("2.5.29.35"), CA)


def test_we_are_awake() -> None:
    assert lint_certificate_der(SERVER.der, CA.der) == ()
