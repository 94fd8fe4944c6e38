"""Issuing: what certificates are made, and what a CA must refuse to make (RFC 5280 sections 4.1 and 4.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from easycert.certdir import CertDir
from easycert.errors import (
    AlreadyExists,
    EasycertError,
    InvalidInput,
    IssuerUnusable,
    MissingAuthority,
    NotPermitted,
    Refused,
)
from easycert.model import Kind
from easycert.pki.certificates import load_certificates
from easycert.pki.constraints import name_constraints, parse_constraint
from easycert.pki.keys import KeyType, key_name, public_der
from easycert.pki.names import CaName, CommonName, SynapseHostName
from easycert.pki.profiles import MODERN, SYNAPSE
from easycert.pki.sans import parse_san
from easycert.pki.subjects import parse_subject
from easycert.pki.validity import days, parse_when
from easycert.workflows.issue import Issued, IssueRequest, issue
from tests.workflows.examples import (
    NOW,
    Clock,
    chain_of_cas,
    directory,
    files,
    key_pem,
    make,
    new_key,
    pem,
    stranger,
    wanted,
)

ALL_KINDS = pytest.mark.parametrize("kind", list(Kind))
FAST_KEYS = [key_type for key_type in KeyType if key_type not in (KeyType.RSA3072, KeyType.RSA4096)]


def names_in(certificate: x509.Certificate) -> list[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


def constraints_of(certificate: x509.Certificate) -> x509.BasicConstraints:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value


def fingerprint(issued: Issued) -> bytes:
    return public_der(issued.certificate.public_key())


# --- what is made -----------------------------------------------------------------------------------------------------


@ALL_KINDS
def test_a_key_and_its_certificate_appear_together(kind: Kind) -> None:
    certdir = directory()
    issued = make(certdir, kind, "one")
    folder = issued.certificate_path.split("/")[2]
    assert sorted(files(certdir)) == [f"{folder}/one.crt", f"{folder}/one.key"]
    assert certdir.signers.key(kind, issued.name).public_key() == issued.certificate.public_key()


@ALL_KINDS
def test_only_the_key_is_private(kind: Kind) -> None:
    certdir = directory()
    make(certdir, kind, "one")
    assert {path[-3:]: mode for path, mode in certdir.store.modes.items()} == {"key": 0o600, "crt": 0o644}


@pytest.mark.parametrize("key_type", FAST_KEYS)
def test_a_ca_of_every_key_type_signs_a_host_of_that_type(key_type: KeyType) -> None:
    certdir = directory()
    root = make(certdir, Kind.CA, "root", key_type=key_type)
    host = make(certdir, Kind.HOST, "www.example.com", "root", key_type=key_type)
    assert key_name(host.certificate.public_key()) == key_type.value
    host.certificate.verify_directly_issued_by(root.certificate)


@pytest.mark.slow
@pytest.mark.parametrize("leaf", list(KeyType))
@pytest.mark.parametrize("ca", list(KeyType))
def test_every_pair_of_key_types_signs(ca: KeyType, leaf: KeyType) -> None:
    certdir = directory()
    root = make(certdir, Kind.CA, "root", key_type=ca)
    make(certdir, Kind.USER, "alice", "root", key_type=leaf).certificate.verify_directly_issued_by(root.certificate)


@pytest.mark.parametrize(
    ("ca", "algorithm"),
    [
        (KeyType.RSA2048, "sha256"),
        (KeyType.EC256, "sha256"),
        (KeyType.EC384, "sha384"),
        (KeyType.EC521, "sha512"),
        (KeyType.ED25519, None),
        (KeyType.MLDSA65, None),
    ],
)
def test_the_hash_follows_the_key_of_the_ca_not_of_the_leaf(ca: KeyType, algorithm: str | None) -> None:
    """RFC 5758 section 3.2, RFC 8410, RFC 9881."""
    certdir = directory()
    make(certdir, Kind.CA, "root", key_type=ca)
    made = make(certdir, Kind.HOST, "a.example", "root", key_type=KeyType.EC521).certificate
    assert (made.signature_hash_algorithm.name if made.signature_hash_algorithm else None) == algorithm


@ALL_KINDS
def test_without_a_ca_a_certificate_signs_itself(kind: Kind) -> None:
    certificate = make(directory(), kind, "one").certificate
    assert certificate.subject == certificate.issuer
    certificate.verify_directly_issued_by(certificate)


def test_the_key_identifiers_chain() -> None:
    certdir = directory()
    chain_of_cas(certdir, "root", "sub")
    leaf = make(certdir, Kind.HOST, "a.example", "sub").certificate
    (above,) = load_certificates(files(certdir)["cas/sub.crt"], "sub")
    identifier = above.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == identifier


def test_the_host_itself_is_always_among_its_names() -> None:
    issued = make(directory(), Kind.HOST, "www.example.com", sans=(parse_san("alt.example"), parse_san("10.0.0.1")))
    assert names_in(issued.certificate) == ["www.example.com", "alt.example", "10.0.0.1"]


def test_a_name_given_twice_is_there_once() -> None:
    issued = make(directory(), Kind.HOST, "a.example", sans=(parse_san("A.EXAMPLE"), parse_san("DNS:a.example.")))
    assert names_in(issued.certificate) == ["a.example"]


@pytest.mark.parametrize(("address", "file"), [("10.0.0.1", "10.0.0.1"), ("2001:DB8:0::1", "2001_db8__1")])
def test_an_address_is_an_ip_name_and_never_a_dns_name(address: str, file: str) -> None:
    certdir = directory()
    extension = make(certdir, Kind.HOST, address).certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [type(name) for name in extension.value] == [x509.IPAddress]
    assert f"hosts/{file}.crt" in files(certdir)


def test_an_international_name_is_an_a_label_in_file_and_certificate() -> None:
    certdir = directory()
    issued = make(certdir, Kind.HOST, "Bücher.example")
    assert names_in(issued.certificate) == ["xn--bcher-kva.example"]
    assert "hosts/xn--bcher-kva.example.key" in files(certdir)
    assert issued.name.display == "bücher.example"


def test_a_homograph_is_made_and_said() -> None:
    (note,) = make(directory(), Kind.HOST, "p\u0430ypal.example").notes  # a Cyrillic letter
    assert "mixes scripts" in note


def test_a_host_longer_than_a_common_name_has_none_and_its_san_is_critical() -> None:
    """RFC 5280 section 4.2.1.6 and appendix A.1."""
    name = f"{'a' * 60}.example.com"
    certdir = directory()
    make(certdir, Kind.CA, "root")
    certificate = make(certdir, Kind.HOST, name, signas=CaName("root")).certificate
    assert list(certificate.subject) == []
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert extension.critical
    assert names_in(certificate) == [name]


@pytest.mark.parametrize(
    ("kind", "name"), [(Kind.HOST, f"{'a' * 60}.example.com"), (Kind.USER, f"{'a' * 60}@example.com")]
)
def test_one_that_signs_itself_is_an_issuer_whose_name_is_not_empty(kind: Kind, name: str) -> None:
    """RFC 5280 section 4.1.2.4; the domain stands in for a name that is too long for a CN (RFC 2247)."""
    certificate = make(directory(), kind, name).certificate
    labels = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.DOMAIN_COMPONENT)]
    assert ".".join(reversed(labels)) == name.rpartition("@")[2]
    assert names_in(certificate) == [name]


def test_a_long_host_with_attributes_keeps_them_and_its_san_is_not_critical() -> None:
    issued = make(directory(), Kind.HOST, f"{'a' * 60}.example.com", attributes=parse_subject("O=Acme"))
    assert [item.value for item in issued.certificate.subject] == ["Acme"]
    assert not issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_a_wildcard_that_the_operator_names_is_made() -> None:
    certdir = directory()
    assert names_in(make(certdir, Kind.HOST, "*.example.com").certificate) == ["*.example.com"]
    assert "hosts/*.example.com.crt" in files(certdir)


def test_a_user_with_a_mailbox_has_it_as_a_name() -> None:
    assert names_in(make(directory(), Kind.USER, "alice@example.com").certificate) == ["alice@example.com"]


def test_a_non_ascii_mailbox_is_an_smtp_utf8_mailbox() -> None:
    """RFC 9598 section 3."""
    certificate = make(directory(), Kind.USER, "jörg@example.com").certificate
    (name,) = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert isinstance(name, x509.OtherName)
    assert name.value.endswith("jörg@example.com".encode())


def test_subject_attributes_stand_before_the_common_name() -> None:
    subject = make(directory(), Kind.CA, "root", attributes=parse_subject("O=Acme,C=fr")).certificate.subject
    assert [(item.rfc4514_attribute_name, item.value) for item in subject] == [
        ("O", "Acme"),
        ("C", "FR"),
        ("CN", "root"),
    ]


@pytest.mark.parametrize(
    ("kind", "usage"),
    [
        (Kind.HOST, ExtendedKeyUsageOID.SERVER_AUTH),
        (Kind.USER, ExtendedKeyUsageOID.CLIENT_AUTH),
        (Kind.CODE, ExtendedKeyUsageOID.CODE_SIGNING),
    ],
)
def test_each_kind_of_leaf_is_good_for_one_thing(kind: Kind, usage: x509.ObjectIdentifier) -> None:
    extensions = make(directory(), kind, "one").certificate.extensions
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [usage]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


# --- profiles ---------------------------------------------------------------------------------------------------------


def test_the_modern_profile_writes_pkcs8_and_the_synapse_profile_pkcs1() -> None:
    certdir = directory()
    make(certdir, Kind.USER, "one", key_type=KeyType.RSA2048)
    make(certdir, Kind.USER, "two", key_type=KeyType.RSA2048, profile=SYNAPSE)
    assert files(certdir)["users/one.key"].startswith(b"-----BEGIN PRIVATE KEY-----")
    assert files(certdir)["users/two.key"].startswith(b"-----BEGIN RSA PRIVATE KEY-----")


def test_the_synapse_profile_has_one_critical_extension_at_most() -> None:
    """Synapse's verifier refuses every critical extension but BasicConstraints."""
    certdir = directory()
    for kind in Kind:
        made = make(certdir, kind, "one", key_type=KeyType.RSA2048, profile=SYNAPSE).certificate
        critical = {extension.oid for extension in made.extensions if extension.critical}
        assert critical <= {x509.BasicConstraints.oid}


