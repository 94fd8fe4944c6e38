"""Each real client refuses exactly the certificates of which ``doctor`` says so: no more, no fewer.

Servers present every case of ``tests/doctor/cases.py`` to it. Apple's clients run nowhere but on Apple's systems; their
rules rest on its page alone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from easycert.model import Kind
from easycert.pki.doctor.book import refusing
from easycert.pki.doctor.findings import BROWSERS, Client
from tests.doctor import clients
from tests.doctor.cases import CASES, Case, Chain, fetched_from, findings
from tests.doctor.clients import Ask, Question
from tests.doctor.presenter import Presented, Presenter

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive"),
]

#: The machine's clock is what the clients read.
NOW = datetime.now(UTC).replace(microsecond=0)
ASKED: dict[Client, Ask] = {
    Client.OPENSSL: clients.openssl,
    Client.STRICT: clients.openssl_strict,
    Client.GO: clients.go,
    Client.JAVA: clients.java,
    Client.CHROME: clients.chrome,
    Client.FIREFOX: clients.firefox,
    Client.GNUTLS: clients.gnutls,
}


@pytest.fixture
def presenter() -> Iterator[Presenter]:
    presenter = Presenter()
    yield presenter
    presenter.close()


def questions(client: Client, folder: Path, presenter: Presenter) -> list[Question]:
    """Return every case as *client* can be asked about it; what OpenSSL cannot present is asked of nobody."""
    wanted = [case for case in CASES if case.kind is Kind.HOST or client not in BROWSERS]
    asked = [question(case, case.chain(NOW), folder / str(number), presenter) for number, case in enumerate(wanted)]
    return [one for one in asked if one is not None]


def question(case: Case, chain: Chain, place: Path, presenter: Presenter) -> Question | None:
    place.mkdir()
    sent, roots = (b"".join(made.pem for made in part) for part in (chain.sent, chain.roots))
    files = {"leaf": chain.leaf.pem, "sent": sent, "roots": roots, "chain": chain.leaf.pem + sent}
    for name, data in {**files, "key": chain.leaf.key_pem}.items():
        (place / f"{name}.pem").write_bytes(data)
    (place / "name").write_text(chain.hostname, encoding="utf-8")
    served: Presented | None = None
    if case.kind is Kind.HOST:
        try:
            served = presenter.present(place / "chain.pem", place / "key.pem")
        except OSError:
            return None
        (place / "port").write_text(str(served.port), encoding="ascii")
    return Question(case, chain, place, served)


@pytest.mark.parametrize("client", ASKED, ids=lambda client: client.value)
def test_a_client_refuses_exactly_what_doctor_says(
    client: Client, tmp_path: Path, presenter: Presenter, need: Callable[[str], str]
) -> None:
    (tmp_path / "cases").mkdir()
    asked = questions(client, tmp_path / "cases", presenter)
    answers = ASKED[client](asked, tmp_path, need)
    wrong = []
    for question in asked:
        found = findings(question.case, NOW)
        says_so, why = client in refusing(found), answers[question.case.name]
        if says_so != bool(why) and not excused(client, question.case, need):
            wrong.append(
                f"{question.case.name}: doctor says {'refused' if says_so else 'accepted'}, {why or 'accepted'}"
            )
    assert not wrong, "\n".join(wrong)


def test_chrome_fetches_an_intermediate_of_which_the_certificate_says_where_it_lies(
    tmp_path: Path, presenter: Presenter, need: Callable[[str], str]
) -> None:
    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    Thread(target=files.serve_forever, daemon=True).start()
    case = fetched_from(f"http://127.0.0.1:{files.server_port}/issuing.crt")
    chain = case.chain(NOW)
    (tmp_path / "issuing.crt").write_bytes(chain.known[0].der)
    asked = question(case, chain, tmp_path / "case", presenter)
    assert asked is not None
    assert clients.chrome([asked], tmp_path, need) == {case.name: ""}
    files.shutdown()
    files.server_close()
    refused = refusing(findings(case, NOW))
    assert Client.OPENSSL in refused
    assert not refused & {Client.CHROME, Client.APPLE}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


#: What a client does only since a version, or did only until one, by case.
SINCE = {
    Client.GO: {
        "negative serial": 23,
        "negative serial of a CA": 23,
        "critical authority key identifier": 27,
        "critical subject key identifier": 27,
    },
    Client.JAVA: {"no alternative names in the extension": 25, "address of three octets": 25},
}
UNTIL = {Client.GO: {"no any-policy": 24, "ML-DSA, root": 27, "ML-DSA, intermediate": 27}}
VERSIONS = {Client.GO: (("go", "version"), r"go1\.(\d+)"), Client.JAVA: (("java", "--version"), r"^\w+ (\d+)")}


def excused(client: Client, case: Case, need: Callable[[str], str]) -> bool:
    """Return whether the rule is about other versions of the client than the one that is here."""
    since, until = SINCE.get(client, {}).get(case.name), UNTIL.get(client, {}).get(case.name)
    if since is None and until is None:
        return False
    (program, option), pattern = VERSIONS[client]
    text = subprocess.run([need(program), option], check=True, capture_output=True, encoding="ascii").stdout
    found = re.search(pattern, text)
    assert found, text
    version = int(found[1])
    return (since is not None and version < since) or (until is not None and version >= until)
