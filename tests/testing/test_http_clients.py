"""HTTP clients of Python in the zoo, told whom to trust in their own way: what everybody refuses, they refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType

import pytest

from easycert.testing import HttpsServer, Specimen, Zoo
from easycert.testing.zoo import names_refused_by_all

Ask = Callable[[ModuleType, str, Specimen], int]


def requests(module: ModuleType, url: str, specimen: Specimen) -> int:
    return int(module.get(url, verify=str(specimen.trust_file), timeout=20).status_code)


def httpx(module: ModuleType, url: str, specimen: Specimen) -> int:
    return int(module.get(url, verify=specimen.judging_context(), timeout=20).status_code)


def aiohttp(module: ModuleType, url: str, specimen: Specimen) -> int:
    async def ask() -> int:
        async with module.ClientSession() as session, session.get(url, ssl=specimen.judging_context()) as answer:
            return int(answer.status)

    return asyncio.run(ask())


@pytest.mark.parametrize("ask", [requests, httpx, aiohttp])
def test_a_client_accepts_the_good_and_refuses_the_bad(
    ask: Ask, tmp_path_factory: pytest.TempPathFactory, need_module: Callable[[str], ModuleType]
) -> None:
    module = need_module(ask.__name__)
    zoo = Zoo(datetime.now(UTC), tmp_path_factory.mktemp("zoo"))
    for name in ("good", *names_refused_by_all()):
        answer: int | str
        with HttpsServer(zoo[name].presenting_context()) as server:
            try:
                answer = ask(module, server.url, zoo[name])
            except Exception as error:  # each client has errors of its own
                answer = str(error)
        assert (answer == 200) is (name == "good"), f"{name}: {answer}"
        assert bool(server.requests) is (name == "good"), name
