"""What real programs print about real bad servers is explained by what is really wrong with them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from easycert.pki.explain.mentions import mentions
from easycert.pki.explain.search import matches
from tests.doctor import clients
from tests.doctor.cases import CASES
from tests.doctor.clients import Answers, Ask, Question, run
from tests.doctor.presenter import Presenter
from tests.doctor.test_real import NOW, question

pytestmark = [pytest.mark.real, pytest.mark.slow]

Need = Callable[[str], str]
#: What is wrong -> what it may be called: some programs say less than others.
WRONG = {
    "expired host": {"expired"},
    "expired intermediate": {"expired"},
    "host of the future": {"not-yet-valid"},
    "other host": {"wrong-host"},
    "no intermediate": {"unknown-ca", "missing-intermediate"},
    "self-signed host": {"self-signed", "unknown-ca", "missing-intermediate"},
    "user as host": {"wrong-purpose"},
    "name constraints of the root": {"name-constraints", "ca-constraints"},
    "path length of an intermediate": {"path-length", "ca-constraints"},
    "CA:FALSE, intermediate": {"not-a-ca", "wrong-purpose"},
    "SHA-1 host": {"weak-hash", "weak-algorithm"},
    "RSA of 1024 bits, host": {"weak-key", "weak-algorithm"},
    "unknown critical extension, host": {"critical-extension"},
}
#: What says no more than that something is wrong.
VAGUE = {"verification-failed"}
HOST = "www.example.com"


def curl(questions: Sequence[Question], _folder: Path, need: Need) -> Answers:
    return _each(questions, lambda one, port: [
        need("curl"), "-sS", "--cacert", one.folder / "roots.pem",
        "--resolve", f"{one.chain.hostname}:{port}:127.0.0.1", f"https://{one.chain.hostname}:{port}/",
    ])  # fmt: skip


def wget(questions: Sequence[Question], _folder: Path, need: Need) -> Answers:
    def words(one: Question, port: int) -> list[str | Path]:
        return [
            need("wget"),
            "-O",
            "-",
            "-T",
            "20",
            "-t",
            "1",
            "--ca-certificate",
            one.folder / "roots.pem",
            f"https://127.0.0.1:{port}/",
        ]

    only_by_address = [one for one in questions if one.case.name == "other host"]
    return _each(only_by_address, words)


def git(questions: Sequence[Question], _folder: Path, need: Need) -> Answers:
    def words(one: Question, port: int) -> list[str | Path]:
        resolve = f"http.curloptResolve={one.chain.hostname}:{port}:127.0.0.1"
        trust = f"http.sslCAInfo={one.folder / 'roots.pem'}"
        return [need("git"), "-c", resolve, "-c", trust, "ls-remote", f"https://{one.chain.hostname}:{port}/x.git"]

    return _each(questions, words)


def node(questions: Sequence[Question], folder: Path, need: Need) -> Answers:
    program = folder / "ask.js"
    program.write_text(
        "const tls = require('tls'), fs = require('fs'), [, , port, host, roots] = process.argv\n"
        "tls.connect({port, host: '127.0.0.1', servername: host, ca: fs.readFileSync(roots)}, () => process.exit(0))\n"
        "  .on('error', error => { console.log(error); process.exit(1) })\n"
    )
    return _each(questions, lambda one, port: [
        need("node"), program, str(port), one.chain.hostname, one.folder / "roots.pem",
    ])  # fmt: skip


def _each(questions: Sequence[Question], words: Callable[[Question, int], list[str | Path]]) -> Answers:
    answers = {}
    for one in questions:
        assert one.served is not None
        code, text = run(*words(one, one.served.port), env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"})
        answers[one.case.name] = text if code else ""
    return answers


CLIENTS: dict[str, Ask] = {
    "openssl": clients.openssl,
    "python": clients.openssl_strict,
    "go": clients.go,
    "java": clients.java,
    "gnutls": clients.gnutls,
    "curl": curl,
    "wget": wget,
    "git": git,
    "node": node,
}


@pytest.fixture
def presenter() -> Iterator[Presenter]:
    presenter = Presenter()
    yield presenter
    presenter.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_client_prints_is_explained_by_what_is_wrong(
    client: str, tmp_path: Path, presenter: Presenter, need: Need
) -> None:
    cases = [case for case in CASES if case.name in WRONG]
    assert len(cases) == len(WRONG)
    (tmp_path / "cases").mkdir()
    asked = [question(case, case.chain(NOW), tmp_path / "cases" / str(at), presenter) for at, case in enumerate(cases)]
    answers = CLIENTS[client]([one for one in asked if one is not None], tmp_path, need)
    printed = {name: text for name, text in answers.items() if text}
    assert printed
    wrong = []
    for name, text in printed.items():
        named = [match.cause.name for match in matches(text)]
        if not named or named[0] not in WRONG[name] | (VAGUE if client in ("gnutls", "git", "wget") else set()):
            wrong.append(f"{name}: {named}, {text}")
    assert not wrong, "\n".join(wrong)
    if client in ("go", "java", "curl", "node", "python"):
        assert mentions(printed["other host"]).host == HOST


def test_what_chromium_logs_is_explained(tmp_path: Path, presenter: Presenter, need: Need) -> None:
    wrong = {
        "expired host": "outside-validity",
        "other host": "wrong-host",
        "no intermediate": "unknown-ca",
        "user as host": "invalid",
    }
    cases = [case for case in CASES if case.name in wrong]
    asked = [question(case, case.chain(NOW), tmp_path / str(at), presenter) for at, case in enumerate(cases)]
    visited = [one for one in asked if one is not None]
    database = tmp_path / "home" / ".pki" / "nssdb"
    database.mkdir(parents=True)
    clients.trust(visited, database, need("certutil"), alone="P,,")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom")
    page = clients.page_of(visited, tmp_path).as_uri()
    words = (need("chromium"), *flags, "--host-resolver-rules=MAP * 127.0.0.1", page)
    _, text = run(*words, env={**os.environ, "HOME": str(tmp_path / "home")})
    failed = [line for line in text.splitlines() if "handshake failed" in line]
    assert {matches(line)[0].cause.name for line in failed} == set(wrong.values())


def test_the_alerts_by_which_a_server_refuses_a_client_are_explained(
    tmp_path: Path, need: Need, need_module: Callable[[str], ModuleType]
) -> None:
    """What ``curl`` and ``requests`` print when a server wants another certificate, or any."""
    from easycert.cli.entry import run as easycert
    from tests.daemons import free_port, running

    certs = tmp_path / "certs"
    for words in (
        ("ca", "root"),
        ("ca", "other"),
        ("host", HOST, "--signas", "root"),
        ("user", "eve", "--signas", "other"),
    ):
        assert easycert([*words, "--certdir", str(certs), "-q"]) == 0
    port = free_port()
    server = [
        need("openssl"),
        "s_server",
        "-accept",
        f"127.0.0.1:{port}",
        "-www",
        "-Verify",
        "2",
        "-verify_return_error",
    ]
    server += [
        "-cert",
        f"{certs}/hosts/{HOST}.crt",
        "-key",
        f"{certs}/hosts/{HOST}.key",
        "-CAfile",
        f"{certs}/cas/root.crt",
    ]
    eve = ["--cert", certs / "users/eve.crt", "--key", certs / "users/eve.key"]
    ask = [need("curl"), "-sS", "--cacert", certs / "cas/root.crt", "--resolve", f"{HOST}:{port}:127.0.0.1"]
    requests = need_module("requests")
    with running(server, port=port, log=tmp_path / "log"):
        for options, cause in (([], "client-cert-required"), (eve, "client-ca-unknown")):
            done = subprocess.run(
                [*ask, *options, f"https://{HOST}:{port}/"], capture_output=True, text=True, check=False
            )
            assert matches(done.stderr)[0].cause.name == cause, done.stderr
        session = requests.Session()
        session.trust_env = False
        with pytest.raises(requests.RequestException) as caught:
            session.get(f"https://127.0.0.1:{port}/", verify=str(certs / "cas/root.crt"), timeout=30)
    assert matches(str(caught.value))[0].cause.name == "wrong-host"
    assert mentions(str(caught.value))[:2] == ("127.0.0.1", port)
