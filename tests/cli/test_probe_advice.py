"""What ``probe`` advises can be typed: whatever a stranger's certificate says, each command is one that works."""

from __future__ import annotations

import json
import shlex
import shutil
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from easycert.cli import exits
from easycert.cli.remedies import Advice
from easycert.model import Kind
from easycert.pki.doctor.findings import Cure, Remedy
from easycert.testing import HttpsServer, Zoo
from easycert.testing.breeding import Role
from easycert.testing.species import SPECIES
from easycert.workflows.examination import Patient
from tests.cli.doors import went

SERVERS = [species.name for species in SPECIES if species.role is Role.SERVER]


#: A stranger's certificate for a host, as far as advice is concerned.
STRANGER = Patient("www.pem", Kind.HOST, "www", "CN=www", None, False, False, (), "ec256", False, ())


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(datetime.now(UTC), tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def filled_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory in which what stands in capitals in an advice is there: a CA called CA, and a FILE."""
    folder = tmp_path_factory.mktemp("advice")
    assert went("ca", "CA", "-q", "--certdir", str(folder / "certs")).code == exits.DONE
    assert went("ca", "other", "-q", "--certdir", str(folder / "elsewhere")).code == exits.DONE
    shutil.copy(folder / "elsewhere/cas/other.crt", folder / "FILE")
    return folder


@pytest.mark.parametrize("trusting", [False, True], ids=["stranger", "trusted"])
@pytest.mark.parametrize("name", SERVERS)
def test_every_command_that_is_advised_for_a_stranger_works(
    zoo: Zoo, filled_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusting: bool
) -> None:
    specimen = zoo[name]
    try:
        context = specimen.presenting_context()
    except ssl.SSLError as error:
        pytest.skip(f"OpenSSL serves no such certificate: {error.reason}")
    work = tmp_path / "work"
    shutil.copytree(filled_in, work)
    monkeypatch.chdir(work)
    trust = ("--ca", str(specimen.trust_file)) if trusting else ()
    with HttpsServer(context) as server:
        told = went(
            *("probe", f"127.0.0.1:{server.port}", "--servername", specimen.hostname),
            *("--certdir", "certs", "-o", "json", *trust),
        )
    assert told.stdout, told.stderr
    fixes = {fault["fix"] for fault in json.loads(told.stdout)["probe"]["faults"]}
    for fix in sorted(fix for fix in fixes if fix and fix.startswith("easycert ")):
        again = tmp_path / "again"
        shutil.copytree(filled_in, again)
        monkeypatch.chdir(again)
        done = went(*shlex.split(fix)[1:])
        assert done.code == exits.DONE, f"{fix}\n{done.stderr}"
        shutil.rmtree(again)


def test_a_crl_is_that_of_the_ca_and_not_of_what_the_ca_signed() -> None:
    said = Advice(None, []).command(STRANGER._replace(issuer="issuing"), Remedy(Cure.CRL))
    assert said == "easycert crl issuing"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("DNS:*", "DNS:a.example"), "a.example --signas CA"),
        (("DNS:*",), "NAME --signas CA"),
        (("DNS:a..b", "DNS:-rf", "URI:nothing", "IP:-x"), "NAME --signas CA"),
        (("DNS:a.example", "DNS:*", "email:x", "DNS:b.example"), "a.example --signas CA --san DNS:b.example"),
        ((), "www --signas CA"),
    ],
)
def test_a_name_that_no_certificate_of_ours_may_have_is_not_proposed(names: tuple[str, ...], words: str) -> None:
    assert Advice(None, []).command(STRANGER._replace(names=names), Remedy(Cure.REISSUE)) == f"easycert host {words}"
