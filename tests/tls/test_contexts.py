"""Contexts from URLs: who is shown, who is let in, and by which name, in real handshakes."""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from easycert import CertDir, HostName, IssueRequest, KeyType, Kind, issue
from easycert.certdir import utc_now
from easycert.errors import EncryptedKey, InvalidInput, InvalidUrl, KeyMismatch, Malformed, NotFound, Refused
from easycert.tls import PeerRefused, client_context, server_context
from tests.tls.pki import AXON, CORTEX, DEEP, ROOT, STRANGER, VISI, begin, common_name, only, require_talk, shake

SERVER = f"ssl://0.0.0.0/?hostname={CORTEX}&ca=vertex"
ANYONE = f"ssl://{CORTEX}/"
CLIENT = f"ssl://visi@{CORTEX}/"


def pin_of(certs: Path, name: str = CORTEX) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert((certs / f"hosts/{name}.crt").read_text())).hexdigest()


# --- what is returned -------------------------------------------------------------------------------------------------


def test_a_context_is_an_SSLContext_for_TLS_1_2_and_later(made_once: Path) -> None:
    for context in (server_context(SERVER, made_once), client_context(CLIENT, made_once)):
        assert isinstance(context, ssl.SSLContext)
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert context.options & ssl.OP_NO_RENEGOTIATION
        assert context.options & ssl.OP_NO_COMPRESSION
        assert context.verify_mode is ssl.CERT_REQUIRED


def test_an_older_TLS_is_refused(made_once: Path) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        shake(server_context(SERVER, made_once), old)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_user_and_a_host_recognise_each_other(made_once: Path, version: ssl.TLSVersion) -> None:
    client = client_context(CLIENT, made_once)
    client.maximum_version = client.minimum_version = version
    mine, theirs = shake(server_context(SERVER, made_once), client)
    assert (common_name(mine), common_name(theirs)) == (CORTEX, VISI)
    assert mine.version() == version.name.replace("v1_", "v1.")


def test_a_directory_in_memory_will_do() -> None:
    certdir = CertDir.in_memory()
    issue(certdir, [IssueRequest(Kind.CA, ROOT)])
    issue(certdir, [IssueRequest(Kind.HOST, HostName(CORTEX), signas=ROOT), IssueRequest(Kind.USER, VISI, signas=ROOT)])
    mine, theirs = shake(server_context(SERVER, certdir), client_context(CLIENT, certdir))
    assert (common_name(mine), common_name(theirs)) == (CORTEX, VISI)


def test_the_default_directory_is_that_of_the_environment(made_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYCERT_DIR", str(made_once))
    assert common_name(shake(server_context(SERVER), client_context(CLIENT))[0]) == CORTEX


def test_what_the_caller_sets_is_handed_on(made_once: Path) -> None:
    server, client = server_context(SERVER, made_once), client_context(CLIENT, made_once)
    server.set_alpn_protocols(["h2", "http/1.1"])
    client.set_alpn_protocols(["http/1.1"])
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    mine, theirs = shake(server, client)
    assert mine.selected_alpn_protocol() == theirs.selected_alpn_protocol() == "http/1.1"
    assert mine.version() == "TLSv1.2"
    assert mine.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"  # type: ignore[index]


def test_what_a_URL_says_of_verification_cannot_be_turned_off(made_once: Path) -> None:
    """Libraries that compare names themselves set these."""
    server, client = server_context(SERVER, made_once), client_context(f"ssl://visi@{AXON}/?hostname={AXON}", made_once)
    client.check_hostname = False
    for context in (server, client):
        context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLCertVerificationError, match=f"'{AXON}'"):
        shake(server, client)
    with pytest.raises(ssl.SSLError):
        shake(server, client_context(ANYONE, made_once))


