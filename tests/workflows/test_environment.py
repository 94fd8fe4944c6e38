"""What the environment of a program says after us, and what it said before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.errors import NotFound
from easycert.model import Kind
from easycert.pki.names import CaName, SafeName, UserName
from easycert.trust.variables import CLIENT_VARIABLES, JAVA_OPTIONS, VARIABLES, Part
from easycert.workflows.environment import (
    EnvironmentRequest,
    TrustEnvironment,
    environment,
    for_child,
    java_options,
)
from easycert.workflows.issue import IssueRequest, issue
from tests.trust.authorities import root_pem

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORE = "-Djavax.net.ssl.trustStore"


@pytest.fixture
def certdir() -> CertDir:
    made = CertDir.in_memory(lambda: NOW)
    issue(made, [IssueRequest(Kind.CA, CaName("root"))])
    issue(made, [IssueRequest(Kind.USER, UserName("ci"), SafeName("root"))])
    return made


@pytest.fixture
def base(tmp_path: Path) -> str:
    path = tmp_path / "base.pem"
    path.write_bytes(root_pem("system"))
    return str(path)


def found(certdir: CertDir, tmp_path: Path, user: str | None = None, **environ: str) -> TrustEnvironment:
    environ = {"SSL_CERT_FILE": str(tmp_path / "base.pem")} | environ
    return environment(certdir, EnvironmentRequest(environ, user=user), place=str(tmp_path / "cache/trust"))


def test_every_variable_names_a_file_that_is_there(certdir: CertDir, tmp_path: Path, base: str) -> None:
    variables = found(certdir, tmp_path).variables
    for variable in VARIABLES:
        if not variable.only_if_set:
            assert Path(variables[variable.name]).is_file(), variable.name
    assert Path(variables[JAVA_OPTIONS].partition("=")[2]).is_file()


def test_npms_own_variable_is_set_only_where_it_stands_in_the_way_of_nodes(
    certdir: CertDir, tmp_path: Path, base: str
) -> None:
    assert "npm_config_cafile" not in found(certdir, tmp_path).variables
    told = found(certdir, tmp_path, npm_config_cafile="/corporate.pem")
    assert told.variables["npm_config_cafile"] == told.variables["SSL_CERT_FILE"]


def test_what_is_lost_of_the_callers_environment_is_told(certdir: CertDir, tmp_path: Path, base: str) -> None:
    told = found(certdir, tmp_path, CURL_CA_BUNDLE="/corporate.pem", PIP_CERT="", GIT_SSL_CAINFO=base)
    assert told.overridden == ("CURL_CA_BUNDLE",)


def test_nothing_is_lost_where_a_command_runs_within_another(certdir: CertDir, tmp_path: Path, base: str) -> None:
    outer = found(certdir, tmp_path).variables
    inner = found(certdir, tmp_path, **outer)
    assert inner.overridden == ()
    assert inner.variables == outer


def test_a_user_is_shown_by_every_client_that_can(certdir: CertDir, tmp_path: Path, base: str) -> None:
    variables = found(certdir, tmp_path, user="CI").variables
    for variable in CLIENT_VARIABLES:
        suffix = "crt" if variable.part is Part.CERTIFICATE else "key"
        assert variables[variable.name].endswith(f"/users/ci.{suffix}")


@pytest.mark.parametrize("user", ["nobody", "root"])
def test_a_user_that_is_not_there_is_refused(certdir: CertDir, tmp_path: Path, base: str, user: str) -> None:
    with pytest.raises(NotFound, match="there is no user named"):
        found(certdir, tmp_path, user=user)


def test_a_program_never_sees_a_passphrase() -> None:
    secrets = {"EASYCERT_PASSPHRASE": "x", "EASYCERT_PASSPHRASE_FILE": "/x", "EASYCERT_PASSPHRASE_FD": "3"}
    assert for_child({**secrets, "HOME": "/h"}, {"A": "b"}) == {"HOME": "/h", "A": "b"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{STORE}=/t/java.p12"),
        ("-Xmx1g", f"-Xmx1g {STORE}=/t/java.p12"),
        (f"{STORE}=/corporate.jks", f"{STORE}=/corporate.jks {STORE}=/t/java.p12"),
        (f"{STORE}Password=x", f"{STORE}Password=x {STORE}Password= {STORE}=/t/java.p12"),
        (f"{STORE}Type=JKS", f"{STORE}Type=JKS {STORE}Type=PKCS12 {STORE}=/t/java.p12"),
        (f"-Xmx1g {STORE}=/older/java.p12", f"-Xmx1g {STORE}=/t/java.p12"),
    ],
)
def test_javas_trust_store_comes_last_of_its_options(before: str, after: str) -> None:
    assert java_options(before, "/t/java.p12") == after


@pytest.mark.parametrize(
    ("path", "word"),
    [("/a b/s", '"/a b/s"'), ("/it's/s", '"/it\'s/s"'), ('/a"b/s', '"/a"\'"\'"b/s"')],
)
def test_a_path_stays_one_word_of_javas_options(path: str, word: str) -> None:
    assert java_options("", path) == f"{STORE}={word}"
