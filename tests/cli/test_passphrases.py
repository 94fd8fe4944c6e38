"""Where the passphrase of an encrypted key may come from, beside a file and a variable (see the transcripts)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from easycert.certdir import CertDir
from easycert.cli import options
from easycert.cli.entry import run
from easycert.model import Kind
from easycert.pki.names import HostName
from easycert.workflows.issue import IssueRequest, issue

SECRET = b"correct horse"


@pytest.fixture
def encrypted(tmp_path: Path) -> list[str]:
    """Return the command that imports a key with its certificate, the key encrypted under SECRET."""
    source = tmp_path / "source"
    [made] = issue(CertDir.open(source), [IssueRequest(Kind.HOST, HostName("www.example.com"))])
    issued_key = CertDir.open(source).signers.key(Kind.HOST, HostName("www.example.com"))
    assert issued_key is not None
    pem = issued_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET))
    locked = tmp_path / "locked.key"
    locked.write_bytes(pem)
    return ["import", made.certificate_path, str(locked), "--certdir", str(tmp_path / "target")]


def descriptor(data: bytes) -> int:
    """Return the reading end of a pipe that holds *data*."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading


def test_a_passphrase_comes_from_a_descriptor(encrypted: list[str]) -> None:
    assert run([*encrypted, "--passphrase-fd", str(descriptor(SECRET + b"\n"))]) == 0


def test_an_empty_descriptor_is_refused(encrypted: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*encrypted, "--passphrase-fd", str(descriptor(b""))]) == 2
    assert "holds no passphrase" in capsys.readouterr().err


def test_a_person_at_a_terminal_is_asked(encrypted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options.sys, "stdin", type("Terminal", (), {"isatty": staticmethod(lambda: True)})())
    monkeypatch.setattr("getpass.getpass", lambda _prompt: SECRET.decode())
    assert run(encrypted) == 0


def test_without_a_terminal_nobody_is_asked(encrypted: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(encrypted) == 1
    assert "passphrase" in capsys.readouterr().err
