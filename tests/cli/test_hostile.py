"""Hostile values in every place where a value is taken, through both doors: one sentence, and nothing changes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.doors import Ended, Snapshot, snapshot, went

#: No name, no date, no number, no file that is there.
NONSENSE = {
    "empty": "",
    "space": " ",
    "nul": "a\0b",
    "newline": "a\nb",
    "tab": "a\tb",
    "escape": "a\x1b[2Jb",
    "right-to-left": "a\u202eb",
    "zero-width": "a\u200bb",
    "surrogate": "a\udcffb",
    "up": "../../x",
    "absolute": "/etc/x",
    "slash": "a/b",
    "backslash": "a\\b",
    "dot": ".",
    "dots": "..",
    "hidden": ".hidden",
    "shell": "$(id)",
    "percent": "%s%n",
    "300": "x" * 300,
    "100000": "x" * 100_000,
    "hyphen": "-",
}

Place = Callable[[str], list[str]]
SUBCOMMANDS: dict[str, Place] = {
    **{f"{kind} NAME": lambda v, kind=kind: [kind, "--", v] for kind in ("ca", "host", "user", "code")},
    **{f"csr {kind} NAME": lambda v, kind=kind: ["csr", kind, "--", v] for kind in ("ca", "host", "user", "code")},
    "second NAME": lambda v: ["host", "--", "a.example", v],
    "--signas": lambda v: ["host", "a.example", f"--signas={v}"],
    "--san": lambda v: ["host", "a.example", f"--san={v}"],
    "second --san": lambda v: ["host", "a.example", "--san=b.example", f"--san=IP:{v}"],
    "--san email:": lambda v: ["host", "a.example", f"--san=email:{v}"],
    "--san URI:": lambda v: ["host", "a.example", f"--san=URI:{v}"],
    "--subject": lambda v: ["ca", "one", f"--subject=O={v},C={v}"],
    "--subject type": lambda v: ["ca", "one", f"--subject={v}=x"],
    "--days": lambda v: ["host", "a.example", f"--days={v}"],
    "--not-after": lambda v: ["host", "a.example", f"--not-after={v}"],
    "--not-before": lambda v: ["host", "a.example", f"--not-before={v}"],
    "--key-type": lambda v: ["host", "a.example", f"--key-type={v}"],
    "--profile": lambda v: ["host", "a.example", f"--profile={v}"],
    "--pathlen": lambda v: ["ca", "one", f"--pathlen={v}"],
    "--permit": lambda v: ["ca", "one", f"--permit={v}"],
    "--exclude": lambda v: ["ca", "one", f"--exclude=IP:{v}"],
    "--lock-timeout": lambda v: ["host", "a.example", f"--lock-timeout={v}"],
    "--output": lambda v: ["host", "a.example", f"--output={v}"],
    "sign FILE": lambda v: ["sign", "--signas=root", "--", v],
    "sign --signas": lambda v: ["sign", "FILE.csr", f"--signas={v}"],
    "sign --as": lambda v: ["sign", "FILE.csr", "--signas=root", f"--as={v}"],
    "sign --name": lambda v: ["sign", "FILE.csr", "--signas=root", f"--name={v}"],
    "import FILE": lambda v: ["import", "--", v],
    "import DIR": lambda v: ["import", "--from=auto", "--", v],
    "import --from": lambda v: ["import", "FILE.crt", f"--from={v}"],
    "import --kind": lambda v: ["import", "FILE.crt", f"--kind={v}"],
    "import --name": lambda v: ["import", "FILE.crt", "--kind=ca", f"--name={v}"],
    "import --passphrase-file": lambda v: ["import", "FILE.crt", f"--passphrase-file={v}"],
    "revoke": lambda v: ["revoke", "--", v],
    "revoke second": lambda v: ["revoke", "--", "FILE.crt", v],
    "revoke --reason": lambda v: ["revoke", "FILE.crt", f"--reason={v}"],
    "revoke --invalid-since": lambda v: ["revoke", "FILE.crt", f"--invalid-since={v}"],
    "revoke --signas": lambda v: ["revoke", "FILE.crt", f"--signas={v}"],
    "revoke --kind": lambda v: ["revoke", "FILE.crt", f"--kind={v}"],
    "crl": lambda v: ["crl", "--", v],
    "crl second": lambda v: ["crl", "--", "root", v],
    "crl --next-update": lambda v: ["crl", "root", f"--next-update={v}"],
    "ocsp respond": lambda v: ["ocsp", "respond", "--out=it", "--", v],
    "ocsp respond --next-update": lambda v: ["ocsp", "respond", "FILE.crt", f"--next-update={v}"],
    "ocsp-signer --signas": lambda v: ["ocsp-signer", f"--signas={v}"],
    "ocsp-signer --key-type": lambda v: ["ocsp-signer", "--signas=root", f"--key-type={v}"],
    "show": lambda v: ["show", "--", v],
    "verify": lambda v: ["verify", "--", v],
    "lint": lambda v: ["lint", "--", v],
    "verify --at": lambda v: ["verify", "root", f"--at={v}"],
    "verify --hostname": lambda v: ["verify", "root", f"--hostname={v}"],
    "verify --email": lambda v: ["verify", "root", f"--email={v}"],
    "verify --max-depth": lambda v: ["verify", "root", f"--max-depth={v}"],
    "verify --purpose": lambda v: ["verify", "root", f"--purpose={v}"],
    "verify --trust": lambda v: ["verify", "root", f"--trust={v}"],
    "verify --untrusted": lambda v: ["verify", "root", f"--untrusted={v}"],
    "verify --crl": lambda v: ["verify", "root", f"--crl={v}"],
    "env --ca": lambda v: ["env", f"--ca={v}"],
    "env --cert": lambda v: ["env", f"--cert={v}"],
    "env --shell": lambda v: ["env", f"--shell={v}"],
    "run --host": lambda v: ["run", "--ephemeral", f"--host={v}", "false"],
    "run --user": lambda v: ["run", "--ephemeral", f"--user={v}", "false"],
}
FLAGS: dict[str, Place] = {
    "user NAME": lambda v: ["--", v],
    "--ca NAME": lambda v: ["--ca", "--", v],
    "--server NAME": lambda v: ["--server", "--", v],
    "--code NAME": lambda v: ["--code", "--", v],
    "--csr NAME": lambda v: ["--csr", "--", v],
    "--csr --server NAME": lambda v: ["--csr", "--server", "--", v],
    "--signas": lambda v: ["--server", "a.example", f"--signas={v}"],
    "--server-sans": lambda v: ["--server", "a.example", f"--server-sans=DNS:{v}"],
    "--server-sans URI:": lambda v: ["--server", "a.example", f"--server-sans=DNS:b.example,URI:{v}"],
    "--sign-csr FILE": lambda v: ["--sign-csr", "--signas=root", "--", v],
    "--sign-csr --signas": lambda v: ["--sign-csr", "--server", f"--signas={v}", "FILE.csr"],
    "--p12 NAME": lambda v: ["--p12", "--", v],
    "--crl NAME": lambda v: ["--crl", "--", v],
    "--revokeas NAME": lambda v: ["--revokeas=root", "--", v],
    "--revokeas": lambda v: [f"--revokeas={v}", "--server", "FILE"],
    "--importfile FILE": lambda v: ["--importfile=cas", "--", v],
}


#: What means something after all: an escaped letter, a domain with its dot, names that a live directory may have.
MEANINGFUL = {
    ("--subject", "backslash"),
    ("--permit", "hidden"),
    ("import --name", "percent"),
    ("import --name", "hyphen"),
    ("verify --trust", "dots"),  # a directory, in which there are certificates
    ("verify --untrusted", "dots"),
    ("verify --crl", "dots"),
}
#: Synapse's tool takes any text that is safe as a file name.
SYNAPSE_TAKES = ("percent", "hyphen")


class Directory(NamedTuple):
    """A certificate directory with one CA, in a directory that holds a request and a certificate, and its look."""

    top: Path
    certs: Path
    before: Snapshot

    def went(self, argv: list[str]) -> Ended:
        named = [part.replace("FILE.", f"{self.top}/FILE.") if "FILE." in part else part for part in argv]
        ended = went(*_with_certdir(named, str(self.certs)))
        assert snapshot(self.top) == self.before, "the directory is not as it was before"
        return ended


def _with_certdir(argv: list[str], certdir: str) -> list[str]:
    at = argv.index("--") if "--" in argv else len(argv)
    return [*argv[:at], f"--certdir={certdir}", *argv[at:]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """Return a directory that no test of this module may change."""
    top = tmp_path_factory.mktemp("hostile")
    certs, elsewhere = top / "certs", top / "elsewhere"
    assert went("ca", "root", f"--certdir={certs}").code == 0
    assert went("csr", "host", "www.example.com", f"--certdir={elsewhere}").code == 0
    (top / "FILE.csr").write_bytes((elsewhere / "hosts/www.example.com.csr").read_bytes())
    (top / "FILE.crt").write_bytes((certs / "cas/root.crt").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(elsewhere)
        yield Directory(top, certs, snapshot(top))


def assert_one_sentence(ended: Ended) -> None:
    """Assert that a subcommand said what is wrong in one sentence, with advice or usage beside it, and nothing else."""
    lines = ended.stderr.splitlines()
    assert all(line.isprintable() for line in lines), ended.stderr
    assert "easycert has a fault" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    if ended.code == 2 and lines[0].startswith("Usage:"):
        assert sum(line.startswith("Error: ") for line in lines) == 1
        return
    sentences = [line for line in lines if line.startswith("error: ")]
    hints = [line for line in lines if line.startswith("hint: ")]
    assert len(sentences) == 1, ended.stderr
    assert len(hints) <= 1
    assert len(lines) == len(sentences) + len(hints), ended.stderr


@pytest.mark.parametrize("where", SUBCOMMANDS)
def test_a_subcommand_refuses_nonsense_in_one_sentence(place: Directory, where: str) -> None:
    for name, value in NONSENSE.items():
        if (where, name) not in MEANINGFUL:
            ended = place.went(SUBCOMMANDS[where](value))
            assert ended.code in (1, 2), (name, ended)
            assert_one_sentence(ended)


@pytest.mark.parametrize("where", FLAGS)
def test_the_flag_form_refuses_nonsense_in_one_line(place: Directory, where: str) -> None:
    for name, value in NONSENSE.items():
        if name in SYNAPSE_TAKES and where.endswith(" NAME"):
            continue  # a name like any other: what is not there is refused, what is asked for is made
        ended = place.went(FLAGS[where](value))
        assert ended.code == 1, (name, ended)
        (line,) = ended.stdout.splitlines()
        assert line.isprintable(), (name, line)
        assert "easycert has a fault" not in line
        assert ended.stderr == ""


CODES: list[tuple[list[str], int]] = [
    (["host", "a b.example"], 2),
    (["host", "--", "-x"], 2),
    (["host", "*.*.com"], 2),
    (["host", "a.example", "--san=10.0.0.0/24"], 2),
    (["host", "a.example", "--san=*"], 2),
    (["host", "a.example", "--days=0"], 2),
    (["host", "a.example", "--days=99999999999999999999"], 2),
    (["host", "a.example", "--days=1.5"], 2),
    (["host", "a.example", "--days=5", "--not-after=90d"], 2),
    (["host", "a.example", "--not-after=2020-01-01"], 2),
    (["host", "a.example", "--not-after=999999y"], 2),
    (["host", "a.example", "--not-before=9999-12-31"], 2),
    (["host", "a.example", "--key-type=rsa1024"], 2),
    (["host", "a.example", "a.example"], 2),
    (["host", "a.example", "--lock-timeout=nan"], 2),
    (["host", "a.example", "--lock-timeout=-1"], 2),
    (["ca", "one", "--pathlen=-1"], 2),
    (["ca", "one", "--pathlen=101"], 2),
    (["ca", "one", "--permit=10.0.0.1/8"], 2),
    (["ca", "one", "--permit=*.example.com"], 2),
    (["ca", "one", "--profile=synapse", "--subject=O=Acme"], 2),
    (["sign", "FILE.csr", "--signas=root", "--pathlen=1"], 2),
    (["sign", "FILE.csr"], 2),
    (["nonsense", "x", "y"], 2),
    (["ca"], 2),
    (["ca", "root"], 1),
    (["ca", "root", "--signas=root", "--force"], 1),
    (["host", "a.example", "--signas=nobody"], 1),
    (["sign", "FILE.crt", "--signas=root"], 1),
    (["sign", "FILE.csr", "--signas=nobody"], 1),
    (["sign", "missing.csr", "--signas=root"], 1),
    (["sign", ".", "--signas=root"], 1),
    (["import", "FILE.csr"], 1),
    (["show", "nobody"], 1),
    (["--ca", "root"], 1),
    (["--server", "a.example", "--signas", "nobody"], 1),
    (["--csr", "--ca", "one"], 1),
    (["--nonsense"], 2),
    (["--ca"], 2),
]


@pytest.mark.parametrize(("argv", "code"), CODES, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_each_refusal_has_its_exit_code(place: Directory, argv: list[str], code: int) -> None:
    ended = place.went(argv)
    assert ended.code == code, ended
    assert "easycert has a fault" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["--a\x1b[2J", "one"],
        ["--ca", "one", "two\x1b[2J"],
        ["--importfile=\x1b[2J", "one"],
        ["host", "a.example", "--a\x1b[2J"],
        ["list", "a\x1b[2J"],
        ["csr", "a\x1b[2J"],
        ["host", "a.example", "--output=\u202e"],
    ],
    ids=repr,
)
def test_what_is_no_usage_at_all_is_shown_escaped(place: Directory, argv: list[str]) -> None:
    ended = place.went(argv)
    assert ended.code == 2
    assert all(line.isprintable() for line in ended.stderr.splitlines()), ended.stderr


CERTDIRS = {
    "empty": "",
    "nul": "a\0b",
    "too long a part": "/tmp/" + "x" * 300,
    "too long": "/tmp" + "/x" * 5000,
    "below a file": "/dev/null/x",
    "not to be made": "/proc/nope",
    "home of nobody": "~nobody-at-all/certs",
}


@pytest.mark.parametrize("form", ["subcommand", "flags"])
@pytest.mark.parametrize("name", CERTDIRS)
def test_a_certificate_directory_that_cannot_be_is_refused(tmp_path: Path, form: str, name: str) -> None:
    ended = went(*(["ca", "one"] if form == "subcommand" else ["--ca", "one"]), f"--certdir={CERTDIRS[name]}")
    assert ended.code in ((1, 2) if form == "subcommand" else (1,))
    if form == "subcommand":
        assert_one_sentence(ended)
    else:
        assert ended.stdout.startswith("ERROR: ")
        assert "easycert has a fault" not in ended.stdout
    assert list(tmp_path.iterdir()) == []


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_directory(path: Path) -> None:
    path.mkdir()


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 << 20)


def make_garbage(path: Path) -> None:
    path.write_bytes(os.urandom(1 << 20))


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


STRANGE = [make_fifo, make_directory, make_loop, make_huge, make_garbage, make_device]
READERS = [
    ["sign", "--signas=root"],
    ["import"],
    ["import", "--from=openssl"],
    ["show"],
    ["verify"],
    ["lint"],
    ["--sign-csr", "--signas=root"],
    ["--importfile=cas"],
]


@pytest.mark.parametrize("argv", READERS, ids=" ".join)
@pytest.mark.parametrize("make", STRANGE)
def test_what_is_no_file_is_refused_at_once(
    place: Directory, tmp_path: Path, argv: list[str], make: Callable[[Path], None]
) -> None:
    make(tmp_path / "it.pem")
    begun = time.monotonic()
    ended = place.went([*argv, str(tmp_path / "it.pem")])
    assert ended.code in (1, 2), ended
    assert "easycert has a fault" not in ended.stdout + ended.stderr
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize("make", [make_fifo, make_directory, make_loop, make_huge, make_device])
def test_a_passphrase_file_that_is_no_file_is_refused_at_once(
    place: Directory, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "it")
    assert_one_sentence(place.went(["import", "FILE.crt", f"--passphrase-file={tmp_path}/it"]))


@pytest.mark.parametrize("argv", [["host", "a.example", "--signas=root"], ["list"], ["tree"], ["--crl", "root"]])
@pytest.mark.parametrize("make", STRANGE)
@pytest.mark.parametrize("path", ["cas/root.key", "cas/root.crt", "cas/other.crt", "crls/root.crl"])
def test_strange_things_in_the_directory_hang_nothing_and_break_nothing(
    tmp_path: Path, path: str, make: Callable[[Path], None], argv: list[str]
) -> None:
    certs = tmp_path / "certs"
    assert went("ca", "root", f"--certdir={certs}").code == 0
    (certs / path).unlink(missing_ok=True)
    (certs / path).parent.mkdir(exist_ok=True)
    make(certs / path)
    ended = went(*argv, f"--certdir={certs}")
    assert ended.code in (0, 1)
    assert "easycert has a fault" not in ended.stdout + ended.stderr


def test_a_request_with_any_one_byte_changed_is_refused(place: Directory, tmp_path: Path) -> None:
    """Whatever the byte belongs to, the form is broken or the signature does not fit."""
    request = x509.load_pem_x509_csr((place.top / "FILE.csr").read_bytes()).public_bytes(Encoding.DER)
    path = tmp_path / "it.csr"
    for position in range(len(request)):
        changed = bytearray(request)
        changed[position] ^= 0x55
        path.write_bytes(changed)
        ended = went("sign", str(path), "--signas=root", f"--certdir={place.certs}")
        assert ended.code == 1, (position, ended)
        assert_one_sentence(ended)
    assert snapshot(place.top) == place.before


# --- whatever may be typed -------------------------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(blacklist_characters="\0"), max_size=80)
HOSTLIKE = st.from_regex(r"[a-zA-Z0-9*._\-ü@:/ ]{0,70}", fullmatch=True)


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate directory that may grow, alone in its directory."""
    return tmp_path_factory.mktemp("growing") / "certs"


