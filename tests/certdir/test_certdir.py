"""Which directory it is, and what time it is there (hazard H5)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from easycert.certdir import CertDir, directories
from easycert.errors import InvalidInput, UnsafeDirectory
from easycert.model import Kind
from easycert.signers.memory import MemoryKeys
from easycert.store.directories import Strictness
from tests.workflows.examples import make

HOME = {"HOME": "/root"}


# --- which directory --------------------------------------------------------------------------------------------------


def test_without_a_word_it_is_synapses_directory_in_the_home(own_home: Path) -> None:
    assert directories(None, {"HOME": str(own_home)}) == (f"{own_home}/.syn/certs",)


@pytest.mark.parametrize(
    ("environ", "chosen"),
    [
        ({"EASYCERT_DIR": "/a", "SYN_CERT_DIR": "/b"}, "/a"),
        ({"SYN_CERT_DIR": "/b"}, "/b"),
        ({"EASYCERT_DIR": "", "SYN_CERT_DIR": "/b"}, "/b"),
    ],
)
def test_easycerts_variable_comes_before_synapses(environ: dict[str, str], chosen: str) -> None:
    assert directories(None, environ) == (chosen,)


def test_what_is_given_comes_before_every_variable() -> None:
    assert directories("/given", {"EASYCERT_DIR": "/a", "SYN_CERT_DIR": "/b"}) == ("/given",)


def test_the_environment_of_the_process_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYN_CERT_DIR", "/b")
    assert directories() == ("/b",)
    monkeypatch.setenv("EASYCERT_DIR", "/a")
    assert directories() == ("/a",)


def test_a_variable_may_hold_a_search_path() -> None:
    assert directories(None, {"EASYCERT_DIR": "/a::/b:"}) == ("/a", "/b")


def test_a_colon_in_what_is_given_is_part_of_its_name() -> None:
    assert directories("/a:/b", {}) == ("/a:/b",)


def test_several_directories_may_be_given() -> None:
    assert directories([Path("/a"), "/b"], {}) == ("/a", "/b")


def test_a_relative_directory_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert directories("certs/../other", {}) == (f"{tmp_path}/other",)


def test_a_tilde_is_the_home(own_home: Path) -> None:
    assert directories("~/x", {"HOME": str(own_home)}) == (f"{own_home}/x",)
    assert directories("~", {"HOME": str(own_home)}) == (str(own_home),)


def test_a_tilde_with_a_name_is_that_ones_home() -> None:
    assert directories("~root/certs", {}) == (os.path.expanduser("~root/certs"),)


@pytest.mark.parametrize("home", [None, "", "relative", ".", "/does/not/exist", "/dev/null"])
@pytest.mark.parametrize("given", [None, "~", "~/certs"])
def test_a_home_that_is_none_is_refused_and_nothing_is_made_in_its_place(home: str | None, given: str | None) -> None:
    with pytest.raises(InvalidInput, match="--certdir"):
        directories(given, {} if home is None else {"HOME": home})


def test_a_home_that_is_none_does_not_matter_where_it_is_not_needed() -> None:
    assert directories("/certs", {"HOME": "relative"}) == ("/certs",)


@pytest.mark.parametrize("given", ["", [], [""], ["/a", ""]])
def test_an_empty_directory_is_refused(given: str | list[str]) -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        directories(given, HOME)


@pytest.mark.parametrize("variable", ["EASYCERT_DIR", "SYN_CERT_DIR"])
def test_a_search_path_of_nothing_is_refused(variable: str) -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        directories(None, {variable: ":", **HOME})


@pytest.mark.parametrize("given", ["a\0b", ["/a", "\0"]])
def test_a_nul_is_refused(given: str | list[str]) -> None:
    with pytest.raises(InvalidInput, match="NUL"):
        directories(given, HOME)


@pytest.mark.parametrize("given", ["~nobody-at-all", "~nobody-at-all/certs"])
def test_the_home_of_nobody_is_refused(given: str) -> None:
    """Else a directory of that name would be made wherever one happens to be."""
    with pytest.raises(InvalidInput, match="nobody"):
        directories(given, HOME)


# --- opening one ------------------------------------------------------------------------------------------------------


def test_opening_makes_nothing(tmp_path: Path) -> None:
    CertDir.open(tmp_path / "certs").store.entries("cas")
    assert list(tmp_path.iterdir()) == []


def test_the_first_of_several_is_written_to_and_all_are_read(tmp_path: Path) -> None:
    make(CertDir.open(tmp_path / "second"), Kind.CA, "root")
    both = CertDir.open([str(tmp_path / "first"), str(tmp_path / "second")])
    issued = make(both, Kind.HOST, "a.example", "root")
    assert issued.certificate_path == f"{tmp_path}/first/hosts/a.example.crt"


def test_a_directory_that_others_can_write_to_is_refused_unless_that_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs").chmod(0o777)
    with pytest.raises(UnsafeDirectory):
        make(CertDir.open(tmp_path / "certs"), Kind.CA, "root")
    assert list((tmp_path / "certs").iterdir()) == []
    said: list[str] = []
    make(CertDir.open(tmp_path / "certs", unsafe=Strictness.WARN, report=said.append), Kind.CA, "root")
    assert any("writable by others" in sentence for sentence in said)


def test_a_symbolic_link_to_a_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "certs").symlink_to("real")
    issued = make(CertDir.open(tmp_path / "certs"), Kind.CA, "root")
    assert issued.certificate_path == f"{tmp_path}/certs/cas/root.crt"
    assert (tmp_path / "real/cas/root.crt").exists()


# --- the clock, the keys ----------------------------------------------------------------------------------------------


def test_the_clock_is_told_in_utc() -> None:
    berlin = timezone(timedelta(hours=2))
    certdir = CertDir.in_memory(lambda: datetime(2026, 6, 1, 14, 0, tzinfo=berlin))
    assert certdir.now() == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    assert certdir.now().tzinfo is UTC


def test_the_machines_clock_is_the_default() -> None:
    before = datetime.now(UTC)
    assert before <= CertDir.in_memory().now() <= datetime.now(UTC)


def test_a_ca_may_keep_its_key_elsewhere() -> None:
    """The key file is there for nobody to read: the signers say where keys are."""
    first = CertDir.in_memory()
    root = make(first, Kind.CA, "root")
    elsewhere = MemoryKeys()
    key = first.signers.key(Kind.CA, root.name)
    assert key is not None
    elsewhere.keys[(Kind.CA, "root")] = key
    del first.store.files["cas/root.key"]
    make(CertDir(first.store, elsewhere), Kind.HOST, "a.example", "root")
