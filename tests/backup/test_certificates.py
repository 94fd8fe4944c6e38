"""A certificate directory: of one moment, keys private, and what is restored goes on where the old one stood."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.pki.crl import crl_number, load_crl
from tests.cli.doors import went


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate directory that was used: read it, do not change it."""
    path = tmp_path_factory.mktemp("certs") / "certs"
    for line in ("ca root", "host www.example.com --signas root", "host old.example.com --signas root", "crl root"):
        assert went(*line.split(), f"--certdir={path}").code == 0
    assert went("revoke", "old.example.com", f"--certdir={path}").code == 0
    return path


def number(certs: Path) -> int:
    return crl_number(load_crl((certs / "crls/root.crl").read_bytes(), "it"))


def test_it_is_what_is_backed_up_when_nothing_is_named(certs: Path, tmp_path: Path) -> None:
    ended = went("backup", str(tmp_path / "copy"), f"--certdir={certs}", "-o", "json")
    assert ended.code == 0, ended.stderr
    told = json.loads(ended.stdout)["backup"]
    assert (told["source"], told["sqlite"], told["sealed"]) == (str(certs), 1, False)
    assert not (tmp_path / "copy/.easycert/lock").exists()
    for path in (tmp_path / "copy").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode == 0o700
        elif path.suffix == ".key":
            assert mode == 0o600


def test_what_is_restored_is_sound_and_its_crl_numbers_rise(certs: Path, tmp_path: Path) -> None:
    assert went("backup", str(certs), str(tmp_path / "copy")).code == 0
    assert went("restore", str(tmp_path / "copy"), str(tmp_path / "back")).code == 0
    back = tmp_path / "back"
    assert went("ledger", "verify", f"--certdir={back}").code == 0
    before = number(back)
    assert before == number(certs)
    assert went("crl", "root", f"--certdir={back}").code == 0
    assert number(back) > before
    assert went("host", "new.example.com", "--signas=root", f"--certdir={back}").code == 0
    assert went("ledger", "verify", f"--certdir={back}").code == 0


def test_a_backup_is_used_as_it_is(certs: Path, tmp_path: Path) -> None:
    assert went("backup", str(certs), str(tmp_path / "copy")).code == 0
    assert went("verify", "www.example.com", "--no-hostname", f"--certdir={tmp_path / 'copy'}").code == 0
    assert went("ledger", "verify", f"--certdir={tmp_path / 'copy'}").code == 0


@pytest.mark.parametrize("named", [True, False])
def test_nobody_changes_it_meanwhile(certs: Path, tmp_path: Path, named: bool) -> None:
    words = [str(certs)] if named else [f"--certdir={certs}"]
    with CertDir.open(certs).store.transaction():
        ended = went("backup", *words, str(tmp_path / "copy"), "--lock-timeout=0")
    assert ended.code == 1
    assert "is locked by" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_it_was_before_stays(certs: Path, tmp_path: Path) -> None:
    def described() -> dict[str, int]:
        return {
            str(path): path.lstat().st_mtime_ns for path in certs.rglob("*") if path.name not in ("lock", ".easycert")
        }

    before = described()
    assert went("backup", str(certs), str(tmp_path / "copy")).code == 0
    assert described() == before


@pytest.mark.parametrize("source", [True, False])
def test_the_passphrase_is_in_nothing_that_is_printed_or_written(
    certs: Path, tmp_path: Path, source: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("horse-battery\n")
    out = tmp_path / "out"
    out.mkdir()
    argv = ["backup", str(out / "copy"), "--encrypt-to=passphrase", f"--certdir={certs}", "-o", "json"]
    if source:
        ended = went(*argv, f"--passphrase-file={secret}")
    else:
        monkeypatch.setenv("EASYCERT_PASSPHRASE", "horse-battery")
        ended = went(*argv)
        assert "EASYCERT_PASSPHRASE" not in os.environ
    assert ended.code == 0, ended.stderr
    assert "horse" not in ended.stdout + ended.stderr
    data = (out / "copy.tar.age").read_bytes()
    assert b"horse" not in data
    assert not re.search(rb"www\.example|PRIVATE KEY|SQLite", data)
    assert went("backup", "--verify", str(out / "copy.tar.age"), f"--passphrase-file={secret}").code == 0


def test_without_a_passphrase_nothing_is_sealed(certs: Path, tmp_path: Path) -> None:
    ended = went("backup", str(tmp_path / "copy"), "--encrypt-to=passphrase", f"--certdir={certs}")
    assert (ended.code, list(tmp_path.iterdir())) == (1, [])
    assert "the passphrase for the backup is missing" in ended.stderr


@pytest.mark.real
@pytest.mark.slow
def test_openssl_reads_what_was_restored(certs: Path, tmp_path: Path, need: Callable[[str], str]) -> None:
    import subprocess

    assert went("backup", str(certs), str(tmp_path / "copy")).code == 0
    assert went("restore", str(tmp_path / "copy"), str(tmp_path / "back")).code == 0
    done = subprocess.run(
        [
            *(need("openssl"), "verify", "-CAfile", str(tmp_path / "back/cas/root.crt")),
            str(tmp_path / "back/hosts/www.example.com.crt"),
        ],
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
