"""Directories that nobody honest made: refused or passed over, quickly, and nothing outside them is touched."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from easycert.certdir import CertDir
from easycert.errors import Refused, UnreadableFile, WeakKey
from easycert.model import Kind
from easycert.workflows.adopt import source as sources
from easycert.workflows.adopt.adoption import AdoptRequest, adopt
from easycert.workflows.adopt.placing import Outcome
from tests.workflows.adopt.examples import adopted, outcomes
from tests.workflows.examples import AS_CA, directory, files, key_pem, make, new_key, pem, stranger


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the directory of a CA, laid out like openssl's, with one certificate."""
    certdir, path = CertDir.in_memory(), tmp_path / "source"
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "www.example.com", "root")
    (path / "private").mkdir(parents=True)
    (path / "cacert.pem").write_bytes(files(certdir)["cas/root.crt"])
    (path / "private/cakey.pem").write_bytes(files(certdir)["cas/root.key"])
    (path / "www.pem").write_bytes(files(certdir)["hosts/www.example.com.crt"])
    (path / "index.txt").write_bytes(b"")
    return path


def assert_all_came(here: CertDir, source: Path) -> dict[str, str]:
    """Adopt *source*, see that its CA and its host came in, and return what was left out."""
    result = adopted(here, source)
    assert [item[1:] for item in outcomes(result)] == [
        ("root", Outcome.IMPORTED, True),
        ("www.example.com", Outcome.IMPORTED, True),
    ]
    return dict(result.left_out)


