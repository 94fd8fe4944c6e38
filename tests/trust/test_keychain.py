"""The keychains of macOS, over a stand-in for ``security``: which words it is called with, and what is made of it.

No test here proves anything about macOS.
"""

from __future__ import annotations

import os
from hashlib import sha1
from pathlib import Path

import pytest

from easycert.trust.finding import Wanted, find_stores
from easycert.trust.keychain import KeychainStore
from easycert.trust.machine import Machine
from easycert.trust.protocol import Anchor, StoreKind
from easycert.trust.verbs import Outcome, install, remove, status
from tests.pki.chainmaker import Recipe, name
from tests.trust.stores import anchor, authority, variables

ROOT = authority()
#: Keeps certificates in the keychain's own file, as PEM, and notes what it was asked.
SECURITY = """#!/bin/sh -e
echo "$@" >> "$HOME/asked"
verb=$1; for last; do :; done
case $verb in
    find-certificate) cat "$last";;
    verify-cert) test -e "$HOME/trusted";;
    add-trusted-cert) cat "$last" >> "$HOME/$KEYCHAIN"; touch "$HOME/trusted";;
    remove-trusted-cert) rm -f "$HOME/trusted";;
    delete-certificate) : > "$last";;
esac
"""
KEYCHAIN = "Library/Keychains/login.keychain-db"


@pytest.fixture
def mac(tmp_path: Path) -> Machine:
    home = tmp_path / "home"
    keychain = home / KEYCHAIN
    keychain.parent.mkdir(parents=True)
    keychain.touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "security").write_text(SECURITY)
    (tmp_path / "bin" / "security").chmod(0o755)
    environment = variables(home, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}", KEYCHAIN=KEYCHAIN)
    return Machine(home=str(home), environment=environment, root=str(tmp_path), system="darwin")


@pytest.fixture
def root(tmp_path: Path) -> Anchor:
    return anchor(ROOT, source=tmp_path / "root.crt")


def asked(mac: Machine) -> list[str]:
    return (Path(mac.home) / "asked").read_text().splitlines()


def test_a_user_has_it_trusted_by_the_login_keychain(mac: Machine, root: Anchor) -> None:
    store = KeychainStore(mac, for_all=False)
    assert status(store, root).outcome is Outcome.NOT_TRUSTED
    assert install(store, root, mac.children).outcome is Outcome.INSTALLED
    assert f"add-trusted-cert -r trustRoot -k {store.place} {root.source}" in asked(mac)
    assert install(store, root, mac.children).outcome is Outcome.ALREADY
    assert status(store, root).outcome is Outcome.TRUSTED
    assert remove(store, root, mac.children).outcome is Outcome.REMOVED
    digest = sha1(root.der, usedforsecurity=False).hexdigest().upper()
    assert f"delete-certificate -Z {digest} {store.place}" in asked(mac)
    assert status(store, root).outcome is Outcome.NOT_TRUSTED


def test_the_superuser_has_it_trusted_for_all(mac: Machine, root: Anchor, tmp_path: Path) -> None:
    store = KeychainStore(mac, for_all=True)
    (line,) = [step.words for step in store.install(root)]  # type: ignore[union-attr]
    system = str(tmp_path / "Library/Keychains/System.keychain")
    assert line == ("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", system, root.source)


def test_an_intermediate_is_trusted_as_if_it_were_a_root(mac: Machine, tmp_path: Path) -> None:
    below = anchor(Recipe(name("issuing"), ca=True).make(ROOT), source=tmp_path / "issuing.crt")
    (step,) = KeychainStore(mac, for_all=False).install(below)
    assert "trustAsRoot" in step.words  # type: ignore[union-attr]


def test_without_a_file_of_its_own_it_says_what_is_needed(mac: Machine) -> None:
    told = install(KeychainStore(mac, for_all=False), anchor(ROOT), mac.children)
    assert (told.outcome, "alone in a file, in PEM" in told.detail) == (Outcome.FAILED, True)


def test_chrome_on_macos_is_pointed_to_the_keychain(mac: Machine) -> None:
    found = find_stores(mac, Wanted(frozenset({StoreKind.CHROME, StoreKind.SYSTEM})))
    assert [store.kind for store in found.stores] == [StoreKind.SYSTEM]
    assert "--system" in found.missing[0].detail