def test_a_server_without_ca_may_be_told_to_ask_for_certificates(made_once: Path) -> None:
    server = server_context(ANYONE, made_once)
    server.verify_mode = ssl.CERT_OPTIONAL
    server.load_verify_locations(made_once / "cas/vertex.crt")
    assert common_name(shake(server, client_context(CLIENT, made_once))[1]) == VISI
    assert shake(server, client_context(ANYONE, made_once))[1].getpeercert() is None


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (CORTEX, CORTEX),
        (AXON, AXON),
        (AXON.upper(), AXON),
        ("any.wild.vertex.link", "*.wild.vertex.link"),
        (None, CORTEX),
        ("192.0.2.1", CORTEX),
        ("unknown.vertex.link", CORTEX),
    ],
)
def test_of_several_hosts_the_client_chooses_by_name(made_once: Path, asked: str | None, shown: str) -> None:
    server = server_context(f"ssl://0.0.0.0/?hostname={CORTEX},{AXON},*.wild.vertex.link", made_once)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(made_once / "cas/vertex.crt")
    assert common_name(shake(server, client, asked)[0]) == shown


def test_a_host_without_a_file_of_its_own_has_that_of_the_wildcard(made_once: Path) -> None:
    server = server_context("ssl://any.wild.vertex.link/", made_once)
    assert common_name(shake(server, client_context("ssl://any.wild.vertex.link/", made_once))[0]) == (
        "*.wild.vertex.link"
    )


def test_verification_of_clients_follows_the_choice_of_a_name(made_once: Path) -> None:
    server = server_context(f"ssl://0.0.0.0/?hostname={CORTEX},{AXON}&ca=vertex", made_once)
    assert common_name(shake(server, client_context(f"ssl://visi@{AXON}/", made_once))[1]) == VISI
    with pytest.raises(ssl.SSLError):
        shake(server, client_context(f"ssl://stranger@{AXON}/", made_once))


def test_a_host_that_is_not_there_is_said(made_once: Path) -> None:
    with pytest.raises(NotFound, match=r"host certificate named 'nobody\.vertex\.link'"):
        server_context("ssl://nobody.vertex.link/", made_once)


def test_the_intermediate_is_sent_along_though_the_file_lacks_it(certs: Path, tmp_path: Path) -> None:
    crt = certs / f"hosts/{AXON}.crt"
    leaf = crt.read_text().partition("-----END CERTIFICATE-----\n")
    crt.write_text(leaf[0] + leaf[1])
    remote = only(certs, tmp_path / "remote", "cas/vertex.crt")
    assert shake(server_context(f"ssl://{AXON}/", certs), client_context(f"ssl://{AXON}/", remote))


def test_a_certificate_that_clients_will_refuse_is_reported_and_shown(certs: Path, said: list[str]) -> None:
    for suffix in ("crt", "key"):
        (certs / f"hosts/{AXON}.{suffix}").replace(certs / f"hosts/{CORTEX}.{suffix}")
    server_context(ANYONE, certs, report=said.append)
    certdir = CertDir(CertDir.open(certs).store, clock=lambda: utc_now() + timedelta(days=9999))
    server_context(ANYONE, certdir, report=said.append)
    assert len(said) == 2
    assert f"clients will refuse its certificate: it does not name {CORTEX}, only {AXON}" in said[0]
    assert "it expired on" in said[1]


# --- clients that are let in ------------------------------------------------------------------------------------------


def test_without_ca_anyone_enters(made_once: Path) -> None:
    server = server_context(ANYONE, made_once)
    assert shake(server, client_context(ANYONE, made_once))[1].getpeercert() is None


@pytest.mark.parametrize("client", [ANYONE, f"ssl://stranger@{CORTEX}/"])
def test_with_ca_a_client_without_or_with_a_strange_certificate_is_refused(made_once: Path, client: str) -> None:
    with pytest.raises(ssl.SSLError):
        shake(server_context(SERVER, made_once), client_context(client, made_once))


def test_a_root_lets_in_whom_its_intermediate_signed(made_once: Path) -> None:
    assert common_name(shake(server_context(SERVER, made_once), client_context(f"ssl://deep@{CORTEX}/", made_once))[1])


