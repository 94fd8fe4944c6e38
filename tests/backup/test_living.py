"""A directory that lives: what happens to it while it is copied is handled, and told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.backup.staging import require_apart
from easycert.certdir import CertDir
from easycert.errors import BackupRefused
from easycert.workflows.backup import Backup, BackupRequest
from easycert.workflows.backup import backup as backed_up
from tests.backup.trees import PASSPHRASE, restore, verify

MIB = 1 << 20


class Meddler:
    """Does something to the source when so many bytes have passed."""

    def __init__(self, *deeds: tuple[int, Callable[[], object]]) -> None:
        self._deeds = list(deeds)

    def __call__(self, done: int, _total: int) -> None:
        if self._deeds and done >= self._deeds[0][0]:
            self._deeds.pop(0)[1]()


@pytest.fixture
def svc(tmp_path: Path) -> Path:
    (tmp_path / "svc/later").mkdir(parents=True)
    (tmp_path / "svc/big").write_bytes(b"a" * (3 * MIB))
    (tmp_path / "svc/later/small").write_text("small")
    return tmp_path / "svc"


def backup(svc: Path, meddler: Meddler, passphrase: bytes | None = None) -> Backup:
    request = BackupRequest(str(svc), str(svc.parent / "copy"), (), passphrase)
    return backed_up(CertDir.open(svc.parent / "none"), request, meddler)


def append(path: Path) -> Callable[[], object]:
    def deed() -> None:
        with path.open("ab") as file:
            file.write(b"more")

    return deed


def test_a_file_that_is_written_to_is_copied_once_more(svc: Path, tmp_path: Path) -> None:
    made = backup(svc, Meddler((2 * MIB, append(svc / "big"))))
    assert made.changed == ()
    assert (tmp_path / "copy/big").read_bytes() == (svc / "big").read_bytes()
    assert verify(tmp_path / "copy").differences == ()


def test_a_file_that_is_written_to_all_the_time_is_named(svc: Path, tmp_path: Path) -> None:
    made = backup(svc, Meddler(*[(MIB, append(svc / "big"))] * 8))
    assert made.changed == ("big",)
    assert verify(tmp_path / "copy").differences == ()


@pytest.mark.parametrize("change", ["more", "less"])
def test_in_a_sealed_backup_it_has_the_size_that_it_began_with(svc: Path, tmp_path: Path, change: str) -> None:
    deed = append(svc / "big") if change == "more" else lambda: os.truncate(svc / "big", 2 * MIB)
    made = backup(svc, Meddler((MIB, deed)), PASSPHRASE)
    assert made.changed == ("big",)
    restore(Path(made.destination), tmp_path / "back", PASSPHRASE)
    zeros = MIB if change == "less" else 0
    assert (tmp_path / "back/big").read_bytes() == b"a" * (3 * MIB - zeros) + bytes(zeros)


def test_what_vanishes_is_left_out_and_told(svc: Path, tmp_path: Path) -> None:
    made = backup(svc, Meddler((MIB, (svc / "later/small").unlink)))
    assert made.vanished == ("later/small",)
    assert list((tmp_path / "copy/later").iterdir()) == []
    assert verify(tmp_path / "copy").differences == ()


def test_a_directory_that_becomes_a_link_leads_nowhere(svc: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/small").write_text("somebody else's")

    def swap() -> None:
        (svc / "later").rename(tmp_path / "away")
        (svc / "later").symlink_to(tmp_path / "secret")

    made = backup(svc, Meddler((MIB, swap)))
    assert "later/small" in made.vanished
    assert list((tmp_path / "copy/later").iterdir()) == []


def test_a_file_that_becomes_a_link_or_a_fifo_is_not_read(svc: Path, tmp_path: Path) -> None:
    def swap() -> None:
        (svc / "later/small").unlink()
        os.mkfifo(svc / "later/small")

    made = backup(svc, Meddler((MIB, swap)))
    assert made.vanished == ("later/small",)


def test_a_destination_that_is_another_mount_of_a_directory_in_the_source_is_refused(svc: Path, tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    with pytest.raises(BackupRefused, match="lies inside"):
        require_apart(str(tmp_path / "mount/copy"), str(svc), [os.stat(tmp_path / "mount")])
    require_apart(str(tmp_path / "mount/copy"), str(svc), [os.stat(svc / "later")])


def test_an_interrupt_leaves_nothing(svc: Path, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(svc, Meddler((MIB, interrupt)))
    assert [path.name for path in tmp_path.iterdir()] == ["svc"]
