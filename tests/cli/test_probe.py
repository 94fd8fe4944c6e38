"""``probe`` and real servers: it tells who is there, and names each fault with the command that mends it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import freezegun
import pytest

from easycert.cli import exits
from easycert.cli.entry import run
from tests.daemons import Daemon, free_port, running

HOST = "127.0.0.1"
WWW = "www.example.com"


class Place(NamedTuple):
    """A certificate directory, and how servers are started with what lies in it."""

    certs: Path
    openssl: str
    log: Path

    def path(self, name: str) -> Path:
        return self.certs / name

    @contextmanager
    def serving(
        self, *options: str | Path, host: str = WWW, chain: bool = True, port: int | None = None
    ) -> Iterator[Daemon]:
        """Run ``openssl s_server`` with the certificate of *host*, and the intermediate if *chain*."""
        port = port or free_port()
        pair = ("-cert", self.path(f"hosts/{host}.crt"), "-key", self.path(f"hosts/{host}.key"))
        above = ("-cert_chain", self.path("cas/issuing.crt")) if chain else ()
        words = [self.openssl, "s_server", "-accept", f"{HOST}:{port}", *pair, *above, *options, "-quiet"]
        with running(words, port=port, log=self.log) as daemon:
            yield daemon

    def run(self, *words: str | Path) -> int:
        return run([*map(str, words), "--certdir", str(self.certs)])


class Told(NamedTuple):
    """What a probe said: its exit code, the JSON, and each fault as ``rule`` -> ``fix``."""

    code: int
    result: dict[str, Any]

    @property
    def faults(self) -> dict[str, str | None]:
        return {f"{fault['rule']} [{fault['section']}]": fault["fix"] for fault in self.result["faults"]}

    def only(self) -> tuple[str, str | None]:
        ((rule, fix),) = self.faults.items()
        return rule, fix


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Place:
    folder = tmp_path_factory.mktemp("probe")
    made = Place(folder / "certs", need("openssl"), folder / "log")
    for words in (
        ("ca", "root"),
        ("ca", "issuing", "--signas", "root"),
        ("ca", "other"),
        ("host", WWW, "--signas", "issuing", "--days", "90"),
        ("host", "revoked.example.com", "--signas", "issuing"),
        ("host", "alone.example.com"),
        ("user", "bob@example.com", "--signas", "issuing", "--days", "90"),
        ("user", "eve@example.com", "--signas", "other"),
        ("revoke", "revoked.example.com"),
        ("crl", "root"),
    ):
        assert made.run(*words, "-q") == exits.DONE
    assert made.run("user", "asks@example.com", "--signas", "issuing", "-q") == exits.DONE
    roots = made.path("cas/root.crt").read_text() + made.path("cas/issuing.crt").read_text()
    (folder / "clients.pem").write_text(roots)
    return made


@pytest.fixture
def ask(place: Place, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    def asked(daemon: Daemon | int, *options: str, name: str = WWW, at: Place = place) -> Told:
        port = daemon if isinstance(daemon, int) else daemon.port
        code = at.run("probe", f"{HOST}:{port}", "--servername", name, "-o", "json", *options)
        printed = capsys.readouterr()
        return Told(code, json.loads(printed.out)["probe"] if printed.out else {"stderr": printed.err})

    return asked


Ask = Callable[..., Told]
pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a server on a busy machine the time to say what it thinks of a client; one that goes on says so at once."""
    monkeypatch.setattr("easycert.tls.handshake._GRACE", 8.0)


# --- who is there -----------------------------------------------------------------------------------------------------