def with_sub_as_ca(certs: Path, *, holds_root: bool, has_root: bool) -> ssl.SSLContext:
    if holds_root:
        sub = certs / "cas/sub.crt"
        sub.write_text(sub.read_text() + (certs / "cas/vertex.crt").read_text())
    if not has_root:
        (certs / "cas/vertex.crt").unlink()
    return server_context(f"ssl://0.0.0.0/?hostname={CORTEX}&ca=sub", certs)


@pytest.mark.parametrize("holds_root", [False, True])
@pytest.mark.parametrize("has_root", [False, True])
def test_an_intermediate_as_ca_lets_in_only_whom_it_signed(
    certs: Path, made_once: Path, holds_root: bool, has_root: bool
) -> None:
    server = with_sub_as_ca(certs, holds_root=holds_root, has_root=has_root)
    assert common_name(shake(server, client_context(f"ssl://deep@{CORTEX}/", made_once))[1]) == DEEP
    with pytest.raises(ssl.SSLError):
        shake(server, client_context(CLIENT, made_once))


def test_a_user_who_sends_the_leaf_alone_is_let_in(certs: Path, made_once: Path) -> None:
    leaf = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    leaf.load_verify_locations(made_once / "cas/vertex.crt")
    crt = certs / f"users/{DEEP}.crt"
    crt.write_text("".join(crt.read_text().partition("-----END CERTIFICATE-----\n")[:2]))
    leaf.load_cert_chain(crt, certs / f"users/{DEEP}.key")
    server = server_context(f"ssl://0.0.0.0/?hostname={CORTEX}&ca=sub", made_once)
    assert common_name(shake(server, leaf, CORTEX)[1]) == DEEP


def test_a_ca_that_is_not_there_is_said(made_once: Path) -> None:
    with pytest.raises(NotFound, match="nobody"):
        server_context(f"ssl://{CORTEX}/?ca=nobody", made_once)


# --- users ------------------------------------------------------------------------------------------------------------


def test_a_user_is_looked_up_from_the_host_up_to_its_top_domain(certs: Path) -> None:
    server = server_context(SERVER, certs)
    names = [f"visi@{CORTEX}", "visi@link"]
    for name in names:
        issue(CertDir.open(certs), [IssueRequest(Kind.USER, type(VISI)(name), signas=ROOT)])
    found = []
    for name in (names[0], VISI, names[1]):
        found.append(common_name(shake(server, client_context(CLIENT, certs))[1]))
        (certs / f"users/{name}.crt").unlink()
    assert found == [names[0], VISI, names[1]]
    with pytest.raises(NotFound, match=rf"user certificate named 'visi@{CORTEX}'"):
        client_context(CLIENT, certs)


def test_a_user_is_looked_up_by_the_name_to_verify(made_once: Path) -> None:
    client = client_context(f"ssl://visi@192.0.2.1/?hostname={CORTEX}", made_once)
    assert common_name(shake(server_context(SERVER, made_once), client, "192.0.2.1")[1]) == VISI


def test_certname_names_the_user(made_once: Path) -> None:
    client = client_context(f"ssl://someone@{CORTEX}/?certname={VISI}", made_once)
    assert common_name(shake(server_context(SERVER, made_once), client)[1]) == VISI


def test_the_domain_of_certname_is_walked_up_too(made_once: Path) -> None:
    client = client_context(f"ssl://{CORTEX}/?certname=visi@{CORTEX}", made_once)
    assert common_name(shake(server_context(SERVER, made_once), client)[1]) == VISI


def test_several_directories_are_read_in_their_order(made_once: Path, tmp_path: Path) -> None:
    names = (f"hosts/{CORTEX}.crt", f"hosts/{CORTEX}.key"), ("cas/vertex.crt",)
    path = [str(only(made_once, tmp_path / str(place), *files)) for place, files in enumerate(names)]
    assert common_name(shake(server_context(SERVER, path), client_context(CLIENT, made_once))[1]) == VISI


