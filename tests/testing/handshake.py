"""TLS handshakes in memory: both sides in one thread, and how each of them ended."""

from __future__ import annotations

import ssl
from typing import NamedTuple


class Ended(NamedTuple):
    """How a handshake ended for the client and for the server: an empty text is well, and whom the server saw."""

    client: str
    server: str
    seen: dict[str, object] | None = None


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, hostname: str | None = "localhost") -> Ended:
    """Let two contexts shake hands, until both are done or one has refused."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = {
        "client": client.wrap_bio(to_client, to_server, server_hostname=hostname),
        "server": server.wrap_bio(to_server, to_client, server_side=True),
    }
    ended: dict[str, str] = {}
    for _round in range(10):
        for name, side in sides.items():
            if name in ended:
                continue
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                ended[name] = str(error)
            else:
                ended[name] = ""
    if not ended.get("client") and not ended.get("server"):
        return Ended("", "", sides["server"].getpeercert())
    return Ended(ended.get("client", ""), ended.get("server", ""))
