"""What the store does to a real directory: modes, traces, links, StrictModes and what the system refuses."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from easycert.errors import AlreadyExists, StoreFailure, UnreadableFile, UnsafeDirectory
from easycert.store.files import FileStore, Strictness
from easycert.store.layout import Entry
from tests.store.examples import CERTIFICATE, CRL, KEY, everything, save, save_pair


@pytest.fixture(params=[0o000, 0o077], ids=["umask 000", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


class TestModes:
    def test_a_key_is_for_its_owner_and_a_certificate_for_all(
        self, store: FileStore, certdir: Path, umask: int
    ) -> None:
        save_pair(store)
        assert (mode(certdir / KEY.path), mode(certdir / CERTIFICATE.path)) == (0o600, 0o644)

    def test_directories_are_for_their_owner(self, store: FileStore, certdir: Path, umask: int) -> None:
        save_pair(store)
        made = [certdir, *(path for path in certdir.rglob("*") if path.is_dir())]
        assert {mode(path) for path in made} == {0o700}

    def test_a_directory_above_is_as_the_umask_says(self, store: FileStore, certdir: Path, umask: int) -> None:
        save_pair(store)
        assert mode(certdir.parent) == 0o777 & ~umask

    def test_a_key_is_never_readable_by_others(
        self, store: FileStore, umask: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not even before its first byte, when only the mode of open(2) protects it."""
        modes, write = [], os.write

        def watching(descriptor: int, data: bytes) -> int:
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
            return write(descriptor, data)

        monkeypatch.setattr(os, "write", watching)
        save_pair(store)
        assert set(modes) == {0o600}

    def test_a_replaced_key_gets_the_mode_of_a_key(self, store: FileStore, certdir: Path) -> None:
        save_pair(store)
        (certdir / KEY.path).chmod(0o644)
        assert store.exposed(KEY)
        with store.transaction() as transaction:
            transaction.replace(KEY, b"new", private=True)
        assert not store.exposed(KEY)


class TestTraces:
    def test_reading_makes_nothing(self, store: FileStore, certdir: Path) -> None:
        store.read(KEY)
        store.find(KEY)
        store.entries("hosts")
        store.require_absent([KEY])
        store.recover()
        assert not certdir.parent.exists()

    def test_a_transaction_that_is_given_up_leaves_not_even_the_directory(
        self, store: FileStore, certdir: Path
    ) -> None:
        with pytest.raises(LookupError), store.transaction() as transaction:
            transaction.create(KEY, b"key")
            raise LookupError
        assert not certdir.parent.exists()

    def test_a_refusal_leaves_a_foreign_directory_as_it_was(self, store: FileStore, certdir: Path) -> None:
        (certdir / "hosts").mkdir(parents=True)
        (certdir / CERTIFICATE.path).write_bytes(b"theirs")
        before = everything(certdir)
        with pytest.raises(AlreadyExists):
            save_pair(store)
        assert everything(certdir) == before

    def test_the_journal_and_the_lock_are_empty_after_a_success(self, store: FileStore, certdir: Path) -> None:
        save_pair(store)
        assert everything(certdir / ".easycert") == {"lock": b"", "journal": b""}

    def test_any_number_of_files_appears(self, store: FileStore, certdir: Path) -> None:
        """Beyond a hundred they are made durable in another way."""
        with store.transaction() as transaction:
            for number in range(150):
                transaction.create(Entry("hosts", f"{number}.crt"), b"%d" % number)
        assert len(store.entries("hosts")) == 150
        assert store.read(Entry("hosts", "149.crt")) == b"149"
        assert everything(certdir / ".easycert/journal") == {}


