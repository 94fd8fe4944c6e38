"""A live Telepath listener of Synapse (``ssl://``, ``hostname=``, ``ca=``) on certificates that easycert made."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")
pytestmark = pytest.mark.real

CORTEX = "cortex.vertex.link"
AXON = "axon.vertex.link"


class Greeter:
    """What the listener shares; it counts who got in."""

    def __init__(self) -> None:
        self.greeted = 0

    def hello(self) -> str:
        self.greeted += 1
        return "hello"


@contextlib.asynccontextmanager
async def listening(certs, query):
    """Yield the port of a daemon whose URL has *query*, and the object that it shares."""
    import synapse.daemon as s_daemon

    async with await s_daemon.Daemon.anit(certdir=certs) as daemon:
        _, port = await daemon.listen(f"ssl://127.0.0.1:0/?{query}")
        greeter = Greeter()
        daemon.share("*", greeter)
        yield port, greeter


async def call(certs, url):
    """Return what a client that sees only *certs* gets from *url*."""
    import synapse.telepath as s_telepath

    async with asyncio.timeout(20), await s_telepath.openurl(url, certdir=certs) as proxy:
        return await proxy.hello()


def visit(server, query, client, who="", **options):
    """Return what the listener on *server* answers a client that is *who* and has the certificates *client*."""

    async def both():
        async with listening(server, query) as (port, greeter):
            text = "&".join(f"{name}={value}" for name, value in options.items())
            try:
                return await call(client, f"ssl://{who}127.0.0.1:{port}/?{text}")
            except Exception as error:
                assert greeter.greeted == 0, "refused, but only after it had been let in"
                return error

    return asyncio.run(both())


def refused(answer):
    import synapse.exc as s_exc

    return isinstance(answer, s_exc.SynErr | OSError | EOFError)


@pytest.fixture
def client(tmp_path, reader):
    """Return a function that makes a client of some files of a home: all that this client has."""

    def made(home, *files):
        for name in files:
            target = tmp_path / "client" / ".syn" / "certs" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(home) / ".syn" / "certs" / name, target)
        return reader(tmp_path / "client")

    return made


def user_files(name):
    return f"users/{name}.crt", f"users/{name}.key"


def test_a_client_with_our_user_certificate_enters(ours_once, reader, client):
    mine = client(ours_once, "cas/vertex.crt", *user_files("visi@vertex.link"))
    answer = visit(reader(ours_once), f"hostname={CORTEX}&ca=vertex", mine, who="visi@", hostname=CORTEX)
    assert answer == "hello"


def test_a_client_that_names_its_certificate_enters(ours_once, reader, client):
    mine = client(ours_once, "cas/vertex.crt", *user_files("visi@vertex.link"))
    answer = visit(
        reader(ours_once), f"hostname={CORTEX}&ca=vertex", mine, hostname=CORTEX, certname="visi@vertex.link"
    )
    assert answer == "hello"


def test_a_client_under_another_ca_does_not_enter(ours_once, reader, client):
    mine = client(ours_once, "cas/vertex.crt", *user_files("intruder@vertex.link"))
    answer = visit(reader(ours_once), f"hostname={CORTEX}&ca=vertex", mine, who="intruder@", hostname=CORTEX)
    assert refused(answer)


def test_a_client_without_a_certificate_does_not_enter(ours_once, reader, client):
    mine = client(ours_once, "cas/vertex.crt")
    assert refused(visit(reader(ours_once), f"hostname={CORTEX}&ca=vertex", mine, hostname=CORTEX))


def test_a_host_certificate_is_no_ticket_for_a_client(ours_once, reader, client, tmp_path):
    """The extended key usage of a host keeps its certificate from being used as a user's."""
    mine = client(ours_once, "cas/vertex.crt")
    users = tmp_path / "client" / ".syn" / "certs" / "users"
    users.mkdir()
    for suffix in ("crt", "key"):
        shutil.copy(ours_once / ".syn/certs/hosts" / f"{CORTEX}.{suffix}", users / f"{CORTEX}.{suffix}")
    answer = visit(reader(ours_once), f"hostname={CORTEX}&ca=vertex", mine, hostname=CORTEX, certname=CORTEX)
    assert refused(answer)


def test_without_ca_anyone_who_trusts_the_host_enters(ours_once, reader, client):
    mine = client(ours_once, "cas/vertex.crt")
    assert visit(reader(ours_once), f"hostname={CORTEX}", mine, hostname=CORTEX) == "hello"


