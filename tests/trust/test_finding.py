"""Which stores are here, which were asked for, and what is said of those that are not."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.trust.children import Children
from easycert.trust.finding import Wanted, find_stores
from easycert.trust.machine import Machine
from easycert.trust.memory import MemoryTrust
from easycert.trust.platforms import LINUX, Platform
from easycert.trust.protocol import Anchor, StoreKind
from easycert.trust.steps import Step, take
from easycert.trust.verbs import Outcome, install, remove, status
from tests.pki.chainmaker import pem
from tests.trust.stores import anchor, authority, debian, java, nss, variables

ROOT = anchor(authority())
EVERY = frozenset(StoreKind)
ALL = Wanted()


def empty(top: Path, **more: str) -> Machine:
    """Return a machine with nothing on it, and no program on its PATH."""
    (top / "home").mkdir(exist_ok=True)
    (top / "root").mkdir(exist_ok=True)
    environment = variables(top / "home", **{"PATH": str(top / "bin"), **more})
    return Machine(home=str(top / "home"), environment=environment, root=str(top / "root"))


def put(top: Path, *paths: str) -> None:
    for path in paths:
        (top / path).mkdir(parents=True, exist_ok=True)


def program(top: Path, *names: str) -> None:
    put(top, "bin")
    for name in names:
        (top / "bin" / name).write_text("#!/bin/sh\n")
        (top / "bin" / name).chmod(0o755)


def found(where: Machine, wanted: Wanted = ALL) -> list[tuple[str, str]]:
    top = str(Path(where.home).parent)
    return [(store.kind.value, store.place.removeprefix(f"{top}/")) for store in find_stores(where, wanted).stores]


def test_where_nothing_is_nothing_is_found(tmp_path: Path) -> None:
    assert found(empty(tmp_path)) == []


def test_each_store_that_was_asked_for_and_is_not_here_is_said_to_be_missing(tmp_path: Path) -> None:
    missing = find_stores(empty(tmp_path), Wanted(EVERY)).missing
    assert {told.store for told in missing} == {StoreKind.SYSTEM, StoreKind.FIREFOX, StoreKind.JAVA}
    assert all(told.outcome is Outcome.FAILED and told.detail for told in missing)


@pytest.mark.parametrize("platform", LINUX, ids=lambda row: row.name)
def test_each_linux_is_known_by_its_markers(tmp_path: Path, platform: Platform) -> None:
    put(tmp_path / "root", platform.anchors, *platform.markers)
    where = empty(tmp_path)
    assert where.platform is platform
    assert found(where) == [("system", f"root/{platform.anchors}")]


@pytest.mark.parametrize("platform", LINUX, ids=lambda row: row.name)
def test_on_each_linux_a_file_among_the_anchors_is_what_its_program_makes_count(
    tmp_path: Path, platform: Platform
) -> None:
    """With a stand-in for the program, as only Debian's runs here: it copies the anchors into the first bundle."""
    root = tmp_path / "root"
    put(root, platform.anchors, *platform.markers, *(os.path.dirname(path) for path in platform.bundles))
    program(tmp_path, platform.adding[0])
    script = f"#!/bin/sh\ncat {root}/{platform.anchors}/*{platform.suffix} > {root}/{platform.bundles[0]}\ntrue\n"
    (tmp_path / "bin" / platform.adding[0]).write_text(script)
    where = empty(tmp_path)
    where = Machine(home=where.home, environment={"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin"}, root=where.root)
    (store,) = find_stores(where, Wanted(frozenset({StoreKind.SYSTEM}))).stores
    assert install(store, ROOT, where.children).outcome is Outcome.INSTALLED
    assert os.listdir(root / platform.anchors) == [ROOT.label + platform.suffix]
    assert remove(store, ROOT, where.children).outcome is Outcome.REMOVED
    assert os.listdir(root / platform.anchors) == []


