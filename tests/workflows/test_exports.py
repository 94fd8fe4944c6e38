"""Exports: the right files in their place, remembered, and every difference named."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificates

from easycert.certdir import CertDir
from easycert.cli.hints import advice
from easycert.errors import (
    AlreadyExists,
    AmbiguousName,
    HookFailed,
    IncompleteChain,
    InvalidInput,
    KeyMismatch,
    LedgerUnusable,
    NotFound,
    StoreFailure,
    UnsafeDirectory,
)
from easycert.ledger.records import Export
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.recipes import catalogue
from easycert.store import layout
from easycert.workflows.exports import refreshing
from easycert.workflows.exports.checking import states
from easycert.workflows.exports.refreshing import HookTerms
from easycert.workflows.exports.remembered import concerned
from easycert.workflows.exports.remembered import remembered_exports as remembered
from easycert.workflows.exports.values import ExportedFiles, ExportRequest, RefreshRun
from easycert.workflows.exports.writing import export, rendered
from easycert.workflows.renew.run import renew
from easycert.workflows.renew.values import RenewRequest
from tests.faults import Fault, injected
from tests.workflows.examples import Clock, chain_of_cas, directory, files, make
from tests.workflows.ledgers import ledger_path, opened

WWW = "www.example.com"


@pytest.fixture(scope="module")
def template() -> dict[str, bytes]:
    """Return the files of a directory with a root, an issuing CA, a host, and a host and a user called ``both``."""
    certdir = directory()
    chain_of_cas(certdir, "root", "issuing")
    make(certdir, Kind.HOST, WWW, "issuing")
    make(certdir, Kind.HOST, "both", "issuing")
    make(certdir, Kind.USER, "both", "issuing")
    return files(certdir)


@pytest.fixture
def certs(template: dict[str, bytes]) -> CertDir:
    certdir = directory()
    files(certdir).update(template)
    return certdir


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "tls"


def write(certdir: CertDir, to: Path, recipe: str = "pem", name: str = WWW, **wishes: Any) -> ExportedFiles:
    replace = wishes.pop("replace", False)
    return export(certdir, ExportRequest(name, recipe, str(to), **wishes), replace=replace)


def refresh(certdir: CertDir, exports: list[Export] | None = None, **wishes: Any) -> RefreshRun:
    terms = HookTerms({**os.environ, **wishes}, 30.0, 2)
    return refreshing.refresh_exports(certdir, remembered(certdir) if exports is None else exports, terms)


def drifts(certdir: CertDir) -> list[str]:
    """Return what has drifted, by file name."""
    found = states(certdir, remembered(certdir))
    assert not any(item.error for item in found), found
    return [f"{os.path.basename(drift.path)} {drift.what}" for item in found for drift in item.drifts]


def certificate(certdir: CertDir, kind: Kind = Kind.HOST, name: str = WWW) -> bytes:
    return certdir.read(layout.certificate(kind, SafeName(name)))[0]  # type: ignore[index]


# --- writing ----------------------------------------------------------------------------------------------------------


def test_key_certificate_and_chain_are_written_where_they_were_asked_for(certs: CertDir, to: Path) -> None:
    done = write(certs, to)
    assert done.files == (str(to / f"{WWW}.pem"),)
    data = (to / f"{WWW}.pem").read_bytes()
    held = load_pem_x509_certificates(data)
    assert [item.subject for item in held] == [item.subject for item in load_pem_x509_certificates(certificate(certs))]
    key = load_pem_private_key(data, None)
    assert key.public_key() == held[0].public_key()
    assert stat.S_IMODE((to / f"{WWW}.pem").stat().st_mode) == 0o600


def test_it_is_remembered_with_all_that_was_said_and_no_secret(certs: CertDir, to: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    said = {"hook": "systemctl reload nginx", "group": "0", "passphrase_file": str(secret)}
    write(certs, to, "p12", **said, passphrase=b"open sesame", legacy=True)
    (found,) = remembered(certs)
    assert (found.destination, found.recipe, found.kind, found.name) == (str(to), "p12", "host", WWW)
    assert {field: getattr(found, field) for field in said} == said
    assert (found.legacy, found.files) == ("yes", f"- {WWW}.p12")
    assert "sesame" not in repr(list(certs.ledger.entries()))


def test_of_public_files_the_digest_is_remembered(certs: CertDir, to: Path) -> None:
    write(certs, to, "fullchain")
    name = f"{WWW}.fullchain.pem"
    assert remembered(certs)[0].files == f"{sha256((to / name).read_bytes()).hexdigest()} {name}"


def test_nothing_is_remembered_when_that_was_said_nor_needs_the_directory_be_writable(
    certs: CertDir, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CertDir, "change", None)
    assert not write(certs, to, remember=False).remembered
    assert remembered(certs) == []


def test_an_unusable_ledger_is_no_reason_not_to_write_what_is_not_remembered(to: Path, tmp_path: Path) -> None:
    certdir = opened(tmp_path / "certs")
    make(certdir, Kind.HOST, WWW)
    ledger_path(tmp_path / "certs").write_bytes(b"garbage")
    with pytest.raises(LedgerUnusable):
        write(opened(tmp_path / "certs"), to)
    assert not to.exists()
    assert "still remembered" in write(opened(tmp_path / "certs"), to, remember=False).notes[0]


def test_a_pair_that_does_not_fit_is_told_also_where_nothing_can_be_written(to: Path, tmp_path: Path) -> None:
    certdir = opened(tmp_path / "certs")
    make(certdir, Kind.HOST, WWW)
    make(certdir, Kind.HOST, "both")
    (tmp_path / f"certs/hosts/{WWW}.key").write_bytes((tmp_path / "certs/hosts/both.key").read_bytes())
    with injected(Fault("read-only")), pytest.raises(KeyMismatch):
        rendered(certdir, ExportRequest(WWW, "pem", "/"))


def test_files_that_are_there_are_replaced_only_when_asked_or_when_they_are_its_own(certs: CertDir, to: Path) -> None:
    to.mkdir()
    (to / f"{WWW}.pem").write_bytes(b"theirs")
    with pytest.raises(AlreadyExists):
        write(certs, to)
    assert (to / f"{WWW}.pem").read_bytes() == b"theirs"
    assert remembered(certs) == []
    write(certs, to, replace=True)
    write(certs, to, hook="true")
    assert [item.hook for item in remembered(certs)] == ["true"]


def test_an_export_that_lies_over_another_takes_its_place(certs: CertDir, to: Path) -> None:
    write(certs, to, "cert", name="both", kind=Kind.HOST)
    with pytest.raises(AlreadyExists):
        write(certs, to, "cert", name="both", kind=Kind.USER)
    done = write(certs, to, "cert", name="both", kind=Kind.USER, replace=True)
    assert done.notes == ("host both for cert lay here, and is not written again",)
    assert [item.kind for item in remembered(certs)] == ["user"]


def test_which_certificate_is_meant_may_be_told_by_the_recipe(certs: CertDir, to: Path) -> None:
    make(certs, Kind.CA, WWW)
    files(certs)[f"users/{WWW}.key"] = b"a key that waits for its certificate"
    assert write(certs, to, "pem").kind is Kind.HOST, "a CA's key is not exported"
    with pytest.raises(AmbiguousName):
        write(certs, to, "cert")
    assert write(certs, to, "cert", kind=Kind.CA).kind is Kind.CA


@pytest.mark.parametrize(
    ("wishes", "error"),
    [
        ({"name": "nobody"}, NotFound),
        ({"recipe": "nothing-like-it"}, InvalidInput),
        ({"name": "both"}, AmbiguousName),
        ({"name": "issuing", "recipe": "key"}, InvalidInput),
        ({"passphrase": b"x"}, InvalidInput),
        ({"legacy": True}, InvalidInput),
        ({"owner": "nobody-of-that-name"}, InvalidInput),
        ({"hook": "a\0b"}, InvalidInput),
        ({"hook": "\udcff"}, InvalidInput),
        ({"recipe": "p12", "passphrase": b"not in a file"}, InvalidInput),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    certs: CertDir, to: Path, wishes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        write(certs, to, **wishes)
    assert not to.exists()
    assert remembered(certs) == []


@pytest.mark.parametrize("place", ["relative", "/a\nb", "/certs", "/certs/hosts"])
def test_a_place_that_cannot_be_is_refused(certs: CertDir, place: str) -> None:
    own = os.path.dirname(certs.store.path(layout.SETTINGS))
    with pytest.raises(InvalidInput, match="directory"):
        write(certs, Path(place.replace("/certs", own)))


def test_a_key_that_is_not_here_or_not_its_own_is_told(certs: CertDir, to: Path) -> None:
    files(certs)[f"hosts/{WWW}.key"] = files(certs)["hosts/both.key"]
    with pytest.raises(KeyMismatch):
        write(certs, to)
    del files(certs)[f"hosts/{WWW}.key"]
    with pytest.raises(NotFound, match="private key of the host"):
        write(certs, to)
    assert write(certs, to, "fullchain").files


def test_a_root_that_is_not_here_is_named_where_it_is_needed(certs: CertDir, to: Path) -> None:
    del files(certs)["cas/root.crt"]
    with pytest.raises(IncompleteChain, match=r"host www\.example\.com: the certificate of the CA 'root' above it"):
        write(certs, to, "ca")
    done = write(certs, to, "fullchain")
    assert done.notes == (
        f"host {WWW}: the CA 'root' above it is not here; unless it is a root, import its certificate",
    )


def test_the_chain_is_that_of_the_directory_now(certs: CertDir, to: Path) -> None:
    """The host's own file may still have the certificate that its CA had before."""
    cast_clock(certs).move(days=400)
    renew(certs, RenewRequest(("issuing",)))
    write(certs, to, "fullchain")
    chain = load_pem_x509_certificates((to / f"{WWW}.fullchain.pem").read_bytes())
    assert chain[1:] == load_pem_x509_certificates(certificate(certs, Kind.CA, "issuing"))[:1]


