"""``probe`` asks a live Telepath listener of Synapse, and ``explain`` knows what Synapse's own client says of one."""

from __future__ import annotations

import asyncio
import json

import pytest

pytest.importorskip("synapse", reason="scripts/interop runs this inside Synapse's environment")

from easycert.pki.explain.search import matches
from tests.interop.test_telepath import CORTEX, call, client, listening, user_files  # noqa: F401 (a fixture)

pytestmark = pytest.mark.real


def probed(easycert, home, server, *options, query=f"hostname={CORTEX}&ca=vertex"):
    """Return the exit code and the JSON of a probe of a listener on the certificates *server*."""

    async def both():
        async with listening(server, query) as (port, greeter):
            words = ["probe", *(option.format(port=port) for option in options), "-o", "json"]
            outcome = await asyncio.to_thread(easycert, home, *words)
            assert greeter.greeted == 0
            return outcome

    outcome = asyncio.run(both())
    return outcome.code, json.loads(outcome.stdout)["probe"]


def test_a_listener_of_synapse_is_good_for_its_user(ours_once, easycert, reader):
    url = f"ssl://visi@127.0.0.1:{{port}}/?hostname={CORTEX}"
    code, told = probed(easycert, ours_once, reader(ours_once), url)
    assert code == 0, told
    assert told["client"]["presented"] == "visi@vertex.link"
    assert told["client"]["accepted"] is True
    assert told["chain"][0]["name"] == CORTEX


def test_a_listener_of_synapse_refuses_who_shows_nothing_or_comes_from_elsewhere(ours_once, easycert, reader):
    place = ("127.0.0.1:{port}", "--servername", CORTEX)
    code, told = probed(easycert, ours_once, reader(ours_once), *place)
    assert code == 4
    assert "wants a client certificate" in told["faults"][0]["rule"]
    assert "--cert visi@vertex.link" in told["faults"][0]["fix"]
    code, told = probed(easycert, ours_once, reader(ours_once), *place, "--cert", "intruder@vertex.link")
    assert code == 4
    (fault,) = told["faults"]  # asyncio sends no alert
    assert "hung up without a word; it may not trust 'CN=other'" in fault["rule"]


@pytest.mark.parametrize(
    ("files", "options", "causes"),
    [
        (("cas/vertex.crt", *user_files("visi@vertex.link")), "hostname=evil.vertex.link", {"wrong-host"}),
        (("cas/other.crt", *user_files("visi@vertex.link")), f"hostname={CORTEX}", {"unknown-ca", "untrusted-root"}),
        (("cas/vertex.crt",), f"hostname={CORTEX}&certname=visi@vertex.link", {"client-cert-missing-here"}),
    ],
)
def test_what_synapses_client_says_is_explained(ours_once, reader, client, files, options, causes):  # noqa: F811
    mine = client(ours_once, *files)

    async def both():
        async with listening(reader(ours_once), f"hostname={CORTEX}&ca=vertex") as (port, _):
            try:
                return await call(mine, f"ssl://visi@127.0.0.1:{port}/?{options}")
            except Exception as error:
                return error

    said = asyncio.run(both())
    assert isinstance(said, Exception), said
    found = matches(f"{type(said).__name__}: {said}")
    assert found and found[0].cause.name in causes, said