def test_with_a_password_no_user_is_looked_up(made_once: Path) -> None:
    server = server_context(ANYONE, made_once)
    assert shake(server, client_context(f"ssl://nobody:secret@{CORTEX}/", made_once))
    with pytest.raises(NotFound):
        client_context(f"ssl://nobody@{CORTEX}/", made_once)


def test_a_user_name_is_no_way_out_of_the_directory(made_once: Path) -> None:
    with pytest.raises(InvalidInput, match="path separator"):
        client_context(f"ssl://..%2Fhosts%2F{CORTEX}@link/", made_once)


# --- the server's name ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("passed", [None, CORTEX, "192.0.2.1", "evil.example"])
def test_hostname_is_verified_whatever_the_library_passes(made_once: Path, passed: str | None) -> None:
    server = server_context(ANYONE, made_once)
    assert shake(server, client_context(f"ssl://192.0.2.1/?hostname={CORTEX}", made_once), passed)
    with pytest.raises(ssl.SSLCertVerificationError, match=f"'{AXON}'"):
        shake(server, client_context(f"ssl://192.0.2.1/?hostname={AXON}", made_once), passed)


def test_hostname_counts_where_it_is_that_of_the_URL_too(made_once: Path) -> None:
    server = server_context(f"ssl://0.0.0.0/?hostname={CORTEX},{AXON}", made_once)
    client = client_context(f"ssl://{CORTEX}/?hostname={CORTEX}", made_once)
    assert common_name(shake(server, client, AXON)[0]) == CORTEX


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_address_is_verified_as_one(certs: Path, address: str) -> None:
    issue(CertDir.open(certs), [IssueRequest(Kind.HOST, HostName(address), signas=ROOT)])
    host = f"[{address}]" if ":" in address else address
    client = client_context(f"ssl://{host}/", certs)
    assert shake(server_context(f"ssl://{host}/", certs), client)
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        shake(server_context(ANYONE, certs), client)


def test_without_hostname_the_host_of_the_URL_is_verified(made_once: Path) -> None:
    server = server_context(ANYONE, made_once)
    with pytest.raises(ssl.SSLCertVerificationError, match=f"'{AXON}'"):
        shake(server, client_context(f"ssl://{AXON}/", made_once))
    with pytest.raises(ssl.SSLCertVerificationError, match=r"'evil\.example'"):
        shake(server, client_context(ANYONE, made_once), "evil.example")


def test_a_client_trusts_what_is_in_cas_and_no_more(made_once: Path, tmp_path: Path) -> None:
    remote = only(made_once, tmp_path / "remote", "cas/other.crt")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server_context(ANYONE, made_once), client_context(ANYONE, remote))


def test_a_client_that_has_only_the_intermediate_trusts_it(made_once: Path, tmp_path: Path) -> None:
    remote = only(made_once, tmp_path / "remote", "cas/sub.crt")
    assert shake(server_context(f"ssl://{AXON}/", made_once), client_context(f"ssl://{AXON}/", remote))


def test_a_client_trusts_the_system_too(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(made_once / "cas/vertex.crt"))
    client = client_context(ANYONE, tmp_path / "nothing")
    assert shake(server_context(ANYONE, made_once), client)


