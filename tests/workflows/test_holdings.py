"""The ledger's index serves lists, and never makes them say anything but what the files say."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easycert.certdir import CertDir
from easycert.ledger.sqlite import SqliteLedger
from easycert.model import Kind
from easycert.store.files import FileStore
from easycert.store.layout import Entry
from easycert.workflows import holdings
from easycert.workflows.listing import Listed, listed
from tests.workflows.examples import NOW, Clock, make

PAST = int(NOW.timestamp()) - 3600


class CountingStore(FileStore):
    """A store that notes which files are read."""

    def __init__(self, *directories: Path) -> None:
        super().__init__([str(directory) for directory in directories])
        self.was_read: list[str] = []

    def read(self, entry: Entry) -> bytes | None:
        self.was_read.append(entry.path)
        return super().read(entry)


def opened(*directories: Path) -> CertDir:
    """Return the directory as a new process would open it, an hour after its files were made."""
    ledger = partial(SqliteLedger, str(directories[0] / ".easycert" / "ledger.sqlite"))
    return CertDir(CountingStore(*directories), clock=Clock(), ledger=ledger)


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    """A directory with a CA and four hosts, all of them in its ledger."""
    directory = tmp_path / "certs"
    certdir = opened(directory)
    make(certdir, Kind.CA, "root")
    for name in "abcd":
        make(certdir, Kind.HOST, f"{name}.example", "root")
    return directory


def hosts(certdir: CertDir) -> list[Listed]:
    return [item for item in listed(certdir).items if item.kind is Kind.HOST]


def names(certdir: CertDir) -> list[str]:
    return [item.name for item in hosts(certdir)]


def was_read(certdir: CertDir) -> list[str]:
    """Return the host files that listing *certdir* reads."""
    assert isinstance(certdir.store, CountingStore)
    certdir.store.was_read.clear()
    listed(certdir)
    return [path for path in certdir.store.was_read if path.startswith("hosts/")]


def certificate(directory: Path, name: str) -> Path:
    return directory / "hosts" / f"{name}.example.crt"


def without_ledger(directory: Path) -> CertDir:
    copy = directory.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy, ignore=shutil.ignore_patterns(".easycert"))
    return opened(copy)


def lines(certdir: CertDir) -> list[tuple[object, ...]]:
    found = listed(certdir)
    problems = [(os.path.basename(problem.path), problem.reason) for problem in found.problems]
    return [*(item._replace(path=os.path.basename(item.path or "")) for item in found.items), *problems]


def test_what_the_ledger_knows_is_not_read(certs: Path) -> None:
    assert was_read(opened(certs)) == []


def test_it_says_the_same_as_the_files(certs: Path) -> None:
    assert lines(opened(certs)) == lines(without_ledger(certs))


def test_a_file_that_was_written_behind_its_back_is_read_anew(certs: Path) -> None:
    shutil.copyfile(certificate(certs, "a"), certificate(certs, "b"))
    a, b = hosts(opened(certs))[:2]
    assert (b.name, b.sha256) == ("b.example", a.sha256)


def test_a_file_that_was_touched_is_read_anew(certs: Path) -> None:
    os.utime(certificate(certs, "a"), (PAST, PAST))
    assert was_read(opened(certs)) == ["hosts/a.example.crt"]


def test_a_file_that_was_deleted_is_not_listed(certs: Path) -> None:
    certificate(certs, "a").unlink()
    assert names(opened(certs)) == ["b.example", "c.example", "d.example"]


def test_a_file_that_became_garbage_is_a_problem(certs: Path) -> None:
    certificate(certs, "a").write_bytes(b"junk")
    (problem,) = listed(opened(certs)).problems
    assert problem.path == str(certificate(certs, "a"))


def test_a_file_that_came_from_elsewhere_is_listed_and_not_recorded(certs: Path, tmp_path: Path) -> None:
    stranger = opened(tmp_path / "elsewhere")
    make(stranger, Kind.HOST, "x.example")
    shutil.copyfile(certificate(tmp_path / "elsewhere", "x"), certificate(certs, "x"))
    certdir = opened(certs)
    before = certdir.ledger.head(), certdir.ledger.located()
    assert names(certdir) == ["a.example", "b.example", "c.example", "d.example", "x.example"]
    assert (certdir.ledger.head(), certdir.ledger.located()) == before


def test_further_directories_of_a_search_path_are_read_from_their_files(certs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make(opened(other), Kind.HOST, "a.example")
    make(opened(other), Kind.HOST, "z.example")
    both = opened(certs, other)
    assert names(both) == ["a.example", "b.example", "c.example", "d.example", "z.example"]
    assert {item.path for item in hosts(both) if item.name in ("a.example", "z.example")} == {
        str(certificate(certs, "a")),
        str(certificate(other, "z")),
    }
    assert was_read(both) == ["hosts/z.example.crt"] * 2  # once to list it, once to see that it signed itself


def test_a_key_in_a_further_directory_counts(certs: Path, tmp_path: Path) -> None:
    keys = tmp_path / "other" / "hosts"
    keys.mkdir(parents=True)
    shutil.move(certs / "hosts" / "a.example.key", keys / "a.example.key")
    (keys / "a.example.key").chmod(0o640)
    (item,) = [item for item in hosts(opened(certs, tmp_path / "other")) if item.name == "a.example"]
    assert (item.has_key, item.key_exposed) == (True, True)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda ledger: ledger.write_bytes(b""), "it is empty"),
        (lambda ledger: ledger.write_bytes(b"not a database, but long enough for one" * 9), "cannot be used"),
        (lambda ledger: os.truncate(ledger, 2048), "cannot be used"),
    ],
)
def test_a_damaged_ledger_is_told_and_the_files_are_read(certs: Path, damage: object, told: str) -> None:
    damage(certs / ".easycert" / "ledger.sqlite")  # type: ignore[operator]
    found = listed(opened(certs))
    (note,) = found.notes
    assert told in note
    assert note.endswith("; read from the files instead")
    assert len(found.items) == 5


def test_a_newer_ledger_is_told_and_the_files_are_read(certs: Path) -> None:
    import sqlite3

    with sqlite3.connect(certs / ".easycert" / "ledger.sqlite") as connection:
        connection.execute("PRAGMA user_version=999")
    connection.close()
    found = listed(opened(certs))
    assert (len(found.items), "999" in found.notes[0]) == (5, True)


def test_without_a_ledger_nothing_is_said_and_none_is_made(certs: Path) -> None:
    shutil.rmtree(certs / ".easycert")
    found = listed(opened(certs))
    assert (len(found.items), found.notes, (certs / ".easycert").exists()) == (5, (), False)


def test_listing_leaves_no_file_beside_the_ledger(certs: Path) -> None:
    before = sorted(certs.rglob("*"))
    listed(opened(certs))
    assert sorted(certs.rglob("*")) == before


def test_a_loop_of_links_is_one_problem_among_others(certs: Path) -> None:
    certificate(certs, "loop").symlink_to(certificate(certs, "loop"))
    certificate(certs, "nowhere").symlink_to(certs / "nowhere")
    (certs / "hosts" / "folder.crt").mkdir()
    found = listed(opened(certs))
    assert ([problem.path for problem in found.problems], len(found.items)) == ([str(certificate(certs, "loop"))], 5)


def test_a_link_is_what_it_leads_to(certs: Path) -> None:
    certificate(certs, "link").symlink_to("a.example.crt")
    by_name = {item.name: item.sha256 for item in hosts(opened(certs))}
    assert by_name["link.example"] == by_name["a.example"]


# --- stamps that are out of date


@pytest.fixture
def restored(certs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory as ``cp -a`` restores it: the same files under other inode numbers; few are many here."""
    monkeypatch.setattr(holdings, "_READ_SOONER", 4)
    copy = certs.with_name("restored")
    for path in certs.rglob("*.crt"):
        os.utime(path, (PAST, PAST))
    shutil.copytree(certs, copy)
    return copy


