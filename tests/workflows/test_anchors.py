"""Which CAs of a directory are trusted: all that are good, and never one that is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from easycert.certdir import CertDir
from easycert.errors import NotFound, NothingToTrust, Refused
from easycert.model import Kind
from easycert.pki.names import CaName, HostName, SafeName
from easycert.pki.validity import days
from easycert.store import layout
from easycert.workflows.anchors import trusted
from easycert.workflows.issue import IssueRequest, issue
from easycert.workflows.revoke import RevokeRequest, revoke_named

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def certdir() -> CertDir:
    """A root, an intermediate below it, another root, and one that lives a day."""
    made = CertDir.in_memory(lambda: NOW)
    issue(made, [IssueRequest(Kind.CA, CaName(name)) for name in ("root", "other")])
    issue(made, [IssueRequest(Kind.CA, CaName("inter"), SafeName("root"))])
    issue(made, [IssueRequest(Kind.CA, CaName("brief"), end=days(1))])
    return made


def names(certdir: CertDir, *wanted: str, now: datetime = NOW) -> list[str]:
    return [name for name, _ in trusted(certdir, [SafeName(name) for name in wanted], now).authorities]


def test_all_cas_are_trusted_roots_and_intermediates(certdir: CertDir) -> None:
    assert names(certdir) == ["brief", "inter", "other", "root"]


def test_only_those_that_are_named_are_trusted_each_once(certdir: CertDir) -> None:
    assert names(certdir, "other", "inter", "other") == ["other", "inter"]


def test_one_that_has_ended_is_left_out_and_that_is_said(certdir: CertDir) -> None:
    found = trusted(certdir, (), NOW + timedelta(days=2))
    assert [name for name, _ in found.authorities] == ["inter", "other", "root"]
    assert found.notes == ("not trusted: the CA 'brief': it expired on 2026-03-02T11:59:59Z",)


def test_one_that_has_ended_and_was_named_is_refused(certdir: CertDir) -> None:
    with pytest.raises(Refused, match="it expired on"):
        names(certdir, "brief", now=NOW + timedelta(days=2))


def test_one_that_is_revoked_is_left_out_for_as_a_root_it_would_live_on(certdir: CertDir) -> None:
    revoke_named(certdir, RevokeRequest(targets=("inter",)))
    found = trusted(certdir, (), NOW)
    assert "inter" not in [name for name, _ in found.authorities]
    assert found.notes == ("not trusted: the CA 'inter': it was revoked by 'root'",)
    with pytest.raises(Refused, match="revoked"):
        names(certdir, "inter")


def test_what_stands_below_a_revoked_one_is_left_out_too(certdir: CertDir) -> None:
    issue(certdir, [IssueRequest(Kind.CA, CaName("middle"), SafeName("root"), path_length=1)])
    issue(certdir, [IssueRequest(Kind.CA, CaName("low"), SafeName("middle"))])
    assert "low" in names(certdir)
    revoke_named(certdir, RevokeRequest(targets=("middle",)))
    assert not {"middle", "low"} & set(names(certdir))


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_file_that_is_no_certificate_is_left_out(certdir: CertDir, content: bytes) -> None:
    with certdir.store.transaction() as files:
        files.create(layout.certificate(Kind.CA, SafeName("broken")), content)
    found = trusted(certdir, (), NOW)
    assert "broken" not in [name for name, _ in found.authorities]
    assert "broken" in found.notes[0]


def test_a_certificate_that_is_no_cas_is_left_out(certdir: CertDir) -> None:
    issue(certdir, [IssueRequest(Kind.HOST, HostName("www.example.com"), SafeName("root"))])
    pem = certdir.store.read(layout.certificate(Kind.HOST, SafeName("www.example.com"))) or b""
    with certdir.store.transaction() as files:
        files.create(layout.certificate(Kind.CA, SafeName("www")), pem)
    assert "www" not in names(certdir)


def test_a_name_that_is_not_there_is_refused(certdir: CertDir) -> None:
    with pytest.raises(NotFound, match="there is no CA named 'missing'"):
        names(certdir, "missing")


def test_a_directory_without_a_ca_has_nothing_to_trust() -> None:
    with pytest.raises(NothingToTrust, match=r"there is no CA to trust in .*/cas"):
        names(CertDir.in_memory(lambda: NOW))
