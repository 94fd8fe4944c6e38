"""A live Cortex is backed up while it is written to, restored, started and asked; and both tools side by side."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real

from tests.interop.conftest import EASYCERT, run_easycert  # noqa: E402  # behind the skip

#: Written before any backup begins.
BEFORE = 1000
#: Written at once, while a backup runs.
STEP = 20
#: Synapse's own start wants to look at the kernel's settings, which are not what this is about.
CONF = {"health:sysctl:checks": False}


class Service(NamedTuple):
    """A Cortex that was backed up while it was written to: its directory, and what easycert said of each backup."""

    source: Path
    written: int
    plain: dict[str, Any]
    sealed: dict[str, Any]


async def write(core, begin, end):
    """Add the names with these numbers."""
    names = [f"n{number}.vertex.link" for number in range(begin, end)]
    async for _ in core.storm("for $name in $names { [ inet:fqdn=$name ] }", opts={"vars": {"names": names}}):
        pass


async def numbers(core):
    """Return the numbers of the names that a Cortex has, sorted."""
    lifted = core.storm("inet:fqdn:domain=vertex.link")
    found = [message[1][0][1] async for message in lifted if message[0] == "node"]
    return sorted(int(name.split(".")[0][1:]) for name in found)


async def started(path, ask):
    """Start a Cortex in *path*, and return what *ask* makes of it."""
    import synapse.cortex as s_cortex

    async with await s_cortex.Cortex.anit(str(path), conf=CONF) as core:
        return await ask(core)


async def easycert_beside(*argv):
    """Run easycert while the event loop of this process goes on."""
    child = await asyncio.create_subprocess_exec(
        *shlex.split(EASYCERT), *argv, "-o", "json", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await child.communicate()
    assert child.returncode == 0, stderr.decode()
    return json.loads(stdout)["backup"]


@pytest.fixture(scope="module")
def service(easycert, tmp_path_factory):
    """Return a Cortex of which two backups were made, one of them sealed, while it was written to."""
    top = tmp_path_factory.mktemp("backup")
    source = top / "cortex"
    (top / "secret").write_text("correct horse\n")

    async def go(core):
        import synapse.lib.lmdbslab as s_lmdbslab

        await write(core, 0, BEFORE)
        await s_lmdbslab.Slab.syncLoopOnce()  # it happens five times a second by itself
        sealing = ("--encrypt-to=passphrase", f"--passphrase-file={top / 'secret'}")
        running = asyncio.gather(
            easycert_beside("backup", str(source), str(top / "copy")),
            easycert_beside("backup", str(source), str(top / "copy"), *sealing),
        )
        written = BEFORE
        while not running.done():
            await write(core, written, written + STEP)
            written += STEP
        return Service(source, written, *await running)

    return asyncio.run(started(source, go))


def assert_is_of_one_moment(path, service):
    """Start a Cortex in *path*: it has all that was written before, and of what came later what came first."""
    found = asyncio.run(started(path, numbers))
    assert found[:BEFORE] == list(range(BEFORE))
    assert found == list(range(len(found)))
    assert len(found) <= service.written


def test_a_backup_made_live_is_restored_and_has_all_that_was_written_before(service, tmp_path):
    copy = service.plain["destination"]
    assert service.plain["lmdb"] >= 5
    assert run_easycert(tmp_path, "backup", "--verify", copy).code == 0
    assert run_easycert(tmp_path, "restore", copy, "back").code == 0
    assert_is_of_one_moment(tmp_path / "back", service)


def test_a_sealed_backup_made_live_is_restored_too(service, tmp_path):
    secret = f"--passphrase-file={service.source.parent / 'secret'}"
    assert run_easycert(tmp_path, "restore", service.sealed["destination"], "back", secret).code == 0
    assert_is_of_one_moment(tmp_path / "back", service)


def test_easycert_beside_synapses_own_tool(service, tmp_path, capsys):
    """Print times and sizes as ratios; what is asserted is what ours keeps and theirs loses."""
    source = service.source
    with (source / "sparse").open("wb") as file:
        file.truncate(64 << 20)
    (source / "alias").symlink_to("slabs")
    os.utime(source / "cell.guid", ns=(1, 1))
    took = {
        "ours": _timed([*shlex.split(EASYCERT), "backup", str(source), str(tmp_path / "ours")]),
        "theirs": _timed([sys.executable, "-m", "synapse.tools.service.backup", str(source), str(tmp_path / "theirs")]),
    }
    sizes = {path.name: _on_disk(path) for path in (source, tmp_path / "ours", tmp_path / "theirs")}
    with capsys.disabled():
        print(f"\nbackup of a Cortex of {sizes['cortex'] / 1e6:.0f} MB, easycert to Synapse's own tool:", end=" ")
        print(f"time {took['ours'] / took['theirs']:.2f}, size {sizes['ours'] / sizes['theirs']:.2f}")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert {path.name for path in ours.iterdir()} >= {path.name for path in theirs.iterdir()}
    assert (ours / "alias").is_symlink()
    assert (ours / "sparse").stat().st_blocks == 0
    assert (ours / "cell.guid").stat().st_mtime_ns == 1
    assert sizes["ours"] <= sizes["theirs"]


def _timed(argv):
    began = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True)
    os.sync()  # ours is durable when it ends; theirs is now
    return time.perf_counter() - began


def _on_disk(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
