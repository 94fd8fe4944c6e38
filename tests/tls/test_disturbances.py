"""Whatever is done to its files, in whatever order, a service shakes hands with a certificate that was good once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easycert import CertDir, RenewRequest, renew
from easycert.tls import client_context, server_context
from tests.tls.pki import CORTEX, shake

FILES = (f"hosts/{CORTEX}.crt", f"hosts/{CORTEX}.key", "cas/vertex.crt", "cas/sub.crt", "crls/vertex.crl")
Disturb = Callable[[Path, Path], None]


def half(good: Path, path: Path) -> None:
    data = good.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def missing(_: Path, path: Path) -> None:
    path.unlink(missing_ok=True)


def empty(_: Path, path: Path) -> None:
    path.write_bytes(b"")


def noise(_: Path, path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 9)


def directory(_: Path, path: Path) -> None:
    missing(path, path)
    path.mkdir()


def itself(_: Path, path: Path) -> None:
    missing(path, path)
    path.symlink_to(path)


def whole(good: Path, path: Path) -> None:
    path.write_bytes(good.read_bytes())


DISTURBANCES: tuple[Disturb, ...] = (half, missing, empty, noise, directory, itself, whole, whole)


@pytest.fixture(scope="module")
def generations(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the directory, and the same with a renewed host."""
    new = tmp_path_factory.mktemp("generations") / "new"
    shutil.copytree(made_once, new)
    renew(CertDir.open(new), RenewRequest(names=(CORTEX,)))
    for place in (new,):
        (place / "crls").mkdir(exist_ok=True)
    return [made_once, new]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(FILES), st.sampled_from(DISTURBANCES), st.integers(0, 1)), min_size=1, max_size=8
    )
)
def test_a_service_outlives_its_files(made_once: Path, generations: list[Path], steps: list[tuple]) -> None:
    said: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        certs = Path(shutil.copytree(made_once, Path(scratch) / "certs"))
        server = server_context(f"ssl://0.0.0.0/?hostname={CORTEX}&ca=vertex", certs, report=said.append)
        client = client_context(f"ssl://visi@{CORTEX}/", made_once)
        for name, disturb, which in steps:
            path = certs / name
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            elif path.is_symlink():
                path.unlink()
            path.parent.mkdir(exist_ok=True)
            good = generations[which] / name
            if good.exists():
                disturb(good, path)
            assert shake(server, client)
        for name in FILES[:4]:  # and is as new once all is well again
            path = certs / name
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            path.unlink(missing_ok=True)
            shutil.copy(generations[1] / name, path)
        assert shake(server, client)
        shown = shake(server, client)[0].getpeercert(binary_form=True)
    assert shown is not None
    assert shown == der_of(generations[1] / FILES[0])


def der_of(path: Path) -> bytes:
    import ssl

    text = path.read_text()
    return ssl.PEM_cert_to_DER_cert(text[: text.index("-----END CERTIFICATE-----") + 25] + "\n")