def test_the_synapse_profile_allows_no_attributes() -> None:
    with pytest.raises(InvalidInput, match="no subject attributes"):
        make(directory(), Kind.CA, "root", profile=SYNAPSE, attributes=parse_subject("O=Acme"))


def test_a_name_that_dns_cannot_say_has_only_its_common_name_under_the_synapse_profile() -> None:
    request = IssueRequest(Kind.HOST, SynapseHostName("Build Host"), None, SYNAPSE, key_type=KeyType.RSA2048)
    (issued,) = issue(directory(), [request])
    with pytest.raises(x509.ExtensionNotFound):
        names_in(issued.certificate)


@pytest.mark.parametrize(
    ("kind", "signas", "lifetime"),
    [
        (Kind.CA, None, 3650),
        (Kind.CA, "root", 1826),
        (Kind.HOST, "root", 397),
        (Kind.USER, "root", 397),
        (Kind.CODE, "root", 460),
    ],
)
def test_each_kind_has_its_lifetime_and_is_backdated_five_minutes(
    kind: Kind, signas: str | None, lifetime: int
) -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    certificate = make(certdir, kind, "one", signas).certificate
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=lifetime, seconds=-1)


# --- validity ---------------------------------------------------------------------------------------------------------


@ALL_KINDS
def test_nothing_outlives_its_ca_and_that_is_said(kind: Kind) -> None:
    certdir = directory()
    root = make(certdir, Kind.CA, "root", end=days(20))
    issued = make(certdir, kind, "one", "root", path_length=0 if kind is Kind.CA else None)
    assert issued.certificate.not_valid_after_utc == root.certificate.not_valid_after_utc
    (note,) = issued.notes
    assert "2026-06-21T11:59:59Z" in note
    assert "'root'" in note


