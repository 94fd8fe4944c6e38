"""The pytest plugin: a CA for the test run, TLS contexts, environment variables, an HTTPS server and bad certificates.

pytest imports this in every run of everybody who has easycert installed, so it imports nothing: each fixture fetches
what it needs when a test asks for it (docs/adr/0012). PYTEST_DONT_REWRITE: there is no assert in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from easycert.certdir import CertDir
    from easycert.testing.authority import ThrowawayCA
    from easycert.testing.credential import Credential
    from easycert.testing.server import HttpsServer
    from easycert.testing.zoo import Specimen, Zoo

#: The fixtures that stand for one bad certificate after the other, and whose certificates those are.
_SPECIMENS = {"easycert_bad_server": "server", "easycert_bad_client": "client"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a bad certificate once for each that every client refuses."""
    for fixture, role in _SPECIMENS.items():
        if fixture in metafunc.fixturenames:
            from easycert.testing.zoo import names_refused_by_all

            metafunc.parametrize(fixture, names_refused_by_all(role), indirect=True)


@pytest.fixture(scope="session")
def easycert_certdir(tmp_path_factory: pytest.TempPathFactory) -> CertDir:
    """Return a certificate directory that is thrown away: the one in which ``easycert_ca`` lives."""
    from easycert.certdir import CertDir

    return CertDir.open(tmp_path_factory.mktemp("easycert") / "certs")


@pytest.fixture(scope="session")
def easycert_ca(easycert_certdir: CertDir, tmp_path_factory: pytest.TempPathFactory) -> ThrowawayCA:
    """Return a root CA: ``easycert_ca.issue_host("localhost")``, ``.issue_user(...)``, ``.trust_file`` ..."""
    from easycert.testing.authority import ThrowawayCA

    return ThrowawayCA.make(tmp_path_factory.mktemp("easycert-ca"), certdir=easycert_certdir)


@pytest.fixture(scope="session")
def easycert_hosts() -> tuple[str, ...]:
    """Return what the server is called; override it with the names of yours."""
    return ("localhost", "127.0.0.1", "::1")


@pytest.fixture(scope="session")
def easycert_host(easycert_ca: ThrowawayCA, easycert_hosts: tuple[str, ...]) -> Credential:
    """Return a server's certificate and key, for ``easycert_hosts``."""
    return easycert_ca.issue_host(*easycert_hosts)


@pytest.fixture(scope="session")
def easycert_user(easycert_ca: ThrowawayCA) -> Credential:
    """Return a client's certificate and key, for ``alice@example.com``."""
    return easycert_ca.issue_user("alice@example.com")


@pytest.fixture(scope="session")
def easycert_server_context(easycert_ca: ThrowawayCA, easycert_host: Credential) -> ssl.SSLContext:
    """Return a context for a server that presents ``easycert_host``."""
    return easycert_ca.server_context(easycert_host)


@pytest.fixture(scope="session")
def easycert_client_context(easycert_ca: ThrowawayCA) -> ssl.SSLContext:
    """Return a context for a client that trusts ``easycert_ca`` and nobody else."""
    return easycert_ca.client_context()


@pytest.fixture(scope="session")
def easycert_mutual_server_context(easycert_ca: ThrowawayCA, easycert_host: Credential) -> ssl.SSLContext:
    """Return a context for a server that presents ``easycert_host`` and wants a client's certificate in return."""
    return easycert_ca.server_context(easycert_host, mutual=True)


@pytest.fixture(scope="session")
def easycert_mutual_client_context(easycert_ca: ThrowawayCA, easycert_user: Credential) -> ssl.SSLContext:
    """Return a context for a client that trusts ``easycert_ca`` and presents ``easycert_user``."""
    return easycert_ca.client_context(easycert_user)


@pytest.fixture
def easycert_trust(easycert_ca: ThrowawayCA, monkeypatch: pytest.MonkeyPatch) -> ThrowawayCA:
    """Return ``easycert_ca``, trusted during the test by what reads SSL_CERT_FILE, REQUESTS_CA_BUNDLE and the like."""
    for variable, value in easycert_ca.variables.items():
        monkeypatch.setenv(variable, value)
    return easycert_ca


@pytest.fixture
def easycert_https_server(easycert_server_context: ssl.SSLContext) -> Iterator[HttpsServer]:
    """Run an HTTPS server at ``.url`` that answers every request, and remembers it in ``.requests``."""
    from easycert.testing.server import HttpsServer

    with HttpsServer(easycert_server_context) as server:
        yield server


@pytest.fixture(scope="session")
def easycert_zoo(easycert_certdir: CertDir, tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Return certificates that are bad in one way each: ``easycert_zoo["expired"]``; each is made when asked for."""
    from easycert.testing.zoo import Zoo

    return Zoo(easycert_certdir.now(), tmp_path_factory.mktemp("easycert-zoo"))


@pytest.fixture
def easycert_bad_server(request: pytest.FixtureRequest, easycert_zoo: Zoo) -> Specimen:
    """Return each server certificate that every client refuses, one for each run of the test."""
    return easycert_zoo[request.param]


@pytest.fixture
def easycert_bad_client(request: pytest.FixtureRequest, easycert_zoo: Zoo) -> Specimen:
    """Return each client certificate that every server refuses, one for each run of the test."""
    return easycert_zoo[request.param]
