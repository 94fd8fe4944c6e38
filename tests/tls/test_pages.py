"""What HTTP serves lies below one directory, however it is asked for or linked, and is a regular file that is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easycert.tls.pages import opened

SECRET = b"secret"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a directory with files, links of every kind, and secrets beside, below and hidden in it."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / ".git").mkdir()
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "root-secret").mkdir()
    (tmp_path / "root-secret" / "index.html").write_bytes(SECRET)
    for name in (".hidden", ".git/config"):
        (root / name).write_bytes(SECRET)
    for name in ("index.html", "a b.txt", "sub/index.html", "sub/page"):
        (root / name).write_bytes(name.encode())
    (root / "escape").symlink_to(tmp_path / "secret")
    (root / "escape-directory").symlink_to(tmp_path)
    (root / "show-hidden").symlink_to(".hidden")
    (root / "inside").symlink_to("sub/page")
    os.mkfifo(root / "pipe")
    return root.resolve()


def read(root: Path, path: str) -> bytes | None:
    found = opened(str(root), path)
    if found is None:
        return None
    with found[0] as stream:
        data = stream.read()
    assert found[1] == len(data)
    return data


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "index.html"),
        ("", "index.html"),
        ("/?x=1", "index.html"),
        ("/index.html", "index.html"),
        ("/a%20b.txt", "a b.txt"),
        ("/sub", "sub/index.html"),
        ("/sub/", "sub/index.html"),
        ("//sub//page", "sub/page"),
        ("/inside", "sub/page"),
    ],
)
def test_a_file_below_the_directory_is_served(root: Path, path: str, name: str) -> None:
    assert read(root, path) == name.encode()


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/%2e%2e/secret",
        "/sub/../../secret",
        "/..%2fsecret",
        "/..%5csecret",
        "/..\\secret",
        "//../secret",
        "/../root-secret/",
        "/escape",
        "/escape-directory/secret",
        "/escape-directory/",
        "/.hidden",
        "/%2ehidden",
        "/.git/config",
        "/show-hidden",
        "/pipe",
        "/nothing",
        "/index.html%00",
        "/%ff",
        "/sub/page/",
    ],
)
def test_nothing_else_is(root: Path, path: str) -> None:
    assert read(root, path) is None


PIECES = st.sampled_from(
    ["/", "..", ".", "%2e", "%2f", "%5c", "\\", "secret", "escape", "sub", "page", "%00", "root", ""]
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_path_leads_out(root: Path, path: str) -> None:
    assert read(root, f"/{path}") != SECRET
