"""Whatever the bytes in a directory are, it is adopted or refused in one sentence; nothing else is raised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easycert.certdir import CertDir
from easycert.errors import EasycertError
from easycert.model import Kind
from tests.workflows.adopt.examples import adopted
from tests.workflows.examples import directory, files, make

_Files = dict[str, bytes]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, _Files]]:
    """Return the directory of a CA with an intermediate, a CRL and an index, and what is in its files."""
    certdir = directory()
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.CA, "below", "root")
    issued = make(certdir, Kind.HOST, "www.example.com", "below")
    serial, end = issued.certificate.serial_number, issued.certificate.not_valid_after_utc
    index = f"R\t{end:%y%m%d%H%M%SZ}\t260101000000Z,superseded\t{serial:X}\tunknown\t/CN=www.example.com\n"
    made = {
        "cacert.pem": files(certdir)["cas/root.crt"],
        "below.pem": files(certdir)["cas/below.crt"],
        "ca.key": files(certdir)["cas/root.key"],
        "below.key": files(certdir)["cas/below.key"],
        "www.pem": files(certdir)["hosts/www.example.com.crt"],
        "www.key": files(certdir)["hosts/www.example.com.key"],
        "index.txt": index.encode(),
    }
    path = tmp_path_factory.mktemp("office")
    yield path, made


@settings(max_examples=150)
@given(data=st.data())
def test_a_changed_directory_is_adopted_or_refused(office: tuple[Path, _Files], data: st.DataObject) -> None:
    path, made = office
    for name, content in made.items():
        (path / name).write_bytes(content)
    name = data.draw(st.sampled_from(sorted(made)))
    content = bytearray(made[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
        content += b"\n" * (not content)
    (path / name).write_bytes(content)
    here = CertDir.in_memory(directory().now)
    try:
        result = adopted(here, path)
    except EasycertError as error:
        assert str(error).isprintable()
        assert files(here) == {}
    else:
        assert all(reason.isprintable() for _, reason in result.left_out)
