"""The ledger as index is worth it: a list of 5,000 certificates in less than half the time that their files take."""

from __future__ import annotations

import shutil
import statistics
import time
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.workflows.listing import listed
from scripts.many import fill

_RUNS = 5
_COUNT = 5000


def seconds(directory: Path) -> float:
    """Return the processor time that a list takes, which what else the machine does changes least."""
    began = time.process_time()
    found = listed(CertDir.open(directory))
    assert len(found.items) == _COUNT + 2
    return time.process_time() - began


@pytest.mark.slow
def test_a_list_takes_less_than_half_of_what_parsing_takes(tmp_path: Path) -> None:
    fill(tmp_path / "indexed", _COUNT)
    shutil.copytree(tmp_path / "indexed", tmp_path / "bare", ignore=shutil.ignore_patterns(".easycert"))
    pairs = [(seconds(tmp_path / "indexed"), seconds(tmp_path / "bare")) for _ in range(_RUNS)]
    assert statistics.median(indexed / bare for indexed, bare in pairs) < 0.5


def test_the_directory_that_measurements_are_made_with_is_a_real_one(tmp_path: Path) -> None:
    certdir = fill(tmp_path / "certs", 5)
    found = listed(certdir)
    assert ([item.name for item in found.items if item.self_signed], found.problems, found.notes) == (["root"], (), ())
    assert {item.issuer for item in found.items if item.name.startswith("host-")} == {"CN=issuing"}
    assert [item.state for item in found.items].count("valid") >= 5
    assert len(certdir.ledger.located()) == 7
