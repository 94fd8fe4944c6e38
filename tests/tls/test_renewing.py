"""Files change under a context: the next handshake has them, and nothing that goes wrong with them ends a service."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import threading
from pathlib import Path

import pytest

from easycert import CertDir, IssueRequest, Kind, RenewRequest, issue, renew
from easycert.tls import client_context, server_context
from tests.tls.pki import AXON, CORTEX, OTHER, ROOT, VISI, common_name, only, require_talk, shake

ANYONE = f"ssl://{CORTEX}/"
SERVER = f"ssl://0.0.0.0/?hostname={CORTEX}&ca=vertex"
CRT, KEY = f"hosts/{CORTEX}.crt", f"hosts/{CORTEX}.key"


def serial(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = None) -> str:
    """Return the serial number of the certificate that *server* shows."""
    shown = shake(server, client, name)[0].getpeercert()
    assert shown
    return str(shown["serialNumber"])


def renewed(certs: Path, target: Path) -> Path:
    """Return a copy in which the host has a new certificate and key."""
    shutil.copytree(certs, target)
    assert renew(CertDir.open(target), RenewRequest(names=(CORTEX,))).renewed
    return target


def put(source: Path, target: Path, *names: str) -> None:
    """Rename copies of *names* into place, as careful programs do."""
    for name in names:
        draft = target / f"{name}.draft"
        shutil.copy(source / name, draft)
        draft.replace(target / name)


# --- what is taken up -------------------------------------------------------------------------------------------------


def test_a_renewed_host_is_shown_and_open_connections_go_on(certs: Path) -> None:
    server, client = server_context(f"ssl://0.0.0.0/?hostname={CORTEX},{AXON}", certs), client_context(ANYONE, certs)
    open_since, before = shake(server, client), serial(server, client)
    other = serial(server, client, AXON)
    renew(CertDir.open(certs), RenewRequest(names=(CORTEX,)))
    assert serial(server, client) != before
    assert serial(server, client, AXON) == other
    require_talk(*open_since)


def test_a_renewed_user_is_shown(certs: Path) -> None:
    server, client = server_context(SERVER, certs), client_context(f"ssl://visi@{CORTEX}/", certs)

    def shown() -> object:
        peer = shake(server, client)[1].getpeercert()
        assert peer
        return peer["serialNumber"]

    before = shown()
    renew(CertDir.open(certs), RenewRequest(names=(VISI,)))
    assert shown() != before


def test_a_better_match_that_comes_later_is_shown(certs: Path) -> None:
    server, client = server_context(SERVER, certs), client_context(f"ssl://visi@{CORTEX}/", certs)
    assert common_name(shake(server, client)[1]) == VISI
    issue(CertDir.open(certs), [IssueRequest(Kind.USER, type(VISI)(f"visi@{CORTEX}"), signas=ROOT)])
    assert common_name(shake(server, client)[1]) == f"visi@{CORTEX}"


def test_a_CA_that_comes_is_trusted_and_one_that_goes_is_not(certs: Path, tmp_path: Path) -> None:
    remote = only(certs, tmp_path / "remote", "cas/other.crt")
    server, client = server_context(ANYONE, certs), client_context(ANYONE, remote)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server, client)
    put(certs, remote, "cas/vertex.crt")
    assert shake(server, client)
    (remote / "cas/vertex.crt").unlink()
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server, client)


def test_the_CA_of_clients_changes_with_its_file(certs: Path, made_once: Path) -> None:
    server = server_context(SERVER, certs)
    visi, stranger = (client_context(f"ssl://{name}@{CORTEX}/", made_once) for name in ("visi", "stranger"))
    assert shake(server, visi)
    shutil.copy(certs / f"cas/{OTHER}.crt", certs / "cas/vertex.crt")
    assert shake(server, stranger)
    with pytest.raises(ssl.SSLError):
        shake(server, visi)


def test_what_the_caller_set_outlives_a_renewal(certs: Path) -> None:
    server, client = server_context(ANYONE, certs), client_context(ANYONE, certs)
    server.set_alpn_protocols(["h2"])
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_alpn_protocols(["h2"])
    renew(CertDir.open(certs), RenewRequest(names=(CORTEX,)))
    mine, _ = shake(server, client)
    assert (mine.selected_alpn_protocol(), mine.version()) == ("h2", "TLSv1.2")


def test_nothing_is_made_anew_while_nothing_changes(certs: Path) -> None:
    server, client = server_context(ANYONE, certs), client_context(ANYONE, certs)
    first = [side.context for side in shake(server, client)]
    os.utime(certs / CRT)  # looked at again, and found to be the same
    assert [side.context for side in shake(server, client)] == first


@pytest.mark.parametrize(("changed", "seen"), [(2**62, True), (1, False)], ids=["a moment ago", "long ago"])
def test_a_file_that_changed_a_moment_ago_is_read_again_although_it_looks_the_same(
    certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: int, seen: bool
) -> None:
    """What is written twice within one step of a file system's clock, in place and in one size, looks the same."""
    new = renewed(certs, tmp_path / "new")
    for module in ("easycert.store.marks", "easycert.tls.material"):
        monkeypatch.setattr(f"{module}.mark_of", lambda path, _: (path, 0, changed, 0, 0))
    server, client = server_context(ANYONE, certs), client_context(ANYONE, tmp_path / "new")
    before = serial(server, client)
    put(new, certs, KEY, CRT)
    assert (serial(server, client) != before) is seen


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nMIIB", "nonsense", None])
def test_a_certificate_that_breaks_is_reported_once_and_the_old_one_is_shown(
    certs: Path, tmp_path: Path, said: list[str], content: str | None
) -> None:
    server, client = server_context(ANYONE, certs, report=said.append), client_context(ANYONE, certs)
    before = serial(server, client)
    good = (certs / CRT).read_text()
    (certs / CRT).write_text(good[: len(good) // 2] if content is None else content)
    for _ in range(3):
        assert serial(server, client) == before
    assert len(said) == 1
    assert CRT in said[0]
    put(renewed_from(certs, good, tmp_path), certs, KEY, CRT)
    assert serial(server, client) != before


def renewed_from(certs: Path, good: str, tmp_path: Path) -> Path:
    whole = Path(shutil.copytree(certs, tmp_path / "whole"))
    (whole / CRT).write_text(good)
    return renewed(whole, tmp_path / "renewed")


def test_a_certificate_that_goes_is_reported_and_shown_all_the_same(certs: Path, said: list[str]) -> None:
    server, client = server_context(ANYONE, certs, report=said.append), client_context(ANYONE, certs)
    before = serial(server, client)
    (certs / CRT).unlink()
    assert serial(server, client) == serial(server, client) == before
    assert len(said) == 1


@pytest.mark.parametrize("first", [KEY, CRT])
def test_between_the_two_renames_of_a_renewal_the_old_pair_is_shown(
    certs: Path, tmp_path: Path, said: list[str], first: str
) -> None:
    new = renewed(certs, tmp_path / "new")
    server, client = server_context(ANYONE, certs, report=said.append), client_context(ANYONE, certs)
    before = serial(server, client)
    put(new, certs, first)
    assert serial(server, client) == before
    assert said == []
    put(new, certs, CRT if first == KEY else KEY)
    assert serial(server, client) != before
    assert said == []


def test_a_pair_that_stays_apart_is_reported(certs: Path, tmp_path: Path, said: list[str]) -> None:
    server, client = server_context(ANYONE, certs, report=said.append), client_context(ANYONE, certs)
    put(renewed(certs, tmp_path / "new"), certs, KEY)
    before = [serial(server, client) for _ in range(4)]
    assert len(set(before)) == 1
    assert len(said) == 1
    assert "does not belong to the certificate" in said[0]


def test_a_report_that_fails_ends_nothing(certs: Path) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("nobody listens")

    server, client = server_context(ANYONE, certs, report=fail), client_context(ANYONE, certs)
    (certs / CRT).write_text("nonsense")
    assert shake(server, client)


def test_a_passphrase_that_is_not_told_ends_nothing(certs: Path, said: list[str]) -> None:
    def fail(_: str) -> str:
        raise RuntimeError("nobody is there")

    server = server_context(ANYONE, certs, passphrase=fail, report=said.append)
    client = client_context(ANYONE, certs)
    (certs / KEY).write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert shake(server, client)
    assert len(said) == 1


def test_a_CA_that_went_does_not_come_back_with_a_broken_file(certs: Path, tmp_path: Path, said: list[str]) -> None:
    remote = only(certs, tmp_path / "remote", "cas/vertex.crt", "cas/other.crt")
    server, client = server_context(ANYONE, certs), client_context(ANYONE, remote, report=said.append)
    assert shake(server, client)
    (remote / "cas/vertex.crt").unlink()
    for content in (None, "nonsense"):
        if content:
            (remote / "cas/vertex.crt").write_text(content)
        with pytest.raises(ssl.SSLCertVerificationError):
            shake(server, client)


def test_without_a_report_it_is_logged(certs: Path, caplog: pytest.LogCaptureFixture) -> None:
    server, client = server_context(ANYONE, certs), client_context(ANYONE, certs)
    (certs / CRT).write_text("nonsense")
    assert shake(server, client)
    assert [(record.name, record.levelname) for record in caplog.records] == [("easycert.tls", "WARNING")]


def test_a_directory_that_goes_ends_nothing(certs: Path, said: list[str]) -> None:
    server, client = server_context(SERVER, certs, report=said.append), client_context(f"ssl://visi@{CORTEX}/", certs)
    certs.rename(certs.with_name("elsewhere"))
    assert shake(server, client)
    assert said


def test_an_encrypted_key_that_is_renewed_is_opened_again(certs: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    def lock(path: Path, word: bytes) -> None:
        key = serialization.load_pem_private_key((path / KEY).read_bytes(), None)
        form, encryption = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(word)
        (path / KEY).write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))

    new = renewed(certs, tmp_path / "new")
    lock(certs, b"one")
    lock(new, b"two")
    words = iter(["one", "two"])
    server, client = server_context(ANYONE, certs, passphrase=lambda _: next(words)), client_context(ANYONE, certs)
    before = serial(server, client)
    put(new, certs, KEY, CRT)
    assert serial(server, client) != before


# --- many at once -----------------------------------------------------------------------------------------------------


def test_handshakes_in_many_threads_go_on_while_the_host_is_renewed(
    certs: Path, tmp_path: Path, said: list[str]
) -> None:
    server, client = server_context(SERVER, certs, report=said.append), client_context(f"ssl://visi@{CORTEX}/", certs)
    new, old = renewed(certs, tmp_path / "new"), Path(shutil.copytree(certs, tmp_path / "old"))
    failures: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            try:
                shake(server, client)
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(10):
        put(new if turn % 2 == 0 else old, certs, KEY, CRT)
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert serial(server, client)


# --- sockets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("say", ["sendall", "send", "write", "sendfile", "recv", "read", "do_handshake"])
def test_a_socket_says_nothing_before_its_peer_was_looked_at(certs: Path, tmp_path: Path, say: str) -> None:
    heard: list[bytes] = []
    server = server_context(ANYONE, certs)
    (tmp_path / "secret").write_bytes(b"secret")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            raw, _ = listener.accept()
            with raw:
                try:
                    with server.wrap_socket(raw, server_side=True) as wrapped:
                        heard.append(wrapped.recv(100))
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        client = client_context(f"ssl://{CORTEX}/?certhash={'00' * 32}", certs)
        with (
            socket.create_connection(listener.getsockname()) as raw,
            client.wrap_socket(raw, do_handshake_on_connect=False) as wrapped,
            (tmp_path / "secret").open("rb") as file,
        ):
            arguments = {"sendfile": (file,), "recv": (10,), "read": (10,), "do_handshake": ()}.get(say, (b"secret",))
            for _ in range(2):
                file.seek(0)
                with pytest.raises(ssl.SSLCertVerificationError, match="is pinned"):
                    getattr(wrapped, say)(*arguments)
        thread.join()
    assert heard in ([], [b""])


def test_a_socket_may_be_wrapped_before_it_connects(certs: Path) -> None:
    server = server_context(ANYONE, certs)
    with socket.create_server(("127.0.0.1", 0)) as raw, server.wrap_socket(raw, server_side=True) as listener:
        shown: list[ssl.SSLSocket] = []
        thread = threading.Thread(target=lambda: shown.append(listener.accept()[0]))
        thread.start()
        with client_context(ANYONE, certs).wrap_socket(socket.socket()) as wrapped:
            wrapped.connect(listener.getsockname())
            assert wrapped.version()
            thread.join()
            shown[0].sendall(b"hello")
            assert wrapped.recv(5) == b"hello"
        shown[0].close()
