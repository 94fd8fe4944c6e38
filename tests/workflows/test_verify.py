"""Verifying against a certificate directory: its roots alone are trusted, and every reason is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from easycert.certdir import CertDir
from easycert.errors import (
    AmbiguousName,
    InvalidInput,
    InvalidSan,
    Malformed,
    NotFound,
    UnreadableFile,
    VerificationFailed,
)
from easycert.model import Kind
from easycert.pki.verify import Purpose
from easycert.store.layout import Entry
from easycert.store.memory import MemoryStore
from easycert.workflows.verify import Verification, VerifyRequest, verify_named
from tests.pki.chainmaker import DAY, NOW, Made, Recipe, ca, crl, name, pem, resigned, server, shared_key, usage

ROOT = ca()
ISSUING = ca("issuing", ROOT)
WWW = server(ISSUING)
HOST_FILE = "hosts/www.example.com.crt"
CAS = {"cas/root.crt": pem(ROOT.certificate), "cas/issuing.crt": pem(ISSUING.certificate)}
CODE = [ExtendedKeyUsageOID.CODE_SIGNING]
CLIENT = [ExtendedKeyUsageOID.CLIENT_AUTH]


def directory(files: dict[str, bytes]) -> CertDir:
    store = MemoryStore()
    store.files.update(files)
    return CertDir(store, clock=lambda: NOW)


def verified(target: str, files: dict[str, bytes], **wishes: Any) -> Verification:
    return verify_named(directory({**CAS, **files}), VerifyRequest(target, **wishes))


def reasons(target: str, files: dict[str, bytes], **wishes: Any) -> tuple[str, ...]:
    with pytest.raises(VerificationFailed) as caught:
        verified(target, files, **wishes)
    return tuple(map(str, caught.value.reasons))


def leaf(common_name: str, extended: Any, issuer: Made = ROOT) -> bytes:
    made = replace(Recipe(name(common_name)), key_usage=usage("digital_signature"), extended=extended)
    return pem(replace(made, names=[f"{common_name}@example.com"]).make(issuer).certificate)


def key_pem(made: Made) -> bytes:
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return bytes(made.key.private_bytes(serialization.Encoding.PEM, form, encryption))


def test_the_path_is_told_from_leaf_to_root() -> None:
    found = verified("www.example.com", {HOST_FILE: pem(WWW.certificate)})
    assert found.chain == ("CN=www.example.com", "CN=issuing", "CN=root")


def test_an_intermediate_may_come_from_the_leafs_own_file() -> None:
    chain_file = pem(WWW.certificate, ISSUING.certificate)
    store = directory({"cas/root.crt": CAS["cas/root.crt"], HOST_FILE: chain_file})
    assert len(verify_named(store, VerifyRequest("www.example.com")).chain) == 3


def test_a_root_from_the_leafs_own_file_is_not_trusted() -> None:
    stranger = ca("stranger")
    (reason,) = reasons("www", {"hosts/www.crt": pem(server(stranger, "www").certificate, stranger.certificate)})
    assert "not a trust anchor" in reason


def test_an_intermediate_alone_is_no_anchor() -> None:
    with pytest.raises(VerificationFailed):
        verify_named(
            directory({"cas/issuing.crt": CAS["cas/issuing.crt"], HOST_FILE: pem(WWW.certificate)}),
            VerifyRequest("www.example.com"),
        )


def test_a_self_signed_host_is_not_its_own_anchor() -> None:
    assert reasons("www.example.com", {HOST_FILE: pem(server(None).certificate)})


@pytest.mark.parametrize(
    ("target", "files", "purpose"),
    [
        ("www.example.com", {HOST_FILE: pem(WWW.certificate)}, Purpose.SERVER),
        ("alice", {"users/alice.crt": leaf("alice", CLIENT)}, Purpose.CLIENT),
        ("builder", {"code/builder.crt": leaf("builder", CODE)}, Purpose.CODE),
        ("issuing", {}, Purpose.CA),
        ("root", {}, Purpose.CA),
    ],
)
def test_the_kind_says_what_it_must_be_good_for(target: str, files: dict[str, bytes], purpose: Purpose) -> None:
    assert verified(target, files).purpose is purpose


def test_another_purpose_can_be_asked_for() -> None:
    (reason,) = reasons("alice", {"users/alice.crt": leaf("alice", CLIENT)}, purpose=Purpose.CODE)
    assert "codeSigning" in reason


def test_a_host_is_held_against_its_own_name() -> None:
    (reason,) = reasons("other.example", {"hosts/other.example.crt": pem(WWW.certificate)})
    assert "does not name other.example" in reason


def test_a_host_name_that_is_given_comes_first() -> None:
    files = {"hosts/other.example.crt": pem(WWW.certificate)}
    assert verified("other.example", files, hostname="www.example.com").hostname == "www.example.com"


def test_an_ipv6_host_is_held_against_its_address() -> None:
    files = {"hosts/fd00__1.crt": pem(server(ROOT, "fd00::1").certificate)}
    assert verified("fd00__1", files).hostname == "fd00::1"


def test_an_internationalised_host_is_found_and_held_against_its_a_label() -> None:
    files = {"hosts/xn--bcher-kva.example.crt": pem(server(ROOT, "xn--bcher-kva.example").certificate)}
    assert verified("bücher.example", files).chain[0] == "CN=xn--bcher-kva.example"


def test_a_host_whose_name_nobody_could_ask_for_says_that_it_is_not_checked() -> None:
    found = verified("Build Box", {"hosts/Build Box.crt": pem(WWW.certificate)})
    assert any(note.startswith("name not checked") for note in found.notes)


def test_a_file_of_a_server_says_that_its_name_is_not_checked(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_bytes(pem(WWW.certificate))
    found = verified(str(tmp_path / "x.pem"), {})
    assert (found.kind, found.purpose, found.notes[0]) == (
        None,
        Purpose.SERVER,
        "name not checked: no host name was given",
    )


def test_a_file_can_be_held_against_a_host_name(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_bytes(pem(WWW.certificate))
    assert "does not name x.y" in reasons(str(tmp_path / "x.pem"), {}, hostname="x.y")[0]


def test_a_host_name_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidSan):
        verified("www.example.com", {HOST_FILE: pem(WWW.certificate)}, hostname="a b")


def test_a_revoked_certificate_is_refused() -> None:
    files = {HOST_FILE: pem(WWW.certificate), "crls/issuing.crl": pem(crl(ISSUING, WWW.certificate))}
    (reason,) = reasons("www.example.com", files)
    assert "revoked" in reason


def test_a_missing_crl_is_a_note() -> None:
    found = verified("www.example.com", {HOST_FILE: pem(WWW.certificate)})
    assert any("revocation not checked" in note for note in found.notes)


def test_a_missing_crl_is_a_reason_where_crls_are_required() -> None:
    assert reasons("www.example.com", {HOST_FILE: pem(WWW.certificate)}, require_crl=True)


def test_every_reason_is_told() -> None:
    old = server(ROOT, not_before=NOW - 5 * DAY, not_after=NOW - DAY, extended=CLIENT)
    assert len(reasons("other.example", {"hosts/other.example.crt": pem(old.certificate)})) == 3


def test_it_can_be_judged_at_another_time() -> None:
    (reason, *_) = reasons("www.example.com", {HOST_FILE: pem(WWW.certificate)}, at=NOW + 400 * DAY)
    assert "expired" in reason


def test_a_key_that_does_not_belong_is_a_reason() -> None:
    files = {HOST_FILE: pem(WWW.certificate), "hosts/www.example.com.key": key_pem(ROOT)}
    (reason,) = reasons("www.example.com", files)
    assert reason == (
        "the private key /certs/hosts/www.example.com.key: it does not belong to the certificate beside it "
        "[RFC 5280 4.1.2.7]"
    )


def test_a_key_that_does_not_belong_joins_the_other_reasons() -> None:
    files = {"hosts/x.example.crt": pem(WWW.certificate), "hosts/x.example.key": key_pem(ROOT)}
    assert len(reasons("x.example", files)) == 2


def test_a_key_that_may_not_be_read_is_a_note_for_verifying_needs_none() -> None:
    class Guarded(MemoryStore):
        def read(self, entry: Entry) -> bytes | None:
            if entry.suffix == "key":
                raise UnreadableFile(self.path(entry), "Permission denied")
            return super().read(entry)

    store = Guarded()
    store.files.update({**CAS, HOST_FILE: pem(WWW.certificate), "hosts/www.example.com.key": key_pem(WWW)})
    verification = verify_named(CertDir(store, clock=lambda: NOW), VerifyRequest("www.example.com"))
    assert not verification.key_checked
    assert "the private key was not checked: cannot read /certs/hosts/www.example.com.key: " in str(verification.notes)


def test_a_key_that_is_encrypted_is_a_note() -> None:
    form, lock = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    locked = WWW.key.private_bytes(serialization.Encoding.PEM, form, lock)
    found = verified("www.example.com", {HOST_FILE: pem(WWW.certificate), "hosts/www.example.com.key": locked})
    assert not found.key_checked
    assert "the private key was not checked: " in str(found.notes)


@pytest.mark.parametrize(("files", "checked"), [({}, False), ({"hosts/www.example.com.key": key_pem(WWW)}, True)])
def test_it_is_told_whether_a_key_was_checked(files: dict[str, bytes], checked: bool) -> None:
    assert verified("www.example.com", {HOST_FILE: pem(WWW.certificate), **files}).key_checked is checked


@pytest.mark.parametrize("path", ["cas/bad.crt", "crls/bad.crl"])
def test_a_broken_file_of_the_directory_is_a_note(path: str) -> None:
    found = verified("www.example.com", {HOST_FILE: pem(WWW.certificate), path: b"junk"})
    assert any(note.startswith(f"/certs/{path} was ignored") for note in found.notes)


def test_a_crl_of_an_impossible_version_is_a_note() -> None:
    der = crl(ISSUING).public_bytes(serialization.Encoding.DER)
    start = der.index(b"\x02\x01\x01")
    broken = der[:start] + b"\x02\x01\x30" + der[start + 3 :]
    found = verified("www.example.com", {HOST_FILE: pem(WWW.certificate), "crls/issuing.crl": broken})
    assert any(note.startswith("/certs/crls/issuing.crl was ignored") for note in found.notes)


def test_a_wildcard_host_is_held_against_its_wildcard() -> None:
    files = {"hosts/*.example.com.crt": pem(server(ROOT, "*.example.com").certificate)}
    assert verified("*.example.com", files).hostname == "*.example.com"


def test_a_file_without_a_certificate_is_refused() -> None:
    with pytest.raises(Malformed, match="not a certificate"):
        verified("x", {"users/x.key": key_pem(WWW)})


def test_an_unknown_name_is_not_found() -> None:
    with pytest.raises(NotFound):
        verified("nobody", {})


def test_namesakes_are_told_apart_by_kind() -> None:
    files = {"users/root.crt": leaf("root", CLIENT)}
    with pytest.raises(AmbiguousName):
        verified("root", files)
    assert verified("root", files, kind=Kind.USER).purpose is Purpose.CLIENT


# --- judged by files that are named ----------------------------------------------------------------------------------

STRANGER = ca("stranger")
THEIRS = ca("theirs", STRANGER)
MAIL = server(THEIRS, "mail.example.org")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Return paths of what a stranger sent, by short names."""
    contents = {
        "mail": pem(MAIL.certificate),
        "theirs": THEIRS.certificate.public_bytes(serialization.Encoding.DER),
        "stranger": pem(STRANGER.certificate),
        "both": pem(THEIRS.certificate, STRANGER.certificate),
        "ours": pem(ROOT.certificate),
        "crl": pem(crl(THEIRS), crl(STRANGER)),
        "revoked": crl(THEIRS, MAIL.certificate).public_bytes(serialization.Encoding.DER),
        "key": key_pem(MAIL),
    }
    for short, data in contents.items():
        (tmp_path / short).write_bytes(data)
    return {short: str(tmp_path / short) for short in contents}


