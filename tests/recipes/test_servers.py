"""Real servers, started with the files and the snippet of their recipe, take mutual TLS and refuse who shows nothing.

Each is given exactly what was rendered, in a directory whose name every quoting has to cope with; only ports (and where
a server may listen) are other than in the snippet. The client is Python's, which verifies the server's name and chain.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from easycert.model import Kind
from tests.daemons import free_port, running, wait_until
from tests.recipes.deployment import HOSTILE, Pki, answer, changed, easycert, is_refused, is_root, served, status

pytestmark = [pytest.mark.real, pytest.mark.slow]
Need = Callable[[str], str]

#: Where Debian has Apache's.
MODULES = "/usr/lib/apache2/modules"
#: MQTT 3.1.1: CONNECT as client `t`, and the beginning of its CONNACK.
MQTT_CONNECT, MQTT_ACCEPTED = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01t", b"\x20\x02\x00\x00"


@contextmanager
def place_for(user: str | None) -> Iterator[Path]:
    """Make a directory that *user* can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        if user:
            shutil.chown(name, user, user)
        yield Path(name)


def serves_only_members(pki: Pki, port: int, path: str = "/") -> None:
    assert status(pki.context(with_certificate=True), port, path) == 200
    assert is_refused(lambda: status(pki.context(with_certificate=False), port, path))