def test_a_few_seconds_less_than_asked_for_are_not_worth_a_note() -> None:
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root", end=days(30))
    clock.move(minutes=1)
    assert make(certdir, Kind.HOST, "a.example", "root", end=days(30)).notes == ()


def test_a_leaf_ends_with_the_first_of_all_cas_above() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", end=days(30))
    key = new_key()
    root_key = certdir.signers.key(Kind.CA, CommonName("root"))
    (root,) = load_certificates(files(certdir)["cas/root.crt"], "root")
    longer = stranger(
        key,
        "sub",
        days=(-1, 1000),
        issuer=(root.subject, root_key),
        extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)],
    )
    files(certdir).update({"cas/sub.crt": pem(longer), "cas/sub.key": key_pem(key)})
    leaf = make(certdir, Kind.HOST, "a.example", "sub").certificate
    assert leaf.not_valid_after_utc == root.not_valid_after_utc


def test_a_validity_that_begins_after_the_ca_has_ended_is_refused() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", end=days(30))
    with pytest.raises(InvalidInput, match="begins after the CA 'root' has expired"):
        make(certdir, Kind.HOST, "a.example", "root", start=parse_when("2027-01-01"))


@pytest.mark.parametrize("end", ["2020-01-01", "2026-06-01T11:00:00Z", "0s", "1950-01-01", "0001-01-01"])
def test_a_validity_that_has_ended_already_is_refused(end: str) -> None:
    with pytest.raises(InvalidInput):
        make(directory(), Kind.HOST, "a.example", end=parse_when(end))