def test_a_good_server_is_told_with_its_chain_and_the_files_that_it_is(place: Place, ask: Ask) -> None:
    with place.serving() as daemon:
        told = ask(daemon)
    assert told.code == exits.DONE
    result = told.result
    assert (result["verified"], result["protocol"]) == (True, "TLSv1.3")
    assert "25519" in result["group"].lower()  # alone, or beside ML-KEM
    assert [(link["subject"], link["path"], link["kind"]) for link in result["chain"]] == [
        (f"CN={WWW}", str(place.path(f"hosts/{WWW}.crt")), "host"),
        ("CN=issuing", str(place.path("cas/issuing.crt")), "ca"),
    ]
    assert result["anchor"]["subject"] == "CN=root"
    assert result["client"] == {"asked": False, "authorities": [], "presented": None, "accepted": True}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_client_certificate_that_is_accepted_is_told_so(place: Place, ask: Ask, version: str) -> None:
    with place.serving(version, *_required(place)) as daemon:
        told = ask(daemon, "--cert", "bob@example.com")
    assert told.code == exits.DONE
    assert told.result["protocol"] == {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version]
    assert told.result["client"] == {
        "asked": True,
        "authorities": ["CN=root", "CN=issuing"],
        "presented": "bob@example.com",
        "accepted": True,
    }


def test_what_ends_soon_is_an_exit_code_of_its_own(place: Place, ask: Ask) -> None:
    with place.serving() as daemon, freezegun.freeze_time(_in_days(80), ignore=["_pytest"]):
        told = ask(daemon)
    assert told.code == exits.DUE
    assert told.result["due"] == [f"CN={WWW}"]


def _required(place: Place) -> tuple[str | Path, ...]:
    return "-Verify", "2", "-verify_return_error", "-CAfile", place.log.with_name("clients.pem")


def _in_days(days: int) -> str:
    from datetime import UTC, datetime, timedelta

    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d %H:%M:%S}"


# --- the server's certificate -----------------------------------------------------------------------------------------


def test_an_intermediate_that_the_server_keeps_to_itself_is_named_with_the_export_that_has_it(
    place: Place, ask: Ask
) -> None:
    with place.serving(chain=False) as daemon:
        told = ask(daemon)
    assert told.code == exits.NOT_VERIFIED
    rule, fix = told.only()
    assert "comes without the certificate of its CA 'CN=issuing'" in rule
    assert "RFC 8446 4.4.2" in rule
    assert (fix or "").startswith(f"easycert export {WWW} --for ")


def test_an_expired_certificate_is_named_with_its_file_and_its_renewal(place: Place, ask: Ask) -> None:
    with place.serving() as daemon, freezegun.freeze_time(_in_days(200), ignore=["_pytest"]):
        told = ask(daemon)
    assert told.code == exits.NOT_VERIFIED
    fault = next(one for one in told.result["faults"] if one["rule"].startswith("expired on"))
    assert fault["path"] == str(place.path(f"hosts/{WWW}.crt"))
    assert fault["section"] == "RFC 5280 6.1.3 (a)(2)"
    assert fault["fix"] == f"easycert renew {WWW} --certdir {place.certs}"


def test_the_wrong_host_is_named_with_the_command_that_adds_the_name(place: Place, ask: Ask) -> None:
    with place.serving() as daemon:
        told = ask(daemon, name="api.example.com")
    rule, fix = told.only()
    assert rule == f"does not name api.example.com, only {WWW} [RFC 9525 6]"
    assert fix == (f"easycert host {WWW} --signas issuing --san api.example.com --force --certdir {place.certs}")


def test_a_revoked_certificate_is_named_with_the_one_that_is_to_be_made(place: Place, ask: Ask) -> None:
    with place.serving(host="revoked.example.com") as daemon:
        told = ask(daemon, name="revoked.example.com")
    rule, fix = told.only()
    assert rule.startswith("was revoked on ")
    assert fix == f"easycert host revoked.example.com --signas issuing --force --certdir {place.certs}"


def test_an_unknown_ca_is_named_with_the_command_that_trusts_it(place: Place, ask: Ask) -> None:
    with place.serving() as daemon:
        told = ask(daemon, "--ca", "other")
    rule, fix = told.only()
    assert "[RFC 5280 6.1.3 (a)]" in rule
    assert fix == f"easycert import FILE --kind ca --certdir {place.certs}"


