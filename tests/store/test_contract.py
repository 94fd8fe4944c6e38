"""What every store promises: the same tests over the directory on disk and over its twin in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.errors import AlreadyExists, StoreBusy, StoreFailure
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.store import layout
from easycert.store.files import FileStore
from easycert.store.layout import Entry
from easycert.store.memory import MemoryStore
from easycert.store.protocol import Store

NAME = SafeName("www.vertex.link")
KEY, CERTIFICATE = layout.key(Kind.HOST, NAME), layout.certificate(Kind.HOST, NAME)


def file_store(top: Path) -> Store:
    return FileStore([str(top / "certs")], lock_timeout=0)


def memory_store(_: Path) -> Store:
    return MemoryStore(lock_timeout=0)


@pytest.fixture(params=[file_store, memory_store])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: Callable[[Path], Store] = request.param
    return made(tmp_path)


def saved(store: Store, entry: Entry, data: bytes = b"data", *, private: bool = False) -> None:
    with store.transaction() as transaction:
        transaction.create(entry, data, private=private)


def test_what_is_not_there_reads_as_none(store: Store) -> None:
    assert (store.read(KEY), store.find(KEY), store.entries("hosts"), store.exposed(KEY)) == (None, None, [], False)


def test_what_was_created_is_read_back(store: Store) -> None:
    saved(store, CERTIFICATE, b"certificate")
    assert store.read(CERTIFICATE) == b"certificate"


def test_an_empty_file_is_not_a_missing_one(store: Store) -> None:
    saved(store, CERTIFICATE, b"")
    assert store.read(CERTIFICATE) == b""


def test_a_file_is_found_where_it_is_written(store: Store) -> None:
    saved(store, CERTIFICATE)
    assert store.find(CERTIFICATE) == store.path(CERTIFICATE)


def test_a_path_is_absolute_and_ends_in_folder_and_name(store: Store) -> None:
    assert store.path(KEY).startswith("/")
    assert store.path(KEY).endswith("/hosts/www.vertex.link.key")


def test_nothing_is_to_be_seen_before_the_block_is_left(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.create(KEY, b"key")
        assert store.read(KEY) is None
    assert store.read(KEY) == b"key"


def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(LookupError), store.transaction() as transaction:
        transaction.create(KEY, b"key")
        raise LookupError
    assert store.read(KEY) is None


def test_a_transaction_without_files_does_nothing(store: Store) -> None:
    with store.transaction():
        pass
    assert store.entries("hosts") == []


def test_creating_what_exists_is_refused_and_names_it(store: Store) -> None:
    saved(store, KEY, b"first")
    with pytest.raises(AlreadyExists) as caught:
        saved(store, KEY, b"second")
    assert caught.value.path == store.path(KEY)
    assert store.read(KEY) == b"first"


def test_a_refused_file_takes_the_others_of_its_transaction_with_it(store: Store) -> None:
    saved(store, CERTIFICATE)
    with pytest.raises(AlreadyExists), store.transaction() as transaction:
        transaction.create(KEY, b"key")
        transaction.create(CERTIFICATE, b"certificate")
    assert store.read(KEY) is None


def test_creating_the_same_file_twice_in_one_transaction_is_refused(store: Store) -> None:
    with pytest.raises(AlreadyExists), store.transaction() as transaction:
        transaction.create(KEY, b"one")
        transaction.create(KEY, b"two")
    assert store.read(KEY) is None


def test_replacing_puts_the_new_bytes_in_place_of_the_old(store: Store) -> None:
    saved(store, CERTIFICATE, b"old")
    with store.transaction() as transaction:
        transaction.replace(CERTIFICATE, b"new")
    assert store.read(CERTIFICATE) == b"new"


def test_replacing_what_is_not_there_creates_it(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.replace(CERTIFICATE, b"new")
    assert store.read(CERTIFICATE) == b"new"


def test_the_last_of_several_replacements_counts(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.create(CERTIFICATE, b"one")
        transaction.replace(CERTIFICATE, b"two")
        transaction.replace(CERTIFICATE, b"three")
    assert store.read(CERTIFICATE) == b"three"


def test_only_private_files_are_hidden_from_others(store: Store) -> None:
    saved(store, KEY, private=True)
    saved(store, CERTIFICATE)
    assert (store.exposed(KEY), store.exposed(CERTIFICATE)) == (False, True)


def test_entries_are_sorted_and_what_has_no_name_is_left_out(store: Store) -> None:
    for filename in ("b.crt", "a.key", "README"):
        saved(store, Entry("hosts", filename))
    saved(store, Entry("users", "c.crt"))
    assert [entry.filename for entry in store.entries("hosts")] == ["a.key", "b.crt"]


@pytest.mark.parametrize(
    "entry",
    [Entry("hosts", "../evil.crt"), Entry("..", "evil.crt"), Entry("hosts", ".hidden.crt"), Entry("", "evil.crt")],
)
def test_an_entry_that_was_not_made_from_a_name_is_a_programming_error(store: Store, entry: Entry) -> None:
    with pytest.raises(ValueError, match="not a place"), store.transaction() as transaction:
        transaction.create(entry, b"evil")
    with pytest.raises(ValueError, match="not a place"), store.transaction() as transaction:
        transaction.replace(entry, b"evil")


def test_names_with_spaces_and_beyond_ascii_are_kept(store: Store) -> None:
    entry = layout.certificate(Kind.CODE, SafeName("Büro Süd 東"))
    saved(store, entry, b"signer")
    assert store.entries("code") == [entry]
    assert store.read(entry) == b"signer"


def test_require_absent_names_the_first_in_the_order_given(store: Store) -> None:
    saved(store, KEY)
    saved(store, CERTIFICATE)
    store.require_absent([Entry("hosts", "other.key")])
    with pytest.raises(AlreadyExists) as caught:
        store.require_absent([Entry("hosts", "other.key"), CERTIFICATE, KEY])
    assert caught.value.path == store.path(CERTIFICATE)


def test_a_second_writer_is_kept_out_while_a_transaction_is_open(store: Store) -> None:
    with store.transaction(), pytest.raises(StoreBusy), store.transaction():
        pass
    saved(store, KEY)


def test_a_transaction_can_be_entered_again_and_begins_empty(store: Store) -> None:
    transaction = store.transaction()
    with transaction:
        transaction.create(KEY, b"key")
    with transaction:
        transaction.create(CERTIFICATE, b"certificate")
    assert (store.read(KEY), store.read(CERTIFICATE)) == (b"key", b"certificate")


def test_a_survey_sees_folders_and_files_with_their_modes(store: Store) -> None:
    saved(store, KEY, private=True)
    seen = {(item.folder, item.filename): item for item in store.survey()}
    assert seen["", ""].is_directory
    assert seen["hosts", ""].is_directory
    assert seen["hosts", KEY.filename].mode == 0o600
    assert seen["hosts", KEY.filename].path == store.path(KEY)
    assert (seen["hosts", KEY.filename].stem, seen["hosts", KEY.filename].suffix) == ("www.vertex.link", "key")


def test_a_mode_that_was_tightened_is_seen(store: Store) -> None:
    saved(store, CERTIFICATE)
    store.tighten(store.path(CERTIFICATE), 0o600)
    assert [item.mode for item in store.survey() if item.filename == CERTIFICATE.filename] == [0o600]


def test_the_mode_of_what_is_not_there_cannot_be_tightened(store: Store) -> None:
    with pytest.raises(StoreFailure):
        store.tighten(store.path(KEY), 0o600)


def test_pairs_are_the_certificates_with_what_is_known_of_their_keys(store: Store) -> None:
    saved(store, CERTIFICATE, b"certificate")
    saved(store, KEY, private=True)
    saved(store, layout.certificate(Kind.HOST, SafeName("alone")))
    saved(store, layout.key(Kind.HOST, SafeName("open")), b"key", private=False)
    saved(store, layout.certificate(Kind.HOST, SafeName("open")))
    saved(store, layout.request(Kind.HOST, SafeName("asked")))
    found = {pair.name: pair for pair in store.pairs("hosts")}
    assert {name: (pair.has_key, pair.key_exposed) for name, pair in found.items()} == {
        NAME: (True, False),
        "alone": (False, False),
        "open": (True, True),
    }
    assert found[NAME].stamp == store.stamp(CERTIFICATE)
    assert store.path(CERTIFICATE) == f"{found[NAME].directory}/hosts/{NAME}.crt"


def test_a_folder_that_is_not_there_has_no_pairs(store: Store) -> None:
    assert list(store.pairs("code")) == []


def test_who_does_not_want_to_wait_is_refused_at_once(tmp_path: Path) -> None:
    for patient in (FileStore([str(tmp_path / "certs")]), MemoryStore()):
        with patient.transaction(), pytest.raises(StoreBusy), patient.transaction(wait=False):
            pass


def test_marks_are_of_one_folder_and_suffix_and_change_with_the_file(store: Store) -> None:
    saved(store, CERTIFICATE)
    saved(store, KEY, private=True)
    before = store.marks("hosts", "crt")
    assert [mark[0] for mark in before] == [store.path(CERTIFICATE)]
    assert store.marks("hosts", "crt") == before
    with store.transaction() as transaction:
        transaction.replace(CERTIFICATE, b"other data")
    assert store.marks("hosts", "crt") != before
    assert store.marks("cas", "crt") == ()