def test_under_sudo_no_database_is_made_unasked(tmp_path: Path) -> None:
    program(tmp_path, "chromium")
    assert found(empty(tmp_path)) == [("chrome", "home/.pki/nssdb")]
    assert found(empty(tmp_path, SUDO_USER="alice")) == []


def test_every_linux_has_a_package_for_each_tool() -> None:
    for platform in LINUX:
        assert {platform.adding[0], platform.dropping[0], "certutil", "keytool"} == set(platform.packages)


@pytest.mark.parametrize("name", ["Fedora", "Arch"])
def test_a_missing_tool_comes_with_the_package_of_that_linux(tmp_path: Path, name: str) -> None:
    row = next(item for item in LINUX if item.name == name)
    put(tmp_path / "root", row.anchors, *row.markers)
    (store,) = find_stores(empty(tmp_path), Wanted(frozenset({StoreKind.SYSTEM}))).stores
    told = install(store, ROOT, empty(tmp_path).children)
    assert (told.outcome, told.advice) == (Outcome.FAILED, row.packages[row.adding[0]])
    assert row.adding[0] in told.detail


def test_certutil_comes_with_its_package(tmp_path: Path) -> None:
    put(tmp_path / "root", "etc/fedora-release")
    where = empty(tmp_path)
    (store,) = find_stores(where, Wanted(frozenset({StoreKind.NSS}))).stores
    assert status(store, ROOT).advice == "dnf install nss-tools"
    assert remove(store, ROOT, where.children).outcome is Outcome.FAILED


def test_chromes_database_is_not_told_twice(tmp_path: Path) -> None:
    put(tmp_path / "home", ".pki/nssdb", "snap/chromium/current/.pki/nssdb")
    program(tmp_path, "chromium")
    sandboxed = ("chrome", "home/snap/chromium/current/.pki/nssdb")
    assert found(empty(tmp_path)) == [("chrome", "home/.pki/nssdb"), sandboxed]
    (tmp_path / "bin" / "chromium").unlink()
    assert found(empty(tmp_path)) == [sandboxed, ("nss", "home/.pki/nssdb")]


def test_chromium_looks_below_the_data_home_only_where_there_is_no_older_database(tmp_path: Path) -> None:
    wanted = Wanted(frozenset({StoreKind.CHROME}))
    assert found(empty(tmp_path), wanted) == [("chrome", "home/.pki/nssdb")]
    put(tmp_path / "home", ".local/share/pki/nssdb", "data/pki/nssdb")
    assert found(empty(tmp_path), wanted) == [("chrome", "home/.local/share/pki/nssdb")]
    elsewhere = empty(tmp_path, XDG_DATA_HOME=str(tmp_path / "home" / "data"))
    assert found(elsewhere, wanted) == [("chrome", "home/data/pki/nssdb")]
    put(tmp_path / "home", ".pki/nssdb")
    assert found(empty(tmp_path), wanted) == [("chrome", "home/.pki/nssdb")]


def test_every_profile_of_every_firefox_is_found_once(tmp_path: Path) -> None:
    snap, xdg = "snap/firefox/common/.mozilla/firefox", "elsewhere/mozilla/firefox"
    for base in (".mozilla/firefox", snap, ".config/mozilla/firefox", xdg):
        put(tmp_path / "home" / base, "one.default", "two")
        ini = "[Profile0]\nPath=one.default\n[Profile1]\nPath=two\n[Profile2]\nPath=gone\n[Profile3]\nPath=two\n"
        (tmp_path / "home" / base / "profiles.ini").write_text(ini)
    wanted = Wanted(frozenset({StoreKind.FIREFOX}))
    assert len(found(empty(tmp_path), wanted)) == 6
    assert len(found(empty(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "home" / "elsewhere")), wanted)) == 8
    assert len(found(empty(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "home" / ".config")), wanted)) == 6


def test_a_broken_profiles_ini_is_named(tmp_path: Path) -> None:
    put(tmp_path / "home", ".mozilla/firefox")
    (tmp_path / "home" / ".mozilla/firefox/profiles.ini").write_text("Path=x\n")
    (told,) = find_stores(empty(tmp_path), Wanted(frozenset({StoreKind.FIREFOX}))).missing
    assert "profiles.ini" in told.detail


