"""The plain formats, and what every recipe refuses."""

from __future__ import annotations

import re

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import InvalidInput, NotFound, WeakKey
from easycert.model import Kind
from easycert.recipes.catalogue import recipe
from easycert.recipes.rendering import is_same, render
from easycert.recipes.values import File, Wanted
from tests.pki.chainmaker import shared_key
from tests.recipes.examples import ALICE, ISSUING, PASSPHRASE, ROOT, WWW, made_with, material

WANTED = Wanted("/etc/tls")
RENEWED = made_with("www.example.com")


def only(what: str, wanted: Wanted = WANTED, kind: Kind = Kind.HOST, **changes: object) -> File:
    (file,) = render(recipe(what), material(kind, **changes), wanted).files
    return file


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("cert", [WWW]),
        ("chain", [ISSUING]),
        ("fullchain", [WWW, ISSUING]),
        ("bundle", [WWW, ISSUING, ROOT]),
        ("ca", [ROOT]),
        ("pem", [WWW, ISSUING]),
    ],
)
def test_certificates_are_in_their_order(name: str, holds: list[object]) -> None:
    found = x509.load_pem_x509_certificates(only(name).data)
    assert found == [made.certificate for made in holds]  # type: ignore[attr-defined]


def test_pem_begins_with_the_key() -> None:
    labels = re.findall(rb"BEGIN ([A-Z ]+)", only("pem").data)
    assert labels == [b"PRIVATE KEY", b"CERTIFICATE", b"CERTIFICATE"]


@pytest.mark.parametrize("name", ["key", "pem", "key-der", "p12", "secret", "dotenv"])
def test_a_file_with_a_key_is_for_its_owner_alone(name: str) -> None:
    assert only(name).mode == 0o600


def test_the_key_is_the_key() -> None:
    numbers = WWW.key.private_numbers()
    assert load_pem_private_key(only("key").data, None).private_numbers() == numbers  # type: ignore[union-attr]
    assert load_der_private_key(only("key-der").data, None).private_numbers() == numbers  # type: ignore[union-attr]


def test_a_root_in_a_bundle_is_there_once() -> None:
    made = material(Kind.CA, certificate=ROOT.certificate, chain=())
    (file,) = render(recipe("bundle"), made, WANTED).files
    assert x509.load_pem_x509_certificates(file.data) == [ROOT.certificate]


@pytest.mark.parametrize(("passphrase", "legacy"), [(None, False), (PASSPHRASE, False), (PASSPHRASE, True)])
def test_pkcs12_holds_key_certificate_and_chain(passphrase: bytes | None, legacy: bool) -> None:
    found = pkcs12.load_pkcs12(only("p12", Wanted("/", passphrase, legacy)).data, passphrase)
    assert found.key.private_numbers() == WWW.key.private_numbers()  # type: ignore[union-attr]
    assert found.cert == pkcs12.PKCS12Certificate(WWW.certificate, b"www.example.com")
    assert [item.certificate for item in found.additional_certs] == [ISSUING.certificate]


def test_a_secret_is_one_that_kubernetes_takes() -> None:
    found = yaml.safe_load(only("secret").data)
    assert found["kind"], found["type"] == ("Secret", "kubernetes.io/tls")
    assert found["metadata"] == {"name": "www.example.com"}
    assert list(found["data"]) == ["tls.crt", "tls.key", "ca.crt"]


def test_a_config_map_holds_the_root_as_text() -> None:
    found = yaml.safe_load(only("configmap", kind=Kind.CA).data)
    assert x509.load_pem_x509_certificate(found["data"]["ca.crt"].encode()) == ROOT.certificate


@pytest.mark.parametrize(
    ("name", "object_name"),
    [("*.example.com", "wildcard.example.com"), ("Alice B@x", "alice-b-x"), ("é", "certificate"), ("a..-b", "a.b")],
)
def test_a_kubernetes_object_has_a_name_that_can_be_one(name: str, object_name: str) -> None:
    assert yaml.safe_load(only("secret", name=name).data)["metadata"]["name"] == object_name


STORED = only("p12", Wanted("/", PASSPHRASE, legacy=True))

# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_recipe_that_is_not_known_names_its_neighbours() -> None:
    with pytest.raises(InvalidInput, match="did you mean fullchain"):
        recipe("full-chain")


def test_no_name_of_a_recipe_leads_out_of_their_directory() -> None:
    with pytest.raises(InvalidInput, match="is not known"):
        recipe("../data/pem")


def test_names_of_recipes_are_free_in_their_case() -> None:
    assert recipe("P12").name == "p12"


