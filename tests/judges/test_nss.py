"""NSS judges, as Firefox and Thunderbird do: ``certutil -V`` on a database of its own. It reads RSA and ECDSA only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.pki.keys import KeyType
from tests.judges.authority import EDWARDS, MLDSA, Made, families, family, oddities
from tests.judges.verdicts import Verdict, ask

pytestmark = pytest.mark.real

HIERARCHIES = [(profile, key_type) for profile, key_type in families() if key_type not in EDWARDS | MLDSA]
SERVER, CLIENT, OBJECT_SIGNER, CA = "V", "C", "J", "L"


class Nss:
    """A fresh database; certificates are added once and called by their serial numbers."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        assert self._run("-N", "--empty-password").good

    def _run(self, *argv: str, stdin: bytes = b"") -> Verdict:
        return ask(self._program, "-d", f"sql:{self._folder}", *argv, stdin=stdin)

    def add(self, made: Made, trust: str = ",,") -> str:
        nickname = f"{made.certificate.serial_number:x}"
        added = self._run("-A", "-n", nickname, "-t", trust, stdin=made.pem)
        assert added.good, added.text
        return nickname

    def verify(self, nickname: str, usage: str) -> Verdict:
        """Verify for *usage*, signatures included."""
        return self._run("-V", "-e", "-n", nickname, "-u", usage)


@pytest.fixture
def nss(need: Callable[[str], str], tmp_path: Path) -> Nss:
    return Nss(need("certutil"), tmp_path)


@pytest.mark.parametrize(("profile", "key_type"), HIERARCHIES)
def test_each_certificate_serves_its_purpose(profile: str, key_type: KeyType, nss: Nss) -> None:
    """NSS lets an intermediate sign code only if told so (``c``), or if its own Netscape type or EKU says so."""
    kin = family(profile, key_type)
    nss.add(kin.root, "CT,C,C")
    nss.add(kin.intermediate, ",,c")
    for made, usage in ((kin.host, SERVER), (kin.user, CLIENT), (kin.code, OBJECT_SIGNER), (kin.intermediate, CA)):
        verdict = nss.verify(nss.add(made), usage)
        assert verdict.good, (usage, verdict.text)
        assert "certificate is valid" in verdict.text


@pytest.mark.parametrize(("profile", "key_type"), HIERARCHIES)
def test_no_leaf_serves_another_purpose(profile: str, key_type: KeyType, nss: Nss) -> None:
    kin = family(profile, key_type)
    nss.add(kin.root, "CT,C,C")
    nss.add(kin.intermediate)
    for made, usage in ((kin.user, SERVER), (kin.code, SERVER), (kin.host, CLIENT), (kin.host, CA), (kin.user, CA)):
        assert not nss.verify(nss.add(made), usage).good, usage


def test_without_the_root_nothing_verifies(nss: Nss) -> None:
    assert not nss.verify(nss.add(family("modern", KeyType.EC256).host), SERVER).good


def test_unusual_hosts_verify(nss: Nss) -> None:
    nss.add(family("modern", KeyType.EC256).root, "CT,C,C")
    for name, made in oddities():
        if "." in name or made.certificate.issuer == made.certificate.subject:
            continue
        usage = CLIENT if name in ("URI", "mailbox and no common name") or "beyond ASCII" in name else SERVER
        verdict = nss.verify(nss.add(made), CA if name in ("path length", "name constraints") else usage)
        assert verdict.good, (name, verdict.text)
