"""What the three verbs promise: the same tests over every trust store that can run here, and the twin in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.trust.protocol import Anchor, StoreKind
from easycert.trust.verbs import Outcome, Told, install, remove, status
from tests.pki.chainmaker import DAY, pem
from tests.trust.stores import Stand, anchor, authority, debian, firefox, in_memory, java, nss, shell, snapshot

#: Java's keytool takes half a second for each word.
STORES = [in_memory, debian, nss, firefox, pytest.param(java, marks=pytest.mark.slow)]
ROOT = authority()
HOSTILE = ("-n 'b' \"c\" $(id); rm x", "--help", "../../x", "ÄÖ Root CA", "\x1b[31m", "")


@pytest.fixture(params=STORES)
def stand(request: pytest.FixtureRequest, tmp_path: Path, need: Callable[[str], str]) -> Stand:
    made: Callable[[Path, Callable[[str], str]], Stand] = request.param
    return made(tmp_path, need)


@pytest.fixture
def root(tmp_path: Path) -> Anchor:
    return anchor(ROOT, source=tmp_path / "it's a root.crt")


def installed(stand: Stand, wanted: Anchor) -> Told:
    return install(stand.store, wanted, stand.machine.children)


def removed(stand: Stand, wanted: Anchor) -> Told:
    return remove(stand.store, wanted, stand.machine.children)


def trusted(stand: Stand, wanted: Anchor) -> Outcome:
    return status(stand.store, wanted).outcome


def test_what_is_installed_is_trusted_and_the_second_time_says_so(stand: Stand, root: Anchor) -> None:
    assert trusted(stand, root) is Outcome.NOT_TRUSTED
    assert installed(stand, root).outcome is Outcome.INSTALLED
    assert trusted(stand, root) is Outcome.TRUSTED
    assert installed(stand, root).outcome is Outcome.ALREADY


def test_what_is_removed_is_gone_and_the_second_time_says_so(stand: Stand, root: Anchor) -> None:
    assert removed(stand, root).outcome is Outcome.NOT_THERE
    installed(stand, root)
    assert removed(stand, root).outcome is Outcome.REMOVED
    assert not stand.holds(root)
    assert removed(stand, root).outcome is Outcome.NOT_THERE


def test_a_renewed_certificate_replaces_the_one_before(stand: Stand, root: Anchor) -> None:
    renewed = anchor(authority(key=ROOT.key, lasts=20 * DAY))
    installed(stand, root)
    assert trusted(stand, renewed) is Outcome.OLDER
    assert installed(stand, renewed).outcome is Outcome.REPLACED
    assert trusted(stand, renewed) is Outcome.TRUSTED
    assert not stand.holds(root)


def test_a_certificate_with_another_key_stands_beside_the_one_before_and_both_go(stand: Stand, root: Anchor) -> None:
    new = anchor(authority())
    installed(stand, root)
    told = installed(stand, new)
    assert (told.outcome, "with another key" in told.detail) == (Outcome.INSTALLED, True)
    assert trusted(stand, root) is trusted(stand, new) is Outcome.TRUSTED
    assert removed(stand, new).outcome is Outcome.REMOVED
    assert not stand.holds(root)
    assert not stand.holds(new)


def test_what_has_our_name_and_is_not_ours_stays_as_it_is(stand: Stand, root: Anchor) -> None:
    other = authority("some other")
    stand.plant(root.label, pem(other.certificate))
    told = installed(stand, root)
    assert (told.outcome, root.label in told.detail) == (Outcome.NOT_OURS, True)
    assert removed(stand, root).outcome is Outcome.NOT_THERE
    assert stand.holds(anchor(other))


def test_the_same_certificate_put_there_by_others_is_trusted_and_stays(stand: Stand, root: Anchor) -> None:
    stand.plant("mine", pem(ROOT.certificate))
    assert trusted(stand, root) is Outcome.TRUSTED
    assert "not by easycert" in status(stand.store, root).detail
    assert installed(stand, root).outcome is Outcome.ALREADY
    assert removed(stand, root).outcome is Outcome.NOT_OURS
    assert stand.holds(root)


def test_a_dry_run_changes_nothing_and_its_commands_do_it(stand: Stand, root: Anchor, tmp_path: Path) -> None:
    if stand.store.place == "memory":
        return
    before = snapshot(tmp_path)
    plan = install(stand.store, root, stand.machine.children, dry_run=True)
    assert plan.outcome is Outcome.PLANNED
    assert snapshot(tmp_path) == before
    shell(plan.commands, stand.machine.environment)
    assert trusted(stand, root) is Outcome.TRUSTED
    plan = remove(stand.store, root, stand.machine.children, dry_run=True)
    assert trusted(stand, root) is Outcome.TRUSTED
    shell(plan.commands, stand.machine.environment)
    assert trusted(stand, root) is Outcome.NOT_TRUSTED


def test_a_hostile_name_is_harmless(stand: Stand, tmp_path: Path) -> None:
    names = HOSTILE[:1] if stand.store.kind is StoreKind.JAVA else HOSTILE
    for called in names:
        hostile = anchor(authority("plain"), called)
        plan = install(stand.store, hostile, stand.machine.children, dry_run=True)
        if stand.store.place == "memory":
            installed(stand, hostile)
        else:
            shell(plan.commands, stand.machine.environment)
        assert trusted(stand, hostile) is Outcome.TRUSTED
        assert removed(stand, hostile).outcome is Outcome.REMOVED
