"""Large files are written past the page cache, by a thread of its own: whatever their size, holes and end."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from easycert.backup import writing
from easycert.backup.contents import CHUNK
from easycert.errors import StoreFailure
from tests.backup.trees import backup, is_sparse
from tests.faults import Fault, injected


def written(path: Path, pieces: list[tuple[int, bytes]], *, large: bool) -> bytes:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    writing.write(descriptor, str(path), [(offset, memoryview(piece)) for offset, piece in pieces], large=large)
    os.close(descriptor)
    return path.read_bytes()


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 4097])
def test_what_is_written_is_what_was_given(tmp_path: Path, size: int, large: bool) -> None:
    data = os.urandom(size)
    pieces = [(at, data[at : at + 100_000]) for at in range(0, size, 100_000)]
    assert written(tmp_path / "file", pieces, large=large) == data


@pytest.mark.parametrize("large", [True, False])
def test_pieces_may_lie_anywhere(tmp_path: Path, large: bool) -> None:
    pieces = [(5, b"a" * 10), (8192, b"b" * 8192), (16385, b"c" * 5000), (3 * CHUNK, b"d" * 4096)]
    found = written(tmp_path / "file", pieces, large=large)
    assert [found[offset : offset + len(piece)] for offset, piece in pieces] == [piece for _, piece in pieces]
    assert sum(map(bool, found)) == sum(len(piece) for _, piece in pieces)


def test_what_the_disk_refuses_is_raised(tmp_path: Path) -> None:
    with injected(Fault("full", 3)), pytest.raises(OSError, match="No space left") as raised:
        written(tmp_path / "file", [(at * CHUNK, bytes(CHUNK)) for at in range(20)], large=True)
    assert raised.value.errno == errno.ENOSPC


def test_what_the_source_raises_is_raised(tmp_path: Path) -> None:
    def pieces() -> Iterator[tuple[int, memoryview]]:
        yield 0, memoryview(bytes(2 * CHUNK))
        raise KeyError("source")

    descriptor = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with pytest.raises(KeyError, match="source"):
        writing.write(descriptor, str(tmp_path / "file"), pieces(), large=True)
    os.close(descriptor)


def test_a_large_file_is_backed_up_with_its_holes_and_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "svc").mkdir()
    with (tmp_path / "svc/large").open("wb") as file:
        file.write(os.urandom(9 * CHUNK + 5))
        file.seek(20 * CHUNK)
        file.write(os.urandom(5000))
    with injected(Fault("full", 9)), pytest.raises(StoreFailure, match="No space left"):
        backup(tmp_path / "svc", tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["svc"]
    backup(tmp_path / "svc", tmp_path / "copy")
    assert (tmp_path / "copy/large").read_bytes() == (tmp_path / "svc/large").read_bytes()
    assert is_sparse(tmp_path / "copy/large")