def test_nginx(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("nginx", tmp_path / HOSTILE)
    site = changed(
        made.snippet, ("listen 443", f"listen 127.0.0.1:{port}"), ("server_name", "return 200;\n server_name")
    )
    scratch = "".join(f"{kind}_temp_path t-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; pid nginx.pid; error_log stderr; events {{}} http {{ access_log off; {scratch} {site} }}"
    )
    with running([need("nginx"), "-p", f"{tmp_path}/", "-c", config], port=port, log=tmp_path / "log"):
        assert status(pki.context(with_certificate=True), port) == 200
        assert status(pki.context(with_certificate=False), port) == 400  # nginx says no in HTTP


def test_nginx_and_curl_each_with_their_recipe(pki: Pki, tmp_path: Path, need: Need) -> None:
    """The client's files and its .curlrc are a recipe, too; nginx would refuse it without them."""
    port, made = free_port(), pki.deliver("nginx", tmp_path / "tls")
    site = changed(
        made.snippet, ("listen 443", f"listen 127.0.0.1:{port}"), ("server_name", "return 204;\n server_name")
    )
    config = tmp_path / "nginx.conf"
    config.write_text(f"daemon off; pid nginx.pid; error_log stderr; events {{}} http {{ access_log off; {site} }}")
    curlrc = tmp_path / "curlrc"
    curlrc.write_text(pki.deliver("curl", tmp_path / HOSTILE, Kind.USER).snippet)
    ask = [need("curl"), "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"https://localhost:{port}/"]
    with running([need("nginx"), "-p", f"{tmp_path}/", "-c", config], port=port, log=tmp_path / "log"):
        assert subprocess.check_output([*ask, "--config", curlrc]) == b"204"


def test_nginx_serves_a_renewed_certificate_once_the_command_of_its_recipe_ran(
    pki: Pki, tmp_path: Path, need: Need
) -> None:
    port, place = free_port(), tmp_path / "tls"
    made = pki.deliver("nginx", place)
    site = changed(made.snippet, ("listen 443", f"listen 127.0.0.1:{port}"))
    config = tmp_path / "nginx.conf"
    config.write_text(f"daemon off; pid nginx.pid; error_log stderr; events {{}} http {{ access_log off; {site} }}")
    nginx = [need("nginx"), "-p", f"{tmp_path}/", "-c", str(config)]
    hook = changed(made.reload, ("nginx ", f"{shlex.join(nginx)} "))
    easycert(pki.directory, "export", "localhost", "--for", "nginx", "--to", place, "--hook", hook, "--force")
    context = pki.context(with_certificate=True)

    def leaf() -> bytes:
        [first, *_] = x509.load_pem_x509_certificates((pki.directory / "hosts/localhost.crt").read_bytes())
        return first.public_bytes(Encoding.DER)

    with running(nginx, port=port, log=tmp_path / "log") as daemon:
        assert served(context, port) == leaf()
        easycert(pki.directory, "renew", "localhost", "--kind", "host")
        wait_until(lambda: served(context, port) == leaf(), lambda: daemon.output)
    easycert(pki.directory, "export", "--forget", "--to", place)


def test_apache(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("apache", tmp_path / HOSTILE)
    (tmp_path / "index.html").write_text("hello")
    modules = "".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in ("mpm_event", "authz_core", "ssl")
    )
    config = tmp_path / "apache.conf"
    config.write_text(
        f'{modules}Listen 127.0.0.1:{port}\nPidFile "{tmp_path}/pid"\nErrorLog /dev/stderr\n'
        f'DefaultRuntimeDir "{tmp_path}"\nDocumentRoot "{tmp_path}"\n' + changed(made.snippet, ("*:443", f"*:{port}"))
    )
    readable_by_others(tmp_path)
    argv = [need("apache2"), "-d", tmp_path, "-f", config, "-DFOREGROUND"]
    with running(argv, port=port, log=tmp_path / "log"):
        serves_only_members(pki, port, "/index.html")


def readable_by_others(directory: Path) -> None:
    """Let a server that gives up root look into *directory*; the keys in it stay what they are."""
    for path in (directory, *directory.parents):
        if path.stat().st_uid != os.geteuid() or path == Path(tempfile.gettempdir()):
            return
        path.chmod(path.stat().st_mode | 0o011)


def test_haproxy(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("haproxy", tmp_path / HOSTILE)
    config = tmp_path / "haproxy.cfg"
    defaults = "defaults\n    timeout client 9s\n    timeout server 9s\n    timeout connect 9s\n"
    site = changed(made.snippet, ("bind :443", f"bind 127.0.0.1:{port}")) + "    http-request return status 200\n"
    config.write_text(defaults + site)
    with running([need("haproxy"), "-db", "-f", config], port=port, log=tmp_path / "log"):
        serves_only_members(pki, port)


def test_redis(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("redis", tmp_path / HOSTILE)
    config = tmp_path / "redis.conf"
    config.write_text(changed(made.snippet, ("tls-port 6379", f"tls-port {port}\nbind 127.0.0.1\nsave ''\n")))
    with running([need("redis-server"), config], port=port, log=tmp_path / "log", cwd=tmp_path):
        assert answer(pki.context(with_certificate=True), port, b"PING\r\n", None) == b"+PONG\r\n"
        assert is_refused(lambda: answer(pki.context(with_certificate=False), port, b"PING\r\n", None))


def test_redis_reads_renewed_files_when_its_recipe_says_so(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("redis", tmp_path / "tls")
    pki.deliver("curl", tmp_path / "client", Kind.USER)
    config = tmp_path / "redis.conf"
    config.write_text(changed(made.snippet, ("tls-port 6379", f"tls-port {port}\nbind 127.0.0.1\nsave ''\n")))
    cert, key, root = (tmp_path / "client" / name for name in ("cert.pem", "key.pem", "ca.pem"))
    how = f"-p {port} --tls --cert {cert} --key {key} --cacert {root} "
    with running([need("redis-server"), config], port=port, log=tmp_path / "log", cwd=tmp_path):
        command = changed(made.reload, ("redis-cli ", f"{shlex.quote(need('redis-cli'))} {how}"))
        assert subprocess.check_output(["sh", "-c", command]) == b"OK\n"


def test_postgresql_and_libpq_each_with_their_recipe(pki: Pki, need: Need) -> None:
    """The server is as its recipe has it; psql gets the user's files by the variables of postgresql-client."""
    bin_directory = postgresql(need)
    user = "postgres" if is_root() else None
    with place_for(user) as place:
        made = pki.deliver("postgresql", place / HOSTILE)
        for path in (place / HOSTILE).iterdir():
            shutil.chown(path, user or os.geteuid())
        data, port = place / "data", free_port()
        initdb = [
            bin_directory / "initdb",
            "-D",
            data,
            "-U",
            "alice",
            "--no-sync",
            "-A",
            "reject",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(initdb, check=True, user=user, stdout=subprocess.DEVNULL, cwd=place)
        (hba,) = (line for line in made.snippet.splitlines() if line.startswith("# hostssl"))
        (data / "pg_hba.conf").write_text(hba.removeprefix("# ") + "\n")
        with (data / "postgresql.conf").open("a") as config:
            config.write(
                f"\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n{made.snippet}"
            )
        argv = [bin_directory / "postgres", "-D", data]
        with running(argv, port=port, log=place / "log", user=user, cwd=place):
            client = pki.deliver("postgresql-client", place / "client", Kind.USER).snippet
            question = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ask = f"psql -h localhost -p {port} -U alice -d postgres -Atc '{question}'"
            assert subprocess.check_output(["sh", "-c", f"{client}\nexec {ask}"]) == b"t\n"
            without = f"{client}\nunset PGSSLCERT PGSSLKEY\nexec {ask}"
            refused = subprocess.run(["sh", "-c", without], capture_output=True, text=True, check=False)
            assert refused.returncode == 2
            assert "requires a valid client certificate" in refused.stderr


def postgresql(need: Need) -> Path:
    """Return where the programs of the newest PostgreSQL are: Debian keeps them off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else Path(need("postgres")).parent


def test_mosquitto(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("mosquitto", tmp_path / "tls")
    config = tmp_path / "mosquitto.conf"
    config.write_text("user root\n" + changed(made.snippet, ("listener 8883", f"listener {port} 127.0.0.1")))
    with running([need("mosquitto"), "-c", config], port=port, log=tmp_path / "log"):
        assert answer(pki.context(with_certificate=True), port, MQTT_CONNECT, None) == MQTT_ACCEPTED
        assert is_refused(lambda: answer(pki.context(with_certificate=False), port, MQTT_CONNECT, None))


def test_nats(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("nats", tmp_path / HOSTILE)
    config = tmp_path / "nats.conf"
    config.write_text(f"listen: 127.0.0.1:{port}\n{made.snippet}")
    ping = b"CONNECT {}\r\nPING\r\n"
    with running([need("nats-server"), "-c", config], port=port, log=tmp_path / "log"):
        # Its first line, which says that TLS follows, comes in the clear.
        answered = answer(pki.context(with_certificate=True), port, ping, lambda plain: require_info(plain.recv(4096)))
        assert answered.endswith(b"PONG\r\n") or answered.startswith(b"+OK")
        assert is_refused(
            lambda: answer(
                pki.context(with_certificate=False), port, ping, lambda plain: require_info(plain.recv(4096))
            )
        )


def require_info(line: bytes) -> None:
    assert line.startswith(b"INFO ")


def test_prometheus(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("prometheus", tmp_path / HOSTILE)
    (tmp_path / "web.yml").write_text(made.snippet)
    (tmp_path / "prometheus.yml").write_text("scrape_configs: []\n")
    argv = [
        *(need("prometheus"), f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={tmp_path}/web.yml"),
        *(f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"),
    ]
    with running(argv, port=port, log=tmp_path / "log"):
        serves_only_members(pki, port, "/-/healthy")


def test_docker_registry(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("docker-registry", tmp_path / HOSTILE)
    config = tmp_path / "config.yml"
    site = changed(made.snippet, ("addr: :5000", f"addr: 127.0.0.1:{port}"))
    config.write_text(f"version: 0.1\nstorage:\n  inmemory: {{}}\n{site}")
    with running([need("docker-registry"), "serve", config], port=port, log=tmp_path / "log"):
        serves_only_members(pki, port, "/v2/")


def test_openvpn_server_and_client_each_with_their_recipe(pki: Pki, tmp_path: Path, need: Need) -> None:
    """No packets go through it (that would take a device of the kernel's); the TLS handshake is complete."""
    port = free_port()
    common = f"dev null\nifconfig-noexec\nport {port}\nverb 3\n"
    server, client = tmp_path / "server.conf", tmp_path / "client.conf"
    made = pki.deliver("openvpn", tmp_path / HOSTILE)
    server.write_text(f"proto tcp-server\ntls-server\nlocal 127.0.0.1\n{common}{made.snippet}")
    made = pki.deliver("openvpn-client", tmp_path / f"{HOSTILE} 2", Kind.USER)
    client.write_text(f"proto tcp-client\ntls-client\nremote localhost\n{common}{made.snippet}")
    openvpn = need("openvpn")
    # The client is started first: the server would take whoever looks whether it listens for its one peer.
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen([openvpn, "--config", client], stdout=log, stderr=subprocess.STDOUT) as asking,
        subprocess.Popen([openvpn, "--config", server], stdout=log, stderr=subprocess.STDOUT) as serving,
    ):
        try:
            said = (tmp_path / "log").read_text
            wait_until(lambda: said().count("Peer Connection Initiated") == 2, said)
            assert "VERIFY OK: depth=0, CN=alice" in said()
            assert "VERIFY OK: depth=0, CN=localhost" in said()
        finally:
            asking.kill()
            serving.kill()


def test_uvicorn(pki: Pki, tmp_path: Path, need_module: Callable[[str], object]) -> None:
    need_module("uvicorn")
    port, made = free_port(), pki.deliver("uvicorn", tmp_path / HOSTILE)
    (tmp_path / "app.py").write_text(
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] == 'http'\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'hello'})\n"
    )
    command = changed(
        made.snippet, ("\nuvicorn ", f"\nexec {shlex.quote(sys.executable)} -m uvicorn --port {port} --lifespan off ")
    )
    with running(["sh", "-c", command], port=port, log=tmp_path / "log", cwd=tmp_path):
        serves_only_members(pki, port)


def test_nodejs(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("nodejs", tmp_path / HOSTILE)
    script = tmp_path / "server.js"
    script.write_text(
        f"{made.snippet}\nserver.on('request', (request, response) => response.end('hello'));\n"
        f"server.listen({port}, '127.0.0.1');\n"
    )
    with running([need("node"), script], port=port, log=tmp_path / "log"):
        serves_only_members(pki, port)


def test_slapd(pki: Pki, tmp_path: Path, need: Need) -> None:
    """The recipe's LDIF is what an administrator would give to a server that runs: it is given to one."""
    slapd, port, made = need("slapd"), free_port(), pki.deliver("slapd", tmp_path / "tls")
    (tmp_path / "db").mkdir()
    (tmp_path / "slapd.conf").write_text(
        f"pidfile {tmp_path}/pid\ndatabase config\nrootdn cn=admin,cn=config\nrootpw secret\n"
    )
    assert subprocess.run(
        [need("slaptest"), "-f", tmp_path / "slapd.conf", "-F", tmp_path / "db"], capture_output=True, check=False
    )
    plain = free_port()
    before = f"ldap://127.0.0.1:{plain}"
    with running([slapd, "-F", tmp_path / "db", "-h", before, "-d", "0"], port=plain, log=tmp_path / "log1"):
        modify = [need("ldapmodify"), "-x", "-H", before, "-D", "cn=admin,cn=config", "-w", "secret"]
        subprocess.run(modify, input=made.snippet.encode(), check=True, stdout=subprocess.DEVNULL)
    bind = bytes.fromhex("300c020101600702010304008000")  # RFC 4511: an anonymous simple bind
    argv = [slapd, "-F", tmp_path / "db", "-h", f"ldaps://127.0.0.1:{port}", "-d", "0"]
    with running(argv, port=port, log=tmp_path / "log2"):
        assert answer(pki.context(with_certificate=True), port, bind, None).startswith(b"0\x0c\x02\x01\x01a")
        assert is_refused(lambda: answer(pki.context(with_certificate=False), port, bind, None))


def test_mariadb(pki: Pki, need: Need) -> None:
    """Its own client, with the certificate of a user whom the server asks for one, and without."""
    server, user = need("mariadbd"), "mysql" if is_root() else None
    with place_for(user) as place:
        made, port = pki.deliver("mariadb", place / "tls"), free_port()
        for path in (place / "tls").iterdir():
            shutil.chown(path, user or os.geteuid())
        data = place / "data"
        (place / "init.sql").write_text("CREATE USER alice@'%' REQUIRE X509;\n")
        install = [
            need("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
        ]
        subprocess.run([*install, "--skip-test-db"], check=True, user=user, stdout=subprocess.DEVNULL, cwd=place)
        config = place / "my.cnf"
        config.write_text(
            f"{made.snippet}port = {port}\nbind_address = 127.0.0.1\ndatadir = {data}\nsocket = {place}/socket\n"
            f"pid_file = {place}/pid\ninit_file = {place}/init.sql\ninnodb_flush_log_at_trx_commit = 0\n"
        )
        with running([server, f"--defaults-file={config}"], port=port, log=place / "log", user=user, cwd=place):
            cert, key, root = (place / "client" / name for name in ("cert.pem", "key.pem", "ca.pem"))
            pki.deliver("curl", place / "client", Kind.USER)
            ask = [
                need("mariadb"),
                "--no-defaults",
                "-hlocalhost",
                "--protocol=tcp",
                f"-P{port}",
                "-ualice",
                f"--ssl-ca={root}",
            ]
            ask += ["--ssl-verify-server-cert", "-sNe", "SHOW STATUS LIKE 'Ssl_version'"]
            assert b"TLSv1" in subprocess.check_output([*ask, f"--ssl-cert={cert}", f"--ssl-key={key}"])
            assert b"Access denied" in subprocess.run(ask, capture_output=True, check=False).stderr


def test_etcd(pki: Pki, tmp_path: Path, need: Need) -> None:
    port, made = free_port(), pki.deliver("etcd", tmp_path / HOSTILE)
    url = f"https://127.0.0.1:{port}"
    config = tmp_path / "etcd.yml"
    config.write_text(
        f"{made.snippet}data-dir: {tmp_path}/data\nlisten-client-urls: {url}\nadvertise-client-urls: {url}\n"
        f"listen-peer-urls: http://127.0.0.1:{free_port()}\n"
    )
    with running([need("etcd"), "--config-file", config], port=port, log=tmp_path / "log"):
        serves_only_members(pki, port, "/version")


def test_stunnel(pki: Pki, tmp_path: Path, need: Need) -> None:
    """What it stands in front of is Redis."""
    port, behind, made = free_port(), free_port(), pki.deliver("stunnel", tmp_path / "tls")
    config = tmp_path / "stunnel.conf"
    service = changed(
        made.snippet, ("accept = 443", f"accept = 127.0.0.1:{port}"), ("127.0.0.1:80", f"127.0.0.1:{behind}")
    )
    config.write_text(f"foreground = yes\npid =\n{service}")
    redis = [need("redis-server"), "--port", str(behind), "--bind", "127.0.0.1", "--save", ""]
    with (
        running(redis, port=behind, log=tmp_path / "log1", cwd=tmp_path),
        running([need("stunnel4"), config], port=port, log=tmp_path / "log2"),
    ):
        assert answer(pki.context(with_certificate=True), port, b"PING\r\n", None) == b"+PONG\r\n"
        assert is_refused(lambda: answer(pki.context(with_certificate=False), port, b"PING\r\n", None))
