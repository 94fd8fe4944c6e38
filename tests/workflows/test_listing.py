"""What is in a certificate directory, as many of it as somebody asked for."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from easycert.certdir import CertDir
from easycert.errors import NotFound, UnreadableFile
from easycert.ledger.entries import Event, written_instant
from easycert.ledger.records import Query
from easycert.model import Kind
from easycert.pki.describe.certificate import fingerprint
from easycert.pki.validity import parse_when
from easycert.store.layout import Entry
from easycert.store.memory import MemoryStore
from easycert.store.pairs import Pair
from easycert.workflows.holdings import Problem
from easycert.workflows.issue import issue
from easycert.workflows.listing import Filter, Listed, listed
from tests.pki.chainmaker import DAY, NOW, ca, crl, pem, server, shared_key
from tests.workflows import examples
from tests.workflows.certdirs import FULL, ISSUING, ROOT, WWW, directory, key_pem, user


def test_every_folder_is_listed_by_kind_and_name() -> None:
    found = [(item.kind, item.name) for item in listed(FULL).items]
    assert found == [
        (Kind.CA, "issuing"),
        (Kind.CA, "root"),
        (Kind.HOST, "www.example.com"),
        (Kind.USER, "alice"),
    ]


def test_an_empty_directory_lists_nothing() -> None:
    assert listed(directory()).items == listed(directory()).problems == ()


def test_a_list_can_be_of_one_kind() -> None:
    assert [item.name for item in listed(FULL, Filter(kinds=[Kind.HOST])).items] == ["www.example.com"]


def test_the_leaf_of_a_chain_file_is_listed_not_its_ca() -> None:
    (item,) = listed(FULL, Filter(kinds=[Kind.HOST])).items
    assert (item.subject, item.issuer) == ("CN=www.example.com", "CN=issuing")


def test_days_left_are_counted_from_the_clock_of_the_directory() -> None:
    (item,) = listed(FULL, Filter(kinds=[Kind.HOST])).items
    assert (item.state, item.days_left) == ("valid", 10)


def test_a_key_beside_a_certificate_is_told() -> None:
    assert [item.has_key for item in listed(FULL).items] == [False, False, True, False]


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o644, True), (0o620, True)])
def test_a_key_that_others_can_reach_is_told(mode: int, exposed: bool) -> None:
    store = MemoryStore()
    store.files.update({"hosts/www.crt": pem(WWW.certificate), "hosts/www.key": key_pem(WWW)})
    store.modes["hosts/www.key"] = mode
    (item,) = listed(CertDir(store, clock=lambda: NOW)).items
    assert item.key_exposed is exposed


@pytest.mark.parametrize("content", [b"", b"junk", pem(WWW.certificate)[:200], key_pem(WWW)])
def test_a_broken_file_is_one_line_and_spoils_nothing_else(content: bytes) -> None:
    found = listed(directory(hosts__bad_crt=content, hosts__www_crt=WWW))
    assert [item.name for item in found.items] == ["www"]
    assert [(item.path, item.reason) for item in found.problems] == [
        ("/certs/hosts/bad.crt", "it is not a certificate that can be decoded")
    ]


def test_a_file_that_cannot_be_read_is_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir(mode=0o700)
    (tmp_path / "hosts" / "www.crt").write_bytes(pem(WWW.certificate))
    (tmp_path / "hosts" / "big.crt").write_bytes(b"x" * (2 << 20))
    found = listed(CertDir.open(tmp_path))
    assert ([item.name for item in found.items], len(found.problems)) == (["www"], 1)
    assert "larger than" in found.problems[0].reason


class LockedFolder(MemoryStore):
    """A store whose ``code`` folder may not be looked into."""

    def pairs(self, folder: str) -> Iterator[Pair]:
        if folder == "code":
            raise UnreadableFile("/certs/code", "Permission denied")
        return super().pairs(folder)


def test_a_folder_that_cannot_be_read_is_one_line_too() -> None:
    store = LockedFolder()
    store.files["hosts/www.crt"] = pem(WWW.certificate)
    found = listed(CertDir(store, clock=lambda: NOW))
    assert ([item.name for item in found.items], found.problems) == (
        ["www"],
        (Problem("/certs/code", "Permission denied"),),
    )


def test_an_expired_certificate_is_listed_as_expired() -> None:
    old = server(ROOT, not_before=NOW - 9 * DAY, not_after=NOW - 3 * DAY)
    (item,) = listed(directory(hosts__old_crt=old)).items
    assert (item.state, item.days_left) == ("expired", -3)


# --- in the order in which they end


def test_what_ends_first_comes_first_and_then_by_kind_and_name() -> None:
    found = directory(
        cas__root_crt=ROOT,
        hosts__late_crt=server(ROOT, not_after=NOW + 20 * DAY),
        hosts__b_crt=server(ROOT, not_after=NOW + DAY),
        hosts__a_crt=server(ROOT, not_after=NOW + DAY),
        users__c_crt=user(),
    )
    assert [item.name for item in listed(found).items] == ["a", "b", "root", "c", "late"]


# --- due


@pytest.mark.parametrize(
    ("days", "due"), [((-20, 11), False), ((-20, 10), True), ((-20, 1), True), ((-20, -1), True), ((1, 9), False)]
)
def test_what_has_a_third_of_its_life_left_is_due(days: tuple[int, int], due: bool) -> None:
    made = server(ROOT, not_before=NOW + days[0] * DAY, not_after=NOW + days[1] * DAY)
    (item,) = listed(directory(hosts__www_crt=made)).items
    assert item.due is due


# --- revoked


def revoked(certdir: CertDir) -> list[str]:
    return [item.name for item in listed(certdir).items if item.state == "revoked"]


def test_a_crl_of_a_ca_that_is_here_says_what_is_revoked() -> None:
    certdir = directory(
        cas__root_crt=ROOT,
        cas__issuing_crt=ISSUING,
        hosts__www_crt=WWW,
        users__alice_crt=user(),
        crls__issuing_crl=pem(crl(ISSUING, WWW.certificate)),
    )
    assert revoked(certdir) == ["www"]
    (item,) = [item for item in listed(certdir).items if item.name == "www"]
    assert (item.reason, item.revoked_at is not None) == ("keyCompromise", True)


def test_a_crl_that_no_ca_here_signed_is_not_believed() -> None:
    impostor = ca("issuing")
    made = crl(impostor, WWW.certificate)
    assert revoked(directory(cas__issuing_crt=ISSUING, hosts__www_crt=WWW, crls__issuing_crl=pem(made))) == []


def test_a_broken_crl_spoils_nothing() -> None:
    assert revoked(directory(cas__root_crt=ROOT, hosts__www_crt=WWW, crls__root_crl=b"junk")) == []


def test_the_ledger_says_what_is_revoked_and_when() -> None:
    certdir = examples.directory()
    for kind, name in ((Kind.CA, "root"), (Kind.HOST, "a.example"), (Kind.HOST, "b.example")):
        examples.make(certdir, kind, name, None if kind is Kind.CA else "root")
    note_revocation(certdir, "a.example")
    (item,) = listed(certdir, Filter(revoked=True)).items
    assert (item.name, item.state, item.reason) == ("a.example", "revoked", "superseded")
    assert item.revoked_at == NOW - DAY


def note_revocation(certdir: CertDir, name: str) -> None:
    """Record, as revoking does, that the host *name* is revoked."""
    (record,) = certdir.ledger.records(Query(name=name, current=True))
    with certdir.change() as change:
        details = (("issuer_id", record.issuer_id), ("serial", record.serial), ("reason", "superseded"))
        change.record(
            Event.REVOKED,
            kind="ca",
            name="root",
            details=(*details, ("date", written_instant(NOW - DAY))),
        )


def test_a_crl_that_the_ledger_did_not_see_counts_beside_it() -> None:
    certdir = directory(cas__root_crt=ROOT, hosts__www_crt=server(ROOT), hosts__api_crt=server(ROOT, "api"))
    with certdir.change(NOW):
        pass
    with certdir.change(NOW) as change:
        assert change.ledger.exists()  # adopted now, and the CRL comes later
    certdir.store.files["crls/root.crl"] = pem(crl(ROOT, load(certdir, "api")))  # type: ignore[attr-defined]
    assert revoked(certdir) == ["api"]


def load(certdir: CertDir, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certdir.store.read(Entry("hosts", f"{name}.crt")) or b"")


# --- filters


def found_by(certdir: CertDir = FULL, **wishes: object) -> list[str]:
    return [item.name for item in listed(certdir, Filter(**wishes)).items]  # type: ignore[arg-type]


MIXED = directory(
    cas__root_crt=ROOT,
    cas__issuing_crt=ISSUING,
    hosts__old_crt=server(ISSUING, "old.example", not_before=NOW - 9 * DAY, not_after=NOW - DAY),
    hosts__soon_crt=server(ISSUING, "soon.example", "10.0.0.1", not_after=NOW + 3 * DAY),
    hosts__late_crt=server(ROOT, "late.example", not_after=NOW + 90 * DAY, key=shared_key("rsa2048")),
    users__alice_crt=user(),
    crls__issuing_crl=pem(crl(ISSUING, WWW.certificate)),
    hosts__www_crt=WWW,
)


@pytest.mark.parametrize(
    ("wishes", "names"),
    [
        ({"expired": True}, ["old"]),
        ({"ends_by": parse_when("7d")}, ["soon"]),
        ({"ends_by": parse_when("7d"), "expired": True}, ["old", "soon"]),
        ({"revoked": True}, ["www"]),
        ({"revoked": True, "expired": True}, ["old", "www"]),
        ({"sans": ["soon.*"]}, ["soon"]),
        ({"sans": ["SOON.EXAMPLE"]}, ["soon"]),
        ({"sans": ["DNS:*.example", "email:*"]}, ["old", "soon", "alice", "late"]),
        ({"sans": ["10.0.*"]}, ["soon"]),
        ({"sans": ["IP:10.0.0.?"]}, ["soon"]),
        ({"sans": ["DNS:10.*"]}, []),
        ({"key_types": ["rsa*"]}, ["late"]),
        ({"key_types": ["EC256"], "kinds": [Kind.USER]}, ["alice"]),
        ({"issuer": "issuing"}, ["old", "soon", "www"]),
        ({"issuer": "root"}, ["issuing", "alice", "late"]),
        ({"issuer": "issuing", "revoked": True}, ["www"]),
        ({"issuer": "issuing", "kinds": [Kind.USER]}, []),
    ],
)
def test_a_list_can_be_narrowed_down(wishes: dict[str, object], names: list[str]) -> None:
    assert found_by(MIXED, **wishes) == names


def test_an_issuer_that_is_not_here_is_told_by_its_common_name() -> None:
    certdir = directory(hosts__www_crt=server(ca("Some/One Else's")), hosts__lone_crt=server(None))
    assert found_by(certdir, issuer="Some/One Else's") == ["www"]


@pytest.mark.parametrize("issuer", ["nobody", "../root", "", "a\nb"])
def test_an_issuer_that_nothing_has_is_not_found(issuer: str) -> None:
    with pytest.raises(NotFound, match="certificate authority"):
        found_by(MIXED, issuer=issuer)


def test_two_cas_of_one_name_are_told_apart() -> None:
    other = ca("root")
    certdir = directory(cas__root_crt=ROOT, cas__two_crt=other, users__bob_crt=user("bob", other), users__al_crt=user())
    assert (found_by(certdir, issuer="root"), found_by(certdir, issuer="two")) == (["al"], ["bob"])


def test_what_the_ca_of_that_name_signed_before_it_was_made_anew_is_its_own() -> None:
    certdir = examples.directory()
    examples.make(certdir, Kind.CA, "root")
    examples.make(certdir, Kind.HOST, "old.example", "root")
    issue(certdir, [examples.wanted(Kind.CA, "root")], replace=True)
    examples.make(certdir, Kind.HOST, "new.example", "root")
    assert found_by(certdir, issuer="root") == ["new.example", "old.example"]


ENDS = st.integers(-40, 40)
WISHES = st.fixed_dictionaries(
    {
        "kinds": st.sets(st.sampled_from(list(Kind)), min_size=1),
        "expired": st.booleans(),
        "revoked": st.booleans(),
        "sans": st.lists(st.sampled_from(["*", "a?.example", "DNS:*", "email:*", "[ab]*"]), max_size=2),
    }
)


@settings(max_examples=30)
@given(ends=st.lists(ENDS, max_size=6), wishes=WISHES, within=st.none() | st.integers(0, 50))
def test_a_filter_leaves_exactly_what_fits(ends: list[int], wishes: dict[str, Any], within: int | None) -> None:
    key = shared_key("ec256", 3)
    made = {
        f"{('hosts', 'users')[number % 2]}__a{number}_crt": server(
            ROOT, f"a{number}.example", key=key, not_before=NOW - 50 * DAY, not_after=NOW + end * DAY
        )
        for number, end in enumerate(ends)
    }
    gone = [item.certificate for item in list(made.values())[::3]]
    certdir = directory(cas__root_crt=ROOT, crls__root_crl=pem(crl(ROOT, *gone)), **made)
    wanted = Filter(**wishes, ends_by=None if within is None else parse_when(f"{within}d"))
    assert listed(certdir, wanted).items == tuple(item for item in listed(certdir).items if fits(item, wanted, within))


def fits(item: Listed, wanted: Filter, within: int | None) -> bool:
    states = [item.not_after < NOW] * wanted.expired + [item.state == "revoked"] * wanted.revoked
    if within is not None:
        states.append(NOW <= item.not_after <= NOW + within * DAY)
    names = [*item.sans, *(san.partition(":")[2] for san in item.sans)]
    return (
        item.kind in wanted.kinds
        and (not states or any(states))
        and (not wanted.sans or any(fnmatchcase(name, pattern) for name in names for pattern in wanted.sans))
    )


# --- what only the ledger has


def test_replaced_and_lost_certificates_are_listed_when_asked_for() -> None:
    certdir = examples.directory()
    examples.make(certdir, Kind.CA, "root")
    old = examples.make(certdir, Kind.HOST, "www.example", "root")
    (new,) = issue(certdir, [examples.wanted(Kind.HOST, "www.example", "root")], replace=True)
    examples.make(certdir, Kind.HOST, "lost.example", "root")
    del examples.files(certdir)["hosts/lost.example.crt"]
    found = listed(certdir, Filter(kinds=[Kind.HOST], former=True)).items
    here, lost, replaced = sorted(found, key=lambda item: (item.path is None, item.name))
    assert (here.sha256, here.path is None, here.replaced_by) == (fingerprint(new.certificate), False, None)
    assert (lost.name, lost.path, lost.replaced_by) == ("lost.example", None, None)
    assert (replaced.sha256, replaced.replaced_by) == (fingerprint(old.certificate), fingerprint(new.certificate))


def test_without_a_ledger_there_are_none() -> None:
    assert listed(FULL, Filter(former=True)) == listed(FULL)