def test_a_broken_ca_is_reported_and_the_others_are_trusted(certs: Path, said: list[str]) -> None:
    (certs / "cas/other.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    client = client_context(ANYONE, certs, report=said.append)
    assert shake(server_context(ANYONE, certs), client)
    assert [line for line in said if "cas/other.crt" in line] == said != []


# --- pinning ----------------------------------------------------------------------------------------------------------


def test_a_pinned_certificate_needs_no_ca_and_no_name(made_once: Path, tmp_path: Path) -> None:
    client = client_context(f"ssl://h/?certhash={pin_of(made_once)}", tmp_path / "nothing")
    assert shake(server_context(ANYONE, made_once), client)


def wrong_pin(certs: Path) -> ssl.SSLContext:
    return client_context(f"ssl://{CORTEX}/?certhash={'00' * 32}", certs)


def test_another_certificate_than_the_pinned_is_refused_though_its_ca_is_trusted(made_once: Path) -> None:
    with pytest.raises(PeerRefused, match="is pinned"):
        shake(server_context(ANYONE, made_once), wrong_pin(made_once))


USES: dict[str, Callable[[ssl.SSLObject], object]] = {
    "write": lambda side: side.write(b"secret"),
    "read": lambda side: side.read(),
    "handshake": lambda side: side.do_handshake(),
}


@pytest.mark.parametrize("use", USES)
def test_nothing_is_said_before_the_pin_is_checked(made_once: Path, use: str) -> None:
    """OpenSSL would shake hands in passing, whoever forgets to do so first."""
    mine, theirs = begin(server_context(ANYONE, made_once), wrong_pin(made_once))
    refusals = []
    for _ in range(6):
        try:
            USES[use](mine)
        except ssl.SSLWantReadError:
            pass
        except PeerRefused as error:
            refusals.append(error)
        try:
            theirs.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert len(refusals) > 1, "a second try is refused, too"
    with pytest.raises(ssl.SSLWantReadError):
        assert theirs.read() != b"secret"


def test_a_pinned_server_is_shown_the_user_where_there_is_one(made_once: Path) -> None:
    server = server_context(SERVER, made_once)
    pin = pin_of(made_once)
    assert common_name(shake(server, client_context(f"ssl://visi@{CORTEX}/?certhash={pin}", made_once))[1]) == VISI
    anyone = server_context(ANYONE, made_once)
    assert shake(anyone, client_context(f"ssl://nobody@{CORTEX}/?certhash={pin}", made_once))


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory whose host key is encrypted, with the passphrase ``open sesame``."""
    from cryptography.hazmat.primitives import serialization

    path = only(made_once, tmp_path_factory.mktemp("locked"), f"hosts/{CORTEX}.crt", "cas/vertex.crt")
    key = serialization.load_pem_private_key((made_once / f"hosts/{CORTEX}.key").read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"open sesame")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (path / f"hosts/{CORTEX}.key").write_bytes(pem)
    return path


def test_an_encrypted_key_is_opened_with_the_callers_passphrase(locked: Path) -> None:
    asked: list[str] = []

    def passphrase(path: str) -> str:
        asked.append(path)
        return "open sesame"

    server = server_context(ANYONE, locked, passphrase=passphrase)
    assert shake(server, client_context(ANYONE, locked))
    assert asked == [str(locked / f"hosts/{CORTEX}.key")]


@pytest.mark.parametrize("answer", [None, "wrong", "", "x" * 5000])
def test_without_the_right_passphrase_nobody_is_asked_on_the_terminal(locked: Path, answer: str | None) -> None:
    with pytest.raises(EncryptedKey, match="missing" if answer is None else "wrong"):
        server_context(ANYONE, locked, passphrase=None if answer is None else lambda _: answer)


def test_a_key_of_another_certificate_is_refused(certs: Path) -> None:
    (certs / f"hosts/{CORTEX}.key").write_bytes((certs / f"hosts/{AXON}.key").read_bytes())
    with pytest.raises(KeyMismatch, match=f"hosts/{CORTEX}"):
        server_context(ANYONE, certs)


def test_a_key_of_another_type_is_refused(certs: Path, tmp_path: Path) -> None:
    far = CertDir.open(tmp_path / "far")
    issue(far, [IssueRequest(Kind.HOST, HostName(CORTEX), key_type=KeyType.ED25519)])
    (certs / f"hosts/{CORTEX}.key").write_bytes((tmp_path / f"far/hosts/{CORTEX}.key").read_bytes())
    with pytest.raises(KeyMismatch):
        server_context(ANYONE, certs)


#: A process with a terminal of its own, on which OpenSSL would ask.
ASKED = """
import os, pty, sys
pid, terminal = pty.fork()
if not pid:
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
said = b""
while True:
    try:
        chunk = os.read(terminal, 1000)
    except OSError:
        break
    if not chunk:
        break
    said += chunk
    if b"phrase:" in said:
        os.write(terminal, b"open sesame\\n")
os.waitpid(pid, 0)
print(said.decode())
"""


def test_a_passphrase_is_never_asked_on_a_terminal(locked: Path) -> None:
    script = (
        "from easycert.tls import server_context\n"
        f"try: server_context('{ANYONE}', {str(locked)!r})\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    said = subprocess.run([sys.executable, "-c", ASKED, script], check=True, capture_output=True, text=True, timeout=60)
    assert said.stdout.split() == ["EncryptedKey"]


def test_where_there_are_no_files_in_memory_a_key_is_in_a_private_one_for_a_moment(
    made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes: list[int] = []
    load = ssl.SSLContext.load_cert_chain

    def look(context: ssl.SSLContext, path: str, **named: object) -> None:
        modes.append(os.stat(path).st_mode & 0o777)
        load(context, path, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", look)
    assert shake(server_context(ANYONE, made_once), client_context(ANYONE, made_once))
    assert set(modes) == {0o600}
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_this_OpenSSL_does_not_know_is_said(certs: Path) -> None:
    if ssl.OPENSSL_VERSION_INFO >= (3, 5):
        pytest.skip("it knows ML-DSA")
    issue(CertDir.open(certs), [IssueRequest(Kind.HOST, HostName("pq.example"), key_type=KeyType.MLDSA44)])
    with pytest.raises(Refused, match=r"hosts/pq\.example\.key: OpenSSL cannot use it"):
        server_context("ssl://pq.example/", certs)


def test_a_private_key_is_in_no_repr(made_once: Path) -> None:
    context = server_context(ANYONE, made_once)
    assert "PRIVATE" not in repr(vars(context))


def test_a_missing_key_is_said(certs: Path) -> None:
    (certs / f"hosts/{CORTEX}.key").unlink()
    with pytest.raises(NotFound, match="private key"):
        server_context(ANYONE, certs)


def test_a_file_that_is_no_certificate_is_said(certs: Path) -> None:
    (certs / f"hosts/{CORTEX}.crt").write_text("nonsense")
    with pytest.raises(Malformed, match=f"hosts/{CORTEX}.crt"):
        server_context(ANYONE, certs)


# --- URLs of the wrong side -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [f"certhash={'00' * 32}", "certname=visi@vertex.link"])
def test_a_server_has_no_use_for_what_is_a_clients(made_once: Path, query: str) -> None:
    with pytest.raises(InvalidInput, match="for clients"):
        server_context(f"ssl://{CORTEX}/?{query}", made_once)


@pytest.mark.parametrize("query", ["ca=vertex", "hostname=a.b,c.d", "hostname=*.vertex.link"])
def test_a_client_has_no_use_for_what_is_a_servers(made_once: Path, query: str) -> None:
    with pytest.raises(InvalidInput):
        client_context(f"ssl://{CORTEX}/?{query}", made_once)


def test_a_URL_is_parsed_first(made_once: Path) -> None:
    with pytest.raises(InvalidUrl):
        server_context("ssl://h/?nonsense=1", made_once)


def test_a_stranger_is_refused_by_either_name(made_once: Path) -> None:
    with pytest.raises(ssl.SSLError):
        shake(server_context(SERVER, made_once), client_context(f"ssl://{CORTEX}/?certname={STRANGER}", made_once))


def test_both_sides_talk_after_the_handshake(made_once: Path) -> None:
    mine, theirs = shake(server_context(SERVER, made_once), client_context(CLIENT, made_once))
    require_talk(mine, theirs)
