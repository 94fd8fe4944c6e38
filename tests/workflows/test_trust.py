"""Which CAs may be trusted, and what is told of each store: over Node's variable and NSS databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from easycert.certdir import CertDir
from easycert.errors import EasycertError, Malformed, NotFound, Refused
from easycert.model import Kind
from easycert.pki.formats.pem import identify
from easycert.trust.finding import Wanted
from easycert.trust.machine import Machine
from easycert.trust.protocol import StoreKind
from easycert.trust.verbs import Outcome
from easycert.workflows.trust import Trust, TrustRequest, install, remove, status
from tests.trust.stores import snapshot, variables
from tests.workflows.examples import Clock, directory, files, make

NODE = Wanted(frozenset({StoreKind.NODE}))


@pytest.fixture
def certdir() -> CertDir:
    made = directory(Clock())
    make(made, Kind.CA, "root")
    make(made, Kind.CA, "issuing", "root")
    make(made, Kind.HOST, "www.example.com", "issuing")
    return made


def request(text: str, wanted: Wanted = NODE, **environment: str) -> TrustRequest:
    return TrustRequest(text, Machine(home="/nowhere", environment=environment, root="/nowhere"), wanted)


def outcome(done: Trust) -> Outcome:
    (told,) = done.stores
    return told.outcome


def refused(certdir: CertDir, text: str) -> EasycertError:
    with pytest.raises(EasycertError) as caught:
        install(certdir, request(text))
    return caught.value


def saved(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def test_a_ca_is_told_by_name_subject_and_fingerprint(certdir: CertDir) -> None:
    done = install(certdir, request("root"))
    (certificate,) = identify(files(certdir)["cas/root.crt"], "it").certificates
    from cryptography.hazmat.primitives.hashes import SHA256

    assert (done.name, done.subject, done.sha256) == ("root", "CN=root", certificate.fingerprint(SHA256()).hex())


def test_node_can_only_be_told_what_to_set(certdir: CertDir) -> None:
    done = install(certdir, request("root"))
    assert (outcome(done), done.undone) == (Outcome.BY_HAND, False)
    assert done.stores[0].commands[0].startswith("export NODE_EXTRA_CA_CERTS=")


def test_node_counts_for_the_exit_code_only_when_it_is_asked_for(certdir: CertDir) -> None:
    assert status(certdir, request("root")).stores[0].counts
    assert not status(certdir, request("root", Wanted(), PATH="/nowhere", NODE_EXTRA_CA_CERTS="/no")).stores[0].counts


def test_node_trusts_what_the_file_holds_that_the_variable_names(certdir: CertDir, tmp_path: Path) -> None:
    both = files(certdir)["cas/issuing.crt"] + files(certdir)["cas/root.crt"]
    path = saved(tmp_path / "extra.pem", both)
    assert outcome(status(certdir, request("root", NODE_EXTRA_CA_CERTS=path))) is Outcome.TRUSTED
    assert outcome(install(certdir, request("root", NODE_EXTRA_CA_CERTS=path))) is Outcome.ALREADY
    done = remove(certdir, request("root", NODE_EXTRA_CA_CERTS=path))
    assert (outcome(done), done.stores[0].commands) == (Outcome.BY_HAND, ("unset NODE_EXTRA_CA_CERTS",))
    assert Path(path).read_bytes() == both


def test_nothing_trusts_where_there_is_nothing(certdir: CertDir) -> None:
    done = status(certdir, request("root", Wanted(), PATH="/nowhere"))
    assert (done.stores, done.trusted_everywhere, len(done.notes)) == ((), False, 1)


def test_an_intermediate_comes_with_a_note(certdir: CertDir) -> None:
    assert install(certdir, request("root")).notes == ()
    assert "trust its root" in install(certdir, request("issuing")).notes[0]


def test_a_leaf_is_refused(certdir: CertDir) -> None:
    assert "it is not a CA's certificate" in str(refused(certdir, "www.example.com"))


def test_one_that_has_expired_is_refused_and_can_be_removed(certdir: CertDir) -> None:
    clock = Clock()
    clock.now += timedelta(days=10_000)
    later = CertDir(certdir.store, clock=clock)
    assert "it expired on" in str(refused(later, "root"))
    assert outcome(remove(later, request("root"))) is Outcome.NOT_THERE


def test_one_that_is_not_valid_yet_is_refused(certdir: CertDir) -> None:
    clock = Clock()
    clock.now -= timedelta(days=1)
    assert "it is not valid before" in str(refused(CertDir(certdir.store, clock=clock), "root"))


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_ca_in_a_file_is_named_by_its_subject(certdir: CertDir, tmp_path: Path, encoding: Encoding) -> None:
    (certificate,) = identify(files(certdir)["cas/root.crt"], "it").certificates
    path = saved(tmp_path / "theirs", certificate.public_bytes(encoding))
    assert install(certdir, request(path)).name == "root"


def test_a_file_is_no_guess(certdir: CertDir, tmp_path: Path) -> None:
    both = files(certdir)["cas/issuing.crt"] + files(certdir)["cas/root.crt"]
    assert "it holds 2 certificates" in str(refused(certdir, saved(tmp_path / "both", both)))
    key = refused(certdir, saved(tmp_path / "key", files(certdir)["cas/root.key"]))
    assert isinstance(key, Refused)
    assert "it holds no certificate" in str(key)
    assert isinstance(refused(certdir, saved(tmp_path / "junk", b"junk")), Malformed)
    assert isinstance(refused(certdir, "nobody"), NotFound)


def test_a_ca_goes_before_a_host_of_the_same_name(certdir: CertDir) -> None:
    make(certdir, Kind.HOST, "root", "issuing")
    assert install(certdir, request("root")).subject == "CN=root"
    assert outcome(install(certdir, request("root"))) is Outcome.BY_HAND


def test_no_private_key_ends_up_in_a_store(certdir: CertDir, tmp_path: Path, need: Callable[[str], str]) -> None:
    """Not even when the file that names the CA holds its key as well."""
    need("certutil")
    (tmp_path / "home").mkdir()
    text = files(certdir)["cas/root.key"] + files(certdir)["cas/root.crt"]
    path = saved(tmp_path / "with its key.pem", text)
    machine = Machine(home=str(tmp_path / "home"), environment=variables(tmp_path / "home"))
    wanted = TrustRequest(path, machine, Wanted(frozenset({StoreKind.NSS})))
    assert outcome(install(certdir, wanted)) is Outcome.INSTALLED
    database = str(tmp_path / "home" / ".pki" / "nssdb")
    keys = machine.children.run(("certutil", "-K", "-d", f"sql:{database}"))
    assert b"no keys found" in keys.stdout + keys.stderr
    secret = text.split(b"\n")[1]
    assert not any(secret in data for data in snapshot(tmp_path / "home").values())