@pytest.mark.parametrize("name", ["key", "pem", "p12", "secret"])
def test_a_key_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(NotFound, match=r"no private key of the host named 'www\.example\.com'"):
        only(name, key=None)


@pytest.mark.parametrize("name", ["ca", "truststore-p12", "configmap"])
def test_a_root_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(NotFound, match="no root certificate above the user named 'alice'"):
        only(name, kind=Kind.USER, anchors=())


def test_a_chain_without_intermediates_is_said() -> None:
    with pytest.raises(NotFound, match="no intermediate certificate above"):
        only("chain", chain=())


@pytest.mark.parametrize("name", ["key", "pem", "p12", "secret", "dotenv"])
def test_the_key_of_a_ca_is_never_exported(name: str) -> None:
    with pytest.raises(InvalidInput, match="not of a CA"):
        only(name, kind=Kind.CA)


def test_a_passphrase_is_refused_where_nothing_is_encrypted() -> None:
    with pytest.raises(InvalidInput, match="takes no passphrase"):
        only("pem", Wanted("/", PASSPHRASE))


@pytest.mark.parametrize(("name", "passphrase"), [("pem", None), ("p12", None), ("truststore-p12", PASSPHRASE)])
def test_a_legacy_form_is_refused_where_there_is_none(name: str, passphrase: bytes | None) -> None:
    with pytest.raises(InvalidInput, match="legacy form"):
        only(name, Wanted("/", passphrase, legacy=True))


def test_pkcs12_refuses_a_key_that_no_reader_knows() -> None:
    with pytest.raises(WeakKey, match="ML-DSA"):
        only("p12", key=shared_key("mldsa65"))


def test_a_key_that_the_program_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"knows rsa keys only; www\.example\.com has one of the type ec256"):
        render(recipe("synapse"), material(), WANTED)


def test_synapse_gets_keys_as_it_writes_them_itself() -> None:
    made = made_with("www.example.com", key_type="rsa2048")
    files = render(recipe("synapse"), material(certificate=made.certificate, key=made.key), WANTED).files
    assert files[1].data.startswith(b"-----BEGIN RSA PRIVATE KEY-----\n")


def test_a_file_name_that_no_file_system_takes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer than 255 bytes"):
        only("fullchain", name="n" * 251)


# --- whether a file is still the same --------------------------------------------------------------------------------


@pytest.mark.parametrize("legacy", [False, True])
def test_pkcs12_made_again_is_the_same(legacy: bool) -> None:
    wanted = Wanted("/", PASSPHRASE, legacy)
    first, second = only("p12", wanted), only("p12", wanted)
    assert first.data != second.data
    assert is_same(recipe("p12"), wanted, first, second.data)


def test_a_trust_store_made_again_is_the_same() -> None:
    first, second = only("truststore-p12"), only("truststore-p12")
    assert first.data != second.data
    assert is_same(recipe("truststore-p12"), WANTED, first, second.data)


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        (Wanted("/", b"another"), {}),
        (Wanted("/", None), {}),
        (Wanted("/", PASSPHRASE, legacy=True), {}),
        (Wanted("/", PASSPHRASE), {"certificate": ALICE.certificate, "key": ALICE.key}),
        (Wanted("/", PASSPHRASE), {"certificate": RENEWED.certificate, "key": RENEWED.key}),
        (Wanted("/", PASSPHRASE), {"chain": ()}),
        (Wanted("/", PASSPHRASE), {"name": "other"}),
    ],
)
def test_pkcs12_that_holds_something_else_is_not(wanted: Wanted, changes: dict[str, object]) -> None:
    old, new = only("p12", wanted, **changes), only("p12", Wanted("/", PASSPHRASE))
    assert not is_same(recipe("p12"), Wanted("/", PASSPHRASE), new, old.data)


@pytest.mark.parametrize("existing", [b"", b"0", b"garbage", b"\x30\x82\x01\x00\x02\x01\x03"])
def test_what_is_no_pkcs12_is_not_the_same(existing: bytes) -> None:
    wanted = Wanted("/", PASSPHRASE)
    assert not is_same(recipe("p12"), wanted, only("p12", wanted), existing)


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_damaged_pkcs12_is_not_the_same_and_no_error(position: int, bit: int) -> None:
    wanted = Wanted("/", PASSPHRASE, legacy=True)
    damaged = bytearray(STORED.data)
    damaged[position % len(damaged)] ^= 1 << bit
    is_same(recipe("p12"), wanted, STORED, bytes(damaged))


def test_pem_is_the_same_byte_by_byte() -> None:
    file = only("fullchain")
    assert is_same(recipe("fullchain"), WANTED, file, file.data)
    assert not is_same(recipe("fullchain"), WANTED, file, file.data + b"\n")