@pytest.mark.parametrize("end", ["999999y", "9999-12-31T23:59:59+00:01"])
def test_the_end_of_time_is_no_traceback(end: str) -> None:
    certdir = directory()
    try:
        make(certdir, Kind.HOST, "a.example", end=parse_when(end))
    except InvalidInput:
        assert files(certdir) == {}


@pytest.mark.parametrize("year", [2049, 2050, 2060])
def test_dates_beyond_2050_are_written_and_read(year: int) -> None:
    """RFC 5280 section 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050."""
    end = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    issued = make(directory(), Kind.CA, "root", end=parse_when(end.isoformat()))
    assert issued.certificate.not_valid_after_utc == end


@pytest.mark.parametrize("now", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_a_clock_that_cannot_be_right_is_refused(now: datetime) -> None:
    with pytest.raises(Refused, match="clock of this machine"):
        make(directory(Clock(now)), Kind.CA, "root")


def test_a_clock_at_the_end_of_time_is_refused() -> None:
    with pytest.raises(EasycertError):
        make(directory(Clock(datetime(9999, 12, 31, tzinfo=UTC))), Kind.CA, "root")


# --- which CA may sign ------------------------------------------------------------------------------------------------


def test_a_ca_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingAuthority, match=r"'nobody' has no \.key"):
        make(directory(), Kind.HOST, "a.example", "nobody")


def test_an_expired_ca_signs_nothing_and_the_date_is_named() -> None:
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root", end=days(30))
    clock.move(days=31)
    with pytest.raises(IssuerUnusable, match="expired on 2026-07-01T11:59:59Z"):
        make(certdir, Kind.HOST, "a.example", "root")


def test_a_ca_below_an_expired_root_signs_nothing() -> None:
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root", end=days(30))
    key = new_key()
    root_key = certdir.signers.key(Kind.CA, CommonName("root"))
    (root,) = load_certificates(files(certdir)["cas/root.crt"], "root")
    sub = stranger(
        key,
        "sub",
        days=(-1, 1000),
        issuer=(root.subject, root_key),
        extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)],
    )
    files(certdir).update({"cas/sub.crt": pem(sub), "cas/sub.key": key_pem(key)})
    clock.move(days=31)
    with pytest.raises(IssuerUnusable, match="expired"):
        make(certdir, Kind.HOST, "a.example", "sub")


def test_a_ca_that_is_not_valid_yet_signs_nothing() -> None:
    clock = Clock()
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    clock.move(days=-1)
    with pytest.raises(IssuerUnusable, match="not valid before"):
        make(certdir, Kind.HOST, "a.example", "root")