def test_one_that_has_expired_is_written_and_told(certs: CertDir, to: Path) -> None:
    cast_clock(certs).move(days=500)
    assert "it expired on" in write(certs, to, "cert").notes[0]


def test_a_disk_that_is_full_leaves_nothing_and_nothing_remembered(certs: CertDir, to: Path) -> None:
    with injected(Fault("full", 2)), pytest.raises(StoreFailure):
        write(certs, to)
    assert not to.exists() or not list(to.iterdir())
    assert remembered(certs) == []


def test_one_file_can_be_had_without_a_place(certs: CertDir) -> None:
    data, notes = rendered(certs, ExportRequest(WWW, "fullchain", "/"))
    assert load_pem_x509_certificates(data) == load_pem_x509_certificates(certificate(certs))
    assert notes == ()


def cast_clock(certdir: CertDir) -> Clock:
    """Return the clock of a directory, to be moved."""
    clock = certdir._clock
    assert isinstance(clock, Clock)
    return clock


# --- checking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["pem", "fullchain", "p12", "truststore-p12", "secret", "dotenv", "der"])
def test_what_was_just_written_is_as_it_should_be(certs: CertDir, to: Path, recipe: str) -> None:
    write(certs, to, recipe)
    assert drifts(certs) == []


def test_a_file_that_is_missing_is_named(certs: CertDir, to: Path) -> None:
    write(certs, to)
    (to / f"{WWW}.pem").unlink()
    assert drifts(certs) == [f"{WWW}.pem is missing"]


