"""The flag form as a whole process: real keys, real streams, and streams that are not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def test_it_says_the_same_with_real_keys(process, own_home):
    certs = own_home / ".syn" / "certs"
    made = process("--ca", "vertex")
    assert made.lines == [f"key saved: {certs}/cas/vertex.key", f"cert saved: {certs}/cas/vertex.crt"]
    assert (made.stderr, made.code) == ("", 0)
    assert process("--signas", "vertex", "visi@vertex.link").code == 0
    revoked = process("--revokeas=vertex", "visi@vertex.link")
    assert revoked.lines == ["Certificate revoked: visi@vertex.link", "CRL updated: vertex"]
    again = process("--ca", "vertex")
    assert (again.stdout, again.code) == (f"file exists: {certs}/cas/vertex.key\n", 1)


def test_usage_errors_go_to_stderr(process):
    wrong = process("--nope", "vertex")
    assert (wrong.stdout, wrong.code) == ("", 2)
    assert wrong.stderr.startswith("usage: ")


@pytest.mark.usefixtures("certs")
@pytest.mark.parametrize("closed", [1, 2], ids=["stdout", "stderr"])
def test_a_closed_stream_does_not_make_a_success_a_failure(own_home, closed):
    """Service managers and cron jobs close what they do not want to read."""
    argv = [sys.executable, "-m", "easycert", "--crl", "vertex"]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}>&-', "sh", *argv], check=False, cwd=own_home, capture_output=True
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0
    assert (own_home / ".syn/certs/crls/vertex.crl").exists()


@pytest.mark.usefixtures("certs")
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a file that is always full")
def test_a_stdout_that_is_full_is_a_failure_without_a_traceback(own_home):
    argv = [sys.executable, "-m", "easycert", "--crl", "vertex"]
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(argv, check=False, cwd=own_home, stdout=full, stderr=subprocess.PIPE)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1
