"""Sealed files are age's: what easycert seals age opens, and the other way; what was altered or cut is refused."""

from __future__ import annotations

import io
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.backup.sealing import Opener, Sealer
from easycert.errors import EasycertError, EncryptedKey, Malformed
from tests.backup.trees import PASSPHRASE, backup, restore, seen

CHUNK = 64 * 1024
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7]


def sealed(data: bytes, passphrase: bytes = PASSPHRASE, work_factor: int = 4) -> bytes:
    out = io.BytesIO()
    sealer = Sealer(out.write, passphrase, work_factor=work_factor)
    sealer.write(data)
    sealer.close()
    return out.getvalue()


def opened(data: bytes, passphrase: bytes | None = PASSPHRASE) -> bytes:
    opener = Opener(io.BytesIO(data).read, passphrase, "it")
    pieces = []
    while piece := opener.read(50_000):
        pieces.append(piece)
    return b"".join(pieces)


def age(*argv: str) -> int:
    """Run age with a terminal, from which alone it takes a passphrase, and type it whenever it asks."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(argv[0], argv)
    asked = b""
    while True:
        try:
            asked += os.read(terminal, 4096)
        except OSError:  # it has ended
            break
        if asked.rstrip().endswith(b":"):
            os.write(terminal, PASSPHRASE + b"\n")
            asked = b""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_is_opened(size: int) -> None:
    data = os.urandom(size)
    assert opened(sealed(data)) == data


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_what_we_seal(size: int, need_module: Callable[[str], object]) -> None:
    pyrage = need_module("pyrage")
    data = os.urandom(size)
    assert pyrage.passphrase.decrypt(sealed(data), PASSPHRASE.decode()) == data  # type: ignore[attr-defined]


@pytest.mark.slow  # it makes scrypt work hard, and so must we
def test_we_open_what_pyrage_seals(need_module: Callable[[str], object]) -> None:
    data = os.urandom(SIZES[-1])
    pyrage = need_module("pyrage")
    assert opened(pyrage.passphrase.encrypt(data, PASSPHRASE.decode())) == data  # type: ignore[attr-defined]


@pytest.mark.real
def test_age_and_tar_restore_a_backup_without_easycert(tmp_path: Path, need: Callable[[str], str]) -> None:
    (tmp_path / "svc/sub").mkdir(parents=True)
    (tmp_path / "svc/sub/long-name-\u00e9\u4e16".ljust(120, "x")).write_bytes(os.urandom(200_000))
    (tmp_path / "svc/script").write_text("x")
    (tmp_path / "svc/script").chmod(0o751)
    (tmp_path / "svc/again").hardlink_to(tmp_path / "svc/script")
    (tmp_path / "svc/link").symlink_to("sub")
    (tmp_path / "svc" / os.fsdecode(b"\xff\xfe")).write_text("no UTF-8")
    with (tmp_path / "svc/sub/sparse-\u00e9").open("wb") as file:
        file.truncate(3_000_000)
        file.seek(1_000_000)
        file.write(b"x")
    backup(tmp_path / "svc", tmp_path / "copy", passphrase=PASSPHRASE)
    assert age(need("age"), "-d", "-o", str(tmp_path / "copy.tar"), str(tmp_path / "copy.tar.age")) == 0
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "xpf", str(tmp_path / "copy.tar"), "-C", str(tmp_path / "out")], check=True)
    assert seen(tmp_path / "out/copy") == seen(tmp_path / "svc")
    assert (tmp_path / "out/copy.manifest.json").exists()


@pytest.mark.real
@pytest.mark.slow  # it makes scrypt work as hard as it can
def test_we_open_what_age_seals(tmp_path: Path, need: Callable[[str], str]) -> None:
    (tmp_path / "data").write_bytes(b"data" * 100_000)
    assert age(need("age"), "-p", "-o", str(tmp_path / "data.age"), str(tmp_path / "data")) == 0
    assert opened((tmp_path / "data.age").read_bytes()) == b"data" * 100_000


def test_a_wrong_or_missing_passphrase_is_told_apart() -> None:
    with pytest.raises(EncryptedKey, match="wrong"):
        opened(sealed(b"data"), b"another")
    with pytest.raises(EncryptedKey, match="missing"):
        opened(sealed(b"data"), None)


def test_a_work_factor_that_would_take_too_long_is_refused_before_any_work() -> None:
    with pytest.raises(Malformed, match="work factor 30"):
        opened(sealed(b"data").replace(b" 4\n", b" 30\n", 1))


@pytest.mark.parametrize("number", [b"04", b"x", b"", b"-4", b"999"])
def test_a_work_factor_that_is_no_number_is_refused(number: bytes) -> None:
    with pytest.raises(Malformed):
        opened(sealed(b"data").replace(b" 4\n", b" " + number + b"\n", 1))


def test_a_file_for_keys_is_refused() -> None:
    with pytest.raises(Malformed, match="sealed for keys"):
        opened(sealed(b"data").replace(b"-> scrypt ", b"-> X25519 ", 1))


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_bit_can_be_altered(at: int, bit: int) -> None:
    data = bytearray(sealed(b"data" * 5, work_factor=1))
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(EasycertError):
        opened(bytes(data))


@given(size=st.sampled_from([0, 5, CHUNK, 2 * CHUNK]), cut=st.integers(min_value=1))
def test_nothing_can_be_cut_off(size: int, cut: int) -> None:
    data = sealed(bytes(size), work_factor=1)
    with pytest.raises(Malformed):
        opened(data[: len(data) - 1 - (cut - 1) % len(data)])


def test_chunks_cannot_be_left_out_swapped_or_added() -> None:
    data = sealed(bytes(3 * CHUNK), work_factor=1)
    size = CHUNK + 16
    head, chunks = data[: -3 * size], [data[-3 * size : -2 * size], data[-2 * size : -size], data[-size:]]
    for order in ([0, 1], [1, 0, 2], [0, 2], [0, 1, 2, 2], [0, 0, 1, 2]):
        with pytest.raises(Malformed):
            opened(head + b"".join(chunks[number] for number in order))


@given(st.binary(max_size=300))
def test_anything_else_is_refused_in_a_sentence(data: bytes) -> None:
    for begin in (b"", b"age-encryption.org/v1\n", b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1\n"):
        with pytest.raises(EasycertError):
            opened(begin + data)


@pytest.mark.parametrize("damage", ["cut", "altered", "passphrase"])
def test_a_damaged_backup_is_not_restored(tmp_path: Path, damage: str) -> None:
    (tmp_path / "svc").mkdir()
    (tmp_path / "svc/file").write_bytes(os.urandom(300_000))
    backup(tmp_path / "svc", tmp_path / "copy", passphrase=PASSPHRASE)
    path = tmp_path / "copy.tar.age"
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: 2 * CHUNK])
    elif damage == "altered":
        path.write_bytes(data[:100_000] + b"x" + data[100_001:])
    with pytest.raises((Malformed, EncryptedKey)):
        restore(path, tmp_path / "back", b"wrong" if damage == "passphrase" else PASSPHRASE)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["copy.tar.age", "svc"]