@pytest.mark.parametrize("recipe", ["pem", "fullchain", "p12"])
def test_an_older_certificate_is_named(certs: CertDir, to: Path, recipe: str) -> None:
    (path,) = write(certs, to, recipe).files
    renew(certs, RenewRequest((WWW,)))
    assert drifts(certs) == [f"{os.path.basename(path)} is older than what is in the directory"]


@pytest.mark.parametrize("recipe", ["pem", "fullchain", "p12"])
def test_what_somebody_changed_is_named(certs: CertDir, to: Path, recipe: str) -> None:
    (path,) = write(certs, to, recipe).files
    Path(path).write_bytes(Path(path).read_bytes()[:-20])
    assert drifts(certs) == [f"{os.path.basename(path)} is not what was written"]


def test_a_ca_that_was_renewed_is_noticed_where_its_certificate_is(certs: CertDir, to: Path) -> None:
    write(certs, to, "ca")
    write(certs, to, "cert")
    cast_clock(certs).move(days=400)
    renew(certs, RenewRequest(("root",)))
    assert [item.split(" ", 1)[1] for item in drifts(certs)] == ["is older than what is in the directory"]


def test_a_mode_that_was_changed_is_named(certs: CertDir, to: Path) -> None:
    write(certs, to)
    (to / f"{WWW}.pem").chmod(0o644)
    assert drifts(certs) == [f"{WWW}.pem has the mode 0644 and not 0600"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_owner_who_was_changed_is_named(certs: CertDir, to: Path) -> None:
    write(certs, to, owner="1", group="2")
    os.chown(to / f"{WWW}.pem", 0, 3)
    assert drifts(certs) == [f"{WWW}.pem belongs to uid 0 and not to 1", f"{WWW}.pem belongs to gid 3 and not to 2"]


@pytest.mark.parametrize("put", [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc/passwd", path)])
def test_what_is_no_file_is_named(certs: CertDir, to: Path, put: Callable[[str], None]) -> None:
    write(certs, to)
    (to / f"{WWW}.pem").unlink()
    put(str(to / f"{WWW}.pem"))
    (found,) = drifts(certs)
    assert found.startswith(f"{WWW}.pem cannot be read: it is ")


def test_a_certificate_that_is_gone_is_an_error_of_its_export_only(certs: CertDir, to: Path) -> None:
    write(certs, to)
    write(certs, to, name="both", kind=Kind.HOST)
    del files(certs)["hosts/both.crt"]
    found = {item.export.name: item.error for item in states(certs, remembered(certs))}
    assert isinstance(found["both"], NotFound)
    assert found[WWW] is None


def test_what_is_remembered_can_be_asked_for_by_name_form_and_place(certs: CertDir, to: Path) -> None:
    write(certs, to)
    write(certs, to, "cert")
    write(certs, to / "b", "cert", name="both", kind=Kind.USER)
    assert len(remembered(certs)) == 3
    assert [item.recipe for item in remembered(certs, WWW.upper())] == ["cert", "pem"]
    assert [item.name for item in remembered(certs, recipe="cert", destination=str(to / "b"))] == ["both"]
    assert remembered(certs, "both", kind=Kind.HOST) == []
    assert [item.name for item in concerned(certs, [(Kind.HOST, WWW)])] == [WWW, WWW]
    assert len(concerned(certs, [(Kind.CA, "root")])) == 3


def test_a_directory_without_a_ledger_remembers_nothing() -> None:
    assert remembered(directory()) == []


# --- writing again ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["pem", "p12", "fullchain"])
def test_what_drifted_is_written_again_and_what_did_not_is_left(certs: CertDir, to: Path, recipe: str) -> None:
    write(certs, to, recipe)
    write(certs, to, recipe, name="both", kind=Kind.HOST)
    before = {path.name: path.stat().st_ino for path in to.iterdir()}
    renew(certs, RenewRequest((WWW,)))
    run = refresh(certs)
    assert ([item.export.name for item in run.written], run.current, run.failed) == ([WWW], 1, ())
    assert drifts(certs) == []
    changed = {path.name for path in to.iterdir() if path.stat().st_ino != before[path.name]}
    assert {name.startswith(WWW) for name in changed} == {True}


def test_the_passphrase_is_read_again_from_its_file(certs: CertDir, to: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    write(certs, to, "p12", passphrase=b"sesame", passphrase_file=str(secret))
    renew(certs, RenewRequest((WWW,)))
    assert not refresh(certs).has_failed
    held = pkcs12.load_pkcs12((to / f"{WWW}.p12").read_bytes(), b"sesame")
    assert held.cert is not None
    assert held.cert.certificate == load_pem_x509_certificates(certificate(certs))[0]
    secret.unlink()
    assert "cannot read" in str(refresh(certs).failed[0].error)


@pytest.mark.parametrize("recipe", [name for name in catalogue.names() if catalogue.recipe(name).password_file])
@pytest.mark.parametrize("passphrase", [None, b"a b\\\"c'=#:", "pässwörd".encode()])
def test_the_passphrase_in_a_file_beside_it_is_kept(
    certs: CertDir, to: Path, recipe: str, passphrase: bytes | None
) -> None:
    write(certs, to, recipe, passphrase=passphrase)
    (plan,) = (plan for plan in catalogue.recipe(recipe).files if plan.format.is_password)
    kept = (to / plan.name).read_bytes()
    assert drifts(certs) == []
    renew(certs, RenewRequest((WWW,)))
    assert not refresh(certs).has_failed
    assert (to / plan.name).read_bytes() == kept
    assert drifts(certs) == []


@pytest.mark.parametrize(
    "content", [b"", b"\xff\n", b"password=\n", b"password=\x1b[0m\n", b"something else\nand more\n"]
)
def test_a_passphrase_that_cannot_be_read_back_is_replaced(certs: CertDir, to: Path, content: bytes) -> None:
    write(certs, to, "kafka")
    (to / "passphrase.properties").write_bytes(content)
    assert not refresh(certs).has_failed
    assert drifts(certs) == []


def test_hooks_run_once_for_all_that_was_written(certs: CertDir, to: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    hook = f'echo "$EASYCERT_EXPORTED|$EASYCERT_RENEWED" >> {told}'
    for recipe in ("pem", "cert"):
        write(certs, to, recipe, hook=hook)
    write(certs, to / "b", "cert", hook=hook)
    write(certs, to / "c", "cert", hook=f"echo other >> {told}")
    assert not told.exists(), "whoever exports tells the program himself"
    renew(certs, RenewRequest((WWW,)))
    assert not refresh(certs).has_failed
    assert told.read_text() == f"{to}\n{to}/b|{WWW}\n{WWW}\n{WWW}\nother\n"
    assert not refresh(certs).written


def test_a_hook_that_failed_is_run_again_and_keeps_no_other_from_its(certs: CertDir, to: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    write(certs, to, hook=f"test -e {tmp_path}/mended")
    write(certs, to, "p12", hook=f"test -e {tmp_path}/mended")
    write(certs, to, "cert", hook=f"echo told >> {told}")
    renew(certs, RenewRequest((WWW,)))
    run = refresh(certs)
    assert sorted((item.export.recipe, type(item.error)) for item in run.written) == [
        ("cert", type(None)),
        ("p12", HookFailed),
        ("pem", HookFailed),
    ]
    assert told.read_text() == "told\n"
    assert drifts(certs) == ["tls is new, and its hook has not run yet"] * 2
    (tmp_path / "mended").touch()
    assert not refresh(certs).has_failed
    assert (drifts(certs), told.read_text()) == ([], "told\n")


@pytest.mark.parametrize("recipe", ["truststore-p12", "ca", "p12"])
def test_a_hook_that_ran_is_not_run_again(certs: CertDir, to: Path, recipe: str) -> None:
    write(certs, to, recipe, hook="true")
    renew(certs, RenewRequest((WWW,)))
    refresh(certs)
    assert drifts(certs) == []
    assert refresh(certs) == RefreshRun(current=1)


def test_one_that_cannot_be_written_keeps_no_other_from_its(certs: CertDir, to: Path) -> None:
    write(certs, to / "a")
    write(certs, to / "b")
    renew(certs, RenewRequest((WWW,)))
    (to / "a" / f"{WWW}.pem").unlink()
    (to / "a" / f"{WWW}.pem").mkdir()
    run = refresh(certs)
    assert [item.export.destination for item in run.written] == [str(to / "b")]
    assert isinstance(run.failed[0].error, StoreFailure)
    assert run.has_failed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can do what others may not")
@pytest.mark.parametrize("theirs", ["certs", "certs/.easycert", "certs/.easycert/ledger.sqlite"])
def test_root_does_not_do_what_another_users_ledger_says(tmp_path: Path, to: Path, theirs: str) -> None:
    certdir = opened(tmp_path / "certs")
    make(certdir, Kind.HOST, WWW)
    write(certdir, to, hook=f"touch {tmp_path}/ran")
    (to / f"{WWW}.pem").unlink()
    os.chown(tmp_path / theirs, 4711, -1)
    with pytest.raises(UnsafeDirectory, match="owned by another user") as caught:
        refresh(certdir)
    assert "--allow-unsafe" not in advice(caught.value)
    assert not (to / f"{WWW}.pem").exists()
    assert not (tmp_path / "ran").exists()


def test_what_would_be_written_after_a_renewal_is_foreseen(certs: CertDir, to: Path) -> None:
    for recipe in ("pem", "ca", "chain"):
        write(certs, to, recipe)
    write(certs, to, "cert", name="both", kind=Kind.HOST)

    def foreseen(*renewed: tuple[Kind, str]) -> list[str]:
        return [item.export.recipe for item in refreshing.preview(certs, remembered(certs), renewed).written]

    assert foreseen((Kind.HOST, WWW)) == ["pem"]
    assert foreseen((Kind.CA, "root")) == ["ca"]
    assert foreseen((Kind.CA, "issuing")) == ["chain", "pem"]
    assert drifts(certs) == []


def test_what_is_forgotten_stays_as_it_is(certs: CertDir, to: Path) -> None:
    write(certs, to)
    refreshing.forget(certs, remembered(certs))
    assert remembered(certs) == []
    assert (to / f"{WWW}.pem").exists()
