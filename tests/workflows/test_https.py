"""The HTTPS pair of a service: self-signed, copied or linked, and accepted by what browsers and curl are built on."""

from __future__ import annotations

import os
import ssl
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from easycert.certdir import CertDir
from easycert.errors import AlreadyExists, KeyMismatch, NotFound, Refused
from easycert.model import Kind
from easycert.pki.lint import lint_certificate
from easycert.pki.sans import parse_san
from easycert.pki.validity import days
from easycert.workflows.exports.https import Pair, PairRequest, linked, self_signed
from easycert.workflows.exports.remembered import remembered_exports
from easycert.workflows.exports.values import ExportRequest
from easycert.workflows.exports.writing import export
from tests.workflows.examples import NOW, directory, files, make
from tests.workflows.ledgers import opened

NAMES = tuple(map(parse_san, ("cortex.example.com", "10.1.2.3")))


def made(to: Path, *names: str, replace: bool = False, **wishes: Any) -> Pair:
    request = PairRequest(str(to), tuple(map(parse_san, names)), **wishes)
    return self_signed(directory(), request, replace=replace)


@pytest.fixture
def certs(tmp_path: Path) -> CertDir:
    certdir = opened(tmp_path / "certs")
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.CA, "issuing", "root")
    make(certdir, Kind.HOST, "cortex.example.com", "issuing")
    return opened(tmp_path / "certs")


def test_it_names_what_was_asked_and_this_machine(tmp_path: Path) -> None:
    names = made(tmp_path, "cortex.example.com", "10.1.2.3").certificate.extensions
    held = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert held.get_values_for_type(x509.DNSName) == ["cortex.example.com", "localhost"]
    assert list(map(str, held.get_values_for_type(x509.IPAddress))) == ["10.1.2.3", "127.0.0.1", "::1"]
    assert len(made(tmp_path / "b", "localhost").certificate.extensions) == len(names)


def test_it_lives_as_long_as_a_host_does_or_as_was_asked(tmp_path: Path) -> None:
    assert made(tmp_path / "a").certificate.not_valid_after_utc == NOW + timedelta(days=397, seconds=-1)
    asked = made(tmp_path / "b", end=days(30)).certificate.not_valid_after_utc
    assert asked == NOW + timedelta(days=30, seconds=-1)


def test_it_breaks_no_rule_and_verifies_by_itself(tmp_path: Path) -> None:
    certificate = made(tmp_path, "cortex.example.com").certificate
    assert not lint_certificate(certificate, None, Kind.HOST, errors_only=True)
    verifier = PolicyBuilder().store(Store([certificate])).time(NOW)
    assert verifier.build_server_verifier(x509.DNSName("cortex.example.com")).verify(certificate, [])


def test_key_and_certificate_belong_together_and_the_key_is_private(tmp_path: Path) -> None:
    pair = made(tmp_path)
    assert (pair.certificate_path, pair.key_path) == (str(tmp_path / "sslcert.pem"), str(tmp_path / "sslkey.pem"))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate_path, pair.key_path)
    modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in tmp_path.iterdir()}
    assert modes == {"sslcert.pem": 0o644, "sslkey.pem": 0o600}


@pytest.mark.parametrize("there", ["sslcert.pem", "sslkey.pem"])
def test_what_is_there_is_left_alone_unless_it_is_to_be_replaced(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")
    with pytest.raises(AlreadyExists):
        made(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == [there]
    made(tmp_path, replace=True)
    assert (tmp_path / there).read_text() != "precious"


def test_links_lead_to_the_files_of_the_host(certs: CertDir, tmp_path: Path) -> None:
    pair = linked(certs, "cortex.example.com", str(tmp_path / "cell"))
    assert os.path.realpath(pair.key_path) == str(tmp_path / "certs/hosts/cortex.example.com.key")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate_path, pair.key_path)
    with pytest.raises(AlreadyExists):
        linked(certs, "cortex.example.com", str(tmp_path / "cell"))
    linked(certs, "cortex.example.com", str(tmp_path / "cell"), replace=True)
    assert {item.name for item in (tmp_path / "cell").iterdir()} == {"sslcert.pem", "sslkey.pem"}


def test_links_to_what_a_server_could_not_use_are_refused(certs: CertDir, tmp_path: Path) -> None:
    folder = tmp_path / "certs" / "hosts"
    whole = (folder / "cortex.example.com.crt").read_text()
    (folder / "cortex.example.com.crt").write_text(whole[: whole.index("-----END CERTIFICATE-----") + 26])
    with pytest.raises(Refused, match="holds no chain"):
        linked(certs, "cortex.example.com", str(tmp_path / "cell"))
    (folder / "cortex.example.com.key").write_bytes((tmp_path / "certs/cas/root.key").read_bytes())
    with pytest.raises(KeyMismatch):
        linked(certs, "cortex.example.com", str(tmp_path / "cell"))
    with pytest.raises(NotFound):
        linked(certs, "nobody", str(tmp_path / "cell"))
    assert not (tmp_path / "cell").exists()


@pytest.mark.parametrize("how", ["linked", "self-signed", "not remembered"])
def test_what_takes_the_place_of_a_copy_is_not_overwritten_by_a_renewal(
    certs: CertDir, tmp_path: Path, how: str
) -> None:
    request = ExportRequest("cortex.example.com", "synapse-cell", str(tmp_path / "cell"))
    export(certs, request)
    if how == "linked":
        notes = linked(certs, "cortex.example.com", request.destination, replace=True).notes[1:]
    elif how == "self-signed":
        notes = self_signed(certs, PairRequest(request.destination), replace=True).notes
    else:
        notes = export(certs, request._replace(remember=False), replace=True).notes
    assert notes == ("host cortex.example.com for synapse-cell lay here, and is not written again",)
    assert remembered_exports(certs) == []


def test_without_a_directory_of_certificates_none_is_made(tmp_path: Path) -> None:
    certdir = opened(tmp_path / "certs")
    self_signed(certdir, PairRequest(str(tmp_path / "cell"), NAMES))
    assert not (tmp_path / "certs").exists()
    assert not files(directory())
