"""What is read from a directory: links, odd files, huge ones, and several directories along a search path."""

from __future__ import annotations

import errno
import os
import socket
import time
from pathlib import Path

import pytest

from easycert.errors import StoreFailure, UnreadableFile
from easycert.store.files import FileStore, read_file
from easycert.store.layout import Entry
from tests.store.examples import CERTIFICATE, CRL, KEY, save, save_pair


@pytest.fixture
def odd(certdir: Path) -> Path:
    path = certdir / CERTIFICATE.path
    path.parent.mkdir(parents=True)
    return path


def assert_unreadable(odd: Path, reason: str) -> None:
    begin = time.monotonic()
    for read in (lambda: FileStore([str(odd.parent.parent)]).read(CERTIFICATE), lambda: read_file(str(odd))):
        with pytest.raises(UnreadableFile, match=reason) as caught:
            read()
        assert caught.value.path == str(odd)
    assert time.monotonic() - begin < 60


def test_a_directory_is_refused(odd: Path) -> None:
    odd.mkdir()
    assert_unreadable(odd, "it is a directory")


def test_a_fifo_that_nobody_writes_to_is_refused_at_once(odd: Path) -> None:
    os.mkfifo(odd)
    assert_unreadable(odd, "it is not a regular file")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused_at_once(odd: Path, device: str) -> None:
    odd.symlink_to(device)
    assert_unreadable(odd, "cannot read")


def test_a_socket_is_refused(odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(odd.parent)  # the path of a socket may be 108 bytes long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(odd.name)
        assert_unreadable(odd, "cannot read")


def test_a_huge_file_is_refused_at_once(odd: Path) -> None:
    odd.touch()
    os.truncate(odd, 1 << 40)
    assert_unreadable(odd, "it is larger than 1 MiB")


def test_the_largest_file_is_a_mebibyte(odd: Path, store: FileStore) -> None:
    odd.write_bytes(bytes(1 << 20))
    assert len(store.read(CERTIFICATE) or b"") == 1 << 20


def test_a_crl_may_be_larger(odd: Path, store: FileStore) -> None:
    save(store, CRL, bytes(2 << 20))
    assert len(store.read(CRL) or b"") == 2 << 20


def test_a_file_that_hides_its_size_is_still_capped() -> None:
    """Files in /proc say that they are empty."""
    path = "/proc/self/environ"
    if not Path(path).exists():
        pytest.skip("there is no /proc here")
    with pytest.raises(UnreadableFile, match="too large"):
        read_file(path, limit=3)


def test_a_missing_file_that_a_person_named_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=os.strerror(errno.ENOENT)):
        read_file(str(tmp_path / "missing"))


def test_a_path_that_is_none_is_unreadable() -> None:
    with pytest.raises(UnreadableFile, match="no path"):
        read_file("a\0b")


def test_a_file_without_permission_is_unreadable(odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)  # root may read anything, so the system is played
    assert_unreadable(odd, os.strerror(errno.EACCES))


def test_a_file_where_a_folder_belongs_is_unreadable(certdir: Path, store: FileStore) -> None:
    certdir.mkdir(parents=True, mode=0o700)
    (certdir / "hosts").write_bytes(b"")
    with pytest.raises(UnreadableFile):
        store.read(CERTIFICATE)
    with pytest.raises(UnreadableFile):
        store.entries("hosts")
    with pytest.raises(StoreFailure):
        save_pair(store)


def test_entries_leaves_out_what_is_no_certificate(odd: Path, store: FileStore) -> None:
    odd.mkdir()
    os.mkfifo(odd.with_name("fifo.crt"))
    for name in (".hidden.crt", "README", "a.crt", "line\nbreak.crt", "dollar$.crt"):
        odd.with_name(name).touch()
    os.close(os.open(os.fsencode(odd.parent) + b"/\xff.crt", os.O_CREAT))
    assert store.entries("hosts") == [Entry("hosts", "a.crt")]


@pytest.fixture
def second(tmp_path: Path) -> FileStore:
    return FileStore([str(tmp_path / "second")])


@pytest.fixture
def both(certdir: Path, tmp_path: Path) -> FileStore:
    return FileStore([str(certdir), str(tmp_path / "second")])


def test_the_first_directory_that_has_a_file_wins(store: FileStore, second: FileStore, both: FileStore) -> None:
    save(second, KEY, b"second")
    assert (both.read(KEY), both.find(KEY)) == (b"second", second.path(KEY))
    save(store, KEY, b"first")
    assert (both.read(KEY), both.find(KEY)) == (b"first", store.path(KEY))


def test_entries_of_all_directories_are_listed_once(store: FileStore, second: FileStore, both: FileStore) -> None:
    save_pair(store)
    save(second, KEY)
    save(second, Entry("hosts", "other.crt"))
    assert [entry.filename for entry in both.entries("hosts")] == ["other.crt", "www.crt", "www.key"]


def test_the_first_directory_is_written_to_and_only_it_can_be_in_the_way(
    store: FileStore, second: FileStore, both: FileStore
) -> None:
    save(second, KEY, b"second")
    both.require_absent([KEY])
    save(both, KEY, b"first")
    assert (store.read(KEY), second.read(KEY)) == (b"first", b"second")


def test_a_relative_directory_is_shown_as_an_absolute_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert FileStore(["certs"]).path(KEY) == str(tmp_path / "certs" / KEY.path)


def test_a_link_that_leads_round_in_a_circle_hides_nothing_else(odd: Path) -> None:
    odd.write_bytes(b"x")
    circle = odd.with_name("circle.crt")
    circle.symlink_to(circle)
    store = FileStore([str(odd.parent.parent)])
    folder, name = CERTIFICATE.folder, CERTIFICATE.filename
    assert [entry.filename for entry in store.entries(folder)] == ["circle.crt", name]
    assert [entry.filename for entry in store.each(folder, "crt")] == ["circle.crt", name]
    assert list(store.stamps(folder)) == [name]
    with pytest.raises(UnreadableFile, match="ymbolic links"):
        store.read(Entry(folder, "circle.crt"))
