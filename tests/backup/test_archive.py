"""What is in a sealed file can write nowhere but into the directory that is restored, whoever sealed it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from easycert.backup.sealing import Sealer
from easycert.errors import EasycertError
from tests.backup.trees import PASSPHRASE, restore


def sealed(path: Path, *members: tuple[str, bytes, str]) -> None:
    """Write a sealed tar of *members*: name, type, and where a link leads."""
    with path.open("wb") as file:
        sealer = Sealer(file.write, PASSPHRASE, work_factor=1)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, form, target in members:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = form, target
                info.size = 4 if form == tarfile.REGTYPE else 0
                tar.addfile(info, io.BytesIO(b"evil"))
        sealer.write(packed.getvalue())
        sealer.close()


TOP = ("copy", tarfile.DIRTYPE, "")


@pytest.mark.parametrize(
    "members",
    [
        [("copy/../../evil", tarfile.REGTYPE, "")],
        [("/evil", tarfile.REGTYPE, "")],
        [("copy/a//evil", tarfile.REGTYPE, "")],
        [("copy/no/such/directory/evil", tarfile.REGTYPE, "")],
        [("copy/up", tarfile.SYMTYPE, ".."), ("copy/up/evil", tarfile.REGTYPE, "")],
        [("copy/up", tarfile.SYMTYPE, ".."), ("copy/up", tarfile.DIRTYPE, ""), ("copy/up/evil", tarfile.REGTYPE, "")],
        [("copy/a", tarfile.REGTYPE, ""), ("copy/a", tarfile.REGTYPE, "")],
        [("copy/a", tarfile.LNKTYPE, "/etc/passwd")],
        [("copy/a", tarfile.LNKTYPE, "copy/../../etc/passwd")],
        [("copy/link", tarfile.SYMTYPE, "/etc/passwd"), ("copy/a", tarfile.LNKTYPE, "copy/link")],
        [("copy/a", tarfile.CHRTYPE, "")],
        [("copy/a", tarfile.FIFOTYPE, "")],
        [("copy", tarfile.DIRTYPE, "")],
    ],
)
def test_hostile_members_are_refused(tmp_path: Path, members: list[tuple[str, bytes, str]]) -> None:
    sealed(tmp_path / "in.tar.age", TOP, *members)
    (tmp_path / "deep/er").mkdir(parents=True)
    with pytest.raises(EasycertError):
        restore(tmp_path / "in.tar.age", tmp_path / "deep/er/back", PASSPHRASE)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "er", "in.tar.age"]


@pytest.mark.parametrize("members", [[], [TOP], [("copy.manifest.json", tarfile.REGTYPE, "")]])
def test_what_has_no_manifest_of_what_is_in_it_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes, str]]
) -> None:
    sealed(tmp_path / "in.tar.age", *members)
    with pytest.raises(EasycertError):
        restore(tmp_path / "in.tar.age", tmp_path / "back", PASSPHRASE)
    assert [path.name for path in tmp_path.iterdir()] == ["in.tar.age"]