def test_a_host_that_signed_itself_is_to_get_a_ca(place: Place, ask: Ask) -> None:
    with place.serving(host="alone.example.com", chain=False) as daemon:
        told = ask(daemon, name="alone.example.com")
        assert told.only()[0] == "is self-signed and not a trust anchor [RFC 5280 6.1.3 (a)]"
        assert (told.only()[1] or "").startswith("easycert host alone.example.com --signas CA ")
        trusted = ask(daemon, "--ca", str(place.path("hosts/alone.example.com.crt")), name="alone.example.com")
    assert trusted.code == exits.DONE


def test_a_server_that_still_serves_what_was_renewed_is_to_get_what_is_here(
    place: Place, ask: Ask, tmp_path: Path
) -> None:
    copy = Place(tmp_path / "certs", place.openssl, tmp_path / "log")
    for words in (("ca", "r"), ("host", WWW, "--signas", "r", "--days", "10"), ("host", "x.example", "--signas", "r")):
        assert copy.run(*words, "-q") == exits.DONE
    with copy.serving(chain=False) as daemon:
        assert copy.run("host", WWW, "--signas", "r", "--days", "90", "--force", "-q") == exits.DONE
        with freezegun.freeze_time(_in_days(20), ignore=["_pytest"]):
            told = ask(daemon, at=copy)
    fault = told.result["faults"][0]
    assert fault["rule"].startswith("expired on")
    assert (fault["fix"] or "").startswith(f"easycert export {WWW} --for ")
    assert f"the server does not serve {copy.path(f'hosts/{WWW}.crt')}" in "; ".join(told.result["notes"])


def test_a_server_whose_export_is_stale_or_unread_is_to_get_or_to_read_it(
    place: Place, ask: Ask, tmp_path: Path
) -> None:
    copy = Place(tmp_path / "certs", place.openssl, tmp_path / "log")
    for words in (("ca", "r"), ("host", WWW, "--signas", "r", "--days", "10")):
        assert copy.run(*words, "-q") == exits.DONE
    assert copy.run("export", WWW, "--for", "fullchain", "--to", tmp_path / "served", "-q") == exits.DONE
    with copy.serving(chain=False) as daemon:
        assert copy.run("host", WWW, "--signas", "r", "--days", "90", "--force", "-q") == exits.DONE
        with freezegun.freeze_time(_in_days(20), ignore=["_pytest"]):
            assert ask(daemon, at=copy).only()[1] == f"easycert export {WWW} --refresh --certdir {copy.certs}"
            assert copy.run("export", WWW, "--refresh", "-q") == exits.DONE
            told = ask(daemon, at=copy)
    assert told.only()[1] is None
    assert f"lies in {tmp_path / 'served'}, as it should: have it read that again" in "; ".join(told.result["notes"])


