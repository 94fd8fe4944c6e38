"""What the store does that only a real directory can show: modes, links, odd files, StrictModes, journal, locks."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from easycert.errors import AlreadyExists, StoreBusy, StoreFailure, UnreadableFile, UnsafeDirectory
from easycert.store.files import FileStore, Strictness, read_file
from easycert.store.layout import Entry

KEY, CERTIFICATE, CRL = Entry("hosts", "www.key"), Entry("hosts", "www.crt"), Entry("crls", "ca.crl")
HOSTILE = Entry("hosts", "$(id) 'a\" \udcff\u6771\t\n;.crt")


@pytest.fixture
def certdir(tmp_path: Path) -> Path:
    return tmp_path / "above" / "certs"


@pytest.fixture
def store(certdir: Path) -> FileStore:
    return FileStore([str(certdir)], lock_timeout=0)


@pytest.fixture(params=[0o000, 0o077], ids=["umask 000", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def save_pair(store: FileStore) -> None:
    with store.transaction() as transaction:
        transaction.create(KEY, b"key", private=True)
        transaction.create(CERTIFICATE, b"certificate")


def save(store: FileStore, entry: Entry, data: bytes = b"data") -> None:
    with store.transaction() as transaction:
        transaction.create(entry, data)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def everything(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() if path.is_file() else b"" for path in top.rglob("*")}


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


class TestReading:
    @pytest.fixture
    def odd(self, certdir: Path) -> Path:
        path = certdir / CERTIFICATE.path
        path.parent.mkdir(parents=True)
        return path

    def assert_unreadable(self, odd: Path, reason: str) -> None:
        begin = time.monotonic()
        for read in (lambda: FileStore([str(odd.parent.parent)]).read(CERTIFICATE), lambda: read_file(str(odd))):
            with pytest.raises(UnreadableFile, match=reason) as caught:
                read()
            assert caught.value.path == str(odd)
        assert time.monotonic() - begin < 5

    def test_a_directory_is_refused(self, odd: Path) -> None:
        odd.mkdir()
        self.assert_unreadable(odd, "it is a directory")

    def test_a_fifo_that_nobody_writes_to_is_refused_at_once(self, odd: Path) -> None:
        os.mkfifo(odd)
        self.assert_unreadable(odd, "it is not a regular file")

    @pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
    def test_a_device_is_refused_at_once(self, odd: Path, device: str) -> None:
        odd.symlink_to(device)
        self.assert_unreadable(odd, "cannot read")

    def test_a_socket_is_refused(self, odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(odd.parent)  # the path of a socket may be 108 bytes long
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(odd.name)
            self.assert_unreadable(odd, "cannot read")

    def test_a_huge_file_is_refused_at_once(self, odd: Path) -> None:
        odd.touch()
        os.truncate(odd, 1 << 40)
        self.assert_unreadable(odd, "it is larger than 1 MiB")

    def test_the_largest_file_is_a_mebibyte(self, odd: Path, store: FileStore) -> None:
        odd.write_bytes(bytes(1 << 20))
        assert len(store.read(CERTIFICATE) or b"") == 1 << 20

    def test_a_crl_may_be_larger(self, odd: Path, store: FileStore) -> None:
        save(store, CRL, bytes(2 << 20))
        assert len(store.read(CRL) or b"") == 2 << 20

    def test_a_file_that_hides_its_size_is_still_capped(self) -> None:
        """Files in /proc say that they are empty."""
        path = "/proc/self/environ"
        if not Path(path).exists():
            pytest.skip("there is no /proc here")
        with pytest.raises(UnreadableFile, match="too large"):
            read_file(path, limit=3)

    def test_a_missing_file_that_a_person_named_is_unreadable(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile, match=os.strerror(errno.ENOENT)):
            read_file(str(tmp_path / "missing"))

    def test_a_path_that_is_none_is_unreadable(self) -> None:
        with pytest.raises(UnreadableFile, match="no path"):
            read_file("a\0b")

    def test_a_file_without_permission_is_unreadable(self, odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*args: object, **kwargs: object) -> int:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(os, "open", refuse)  # root may read anything, so the system is played
        self.assert_unreadable(odd, os.strerror(errno.EACCES))

    def test_a_file_where_a_folder_belongs_is_unreadable(self, certdir: Path, store: FileStore) -> None:
        certdir.mkdir(parents=True, mode=0o700)
        (certdir / "hosts").write_bytes(b"")
        with pytest.raises(UnreadableFile):
            store.read(CERTIFICATE)
        with pytest.raises(UnreadableFile):
            store.entries("hosts")
        with pytest.raises(StoreFailure):
            save_pair(store)

    def test_entries_leaves_out_what_is_no_certificate(self, odd: Path, store: FileStore) -> None:
        odd.mkdir()
        os.mkfifo(odd.with_name("fifo.crt"))
        for name in (".hidden.crt", "README", "a.crt", "line\nbreak.crt", "dollar$.crt"):
            odd.with_name(name).touch()
        os.close(os.open(os.fsencode(odd.parent) + b"/\xff.crt", os.O_CREAT))
        assert store.entries("hosts") == [Entry("hosts", "a.crt")]


class TestSearchPath:
    @pytest.fixture
    def second(self, tmp_path: Path) -> FileStore:
        return FileStore([str(tmp_path / "second")])

    @pytest.fixture
    def both(self, certdir: Path, tmp_path: Path) -> FileStore:
        return FileStore([str(certdir), str(tmp_path / "second")])

    def test_the_first_directory_that_has_a_file_wins(
        self, store: FileStore, second: FileStore, both: FileStore
    ) -> None:
        save(second, KEY, b"second")
        assert (both.read(KEY), both.find(KEY)) == (b"second", second.path(KEY))
        save(store, KEY, b"first")
        assert (both.read(KEY), both.find(KEY)) == (b"first", store.path(KEY))

    def test_entries_of_all_directories_are_listed_once(
        self, store: FileStore, second: FileStore, both: FileStore
    ) -> None:
        save_pair(store)
        save(second, KEY)
        save(second, Entry("hosts", "other.crt"))
        assert [entry.filename for entry in both.entries("hosts")] == ["other.crt", "www.crt", "www.key"]

    def test_the_first_directory_is_written_to_and_only_it_can_be_in_the_way(
        self, store: FileStore, second: FileStore, both: FileStore
    ) -> None:
        save(second, KEY, b"second")
        both.require_absent([KEY])
        save(both, KEY, b"first")
        assert (store.read(KEY), second.read(KEY)) == (b"first", b"second")

    def test_a_relative_directory_is_shown_as_an_absolute_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert FileStore(["certs"]).path(KEY) == str(tmp_path / "certs" / KEY.path)


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


class TestJournal:
    @pytest.fixture
    def said(self) -> list[str]:
        return []

    @pytest.fixture
    def used(self, certdir: Path, said: list[str]) -> FileStore:
        save(FileStore([str(certdir)]), CRL)
        return FileStore([str(certdir)], report=said.append)

    def entry(self, certdir: Path, record: bytes | None, *files: bytes) -> Path:
        path = certdir / ".easycert/journal" / "0123456789abcdef"
        path.mkdir()
        for number, data in enumerate(files):
            (path / str(number)).write_bytes(data)
        if record is not None:
            (path / "record").write_bytes(record)
        return path

    def test_what_was_never_promised_is_swept_by_the_first_read(self, used: FileStore, certdir: Path) -> None:
        left = self.entry(certdir, None, b"a key that a killed command left")
        assert used.read(KEY) is None
        assert not left.exists()

    def test_what_was_promised_is_there_at_the_first_read(self, used: FileStore, certdir: Path) -> None:
        record = b"easycert-journal-1\0create\0hosts\0www.key\0replace\0crls\0ca.crl\0end\0"
        left = self.entry(certdir, record, b"key", b"crl")
        assert (used.read(KEY), used.read(CRL)) == (b"key", b"crl")
        assert not left.exists()

    def test_what_was_promised_is_undone_when_a_foreign_file_came_before_it(
        self, used: FileStore, certdir: Path, said: list[str]
    ) -> None:
        self.entry(certdir, b"easycert-journal-1\0create\0crls\0b.crl\0create\0crls\0ca.crl\0end\0", b"b", b"ours")
        assert (used.read(Entry("crls", "b.crl")), used.read(CRL)) == (None, b"data")
        assert said == [f"an interrupted command was undone: {certdir}/crls/ca.crl exists already"]

    def test_what_was_promised_in_a_directory_that_was_copied_meanwhile_is_finished(
        self, used: FileStore, certdir: Path, said: list[str]
    ) -> None:
        """The copy has lost the links by which we know our files; their bytes are the same."""
        left = self.entry(
            certdir, b"easycert-journal-1\0create\0crls\0ca.crl\0create\0crls\0b.crl\0end\0", b"data", b"b"
        )
        assert (used.read(CRL), used.read(Entry("crls", "b.crl"))) == (b"data", b"b")
        assert (said, left.exists()) == ([], False)

    @pytest.mark.parametrize(
        "record",
        [
            b"",
            b"{}",
            b"easycert-journal-1\0create\0hosts\0www.key\0",
            b"easycert-journal-1\0create\0hosts\0end\0",
            b"easycert-journal-1\0destroy\0hosts\0www.key\0end\0",
            b"easycert-journal-1\0replace\0..\0www.key\0end\0",
            b"easycert-journal-1\0replace\0hosts\0../../www.key\0end\0",
            b"easycert-journal-1\0replace\0\0/etc/passwd\0end\0",
            b"easycert-journal-2\0create\0hosts\0www.key\0end\0",
            b"\xff\xfe\0",
        ],
    )
    def test_a_record_that_is_none_is_reported_and_wedges_nothing(
        self, used: FileStore, certdir: Path, said: list[str], record: bytes
    ) -> None:
        left = self.entry(certdir, record, b"key")
        assert used.read(KEY) is None
        save_pair(used)
        assert used.read(KEY) == b"key"
        assert left.exists()
        assert set(said) == {f"{left} is no journal entry that easycert understands; it is left alone"}

    def test_foreign_files_in_the_journal_are_reported_and_wedge_nothing(
        self, used: FileStore, certdir: Path, said: list[str], tmp_path: Path
    ) -> None:
        journal = certdir / ".easycert/journal"
        (journal / "0123456789abcdef").write_bytes(b"")
        (journal / "fedcba9876543210").symlink_to(tmp_path)
        (journal / "notes\x1b.txt").write_bytes(b"")
        assert used.read(KEY) is None
        assert len(said) == 3
        assert "\x1b" not in "".join(said)
        save_pair(used)
        assert len(list(journal.iterdir())) == 3

    def test_a_foreign_file_in_an_entry_is_kept(self, used: FileStore, certdir: Path) -> None:
        left = self.entry(certdir, None, b"key")
        (left / "theirs").write_bytes(b"")
        save_pair(used)
        assert everything(left) == {"theirs": b""}

    def test_any_name_survives_the_record(self, used: FileStore, certdir: Path) -> None:
        self.entry(certdir, b"easycert-journal-1\0create\0hosts\0" + os.fsencode(HOSTILE.filename) + b"\0end\0", b"x")
        assert used.read(HOSTILE) == b"x"

    def test_a_reader_goes_on_when_the_directory_is_not_safe_to_write_to(self, used: FileStore, certdir: Path) -> None:
        left = self.entry(certdir, b"easycert-journal-1\0replace\0crls\0ca.crl\0end\0", b"planted")
        left.parent.chmod(0o777)
        assert used.read(CRL) == b"data"


HOLDER = """
import sys
from easycert.store.files import FileStore
from easycert.store.layout import Entry
with FileStore([sys.argv[1]]).transaction() as transaction:
    transaction.create(Entry("hosts", "held.key"), b"held", private=True)
    print("held", flush=True)
    sys.stdin.readline()
