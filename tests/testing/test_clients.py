"""Real clients, shown the whole zoo: each refuses what the table says that it refuses, in the words of the table.

None of them is given CRLs here; who looks at those is in ``test_zoo.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from easycert.pki.doctor.findings import Client
from easycert.pki.explain.search import matches
from easycert.testing.zoo import EVERYBODY, Zoo
from tests.doctor import clients
from tests.doctor.clients import Ask
from tests.doctor.presenter import Presenter
from tests.testing.asking import ask

pytestmark = [pytest.mark.real, pytest.mark.slow]

#: The machine's clock is what the clients read.
NOW = datetime.now(UTC)
ASKED: dict[Client, Ask] = {
    Client.OPENSSL: clients.openssl,
    Client.STRICT: clients.openssl_strict,
    Client.GO: clients.go,
    Client.JAVA: clients.java,
    Client.GNUTLS: clients.gnutls,
}


@pytest.fixture
def presenter() -> Iterator[Presenter]:
    presenter = Presenter()
    yield presenter
    presenter.close()


def test_everybody_is_asked() -> None:
    assert set(ASKED) == EVERYBODY


@pytest.mark.parametrize("client", ASKED, ids=lambda client: client.value)
def test_a_client_says_what_the_table_says(
    client: Client, tmp_path: Path, presenter: Presenter, need: Callable[[str], str]
) -> None:
    zoo = Zoo(NOW, tmp_path / "zoo")
    answers = ask(ASKED[client], zoo, tmp_path, presenter, need)
    expected = {each.name: "" if each.chain.crls else each.says.get(client, "") for each in zoo}
    wrong = {
        name: answers[name] or "accepted"
        for name, words in expected.items()
        if bool(words) != bool(answers[name]) or words not in answers[name]
    }
    assert not wrong
    unexplained = {name: said for name, said in answers.items() if said and not explained(said)}
    assert not unexplained


def explained(said: str) -> bool:
    """Return whether ``easycert explain`` knows the cause, and not only that there is one."""
    found = matches(said)
    return bool(found) and found[0].cause.name != "verification-failed"
