"""Exporting: a user's key, certificate and CA in one PKCS#12 file."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from easycert.certdir import CertDir
from easycert.errors import AlreadyExists, EasycertError, KeyMismatch, NotFound, WeakKey, WrongIssuer
from easycert.model import Kind
from easycert.pki.certificates import load_certificate
from easycert.pki.keys import KeyType
from easycert.pki.names import SafeName
from easycert.workflows.export import export_pkcs12
from easycert.workflows.issue import issue
from tests.workflows.examples import chain_of_cas, directory, files, key_pem, make, new_key, pem, stranger, wanted

ALICE = SafeName("alice")


@pytest.fixture
def certdir() -> CertDir:
    """Return a directory with root > sub > alice."""
    made = directory()
    chain_of_cas(made, "root", "sub")
    make(made, Kind.USER, "alice", "sub")
    return made


def test_the_file_holds_key_certificate_and_chain_and_is_private(certdir: CertDir) -> None:
    assert export_pkcs12(certdir, ALICE).path == "/certs/users/alice.p12"
    found = pkcs12.load_pkcs12(files(certdir)["users/alice.p12"], None)
    assert found.key is not None
    assert found.cert is not None
    assert found.cert.friendly_name == b"alice"
    assert found.cert.certificate.public_key() == found.key.public_key()
    assert [item.certificate for item in found.additional_certs] == [
        load_certificate(files(certdir)["cas/sub.crt"], "")
    ]
    assert certdir.store.modes["users/alice.p12"] == 0o600


def test_a_passphrase_protects_it(certdir: CertDir) -> None:
    export_pkcs12(certdir, ALICE, passphrase=b"secret")
    data = files(certdir)["users/alice.p12"]
    assert pkcs12.load_pkcs12(data, b"secret").key is not None
    for wrong in (None, b"", b"wrong"):
        with pytest.raises((ValueError, TypeError)):
            pkcs12.load_pkcs12(data, wrong)


@pytest.mark.parametrize(
    ("path", "what"),
    [("users/alice.crt", "User cert"), ("cas/sub.crt", "CA cert"), ("users/alice.key", "User private key")],
)
def test_what_is_missing_is_named(certdir: CertDir, path: str, what: str) -> None:
    del files(certdir)[path]
    with pytest.raises(NotFound) as caught:
        export_pkcs12(certdir, ALICE)
    assert caught.value.what == what
    assert "users/alice.p12" not in files(certdir)


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(certdir: CertDir) -> None:
    files(certdir)["users/alice.key"] = key_pem(new_key())
    with pytest.raises(KeyMismatch, match=r"/certs/users/alice\.key"):
        export_pkcs12(certdir, ALICE)


def test_another_ca_of_the_same_name_is_not_packed(certdir: CertDir) -> None:
    issue(certdir, [wanted(Kind.CA, "sub")], replace=True)
    with pytest.raises(WrongIssuer):
        export_pkcs12(certdir, ALICE)


def test_nothing_is_overwritten(certdir: CertDir) -> None:
    export_pkcs12(certdir, ALICE)
    before = dict(files(certdir))
    with pytest.raises(AlreadyExists):
        export_pkcs12(certdir, ALICE)
    assert files(certdir) == before


@pytest.mark.parametrize("path", ["users/alice.crt", "users/alice.key", "cas/sub.crt"])
def test_a_broken_file_is_named(certdir: CertDir, path: str) -> None:
    files(certdir)[path] = b"broken"
    with pytest.raises(EasycertError, match=f"/certs/{path}"):
        export_pkcs12(certdir, ALICE)


def test_an_ml_dsa_key_is_refused_in_one_sentence(certdir: CertDir) -> None:
    make(certdir, Kind.USER, "quantum", "sub", key_type=KeyType.MLDSA44)
    with pytest.raises(WeakKey, match="ML-DSA"):
        export_pkcs12(certdir, SafeName("quantum"))


@pytest.mark.parametrize("issuer", ["../../etc/x", "a\x1b[2J", ".hidden"])
def test_an_issuer_with_a_hostile_name_is_refused(issuer: str) -> None:
    certdir, key = directory(), new_key()
    files(certdir).update({"users/alice.crt": pem(stranger(key, issuer)), "users/alice.key": key_pem(key)})
    with pytest.raises(EasycertError) as caught:
        export_pkcs12(certdir, ALICE)
    assert str(caught.value).isprintable()
