"""A live Cortex's HTTPS port on the pair that ``easycert https`` wrote, and curl as its client."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real

CORTEX = "cortex.vertex.link"


@contextlib.asynccontextmanager
async def cortex(directory):
    """Yield a Cortex that lives in *directory*, and the port at which it speaks HTTPS."""
    import synapse.cortex as s_cortex

    async with await s_cortex.Cortex.anit(str(directory)) as core:
        _, port = await core.addHttpsPort(0, host="127.0.0.1")
        yield core, port


async def curl(port, host, cacert):
    """Return curl's exit code, and what it got, from the Cortex under the name *host*."""
    command = shutil.which("curl")
    if command is None:
        pytest.skip("curl is not installed")
    argv = [command, "--silent", "--show-error", "--cacert", str(cacert), "--max-time", "20"]
    shown = f"[{host}]" if ":" in host else host
    argv += ["--connect-to", f"::127.0.0.1:{port}", f"https://{shown}:{port}/api/v1/active"]
    done = await asyncio.to_thread(subprocess.run, argv, check=False, capture_output=True, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


async def served(port):
    """Return the certificate that is served, in PEM."""
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))


@pytest.fixture
def run(easycert, tmp_path):
    """Return a function that runs easycert in a home of its own, and must succeed."""

    def made(*argv):
        (tmp_path / "home").mkdir(exist_ok=True)
        outcome = easycert(tmp_path / "home", *argv)
        assert outcome.code == 0, outcome
        return outcome.stdout

    return made


def test_a_cortex_serves_a_self_signed_pair_under_each_of_its_names(run, tmp_path):
    cell = tmp_path / "cell"
    run("https", str(cell), "--hostname", f"{CORTEX},10.1.2.3")

    async def visit():
        async with cortex(cell) as (_, port):
            assert await served(port) == (cell / "sslcert.pem").read_text(), "it made none of its own"
            for host in (CORTEX, "localhost", "127.0.0.1", "::1", "10.1.2.3"):
                code, printed = await curl(port, host, cell / "sslcert.pem")
                assert code == 0, (host, printed)
                assert '"status":"ok"' in printed
            assert (await curl(port, "other.vertex.link", cell / "sslcert.pem"))[0] == 60

    asyncio.run(visit())


@pytest.mark.parametrize("how", [(), ("--link",)], ids=["copied", "linked"])
def test_a_cortex_serves_a_hosts_certificate_with_its_chain_and_takes_up_a_renewal(run, tmp_path, how):
    cell, root = tmp_path / "cell", tmp_path / "home/.syn/certs/cas/root.crt"
    run("ca", "root")
    run("ca", "issuing", "--signas=root")
    run("host", CORTEX, "--signas=issuing")
    run("https", str(cell), "--from", CORTEX, *how)

    async def visit():
        async with cortex(cell) as (core, port):
            code, printed = await curl(port, CORTEX, root)
            assert code == 0, printed
            before = await served(port)
            await asyncio.to_thread(run, "renew", CORTEX)
            await core.reload()
            after = await served(port)
            assert after != before
            assert (cell / "sslcert.pem").read_text().startswith(after)
            code, printed = await curl(port, CORTEX, root)
            assert code == 0, printed

    asyncio.run(visit())


def test_a_cortex_takes_the_pair_of_synapses_own_profile(run, tmp_path):
    cell = tmp_path / "cell"
    run("ca", "vertex", "--profile=synapse", "--key-type=rsa2048")
    run("host", CORTEX, "--signas=vertex", "--profile=synapse", "--key-type=rsa2048")
    run("https", str(cell), "--from", CORTEX)

    async def visit():
        async with cortex(cell) as (_, port):
            code, printed = await curl(port, CORTEX, tmp_path / "home/.syn/certs/cas/vertex.crt")
            assert code == 0, printed

    asyncio.run(visit())