def test_a_ca_does_not_sign_its_own_successor() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    before = dict(files(certdir))
    with pytest.raises(IssuerUnusable, match="its own name"):
        issue(certdir, [wanted(Kind.CA, "root", "root")], replace=True)
    assert files(certdir) == before


def test_a_ca_does_not_sign_a_ca_with_its_subject_under_another_name() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    files(certdir)["cas/old.crt"] = files(certdir)["cas/root.crt"]
    files(certdir)["cas/old.key"] = files(certdir)["cas/root.key"]
    with pytest.raises(IssuerUnusable, match="its own name"):
        issue(certdir, [wanted(Kind.CA, "root", "old")], replace=True)


def test_path_lengths_shrink_on_the_way_down() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", path_length=2)
    assert constraints_of(make(certdir, Kind.CA, "one", "root", path_length=1).certificate).path_length == 1
    assert constraints_of(make(certdir, Kind.CA, "two", "one").certificate).path_length == 0


def test_a_used_up_path_length_signs_no_ca() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", path_length=0)
    with pytest.raises(IssuerUnusable, match="used up"):
        make(certdir, Kind.CA, "sub", "root")


@pytest.mark.parametrize("length", [1, 2, 100])
def test_a_ca_below_must_have_a_smaller_path_length(length: int) -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", path_length=1)
    with pytest.raises(IssuerUnusable, match="must be less than 1"):
        make(certdir, Kind.CA, "sub", "root", path_length=length)


def test_a_path_length_counts_from_the_root_even_where_the_ca_between_is_silent() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", path_length=1)
    key = new_key()
    root_key = certdir.signers.key(Kind.CA, CommonName("root"))
    (root,) = load_certificates(files(certdir)["cas/root.crt"], "root")
    silent = stranger(
        key,
        "silent",
        issuer=(root.subject, root_key),
        extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)],
    )
    files(certdir).update({"cas/silent.crt": pem(silent), "cas/silent.key": key_pem(key)})
    with pytest.raises(IssuerUnusable, match="used up"):
        make(certdir, Kind.CA, "sub", "silent")


@pytest.mark.parametrize("kind", [Kind.HOST, Kind.USER, Kind.CODE])
def test_a_path_length_is_for_cas_only(kind: Kind) -> None:
    with pytest.raises(InvalidInput, match="for CAs only"):
        make(directory(), kind, "one", path_length=1)


def test_a_negative_path_length_is_refused() -> None:
    with pytest.raises(InvalidInput, match="negative"):
        make(directory(), Kind.CA, "root", path_length=-1)


@pytest.mark.parametrize("kind", [Kind.HOST, Kind.USER, Kind.CODE])
def test_name_constraints_are_for_cas_only(kind: Kind) -> None:
    with pytest.raises(InvalidInput, match="for CAs only"):
        make(directory(), kind, "one", name_constraints=name_constraints([parse_constraint("example.com")], []))


PERMITTED = [
    (["example.com"], [], Kind.HOST, "www.example.com", True),
    (["example.com"], [], Kind.HOST, "example.com", True),
    (["example.com"], [], Kind.HOST, "example.org", False),
    (["example.com"], [], Kind.HOST, "notexample.com", False),
    (["example.com"], [], Kind.HOST, "10.0.0.1", True),
    (["10.0.0.0/8"], [], Kind.HOST, "10.1.2.3", True),
    (["10.0.0.0/8"], [], Kind.HOST, "11.0.0.1", False),
    ([], ["bad.example.com"], Kind.HOST, "www.bad.example.com", False),
    ([], ["bad.example.com"], Kind.HOST, "*.example.com", False),
    ([], ["bad.example.com"], Kind.HOST, "good.example.com", True),
    (["email:example.com"], [], Kind.USER, "alice@example.com", True),
    (["email:example.com"], [], Kind.USER, "alice@example.org", False),
    (["2001:db8::/32"], [], Kind.HOST, "2001:db8::1", True),
    (["2001:db8::/32"], [], Kind.HOST, "2001:db9::1", False),
]


