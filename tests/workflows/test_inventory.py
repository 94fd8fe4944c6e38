"""What is in a certificate directory, who signed whom, and how a NAME or FILE is found."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from easycert.certdir import CertDir
from easycert.errors import AmbiguousName, EncryptedKey, InvalidName, Malformed, NotFound, Refused, UnreadableFile
from easycert.model import Kind
from easycert.store.layout import Entry
from easycert.store.memory import MemoryStore
from easycert.workflows.inventory import Branch, Problem, listed, public_pem, shown, tree
from tests.pki.chainmaker import DAY, NOW, Made, Recipe, ca, crl, name, pem, server, shared_key

ROOT = ca()
ISSUING = ca("issuing", ROOT)
WWW = server(ISSUING)


def key_pem(made: Made, passphrase: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return bytes(made.key.private_bytes(serialization.Encoding.PEM, form, lock))


def user(common_name: str = "alice", issuer: Made | None = ROOT) -> Made:
    return replace(Recipe(name(common_name)), names=[f"{common_name}@example.com"]).make(issuer)


def directory(**files: bytes | Made) -> CertDir:
    """Return a directory in memory: ``hosts__www_crt=...`` is the file ``hosts/www.crt``."""
    store = MemoryStore()
    for path, content in files.items():
        folder, _, file = path.partition("__")
        stem, _, suffix = file.rpartition("_")
        data = pem(content.certificate) if isinstance(content, Made) else content
        store.files[f"{folder}/{stem.replace('_', '.')}.{suffix}"] = data
    return CertDir(store, clock=lambda: NOW)


FULL = directory(
    cas__root_crt=ROOT,
    cas__issuing_crt=ISSUING,
    hosts__www_example_com_crt=pem(WWW.certificate, ISSUING.certificate),
    hosts__www_example_com_key=key_pem(WWW),
    users__alice_crt=user(),
)


# --- list


def test_every_folder_is_listed_by_kind_and_name() -> None:
    found = [(item.kind, item.name) for item in listed(FULL).items]
    assert found == [
        (Kind.CA, "issuing"),
        (Kind.CA, "root"),
        (Kind.HOST, "www.example.com"),
        (Kind.USER, "alice"),
    ]


def test_an_empty_directory_lists_nothing() -> None:
    assert listed(directory()).items == listed(directory()).problems == ()


def test_a_list_can_be_of_one_kind() -> None:
    assert [item.name for item in listed(FULL, kinds=[Kind.HOST]).items] == ["www.example.com"]


def test_the_leaf_of_a_chain_file_is_listed_not_its_ca() -> None:
    (item,) = listed(FULL, kinds=[Kind.HOST]).items
    assert (item.subject, item.issuer) == ("CN=www.example.com", "CN=issuing")


def test_days_left_are_counted_from_the_clock_of_the_directory() -> None:
    (item,) = listed(FULL, kinds=[Kind.HOST]).items
    assert (item.state, item.days_left) == ("valid", 10)


def test_a_key_beside_a_certificate_is_told() -> None:
    assert [item.has_key for item in listed(FULL).items] == [False, False, True, False]


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o644, True), (0o620, True)])
def test_a_key_that_others_can_reach_is_told(mode: int, exposed: bool) -> None:
    store = MemoryStore()
    store.files.update({"hosts/www.crt": pem(WWW.certificate), "hosts/www.key": key_pem(WWW)})
    store.modes["hosts/www.key"] = mode
    (item,) = listed(CertDir(store, clock=lambda: NOW)).items
    assert item.key_exposed is exposed


@pytest.mark.parametrize("content", [b"", b"junk", pem(WWW.certificate)[:200], key_pem(WWW)])
def test_a_broken_file_is_one_line_and_spoils_nothing_else(content: bytes) -> None:
    found = listed(directory(hosts__bad_crt=content, hosts__www_crt=WWW))
    assert [item.name for item in found.items] == ["www"]
    assert [(item.path, item.reason) for item in found.problems] == [
        ("/certs/hosts/bad.crt", "it is not a certificate that can be decoded")
    ]


def test_a_file_that_cannot_be_read_is_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir(mode=0o700)
    (tmp_path / "hosts" / "www.crt").write_bytes(pem(WWW.certificate))
    (tmp_path / "hosts" / "big.crt").write_bytes(b"x" * (2 << 20))
    found = listed(CertDir.open(tmp_path))
    assert ([item.name for item in found.items], len(found.problems)) == (["www"], 1)
    assert "larger than" in found.problems[0].reason


class LockedFolder(MemoryStore):
    """A store whose ``code`` folder may not be looked into."""

    def entries(self, folder: str) -> list[Entry]:
        if folder == "code":
            raise UnreadableFile("/certs/code", "Permission denied")
        return super().entries(folder)


def test_a_folder_that_cannot_be_read_is_one_line_too() -> None:
    store = LockedFolder()
    store.files["hosts/www.crt"] = pem(WWW.certificate)
    found = listed(CertDir(store, clock=lambda: NOW))
    assert ([item.name for item in found.items], found.problems) == (
        ["www"],
        (Problem("/certs/code", "Permission denied"),),
    )


# --- tree


def shape(branch: Branch) -> Any:
    return {branch.item.name: [shape(child) for child in branch.below]} if branch.below else branch.item.name


def test_the_tree_hangs_each_certificate_below_its_ca() -> None:
    assert [shape(root) for root in tree(FULL).roots] == [{"root": [{"issuing": ["www.example.com"]}, "alice"]}]


def test_a_self_signed_host_stands_apart() -> None:
    found = tree(directory(hosts__lone_crt=server(None), cas__root_crt=ROOT))
    assert ([shape(item) for item in found.self_signed], [shape(item) for item in found.roots]) == (["lone"], ["root"])


def test_what_an_absent_ca_signed_stands_apart_with_what_hangs_below_it() -> None:
    found = tree(directory(cas__issuing_crt=ISSUING, hosts__www_crt=WWW))
    assert [shape(item) for item in found.unknown_issuer] == [{"issuing": ["www"]}]


def test_a_ca_of_the_same_name_with_another_key_is_not_the_issuer() -> None:
    found = tree(directory(cas__root_crt=ca("root"), users__alice_crt=user()))
    assert [shape(item) for item in found.unknown_issuer] == ["alice"]


def test_two_cas_of_one_name_are_told_apart_by_their_keys() -> None:
    other = ca("root")
    found = tree(directory(cas__one_crt=ROOT, cas__two_crt=other, users__bob_crt=user("bob", other)))
    assert [shape(item) for item in found.roots] == ["one", {"two": ["bob"]}]


def test_a_host_certificate_is_nobodys_issuer() -> None:
    found = tree(directory(cas__fake_crt=WWW, users__alice_crt=user("alice", WWW)))
    assert [shape(item) for item in found.unknown_issuer] == ["fake", "alice"]


def test_cas_that_signed_each_other_end_somewhere() -> None:
    key_a, key_b = shared_key("ec256", 1), shared_key("ec256", 2)
    a, b = ca("a", key=key_a), ca("b", key=key_b)
    crossed = directory(cas__a_crt=ca("a", b, key=key_a), cas__b_crt=ca("b", a, key=key_b))
    assert [shape(item) for item in tree(crossed).unknown_issuer] == [{"a": ["b"]}]


def test_many_leaves_all_find_their_ca() -> None:
    hosts = {f"hosts__h{number}_crt": server(ROOT, key=shared_key("ec256")) for number in range(600)}
    (root,) = tree(directory(cas__root_crt=ROOT, **hosts)).roots
    assert len(root.below) == 600


def test_a_broken_file_does_not_fell_the_tree() -> None:
    found = tree(directory(cas__root_crt=ROOT, cas__bad_crt=b"junk"))
    assert ([shape(item) for item in found.roots], len(found.problems)) == (["root"], 1)


# --- show


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


def test_an_expired_certificate_is_listed_as_expired() -> None:
    old = server(ROOT, not_before=NOW - 9 * DAY, not_after=NOW - 3 * DAY)
    (item,) = listed(directory(hosts__old_crt=old)).items
    assert (item.state, item.days_left) == ("expired", -3)