def test_many_stamps_that_are_out_of_date_are_read_once(restored: Path) -> None:
    assert len(was_read(opened(restored))) == 4
    assert was_read(opened(restored)) == []


def test_few_stamps_that_are_out_of_date_stay_so(restored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdings, "_READ_SOONER", 6)
    assert [len(was_read(opened(restored))) for _ in range(2)] == [4, 4]


def test_bringing_stamps_up_to_date_adds_no_entry(restored: Path) -> None:
    before = opened(restored).ledger.head()
    listed(opened(restored))
    assert opened(restored).ledger.head() == before


def test_stamps_stay_while_somebody_writes(restored: Path) -> None:
    with FileStore([str(restored)]).transaction():
        assert len(was_read(opened(restored))) == 4
    assert len(was_read(opened(restored))) == 4


def test_the_ledger_keeps_believing_what_it_believed_of_a_file_with_another_certificate(restored: Path) -> None:
    shutil.copy2(certificate(restored, "a"), certificate(restored, "b"))
    believed = {item.path: item.fingerprint for item, _ in opened(restored).ledger.located()}
    assert len(was_read(opened(restored))) == 4
    assert was_read(opened(restored)) == ["hosts/b.example.crt"]
    assert {item.path: item.fingerprint for item, _ in opened(restored).ledger.located()} == believed


def test_a_file_of_this_very_moment_is_not_vouched_for(restored: Path) -> None:
    just_now = NOW.timestamp()
    os.utime(certificate(restored, "a"), (just_now, just_now))
    listed(opened(restored))
    assert was_read(opened(restored)) == ["hosts/a.example.crt"]


# --- whatever happens to the files

NAMES = st.sampled_from("abcd")
DEEDS = st.one_of(
    st.tuples(st.sampled_from(["delete", "garbage", "touch", "expose", "renew", "lose key"]), NAMES),
    st.tuples(st.just("copy"), NAMES, NAMES),
)


def do(directory: Path, deed: tuple[str, ...]) -> None:
    what, name = deed[0], deed[1]
    path = certificate(directory, name)
    if what == "renew":
        make_again(directory, name)
    elif not path.exists():
        return
    elif what == "delete":
        path.unlink()
    elif what == "garbage":
        path.write_bytes(b"junk")
    elif what == "touch":
        os.utime(path, (PAST, PAST))
    elif what == "expose":
        path.with_suffix(".key").touch(mode=0o600)
        path.with_suffix(".key").chmod(0o644)
    elif what == "lose key":
        path.with_suffix(".key").unlink(missing_ok=True)
    else:
        certificate(directory, deed[2]).write_bytes(path.read_bytes())


def make_again(directory: Path, name: str) -> None:
    from easycert.workflows.issue import issue
    from tests.workflows.examples import wanted

    issue(opened(directory), [wanted(Kind.HOST, f"{name}.example", "root")], replace=True)


@settings(max_examples=25)
@given(deeds=st.lists(DEEDS, max_size=6))
def test_whatever_happens_to_the_files_the_list_is_what_they_say(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, ...]]
) -> None:
    directory = tmp_path_factory.mktemp("any") / "certs"
    make(opened(directory), Kind.CA, "root")
    for name in "abcd":
        make(opened(directory), Kind.HOST, f"{name}.example", "root")
    for deed in deeds:
        do(directory, deed)
        assert lines(opened(directory)) == lines(without_ledger(directory))
