"""pkilint judges by RFC 5280: nothing of level warning or above but what docs/standards.md explains."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from easycert.pki.crl import CrlSpec, Revocation, revoked_certificate
from easycert.pki.keys import KeyType
from easycert.pki.validity import Validity
from tests.judges.authority import NOW, Made, families, family, oddities
from tests.pki.crls import sign_crl

pytestmark = pytest.mark.real

#: What pkilint finds and easycert means: each with its reason here and in docs/standards.md.
EXPLAINED = {
    # RFC 5280 section 4.2.1.6 leaves wildcards undefined, RFC 9525 section 6.3 defines them.
    ("ERROR", "pkix.invalid_domain_name_syntax"): "*.",
    # pkilint knows the schemes of web pages; RFC 3986 allows any, and SPIFFE identities live in this one.
    ("ERROR", "pkix.invalid_uri_syntax"): "spiffe://",
    # RFC 5280 section 4.2.1.3: SHOULD. Synapse's verifier rejects every critical extension but two.
    ("WARNING", "pkix.key_usage_extension_not_critical"): "",
}


@pytest.fixture(scope="module", autouse=True)
def pkilint(need_module: Callable[[str], ModuleType]) -> ModuleType:
    return need_module("pkilint")


def complaints(results: Iterable[Any]) -> list[str]:
    """Return the findings of level warning and above that nothing explains."""
    return [
        f"{found.finding.severity.name} {found.finding.code} {found.message or ''}"
        for result in results
        for found in result.finding_descriptions
        if found.finding.severity.name in ("FATAL", "ERROR", "WARNING") and not _explained(found)
    ]


def _explained(found: Any) -> bool:
    sign = EXPLAINED.get((found.finding.severity.name, found.finding.code))
    return sign is not None and sign in (found.message or "")


@functools.cache
def certificate_judge() -> Any:
    """Return what ``lint_pkix_cert`` is made of; built once, since that takes longer than a hundred certificates."""
    from pkilint.pkix import certificate, extension, name

    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


@functools.cache
def crl_judge() -> Any:
    """Return what ``lint_crl`` is made of, with the PKIX profile."""
    from pkilint import pkix
    from pkilint.pkix import crl, extension, name

    decoders = [
        pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
        pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
    ]
    return crl.create_pkix_crl_validator_container(
        decoders,
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container(),
            crl.create_extensions_validator_container([]),
        ],
    )


def lint(made: Made) -> list[str]:
    from pkilint import loader

    document = loader.RFC5280CertificateDocumentLoader().load_der_document(made.der)
    return complaints(certificate_judge().validate(document.root))


def lint_pair(issuer: Made, subject: Made) -> list[str]:
    """Return the complaints of ``lint_pkix_signer_signee_cert_chain`` (all but the signature, which others check)."""
    from pkilint import loader
    from pkilint.bin import lint_pkix_signer_signee_cert_chain as linter

    documents: dict[str, Any] = {}
    load = loader.RFC5280CertificateDocumentLoader().load_der_document
    documents["issuer"] = load(issuer.der, "issuer", "issuer", documents)
    documents["subject"] = load(subject.der, "subject", "subject", documents)
    decode, judge = linter.create_decoder_validation_container(), linter.create_issuer_validation_container()
    results = [*decode.validate(documents["issuer"].root), *decode.validate(documents["subject"].root)]
    return complaints([*results, *judge.validate(documents["issuer"].root)])


def lint_crl(crl: x509.CertificateRevocationList) -> list[str]:
    from pkilint import loader

    der = crl.public_bytes(serialization.Encoding.DER)
    return complaints(crl_judge().validate(loader.RFC5280CertificateListDocumentLoader().load_der_document(der).root))


@pytest.mark.parametrize(("profile", "key_type"), families())
def test_every_certificate_of_a_family_is_clean(profile: str, key_type: KeyType) -> None:
    assert {name: lint(made) for name, made in family(profile, key_type).members() if lint(made)} == {}


def test_every_unusual_certificate_is_clean() -> None:
    assert {name: lint(made) for name, made in oddities() if lint(made)} == {}


def test_the_judge_is_awake() -> None:
    """A name with a space, in a certificate without any key identifier, does not get past it."""
    key = family("modern", KeyType.EC256).root.key
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    bad = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("a b")]), critical=False).sign(
        key, family("modern", KeyType.EC256).root.certificate.signature_hash_algorithm
    )
    assert any("ERROR" in line for line in lint(Made(bad, key)))


@pytest.mark.parametrize(("profile", "key_type"), families())
def test_issuer_and_subject_fit_together(profile: str, key_type: KeyType) -> None:
    """Names byte for byte, AKI and SKI, policies."""
    root, issuing, *leaves = family(profile, key_type)
    assert lint_pair(root, issuing) == []
    assert [lint_pair(issuing, leaf) for leaf in leaves] == [[], [], []]


@pytest.mark.parametrize(("profile", "key_type"), families())
@pytest.mark.parametrize("entries", [0, 1, 12])
def test_every_crl_is_clean(profile: str, key_type: KeyType, entries: int) -> None:
    reasons = [reason for reason in x509.ReasonFlags if reason is not x509.ReasonFlags.remove_from_crl]
    revoked = [
        revoked_certificate(
            Revocation((1 << 158) + number, NOW - timedelta(days=number), reasons[number % len(reasons)])
        )
        for number in range(entries)
    ]
    spec = CrlSpec(7, Validity(NOW, NOW + timedelta(days=7)), tuple(revoked))
    assert lint_crl(sign_crl(spec, family(profile, key_type).intermediate.issuer)) == []