def judged(files: dict[str, str], **wishes: Any) -> Verification:
    return verified(files["mail"], {}, hostname="mail.example.org", **wishes)


def faults(files: dict[str, str], **wishes: Any) -> tuple[str, ...]:
    return reasons(files["mail"], {}, hostname="mail.example.org", **wishes)


def test_what_is_named_is_trusted(files: dict[str, str]) -> None:
    found = judged(files, trust=(files["stranger"],), untrusted=(files["theirs"],))
    assert found.chain == ("CN=mail.example.org", "CN=theirs", "CN=stranger")


def test_several_files_can_be_named(files: dict[str, str]) -> None:
    assert judged(files, trust=(files["ours"], files["stranger"]), untrusted=(files["ours"], files["theirs"]))


def test_what_is_named_as_trusted_need_not_be_self_signed(files: dict[str, str]) -> None:
    assert len(judged(files, trust=(files["theirs"],)).chain) == 2


def test_every_certificate_of_a_trusted_file_is_an_anchor(files: dict[str, str]) -> None:
    assert len(judged(files, trust=(files["both"],)).chain) == 2


def test_what_is_only_untrusted_is_no_anchor(files: dict[str, str]) -> None:
    (reason,) = faults(files, untrusted=(files["both"],))
    assert "not a trust anchor" in reason