@pytest.mark.parametrize("home", ["", "relative", "/nowhere/at/all"])
def test_without_a_home_nothing_is_looked_for_in_one(home: str) -> None:
    where = Machine(home=home, environment={"PATH": "/nowhere"}, root="/nowhere")
    wanted = Wanted(frozenset({StoreKind.CHROME, StoreKind.FIREFOX, StoreKind.NSS}))
    result = find_stores(where, wanted)
    assert not result.stores
    assert {told.detail for told in result.missing} == {"the home directory that HOME names does not exist"}


def test_a_database_may_be_named_by_its_directory(tmp_path: Path) -> None:
    wanted = Wanted(nss_directories=(str(tmp_path / "db"),))
    assert found(empty(tmp_path), wanted) == [("nss", "db")]


def test_the_java_of_java_home_comes_before_that_on_path(tmp_path: Path) -> None:
    for home in ("a", "b"):
        put(tmp_path / home, "jre/lib/security", "bin")
        (tmp_path / home / "jre/lib/security/cacerts").touch()
        program(tmp_path / home, "java")
    put(tmp_path, "bin")
    (tmp_path / "bin" / "java").symlink_to(tmp_path / "b" / "bin" / "java")
    assert found(empty(tmp_path)) == [("java", "b/jre/lib/security/cacerts")]
    assert found(empty(tmp_path, JAVA_HOME=str(tmp_path / "a"))) == [("java", "a/jre/lib/security/cacerts")]


# --- what a store is found to be ------------------------------------------------------------------------------------


def test_what_is_ours_and_not_in_force_is_put_in_force_again(tmp_path: Path, need: Callable[[str], str]) -> None:
    stand = nss(tmp_path, need)
    children = stand.machine.children
    install(stand.store, ROOT, children)
    untrusted = ("certutil", "-M", "-d", f"sql:{stand.store.place}", "-n", ROOT.label, "-t", ",,")
    assert not children.run(untrusted).code
    told = status(stand.store, ROOT)
    assert (told.outcome, "not trusted to sign" in told.detail) == (Outcome.NOT_TRUSTED, True)
    assert install(stand.store, ROOT, children).outcome is Outcome.INSTALLED


def test_what_a_killed_command_left_half_done_is_finished_by_the_next(
    tmp_path: Path, need: Callable[[str], str]
) -> None:
    stand = debian(tmp_path, need)
    place, update = stand.store.install(ROOT)
    take([place], "", stand.machine.children)
    told = status(stand.store, ROOT)
    assert (told.outcome, "what programs read does not have it" in told.detail) == (Outcome.NOT_TRUSTED, True)
    assert install(stand.store, ROOT, stand.machine.children).outcome is Outcome.INSTALLED
    os.unlink(os.path.join(stand.store.place, f"{ROOT.label}.crt"))
    assert status(stand.store, ROOT).outcome is Outcome.TRUSTED
    take([update], "", stand.machine.children)
    assert status(stand.store, ROOT).outcome is Outcome.NOT_TRUSTED


def test_a_certificate_of_others_that_is_not_trusted_is_not_made_so(tmp_path: Path, need: Callable[[str], str]) -> None:
    stand = nss(tmp_path, need)
    stand.plant("mine", ROOT.pem)
    children = stand.machine.children
    assert not children.run(("certutil", "-M", "-d", f"sql:{stand.store.place}", "-n", "mine", "-t", ",,")).code
    assert install(stand.store, ROOT, children).outcome is Outcome.NOT_OURS
    assert status(stand.store, ROOT).outcome is Outcome.NOT_TRUSTED


