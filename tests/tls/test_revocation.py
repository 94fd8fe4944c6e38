"""CRLs on both sides, by the rules of ``easycert verify``."""

from __future__ import annotations

import shutil
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from easycert import CaName, CertDir, HostName, IssueRequest, Kind, UserName, issue, publish, revoke
from easycert.certdir import utc_now
from easycert.tls import PeerRefused, client_context, server_context
from tests.tls.pki import AXON, CORTEX, DEEP, ROOT, SUB, VISI, begin, common_name, require_talk, shake

SERVER = f"ssl://0.0.0.0/?hostname={CORTEX}&ca=vertex"
ANYONE = f"ssl://{CORTEX}/"
Sides = tuple[ssl.SSLObject, ssl.SSLObject]
BOTH = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def user(certs: Path, name: str = "visi") -> ssl.SSLContext:
    return client_context(f"ssl://{name}@{CORTEX}/", certs)


def without_crls(certs: Path, target: Path) -> Path:
    """Return a copy of the directory in which nobody was revoked."""
    return Path(shutil.copytree(certs, target, ignore=shutil.ignore_patterns("crls")))


def revoke_user(certs: Path, name: str = VISI, authority: CaName = ROOT) -> None:
    revoke(CertDir.open(certs), Kind.USER, UserName(name), authority)


@BOTH
def test_a_revoked_user_does_not_enter(certs: Path, version: ssl.TLSVersion) -> None:
    revoke_user(certs)
    client = user(certs)
    client.maximum_version = client.minimum_version = version
    with pytest.raises(PeerRefused, match=r"CN=visi@vertex.link is refused: was revoked on .* \[RFC 5280") as caught:
        shake(server_context(SERVER, certs), client)
    assert (caught.value.verify_code, caught.value.reason) == (23, "CERTIFICATE_VERIFY_FAILED")


def test_what_a_revoked_user_sends_is_never_read(certs: Path) -> None:
    """In TLS 1.3 a client may speak before the server has judged it."""
    revoke_user(certs)
    mine, theirs = begin(server_context(SERVER, certs), user(certs))
    heard = []
    for _ in range(6):
        for side, use in ((mine, mine.do_handshake), (theirs, theirs.read)):
            try:
                heard.append(use())
                side.write(b"secret")
            except (ssl.SSLWantReadError, PeerRefused):
                continue
    assert not any(heard)


@BOTH
def test_a_revoked_host_is_left(certs: Path, version: ssl.TLSVersion) -> None:
    revoke(CertDir.open(certs), Kind.HOST, HostName(CORTEX), ROOT)
    client = client_context(ANYONE, certs)
    client.maximum_version = version
    with pytest.raises(PeerRefused, match=CORTEX):
        shake(server_context(ANYONE, certs), client)


def test_others_enter_and_CAs_without_a_CRL_break_nothing(certs: Path) -> None:
    revoke_user(certs)
    server = server_context(SERVER, certs)
    assert common_name(shake(server, user(certs, "deep"))[1]) == DEEP  # sub has no CRL
    client = client_context(f"ssl://{AXON}/", certs)
    assert shake(server_context(f"ssl://{AXON}/", certs), client)


@pytest.mark.parametrize("authority", ["vertex", "sub"])
def test_who_stands_under_a_revoked_intermediate_does_not_enter(certs: Path, authority: str) -> None:
    server = server_context(f"ssl://0.0.0.0/?hostname={CORTEX}&ca={authority}", certs)
    assert shake(server, user(certs, "deep"))
    revoke(CertDir.open(certs), Kind.CA, SUB, ROOT)
    with pytest.raises(PeerRefused, match="its CA 'CN=sub' was revoked"):
        shake(server, user(certs, "deep"))


def test_a_host_under_a_revoked_intermediate_is_left(certs: Path) -> None:
    client = client_context(f"ssl://{AXON}/", certs)
    assert shake(server_context(f"ssl://{AXON}/", certs), client)
    revoke(CertDir.open(certs), Kind.CA, SUB, ROOT)
    with pytest.raises(PeerRefused, match="its CA 'CN=sub' was revoked"):
        shake(server_context(f"ssl://{AXON}/", certs), client)


def test_a_revocation_counts_at_once_and_open_connections_go_on(certs: Path) -> None:
    server, client = server_context(SERVER, certs), user(certs)
    open_since = shake(server, client)
    revoke_user(certs)
    with pytest.raises(PeerRefused):
        shake(server, client)
    require_talk(*open_since)


def test_a_CRL_of_the_name_that_another_key_signed_is_ignored_and_reported(
    certs: Path, tmp_path: Path, said: list[str]
) -> None:
    far = CertDir.open(tmp_path / "far")
    issue(far, [IssueRequest(Kind.CA, ROOT)])
    publish(far, ROOT)
    (certs / "crls").mkdir(exist_ok=True)
    shutil.copy(tmp_path / "far/crls/vertex.crl", certs / "crls/vertex.crl")
    server = server_context(SERVER, certs, report=said.append)
    assert shake(server, user(certs))
    assert shake(server, user(certs, "deep"))
    assert [line for line in said if "was ignored: it is of another key" in line] == said
    assert len(said) == 1


# --- stale, missing, broken -------------------------------------------------------------------------------------------


class Later:
    """A directory whose clock, for CRLs alone, goes *days* ahead: OpenSSL has its own."""

    def __init__(self, certs: Path, days: int) -> None:
        self.days = days
        self.certdir = CertDir(CertDir.open(certs).store, clock=lambda: utc_now() + timedelta(days=self.days))


