"""What is refused, is refused before anything is written; what goes wrong later leaves nothing."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.errors import AlreadyExists, BackupDamaged, BackupRefused, EasycertError, Malformed, UnreadableFile
from tests.backup.trees import PASSPHRASE, backup, lmdb_in, restore, seen, verify


@pytest.fixture
def svc(tmp_path: Path) -> Path:
    (tmp_path / "svc/sub").mkdir(parents=True)
    (tmp_path / "svc/file").write_text("content")
    (tmp_path / "svc/sub/other").write_text("other")
    return tmp_path / "svc"


@pytest.fixture
def copy(svc: Path, tmp_path: Path) -> Path:
    backup(svc, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("there", ["directory", "file", "dangling", "manifest", "sealed"])
def test_a_destination_that_exists_is_left_alone(svc: Path, tmp_path: Path, there: str) -> None:
    places: dict[str, Callable[[], object]] = {
        "directory": (tmp_path / "copy").mkdir,
        "file": (tmp_path / "copy").touch,
        "dangling": lambda: (tmp_path / "copy").symlink_to("nowhere"),
        "manifest": (tmp_path / "copy.manifest.json").touch,
        "sealed": (tmp_path / "copy.tar.age").touch,
    }
    passphrase = PASSPHRASE if there == "sealed" else None
    places[there]()
    before = seen(tmp_path)
    with pytest.raises(AlreadyExists):
        backup(svc, tmp_path / "copy", passphrase=passphrase)
    assert seen(tmp_path) == before


@pytest.mark.parametrize("place", ["svc/copy", "svc/sub/copy", "alias/copy", "svc/backups/copy"])
def test_a_destination_inside_of_the_source_is_refused_however_it_is_reached(
    svc: Path, tmp_path: Path, place: str
) -> None:
    (svc / "backups").mkdir()
    (tmp_path / "alias").symlink_to("svc/sub")
    before = seen(tmp_path)
    with pytest.raises(BackupRefused, match="lies inside"):
        backup(svc, Path(f"{tmp_path}/{place}"))
    assert seen(tmp_path) == before


def test_a_source_that_is_reached_by_a_link_is_not_its_own_destination(svc: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to("svc")
    with pytest.raises(BackupRefused, match="lies inside"):
        backup(tmp_path / "alias", svc / "copy")


@pytest.mark.parametrize("source", ["svc/file", "nowhere"])
def test_a_source_that_is_no_directory_is_refused(svc: Path, tmp_path: Path, source: str) -> None:
    with pytest.raises(UnreadableFile):
        backup(tmp_path / source, tmp_path / "copy")


def test_a_destination_in_no_directory_is_refused(svc: Path, tmp_path: Path) -> None:
    with pytest.raises(EasycertError, match="there is no directory"):
        backup(svc, tmp_path / "a/b/copy")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda copy: (copy / "file").write_text("CONTENT"), ("changed", "file")),
        (lambda copy: (copy / "file").write_text("longer content"), ("changed", "file")),
        (lambda copy: (copy / "file").unlink(), ("missing", "file")),
        (lambda copy: (copy / "new").touch(), ("extra", "new")),
        (lambda copy: os.mkfifo(copy / "pipe"), ("extra", "pipe")),
        (lambda copy: (copy / "sub/other").chmod(0o666), ("mode", "sub/other")),
        (lambda copy: (copy / "sub").chmod(0o777), ("mode", "sub")),
    ],
    ids=["same size", "other size", "missing", "extra", "a FIFO", "mode", "mode of a directory"],
)
def test_each_difference_is_found_and_nothing_that_differs_is_restored(
    copy: Path, tmp_path: Path, change: Callable[[Path], object], found: tuple[str, str]
) -> None:
    change(copy)
    assert [(item.what, item.path) for item in verify(copy).differences] == [found]
    with pytest.raises(BackupDamaged, match=found[1]):
        restore(copy, tmp_path / "back")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "copy.manifest.json", "svc"]


def test_a_link_that_replaced_a_file_is_a_difference(copy: Path) -> None:
    (copy / "file").unlink()
    (copy / "file").symlink_to("/etc/passwd")
    assert [(item.what, item.details) for item in verify(copy).differences] == [
        ("changed", "a link instead of a file"),
    ]


def test_a_backup_without_its_manifest_is_none(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.manifest.json").unlink()
    for use in (verify, lambda path: restore(path, tmp_path / "back")):
        with pytest.raises(BackupRefused, match="no backup, or an incomplete one"):
            use(copy)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"kind": "easycert-backup"}',
        b'{"kind": "easycert-backup", "version": 9}',
        b"[" * 9000,
    ],
)
def test_a_manifest_that_is_none_is_refused(copy: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "copy.manifest.json").write_bytes(data)
    with pytest.raises(Malformed):
        verify(copy)


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a//b", "a/./b", "a\0b"])
def test_a_manifest_with_paths_that_lead_elsewhere_is_refused(copy: Path, tmp_path: Path, path: str) -> None:
    manifest = json.loads((tmp_path / "copy.manifest.json").read_text())
    manifest["entries"][1]["path"] = path
    (tmp_path / "copy.manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Malformed, match="paths that no backup can have"):
        verify(copy)


@pytest.mark.parametrize("where", ["there", "copy/back", "copy/sub/back"])
def test_nothing_is_restored_over_something_or_into_the_backup(copy: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises((AlreadyExists, BackupRefused)):
        restore(copy, tmp_path / where)
    assert list((tmp_path / "there").iterdir()) == []
    assert verify(copy).differences == ()


def test_a_backup_is_restored_without_py_lmdb(tmp_path: Path) -> None:
    lmdb_in(tmp_path / "svc/x.lmdb")
    backup(tmp_path / "svc", tmp_path / "copy")
    (tmp_path / "copy/x.lmdb/data.mdb").chmod(0o600)
    restored = verify(tmp_path / "copy").differences
    assert [item.what for item in restored] == ["mode"], "its data file is compared byte for byte"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_fails_the_backup_by_name(svc: Path, tmp_path: Path) -> None:
    (svc / "file").chmod(0)
    with pytest.raises(UnreadableFile, match="svc/file"):
        backup(svc, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["svc"]


def test_the_manifest_is_for_the_owner_alone(copy: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "copy.manifest.json").stat().st_mode) == 0o600
