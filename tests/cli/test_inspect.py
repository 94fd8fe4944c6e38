"""``list``, ``tree``, ``show``, ``verify`` as a person or a program meets them: lines, JSON, streams and exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from freezegun import freeze_time

from easycert.cli.commands import listing
from easycert.cli.entry import run
from easycert.cli.overviews import time_left
from easycert.cli.render import Palette, aligned, plain, width
from tests.pki.chainmaker import NOW, Made, ca, crl, name, pem, sans, server

ROOT = ca()
ISSUING = ca("issuing", ROOT, constraints=x509.NameConstraints([x509.DNSName("example.com")], None), path_length=0)
WWW = server(ISSUING, "www.example.com", "xn--bcher-kva.example.com")

Outcome = tuple[int, str, str]
Run = Callable[..., Outcome]


def key_pem(made: Made, passphrase: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return bytes(made.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    """A certificate directory with a root, an intermediate and a host with its key and chain."""
    directory = tmp_path / "certs"
    for folder in ("cas", "hosts", "users", "code", "crls"):
        (directory / folder).mkdir(mode=0o700, parents=True)
    directory.chmod(0o700)
    (directory / "cas" / "root.crt").write_bytes(pem(ROOT.certificate))
    (directory / "cas" / "issuing.crt").write_bytes(pem(ISSUING.certificate))
    (directory / "hosts" / "www.example.com.crt").write_bytes(pem(WWW.certificate, ISSUING.certificate))
    put_private(directory / "hosts" / "www.example.com.key", key_pem(WWW))
    return directory


def put_private(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)


@pytest.fixture
def easycert(certs: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command line on the directory, on a fixed day: exit code, stdout, stderr."""

    def command(*argv: str | os.PathLike[str]) -> Outcome:
        with freeze_time(NOW):
            code = run([*map(os.fspath, argv), "--certdir", str(certs)])
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Make stdout, as captured, a terminal."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    monkeypatch.setenv("TERM", "xterm")


# --- list


def test_list_into_a_pipe_is_tab_separated_without_a_header(easycert: Run, certs: Path) -> None:
    code, out, _ = easycert("list", "--kind", "host")
    path = certs / "hosts" / "www.example.com.crt"
    expected = f"host\twww.example.com\t2026-06-11T12:00:00Z\tvalid\t10\tec256\tkey\tCN=issuing\t{path}\n"
    assert (code, out) == (0, expected)


