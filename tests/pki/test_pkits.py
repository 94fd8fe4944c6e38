"""NIST's conformance suite for RFC 3280 and 5280 (PKITS): 250 paths with all their CRLs, made by others long ago.

The certificates come with cryptography's test vectors. A name that begins with ``Invalid`` must not verify. Everything
lies in one pile: the path, and which CRLs concern it, have to be found.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from easycert.errors import VerificationFailed
from easycert.pki import signatures
from easycert.pki.chains import IssuerPool
from easycert.pki.formats.bundle import read_bundle
from easycert.pki.verify import Policy, Purpose, verify

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning"),
]

AT = datetime(2026, 6, 1, tzinfo=UTC)
#: Bad by their text: no policy goes through although a CA demands one (PKITS 4.8.4, 4.8.5, 4.8.7 to 4.8.9, 4.8.12).
INVALID = {f"DifferentPoliciesTest{number}EE" for number in (4, 5, 7, 8, 9, 12)}
#: Good by their text. We take no DSA key (CA/Browser Forum BR 6.1.5); cryptography does not even read one of the two.
NO_DSA = {"ValidDSASignaturesTest4EE", "ValidDSAParameterInheritanceTest5EE"}


@pytest.fixture(scope="module")
def vectors(need_module: Callable[[str], ModuleType]) -> Path:
    """Return the folder of cryptography's X.509 vectors."""
    [folder] = need_module("cryptography_vectors").__path__
    return Path(folder) / "x509"


@pytest.fixture(scope="module")
def certificates(vectors: Path) -> dict[str, x509.Certificate]:
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for path in sorted((vectors / "PKITS_data" / "certs").glob("*.crt")):
            for certificate in read_bundle(path.read_bytes()).readable_certificates:
                found[path.stem] = certificate
    return found


@pytest.fixture(scope="module")
def policy(vectors: Path, certificates: dict[str, x509.Certificate]) -> Policy:
    anchor = certificates["TrustAnchorRootCertificate"]
    pile = tuple(one for name, one in certificates.items() if not name.endswith("EE") and one != anchor)
    crls = tuple(
        crl
        for path in sorted((vectors / "PKITS_data" / "crls").glob("*.crl"))
        for crl in read_bundle(path.read_bytes()).readable_crls
    )
    return Policy((anchor,), AT, pile, Purpose.ANY, crls=crls, require_crl=True)


def test_every_path_of_pkits_gets_its_verdict(certificates: dict[str, x509.Certificate], policy: Policy) -> None:
    leaves = {name: one for name, one in certificates.items() if name.endswith("EE")}
    assert len(leaves) > 200
    wrong = []
    for name, leaf in leaves.items():
        expected = not name.startswith("Invalid") and name not in INVALID | NO_DSA
        try:
            verify(leaf, policy)
        except VerificationFailed as failed:
            if expected:
                wrong.append(f"{name}: {'; '.join(map(str, failed.reasons))}")
        else:
            if not expected:
                wrong.append(f"{name}: accepted")
    assert not wrong, "\n".join(wrong)


def test_every_certificate_that_others_found_odd_gets_a_verdict(vectors: Path) -> None:
    """Whatever is broken in it is a reason with a section, never an exception."""
    read = 0
    for path in sorted(vectors.rglob("*")):
        if path.suffix not in (".pem", ".der", ".crt"):
            continue
        bundle = read_bundle(path.read_bytes())
        for leaf in bundle.readable_certificates:
            read += 1
            for trusted in ((leaf,), ()):
                try:
                    verify(leaf, Policy(trusted, AT, bundle.readable_certificates, crls=bundle.readable_crls))
                except VerificationFailed as failed:
                    assert all(reason.section and str(reason).endswith("]") for reason in failed.reasons), path
    assert read > 400


def test_signatures_are_checked_as_cryptography_does_where_names_agree(
    certificates: dict[str, x509.Certificate],
) -> None:
    """Our own way is for names that differ in spelling only; where they do not, both must say the same."""
    compared = 0
    pool = IssuerPool(certificates.values())
    for certificate in certificates.values():
        for issuer in pool.called(certificate.issuer):
            try:
                certificate.verify_directly_issued_by(issuer)
                theirs = True
            except Exception:
                theirs = False
            try:
                ours = signatures._verifies(certificate, issuer.public_key())
            except Exception:
                ours = False
            if certificate.issuer.public_bytes() == issuer.subject.public_bytes() and "DSA" not in str(issuer.subject):
                compared += 1
                assert ours == theirs
    assert compared > 300