def test_who_is_slower_than_another_easycert_finds_it_trusted() -> None:
    class Overtaken(MemoryTrust):
        def install(self, anchor: Anchor) -> tuple[Step, ...]:
            steps = super().install(anchor)
            return (*steps, *steps)  # the first of them is the other's

    told = install(Overtaken(), ROOT, Children({}))
    assert told.outcome is Outcome.ALREADY


@pytest.mark.slow
def test_what_debians_hook_left_in_javas_store_is_ours_to_remove(tmp_path: Path, need: Callable[[str], str]) -> None:
    stand = java(tmp_path, need)
    stand.plant(f"debian:{ROOT.label}.pem", ROOT.pem)
    assert install(stand.store, ROOT, stand.machine.children).detail == ""
    assert remove(stand.store, ROOT, stand.machine.children).outcome is Outcome.REMOVED


def test_a_file_of_our_name_that_others_put_more_into_is_not_ours(tmp_path: Path, need: Callable[[str], str]) -> None:
    stand = debian(tmp_path, need)
    path = Path(stand.store.place) / f"{ROOT.label}.crt"
    path.write_bytes(ROOT.pem + pem(authority("another").certificate))
    assert install(stand.store, ROOT, stand.machine.children).outcome is Outcome.NOT_OURS
    assert remove(stand.store, ROOT, stand.machine.children).outcome is Outcome.NOT_OURS
    assert path.exists()


def test_the_file_is_gone_again_when_the_system_does_not_take_it(tmp_path: Path, need: Callable[[str], str]) -> None:
    stand = debian(tmp_path, need)
    program(tmp_path, "update-ca-certificates")
    (tmp_path / "bin" / "update-ca-certificates").write_text("#!/bin/sh\necho 'disk full' >&2; exit 7\n")
    where = empty(tmp_path)
    (store,) = find_stores(where, Wanted(frozenset({StoreKind.SYSTEM}))).stores
    told = install(store, ROOT, where.children)
    assert told.outcome is Outcome.FAILED
    assert "update-ca-certificates ended with exit status 7: disk full" in told.detail
    assert not os.listdir(stand.store.place)


def test_a_program_that_says_it_did_and_did_not_is_found_out(tmp_path: Path, need: Callable[[str], str]) -> None:
    debian(tmp_path, need)
    program(tmp_path, "update-ca-certificates")
    where = empty(tmp_path)
    (store,) = find_stores(where, Wanted(frozenset({StoreKind.SYSTEM}))).stores
    assert install(store, ROOT, where.children).outcome is Outcome.FAILED


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can be somebody else")
def test_the_superuser_makes_no_database_in_the_home_of_another(tmp_path: Path, need: Callable[[str], str]) -> None:
    stand = nss(tmp_path, need)
    os.chown(stand.machine.home, 12345, 12345)
    told = install(stand.store, ROOT, stand.machine.children)
    assert (told.outcome, "without sudo" in told.detail) == (Outcome.FAILED, True)
    assert not os.listdir(stand.machine.home)


def test_a_new_database_is_for_its_owner_alone(tmp_path: Path, need: Callable[[str], str]) -> None:
    stand = nss(tmp_path, need)
    install(stand.store, ROOT, stand.machine.children)
    assert stat.S_IMODE(os.stat(stand.store.place).st_mode) == 0o700


def test_a_database_with_a_password_needs_its_file_and_never_asks(tmp_path: Path, need: Callable[[str], str]) -> None:
    stand = nss(tmp_path, need)
    children, password = stand.machine.children, tmp_path / "password"
    password.write_text("correct horse battery\n")
    os.makedirs(stand.store.place)
    database = ("-d", f"sql:{stand.store.place}")
    assert not children.run(("certutil", "-N", *database, "-f", str(password))).code
    told = install(stand.store, ROOT, children)
    assert told.outcome is Outcome.FAILED
    wanted = Wanted(nss_directories=(stand.store.place,), password_file=str(password))
    (store,) = find_stores(stand.machine, wanted).stores
    assert install(store, ROOT, children).outcome is Outcome.INSTALLED
    assert remove(store, ROOT, children).outcome is Outcome.REMOVED
