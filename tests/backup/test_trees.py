"""Whatever is in a directory, a backup of it is equal, and so is what is restored from that, sealed or not."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backup.trees import PASSPHRASE, backup, is_sparse, restore, seen, verify

NAMES = st.one_of(
    st.text(alphabet="ab.- \n\u00e9\u4e16%\\", min_size=1, max_size=6),
    st.binary(min_size=1, max_size=6).map(os.fsdecode),
    st.just("n" * 120),
).filter(lambda name: name not in (".", "..", "tmp", "backups", "data.mdb") and "/" not in name and "\0" not in name)
MODES = st.sampled_from([0o600, 0o644, 0o444, 0o755, 0o2750, 0o1777, 0o4711])
TIMES = st.integers(min_value=0, max_value=4 * 10**18)
HOLES = st.lists(st.tuples(st.integers(0, 300_000), st.binary(min_size=1, max_size=50)), max_size=3)
FILES = st.tuples(st.just("file"), st.binary(max_size=4000))
SPARSE = st.tuples(st.just("sparse"), st.tuples(HOLES, st.integers(0, 400_000)))
LINKS = st.tuples(st.just("link"), st.sampled_from(["nowhere", "..", "/etc/passwd", "a", "./a/../b", "/" * 200]))
HARD = st.tuples(st.just("hard"), st.integers(0, 20))
LEAVES = st.tuples(st.one_of(FILES, SPARSE, LINKS, HARD), MODES, TIMES)
TREES = st.recursive(LEAVES, lambda below: st.tuples(st.dictionaries(NAMES, below, max_size=4), MODES, TIMES))


def build(path: Path, tree: tuple, made: list[Path]) -> None:
    content, mode, time = tree
    if isinstance(content, dict):
        path.mkdir()
        for name, below in content.items():
            build(path / name, below, made)
    else:
        form, what = content
        if form == "link":
            path.symlink_to(what)
            os.utime(path, ns=(time, time), follow_symlinks=False)
            return
        if form == "hard" and made:
            os.link(made[what % len(made)], path)
            return
        path.write_bytes(what if form == "file" else b"")
        if form == "sparse":
            with path.open("r+b") as file:
                for offset, data in what[0]:
                    file.seek(offset)
                    file.write(data)
                file.truncate(what[1])
        made.append(path)
    path.chmod(mode | 0o700 if isinstance(content, dict) else mode)
    os.utime(path, ns=(time, time))


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "sealed"])
@settings(max_examples=20)
@given(tree=st.tuples(st.dictionaries(NAMES, TREES, max_size=5), MODES, TIMES))
def test_what_is_restored_is_what_was_backed_up(passphrase: bytes | None, tree: tuple) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        build(top / "svc", tree, [])
        before = seen(top / "svc")
        made = backup(top / "svc", top / "copy", passphrase=passphrase)
        assert seen(top / "svc") == before
        if passphrase is None:
            assert seen(top / "copy") == before
        assert verify(Path(made.destination), passphrase).differences == ()
        restore(Path(made.destination), top / "back", passphrase)
        assert seen(top / "back") == before
        left = {path.name for path in top.iterdir()} - {"svc", "back", "copy", "copy.manifest.json", "copy.tar.age"}
        assert not left


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "sealed"])
def test_a_sparse_file_stays_sparse(tmp_path: Path, passphrase: bytes | None) -> None:
    (tmp_path / "svc").mkdir()
    with (tmp_path / "svc/disk").open("wb") as file:
        file.truncate(50_000_000)
        file.seek(20_000_000)
        file.write(b"data")
    made = backup(tmp_path / "svc", tmp_path / "copy", passphrase=passphrase)
    restore(Path(made.destination), tmp_path / "back", passphrase)
    assert is_sparse(tmp_path / "back/disk")
    assert passphrase or is_sparse(tmp_path / "copy/disk")
    assert Path(made.destination).stat().st_size < 1_000_000
    assert seen(tmp_path / "back") == seen(tmp_path / "svc")


def test_a_link_to_a_directory_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "svc/real").mkdir(parents=True)
    (tmp_path / "svc/real/file").write_text("x")
    (tmp_path / "svc/alias").symlink_to("real")
    made = backup(tmp_path / "svc", tmp_path / "copy")
    assert os.readlink(tmp_path / "copy/alias") == "real"
    assert made.links == 1


def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    (tmp_path / "svc").mkdir()
    path = tmp_path / "svc/file"
    path.write_text("x")
    try:
        os.setxattr(path, "user.origin", b"here")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    backup(tmp_path / "svc", tmp_path / "copy")
    assert os.getxattr(tmp_path / "copy/file", "user.origin") == b"here"


def test_the_backup_is_complete_when_cp_copied_it(tmp_path: Path) -> None:
    (tmp_path / "svc/sub").mkdir(parents=True)
    (tmp_path / "svc/sub/file").write_text("x")
    backup(tmp_path / "svc", tmp_path / "copy")
    shutil.copytree(tmp_path / "copy", tmp_path / "again")
    shutil.copy(tmp_path / "copy.manifest.json", tmp_path / "again.manifest.json")
    assert verify(tmp_path / "again").differences == ()


def test_what_passes_is_left_out_at_any_depth(tmp_path: Path) -> None:
    for name in ("tmp", "backups", "a/tmp", "a/b/backups", "tmpx", "a/keep"):
        (tmp_path / "svc" / name).mkdir(parents=True)
        (tmp_path / "svc" / name / "file").write_text("x")
    (tmp_path / "svc/a/keep/tmp").write_text("a file of that name is data")
    (tmp_path / "svc/lock.mdb").write_text("beside no LMDB database it is a file like any other")
    backup(tmp_path / "svc", tmp_path / "copy")
    there = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert there == {"a/keep/file", "a/keep/tmp", "lock.mdb", "tmpx/file"}


@pytest.mark.parametrize("pattern", ["logs", "./logs", "*logs", "**/logs", "lo?s"])
def test_directories_can_be_left_out_as_with_synapse(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "svc/logs").mkdir(parents=True)
    (tmp_path / "svc/data").mkdir()
    made = backup(tmp_path / "svc", tmp_path / "copy", skip=(pattern,))
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["data"]
    assert [(item.path, item.reason) for item in made.left_out] == [("logs", "by --skipdirs")]


def test_what_is_no_file_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "svc").mkdir()
    os.mkfifo(tmp_path / "svc/pipe")
    made = backup(tmp_path / "svc", tmp_path / "copy")
    assert [(item.path, item.reason) for item in made.left_out] == [("pipe", "it is a FIFO")]
    assert list((tmp_path / "copy").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "sealed"])
def test_root_keeps_owners(tmp_path: Path, passphrase: bytes | None) -> None:
    (tmp_path / "svc/sub").mkdir(parents=True)
    (tmp_path / "svc/sub/file").write_text("x")
    (tmp_path / "svc/link").symlink_to("sub")
    os.chown(tmp_path / "svc/sub/file", 1234, 5678)
    os.chown(tmp_path / "svc/sub", 4321, 5678)
    os.chown(tmp_path / "svc/link", 1234, 1, follow_symlinks=False)
    (tmp_path / "svc/sub/file").chmod(0o4755)
    made = backup(tmp_path / "svc", tmp_path / "copy", passphrase=passphrase)
    restore(Path(made.destination), tmp_path / "back", passphrase)
    for name in ("sub", "sub/file", "link"):
        was, status = (tmp_path / "svc" / name).lstat(), (tmp_path / "back" / name).lstat()
        assert (status.st_uid, status.st_gid, status.st_mode) == (was.st_uid, was.st_gid, was.st_mode)


def test_the_date_is_filled_in(tmp_path: Path) -> None:
    (tmp_path / "svc").mkdir()
    assert backup(tmp_path / "svc", tmp_path / "at-{date}").destination == str(tmp_path / "at-20260301T120000Z")
