"""A real nginx goes on serving: what it reads is written again by a renewal, and its hook has it read that."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.doors import went
from tests.daemons import free_port, running, wait_until

pytestmark = [pytest.mark.real, pytest.mark.slow]


def serial(port: int, ca: Path, host: str) -> int:
    """Return the serial number of the certificate that a server shows, which must verify."""
    import socket

    context = ssl.create_default_context(cafile=ca)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        shown = connection.getpeercert()
        assert shown is not None
        return int(str(shown["serialNumber"]), 16)


def test_nginx_serves_the_renewed_certificate_after_its_hook(tmp_path: Path, need: Callable[[str], str]) -> None:
    nginx, certs, tls = need("nginx"), tmp_path / "certs", tmp_path / "tls"
    config, port = tmp_path / "nginx.conf", free_port()
    for words in ("ca root", "ca issuing --signas root", "host www.example.com --signas issuing"):
        assert went(*words.split(), f"--certdir={certs}").code == 0
    hook = f"{nginx} -p {tmp_path}/ -c {config} -s reload"
    words = ["export", "www.example.com", "--for=nginx", f"--to={tls}", f"--hook={hook}", "-o", "json"]
    snippet = json.loads(went(*words, f"--certdir={certs}").stdout)["exported"][0]["snippet"]
    site = snippet.replace("listen 443", f"listen 127.0.0.1:{port}").replace("ssl_verify_client on", "return 200")
    scratch = "".join(f"{kind}_temp_path t-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config.write_text(
        f"daemon off; pid nginx.pid; error_log stderr; events {{}} http {{ access_log off; {scratch} {site} }}"
    )
    root = certs / "cas" / "root.crt"
    with running([nginx, "-p", f"{tmp_path}/", "-c", config], port=port, log=tmp_path / "log") as server:
        before = serial(port, root, "www.example.com")
        ended = went("renew", "www.example.com", "-q", f"--certdir={certs}")
        assert ended.code == 0, ended
        wait_until(lambda: serial(port, root, "www.example.com") != before, lambda: server.output)
    assert went("export", "--check", f"--certdir={certs}").code == 0
