"""The flag form from outside: argv in, lines and exit code out, and a certificate directory to try it on."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from easycert.cli.entry import run as run_easycert
from easycert.pki import keys


class Ran(NamedTuple):
    """What one command printed, and its exit code."""

    stdout: str
    stderr: str
    code: int

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


Run = Callable[..., Ran]
Snapshot = dict[str, tuple[int, bytes]]


@pytest.fixture(scope="session")
def small_keys() -> Iterator[rsa.RSAPrivateKey]:
    """Return an endless row of RSA-2048 keys; a key comes again only after 23 others."""
    return itertools.cycle([rsa.generate_private_key(65537, 2048) for _ in range(24)])


@pytest.fixture
def key_generator(monkeypatch: pytest.MonkeyPatch, small_keys: Iterator[rsa.RSAPrivateKey]) -> None:
    """Make every new key a ready-made RSA-2048 key: a real RSA-4096 key takes seconds."""
    monkeypatch.setattr(keys, "generate", lambda key_type: next(small_keys))


@pytest.fixture
def easycert(
    own_home: Path, key_generator: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return ``easycert(*argv) -> Ran``, in this process, with the home as working directory and ready-made keys."""
    monkeypatch.chdir(own_home)

    def run(*argv: str) -> Ran:
        capsys.readouterr()
        code = run_easycert(list(argv))
        return _judged(Ran(*capsys.readouterr(), code))

    return run


@pytest.fixture
def process(own_home: Path) -> Run:
    """Return ``process(*argv) -> Ran``: a real process with real keys."""

    def run(*argv: str) -> Ran:
        command = [sys.executable, "-m", "easycert", *argv]
        done = subprocess.run(command, check=False, cwd=own_home, capture_output=True, encoding="utf-8", timeout=120)
        return _judged(Ran(done.stdout, done.stderr, done.returncode))

    return run


def _judged(ran: Ran) -> Ran:
    assert "Traceback" not in ran.stdout + ran.stderr, ran.stderr
    assert ran.code in {0, 1, 2}, f"the flag form knows no exit code {ran.code}"
    return ran


MADE_ONCE = (
    "--ca vertex",
    "--ca other",
    "--server cortex.vertex.link --signas vertex",
    "visi@vertex.link --signas vertex",
    "fourth@vertex.link --signas vertex",
    "--code 'Build Pipeline' --signas vertex",
    "--csr asked@vertex.link",
    "--csr --server asked.vertex.link",
)


@pytest.fixture(scope="session")
def certs_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate directory with two CAs and one thing of each kind: read it, do not change it.

    Its keys are in no row of ready-made ones: a certificate with the key of its CA would be refused.
    """
    certs = tmp_path_factory.mktemp("once") / "certs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "generate", lambda key_type: rsa.generate_private_key(65537, 2048))
        for command in MADE_ONCE:
            assert run_easycert(["--certdir", str(certs), *shlex.split(command)]) == 0, command
    return certs


@pytest.fixture
def certs(certs_once: Path, own_home: Path) -> Path:
    """Return a copy of ``certs_once`` to change: the default certificate directory of this test's home."""
    return Path(shutil.copytree(certs_once, own_home / ".syn" / "certs"))


@pytest.fixture
def unchanged(own_home: Path) -> Callable[[], AbstractContextManager[None]]:
    """Return ``unchanged()``: after its block the home, with all that is in it, is byte for byte what it was before."""

    @contextmanager
    def guard() -> Iterator[None]:
        before = _snapshot(own_home)
        yield
        assert _snapshot(own_home) == before

    return guard


def _snapshot(directory: Path) -> Snapshot:
    taken: Snapshot = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        taken[str(path)] = (status.st_mode, path.read_bytes() if stat.S_ISREG(status.st_mode) else b"")
    return taken


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let new files be as open as their maker makes them."""
    before = os.umask(0)
    yield
    os.umask(before)
