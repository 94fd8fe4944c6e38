"""Sets of files outside of the certificate directory: together, private from the first byte, over nothing unasked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from easycert.errors import AlreadyExists, HalfWritten, InvalidInput, StoreBusy, StoreFailure, UnreadableFile
from easycert.store import placing
from easycert.store.placing import Ownership, Placed, Placing, Seen, look, ownership
from tests.faults import Fault, forked, injected, sweep

KEY, CERTIFICATE = Placed("tls.key", b"new key", 0o600), Placed("tls.crt", b"new certificate", 0o644)
BOTH = (CERTIFICATE, KEY)


def put(folder: Path, *files: Placed, replace: bool = False, to: Ownership = Ownership()) -> None:  # noqa: B008
    with Placing(str(folder), to, replace=replace) as block:
        block.stage(files or BOTH)
        block.put()


def held(folder: Path) -> dict[str, bytes]:
    return {item.name: item.read_bytes() for item in folder.iterdir()}


def old(folder: Path) -> dict[str, bytes]:
    """Fill a folder with an older set, and return it."""
    put(folder, KEY._replace(data=b"old key"), CERTIFICATE._replace(data=b"old certificate"))
    return held(folder)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("replace", [False, True])
def test_modes_are_what_was_asked_whatever_the_umask(tmp_path: Path, *, replace: bool) -> None:
    put(tmp_path, replace=replace)
    assert {item.name: stat.S_IMODE(item.stat().st_mode) for item in tmp_path.iterdir()} == {
        "tls.key": 0o600,
        "tls.crt": 0o644,
    }


def test_a_directory_that_is_missing_is_made(tmp_path: Path) -> None:
    put(tmp_path / "a" / "b")
    assert held(tmp_path / "a" / "b") == {"tls.key": b"new key", "tls.crt": b"new certificate"}
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) & 0o022 == 0


def test_nothing_is_there_before_it_is_put_and_what_was_not_put_goes_again(tmp_path: Path) -> None:
    with Placing(str(tmp_path / "new"), Ownership(), replace=False) as block:
        block.stage(BOTH)
        assert set(held(tmp_path / "new")) == {".tls.crt.easycert", ".tls.key.easycert"}
    assert held(tmp_path / "new") == {}
    with pytest.raises(RuntimeError), Placing(str(tmp_path / "other"), Ownership(), replace=False) as block:
        raise RuntimeError
    assert not (tmp_path / "other").exists()


def test_files_are_replaced_only_when_asked(tmp_path: Path) -> None:
    before = old(tmp_path)
    with pytest.raises(AlreadyExists):
        put(tmp_path)
    assert held(tmp_path) == before
    put(tmp_path, replace=True)
    assert held(tmp_path) == {"tls.key": b"new key", "tls.crt": b"new certificate"}


def test_somebody_who_was_faster_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(AlreadyExists), Placing(str(tmp_path), Ownership(), replace=False) as block:
        block.stage(BOTH)
        (tmp_path / "tls.crt").write_bytes(b"theirs")
        block.put()
    assert held(tmp_path) == {"tls.crt": b"theirs"}, "the key, which came first, is taken back"


@pytest.mark.parametrize("target", ["victim", "nowhere", "tls.crt"])
def test_a_link_is_replaced_and_never_followed(tmp_path: Path, target: str) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    folder = tmp_path / "tls"
    folder.mkdir()
    (folder / "tls.crt").symlink_to("tls.crt" if target == "tls.crt" else tmp_path / target)
    with pytest.raises(AlreadyExists):
        put(folder)
    put(folder, replace=True)
    assert victim.read_bytes() == b"precious"
    assert not (folder / "tls.crt").is_symlink()
    assert held(folder)["tls.crt"] == b"new certificate"


def test_a_link_in_the_place_of_a_draft_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / ".tls.key.easycert").symlink_to(victim)
    put(tmp_path)
    assert victim.read_bytes() == b"precious"


def test_a_link_that_takes_the_place_of_a_draft_gives_nobody_a_name_of_what_it_leads_to(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    with Placing(str(tmp_path), Ownership(), replace=False) as block:
        block.stage(BOTH)
        (tmp_path / ".tls.key.easycert").unlink()
        (tmp_path / ".tls.key.easycert").symlink_to(victim)
        block.put()
    assert victim.stat().st_nlink == 1


def test_a_hard_link_to_a_file_elsewhere_leaves_that_as_it_is(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "tls.crt").hardlink_to(victim)
    put(tmp_path, replace=True)
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_left_alone(tmp_path: Path, make: object) -> None:
    make(tmp_path / "tls.crt")  # type: ignore[operator]
    with pytest.raises(StoreFailure, match="not a regular file"):
        put(tmp_path, replace=True)
    assert [item.name for item in tmp_path.iterdir()] == ["tls.crt"]


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreFailure, match="Not a directory"):
        put(tmp_path / "file")
    with pytest.raises(StoreFailure, match="Not a directory"):
        put(tmp_path / "file" / "below")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StoreFailure, match="Too many levels"):
        put(tmp_path / "loop")


def test_a_name_that_is_no_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreFailure):
        put(tmp_path / "a\0b")


def test_names_of_any_length_have_drafts(tmp_path: Path) -> None:
    name = f"{'ä' * 120}.crt"
    put(tmp_path, CERTIFICATE._replace(name=name), replace=True)
    assert set(held(tmp_path)) == {name}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_are_given_away_before_they_have_their_names(tmp_path: Path) -> None:
    put(tmp_path / "made", to=Ownership(1, 2))
    seen = {item.name: (item.stat().st_uid, item.stat().st_gid) for item in (tmp_path / "made").iterdir()}
    assert seen == {"tls.key": (1, 2), "tls.crt": (1, 2)}
    made = (tmp_path / "made").stat()
    assert (made.st_uid, made.st_gid) == (1, 2)


def test_who_may_not_give_files_away_is_told_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(StoreFailure, match=r"cannot set its user of .*tls\.key: only root"):
        put(tmp_path, to=Ownership(uid=1))
    assert held(tmp_path) == {}


def test_owners_are_names_or_numbers_of_this_machine() -> None:
    assert ownership("root", "") == Ownership(0, -1)
    assert ownership("", "0") == Ownership(-1, 0)
    assert ownership("4711", "4712") == Ownership(4711, 4712)
    for given in (("nobody-of-that-name", ""), ("", "no-group-of-that-name"), ("a\0b", "")):
        with pytest.raises(InvalidInput, match="of this machine"):
            ownership(*given)


def test_two_do_not_write_to_one_directory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_PATIENCE", 0.0)
    with (
        Placing(str(tmp_path), Ownership(), replace=False),
        pytest.raises(StoreBusy),
        Placing(str(tmp_path), Ownership(), replace=False),
    ):
        pass


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("action", ["kill-before", "kill-after"])
def test_killed_anywhere_each_file_is_the_old_or_the_new_one(tmp_path: Path, action: str, *, replace: bool) -> None:
    def run(at: int) -> None:
        put(tmp_path / str(at), replace=replace)

    def started(at: int) -> object:
        if replace:
            old(tmp_path / str(at))
        return forked(lambda: run(at), Fault(action, at))

    met = 0
    for outcome in sweep(started):  # type: ignore[arg-type]
        folder = tmp_path / str(outcome.at)
        found = {} if not folder.exists() else held(folder)
        found = {name: data for name, data in found.items() if not name.startswith(".")}
        assert set(found.values()) <= {b"old key", b"old certificate", b"new key", b"new certificate"}
        assert len(found) == 2 or not replace
        if found.get("tls.crt") == b"new certificate":
            assert found["tls.key"] == b"new key", "the key comes first"
        put(folder, replace=True)
        assert held(folder) == {"tls.key": b"new key", "tls.crt": b"new certificate"}, "drafts are swept"
        met += outcome.met
    assert met > 8


@pytest.mark.parametrize("action", ["ENOSPC", "EIO", "full"])
def test_a_call_that_fails_leaves_the_old_set_or_says_that_it_is_half_written(tmp_path: Path, action: str) -> None:
    before = old(tmp_path)
    for at in range(1, 40):
        try:
            with injected(Fault(action, at)) as injector:
                put(tmp_path, replace=True)
        except StoreFailure:
            assert held(tmp_path) == before
        except HalfWritten as error:
            assert "only some of the files" in str(error)
            put(tmp_path, KEY._replace(data=b"old key"), CERTIFICATE._replace(data=b"old certificate"), replace=True)
        else:
            assert not injector.met or set(held(tmp_path)) == {"tls.key", "tls.crt"}
            if not injector.met:
                return
            put(tmp_path, KEY._replace(data=b"old key"), CERTIFICATE._replace(data=b"old certificate"), replace=True)
    raise AssertionError("the sweep never ended")


def test_a_read_only_place_is_told_and_stays_as_it_was(tmp_path: Path) -> None:
    before = old(tmp_path)
    with injected(Fault("read-only")), pytest.raises(StoreFailure, match="Read-only file system"):
        put(tmp_path, replace=True)
    assert held(tmp_path) == before


def test_what_lies_there_is_seen_with_mode_and_owner(tmp_path: Path) -> None:
    put(tmp_path)
    status = tmp_path.stat()
    assert look(str(tmp_path / "tls.key")) == Seen(b"new key", 0o600, status.st_uid, status.st_gid)
    assert look(str(tmp_path / "nothing")) is None


def test_only_regular_files_are_looked_at(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for name in (".", "fifo", "loop", "link"):
        with pytest.raises(UnreadableFile):
            look(str(tmp_path / name))