def test_the_directory_is_not_trusted_beside_what_is_named(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "www").write_bytes(pem(WWW.certificate, ISSUING.certificate))
    found = reasons(str(tmp_path / "www"), {}, trust=(files["stranger"],), hostname="www.example.com")
    assert "CN=root" in found[0]


def test_the_crls_of_the_directory_are_not_used_beside_what_is_named(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "www").write_bytes(pem(WWW.certificate, ISSUING.certificate))
    crls = {"crls/issuing.crl": pem(crl(ISSUING, WWW.certificate))}
    assert verified(str(tmp_path / "www"), crls, trust=(files["ours"],), hostname="www.example.com")


def test_untrusted_files_and_crls_join_those_of_the_directory(tmp_path: Path) -> None:
    below = ca("below", ISSUING)
    leaf = server(below)
    (tmp_path / "below").write_bytes(pem(below.certificate))
    (tmp_path / "crls").write_bytes(pem(crl(below), crl(ISSUING), crl(ROOT)))
    wishes: dict[str, Any] = {"untrusted": (str(tmp_path / "below"),), "crls": (str(tmp_path / "crls"),)}
    assert verified("www.example.com", {HOST_FILE: pem(leaf.certificate)}, require_crl=True, **wishes)


def test_a_directory_is_trusted_file_by_file(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "trusted").mkdir()
    for short in ("theirs", "ours", "key"):
        (tmp_path / "trusted" / short).write_bytes(Path(files[short]).read_bytes())
    assert judged(files, trust=(str(tmp_path / "trusted"),)).chain[1:] == ("CN=theirs",)


