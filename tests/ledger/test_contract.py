"""What every ledger promises: the same tests over SQLite and over its twin in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easycert.errors import LedgerUnusable
from easycert.ledger.entries import GENESIS, Event, Located, chained, chained_texts
from easycert.ledger.memory import MemoryLedger
from easycert.ledger.protocol import Ledger
from easycert.ledger.records import Export, Head, Indexed, Order, Query, export_details
from easycert.ledger.sqlite import SqliteLedger
from easycert.pki.encodings import Encoding
from easycert.pki.facts import facts_of, fingerprint_of
from tests.ledger.examples import NOW, certificate, entry, exported, issued, revoked, with_serial


@pytest.fixture(params=["sqlite", "memory"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ledger]:
    return MemoryLedger if request.param == "memory" else lambda: SqliteLedger(str(tmp_path / "ledger.sqlite"))


@pytest.fixture
def ledger(made: Callable[[], Ledger]) -> Ledger:
    ledger = made()
    ledger.create([])
    return ledger


def names(ledger: Ledger, query: Query | None = None) -> list[str]:
    return [record.name for record in ledger.records(query or Query())]


def test_there_is_none_before_it_is_created(made: Callable[[], Ledger]) -> None:
    assert not made().exists()


@pytest.mark.parametrize(
    "ask",
    [
        lambda ledger: ledger.head(),
        lambda ledger: ledger.records(Query()),
        lambda ledger: ledger.append([issued("a.example")]),
        lambda ledger: ledger.has("00"),
        lambda ledger: list(ledger.entries()),
        lambda ledger: ledger.located(),
        lambda ledger: ledger.index(),
        lambda ledger: ledger.revocations(),
        lambda ledger: ledger.exports(),
        lambda ledger: list(ledger.revoked_until(["00"])),
    ],
)
def test_one_that_is_not_there_cannot_be_used(made: Callable[[], Ledger], ask: Callable[[Ledger], object]) -> None:
    with pytest.raises(LedgerUnusable):
        ask(made())


def test_it_begins_with_what_it_is_created_with(made: Callable[[], Ledger]) -> None:
    ledger = made()
    ledger.create([issued("a.example", event=Event.ADOPTED)])
    assert names(ledger) == ["a.example"]


def test_a_certificate_is_found_by_each_of_its_facts(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), issued("b.example")])
    facts = facts_of(certificate("a.example"))
    for query in (
        Query(name="a.example"),
        Query(kind="host", name="a.example"),
        Query(serial=facts.serial),
        Query(fingerprint=facts.fingerprint),
        Query(key_sha256=facts.key_sha256),
        Query(issuer_id=facts.issuer_id),
    ):
        assert names(ledger, query) == ["a.example"], query
    assert names(ledger, Query(kind="user")) == []


def test_a_record_has_the_facts_of_its_certificate(ledger: Ledger) -> None:
    ledger.append([issued("a.example")])
    (record,) = ledger.records(Query())
    for name, value in vars(facts_of(certificate("a.example"))).items():
        assert getattr(record, name) == value, name
    assert (record.kind, record.origin, record.profile, record.actor) == ("host", "fresh", "modern", "alice")
    assert record.at == "2026-03-01T12:00:00Z"


def test_the_newest_comes_first(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), issued("b.example")])
    ledger.append([issued("c.example")])
    assert names(ledger) == ["c.example", "b.example", "a.example"]


def test_who_has_a_key_is_known(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), issued("b.example")])
    key = facts_of(certificate("a.example")).key_sha256
    assert ledger.names_of_key("host", key) == ["a.example"]
    assert ledger.names_of_key("user", key) == []
    ledger.append([issued("a.example", 2)])
    assert ledger.names_of_key("host", key) == []


def test_the_certificate_itself_is_kept(ledger: Ledger) -> None:
    ledger.append([made := issued("a.example")])
    assert ledger.der(made.fingerprint) == made.der
    assert ledger.der("00") is None


def test_a_later_one_of_the_name_replaces_the_earlier(ledger: Ledger) -> None:
    ledger.append([issued("a.example", 1)])
    ledger.append([later := issued("a.example", 2)])
    assert [record.replaced_by for record in ledger.records(Query())] == ["", later.fingerprint]
    assert [record.fingerprint for record in ledger.records(Query(current=True))] == [later.fingerprint]


def test_one_that_comes_in_late_may_be_replaced_already(ledger: Ledger) -> None:
    ledger.append([later := issued("a.example", 2)])
    details = (("origin", "import"), ("replaced_by", later.fingerprint))
    ledger.append([issued("a.example", 1, event=Event.IMPORTED, details=details)])
    assert [record.fingerprint for record in ledger.records(Query(current=True))] == [later.fingerprint]


def test_one_that_comes_back_is_current_again(ledger: Ledger) -> None:
    ledger.append([first := issued("a.example", 1), issued("a.example", 2)])
    ledger.append([issued("a.example", 1, event=Event.IMPORTED)])
    (current,) = ledger.records(Query(current=True))
    assert (current.fingerprint, current.origin) == (first.fingerprint, "fresh")


def test_a_revocation_is_seen_at_its_certificate(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), issued("b.example"), revoked("a.example", reason="keyCompromise")])
    found = {record.name: (record.revoked_at, record.reason) for record in ledger.records(Query())}
    assert found == {"a.example": ("2026-03-01T12:00:00Z", "keyCompromise"), "b.example": ("", "")}


def test_a_revocation_needs_no_certificate(ledger: Ledger) -> None:
    ledger.append([revoked("unknown.example")])
    facts = facts_of(certificate("unknown.example"))
    (found,) = ledger.revocations([facts.issuer_id])
    assert (found.serial, found.reason) == (facts.serial, "superseded")
    assert ledger.revocations(["another"]) == []


def test_a_hold_that_is_lifted_is_no_revocation(ledger: Ledger) -> None:
    held = revoked("a.example", reason="certificateHold")
    ledger.append([issued("a.example"), held, entry(Event.RELEASED, details=held.details)])
    assert ledger.revocations() == []
    assert ledger.records(Query())[0].revoked_at == ""


@pytest.mark.parametrize("numbers", [["1", "2"], ["2", "1"], [str(2**100), "7"]])
def test_the_last_crl_number_is_the_highest(ledger: Ledger, numbers: list[str]) -> None:
    ledger.append([entry(Event.PUBLISHED, details=(("issuer_id", "aa"), ("number", number))) for number in numbers])
    assert ledger.last_crl_number(["aa", "bb"]) == max(map(int, numbers))
    assert ledger.last_crl_number(["bb"]) == 0


def test_files_are_known_by_path(ledger: Ledger) -> None:
    ledger.append([made := issued("a.example")], [place := Located("hosts/a.example.crt", made.fingerprint, 1, 2, 3)])
    ((located, record),) = ledger.located()
    assert (located, record.name) == (place, "a.example")
    ledger.locate([moved := place._replace(size=9)])
    assert ledger.located()[0][0] == moved
    ledger.locate([], gone=["hosts/a.example.crt"])
    assert ledger.located() == []


def test_the_index_says_of_each_file_what_its_record_says(ledger: Ledger) -> None:
    old, new = issued("a.example"), issued("a.example", 2)
    places = [Located(f"hosts/{name}.crt", made.fingerprint, 1, 2, 3) for name, made in (("a", new), ("kept", old))]
    ledger.append([old, new], [*places, Located("hosts/unknown.crt", "00", 1, 2, 3)])
    expected = {
        located.path: (located[2:], Indexed(*(getattr(record, field) for field in Indexed._fields)))
        for located, record in ledger.located()
    }
    assert ledger.index() == expected
    assert {path: facts.fingerprint for path, (_, facts) in expected.items()} == {
        "hosts/a.crt": new.fingerprint,
        "hosts/kept.crt": old.fingerprint,
    }


def test_entries_come_back_in_their_order_with_their_details(ledger: Ledger) -> None:
    entries = [issued("a.example"), revoked("a.example"), entry(Event.INTENDED, details=(("name", "jörg\n'"),))]
    ledger.append(entries)
    assert [item.entry for item in ledger.entries()] == [item._replace(der=b"") for item in entries]
    assert [item.number for item in ledger.entries()] == [1, 2, 3]


def test_each_entry_names_the_digest_of_the_one_before(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), issued("b.example")])
    ledger.append([revoked("a.example")])
    digest = GENESIS
    for item in ledger.entries():
        digest = chained(digest, item.entry)
        assert item.digest == digest
    assert ledger.head() == Head(3, digest, "2026-03-01T12:00:00Z")


def test_what_is_handed_over_twice_is_kept_once(ledger: Ledger) -> None:
    both = [issued("a.example"), issued("b.example")]
    ledger.append(both)
    ledger.append(both)
    assert ledger.head().number == 2
    assert ledger.has(both[0].id)
    assert not ledger.has("00")


def test_a_fresh_one_takes_the_place_of_the_one_that_is_there(ledger: Ledger) -> None:
    ledger.append([issued("a.example")])
    kept = ledger.spare("old")
    assert kept.endswith(".old")
    with ledger.fresh(kept) as draft:
        assert names(draft) == []
        assert draft.head() == Head(0, GENESIS, "")
        draft.append([issued("b.example")])
        draft.append([issued("c.example")])
        assert names(draft) == ["c.example", "b.example"]
    assert names(ledger) == ["c.example", "b.example"]
    assert ledger.spare("old") not in (kept, "")


def test_a_fresh_one_that_fails_changes_nothing(ledger: Ledger) -> None:
    ledger.append([issued("a.example")])
    kept = ledger.spare("old")
    with pytest.raises(RuntimeError), ledger.fresh(kept) as draft:
        draft.append([issued("b.example")])
        raise RuntimeError
    assert names(ledger) == ["a.example"]
    assert ledger.spare("old") == kept


def test_the_one_that_is_there_can_be_read_while_a_fresh_one_is_filled(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), issued("b.example")])
    old = ledger.any_version()
    with ledger.fresh(ledger.spare("old")) as draft:
        for item in old.entries():
            draft.append([item.entry._replace(der=old.der(item.entry.fingerprint))])
        old.close()
    assert names(ledger) == ["b.example", "a.example"]


def test_a_scratch_is_nowhere_kept(ledger: Ledger) -> None:
    ledger.append([issued("a.example")])
    scratch = ledger.scratch()
    scratch.append([issued("b.example")])
    assert names(scratch) == ["b.example"]
    scratch.close()
    assert names(ledger) == ["a.example"]


def test_an_entry_must_bring_the_certificate_that_it_names(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="another certificate"):
        ledger.append([issued("a.example")._replace(fingerprint="00" * 32)])
    assert ledger.head().number == 0


def test_a_serial_number_that_was_given_is_there_once_under_its_ca(ledger: Ledger) -> None:
    ledger.append([issued("a.example")])
    twin = with_serial(certificate("a.example"))
    details = (("origin", "renewal"),)
    der = twin.public_bytes(Encoding.DER)
    again = entry(
        Event.ISSUED, kind="host", name="b.example", fingerprint=fingerprint_of(der), details=details, der=der
    )
    with pytest.raises(LedgerUnusable, match="contradicts"):
        ledger.append([again])
    assert names(ledger) == ["a.example"]
    ledger.append([again._replace(details=(("origin", "import"),))])
    assert names(ledger) == ["b.example", "a.example"]


def test_every_certificate_comes_in_the_order_that_is_asked_for(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), issued("b.example"), issued("c.example")])
    assert [item.name for item in ledger.every(Order.OLDEST)] == ["a.example", "b.example", "c.example"]
    assert [item.name for item in ledger.every(Order.NEWEST)] == ["c.example", "b.example", "a.example"]
    fingerprints = [item.fingerprint for item in ledger.every(Order.FINGERPRINT)]
    assert fingerprints == sorted(fingerprints)
    assert set(ledger.every(Order.FINGERPRINT)) == set(ledger.records())


def test_an_entry_may_say_when_and_by_whom_its_certificate_was_made(ledger: Ledger) -> None:
    details = (("origin", "csr"), ("at", "2020-01-01T00:00:00Z"), ("actor", "bob"))
    ledger.append([issued("a.example", event=Event.ADOPTED, details=details)])
    (record,) = ledger.records()
    assert (record.at, record.actor, record.origin) == ("2020-01-01T00:00:00Z", "bob", "csr")


def test_appending_tells_the_latest_time_that_was_lately_recorded(ledger: Ledger) -> None:
    first, later = issued("a.example"), issued("b.example")
    assert ledger.append([first]) == ""
    assert ledger.append([later._replace(at=NOW - timedelta(days=9))]) == "2026-03-01T12:00:00Z"
    assert ledger.append([revoked("a.example")]) == "2026-03-01T12:00:00Z"
    assert ledger.append([later]) == ""


def test_places_come_by_path(ledger: Ledger) -> None:
    ledger.append([made := issued("a.example")])
    places = [Located(path, made.fingerprint, 1, 2, 3) for path in ("users/b.crt", "hosts/ä.crt", "hosts/z.crt")]
    ledger.locate(places)
    assert list(ledger.places()) == sorted(places)


def test_entries_can_be_read_backwards(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), revoked("a.example")])
    assert [item.number for item in ledger.entries(backwards=True)] == [2, 1]


def test_rows_are_what_was_hashed(ledger: Ledger) -> None:
    ledger.append([issued("a.example"), revoked("a.example")])
    digest = GENESIS
    for row in ledger.rows():
        digest = chained_texts(digest, row.parts)
        assert row.digest == digest


def test_numbers_of_crls_are_known_by_issuer(ledger: Ledger) -> None:
    ledger.append([entry(Event.PUBLISHED, details=(("issuer_id", item), ("number", "7"))) for item in ("aa", "bb")])
    assert ledger.crl_numbers() == {"aa": 7, "bb": 7}


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(_TEXT, _TEXT, _TEXT, st.lists(st.tuples(_TEXT, _TEXT), max_size=3)), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_entries_say_the_chain_is_whole(
    made: Callable[[], Ledger], said: list[tuple[str, str, str, list[tuple[str, str]]]]
) -> None:
    ledger = made()
    ledger.create([])
    entries = [
        entry(Event.INTENDED, kind=kind, name=name, details=tuple(details))._replace(actor=actor)
        for kind, name, actor, details in said
    ]
    ledger.append(entries)
    assert [item.entry for item in ledger.entries()] == entries
    digest = GENESIS
    for row in ledger.rows():
        digest = chained_texts(digest, row.parts)
        assert row.digest == digest
    ledger.close()


def test_it_can_be_used_again_after_it_was_closed(ledger: Ledger) -> None:
    ledger.append([issued("a.example")])
    ledger.close()
    ledger.append([issued("b.example")])
    ledger.close()
    assert names(ledger) == ["b.example", "a.example"]


def test_it_is_told_until_when_a_revoked_certificate_would_be_valid(ledger: Ledger) -> None:
    """0 for one that only its serial number is known of; nothing of another issuer's."""
    facts = facts_of(certificate("a.example"))
    stranger = (("issuer_id", facts.issuer_id), ("serial", "07"), ("date", "2026-03-01T12:00:00Z"), ("reason", "x"))
    ledger.append([issued("a.example"), revoked("a.example"), entry(Event.REVOKED, details=stranger)])
    assert dict(ledger.revoked_until([facts.issuer_id, "another"])) == {facts.serial: facts.not_after, "07": 0}
    assert list(ledger.revoked_until(["another"])) == []


