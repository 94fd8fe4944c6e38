"""The pytest plugin in the test suites of others: what it costs, what it hands out, how it is switched off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from easycert.testing.zoo import names_refused_by_all
from tests.testing.suites import ALONE, Report, run

SUITE = {
    "test_ca.py": """
        seen = []

        def test_one(easycert_ca, easycert_certdir):
            seen.append(easycert_ca)
            assert easycert_ca.certdir is easycert_certdir

        def test_other(easycert_ca):
            assert seen == [easycert_ca]
        """,
    "test_contexts.py": """
        from tests.testing.handshake import shake_hands

        def test_plain(easycert_server_context, easycert_client_context):
            assert shake_hands(easycert_client_context, easycert_server_context)[:2] == ("", "")

        def test_mutual(easycert_mutual_server_context, easycert_mutual_client_context, easycert_client_context):
            ended = shake_hands(easycert_mutual_client_context, easycert_mutual_server_context)
            assert ended.seen["subjectAltName"] == (("email", "alice@example.com"),)
            assert shake_hands(easycert_client_context, easycert_mutual_server_context).server
        """,
    "test_trust.py": """
        import os, urllib.request

        BEFORE = os.environ.get("SSL_CERT_FILE")

        def test_trusted(easycert_trust, easycert_https_server):
            assert os.environ["SSL_CERT_FILE"] == str(easycert_trust.trust_file)
            with urllib.request.urlopen(easycert_https_server.url) as answer:
                assert answer.read() == b"ok\\n"
            assert easycert_https_server.requests[0].path == "/"

        def test_untrusted():
            assert os.environ.get("SSL_CERT_FILE") == BEFORE
        """,
    "test_zoo.py": """
        from tests.testing.handshake import shake_hands

        def test_name(easycert_zoo):
            assert easycert_zoo["expired"].wrong == "it ended two days ago"

        def test_server(easycert_bad_server):
            bad = easycert_bad_server
            assert shake_hands(bad.judging_context(), bad.presenting_context(), bad.hostname).client

        def test_client(easycert_bad_client, easycert_host):
            server = easycert_bad_client.judging_context()
            easycert_host.present_in(server)
            assert shake_hands(easycert_bad_client.presenting_context(), server).server
        """,
    "test_async.py": """
        import asyncio

        def test_echo(easycert_server_context, easycert_client_context):
            async def echo(reader, writer):
                writer.write(await reader.readline())
                writer.close()

            async def scene():
                server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=easycert_server_context)
                async with server:
                    port = server.sockets[0].getsockname()[1]
                    reader, writer = await asyncio.open_connection("localhost", port, ssl=easycert_client_context)
                    writer.write(b"hello\\n")
                    assert await reader.readline() == b"hello\\n"
                    writer.close()

            asyncio.run(scene())
        """,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return run(tmp_path_factory.mktemp("suite"), SUITE, *ALONE)


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_importing_the_plugin_imports_nothing_else() -> None:
    child = (
        "import sys, pytest, typing\n"
        "before = set(sys.modules)\n"
        "import easycert.testing.plugin\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["easycert", "easycert.testing", "easycert.testing.plugin"]


def test_a_run_that_needs_none_of_it_loads_none_of_it(tmp_path: Path) -> None:
    text = """
        import sys

        def test_loaded():
            assert "easycert.testing.plugin" in sys.modules
            assert not [name for name in sys.modules if name.startswith(("cryptography", "easycert.pki"))]
        """
    assert run(tmp_path, {"test_it.py": text}, *ALONE).passed("test_it.py") == 1


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    files = {"test_it.py": "def test_ca(easycert_ca): ..."}
    report = run(tmp_path, files, *ALONE, "-p", "no:easycert")
    assert report.outcomes == {"test_it.py::test_ca": "ERROR"}
    assert "fixture 'easycert_ca' not found" in report.text


def test_its_fixtures_are_listed_with_what_they_are(tmp_path: Path) -> None:
    text = run(tmp_path, {}, *ALONE, "--fixtures").text
    assert "easycert_ca [session scope]" in text
    assert "    Return a root CA" in text


# --- what it hands out -----------------------------------------------------------------------------------------------


def test_the_ca_is_one_for_the_whole_run(report: Report) -> None:
    assert report.passed("test_ca.py") == 2


def test_the_contexts_trust_each_other(report: Report) -> None:
    assert report.passed("test_contexts.py") == 2


def test_the_names_of_the_server_can_be_overridden(tmp_path: Path) -> None:
    files = {
        "conftest.py": """
            import pytest

            @pytest.fixture(scope="session")
            def easycert_hosts():
                return ("db", "db.test")
            """,
        "test_names.py": """
            from tests.testing.handshake import shake_hands

            def test_names(easycert_server_context, easycert_client_context):
                assert shake_hands(easycert_client_context, easycert_server_context, "db.test")[:2] == ("", "")
                assert "mismatch" in shake_hands(easycert_client_context, easycert_server_context, "localhost").client
            """,
    }
    assert run(tmp_path, files, *ALONE).passed("test_names.py") == 1


def test_the_https_server_answers_and_the_variables_are_taken_back(report: Report) -> None:
    assert report.passed("test_trust.py") == 2


def test_a_test_runs_with_each_bad_certificate_that_everybody_refuses(report: Report) -> None:
    servers, clients = names_refused_by_all("server"), names_refused_by_all("client")
    assert report.passed("test_zoo.py") == 1 + len(servers) + len(clients)
    assert report.outcomes["test_zoo.py::test_server[expired]"] == "PASSED"
    assert report.outcomes["test_zoo.py::test_client[server-as-client]"] == "PASSED"


def test_it_serves_async_tests(report: Report) -> None:
    assert report.passed("test_async.py") == 1


def test_each_xdist_worker_has_its_own(tmp_path: Path) -> None:
    text = """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_ca(easycert_ca, number, worker_id):
            host = easycert_ca.issue_host(f"h{number}.test")
            assert f"popen-{worker_id}" in str(host.certificate_file)

        def test_bad(easycert_bad_server):
            assert easycert_bad_server.pem
        """
    report = run(tmp_path, {"test_it.py": text}, *ALONE[:-2], "-n", "2")
    assert report.passed("test_it.py") == 4 + len(names_refused_by_all())