@pytest.mark.usefixtures("terminal")
def test_list_on_a_terminal_is_a_table(easycert: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert easycert("list")[1] == (
        "KIND  NAME             EXPIRES     LEFT     KEY    ISSUER\n"
        "ca    issuing          2026-06-11  10 days  ec256  CN=root     no key here\n"
        "ca    root             2026-06-11  10 days  ec256  (itself)    no key here\n"
        "host  www.example.com  2026-06-11  10 days  ec256  CN=issuing\n"
    )


@pytest.mark.usefixtures("terminal")
def test_colour_is_for_a_terminal(easycert: Run) -> None:
    assert "\x1b[32m10 days\x1b[0m" in easycert("list")[1]


def test_there_is_no_colour_in_a_pipe(easycert: Run) -> None:
    assert "\x1b" not in "".join(
        easycert(command, *rest)[1] for command, *rest in (["list"], ["tree"], ["show", "root"])
    )


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_can_do_without_colour(
    easycert: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert "\x1b" not in easycert("list")[1]


def test_list_as_json_is_versioned(easycert: Run) -> None:
    shown = json.loads(easycert("list", "-o", "json")[1])
    assert (shown["version"], shown["kind"], len(shown["listing"]["items"])) == (1, "listing", 3)


def test_a_broken_file_is_named_on_stderr_and_the_rest_is_listed(easycert: Run, certs: Path) -> None:
    (certs / "cas" / "bad.crt").write_bytes(b"junk")
    code, out, err = easycert("list")
    assert (code, out.count("\n")) == (0, 3)
    assert err == f"note: {certs}/cas/bad.crt is left out: it is not a certificate that can be decoded\n"


def test_an_exposed_key_is_told(easycert: Run, certs: Path) -> None:
    (certs / "hosts" / "www.example.com.key").chmod(0o644)
    assert "\texposed\t" in easycert("list")[1]


@pytest.mark.parametrize("command", ["list", "tree"])
def test_an_empty_directory_says_how_to_begin(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run([command, "--certdir", str(tmp_path / "none")])
    assert (code, *capsys.readouterr()) == (
        0,
        "",
        "note: there are no certificates here yet; begin with: easycert ca NAME\n",
    )


@pytest.mark.parametrize("command", [["list"], ["tree"], ["show", "root"], ["verify", "root"]])
def test_quiet_prints_nothing_when_all_is_well(easycert: Run, command: list[str]) -> None:
    assert easycert(*command, "-q") == (0, "", "")


@pytest.mark.parametrize("command", [["list"], ["tree"], ["show", "root"], ["verify", "root"]])
def test_looking_leaves_the_directory_as_it_was(easycert: Run, certs: Path, command: list[str]) -> None:
    before = sorted(certs.rglob("*"))
    easycert(*command)
    assert sorted(certs.rglob("*")) == before


# --- tree


def test_the_tree_is_drawn_with_lines(easycert: Run) -> None:
    assert easycert("tree")[1] == (
        "ca root                       2026-06-11  10 days  ec256  no key here\n"
        "└── ca issuing                2026-06-11  10 days  ec256  no key here\n"
        "    └── host www.example.com  2026-06-11  10 days  ec256\n"
    )


def test_strangers_stand_apart_in_the_tree(easycert: Run, certs: Path) -> None:
    (certs / "users" / "bob.crt").write_bytes(pem(server(ca("stranger"), "bob").certificate))
    (certs / "hosts" / "lone.crt").write_bytes(pem(server(None, "lone").certificate))
    _, _, apart = easycert("tree")[1].partition("\n\n")
    assert [line.split("  2026")[0].rstrip() for line in apart.splitlines()] == [
        "Self-signed",
        "  host lone",
        "",
        "Signed by a CA that is not here",
        "  user bob",
    ]


def test_the_tree_as_json_nests(easycert: Run) -> None:
    (root,) = json.loads(easycert("tree", "-o", "json")[1])["tree"]["roots"]
    assert root["below"][0]["below"][0]["item"]["name"] == "www.example.com"


def test_a_terminal_without_unicode_gets_a_tree_in_ascii(easycert: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "fits", lambda *_: False)
    assert "    `-- host www.example.com" in easycert("tree")[1]


# --- show


def test_show_tells_what_a_person_wants_to_know(easycert: Run, certs: Path) -> None:
    shown = easycert("show", "www.example.com")[1]
    serial = f"{WWW.certificate.serial_number:x}".zfill(4)
    for line in (
        f"{certs}/hosts/www.example.com.crt\n",
        "host certificate (1 of 2)\n",
        "  Subject      CN=www.example.com\n",
        "  Issuer       CN=issuing\n",
        "  Names        DNS:www.example.com\n",
        "               DNS:xn--bcher-kva.example.com (bücher.example.com)\n",
        "  Valid        2026-05-22 12:00:00Z to 2026-06-11 12:00:00Z (10 days left)\n",
        "  Key          ec256\n",
        "  Usage        digitalSignature, serverAuth\n",
        f"  Serial       {serial}\n",
        f"  Private key  {certs}/hosts/www.example.com.key (belongs to it)\n",
        "CA certificate (2 of 2)\n",
    ):
        assert line in shown


def test_show_tells_what_a_ca_may_sign(easycert: Run) -> None:
    shown = easycert("show", "issuing")[1]
    assert "  CA           no CA may stand below it\n  Permitted    DNS:example.com\n" in shown


def test_show_tells_what_is_odd(easycert: Run, certs: Path) -> None:
    (certs / "hosts" / "odd.crt").write_bytes(pem(server(ROOT, names=()).certificate))
    assert "  Warning      no DNS or IP subject alternative name" in easycert("show", "odd")[1]


def test_show_tells_of_a_key_that_does_not_belong(easycert: Run, certs: Path) -> None:
    put_private(certs / "cas" / "root.key", key_pem(WWW))
    assert "(unusable: it does not belong to the certificate beside it)" in easycert("show", "root")[1]


def test_show_never_prints_a_private_key(easycert: Run, certs: Path) -> None:
    path = certs / "hosts" / "www.example.com.key"
    printed = "".join(
        map(str, [*easycert("show", path), *easycert("show", path, "-o", "json"), *easycert("show", path, "--pem")])
    )
    secret = f"{WWW.key.private_numbers().private_value:x}"
    assert not any(text in printed for text in (*path.read_text().splitlines()[1:-1], secret))


def test_show_as_json_is_versioned(easycert: Run) -> None:
    shown = json.loads(easycert("show", "www.example.com", "-o", "json")[1])
    leaf = shown["contents"]["items"][0]
    assert (shown["version"], shown["kind"], leaf["type"], leaf["kind"]) == (1, "contents", "certificate", "host")


def test_times_in_json_are_rfc_3339(easycert: Run) -> None:
    shown = json.loads(easycert("show", "root", "-o", "json")[1])
    assert shown["contents"]["items"][0]["not_after"] == "2026-06-11T12:00:00Z"


def test_show_prints_pem(easycert: Run) -> None:
    assert easycert("show", "root", "--pem") == (0, pem(ROOT.certificate).decode(), "")


def test_pem_and_json_exclude_each_other(easycert: Run) -> None:
    assert easycert("show", "root", "--pem", "-o", "json")[0] == 2


def test_show_lists_the_first_entries_of_a_crl(easycert: Run, certs: Path) -> None:
    made = crl(ROOT, *[server(ROOT, key=ROOT.key).certificate for _ in range(23)])
    (certs / "crls" / "root.crl").write_bytes(pem(made))
    shown = easycert("show", certs / "crls" / "root.crl")[1]
    assert (shown.count("keyCompromise"), "  Revoked      23 certificates\n" in shown) == (20, True)
    assert shown.endswith("    and 3 more; -o json has them all\n")


def test_show_tells_what_a_request_asks_for(easycert: Run, tmp_path: Path) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(name("asker"))
    builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(sans("a.example"), False)
    request = builder.sign(WWW.key, hashes.SHA256())
    (tmp_path / "x.csr").write_bytes(request.public_bytes(serialization.Encoding.PEM))
    shown = easycert("show", tmp_path / "x.csr")[1]
    assert "  Names        DNS:a.example\n" in shown
    assert "  Asks for     a CA certificate\n" in shown


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A PKCS#12 file under the passphrase ``secret``."""
    lock = serialization.BestAvailableEncryption(b"secret")
    chain = [ISSUING.certificate]
    path = tmp_path / "x.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"me", WWW.key, WWW.certificate, chain, lock))
    return path


def test_a_locked_file_says_that_it_is(easycert: Run, locked: Path) -> None:
    assert "  Contents     unknown until it is opened with its passphrase\n" in easycert("show", locked)[1]


def test_a_passphrase_file_opens_it(easycert: Run, locked: Path, tmp_path: Path) -> None:
    put_private(tmp_path / "pass", b"secret\n")
    shown = easycert("show", locked, "--passphrase-file", tmp_path / "pass")[1]
    assert "  Holds        a private key (ec256), 2 certificates\n" in shown


def test_a_variable_opens_it(easycert: Run, locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYCERT_PASSPHRASE", "secret")
    assert "  Called       me\n" in easycert("show", locked)[1]


def test_a_wrong_passphrase_fails_in_one_line(easycert: Run, locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYCERT_PASSPHRASE", "guess")
    code, out, err = easycert("show", locked)
    assert (code, out, err.splitlines()[0]) == (1, "", f"error: the passphrase for {locked} is wrong")


@pytest.mark.parametrize("command", ["show", "verify"])
def test_an_unknown_name_fails_in_one_line(easycert: Run, command: str) -> None:
    code, out, err = easycert(command, "nobody")
    assert (code, out) == (1, "")
    assert err.startswith("error: there is no certificate, key or signing request named 'nobody'\n")


def test_a_name_of_several_kinds_fails_and_names_them(easycert: Run, certs: Path) -> None:
    (certs / "users" / "root.crt").write_bytes(pem(WWW.certificate))
    code, _, err = easycert("show", "root")
    assert (code, err.splitlines()[0]) == (1, "error: 'root' names several: ca root, user root")


# --- verify


def test_verify_tells_the_path(easycert: Run) -> None:
    code, out, err = easycert("verify", "www.example.com")
    assert (code, out) == (
        0,
        "host www.example.com verifies as a server for www.example.com\n"
        "  CN=www.example.com\n"
        "  CN=issuing\n"
        "  CN=root\n",
    )
    assert "revocation not checked" in err


def test_verify_fails_with_4_and_a_line_for_each_reason(easycert: Run, certs: Path) -> None:
    (certs / "crls" / "issuing.crl").write_bytes(pem(crl(ISSUING, WWW.certificate)))
    code, out, err = easycert("verify", "www.example.com", "--hostname", "x.example.com")
    first, *reasons = err.splitlines()
    assert (code, out, first) == (4, "", "error: host www.example.com does not verify:")
    assert [reason[:2] for reason in reasons] == ["- ", "- "]


def test_a_failure_is_told_even_when_quiet(easycert: Run) -> None:
    code, _, err = easycert("verify", "www.example.com", "--purpose", "code", "-q")
    assert (code, err.count("\n- ")) == (4, 1)


def test_verify_as_json_says_yes(easycert: Run) -> None:
    verdict = json.loads(easycert("verify", "root", "-o", "json")[1])["verification"]
    assert (verdict["verified"], verdict["reasons"], verdict["purpose"]) == (True, [], "ca")


def test_verify_as_json_says_no_with_its_reasons_on_stdout(easycert: Run) -> None:
    code, out, err = easycert("verify", "www.example.com", "--hostname", "x.example.com", "-o", "json")
    verdict = json.loads(out)["verification"]
    assert (code, verdict["verified"], len(verdict["reasons"]), err) == (4, False, 1, "")


def test_verify_can_look_ahead(easycert: Run) -> None:
    assert easycert("verify", "root", "--at", "11d")[0] == 4


def test_a_time_that_is_none_is_a_usage_error(easycert: Run) -> None:
    assert easycert("verify", "root", "--at", "soon")[0] == 2


# --- the means of drawing


@pytest.mark.parametrize(
    ("state", "days", "text"),
    [
        ("valid", 397, "397 days"),
        ("valid", 1, "1 day"),
        ("valid", 0, "less than a day"),
        ("expired", -1, "expired today"),
        ("expired", -2, "expired 1 day ago"),
        ("not yet valid", 400, "not yet valid"),
    ],
)
def test_time_left_is_worded(state: str, days: int, text: str) -> None:
    assert time_left(state, days) == text


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("\x1b[1mab\x1b[0m", 2)])
def test_width_counts_columns(text: str, columns: int) -> None:
    assert width(text) == columns


def test_columns_line_up_whatever_they_hold() -> None:
    assert aligned([("日本", "x"), (Palette(colour=True).paint("a", "red"), "y")]) == [
        "日本  x",
        "\x1b[31ma\x1b[0m     y",
    ]


def test_bytes_have_no_place_in_a_result() -> None:
    with pytest.raises(TypeError, match="bytes"):
        plain({"key": b"secret"})