def test_pipes_sockets_and_devices_are_passed_over(
    here: CertDir, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(source / "pipe.pem")
    monkeypatch.chdir(source)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.pem")
        left = assert_all_came(here, source)
    assert left == dict.fromkeys(("pipe.pem", "socket.pem"), "it is not a regular file")


def test_a_link_that_leads_out_is_not_followed(here: CertDir, source: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(key_pem(new_key()))
    (tmp_path / "elsewhere").mkdir()
    (source / "private/other.key").symlink_to(tmp_path / "secret.key")
    (source / "more").symlink_to(tmp_path / "elsewhere")
    (source / "up.pem").symlink_to("../secret.key")
    left = assert_all_came(here, source)
    reason = "it is a symbolic link that leads out of the directory"
    assert left == dict.fromkeys(("private/other.key", "more", "up.pem"), reason)


def test_links_within_and_in_circles_do_no_harm(here: CertDir, source: Path) -> None:
    (source / "ca.crt").symlink_to("cacert.pem")
    (source / "again").symlink_to(".")
    (source / "circle.pem").symlink_to("circle.pem")
    (source / "dangling.pem").symlink_to("nowhere")
    assert set(assert_all_came(here, source)) == {"circle.pem", "dangling.pem"}


def test_a_directory_that_is_itself_a_link_is_followed(here: CertDir, source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    assert assert_all_came(here, tmp_path / "link") == {}


def test_file_names_lead_nowhere(here: CertDir, source: Path, tmp_path: Path) -> None:
    line = "V\t290227174930Z\t\t77\t../../../etc/passwd\t/CN=../../x\n"
    (source / "index.txt").write_text(line)
    for name in (b"$(id).crt", b"\xff\xfe.pem", b"a\nb.pem", b"-rf.pem"):
        (Path(os.fsdecode(os.fsencode(source) + b"/" + name))).write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    left = assert_all_came(here, source)
    assert len(left) == 5
    assert not (tmp_path / "x").exists()


def test_names_that_climb_are_no_names(here: CertDir, source: Path) -> None:
    key = new_key()
    for cn in ("../../evil", ".hidden", "-rf", "a\x00b", "\u202eevil"):
        signed = stranger(key, cn, extensions=(), issuer=None)
        (source / "certs").mkdir(exist_ok=True)
        (source / "certs/x.pem").write_bytes(pem(signed))
        assert "certs/x.pem" in dict(adopted(here, source, dry_run=True).left_out)


def test_broken_files_spoil_nothing_but_themselves(here: CertDir, source: Path) -> None:
    certificate = (source / "www.pem").read_bytes()
    (source / "half.pem").write_bytes(certificate[: len(certificate) // 2])
    (source / "empty.pem").write_bytes(b"")
    (source / "noise.der").write_bytes(bytes(range(256)) * 8)
    (source / "huge.pem").write_bytes(b"\0" * (1 << 20) + b"\0")
    (source / "huge.tar").write_bytes(b"\0" * (1 << 20) + b"\0")
    (source / "README").write_text("-----BEGIN of a story\n")
    assert set(assert_all_came(here, source)) == {"half.pem", "empty.pem", "noise.der", "huge.pem"}


def test_a_damaged_key_is_no_key(here: CertDir, source: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    good = rsa.generate_private_key(65537, 2048).private_numbers()
    bad = rsa.RSAPrivateNumbers(
        good.p, good.q, good.d ^ 2, good.dmp1 ^ 2, good.dmq1 ^ 2, good.iqmp, good.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    data = bad.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (source / "private/bad.key").write_bytes(data)
    assert assert_all_came(here, source) == {"private/bad.key": "it is damaged: what it signs does not verify"}


def test_thousands_of_useless_files_are_passed_over(here: CertDir, source: Path) -> None:
    for number in range(3000):
        (source / f"{number}.txt").write_text("nothing")
    assert assert_all_came(here, source) == {}


def test_a_directory_of_too_many_files_is_refused(
    here: CertDir, source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sources, "_MOST_FILES", 3)
    with pytest.raises(Refused, match="more than 3 files"):
        adopted(here, source)
    assert not (tmp_path / "certs").exists()


def test_an_index_too_long_to_be_one_stops_everything(here: CertDir, source: Path, tmp_path: Path) -> None:
    with (source / "index.txt").open("wb") as index:
        index.truncate((64 << 20) + 1)
    with pytest.raises(UnreadableFile, match=r"index\.txt: it is larger than 64 MiB"):
        adopted(here, source)
    assert not (tmp_path / "certs").exists()


def test_an_index_of_noise_is_said(here: CertDir, source: Path) -> None:
    (source / "index.txt").write_bytes(b"\0\xff\n" * 3)
    assert "line 3: it has 1 fields" in assert_all_came(here, source)["index.txt"]


def test_a_long_index_is_read_in_no_time(here: CertDir, source: Path) -> None:
    rows = (f"R\t290227174930Z\t261125174932Z\t{0x1000 + n:X}\tunknown\t/CN=x{n}\n" for n in range(20_000))
    (source / "index.txt").write_text("".join(rows))
    result = adopted(here, source)
    assert [item.revoked for item in result.crls] == [20_000]
    (path, reason) = result.left_out[0]
    assert path == "index.txt"
    assert reason.endswith("and 19995 more")


def test_revocations_of_nobody_knows_whom_stop_everything(here: CertDir, source: Path, tmp_path: Path) -> None:
    other = new_key()
    (source / "second.pem").write_bytes(pem(stranger(other, "second", extensions=AS_CA)))
    (source / "private/second.key").write_bytes(key_pem(other))
    (source / "index.txt").write_text("R\t290227174930Z\t261125174932Z\t77\tunknown\t/CN=x\n")
    with pytest.raises(Refused, match="it cannot be told which CA revoked what is in it"):
        adopted(here, source)
    assert not (tmp_path / "certs").exists()


def test_a_weak_ca_is_refused(here: CertDir, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    weak = rsa.generate_private_key(65537, 1024)
    (tmp_path / "source").mkdir()
    (tmp_path / "source/ca.pem").write_bytes(pem(stranger(weak, "weak", extensions=AS_CA)))
    (tmp_path / "source/index.txt").touch()
    with pytest.raises(WeakKey, match="RSA of 1024 bits"):
        adopted(here, tmp_path / "source")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_may_not_be_looked_into_stops_everything(here: CertDir, source: Path) -> None:
    (source / "private").chmod(0)
    with pytest.raises(UnreadableFile, match="private: Permission denied"):
        adopted(here, source)
    (source / "private").chmod(0o700)


def test_a_file_is_no_directory(here: CertDir, source: Path) -> None:
    with pytest.raises(UnreadableFile, match="it is not a directory"):
        adopted(here, source / "www.pem")
    with pytest.raises(UnreadableFile, match="No such file"):
        adopted(here, source / "nowhere")


def test_it_is_told_how_far_it_is(here: CertDir, source: Path) -> None:
    told: list[tuple[str, int, int]] = []
    adopt(here, AdoptRequest(str(source)), lambda *step: told.append(step))
    assert told == [
        *(("reading", number, 4) for number in range(4)),
        ("verifying", 0, 2),
        ("verifying", 1, 2),
    ]


def test_in_memory_it_is_the_same(source: Path) -> None:
    certdir = directory()
    assert [item.outcome for item in adopted(certdir, source).certificates] == [Outcome.IMPORTED] * 2
