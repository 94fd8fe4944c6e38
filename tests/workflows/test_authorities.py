"""The CA that is to sign: found with what is above it, refused when it must not (hazards D1 to D8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from easycert.certdir import CertDir
from easycert.errors import EasycertError, IssuerUnusable, KeyMismatch, Malformed, MissingAuthority, WeakKey
from easycert.model import Kind
from easycert.pki.certificates import load_certificate
from easycert.pki.names import SafeName
from easycert.pki.revision import Outcome
from easycert.workflows import authorities
from easycert.workflows.issue import issue
from easycert.workflows.publish import publish
from easycert.workflows.revoke import revoke
from tests.workflows.examples import (
    AS_CA,
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

HOST = "a.example"


def place(certdir: CertDir, name: str, key: Any, certificate: x509.Certificate) -> None:
    files(certdir).update({f"cas/{name}.crt": pem(certificate), f"cas/{name}.key": key_pem(key)})


def subjects(authority: authorities.Authority) -> list[str]:
    return [item.subject.rfc4514_string() for item in authority.path]


# --- finding ----------------------------------------------------------------------------------------------------------


def test_a_ca_comes_with_its_path_up_to_the_root() -> None:
    certdir = directory()
    chain_of_cas(certdir, "root", "one", "two")
    authority = authorities.load(certdir, SafeName("two"))
    assert subjects(authority) == ["CN=two", "CN=one", "CN=root"]
    assert [item.subject.rfc4514_string() for item in authority.intermediates] == ["CN=two", "CN=one"]


def test_a_root_is_its_whole_path() -> None:
    certdir = directory()
    chain_of_cas(certdir, "root")
    authority = authorities.load(certdir, SafeName("root"))
    assert subjects(authority) == ["CN=root"]
    assert authority.intermediates == ()


def test_the_cas_above_may_be_in_the_file_of_the_ca_itself() -> None:
    certdir = directory()
    chain_of_cas(certdir, "root", "sub")
    files(certdir)["cas/sub.crt"] += files(certdir).pop("cas/root.crt")
    assert subjects(authorities.load(certdir, SafeName("sub"))) == ["CN=sub", "CN=root"]


def test_a_ca_whose_root_is_elsewhere_still_signs() -> None:
    certdir = directory()
    chain_of_cas(certdir, "root", "sub")
    for suffix in ("crt", "key"):
        del files(certdir)[f"cas/root.{suffix}"]
    make(certdir, Kind.HOST, HOST, "sub")
    assert files(certdir)[f"hosts/{HOST}.crt"].count(b"BEGIN") == 2


def test_of_two_cas_with_one_subject_the_one_that_signed_is_above() -> None:
    """Hazard D8: names say nothing, signatures do."""
    certdir = directory()
    chain_of_cas(certdir, "root", "sub")
    impostor = new_key()
    place(certdir, "aaa", impostor, stranger(impostor, "root", extensions=AS_CA))
    assert authorities.load(certdir, SafeName("sub")).path[1] == load_certificate(files(certdir)["cas/root.crt"], "it")


# --- D5, D7: broken files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "missing"), [("key", "no .key"), ("crt", "no .crt")])
def test_half_a_ca_is_named_by_what_it_lacks(suffix: str, missing: str) -> None:
    certdir = directory()
    chain_of_cas(certdir, "root")
    del files(certdir)[f"cas/root.{suffix}"]
    with pytest.raises(MissingAuthority, match=missing):
        make(certdir, Kind.HOST, HOST, "root")


def test_a_key_that_is_not_the_cas_is_refused() -> None:
    certdir = directory()
    chain_of_cas(certdir, "root")
    files(certdir)["cas/root.key"] = key_pem(new_key())
    for command in (lambda: make(certdir, Kind.HOST, HOST, "root"), lambda: publish(certdir, SafeName("root"))):
        with pytest.raises(KeyMismatch, match=r"/certs/cas/root\.key"):
            command()


BROKEN: list[Callable[[bytes], bytes]] = [
    lambda data: b"",
    lambda data: b"\n\n\n",
    lambda data: data[: len(data) // 2],
    lambda data: b"\0" * len(data),
    lambda data: data.replace(b"M", b"N"),
]


@pytest.mark.parametrize("damage", BROKEN)
@pytest.mark.parametrize("suffix", ["crt", "key"])
def test_a_broken_ca_is_named_and_the_others_go_on(damage: Callable[[bytes], bytes], suffix: str) -> None:
    certdir = directory()
    chain_of_cas(certdir, "good", "sub")
    chain_of_cas(certdir, "bad")
    files(certdir)[f"cas/bad.{suffix}"] = damage(files(certdir)[f"cas/bad.{suffix}"])
    before = dict(files(certdir))
    with pytest.raises(EasycertError, match=rf"/certs/cas/bad\.{suffix}") as caught:
        make(certdir, Kind.HOST, HOST, "bad")
    assert isinstance(caught.value, Malformed | KeyMismatch)
    assert files(certdir) == before
    make(certdir, Kind.HOST, HOST, "sub")


@pytest.mark.parametrize(
    "new",
    [
        lambda: rsa.generate_private_key(65537, 1024),
        lambda: rsa.generate_private_key(3, 2048),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
        lambda: dsa.generate_private_key(1024),
    ],
    ids=["rsa1024", "rsa-e3", "secp256k1", "brainpool", "dsa"],
)
def test_a_ca_with_a_weak_key_signs_nothing(new: Callable[[], Any]) -> None:
    certdir, key = directory(), new()
    place(certdir, "weak", key, stranger(key, "weak", extensions=AS_CA))
    make(certdir, Kind.CA, "good")
    for command in (lambda: make(certdir, Kind.HOST, HOST, "weak"), lambda: publish(certdir, SafeName("weak"))):
        with pytest.raises(WeakKey, match=r"cas/weak\.key"):
            command()
    make(certdir, Kind.HOST, HOST, "good")


# --- D6, D11: no CA at all --------------------------------------------------------------------------------------------


EVERY_USAGE = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in EVERY_USAGE})


@pytest.mark.parametrize(
    ("extensions", "said"),
    [
        ((), "not a CA's"),
        (((x509.BasicConstraints(ca=False, path_length=None), True),), "not a CA's"),
        ((*AS_CA, (usage("digital_signature", "crl_sign"), True)), "lacks keyCertSign"),
    ],
)
def test_a_certificate_that_may_not_sign_is_refused_as_a_ca(extensions: Any, said: str) -> None:
    certdir, key = directory(), new_key()
    place(certdir, "no", key, stranger(key, "no", extensions=extensions))
    with pytest.raises(IssuerUnusable, match=said):
        make(certdir, Kind.HOST, HOST, "no")


def test_a_ca_without_crl_sign_signs_certificates_and_no_crl() -> None:
    certdir, key = directory(), new_key()
    place(certdir, "half", key, stranger(key, "half", extensions=(*AS_CA, (usage("key_cert_sign"), True))))
    make(certdir, Kind.HOST, HOST, "half")
    with pytest.raises(IssuerUnusable, match="lacks cRLSign"):
        publish(certdir, SafeName("half"))


def test_a_host_is_not_found_as_a_ca() -> None:
    certdir = directory()
    make(certdir, Kind.HOST, HOST)
    with pytest.raises(MissingAuthority):
        make(certdir, Kind.USER, "alice", HOST)


# --- D1: revoked ------------------------------------------------------------------------------------------------------


@pytest.fixture
def three() -> CertDir:
    """Return a directory with root > one > two."""
    certdir = directory()
    chain_of_cas(certdir, "root", "one", "two")
    return certdir


def test_a_ca_that_its_parent_revoked_signs_nothing(three: CertDir) -> None:
    revoke(three, Kind.CA, SafeName("two"), SafeName("one"))
    before = dict(files(three))
    with pytest.raises(IssuerUnusable, match="the CA 'two': it was revoked by 'one'"):
        make(three, Kind.HOST, HOST, "two")
    assert files(three) == before
    make(three, Kind.HOST, HOST, "one")


def test_a_ca_below_a_revoked_ca_signs_nothing(three: CertDir) -> None:
    revoke(three, Kind.CA, SafeName("one"), SafeName("root"))
    with pytest.raises(IssuerUnusable, match="revoked by 'root'"):
        make(three, Kind.HOST, HOST, "two")


def test_a_revoked_ca_still_revokes_what_it_signed(three: CertDir) -> None:
    """RFC 5280 section 6.3: its CRL stays due until it expires."""
    make(three, Kind.HOST, HOST, "two")
    revoke(three, Kind.CA, SafeName("two"), SafeName("one"))
    assert revoke(three, Kind.HOST, SafeName(HOST), SafeName("two")).outcome is Outcome.REVOKED


def test_revoking_a_leaf_does_not_stop_its_ca(three: CertDir) -> None:
    make(three, Kind.HOST, HOST, "two")
    revoke(three, Kind.HOST, SafeName(HOST), SafeName("two"))
    make(three, Kind.HOST, "b.example", "two")


def test_a_broken_crl_above_stops_what_it_may_have_revoked(three: CertDir) -> None:
    files(three)["crls/one.crl"] = b"broken"
    with pytest.raises(Malformed, match=r"/certs/crls/one\.crl"):
        make(three, Kind.HOST, HOST, "two")
    make(three, Kind.HOST, HOST, "one")


def test_one_unusable_ca_in_a_call_stops_all_of_it(three: CertDir) -> None:
    revoke(three, Kind.CA, SafeName("two"), SafeName("one"))
    before = dict(files(three))
    with pytest.raises(IssuerUnusable):
        issue(three, [wanted(Kind.HOST, HOST, "one"), wanted(Kind.HOST, "b.example", "two")])
    assert files(three) == before
