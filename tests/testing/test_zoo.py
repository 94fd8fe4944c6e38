"""The zoo: each specimen is refused, in the words of the table, by whoever the table names, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from easycert.errors import VerificationFailed
from easycert.model import Kind
from easycert.pki.certificates import load_certificates
from easycert.pki.doctor.book import judge, refusing
from easycert.pki.doctor.exam import Exam, climb
from easycert.pki.doctor.findings import Client
from easycert.pki.members import read_member
from easycert.pki.verify import Policy, Purpose, verify
from easycert.testing.breeding import Role
from easycert.testing.forge import key
from easycert.testing.species import SPECIES, Species
from easycert.testing.zoo import EVERYBODY, Specimen, Zoo, names_refused_by, names_refused_by_all
from tests.judges.verdicts import ask
from tests.testing.handshake import shake_hands

#: The machine's clock is what OpenSSL and GnuTLS read.
NOW = datetime.now(UTC)
NAMES = [species.name for species in SPECIES]
WITH_CRLS = ("revoked", "revoked-intermediate", "stale-crl", "revoked-client")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(NOW, tmp_path_factory.mktemp("zoo"))


def purpose(specimen: Specimen) -> Purpose:
    return Purpose.SERVER if specimen.species.role is Role.SERVER else Purpose.CLIENT


def verdict(specimen: Specimen, at: datetime) -> str:
    """Return what our own verification says; nothing where it accepts."""
    chain = specimen.chain
    policy = Policy(
        tuple(made.certificate for made in chain.roots),
        at,
        tuple(made.certificate for made in chain.sent),
        purpose(specimen),
        specimen.hostname or None,
        crls=chain.crls,
        require_crl=bool(chain.crls),
    )
    try:
        verify(specimen.certificate, policy)
    except VerificationFailed as error:
        return " | ".join(map(str, error.reasons))
    return ""


def agrees(expected: str, said: str) -> bool:
    """Return whether both accept, or the telling words were said."""
    return expected in said if expected else not said


@pytest.mark.parametrize("name", NAMES)
def test_verify_says_what_the_table_says(zoo: Zoo, name: str) -> None:
    said = verdict(zoo[name], zoo.now)
    assert agrees(zoo[name].species.verify, said), said


@pytest.mark.parametrize("name", NAMES)
def test_python_says_what_the_table_says(zoo: Zoo, name: str) -> None:
    specimen = zoo[name]
    if specimen.species.role is Role.SERVER:
        said = shake_hands(specimen.judging_context(), specimen.presenting_context(), specimen.hostname).client
    else:
        server = specimen.judging_context()
        zoo["good"].species  # noqa: B018
        server.load_cert_chain(zoo["good"].certificate_file, zoo["good"].key_file)
        said = shake_hands(specimen.presenting_context(), server).server
    assert agrees(specimen.says.get(Client.STRICT, ""), said), said


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_openssl_verify_says_what_the_table_says(zoo: Zoo, name: str, need: Callable[[str], str]) -> None:
    specimen = zoo[name]
    words = ["-x509_strict", "-auth_level", "2", "-purpose", "sslserver" if specimen.hostname else "sslclient"]
    words += ["-CAfile", str(specimen.trust_file), "-no-CApath", "-untrusted", str(specimen.certificate_file)]
    if specimen.hostname:
        words += ["-verify_hostname", specimen.hostname]
    if specimen.chain.crls:
        words += ["-crl_check_all", "-CRLfile", str(specimen.crl_file)]
    said = ask(need("openssl"), "verify", *words, specimen.certificate_file)
    expected = specimen.says.get(Client.STRICT, "")
    assert said.good is (not expected), said.text
    assert expected.lower() in said.text.lower(), said.text


@pytest.mark.real
@pytest.mark.parametrize("name", WITH_CRLS)
def test_gnutls_with_the_crls_says_what_the_table_says(zoo: Zoo, name: str, need: Callable[[str], str]) -> None:
    specimen = zoo[name]
    words = ("--verify", "--load-ca-certificate", specimen.trust_file, "--load-crl", specimen.crl_file)
    said = ask(need("certtool"), *words, stdin=specimen.pem)
    expected = specimen.says.get(Client.GNUTLS, "")
    assert said.good is (not expected), said.text
    assert expected in said.text, said.text


#: Doctor looks at certificates, not at whom a client trusts, and takes its CAs from the directory.
NOT_FOR_DOCTOR = {"unknown-ca", "self-signed", "missing-intermediate", "bad-signature"}
NOT_FOR_DOCTOR |= {"unknown-ca-client", "self-signed-client", *WITH_CRLS}


@pytest.mark.parametrize("species", [one for one in SPECIES if one.name not in NOT_FOR_DOCTOR], ids=str)
def test_doctor_and_the_table_name_the_same_clients(zoo: Zoo, species: Species) -> None:
    chain = zoo[species.name].chain
    sent = tuple(made.certificate for made in chain.sent)
    above = climb(chain.leaf.certificate, [*sent, *(made.certificate for made in chain.roots)])
    kind = Kind.HOST if species.role is Role.SERVER else Kind.USER
    leaf = Exam(read_member(chain.leaf.certificate, is_leaf=True), kind, zoo.now, above, sent, chain.hostname or None)
    exams = [leaf, *(Exam(member, Kind.CA, zoo.now, above[n + 1 :]) for n, member in enumerate(above))]
    found = [finding for exam in exams for finding in judge(exam)]
    assert refusing(found) & EVERYBODY == set(species.says)


# --- the table -------------------------------------------------------------------------------------------------------


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_only_the_good_ones_have_nothing_wrong() -> None:
    assert {one.name for one in SPECIES if one.wrong == "nothing"} == {"good", "good-client"}


def test_whoever_wants_to_refuse_what_all_refuse_finds_the_classics() -> None:
    assert {"expired", "wrong-host", "self-signed", "unknown-ca", "client-as-server"} <= set(names_refused_by_all())
    assert {"expired-client", "server-as-client"} <= set(names_refused_by_all(Role.CLIENT))
    assert not {"good", "no-san"} & set(names_refused_by_all())


def test_a_client_is_named_by_a_word_too() -> None:
    assert names_refused_by("go") == names_refused_by(Client.GO)
    assert "no-san" in names_refused_by("go")


def test_what_only_a_crl_tells_is_asked_for() -> None:
    assert "revoked" not in names_refused_by("openssl")
    assert "revoked" in names_refused_by("openssl", crls=True)
    assert tuple(species.name for species in SPECIES if species.is_told_by_crls) == WITH_CRLS


# --- the zoo ---------------------------------------------------------------------------------------------------------


def test_nothing_is_made_before_it_is_asked_for(tmp_path: Path) -> None:
    zoo = Zoo(NOW, tmp_path)
    assert zoo["expired"] is zoo["expired"]
    assert not list(tmp_path.iterdir())


def test_an_unknown_name_is_answered_with_those_there_are(zoo: Zoo) -> None:
    with pytest.raises(KeyError, match=r"'expird'.*not-yet-valid"):
        zoo["expird"]


def test_the_zoo_can_be_walked_through(zoo: Zoo) -> None:
    assert [specimen.name for specimen in zoo] == NAMES
    assert len(zoo) == len(NAMES)


def test_dates_are_seen_from_the_given_time(zoo: Zoo) -> None:
    then = datetime(2040, 2, 3, 4, 5, 6, tzinfo=UTC)
    expired = zoo.at(then)["expired"]
    assert expired.certificate.not_valid_after_utc == then - timedelta(days=2)
    assert not verdict(zoo.at(then)["good"], then)
    assert verdict(zoo["good"], then)


def test_the_same_keys_serve_every_time() -> None:
    assert key("rsa1024", 3) is key("rsa1024", 3)


def test_files_hold_what_is_in_memory_and_the_key_is_private(zoo: Zoo) -> None:
    good = zoo["good"]
    assert good.certificate_file.read_bytes() == good.pem
    assert good.key_file.read_bytes() == good.key_pem
    assert good.key_file.stat().st_mode & 0o777 == 0o600
    assert good.trust_file.read_bytes() == good.trust_pem
    assert load_certificates(good.pem, "good")[0] == good.certificate


def test_a_specimen_tells_what_it_is(zoo: Zoo) -> None:
    assert repr(zoo["expired"]) == "<Specimen expired: it ended two days ago>"
    assert zoo["expired"].rule == "RFC 5280 6.1.3 (a)(2)"