class TestLinks:
    def test_a_symbolic_link_to_a_file_is_read_through(self, store: FileStore, certdir: Path) -> None:
        (certdir / "hosts").mkdir(parents=True)
        (certdir / "archive").write_bytes(b"certificate")
        (certdir / CERTIFICATE.path).symlink_to("../archive")
        assert store.read(CERTIFICATE) == b"certificate"
        assert store.find(CERTIFICATE) == str(certdir / CERTIFICATE.path)

    def test_a_dangling_link_reads_as_missing_but_is_in_the_way(self, store: FileStore, certdir: Path) -> None:
        (certdir / "hosts").mkdir(parents=True)
        (certdir / CERTIFICATE.path).symlink_to("nowhere")
        assert store.read(CERTIFICATE) is None
        with pytest.raises(AlreadyExists):
            save(store, CERTIFICATE)
        with pytest.raises(AlreadyExists):
            store.require_absent([CERTIFICATE])

    @pytest.mark.parametrize("kind", ["symbolic", "hard"])
    def test_replacing_a_link_leaves_what_it_leads_to_alone(
        self, store: FileStore, certdir: Path, tmp_path: Path, kind: str
    ) -> None:
        victim, target = tmp_path / "victim", certdir / CERTIFICATE.path
        target.parent.mkdir(parents=True)
        victim.write_bytes(b"victim")
        target.symlink_to(victim) if kind == "symbolic" else target.hardlink_to(victim)
        with store.transaction() as transaction:
            transaction.replace(CERTIFICATE, b"new")
        assert (victim.read_bytes(), target.read_bytes(), target.is_symlink()) == (b"victim", b"new", False)

    def test_a_loop_of_links_is_unreadable(self, store: FileStore, certdir: Path) -> None:
        (certdir / "hosts").mkdir(parents=True)
        (certdir / CERTIFICATE.path).symlink_to(CERTIFICATE.filename)
        with pytest.raises(UnreadableFile, match=os.strerror(errno.ELOOP)):
            store.read(CERTIFICATE)

    def test_a_symbolic_link_to_a_certificate_directory_is_followed(self, certdir: Path, tmp_path: Path) -> None:
        certdir.mkdir(parents=True, mode=0o700)
        (tmp_path / "link").symlink_to(certdir)
        store = FileStore([str(tmp_path / "link")])
        save_pair(store)
        assert (certdir / KEY.path).read_bytes() == b"key"
        assert store.path(KEY) == str(tmp_path / "link" / KEY.path)

    @pytest.mark.parametrize("what", ["a file", "a link"])
    def test_the_lock_is_never_taken_through_a_link(
        self, store: FileStore, certdir: Path, tmp_path: Path, what: str
    ) -> None:
        victim = tmp_path / "victim"
        victim.write_bytes(b"victim")
        (certdir / ".easycert").mkdir(parents=True, mode=0o700)
        (certdir / ".easycert/lock").symlink_to(victim if what == "a file" else "nowhere")
        with pytest.raises(StoreFailure):
            save_pair(store)
        assert victim.read_bytes() == b"victim"

    def test_a_directory_swapped_during_a_transaction_cannot_redirect_it(
        self, store: FileStore, certdir: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        with store.transaction() as transaction:
            transaction.create(KEY, b"key")
            certdir.rename(tmp_path / "moved")
            certdir.symlink_to(tmp_path / "elsewhere")
        assert everything(tmp_path / "elsewhere") == {}
        assert (tmp_path / "moved" / KEY.path).read_bytes() == b"key"

    def test_a_foreign_file_that_appears_meanwhile_is_not_overwritten(self, store: FileStore, certdir: Path) -> None:
        with pytest.raises(AlreadyExists) as caught, store.transaction() as transaction:
            transaction.create(KEY, b"key")
            transaction.create(CERTIFICATE, b"ours")
            (certdir / "hosts").mkdir()
            (certdir / CERTIFICATE.path).write_bytes(b"theirs")
        assert caught.value.path == str(certdir / CERTIFICATE.path)
        assert everything(certdir / "hosts") == {CERTIFICATE.filename: b"theirs"}

    def test_a_link_that_was_replaced_is_a_link_again_when_the_command_fails(
        self, store: FileStore, certdir: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "victim").write_bytes(b"victim")
        (certdir / "hosts").mkdir(parents=True)
        (certdir / CERTIFICATE.path).symlink_to(tmp_path / "victim")
        with pytest.raises(AlreadyExists), store.transaction() as transaction:
            transaction.replace(CERTIFICATE, b"ours")
            transaction.create(KEY, b"ours")
            (certdir / KEY.path).write_bytes(b"theirs")
        assert (certdir / CERTIFICATE.path).is_symlink()
        assert everything(certdir / "hosts") == {KEY.filename: b"theirs", CERTIFICATE.filename: b"victim"}

    def test_names_that_differ_by_case_alone_are_two_files_or_one_refusal(self, store: FileStore) -> None:
        """Which of the two depends on the file system; a half-written pair is neither."""
        upper = Entry("hosts", "WWW.crt")
        try:
            with store.transaction() as transaction:
                transaction.create(CERTIFICATE, b"one")
                transaction.create(upper, b"two")
        except AlreadyExists:
            assert store.entries("hosts") == []
        else:
            assert (store.read(CERTIFICATE), store.read(upper)) == (b"one", b"two")


class TestStrictModes:
    @pytest.fixture(params=["", "hosts", ".easycert"])
    def unsafe(self, request: pytest.FixtureRequest, certdir: Path) -> Path:
        path = certdir / request.param
        path.mkdir(parents=True)
        certdir.chmod(0o700)
        path.chmod(0o770)
        return path

    def test_a_directory_that_others_may_write_to_is_refused(
        self, store: FileStore, certdir: Path, unsafe: Path
    ) -> None:
        before = everything(certdir)
        with pytest.raises(UnsafeDirectory, match="is writable by others") as caught:
            save_pair(store)
        assert caught.value.path.rstrip("/") == str(unsafe)
        assert everything(certdir) == before

    def test_a_warning_is_given_instead_when_asked_for(self, certdir: Path, unsafe: Path) -> None:
        said: list[str] = []
        save_pair(FileStore([str(certdir)], unsafe=Strictness.WARN, report=said.append))
        assert said == [f"{unsafe} is writable by others than its owner (mode 0770)"]

    def test_nothing_is_said_when_it_is_allowed(self, certdir: Path, unsafe: Path) -> None:
        said: list[str] = []
        save_pair(FileStore([str(certdir)], unsafe=Strictness.ALLOW, report=said.append))
        assert said == []

    def test_reading_needs_no_safe_directory(self, store: FileStore, unsafe: Path) -> None:
        assert store.read(KEY) is None

    def test_a_directory_of_another_user_is_refused(
        self, store: FileStore, certdir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certdir.mkdir(parents=True, mode=0o700)
        os.chown(certdir, 1234, -1) if os.geteuid() == 0 else monkeypatch.setattr(os, "geteuid", lambda: 1234)
        with pytest.raises(UnsafeDirectory, match="owned by another user"):
            save_pair(store)


class TestFailures:
    @pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EMFILE, errno.ENOSPC, errno.EDQUOT, errno.EIO])
    @pytest.mark.parametrize("call", ["open", "mkdir", "link", "rename", "fsync"])
    def test_what_the_system_refuses_is_one_sentence(
        self, store: FileStore, certdir: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
    ) -> None:
        def refuse(*args: object, **kwargs: object) -> None:
            raise OSError(number, os.strerror(number), "somewhere")

        with monkeypatch.context() as patched, pytest.raises(StoreFailure) as caught:
            patched.setattr(os, call, refuse)
            save_pair(store)
        assert str(caught.value) == f"cannot write to {certdir}: {os.strerror(number)}"
        assert not certdir.parent.exists()

    @pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
    def test_a_file_system_without_locks_is_refused(
        self, store: FileStore, certdir: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        def refuse(*args: object) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patched, pytest.raises(StoreFailure, match="cannot lock"):
            patched.setattr(fcntl, "flock", refuse)
            save_pair(store)
        assert not certdir.parent.exists()

    def test_a_system_that_writes_a_few_bytes_at_a_time_is_asked_again(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = os.write
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
            save(store, CERTIFICATE, b"certificate")
        assert store.read(CERTIFICATE) == b"certificate"

    def test_a_name_that_the_file_system_cannot_hold_is_refused(self, store: FileStore, certdir: Path) -> None:
        with pytest.raises(StoreFailure, match=os.strerror(errno.ENAMETOOLONG)):
            save(store, Entry("hosts", "x" * 300 + ".crt"))
        assert not certdir.parent.exists()

    def test_a_directory_is_never_replaced(self, store: FileStore, certdir: Path) -> None:
        (certdir / CERTIFICATE.path).mkdir(parents=True)
        with pytest.raises(StoreFailure, match="it is a directory"), store.transaction() as transaction:
            transaction.replace(CERTIFICATE, b"new")
        assert (certdir / CERTIFICATE.path).is_dir()

    def test_no_descriptor_stays_open(self, store: FileStore) -> None:
        if not Path("/proc/self/fd").exists():
            pytest.skip("there is no /proc here")
        save_pair(store)
        before = os.listdir("/proc/self/fd")
        save(store, CRL)
        with pytest.raises(AlreadyExists):
            save_pair(store)
        assert os.listdir("/proc/self/fd") == before

    def test_a_transaction_outside_of_its_block_is_a_programming_error(self, store: FileStore) -> None:
        with pytest.raises(RuntimeError):
            store.transaction().create(KEY, b"key")


def test_marks_are_of_every_directory_of_the_path_and_of_links_that_lead_nowhere(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "cas").mkdir(parents=True)
        (tmp_path / name / "cas" / "a.crt").write_text(name)
    (tmp_path / "two/cas/.hidden.crt").write_text("")
    (tmp_path / "two/cas/lost.crt").symlink_to(tmp_path / "nowhere")
    marks = FileStore([str(tmp_path / "one"), str(tmp_path / "two")]).marks("cas", "crt")
    assert [mark[0] for mark in marks] == [
        str(tmp_path / name) for name in ("one/cas/a.crt", "two/cas/a.crt", "two/cas/lost.crt")
    ]