def test_what_was_exported_is_known_with_all_that_was_said(ledger: Ledger) -> None:
    said = {"owner": "www-data", "group": "tls", "hook": "systemctl reload 'nginx'; true", "legacy": "yes"}
    made = exported("a.example", passphrase_file="/root/secret", **said)
    ledger.append([made])
    (export,) = ledger.exports()
    assert export._asdict() == {
        "destination": "/srv/tls",
        "recipe": "nginx",
        "kind": "host",
        "name": "a.example",
        "fingerprint": made.fingerprint,
        **said,
        "passphrase_file": "/root/secret",
        "files": "00 tls.crt",
        "at": "2026-03-01T12:00:00Z",
    }


def test_an_export_that_is_written_again_is_known_once(ledger: Ledger) -> None:
    ledger.append([exported("a.example"), later := exported("a.example", 2, hook="true")])
    (export,) = ledger.exports()
    assert (export.fingerprint, export.hook) == (later.fingerprint, "true")


def test_exports_differ_by_place_form_and_name_and_come_in_this_order(ledger: Ledger) -> None:
    said = [{"destination": "/b"}, {"destination": "/a", "recipe": "pem"}, {"destination": "/a", "recipe": "der"}]
    ledger.append([*(exported("b.example", **item) for item in said), exported("a.example", **said[0])])
    assert [(item.destination, item.recipe, item.name) for item in ledger.exports()] == [
        ("/a", "der", "b.example"),
        ("/a", "pem", "b.example"),
        ("/b", "nginx", "a.example"),
        ("/b", "nginx", "b.example"),
    ]


def test_an_export_can_be_forgotten(ledger: Ledger) -> None:
    ledger.append([made := exported("a.example"), exported("b.example")])
    ledger.append([entry(Event.FORGOTTEN, kind="host", name="a.example", details=made.details)])
    assert [item.name for item in ledger.exports()] == ["b.example"]
    assert [record.name for record in ledger.records()] == []


@given(st.lists(st.tuples(*[_TEXT] * 8), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_exports_say_the_last_of_each_place_is_known(
    made: Callable[[], Ledger], said: list[tuple[str, ...]]
) -> None:
    ledger = made()
    ledger.create([])
    exports = [Export(*texts[:8], "", "", *texts[6:7], "2026-03-01T12:00:00Z") for texts in said]
    ledger.append(
        [
            entry(
                Event.EXPORTED,
                kind=item.kind,
                name=item.name,
                fingerprint=item.fingerprint,
                details=export_details(item),
            )
            for item in exports
        ]
    )
    assert ledger.exports() == sorted({item.key: item for item in exports}.values())
    ledger.close()
