"""Live Telepath over contexts of ours, in both directions; the other side is Synapse as it is.

Synapse asks the ``certdir`` that it is given for its contexts: a daemon ``getServerSSLContext``, a client
``getClientSSLContext``. So it is given one that answers with ours; nothing of Synapse is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
tls = pytest.importorskip("easycert.tls", reason="needs a cryptography that is new enough for easycert")

from tests.interop.test_telepath import AXON, CORTEX, Greeter, call, refused, user_files  # noqa: E402

pytestmark = pytest.mark.real


def certs_of(home):
    return home / ".syn" / "certs"


def serving(home, said=None):
    """Return a certificate directory that makes Synapse serve with our contexts."""
    from synapse.lib.certdir import CertDir

    class Ours(CertDir):
        def getServerSSLContext(self, hostname=None, caname=None):
            ca = f"&ca={caname}" if caname else ""
            report = said.append if said is not None else None
            return tls.server_context(f"ssl://0.0.0.0/?hostname={hostname}{ca}", certs_of(home), report=report)

    return Ours(path=str(certs_of(home)))


def asking(home):
    """Return a certificate directory that makes Synapse's client connect with our contexts."""
    from synapse.lib.certdir import CertDir

    class Ours(CertDir):
        def getClientSSLContext(self, certname=None):
            name = f"&certname={certname}" if certname else ""
            return tls.client_context(f"ssl://127.0.0.1/?hostname={CORTEX}{name}", certs_of(home))

    return Ours(path=str(certs_of(home)))


@contextlib.asynccontextmanager
async def listening(certdir, query):
    """Yield the port of a daemon whose URL has *query*, and the object that it shares."""
    import synapse.daemon as s_daemon

    async with await s_daemon.Daemon.anit(certdir=certdir) as daemon:
        _, port = await daemon.listen(f"ssl://127.0.0.1:0/?{query}")
        greeter = Greeter()
        daemon.share("*", greeter)
        yield port, greeter


async def answer(certdir, port, who="", **options):
    """Return what a client that is *who* is told on *port*, or the error that it gets."""
    text = "&".join(f"{name}={value}" for name, value in options.items())
    try:
        return await call(certdir, f"ssl://{who}127.0.0.1:{port}/?{text}")
    except Exception as error:
        return error


@pytest.fixture
def clients(ours_once, reader, tmp_path):
    """Return a client of Synapse's own that has the root and every user's certificate, and no CRL."""
    home = tmp_path / "clients"
    shutil.copytree(certs_of(ours_once), certs_of(home), ignore=shutil.ignore_patterns("crls", "hosts", "*.csr"))
    return reader(home)


# --- our context serves Synapse's client ------------------------------------------------------------------------------


def test_our_context_serves_a_Synapse_client_and_refuses_strangers(ours_once, clients):
    async def visits():
        async with listening(serving(ours_once), f"hostname={CORTEX},{AXON}&ca=vertex") as (port, greeter):
            for name in (CORTEX, AXON):
                assert await answer(clients, port, "visi@", hostname=name) == "hello"
            assert await answer(clients, port, hostname=CORTEX, certname="visi@vertex.link") == "hello"
            assert refused(await answer(clients, port, "intruder@", hostname=CORTEX))
            assert refused(await answer(clients, port, hostname=CORTEX))
            assert refused(await answer(clients, port, "visi@", hostname="evil.vertex.link"))
            assert greeter.greeted == 3

    asyncio.run(visits())


def test_an_intermediate_alone_is_enough_for_our_listener_and_not_for_Synapses(ours, easycert, reader, clients):
    for name, authority in (("deep@vertex.link", "sub"), ("shallow@vertex.link", "vertex")):
        assert easycert(ours, name, "--signas", authority).code == 0
        for file in user_files(name):
            shutil.copy(certs_of(ours) / file, clients.certdirs[0] + f"/{file}")

    async def visits(certdir):
        async with listening(certdir, f"hostname={CORTEX}&ca=sub") as (port, _):
            names = ("deep@", "shallow@")
            return [await answer(clients, port, who, hostname=CORTEX) == "hello" for who in names]

    assert asyncio.run(visits(serving(ours))) == [True, False]
    assert asyncio.run(visits(reader(ours))) == [False, False]


