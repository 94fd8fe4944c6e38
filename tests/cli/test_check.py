"""``check`` as cron, CI and Prometheus meet it: exit codes, streams, and metrics that real parsers read."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from easycert.cli.entry import run
from easycert.cli.prometheus import metrics
from easycert.model import Kind
from easycert.workflows.check import Check, Checked, CheckRequest, check
from tests.faults import Fault, forked, sweep
from tests.pki.chainmaker import DAY, NOW, ca, crl, pem, server
from tests.workflows.certdirs import directory

ROOT = ca("root", not_after=NOW + 3000 * DAY)
WWW = server(ROOT, "www.example.com", not_after=NOW + 10 * DAY)
CERTS = directory(cas__root_crt=ROOT, hosts__www_crt=WWW, crls__root_crl=pem(crl(ROOT, WWW.certificate)))


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return what Prometheus' own parser makes of *text*."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_when_a_certificate_ends() -> None:
    found = samples(metrics(check(CERTS, CheckRequest())))
    labels = {
        "kind": "host",
        "name": "www",
        "issuer": "CN=root",
        "serial": f"{WWW.certificate.serial_number:x}".zfill(4),
    }
    key = tuple(sorted(labels.items()))
    assert found["easycert_certificate_not_after_timestamp_seconds", key] == (NOW + 10 * DAY).timestamp()
    assert found["easycert_certificate_revoked", key] == 1


def test_prometheus_reads_when_the_next_crl_is_due() -> None:
    found = samples(metrics(check(CERTS, CheckRequest())))
    key = (("issuer", "CN=root"), ("name", "root"))
    assert found["easycert_crl_next_update_timestamp_seconds", key] == (NOW + DAY).timestamp()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(name=TEXTS, issuer=TEXTS, path=TEXTS)
def test_hostile_names_stay_in_their_labels(name: str, issuer: str, path: str) -> None:
    begin, end = NOW - DAY, NOW + DAY
    one = Checked(Kind.CA, name or "x", path, 1, "", issuer, "00", "", begin, end, "valid", 1, failing=False)
    other = one._replace(kind=None, name=None)
    text = metrics(Check(NOW, None, (one, other, one), (), (), ()))
    families = [name for name, _ in samples(text)]
    assert families.count("easycert_certificate_not_after_timestamp_seconds") == 2
    assert text.count("\n") == len(families) + 2 * len(set(families))


@pytest.mark.real
def test_promtool_finds_nothing_to_complain_about(need: Callable[[str], str]) -> None:
    text = metrics(check(CERTS, CheckRequest()))
    judged = subprocess.run(
        [need("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


# --- the file


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    folder = tmp_path / "certs" / "hosts"
    folder.mkdir(mode=0o700, parents=True)
    (folder / "www.crt").write_bytes(pem(WWW.certificate))
    return tmp_path / "certs"


def checked(certs: Path, *argv: str | os.PathLike[str]) -> int:
    with freeze_time(NOW):
        return run(["check", "--certdir", str(certs), *map(os.fspath, argv)])


def test_the_file_is_readable_by_the_collector_whatever_the_umask(certs: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert checked(certs, "--prometheus", tmp_path / "easycert.prom") == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "easycert.prom").stat().st_mode) == 0o644


@pytest.mark.parametrize("action", ["kill-after", "ENOSPC"])
def test_the_collector_never_sees_half_a_file(certs: Path, tmp_path: Path, action: str) -> None:
    target = tmp_path / "easycert.prom"
    target.write_text("before\n")
    for outcome in sweep(lambda at: forked(lambda: checked(certs, "--prometheus", target), Fault(action, at))):
        assert target.read_text() == "before\n" or target.read_text().count("easycert_check_timestamp_seconds") == 3
        assert outcome.killed == (outcome.met and action == "kill-after")


def test_a_link_in_the_place_of_the_file_is_not_followed(
    certs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "easycert.prom").symlink_to(victim)
    assert checked(certs, "--prometheus", tmp_path / "easycert.prom") == 1
    assert (victim.read_text(), capsys.readouterr().err.startswith("error: cannot write")) == ("precious", True)


# --- exit codes


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ([], 0),
        (["--fail-within", "10d"], 3),
        (["--fail-within", "10d", "--exit-zero"], 0),
        (["nobody"], 1),
        (["nobody", "--exit-zero"], 1),
        (["nobody", "www", "--fail-within", "1y"], 3),
        (["--fail-within", "x"], 2),
    ],
)
def test_the_exit_code_says_what_was_found(certs: Path, argv: list[str], code: int) -> None:
    assert checked(certs, *argv) == code


def test_quiet_prints_what_fails_and_nothing_else(certs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked(certs, "-q")
    assert capsys.readouterr() == ("", "")
    checked(certs, "-q", "--fail-within", "30d")
    assert capsys.readouterr() == ("host www expires 2026-06-11T12:00:00Z (10 days)\n", "")


def test_a_day_is_as_long_as_it_is(certs: Path) -> None:
    assert checked(certs, "--fail-within", f"{int(timedelta(days=10).total_seconds()) - 1}s") == 0
