"""A certificate directory to shake hands with, made once, and handshakes in memory."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from easycert import CaName, CertDir, HostName, IssueRequest, Kind, UserName, issue

CORTEX = "cortex.vertex.link"
AXON = "axon.vertex.link"
ROOT, SUB, OTHER = CaName("vertex"), CaName("sub"), CaName("other")
VISI, DEEP, STRANGER = UserName("visi@vertex.link"), UserName("deep@vertex.link"), UserName("stranger@vertex.link")

Side = ssl.SSLObject


def everything(certdir: CertDir) -> None:
    """Make a root, an intermediate under it, a stranger's root, and hosts and users under each."""
    issue(certdir, [IssueRequest(Kind.CA, ROOT)])
    issue(certdir, [IssueRequest(Kind.CA, SUB, signas=ROOT)])
    issue(certdir, [IssueRequest(Kind.CA, OTHER)])
    wanted = [
        (Kind.HOST, HostName(CORTEX), ROOT),
        (Kind.HOST, HostName(AXON), SUB),
        (Kind.HOST, HostName("*.wild.vertex.link"), ROOT),
        (Kind.HOST, HostName("localhost"), ROOT),
        (Kind.USER, VISI, ROOT),
        (Kind.USER, DEEP, SUB),
        (Kind.USER, STRANGER, OTHER),
    ]
    issue(certdir, [IssueRequest(kind, name, signas=ca) for kind, name, ca in wanted])


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = None) -> tuple[Side, Side]:
    """Connect the two in memory, say something both ways, and return the client's and the server's side."""
    sides = begin(server, client, name)
    for _ in range(8):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    require_talk(*sides)
    return sides


def begin(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = None) -> tuple[Side, Side]:
    """Return both sides, before the handshake."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    mine = client.wrap_bio(to_client, to_server, server_hostname=name)
    return mine, server.wrap_bio(to_server, to_client, server_side=True)


def require_talk(mine: Side, theirs: Side) -> None:
    """Say something both ways."""
    theirs.write(b"hello")
    assert mine.read() == b"hello"
    mine.write(b"goodbye")
    assert theirs.read() == b"goodbye"


def common_name(side: Side) -> str:
    """Return the common name of the certificate that the peer of *side* showed."""
    shown = side.getpeercert()
    assert shown
    subject: Sequence[Sequence[tuple[str, str]]] = shown["subject"]  # type: ignore[assignment]
    return dict(pair for group in subject for pair in group)["commonName"]


def only(source: Path, target: Path, *files: str) -> Path:
    """Copy *files* of a certificate directory to another, and return that."""
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes((source / name).read_bytes())
    return target
