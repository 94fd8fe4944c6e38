"""What ends too soon is found, wherever it lies, and what cannot be read is never taken for good."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from easycert.certdir import CertDir
from easycert.model import Kind
from easycert.pki.validity import parse_when
from easycert.workflows.check import Check, CheckRequest, check
from easycert.workflows.crl_states import CrlState
from tests.pki.chainmaker import DAY, NOW, ca, crl, pem, server
from tests.workflows.certdirs import FULL, ISSUING, ROOT, WWW, directory, key_pem, user

OLD = server(ROOT, "old", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
SOON = server(ROOT, "soon", not_before=NOW - 90 * DAY, not_after=NOW + 20 * DAY)
LATE = server(ROOT, "late", not_before=NOW - DAY, not_after=NOW + 90 * DAY)
MIXED = directory(cas__root_crt=ROOT, hosts__old_crt=OLD, hosts__soon_crt=SOON, hosts__late_crt=LATE)


def checked(certdir: CertDir, *targets: str | Path, within: str | None = None, kind: Kind | None = None) -> Check:
    return check(certdir, CheckRequest(tuple(map(str, targets)), kind, None if within is None else parse_when(within)))


def failing(found: Check) -> list[str | None]:
    return [item.name for item in found.failing]


@pytest.mark.parametrize(
    ("within", "names"),
    [
        (None, ["old", "soon"]),
        ("0d", ["old"]),
        ("15d", ["old", "root"]),
        ("20d", ["old", "root", "soon"]),
        ("1y", ["old", "root", "soon", "late"]),
    ],
)
def test_what_ends_within_the_window_fails_and_so_does_what_has_ended(within: str | None, names: list[str]) -> None:
    assert failing(checked(MIXED, within=within)) == names


@given(begin=st.integers(-1000, 0), end=st.integers(-1000, 1000), within=st.integers(0, 1000))
def test_the_window_ends_where_it_says(begin: int, end: int, within: int) -> None:
    if begin >= end:
        return
    hour = timedelta(hours=1)
    made = server(ROOT, key=WWW.key, not_before=NOW + begin * hour, not_after=NOW + end * hour)
    found = checked(directory(hosts__x_crt=made), within=f"{within}h")
    assert bool(found.failing) is (end <= within)


def test_what_is_named_is_checked_and_nothing_else() -> None:
    found = checked(MIXED, "late", "old")
    assert ([item.name for item in found.items], failing(found)) == (["old", "late"], ["old"])


def test_the_chain_behind_a_certificate_is_checked_with_it() -> None:
    found = checked(FULL, "www.example.com")
    assert [(item.number, item.subject) for item in found.items] == [(1, "CN=www.example.com"), (2, "CN=issuing")]


def test_the_kind_tells_namesakes_apart() -> None:
    certdir = directory(cas__x_crt=ROOT, users__x_crt=user())
    assert [item.kind for item in checked(certdir, "x", kind=Kind.USER).items] == [Kind.USER]
    assert "names several" in checked(certdir, "x").problems[0].reason


def test_a_file_may_hold_many_certificates_and_other_things(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"# comment\n" + pem(LATE.certificate) + key_pem(LATE) + pem(OLD.certificate, SOON.certificate))
    found = checked(MIXED, bundle)
    assert [(item.kind, item.number, item.failing) for item in found.items] == [
        (None, 2, True),
        (None, 3, True),
        (None, 1, False),
    ]


def test_a_file_may_be_der(tmp_path: Path) -> None:
    (tmp_path / "x.der").write_bytes(OLD.certificate.public_bytes(serialization.Encoding.DER))
    assert len(checked(MIXED, tmp_path / "x.der").failing) == 1


def test_a_directory_is_searched_for_files_of_certificates(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "old.pem").write_bytes(pem(OLD.certificate))
    (tmp_path / "a" / "late.crt").write_bytes(pem(LATE.certificate))
    (tmp_path / "key.pem").write_bytes(key_pem(OLD))
    (tmp_path / "notes.txt").write_bytes(pem(OLD.certificate))
    (tmp_path / ".hidden.pem").write_bytes(pem(OLD.certificate))
    found = checked(MIXED, tmp_path)
    assert [(os.path.basename(item.path), item.failing) for item in found.items] == [
        ("old.pem", True),
        ("late.crt", False),
    ]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it holds no certificate"),
        (b"junk", "it holds no certificate"),
        (key_pem(ROOT), "it holds no certificate"),
        (pem(OLD.certificate).replace(b"MII", b"AAA", 1), "certificate 1 cannot be decoded"),
    ],
)
def test_a_file_without_a_certificate_is_a_problem(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "x.pem").write_bytes(data)
    assert [problem.reason for problem in checked(MIXED, tmp_path / "x.pem").problems] == [reason]


@pytest.mark.parametrize("target", ["nobody", "/no/such/file", "", "a\nb", "x\0y"])
def test_what_is_not_there_is_a_problem_and_the_others_are_checked(target: str) -> None:
    found = checked(MIXED, target, "old")
    assert ([problem.path for problem in found.problems], failing(found)) == ([target], ["old"])


def test_one_broken_certificate_does_not_hide_its_neighbours(tmp_path: Path) -> None:
    broken = pem(LATE.certificate).replace(b"MII", b"AAA", 1)
    (tmp_path / "x.pem").write_bytes(broken + pem(OLD.certificate))
    found = checked(MIXED, tmp_path / "x.pem")
    assert ([item.number for item in found.failing], len(found.problems)) == ([2], 1)


def test_a_broken_file_of_the_directory_is_a_problem() -> None:
    found = checked(directory(hosts__bad_crt=b"junk", hosts__late_crt=LATE))
    assert ([problem.path for problem in found.problems], failing(found)) == (["/certs/hosts/bad.crt"], [])


def test_what_is_revoked_has_been_given_up() -> None:
    certdir = directory(cas__root_crt=ROOT, hosts__old_crt=OLD, crls__root_crl=pem(crl(ROOT, OLD.certificate)))
    for targets in ((), ("old",)):
        (old,) = [item for item in checked(certdir, *targets).items if item.name == "old"]
        assert (old.state, old.failing) == ("revoked", False)


# --- CRLs


def crl_state(certdir: CertDir) -> list[tuple[str, CrlState]]:
    return [(item.name, item.state) for item in checked(certdir).crls]


def test_crls_are_told_with_their_freshness() -> None:
    certdir = directory(
        cas__root_crt=ROOT,
        cas__issuing_crt=ISSUING,
        crls__bad_crl=b"junk",
        crls__foreign_crl=pem(crl(ca("root"))),
        crls__issuing_crl=pem(crl(ISSUING, this_update=NOW - 9 * DAY, next_update=NOW - DAY)),
        crls__root_crl=pem(crl(ROOT, this_update=NOW - DAY, next_update=NOW + 6 * DAY)),
    )
    assert crl_state(certdir) == [
        ("bad", CrlState.UNREADABLE),
        ("foreign", CrlState.FOREIGN),
        ("issuing", CrlState.STALE),
        ("root", CrlState.CURRENT),
    ]


@pytest.mark.parametrize(
    ("left", "state"), [(3, CrlState.CURRENT), (2, CrlState.DUE), (0, CrlState.DUE), (-1, CrlState.STALE)]
)
def test_a_crl_is_due_when_a_third_of_its_life_is_left(left: int, state: CrlState) -> None:
    made = crl(ROOT, this_update=NOW - (6 - left) * DAY, next_update=NOW + left * DAY)
    assert crl_state(directory(cas__root_crt=ROOT, crls__root_crl=pem(made))) == [("root", state)]