def test_a_revoked_user_is_turned_away_by_our_running_listener_and_not_by_Synapses(ours, easycert, reader, clients):
    async def visits(certdir, *, revoke):
        async with listening(certdir, f"hostname={CORTEX}&ca=vertex") as (port, _):
            before = await answer(clients, port, "visi@", hostname=CORTEX)
            if revoke:
                assert easycert(ours, "--revokeas", "vertex", "visi@vertex.link").code == 0
            return before, await answer(clients, port, "visi@", hostname=CORTEX)

    said: list[str] = []
    before, after = asyncio.run(visits(serving(ours, said), revoke=True))
    assert before == "hello"
    assert refused(after)
    assert asyncio.run(visits(reader(ours), revoke=False)) == ("hello", "hello")


def test_a_renewed_host_is_served_without_a_restart_and_an_open_link_goes_on(ours, easycert, clients):
    import synapse.telepath as s_telepath

    async def shown(port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.transport.abort()
        return writer.get_extra_info("ssl_object").getpeercert(True)

    async def visits():
        async with listening(serving(ours), f"hostname={CORTEX}") as (port, _):
            url = f"ssl://127.0.0.1:{port}/?hostname={CORTEX}"
            async with await s_telepath.openurl(url, certdir=clients) as link:
                before = await shown(port)
                assert easycert(ours, "renew", CORTEX).code == 0
                assert await shown(port) != before
                assert await answer(clients, port, hostname=CORTEX) == "hello"
                assert await link.hello() == "hello"

    asyncio.run(visits())


def test_a_service_behind_our_context_knows_its_user_by_the_certificate(ours_once, clients, tmp_path):
    import synapse.lib.cell as s_cell
    import synapse.telepath as s_telepath

    async def enter():
        conf = {"dmon:listen": None, "aha:network": "vertex.link", "https:port": None, "health:sysctl:checks": False}
        async with await s_cell.Cell.anit(str(tmp_path / "cell"), conf=conf) as cell:
            await cell.auth.addUser("visi")
            cell.dmon.certdir = serving(ours_once)
            _, port = await cell.dmon.listen(f"ssl://127.0.0.1:0/?hostname={CORTEX}&ca=vertex")
            url = f"ssl://visi@127.0.0.1:{port}/?hostname={CORTEX}"
            async with asyncio.timeout(20), await s_telepath.openurl(url, certdir=clients) as proxy:
                return (await proxy.getCellUser())["name"]

    assert asyncio.run(enter()) == "visi"


# --- our context asks Synapse's server --------------------------------------------------------------------------------


def test_our_client_context_enters_at_a_Synapse_listener(ours_once, reader):
    async def visits():
        async with listening(reader(ours_once), f"hostname={CORTEX}&ca=vertex") as (port, greeter):
            mine = asking(ours_once)
            assert await answer(mine, port, "visi@", hostname=CORTEX) == "hello"
            assert await answer(mine, port, hostname=CORTEX, certname="visi@vertex.link") == "hello"
            assert refused(await answer(mine, port, hostname=CORTEX))
            assert refused(await answer(mine, port, "intruder@", hostname=CORTEX))
            assert greeter.greeted == 2

    asyncio.run(visits())


def test_our_client_leaves_a_Synapse_listener_whose_host_was_revoked(ours, easycert, reader):
    async def visits():
        async with listening(reader(ours), f"hostname={CORTEX}") as (port, _):
            mine = asking(ours)
            before = await answer(mine, port, hostname=CORTEX)
            assert easycert(ours, "--revokeas", "vertex", "--server", CORTEX).code == 0
            return before, await answer(mine, port, hostname=CORTEX)

    before, after = asyncio.run(visits())
    assert before == "hello"
    assert isinstance(after, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("right", [True, False])
def test_our_client_takes_the_pinned_Synapse_listener_and_no_other(ours_once, reader, tmp_path, right):
    import synapse.lib.link as s_link
    import synapse.telepath as s_telepath

    server = reader(ours_once)
    pin = server.getHostCertHash(CORTEX) if right else "00" * 32

    async def visit():
        async with listening(server, f"hostname={CORTEX}") as (port, _):
            context = tls.client_context(f"ssl://127.0.0.1/?certhash={pin}", tmp_path / "nothing")
            link = await s_link.connect("127.0.0.1", port, ssl=context)
            async with await s_telepath.Proxy.anit(link, "*") as proxy:
                await proxy.handshake()
                return await proxy.hello()

    if right:
        assert asyncio.run(visit()) == "hello"
    else:
        with pytest.raises(tls.PeerRefused, match="is pinned"):
            asyncio.run(visit())
