"""LMDB: compacted, of one moment, whoever writes meanwhile; refused where it could only be copied wrongly."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from easycert.backup import environments
from easycert.backup.environments import Environments
from easycert.backup.headers import lmdb_meta
from easycert.cli.hints import advice
from easycert.errors import BackupRefused, LmdbMissing, StoreFailure
from tests.backup.trees import PASSPHRASE, backup, lmdb_in, lmdb_values, restore, run_child, seen, verify
from tests.faults import Fault, injected

#: Writes the same new number into each of the environments that it is given, in turn, until its stdin ends.
WRITER = """
import lmdb, os, select, sys
environments = [lmdb.open(path, map_size=1 << 26, max_dbs=4, sync=False) for path in sys.argv[1:]]
number = 0
while True:
    number += 1
    for environment in environments:
        with environment.begin(write=True) as change:
            change.put(b"number", b"%d" % number)
            for place in range(200):
                change.put(b"filler %d" % place, os.urandom(200))
    if number == 3:
        print("going", flush=True)
    if select.select([sys.stdin], [], [], 0.001)[0]:
        break
"""


@pytest.fixture
def svc(tmp_path: Path) -> Path:
    lmdb_in(tmp_path / "svc/slabs/cell.lmdb")
    return tmp_path / "svc"


@pytest.fixture
def written_to(svc: Path) -> Iterator[list[Path]]:
    """Have two environments that a service writes to without a pause, one after the other."""
    paths = [svc / "one.lmdb", svc / "two.lmdb"]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, *map(str, paths)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdin
    assert writer.stdout
    try:
        assert writer.stdout.readline() == b"going\n"
        yield paths
    finally:
        writer.communicate()
        assert writer.returncode == 0


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "sealed"])
def test_a_copy_has_all_values_and_is_compacted(svc: Path, tmp_path: Path, passphrase: bytes | None) -> None:
    before = seen(svc)
    made = backup(svc, tmp_path / "copy", passphrase=passphrase)
    changed = {path for path, now in seen(svc).items() if before.get(path) != now}
    assert changed <= {"slabs/cell.lmdb/lock.mdb"}, "but for the reader's place, nothing is made or changed"
    assert verify(Path(made.destination), passphrase).differences == ()
    restore(Path(made.destination), tmp_path / "back", passphrase)
    data = tmp_path / "back/slabs/cell.lmdb/data.mdb"
    assert lmdb_values(data.parent) == lmdb_values(svc / "slabs/cell.lmdb")
    assert data.stat().st_size < (svc / "slabs/cell.lmdb/data.mdb").stat().st_size
    assert data.stat().st_mtime_ns == (svc / "slabs/cell.lmdb/data.mdb").stat().st_mtime_ns
    assert not (data.parent / "lock.mdb").exists()
    assert (made.lmdb, made.one_moment) == (1, True)


def test_a_copy_keeps_the_room_that_the_service_gave(svc: Path, tmp_path: Path) -> None:
    backup(svc, tmp_path / "copy")
    meta = lmdb_meta((tmp_path / "copy/slabs/cell.lmdb/data.mdb").read_bytes()[:8192])
    assert meta
    assert meta.map_size == 1 << 26


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "sealed"])
def test_environments_that_are_written_to_are_copied_whole(
    svc: Path, written_to: list[Path], tmp_path: Path, passphrase: bytes | None
) -> None:
    made = backup(svc, tmp_path / "copy", passphrase=passphrase)
    restore(Path(made.destination), tmp_path / "back", passphrase)
    numbers = [_number(tmp_path / "back" / path.name) for path in written_to]
    assert min(numbers) >= 3, "what was written before is there"
    if made.one_moment:
        assert numbers[0] - numbers[1] in (0, 1), "the service writes to the first one first"


def _number(folder: Path) -> int:
    return int(
        run_child(
            "import lmdb, sys\n"
            "environment = lmdb.open(sys.argv[1], max_dbs=4, lock=False, readonly=True)\n"
            "with environment.begin() as look:\n"
            "    assert sum(1 for _ in look.cursor()) == 201\n"
            "    print(look.get(b'number').decode())\n",
            str(folder),
        )
    )


def test_an_environment_that_nobody_ever_opened_gets_no_lock_file(tmp_path: Path) -> None:
    lmdb_in(tmp_path / "svc/cell.lmdb", lock=False)
    backup(tmp_path / "svc", tmp_path / "copy")
    assert not (tmp_path / "svc/cell.lmdb/lock.mdb").exists()
    assert lmdb_values(tmp_path / "copy/cell.lmdb") == lmdb_values(tmp_path / "svc/cell.lmdb")


def test_an_environment_that_is_opened_meanwhile_for_the_first_time_is_refused(tmp_path: Path) -> None:
    path = lmdb_in(tmp_path / "svc/cell.lmdb", lock=False) / "data.mdb"
    with Environments([str(path)]) as held:
        for _ in held.content(str(path)).chunks:
            pass
        (path.parent / "lock.mdb").touch()
        with pytest.raises(BackupRefused, match="somebody began to use it"):
            held.release(str(path))


def test_an_environment_in_a_single_file_is_copied_by_lmdb_too(tmp_path: Path) -> None:
    (tmp_path / "svc").mkdir()
    run_child(
        "import lmdb, sys\n"
        "environment = lmdb.open(sys.argv[1], subdir=False)\n"
        "with environment.begin(write=True) as change: change.put(b'a', b'b')\n",
        str(tmp_path / "svc/cache"),
    )
    made = backup(tmp_path / "svc", tmp_path / "copy")
    assert made.lmdb == 1
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["cache"]


def test_an_empty_environment_is_copied(tmp_path: Path) -> None:
    (tmp_path / "svc").mkdir()
    run_child("import lmdb, sys\nlmdb.open(sys.argv[1])\n", str(tmp_path / "svc/empty.lmdb"))
    made = backup(tmp_path / "svc", tmp_path / "copy")
    assert made.lmdb == 1
    run_child("import lmdb, sys\nlmdb.open(sys.argv[1])\n", str(tmp_path / "copy/empty.lmdb"))


@pytest.mark.parametrize("data", [b"", b"encrypted" * 1000, b"\0" * 16 + b"\xde\xc0\xef\xbe" + b"\xff" * 9000])
def test_what_lmdb_cannot_read_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "svc/x.lmdb").mkdir(parents=True)
    (tmp_path / "svc/x.lmdb/data.mdb").write_bytes(data)
    with pytest.raises(BackupRefused, match=r"x\.lmdb/data\.mdb: .*(damaged|encrypted)"):
        backup(tmp_path / "svc", tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["svc"]


def test_a_damaged_environment_is_refused_and_leaves_nothing(svc: Path, tmp_path: Path) -> None:
    data = svc / "slabs/cell.lmdb/data.mdb"
    size = data.stat().st_size
    with data.open("r+b") as file:
        file.truncate(8192)
        file.truncate(size)
    with pytest.raises(BackupRefused, match="LMDB cannot copy it"):
        backup(svc, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["svc"]


def test_without_py_lmdb_a_directory_with_lmdb_is_refused(
    svc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "lmdb":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LmdbMissing, match=r"cell\.lmdb/data\.mdb is an LMDB database") as raised:
        backup(svc, tmp_path / "copy")
    assert advice(raised.value).startswith("pip install 'easycert[lmdb]' (or")
    assert [path.name for path in tmp_path.iterdir()] == ["svc"]


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "sealed"])
def test_a_disk_that_is_full_in_the_middle_of_an_environment_leaves_nothing(
    svc: Path, tmp_path: Path, passphrase: bytes | None
) -> None:
    run_child(
        "import lmdb, os, sys\n"
        "environment = lmdb.open(sys.argv[1], map_size=1 << 26)\n"
        "with environment.begin(write=True) as change:\n"
        "    for number in range(12000): change.put(b'%d' % number, os.urandom(1000))\n",
        str(svc / "large.lmdb"),
    )
    with injected(Fault("full", 12)), pytest.raises(StoreFailure, match="No space left"):
        backup(svc, tmp_path / "copy", passphrase=passphrase)
    assert [path.name for path in tmp_path.iterdir()] == ["svc"]
    backup(svc, tmp_path / "copy", passphrase=passphrase)


def test_an_interrupt_in_the_middle_of_an_environment_ends_the_copy(svc: Path) -> None:
    path = str(svc / "slabs/cell.lmdb/data.mdb")
    with pytest.raises(KeyboardInterrupt), Environments([path]) as held:
        for _ in held.content(path).chunks:
            raise KeyboardInterrupt
    assert "lmdb" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("there", ["file", "nothing"])
def test_a_lock_that_leads_elsewhere_is_refused_and_what_is_there_left_alone(
    svc: Path, tmp_path: Path, there: str
) -> None:
    victim = tmp_path / "victim"
    if there == "file":
        victim.write_text("precious")
    lmdb_in(svc / "led")
    (svc / "led/lock.mdb").unlink(missing_ok=True)
    (svc / "led/lock.mdb").symlink_to(victim)
    with pytest.raises(BackupRefused, match="not a regular file"):
        backup(svc, tmp_path / "copy")
    assert victim.read_text() == "precious" if there == "file" else not victim.exists()


def test_root_opens_an_environment_as_whoever_owns_its_directory(svc: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    folder = svc / "led"
    lmdb_in(folder)
    (folder / "lock.mdb").unlink(missing_ok=True)
    victim = svc / "victim"
    victim.touch(0o600)
    for path in (folder, folder / "data.mdb"):
        os.chown(path, 65534, 65534)
    (folder / "lock.mdb").symlink_to(victim)
    opened = environments._Environment(str(folder / "data.mdb"))
    with pytest.raises(BackupRefused, match="denied"):  # as if it became a link behind the look at it
        opened._opened()
    assert (os.geteuid(), victim.read_bytes()) == (0, b"")