def test_tls_1_1_is_refused_by_the_rfc_that_buried_it(place: Place, ask: Ask) -> None:
    with place.serving("-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as daemon:
        told = ask(daemon)
    assert told.only()[0] == "the server speaks TLSv1.1, which must not be used any more [RFC 8996 5]"


@pytest.mark.parametrize(("revoked", "fault"), [(False, ""), (True, "was revoked since ")])
def test_a_stapled_ocsp_response_is_asked_for_and_judged(
    place: Place, ask: Ask, tmp_path: Path, revoked: bool, fault: str
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509 import ocsp

    copy = Place(tmp_path / "certs", place.openssl, tmp_path / "log")
    for words in (("ca", "root"), ("host", WWW, "--signas", "root"), ("ocsp-signer", "--signas", "root")):
        assert copy.run(*words, "-q") == exits.DONE
    leaf, issuer = (
        x509.load_pem_x509_certificate(copy.path(name).read_bytes()) for name in (f"hosts/{WWW}.crt", "cas/root.crt")
    )
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build()
    (tmp_path / "request").write_bytes(request.public_bytes(serialization.Encoding.DER))
    if revoked:
        assert copy.run("revoke", WWW, "-q") == exits.DONE
    assert copy.run("ocsp", "respond", tmp_path / "request", "--out", tmp_path / "response", "-q") == exits.DONE
    copy.path("crls/root.crl").unlink(missing_ok=True)  # the response alone is to tell
    with copy.serving("-status_file", tmp_path / "response", chain=False) as daemon:
        told = ask(daemon, "--staple", at=copy)
    assert told.result["staple"]["status"] == ("revoked" if revoked else "good")
    assert [one["rule"][: len(fault)] for one in told.result["faults"]] == [fault] * revoked
    with copy.serving(chain=False) as daemon:
        without = ask(daemon, "--staple", at=copy)
    assert without.result["staple"] is None
    assert any("staples no OCSP response" in note for note in without.result["notes"])


def test_a_url_of_telepath_names_the_user_and_pins_the_server(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    from easycert.pki.describe.certificate import fingerprint
    from easycert.pki.formats.bundle import read_bundle

    leaf = read_bundle(place.path(f"hosts/{WWW}.crt").read_bytes()).readable_certificates[0]
    with place.serving(*_required(place)) as daemon:
        url = f"ssl://bob@{HOST}:{daemon.port}/?hostname="
        assert place.run("probe", f"{url}mail.elsewhere.example") == exits.FAILED
        assert "bob@mail.elsewhere.example" in capsys.readouterr().err
        assert place.run("probe", f"{url}{WWW}", "-o", "json") == exits.DONE  # found as bob@example.com
        capsys.readouterr()
        asked = f"{url}mail.example.com"
        assert place.run("probe", f"{asked}&certhash={fingerprint(leaf)}", "-o", "json") == exits.DONE
        result = json.loads(capsys.readouterr().out)["probe"]
        assert result["client"]["presented"] == "bob@example.com"
        assert place.run("probe", f"{asked}&certhash={'0' * 64}", "-o", "json") == exits.NOT_VERIFIED
        (fault,) = json.loads(capsys.readouterr().out)["probe"]["faults"]
        assert fault["rule"].startswith("is not the certificate that is pinned by certhash=000")


def test_the_systems_cas_are_trusted_where_that_is_wanted(
    place: Place, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = Place(tmp_path / "empty", place.openssl, tmp_path / "log")
    monkeypatch.setenv("SSL_CERT_FILE", str(place.path("cas/root.crt")))
    with place.serving() as daemon:
        assert ask(daemon, at=empty).code == exits.NOT_VERIFIED
        assert ask(daemon, "--system", at=empty).code == exits.DONE


# --- our certificate --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_certificate_that_is_wanted_and_not_presented_is_named_with_who_has_one(
    place: Place, ask: Ask, version: str
) -> None:
    with place.serving(version, *_required(place)) as daemon:
        told = ask(daemon)
    assert told.code == exits.NOT_VERIFIED
    rule, fix = told.only()
    assert rule.startswith("the server wants a client certificate from 'CN=root' or 'CN=issuing', and got none")
    assert fix == (
        f"easycert probe {HOST}:{daemon.port} --servername {WWW} --cert asks@example.com --certdir {place.certs}"
    )
    assert told.result["client"]["accepted"] is False


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_certificate_of_another_ca_is_refused_and_why_is_said(place: Place, ask: Ask, version: str) -> None:
    with place.serving(version, *_required(place)) as daemon:
        told = ask(daemon, "--cert", "eve@example.com")
    assert told.code == exits.NOT_VERIFIED
    assert [fault["path"] for fault in told.result["faults"]] == [str(place.path("users/eve@example.com.crt"))] * 2
    (named, fix), (alert, _) = told.faults.items()
    assert named == (
        "was issued by 'CN=other', and the server takes only what comes from 'CN=root' or 'CN=issuing' [RFC 8446 4.2.4]"
    )
    assert "easycert user eve@example.com --signas" in (fix or "")
    assert "(TLS alert unknown_ca) [RFC 8446 6.2]" in alert


def test_a_client_certificate_that_expired_is_named_with_its_renewal(place: Place, ask: Ask) -> None:
    serving = place.serving(*_required(place), "-attime", str(_epoch(200)))
    with serving as daemon, freezegun.freeze_time(_in_days(200), ignore=["_pytest"]):
        told = ask(daemon, "--cert", "bob@example.com")
    ours = [one for one in told.result["faults"] if one["side"] == "client"]
    assert ours[0]["rule"].startswith("expired on ")
    assert {one["fix"] for one in ours} == {f"easycert renew bob@example.com --certdir {place.certs}"}
    assert "certificate_expired" in ours[-1]["rule"]


def _epoch(days: int) -> int:
    import time

    return int(time.time()) + days * 86400


def test_a_server_that_does_not_mind_a_revoked_user_is_told(place: Place, ask: Ask) -> None:
    assert place.run("user", "gone@example.com", "--signas", "issuing", "-q") == exits.DONE
    assert place.run("revoke", "gone@example.com", "-q") == exits.DONE
    with place.serving(*_required(place)) as daemon:
        told = ask(daemon, "--cert", "gone@example.com")
    assert (told.code, told.result["client"]["accepted"]) == (exits.DONE, True)
    assert any("does not mind that CN=gone@example.com was revoked on" in note for note in told.result["notes"])


def test_a_key_that_is_locked_is_opened_with_its_passphrase(
    place: Place, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Place(tmp_path / "certs", place.openssl, tmp_path / "log")
    for words in (("ca", "issuing"), ("host", WWW, "--signas", "issuing"), ("user", "bob", "--signas", "issuing")):
        assert copy.run(*words, "-q") == exits.DONE
    locking = [place.openssl, "pkey", "-in", copy.path("users/bob.key"), "-aes256", "-passout", "pass:correct horse"]
    locked = subprocess.run(list(map(str, locking)), check=True, capture_output=True).stdout
    copy.path("users/bob.key").write_bytes(locked)
    with copy.serving(
        "-Verify", "1", "-verify_return_error", "-CAfile", copy.path("cas/issuing.crt"), chain=False
    ) as one:
        assert "passphrase" in ask(one, "--cert", "bob", at=copy).result["stderr"]
        monkeypatch.setenv("EASYCERT_PASSPHRASE", "wrong")
        assert "is wrong" in ask(one, "--cert", "bob", at=copy).result["stderr"]
        monkeypatch.setenv("EASYCERT_PASSPHRASE", "correct horse")
        told = ask(one, "--cert", "bob", at=copy)
    assert (told.code, told.result["client"]["accepted"]) == (exits.DONE, True)


# --- nobody there, or somebody else -----------------------------------------------------------------------------------


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection with *answer*, in a thread."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
                with connection:
                    answer(connection)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]


def test_a_closed_port_is_no_handshake(ask: Ask) -> None:
    told = ask(free_port())
    assert told.code == exits.FAILED
    assert "Connection refused" in told.result["stderr"]


def test_what_speaks_no_tls_is_told(ask: Ask) -> None:
    with answering(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        told = ask(port)
    assert told.code == exits.FAILED
    assert "it does not speak TLS" in told.result["stderr"]


def test_who_says_nothing_is_not_waited_for(ask: Ask) -> None:
    def wait(connection: socket.socket) -> None:
        while connection.recv(9999):
            continue

    with answering(wait) as port:
        told = ask(port, "--timeout", "0.3")
    assert told.code == exits.FAILED
    assert "no answer within 0.3 s" in told.result["stderr"]


@pytest.mark.parametrize("leaving", ["", "1"])
def test_a_name_that_nobody_answers_for_is_not_waited_for(own_home: Path, leaving: str) -> None:
    """The C library would wait for as long as its own settings say; the process ends although it still does."""
    script = (
        "import socket, sys, time\n"
        "def look_up(*_, flags=0, **__):\n"
        "    if flags & socket.AI_NUMERICHOST:\n"
        "        raise socket.gaierror(socket.EAI_NONAME, 'no address')\n"
        "    time.sleep(600)\n"
        "socket.getaddrinfo = look_up\n"
        "from easycert.cli.entry import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "probe", "www.example.com:443", "--timeout", "0.2"],
        env={**os.environ, "EASYCERT_SLOW_EXIT": leaving},
        cwd=own_home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == exits.FAILED
    assert "its name could not be looked up within 0.2 s" in done.stderr


def test_a_name_that_there_is_not_is_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """RFC 6761 section 6.4: nothing below .invalid exists, and a label of 64 octets cannot."""
    assert place.run("probe", f"{'a' * 64}.invalid:443", "--servername", WWW) == exits.FAILED
    assert "cannot be looked up" in capsys.readouterr().err


def test_who_drips_octets_is_not_waited_for(ask: Ask) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        while not stop.wait(0.02):
            connection.sendall(b"\0")

    with answering(drip) as port:
        told = ask(port, "--timeout", "0.4")
    stop.set()
    assert told.code == exits.FAILED


def test_who_sends_without_end_is_cut_off(ask: Ask) -> None:
    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"220-more\r\n" * 1000)

    with answering(flood) as port:
        told = ask(port, "--starttls", "smtp")
    assert told.code == exits.FAILED
    assert "does not answer as SMTP" in told.result["stderr"]


def test_a_server_that_knows_no_such_name_is_told_by_its_alert(place: Place, ask: Ask) -> None:
    with place.serving(
        "-servername",
        "elsewhere.example",
        "-servername_fatal",
        "-cert2",
        place.path(f"hosts/{WWW}.crt"),
        "-key2",
        place.path(f"hosts/{WWW}.key"),
    ) as daemon:
        told = ask(daemon)
    assert told.code == exits.FAILED
    assert "unrecognized_name" in told.result["stderr"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("probe", "a.example"), "has no port"),
        (("probe", "https://a.example", "--starttls", "smtp"), "cannot stand beside a URL"),
        (("probe", "a.example:1", "--servername", "a b"), "a b"),
        (("probe", "tcp://a.example:1"), "neither https nor ssl"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    place: Place, words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.run(*words) == exits.USAGE
    assert why in capsys.readouterr().err


def test_a_user_or_ca_that_is_not_here_is_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("probe", f"{HOST}:1", "--cert", "nobody") == exits.FAILED
    assert place.run("probe", f"{HOST}:1", "--ca", "nobody") == exits.FAILED
    assert capsys.readouterr().err.count("nobody") == 2


def test_the_reference_names_every_field_of_the_json(place: Place, ask: Ask) -> None:
    reference = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")
    row = next(line for line in reference.splitlines() if line.startswith("| `probe` | probe |"))
    with place.serving(chain=False) as daemon:
        result = ask(daemon).result
    named = {*result, *result["chain"][0], *result["client"], *result["faults"][0]}
    assert {name for name in named if f"`{name}`" not in row} == set()


def test_the_text_has_the_faults_on_stderr_with_the_command(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with place.serving(chain=False) as daemon:
        assert place.run("probe", f"https://{HOST}:{daemon.port}", "--servername", "x.example") == exits.NOT_VERIFIED
    told = capsys.readouterr()
    assert "0: CN=www.example.com" in told.out
    assert f"error: {HOST}:{daemon.port}: the server is refused:" in told.err
    assert "\n  fix: easycert export " in told.err
