"""GnuTLS judges: chains, purposes and names with ``certtool``. It reads every key type but ML-DSA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.pki import certificates
from easycert.pki.keys import KeyType
from tests.judges.authority import HOST, MLDSA, USER, Family, Made, families, family, oddities
from tests.judges.verdicts import Verdict, ask

pytestmark = pytest.mark.real

SERVER, CLIENT, CODE_SIGNING = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.3"
HIERARCHIES = [(profile, key_type) for profile, key_type in families() if key_type not in MLDSA]


@pytest.fixture
def certtool(need: Callable[[str], str], tmp_path: Path) -> Callable[..., Verdict]:
    program = need("certtool")

    def verify(leaf: Made, *argv: str) -> Verdict:
        """Verify *leaf* against its root, given the certificates between as a server would send them."""
        root = tmp_path / "root.pem"
        root.write_bytes(certificates.certificate_pem(leaf.above[-1] if leaf.above else leaf.certificate))
        chain = certificates.certificate_pem(leaf.certificate, *leaf.above[:-1])
        return ask(program, "--verify", "--load-ca-certificate", root, *argv, stdin=chain)

    return verify


@pytest.fixture(params=HIERARCHIES, ids=lambda param: f"{param[0]}-{param[1].value}")
def kin(request: pytest.FixtureRequest) -> Family:
    return family(*request.param)


def test_every_certificate_of_a_family_verifies(kin: Family, certtool: Callable[..., Verdict]) -> None:
    for name, made in kin.members():
        verdict = certtool(made)
        assert verdict.good, (name, verdict.text)
        assert "The certificate is trusted" in verdict.text


def test_a_whole_chain_verifies_up_to_its_root(kin: Family, need: Callable[[str], str]) -> None:
    for made in (kin.host, kin.user, kin.code):
        chain = certificates.certificate_pem(made.certificate, *made.above)
        verdict = ask(need("certtool"), "--verify-chain", stdin=chain)
        assert verdict.good, verdict.text


def test_each_leaf_serves_its_purpose_and_no_other(kin: Family, certtool: Callable[..., Verdict]) -> None:
    for made, own in ((kin.host, SERVER), (kin.user, CLIENT), (kin.code, CODE_SIGNING)):
        accepted = {
            purpose for purpose in (SERVER, CLIENT, CODE_SIGNING) if certtool(made, f"--verify-purpose={purpose}").good
        }
        assert accepted == {own}


def test_names_match(kin: Family, certtool: Callable[..., Verdict]) -> None:
    assert certtool(kin.host, f"--verify-hostname={HOST}").good
    assert not certtool(kin.host, "--verify-hostname=other.example.org").good


def test_a_mailbox_matches(certtool: Callable[..., Verdict]) -> None:
    user = family("modern", KeyType.EC256).user
    assert certtool(user, f"--verify-email={USER}").good
    assert not certtool(user, "--verify-email=bob@example.com").good


def test_unusual_certificates_verify(certtool: Callable[..., Verdict]) -> None:
    for name, made in oddities():
        verdict = certtool(made)
        assert verdict.good is (name != "self-signed host"), (name, verdict.text)  # GnuTLS trusts no leaf as its root