@pytest.mark.parametrize(("permit", "exclude", "kind", "name", "allowed"), PERMITTED)
def test_name_constraints_bind_what_the_ca_signs(
    permit: list[str], exclude: list[str], kind: Kind, name: str, allowed: bool
) -> None:
    certdir = directory()
    constraints = name_constraints(
        [parse_constraint(text) for text in permit], [parse_constraint(text) for text in exclude]
    )
    make(certdir, Kind.CA, "root", name_constraints=constraints)
    before = dict(files(certdir))
    if allowed:
        make(certdir, kind, name, "root")
    else:
        with pytest.raises(NotPermitted, match="the CA 'root'"):
            make(certdir, kind, name, "root")
        assert files(certdir) == before


def test_a_further_name_outside_the_constraints_is_refused_too() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", name_constraints=name_constraints([parse_constraint("example.com")], []))
    with pytest.raises(NotPermitted, match=r"evil\.test"):
        make(certdir, Kind.HOST, "www.example.com", "root", sans=(parse_san("evil.test"),))


def test_the_constraints_of_a_root_bind_what_an_intermediate_signs() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", name_constraints=name_constraints([parse_constraint("example.com")], []))
    make(certdir, Kind.CA, "sub", "root")
    with pytest.raises(NotPermitted):
        make(certdir, Kind.HOST, "example.org", "sub")


def with_usages(*usages: x509.ObjectIdentifier) -> tuple[x509.Certificate, bytes]:
    key = new_key()
    extensions = [
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (x509.ExtendedKeyUsage(usages), False),
    ]
    return stranger(key, "limited", extensions=extensions), key_pem(key)


@pytest.mark.parametrize(("kind", "allowed"), [(Kind.HOST, True), (Kind.USER, False), (Kind.CODE, False)])
def test_a_ca_limited_to_servers_signs_servers_only(kind: Kind, allowed: bool) -> None:
    certdir = directory()
    certificate, key = with_usages(ExtendedKeyUsageOID.SERVER_AUTH)
    files(certdir).update({"cas/limited.crt": pem(certificate), "cas/limited.key": key})
    if allowed:
        make(certdir, kind, "one", "limited")
    else:
        with pytest.raises(IssuerUnusable, match="extended key usage does not include"):
            make(certdir, kind, "one", "limited")


