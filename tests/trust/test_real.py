"""Real programs, asked for a page under our CA before it is trusted, while it is, and after: the proof of it all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from easycert.trust.finding import Wanted
from easycert.trust.machine import Machine
from easycert.trust.protocol import StoreKind
from easycert.trust.verbs import Outcome
from easycert.workflows import trust
from easycert.workflows.trust import TrustRequest
from tests.daemons import wait_until
from tests.trust.site import GREETING, Site, running_site
from tests.trust.stores import FAST_JAVA, debian, machine, variables

pytestmark = pytest.mark.real
#: Read here: the tests themselves run without it.
_IS_CI = os.environ.get("CI") == "true" or os.environ.get("EASYCERT_REQUIRE_REAL") == "1"
#: A browser on a busy machine is slow.
_TIMEOUT = 120
_QUIET = {"DBUS_SESSION_BUS_ADDRESS": "disabled:"}
_JAVA = """
import java.net.URI;
public class Get {
    public static void main(String[] words) throws Exception {
        System.out.write(URI.create(words[0]).toURL().openStream().readAllBytes());
        System.out.flush();
    }
}
"""
_NODE = "require('https').get(process.argv[1], r => r.on('data', d => process.stdout.write(d)))"
Need = Callable[[str], str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site") / "certs") as running:
        yield running


def request(where: Machine, *kinds: StoreKind) -> TrustRequest:
    return TrustRequest("vertex", where, Wanted(frozenset(kinds)))


def outcomes(done: trust.Trust) -> list[Outcome]:
    return [told.outcome for told in done.stores]


def installed(site: Site, where: Machine, kind: StoreKind) -> None:
    assert set(outcomes(trust.install(site.certdir, request(where, kind)))) == {Outcome.INSTALLED}


def removed(site: Site, where: Machine, kind: StoreKind) -> None:
    assert set(outcomes(trust.remove(site.certdir, request(where, kind)))) == {Outcome.REMOVED}


def printed(words: list[str], environment: dict[str, str]) -> str:
    """Return what a program prints, however it ends."""
    done = subprocess.run(words, check=False, env=environment, capture_output=True, timeout=_TIMEOUT)
    return done.stdout.decode(errors="replace")


@pytest.mark.slow
def test_chromium_shows_the_page_while_our_ca_is_trusted(site: Site, tmp_path: Path, need: Need) -> None:
    where = machine(tmp_path)
    words = [need("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=800,400"]
    environment = {**variables(tmp_path / "home"), **_QUIET}

    def seen(picture: Path) -> str:
        """Return the page as Chromium has it; it takes a picture of what it shows, and none of what it refuses."""
        printed([*words, f"--screenshot={picture}", site.url], environment)
        return printed([*words, "--dump-dom", site.url], environment)

    refused, shown = tmp_path / "refused.png", tmp_path / "shown.png"
    site.asked()
    assert GREETING not in seen(refused)
    assert (site.asked(), refused.exists()) == (0, False)
    installed(site, where, StoreKind.CHROME)
    assert GREETING in seen(shown)
    assert (site.asked(), shown.stat().st_size > 1000) == (2, True)
    removed(site, where, StoreKind.CHROME)
    assert GREETING not in printed([*words, "--dump-dom", site.url], environment)


@pytest.mark.slow
def test_firefox_shows_the_page_while_our_ca_is_trusted(site: Site, tmp_path: Path, need: Need) -> None:
    """In a profile that Firefox has made for itself when it was started for the first time."""
    where = machine(tmp_path)
    environment = {**variables(tmp_path / "home"), **_QUIET, "MOZ_HEADLESS": "1"}

    words = [need("firefox-esr"), "--headless", "--no-remote", "--screenshot"]
    refused, shown = tmp_path / "refused.png", tmp_path / "shown.png"
    site.refusals.clear()
    refusing = subprocess.Popen([*words, str(refused), site.url], env=environment, start_new_session=True)
    try:  # a warning it shows until somebody comes
        wait_until(lambda: bool(site.refusals), lambda: "Firefox did not come")
    finally:
        os.killpg(refusing.pid, signal.SIGKILL)
        refusing.wait()
    assert "unknown ca" in site.refusals[0].lower()
    assert (site.asked(), refused.exists()) == (0, False)
    installed(site, where, StoreKind.FIREFOX)
    printed([*words, str(shown), site.url], environment)
    assert (site.asked(), shown.stat().st_size > 1000) == (1, True)
    removed(site, where, StoreKind.FIREFOX)


@pytest.mark.slow
def test_java_reads_the_page_while_our_ca_is_in_its_store(site: Site, tmp_path: Path, need: Need) -> None:
    java = Path(need("java"))
    cacerts = tmp_path / "jdk" / "lib" / "security" / "cacerts"
    cacerts.parent.mkdir(parents=True)
    shutil.copyfile(java.resolve().parents[1] / "lib" / "security" / "cacerts", cacerts)
    where = machine(tmp_path, variables(tmp_path / "home", JAVA_HOME=str(tmp_path / "jdk")))
    (tmp_path / "Get.java").write_text(_JAVA)
    need("javac")
    words = [str(java), f"-Djavax.net.ssl.trustStore={cacerts}", str(tmp_path / "Get.java"), site.url]
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": FAST_JAVA}
    assert GREETING not in printed(words, environment)
    installed(site, where, StoreKind.JAVA)
    assert GREETING in printed(words, environment)
    removed(site, where, StoreKind.JAVA)


def test_curl_and_openssl_trust_our_ca_while_debians_store_does(site: Site, tmp_path: Path, need: Need) -> None:
    stand = debian(tmp_path, need)
    certs = tmp_path / "root" / "etc" / "ssl" / "certs"
    curl = [need("curl"), "-s", "--cacert", str(certs / "ca-certificates.crt"), "--capath", "/nowhere", site.url]
    links = ["-no-CAfile", "-no-CAstore", "-CApath", str(certs)]
    openssl = [need("openssl"), "verify", *links, str(site.leaf)]
    environment = dict(os.environ)
    assert GREETING not in printed(curl, environment)
    installed(site, stand.machine, StoreKind.SYSTEM)
    assert GREETING in printed(curl, environment)
    assert "OK" in printed(openssl, environment)
    removed(site, stand.machine, StoreKind.SYSTEM)
    assert GREETING not in printed(curl, environment)
    assert "OK" not in printed(openssl, environment)
    assert not [path.name for path in certs.iterdir() if "easycert" in path.name]


def test_node_reads_the_page_after_the_line_that_we_print(site: Site, tmp_path: Path, need: Need) -> None:
    node = need("node")
    environment = {**variables(tmp_path), "NODE": node, "SCRIPT": _NODE, "URL": site.url}
    told = trust.install(site.certdir, request(Machine(home=str(tmp_path), environment={}), StoreKind.NODE))
    (line,) = told.stores[0].commands
    assert GREETING not in printed([node, "-e", _NODE, site.url], environment)
    assert GREETING in printed(["sh", "-c", f'{line}\n"$NODE" -e "$SCRIPT" "$URL"'], environment)


def test_who_may_not_change_the_machines_store_gets_the_commands_with_sudo(site: Site, need: Need) -> None:
    where = Machine(home=os.environ["HOME"], environment=dict(os.environ))
    if os.geteuid() or where.platform is None or not os.path.isdir(f"/{where.platform.anchors}"):
        pytest.skip("for the superuser, who can become somebody else, on a system with a store")
    before = os.listdir(f"/{where.platform.anchors}")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        top.chmod(0o755)
        shutil.copytree(Path(__file__).parents[2] / "easycert", top / "easycert")
        shutil.copyfile(site.top / "cas" / "vertex.crt", top / "their ca.pem")
        become = [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        words = [*become, sys.executable, "-m", "easycert", "trust"]
        environment = {**os.environ, "HOME": folder}
        shared: dict[str, Any] = {"cwd": folder, "env": environment, "capture_output": True, "text": True}
        if subprocess.run([*words, "--help"], check=False, **shared).returncode:
            pytest.skip("another user cannot run the Python of this environment")
        done = subprocess.run([*words, "install", "./their ca.pem", "--system"], check=False, **shared)
        assert (done.returncode, done.stdout) == (1, "")
        assert ": not permitted: this user may not change it\nhint: sudo install -m 644 " in done.stderr
        assert f"'{folder}/their ca.pem' /{where.platform.anchors}/easycert-vertex-" in done.stderr
        assert f" && sudo {where.platform.adding[0]}" in done.stderr
    assert os.listdir(f"/{where.platform.anchors}") == before


@pytest.mark.slow
@pytest.mark.skipif(not _IS_CI or os.geteuid() != 0, reason="changes the machine's own store: for root, in CI")
def test_the_machines_own_store_trusts_our_ca_and_is_afterwards_as_before(site: Site, need: Need) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    where = Machine(home=os.environ["HOME"], environment=environment)
    if where.platform is None or where.platform.name != "Debian":
        pytest.skip("written for Debian")
    curl, openssl = [need("curl"), "-s", site.url], [need("openssl"), "verify", str(site.leaf)]
    before, java = (
        _kept(),
        Path("/etc/ssl/certs/java/cacerts"),
    )  # a hook of Debian's copies it into Java's, and leaves it
    javas = java.read_bytes() if java.exists() else b""
    try:
        installed(site, where, StoreKind.SYSTEM)
        assert GREETING in printed(curl, environment)
        assert "OK" in printed(openssl, environment)
        assert outcomes(trust.status(site.certdir, request(where, StoreKind.SYSTEM))) == [Outcome.TRUSTED]
    finally:
        done = trust.remove(site.certdir, request(where, StoreKind.SYSTEM))
        if javas and java.read_bytes() != javas:
            java.write_bytes(javas)
    assert outcomes(done) == [Outcome.REMOVED]
    assert GREETING not in printed(curl, environment)
    assert _kept() == before


def _kept() -> dict[str, bytes]:
    """Return all that the machine's store consists of, links by where they lead."""
    found = {}
    for top in ("/etc/ssl/certs", "/usr/local/share/ca-certificates"):
        for path in Path(top).rglob("*"):
            if path.is_symlink():
                found[str(path)] = os.fsencode(os.readlink(path))
            elif path.is_file():
                found[str(path)] = path.read_bytes()
    return found
