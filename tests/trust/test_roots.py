"""Where roots are found, and that Java's old keystores are read, however they end."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.trust.roots import java_roots, jks_certificates, pem_file, system_roots

PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def counted(data: bytes, form: str = ">I") -> bytes:
    return struct.pack(form, len(data)) + data


def trusted(certificate: bytes, version: int = 2) -> bytes:
    kind = counted(b"X.509", ">H") if version == 2 else b""
    return struct.pack(">I", 2) + counted(b"alias", ">H") + bytes(8) + kind + counted(certificate)


def private(*chain: bytes) -> bytes:
    head = struct.pack(">I", 1) + counted(b"key", ">H") + bytes(8) + counted(b"secret") + struct.pack(">I", len(chain))
    return head + b"".join(counted(b"X.509", ">H") + counted(item) for item in chain)


def jks(*entries: bytes, version: int = 2) -> bytes:
    return struct.pack(">III", 0xFEEDFEED, version, len(entries)) + b"".join(entries) + bytes(20)


def test_the_first_file_that_is_there_and_holds_pem_is_the_systems(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "roots").write_bytes(PEM)
    paths = [str(tmp_path / name) for name in ("missing", "empty", "roots")]
    found = system_roots(paths)
    assert found is not None
    assert (found.path, found.data) == (paths[2], PEM)


def test_a_system_without_roots_has_none(tmp_path: Path) -> None:
    assert system_roots([str(tmp_path / "missing")]) is None


@pytest.mark.parametrize("path", ["", "\0", "/dev/zero", "/", "relative/missing"])
def test_what_is_no_file_of_certificates_is_none(path: str) -> None:
    assert pem_file(path) is None


def test_the_trusted_certificates_of_a_keystore_are_read_and_keys_passed_over() -> None:
    assert jks_certificates(jks(trusted(b"one"), private(b"leaf", b"ca"), trusted(b"two"))) == [b"one", b"two"]


def test_the_first_version_of_keystores_is_read() -> None:
    assert jks_certificates(jks(trusted(b"one", version=1), version=1)) == [b"one"]


@given(st.binary(max_size=60))
def test_what_is_no_keystore_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="keystore"):
        jks_certificates(data)


@given(st.integers(min_value=0, max_value=120))
def test_a_keystore_that_is_cut_off_is_refused(length: int) -> None:
    whole = jks(trusted(b"one" * 9), private(b"leaf" * 9), trusted(b"two" * 9))
    with pytest.raises(ValueError, match="cut off"):
        jks_certificates(whole[: min(length, len(whole) - 21)])


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_every_certificate_comes_out_as_it_went_in(certificates: list[bytes]) -> None:
    assert jks_certificates(jks(*map(trusted, certificates))) == certificates


def test_the_java_that_java_home_names_comes_first(tmp_path: Path) -> None:
    for home in ("eight/jre", "path"):
        (tmp_path / home / "lib/security").mkdir(parents=True)
        (tmp_path / home / "lib/security/cacerts").write_bytes(home.encode())
    (tmp_path / "path/bin").mkdir()
    (tmp_path / "path/bin/java").write_bytes(b"")
    (tmp_path / "path/bin/java").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").symlink_to(tmp_path / "path/bin/java")
    on_path = {"PATH": str(tmp_path / "bin")}
    named = java_roots({**on_path, "JAVA_HOME": str(tmp_path / "eight")}, ())
    found = java_roots(on_path, ())
    assert named is not None
    assert found is not None
    assert (named.data, found.data) == (b"eight/jre", b"path")
    assert java_roots({}, ()) is None


@pytest.mark.real
def test_the_keystore_that_keytool_makes_is_read(need: Callable[[str], str], tmp_path: Path) -> None:
    import subprocess

    from tests.trust.authorities import der, root_pem

    (tmp_path / "ca.pem").write_bytes(root_pem("java"))
    store = tmp_path / "store.jks"
    argv = [need("keytool"), "-importcert", "-noprompt", "-alias", "one", "-file", tmp_path / "ca.pem"]
    argv += ["-keystore", store, "-storepass", "changeit", "-storetype", "JKS"]
    subprocess.run(argv, check=True, capture_output=True)
    assert jks_certificates(store.read_bytes()) == [der(root_pem("java"))]