def assert_decent(ended: Ended, directory: Path, folder: str) -> None:
    assert ended.code in (0, 1, 2), ended
    assert "easycert has a fault" not in ended.stdout + ended.stderr
    assert all(line.isprintable() for line in (ended.stdout + ended.stderr).splitlines())
    assert {path.name for path in directory.parent.iterdir()} <= {"certs"}
    assert {path.name for path in directory.iterdir() if directory.exists()} <= {folder, ".easycert"}
    for path in (directory / folder).glob("*"):
        assert path.suffix in (".key", ".crt")


@given(name=ANY_TEXT | HOSTLIKE)
@settings(max_examples=150)
def test_any_text_as_a_host_is_made_or_refused(growing: Path, name: str) -> None:
    certs = growing.parent / "certs"
    certs.mkdir(exist_ok=True, mode=0o700)
    assert_decent(went("host", f"--certdir={certs}", "--", name), certs, "hosts")


@given(name=ANY_TEXT | HOSTLIKE)
@settings(max_examples=100)
def test_any_text_as_a_user_is_made_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    certs = tmp_path_factory.mktemp("users") / "certs"
    certs.mkdir(mode=0o700)
    assert_decent(went("user", f"--certdir={certs}", "--", name), certs, "users")


@given(text=ANY_TEXT | HOSTLIKE)
@settings(max_examples=150)
def test_any_text_as_a_san_is_made_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    certs = tmp_path_factory.mktemp("sans") / "certs"
    certs.mkdir(mode=0o700)
    assert_decent(went("host", "a.example", f"--certdir={certs}", f"--san={text}"), certs, "hosts")


@given(data=st.binary(max_size=300))
@settings(max_examples=150)
def test_any_bytes_as_a_file_are_refused(
    place: Directory, tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "it.pem"
    path.write_bytes(data)
    for argv in (["sign", "--signas=root"], ["import"], ["show"]):
        ended = place.went([*argv, str(path)])
        assert ended.code in (1, 2), ended
        assert "easycert has a fault" not in ended.stderr