def test_a_directory_without_certificates_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Malformed, match="there is none in it"):
        judged(files, trust=(str(tmp_path / "empty"),))


def test_hidden_files_of_a_directory_are_left_out(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / ".theirs").write_bytes(pem(THEIRS.certificate))
    (tmp_path / "trusted" / "ours").write_bytes(pem(ROOT.certificate))
    assert faults(files, trust=(str(tmp_path / "trusted"),))


@pytest.mark.parametrize("field", ["trust", "untrusted", "crls"])
def test_a_file_that_holds_nothing_to_judge_by_is_refused(files: dict[str, str], field: str) -> None:
    with pytest.raises(Malformed):
        judged(files, **{field: (files["key"],)})


@pytest.mark.parametrize("field", ["trust", "untrusted", "crls"])
def test_a_file_that_cannot_be_read_is_refused(files: dict[str, str], field: str) -> None:
    with pytest.raises(UnreadableFile):
        judged(files, **{field: (files["key"] + "/nothing",)})


def test_a_crl_that_is_named_revokes(files: dict[str, str]) -> None:
    (reason,) = faults(files, trust=(files["theirs"],), crls=(files["revoked"],))
    assert "revoked" in reason


def test_crls_that_are_named_satisfy_who_requires_them(files: dict[str, str]) -> None:
    wishes: dict[str, Any] = {"trust": (files["stranger"],), "untrusted": (files["theirs"],)}
    assert faults(files, require_crl=True, **wishes)
    assert judged(files, require_crl=True, crls=(files["crl"],), **wishes)