def test_a_client_that_does_not_trust_our_ca_leaves(ours_once, reader, client):
    mine = client(ours_once, "cas/other.crt")
    assert refused(visit(reader(ours_once), f"hostname={CORTEX}", mine, hostname=CORTEX))


def test_a_client_that_expects_another_host_leaves(ours_once, reader, client):
    import synapse.exc as s_exc

    mine = client(ours_once, "cas/vertex.crt", *user_files("visi@vertex.link"))
    answer = visit(reader(ours_once), f"hostname={CORTEX}&ca=vertex", mine, who="visi@", hostname="evil.vertex.link")
    assert isinstance(answer, s_exc.BadCertHost)


def test_a_client_may_pin_the_hash_of_our_host_certificate(ours_once, reader, client):
    server = reader(ours_once)
    nothing = client(ours_once)
    pinned = server.getHostCertHash(CORTEX)
    assert visit(server, f"hostname={CORTEX}", nothing, certhash=pinned) == "hello"
    assert refused(visit(server, f"hostname={CORTEX}", nothing, certhash="00" * 32))


def test_a_host_under_an_intermediate_serves_clients_that_hold_only_the_root(ours_once, reader, client):
    mine = client(ours_once, "cas/vertex.crt", *user_files("visi@vertex.link"))
    answer = visit(reader(ours_once), f"hostname={AXON}&ca=vertex", mine, who="visi@", hostname=AXON)
    assert answer == "hello"


def test_a_user_under_an_intermediate_enters_where_only_the_root_is_named(ours, easycert, reader, client):
    """The file of a user under an intermediate carries the intermediate, too."""
    assert easycert(ours, "deep@vertex.link", "--signas", "sub").code == 0
    mine = client(ours, "cas/vertex.crt", *user_files("deep@vertex.link"))
    answer = visit(reader(ours), f"hostname={CORTEX}&ca=vertex", mine, who="deep@", hostname=CORTEX)
    assert answer == "hello"


@pytest.mark.parametrize("name", [CORTEX, AXON])
def test_one_listener_serves_two_names(ours_once, reader, client, name):
    mine = client(ours_once, "cas/vertex.crt", *user_files("visi@vertex.link"))
    answer = visit(reader(ours_once), f"hostname={CORTEX},{AXON}&ca=vertex", mine, who="visi@", hostname=name)
    assert answer == "hello"


def test_users_and_hosts_of_both_tools_meet_under_either_ca(either, easycert, synapse_tool, reader, client):
    """Our host lets Synapse's user in and Synapse's host ours, whoever made the CA."""
    assert easycert(either, "--server", "h.vertex.link", "--signas", "vertex").code == 0
    assert easycert(either, "u@vertex.link", "--signas", "vertex").code == 0
    assert synapse_tool(either, "--server", "hs.vertex.link", "--signas", "vertex").code == 0
    assert synapse_tool(either, "us@vertex.link", "--signas", "vertex").code == 0
    mine = client(either, "cas/vertex.crt", *user_files("u@vertex.link"), *user_files("us@vertex.link"))
    for host, user in [("h.vertex.link", "us"), ("hs.vertex.link", "u"), ("h.vertex.link", "u")]:
        answer = visit(reader(either), f"hostname={host}&ca=vertex", mine, who=f"{user}@", hostname=host)
        assert answer == "hello", (host, user)


def test_a_service_knows_its_user_by_our_certificate(ours, reader, client, tmp_path):
    """A real Cell logs a user in by the common name of the certificate, without a password."""
    import synapse.lib.cell as s_cell
    import synapse.telepath as s_telepath

    mine = client(ours, "cas/vertex.crt", *user_files("visi@vertex.link"))
    shutil.copytree(ours / ".syn" / "certs", tmp_path / "cell" / "certs")

    async def enter():
        conf = {"dmon:listen": f"ssl://127.0.0.1:0/?hostname={CORTEX}&ca=vertex", "aha:network": "vertex.link"}
        conf |= {"https:port": None, "health:sysctl:checks": False}
        async with await s_cell.Cell.anit(str(tmp_path / "cell"), conf=conf) as cell:
            await cell.auth.addUser("visi")
            _, port = cell.sockaddr
            url = f"ssl://visi@127.0.0.1:{port}/?hostname={CORTEX}"
            async with asyncio.timeout(20), await s_telepath.openurl(url, certdir=mine) as proxy:
                return (await proxy.getCellUser())["name"]

    assert asyncio.run(enter()) == "visi"