"""


class TestLock:
    @pytest.fixture
    def holder(self, certdir: Path) -> Iterator[subprocess.Popen[str]]:
        """Return another process that is in the middle of a transaction until it is sent a line."""
        child = [sys.executable, "-c", HOLDER, str(certdir)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with subprocess.Popen(child, stdin=-1, stdout=-1, text=True, env=environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
            process.kill()

    def finish(self, holder: subprocess.Popen[str]) -> None:
        holder.communicate("go on\n")
        assert holder.returncode == 0

    def test_who_waits_in_vain_is_told_who_holds_it(
        self, store: FileStore, certdir: Path, holder: subprocess.Popen[str]
    ) -> None:
        with pytest.raises(StoreBusy) as caught:
            save_pair(store)
        assert caught.value.path == str(certdir)
        assert caught.value.holder.startswith(f"pid {holder.pid} (-c {certdir}, since 2")
        assert caught.value.waited == 0
        self.finish(holder)
        assert [entry.filename for entry in store.entries("hosts")] == ["held.key"]

    def test_who_waits_goes_on_when_the_holder_is_done(
        self, store: FileStore, certdir: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: self.finish(holder) if holder.returncode is None else None)
        save_pair(FileStore([str(certdir)], lock_timeout=10))
        assert len(store.entries("hosts")) == 3

    def test_a_killed_holder_holds_nothing(self, store: FileStore, holder: subprocess.Popen[str]) -> None:
        holder.kill()
        holder.wait()
        save_pair(store)
        assert [entry.filename for entry in store.entries("hosts")] == ["www.crt", "www.key"]

    def test_readers_need_no_lock(self, store: FileStore, certdir: Path, holder: subprocess.Popen[str]) -> None:
        (certdir / ".easycert/journal/0123456789abcdef").mkdir()
        assert store.read(KEY) is None
        assert (certdir / ".easycert/journal/0123456789abcdef").exists()

    def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(
        self, store: FileStore, certdir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else two processes could each hold a lock, one of them on a file that nobody else can see."""
        locked: list[int] = []
        flock = fcntl.flock

        def remove_at_first(descriptor: int, operation: int) -> None:
            flock(descriptor, operation)
            if not locked:
                (certdir / ".easycert/lock").unlink()
            locked.append(operation)

        with monkeypatch.context() as patched:
            patched.setattr(fcntl, "flock", remove_at_first)
            save_pair(FileStore([str(certdir)], lock_timeout=1))
        assert locked.count(fcntl.LOCK_EX | fcntl.LOCK_NB) == 2
        assert (certdir / ".easycert/lock").exists()

    def test_many_processes_that_make_the_same_name_make_it_once(self, certdir: Path) -> None:
        """And many that make names of their own all succeed."""
        children = []
        for number in range(8):
            if (child := os.fork()) == 0:
                try:
                    store = FileStore([str(certdir)])
                    save(store, Entry("hosts", f"{number}.crt"))
                    save(store, KEY, b"%d" % number)
                    os._exit(0)
                except AlreadyExists:
                    os._exit(1)
                except BaseException:
                    os._exit(2)
            children.append(child)
        codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
        assert codes == [0] + 7 * [1]
        assert len(FileStore([str(certdir)]).entries("hosts")) == 9