def test_a_stale_CRL_still_says_who_was_revoked(certs: Path) -> None:
    revoke_user(certs)
    with pytest.raises(PeerRefused):
        shake(server_context(SERVER, Later(certs, 300).certdir), user(without_crls(certs, certs.with_name("mine"))))


def test_a_stale_CRL_refuses_nobody_else_and_is_reported_once(certs: Path, said: list[str]) -> None:
    publish(CertDir.open(certs), ROOT)
    mine = without_crls(certs, certs.with_name("mine"))
    server = server_context(SERVER, Later(certs, 300).certdir, report=said.append)
    for name in ("visi", "deep", "visi"):
        assert shake(server, user(mine, name))
    assert len(said) == 1
    assert "status unknown (CRL of 'CN=vertex' stale since" in said[0]


@pytest.mark.parametrize("days", [0, 300])
def test_where_a_CRL_is_required_a_fresh_one_must_speak_for_the_client(certs: Path, days: int) -> None:
    mine = without_crls(certs, certs.with_name("mine"))
    server = server_context(SERVER, Later(certs, days).certdir, require_crl=True)
    with pytest.raises(PeerRefused, match="no CRL of 'CN=vertex'"):
        shake(server, user(mine))
    publish(CertDir.open(certs), ROOT)
    if days:
        with pytest.raises(PeerRefused, match="stale since"):
            shake(server, user(mine))
    else:
        assert shake(server, user(mine))
        with pytest.raises(PeerRefused, match="no CRL of 'CN=sub'"):
            shake(server, user(mine, "deep"))


def test_a_broken_CRL_is_reported_and_left_out_at_the_start(certs: Path, said: list[str]) -> None:
    (certs / "crls").mkdir(exist_ok=True)
    (certs / "crls/vertex.crl").write_text("-----BEGIN X509 CRL-----\n")
    assert shake(server_context(SERVER, certs, report=said.append), user(without_crls(certs, certs.with_name("mine"))))
    assert len(said) == 1
    assert "crls/vertex.crl" in said[0]


def test_a_CRL_that_breaks_later_counts_as_it_was(certs: Path, said: list[str]) -> None:
    revoke_user(certs)
    mine = without_crls(certs, certs.with_name("mine"))
    server = server_context(SERVER, certs, report=said.append)
    (certs / "crls/vertex.crl").write_text("half a CR")
    for _ in range(2):
        with pytest.raises(PeerRefused):
            shake(server, user(mine))
    assert len(said) == 1
    assert "what it held before stays in use" in said[0]


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def resuming(certs: Path) -> ssl.SSLContext:
    """Return a foreign client that resumes sessions of TLS 1.2."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.load_verify_locations(certs / "cas/vertex.crt")
    client.load_cert_chain(certs / f"users/{VISI}.crt", certs / f"users/{VISI}.key")
    return client


def resume(server: ssl.SSLContext, client: ssl.SSLContext, before: Sides | None = None) -> Sides:
    """Shake hands, with the session of the connection *before*, which is open: one that is cut off loses it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = before[0].session if before else None
    mine = client.wrap_bio(to_client, to_server, server_hostname=CORTEX, session=session)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(6):
        for side in (mine, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    require_talk(mine, theirs)
    return mine, theirs


def test_a_session_is_no_way_round_a_CRL(certs: Path, resuming: ssl.SSLContext) -> None:
    server = server_context(SERVER, certs)
    before = resume(server, resuming)
    again = resume(server, resuming, before)
    assert again[0].session_reused
    revoke_user(certs)
    with pytest.raises(PeerRefused):
        resume(server, resuming, before)


def test_a_resumed_session_is_looked_at_too(certs: Path, resuming: ssl.SSLContext) -> None:
    publish(CertDir.open(certs), ROOT)
    late = Later(certs, 0)
    server = server_context(SERVER, late.certdir, require_crl=True)
    before = resume(server, resuming)
    again = resume(server, resuming, before)
    assert again[0].session_reused
    late.days = 300
    with pytest.raises(PeerRefused, match="stale since"):
        resume(server, resuming, before)


@BOTH
def test_users_are_given_no_tickets(certs: Path, version: ssl.TLSVersion) -> None:
    client = user(certs)
    client.maximum_version = client.minimum_version = version
    mine, _ = shake(server_context(SERVER, certs), client)
    assert mine.session is not None
    assert not mine.session.has_ticket


def test_a_certificate_after_the_handshake_is_not_asked_for(certs: Path) -> None:
    """It would be looked at by nobody."""
    for side in shake(server_context(ANYONE, certs), client_context(ANYONE, certs)):
        with pytest.raises(NotImplementedError):
            side.verify_client_post_handshake()  # type: ignore[attr-defined]


def test_a_callback_of_the_callers_is_no_way_round_a_CRL(certs: Path) -> None:
    revoke_user(certs)
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other.load_cert_chain(certs / f"hosts/{CORTEX}.crt", certs / f"hosts/{CORTEX}.key")
    other.load_verify_locations(certs / "cas/vertex.crt")
    server = server_context(SERVER, certs)
    server.sni_callback = lambda connection, _name, _context: setattr(connection, "context", other)
    assert shake(server, user(certs, "deep"))
    with pytest.raises(PeerRefused):
        shake(server, user(certs))


def test_a_report_may_shake_hands_itself(certs: Path) -> None:
    publish(CertDir.open(certs), ROOT)
    mine, said = user(without_crls(certs, certs.with_name("mine"))), []

    def report(sentence: str) -> None:
        said.append(sentence)
        assert shake(server, mine)

    server = server_context(SERVER, Later(certs, 300).certdir, report=report)
    assert shake(server, mine)
    assert len(said) == 1