def test_a_ca_with_any_extended_key_usage_signs_everything() -> None:
    certdir = directory()
    certificate, key = with_usages(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    files(certdir).update({"cas/limited.crt": pem(certificate), "cas/limited.key": key})
    for kind in (Kind.HOST, Kind.USER, Kind.CODE):
        make(certdir, kind, "one", "limited")


# --- several at once --------------------------------------------------------------------------------------------------


def test_several_names_are_made_in_one_go_with_keys_and_serials_of_their_own() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    made = issue(certdir, [wanted(Kind.HOST, f"h{number}.example", "root") for number in range(5)])
    assert [item.name for item in made] == [f"h{number}.example" for number in range(5)]
    assert len({item.certificate.serial_number for item in made}) == 5
    assert len({fingerprint(item) for item in made}) == 5


@pytest.mark.parametrize("there", ["hosts/b.example.key", "hosts/b.example.crt"])
def test_one_name_that_exists_keeps_all_from_being_made(there: str) -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    files(certdir)[there] = b"there"
    before = dict(files(certdir))
    with pytest.raises(AlreadyExists) as caught:
        issue(certdir, [wanted(Kind.HOST, name, "root") for name in ("a.example", "b.example", "c.example")])
    assert caught.value.path == f"/certs/{there}"
    assert files(certdir) == before


def test_one_name_that_is_not_permitted_keeps_all_from_being_made() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root", name_constraints=name_constraints([parse_constraint("example.com")], []))
    before = dict(files(certdir))
    with pytest.raises(NotPermitted):
        issue(certdir, [wanted(Kind.HOST, name, "root") for name in ("a.example.com", "b.example.org")])
    assert files(certdir) == before


@pytest.mark.parametrize("replace", [False, True])
def test_one_name_twice_is_refused_for_what_it_is(replace: bool) -> None:
    certdir = directory()
    with pytest.raises(InvalidInput, match="given twice"):
        issue(certdir, [wanted(Kind.HOST, name) for name in ("www.example", "WWW.example.")], replace=replace)
    assert files(certdir) == {}


def test_different_key_types_in_one_call_go_where_they_belong() -> None:
    types = [KeyType.EC256, KeyType.ED25519, KeyType.EC256, KeyType.MLDSA44]
    made = issue(directory(), [wanted(Kind.USER, f"u{number}", key_type=kind) for number, kind in enumerate(types)])
    assert [key_name(item.certificate.public_key()) for item in made] == [kind.value for kind in types]


def test_rsa_keys_made_at_once_are_different() -> None:
    made = issue(directory(), [wanted(Kind.USER, f"u{number}", key_type=KeyType.RSA2048) for number in range(3)])
    assert len({fingerprint(item) for item in made}) == 3


def test_nothing_is_asked_for_and_nothing_is_made() -> None:
    certdir = directory()
    assert issue(certdir, []) == ()
    assert files(certdir) == {}


# --- replacing --------------------------------------------------------------------------------------------------------


@ALL_KINDS
def test_nothing_is_replaced_unasked(kind: Kind) -> None:
    certdir = directory()
    make(certdir, kind, "one")
    before = dict(files(certdir))
    with pytest.raises(AlreadyExists):
        make(certdir, kind, "one")
    assert files(certdir) == before


def test_replacing_renews_key_and_certificate_together() -> None:
    certdir = directory()
    old = make(certdir, Kind.HOST, "a.example")
    (new,) = issue(certdir, [wanted(Kind.HOST, "a.example")], replace=True)
    assert new.certificate.public_key() != old.certificate.public_key()
    assert files(certdir)["hosts/a.example.crt"] == pem(new.certificate)
    assert certdir.signers.key(Kind.HOST, new.name).public_key() == new.certificate.public_key()


def test_a_name_in_other_case_is_the_same_host() -> None:
    certdir = directory()
    make(certdir, Kind.HOST, "www.example")
    with pytest.raises(AlreadyExists):
        make(certdir, Kind.HOST, "WWW.Example")


# --- what a .crt holds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "subjects"),
    [
        (Kind.HOST, ["one", "sub2", "sub1"]),
        (Kind.USER, ["one", "sub2", "sub1"]),
        (Kind.CODE, ["one"]),
        (Kind.CA, ["one"]),
    ],
)
def test_hosts_and_users_present_their_intermediates_and_never_the_root(kind: Kind, subjects: list[str]) -> None:
    certdir = directory()
    chain_of_cas(certdir, "root", "sub1", "sub2")
    issued = make(certdir, kind, "one", "sub2")
    found = load_certificates(files(certdir)[issued.certificate_path.removeprefix("/certs/")], "it")
    assert [item.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for item in found] == subjects
    assert found[0] == issued.certificate


def test_a_host_directly_below_a_root_stands_alone() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "a.example", "root")
    assert files(certdir)["hosts/a.example.crt"].count(b"BEGIN") == 1


def test_a_certificate_file_starts_with_its_pem_block() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "root")
    assert files(certdir)["cas/root.crt"].startswith(b"-----BEGIN CERTIFICATE-----\n")


def test_a_site_profile_is_a_variant_of_a_constant() -> None:
    short = MODERN._replace(name="short", host=MODERN.host._replace(lifetime=days(7)))
    issued = make(directory(), Kind.HOST, "a.example", profile=short)
    assert issued.certificate.not_valid_after_utc == NOW + timedelta(days=7, seconds=-1)


def test_the_synapse_profile_allows_no_name_constraints() -> None:
    """They are critical, and Synapse refuses a CA with a critical extension that it does not know."""
    constraints = x509.NameConstraints([x509.DNSName("example.com")], None)
    request = IssueRequest(Kind.CA, CaName("root"), profile=SYNAPSE, name_constraints=constraints)
    with pytest.raises(InvalidInput, match="critical"):
        issue(CertDir.in_memory(), [request])
