"""Renewing on a disk: what a refusal leaves, what a preview leaves, and what becomes of the old certificate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from easycert.pki.certificates import load_certificate
from easycert.pki.crl import load_crl
from easycert.pki.wording import even_hex
from tests.cli.doors import snapshot, went
from tests.faults import Fault, injected


@pytest.fixture(params=["ours", "without a ledger"])
def certs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a directory with a CA, two hosts and a revoked user, once as Synapse would leave it."""
    made = tmp_path / "certs"
    for argv in (
        ["ca", "root"],
        ["host", "a.example", "b.example", "--signas=root"],
        ["user", "alice", "--signas=root"],
        ["revoke", "alice"],
    ):
        assert went(*argv, f"--certdir={made}").code == 0
    if request.param != "ours":
        shutil.rmtree(made / ".easycert")
    return made


def serial(certs: Path, path: str) -> int:
    return load_certificate((certs / path).read_bytes(), path).serial_number


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["alice"], 1),
        (["nobody"], 1),
        (["../hosts/a.example"], 1),
        (["--due"], 0),
        (["a.example", "--due", "--detailed-exitcode"], 6),
        (["--within=9000d", "--dry-run"], 0),
        (["alice", "--force", "--dry-run", "--revoke-old"], 0),
        (["a.example", "--dry-run", "--deploy-hook=touch ran"], 0),
        (["a.example", "--hook-timeout=0"], 2),
        ([], 2),
    ],
)
def test_a_refusal_and_a_preview_leave_the_directory_as_it_was(
    certs: Path, argv: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(certs)
    before = snapshot(certs)
    try:
        ended = went("renew", *argv, f"--certdir={certs}").code
    except SystemExit as usage:  # Typer's own
        ended = int(usage.code or 0)
    assert ended == code
    assert snapshot(certs) == before


def test_a_preview_needs_no_directory_that_can_be_written(certs: Path) -> None:
    with injected(Fault("read-only")) as injector:
        ended = went("renew", "--within=9000d", "--dry-run", f"--certdir={certs}")
    assert ended.code == 0, ended
    assert "host b.example: would be renewed until" in ended.stdout
    assert not injector.met


def test_the_old_certificate_can_be_revoked_by_its_serial_number(certs: Path) -> None:
    old = serial(certs, "hosts/a.example.crt")
    assert went("renew", "a.example", f"--certdir={certs}").code == 0
    assert went("revoke", even_hex(old), "--reason=superseded", f"--certdir={certs}").code == 0
    crl = load_crl((certs / "crls/root.crl").read_bytes(), "it")
    assert old in {entry.serial_number for entry in crl}
    assert went("verify", "a.example", "--require-crl", f"--certdir={certs}").code == 0


def test_json_tells_of_each_name_what_came_of_it(certs: Path) -> None:
    old = serial(certs, "hosts/a.example.crt")
    ended = went("renew", "nobody", "alice", "a.example", "-o", "json", "--revoke-old", f"--certdir={certs}")
    assert ended.code == 1
    renewed, *failed = json.loads(ended.stdout)["renewed"]
    assert (renewed["state"], renewed["kind"], renewed["name"]) == ("renewed", "host", "a.example")
    assert (renewed["new_key"], renewed["old_revoked"]) == (True, True)
    assert renewed["serial"] == even_hex(serial(certs, "hosts/a.example.crt")) != even_hex(old)
    assert [(item["state"], item["kind"], item["name"]) for item in failed] == [
        ("failed", None, "nobody"),
        ("failed", "user", "alice"),
    ]


def test_what_lies_further_down_a_search_path_gets_its_successor_in_the_first_directory(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert went("ca", "root", f"--certdir={second}").code == 0
    assert went("host", "a.example", "--signas=root", f"--certdir={second}").code == 0
    before = snapshot(second)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EASYCERT_DIR", f"{first}:{second}")
        assert went("renew", "a.example").code == 0
        assert went("verify", "a.example").code == 0
    assert snapshot(second) == before
    assert serial(first, "hosts/a.example.crt") != serial(second, "hosts/a.example.crt")


def test_a_name_that_several_kinds_have_is_asked_about(certs: Path) -> None:
    assert went("user", "a.example", "--signas=root", f"--certdir={certs}").code == 0
    ended = went("renew", "a.example", f"--certdir={certs}")
    assert ended.code == 1
    assert "'a.example' names several: host a.example, user a.example" in ended.stderr
    assert "hint: say which with --kind" in ended.stderr
    assert went("renew", "a.example", "--kind=user", f"--certdir={certs}").code == 0


def test_names_are_found_as_people_write_them(certs: Path) -> None:
    assert went("host", "bücher.example", "*.example.com", "--signas=root", f"--certdir={certs}").code == 0
    ended = went("renew", "BÜCHER.example", "*.example.com", f"--certdir={certs}")
    assert ended.code == 0, ended
    assert "host xn--bcher-kva.example: renewed" in ended.stdout


def test_a_full_disk_is_one_sentence_and_no_list_of_names(certs: Path) -> None:
    before = {path: data for path, data in snapshot(certs).items() if "easycert" not in path}
    with injected(Fault("full", 5)):
        ended = went("renew", "a.example", "b.example", f"--certdir={certs}")
    assert ended.code == 1
    assert ended.stderr.startswith("error: cannot ")
    assert ended.stdout == ""
    assert {path: data for path, data in snapshot(certs).items() if "easycert" not in path} == before
