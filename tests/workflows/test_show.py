"""Everything about one thing, and how a NAME or FILE is found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from easycert.certdir import CertDir
from easycert.errors import AmbiguousName, EncryptedKey, InvalidName, Malformed, NotFound, Refused, UnreadableFile
from easycert.model import Kind
from easycert.store.memory import MemoryStore
from easycert.workflows.listing import listed
from easycert.workflows.show import public_pem, shown
from easycert.workflows.tree import tree
from tests.pki.chainmaker import NOW, Recipe, crl, name, pem
from tests.workflows.certdirs import FULL, ISSUING, ROOT, WWW, directory, key_pem, user


def test_a_name_shows_its_whole_chain_file() -> None:
    found = shown(FULL, "www.example.com")
    assert (found.kind, [item.subject for item in found.items]) == (  # type: ignore[union-attr]
        Kind.HOST,
        ["CN=www.example.com", "CN=issuing"],
    )


def test_the_key_beside_a_certificate_is_judged() -> None:
    key = shown(FULL, "www.example.com").key
    assert key is not None
    assert (key.path, key.problem) == ("/certs/hosts/www.example.com.key", None)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (key_pem(ROOT), "it does not belong to the certificate beside it"),
        (key_pem(WWW, b"secret"), "the passphrase for /certs/hosts/www.key is missing"),
        (b"junk", "/certs/hosts/www.key is not a private key in PEM: it cannot be decoded"),
    ],
)
def test_a_key_of_no_use_says_why(data: bytes, problem: str) -> None:
    key = shown(directory(hosts__www_crt=WWW, hosts__www_key=data), "www").key
    assert key is not None
    assert key.problem == problem


def test_the_folder_says_what_a_certificate_is_for() -> None:
    bare = Recipe(name("x")).make(ROOT)
    assert shown(directory(code__x_crt=bare), "x").items[0].kind is Kind.CODE  # type: ignore[union-attr]


def test_a_name_of_several_kinds_is_ambiguous_and_they_are_named() -> None:
    with pytest.raises(AmbiguousName, match="'x' names several: ca x, user x"):
        shown(directory(cas__x_crt=ROOT, users__x_crt=user()), "x")


def test_the_kind_tells_namesakes_apart() -> None:
    found = shown(directory(cas__x_crt=ROOT, users__x_crt=user()), "x", kind=Kind.USER)
    assert found.path == "/certs/users/x.crt"


def test_a_certificate_outshines_a_lone_key_of_another_kind() -> None:
    found = shown(directory(cas__x_crt=ROOT, users__x_key=key_pem(WWW)), "x")
    assert found.kind is Kind.CA


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("hosts/xn--bcher-kva.example.crt", "bücher.example"),
        ("hosts/fd00__1.crt", "fd00::1"),
        ("hosts/www.example.com.crt", "WWW.Example.com"),
        ("users/alice@example.com.crt", "Alice@Example.com"),
        ("users/Build Pipeline.crt", "Build Pipeline"),
    ],
)
def test_a_name_is_found_as_people_write_it(path: str, typed: str) -> None:
    store = MemoryStore()
    store.files[path] = pem(WWW.certificate)
    assert shown(CertDir(store, clock=lambda: NOW), typed).path == f"/certs/{path}"


def test_a_pending_request_is_found_by_its_name() -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(name("www"))
    request = builder.sign(WWW.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    found = shown(directory(hosts__www_csr=request, hosts__www_key=key_pem(WWW)), "www")
    assert found.items[0].type == "certificate signing request"


def test_an_unknown_name_is_not_found() -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        shown(FULL, "nobody")


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", "/etc/passwd"])
def test_a_path_is_no_name_of_a_kind(hostile: str) -> None:
    with pytest.raises((NotFound, InvalidName)):
        shown(FULL, hostile, kind=Kind.HOST)


@pytest.mark.parametrize("hostile", ["", "\0", "a\nb", "/no/such\0file", "./\ud800"])
def test_text_that_is_neither_name_nor_path_is_refused(hostile: str) -> None:
    with pytest.raises((NotFound, UnreadableFile)):
        shown(FULL, hostile)


def test_a_file_anywhere_is_shown(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_bytes(pem(WWW.certificate))
    found = shown(FULL, str(tmp_path / "x.pem"))
    assert (found.kind, found.name, found.items[0].kind) == (None, None, Kind.HOST)  # type: ignore[union-attr]


def test_a_file_in_this_directory_needs_no_separator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.pem").write_bytes(pem(WWW.certificate))
    monkeypatch.chdir(tmp_path)
    assert shown(FULL, "x.pem").path == "x.pem"


def test_a_name_comes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root").write_bytes(pem(WWW.certificate))
    monkeypatch.chdir(tmp_path)
    assert shown(FULL, "root").kind is Kind.CA


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_directory_or_fifo_is_refused_at_once(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "x")
    with pytest.raises(UnreadableFile):
        shown(FULL, str(tmp_path / "x"))


def test_ten_megabytes_of_garbage_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(os.urandom(1024) * 10240)
    with pytest.raises(UnreadableFile, match="larger than"):
        shown(FULL, str(tmp_path / "x"))


def test_garbage_is_refused_by_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"garbage")
    with pytest.raises(Malformed, match=str(tmp_path / "x")):
        shown(FULL, str(tmp_path / "x"))


def test_a_passphrase_opens_an_encrypted_key() -> None:
    locked = directory(users__x_key=key_pem(WWW, b"secret"))
    assert shown(locked, "x", passphrase=b"secret").items[0].key_type == "ec256"  # type: ignore[union-attr]


def test_a_wrong_passphrase_is_refused() -> None:
    with pytest.raises(EncryptedKey, match="wrong"):
        shown(directory(users__x_key=key_pem(WWW, b"secret")), "x", passphrase=b"guess")


# --- in PEM


def test_pem_holds_the_whole_chain() -> None:
    assert public_pem(FULL, "www.example.com") == pem(WWW.certificate, ISSUING.certificate)


def test_der_is_turned_into_pem(tmp_path: Path) -> None:
    (tmp_path / "x.crl").write_bytes(crl(ROOT).public_bytes(serialization.Encoding.DER))
    assert public_pem(FULL, str(tmp_path / "x.crl")).startswith(b"-----BEGIN X509 CRL-----")


def test_a_private_key_is_never_printed() -> None:
    with pytest.raises(Refused, match="never printed"):
        public_pem(directory(users__x_key=key_pem(WWW)), "x")


def test_the_key_in_a_combined_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_bytes(key_pem(WWW) + pem(WWW.certificate))
    assert public_pem(FULL, str(tmp_path / "both.pem")) == pem(WWW.certificate)


def test_looking_changes_nothing() -> None:
    before = dict(FULL.store.files)  # type: ignore[attr-defined]
    listed(FULL), tree(FULL), shown(FULL, "root")
    assert FULL.store.files == before  # type: ignore[attr-defined]