def test_a_broken_certificate_among_the_untrusted_is_a_note(files: dict[str, str], tmp_path: Path) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    (tmp_path / "mixed").write_bytes(broken + pem(THEIRS.certificate))
    found = judged(files, trust=(files["stranger"],), untrusted=(str(tmp_path / "mixed"),))
    assert found.notes[-1] == f"{tmp_path / 'mixed'}: certificate 1 was ignored: it cannot be decoded"


def test_the_depth_can_be_limited(files: dict[str, str]) -> None:
    (reason,) = faults(files, trust=(files["stranger"],), untrusted=(files["theirs"],), max_depth=0)
    assert reason == "is more than 0 CAs away from a trust anchor [RFC 5280 6.1]"


def test_a_mailbox_can_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "bob").write_bytes(leaf("bob", CLIENT))
    assert verified(str(tmp_path / "bob"), {}, email="bob@EXAMPLE.com").email == "bob@EXAMPLE.com"
    (reason,) = reasons(str(tmp_path / "bob"), {}, email="eve@example.com")
    assert "does not name eve@example.com" in reason


def test_a_server_that_was_asked_for_as_one_must_be_named(files: dict[str, str]) -> None:
    wishes: dict[str, Any] = {"trust": (files["theirs"],), "purpose": Purpose.SERVER}
    assert reasons(files["mail"], {}, **wishes) == ("name not checked: no host name was given [RFC 9525 6]",)
    assert verified(files["mail"], {}, no_hostname=True, **wishes).hostname is None


def test_a_host_need_not_be_held_against_its_own_name() -> None:
    assert verified("other.example", {"hosts/other.example.crt": pem(WWW.certificate)}, no_hostname=True)


def test_a_name_cannot_be_asked_for_and_not(files: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="--no-hostname"):
        judged(files, no_hostname=True)


def test_a_certificate_that_cannot_be_decoded_does_not_verify(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    (reason,) = reasons(str(tmp_path / "x.pem"), {})
    assert reason.startswith("cannot be decoded as a certificate")


def test_a_certificate_whose_extensions_are_broken_does_not_verify(tmp_path: Path) -> None:
    """It is a reason, with its rule, and no complaint about the file."""
    root = ca(key=shared_key("ed25519"))
    broken = resigned(server(root, "a.example"), root, b"\x82\x09a.example", b"\x87\x09a.example")
    (tmp_path / "x.pem").write_bytes(pem(broken.certificate))
    (tmp_path / "root.pem").write_bytes(pem(root.certificate))
    (reason,) = reasons(str(tmp_path / "x.pem"), {}, trust=(str(tmp_path / "root.pem"),))
    assert reason.startswith("has extensions that cannot be read")


def test_ten_thousand_copies_of_an_untrusted_certificate_are_one(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "many").write_bytes(pem(THEIRS.certificate) * 10_000)
    assert judged(files, trust=(files["stranger"],), untrusted=(str(tmp_path / "many"),))


def test_a_file_that_is_too_large_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(33 << 20)
    with pytest.raises(UnreadableFile, match="larger than 32 MiB"):
        judged(files, untrusted=(str(tmp_path / "huge"),))
