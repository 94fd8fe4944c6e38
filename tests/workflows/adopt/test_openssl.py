"""A directory that ``openssl ca`` made is taken over by its index and contents, however its files are called."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import AlreadyExists, EncryptedKey, InvalidInput, KeyMismatch, Malformed, Refused
from easycert.ledger.records import Query
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.store import layout
from easycert.workflows.adopt.layout import Origin
from easycert.workflows.adopt.placing import Outcome
from tests.workflows.adopt.examples import adopted, outcomes, tree
from tests.workflows.adopt.tools import PASSPHRASE, Need, OpensslCa

pytestmark = pytest.mark.real

CA = SafeName("openssl root")


@pytest.fixture
def openssl(need: Need, tmp_path: Path) -> OpensslCa:
    return OpensslCa(need, tmp_path / "ca")


def crl_here(here: CertDir) -> x509.CertificateRevocationList:
    data = here.store.read(layout.crl(CA))
    assert data is not None
    return x509.load_pem_x509_crl(data)


def reasons(crl: x509.CertificateRevocationList) -> dict[int, str]:
    found = {}
    for entry in crl:
        try:
            found[entry.serial_number] = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
        except x509.ExtensionNotFound:
            found[entry.serial_number] = ""
    return found


def test_what_it_issued_comes_in_under_its_names(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com")
    openssl.issue("alice", "client")
    result = adopted(here, openssl.directory)
    assert result.origin is Origin.OPENSSL
    assert outcomes(result) == [
        ("ca", "openssl root", Outcome.IMPORTED, True),
        ("host", "www.example.com", Outcome.IMPORTED, True),
        ("user", "alice", Outcome.IMPORTED, True),
    ]
    assert all(item.with_key for item in result.certificates)


def test_of_two_certificates_of_one_name_the_newest_gets_the_file(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com", "server", "-startdate", "20200101000000Z")
    newest = openssl.issue("www.example.com")
    result = adopted(here, openssl.directory)
    assert [(item.source, item.outcome) for item in result.certificates[1:]] == [
        (newest, Outcome.IMPORTED),
        ("newcerts/1000.pem", Outcome.OLDER),
    ]


def test_a_valid_certificate_goes_before_a_newer_one_that_is_revoked(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com", "server", "-startdate", "20200101000000Z")
    openssl.revoke(openssl.issue("www.example.com"), "-crl_reason", "superseded")
    result = adopted(here, openssl.directory)
    assert [(item.source, item.outcome) for item in result.certificates[1:]] == [
        ("newcerts/1000.pem", Outcome.IMPORTED),
        ("newcerts/1001.pem", Outcome.REVOKED),
    ]


def test_what_has_expired_comes_in_and_is_said_and_is_no_failure(here: CertDir, openssl: OpensslCa) -> None:
    dates = ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]
    openssl.issue("old.example.com", "server", *dates)
    openssl.run("ca", "-updatedb")
    assert (openssl.directory / "index.txt").read_text().startswith("E")
    item = adopted(here, openssl.directory).certificates[1]
    assert (item.outcome, item.state, item.verified) == (Outcome.IMPORTED, "expired", None)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), ""),
        (("-crl_reason", "keyCompromise"), "keyCompromise"),
        (("-crl_reason", "CACompromise"), "cACompromise"),
        (("-crl_reason", "affiliationChanged"), "affiliationChanged"),
        (("-crl_reason", "cessationOfOperation"), "cessationOfOperation"),
        (("-crl_reason", "certificateHold"), "certificateHold"),
        (("-crl_hold", "holdInstructionReject"), "certificateHold"),
        (("-crl_compromise", "20240101000000Z"), "keyCompromise"),
        (("-crl_CA_compromise", "20240101000000Z"), "cACompromise"),
    ],
)
def test_every_reason_of_its_index_is_on_the_crl_that_is_signed_here(
    here: CertDir, openssl: OpensslCa, words: tuple[str, ...], reason: str
) -> None:
    openssl.revoke(openssl.issue("bob", "client"), *words)
    result = adopted(here, openssl.directory)
    assert [(item.outcome.value, item.source, item.revoked) for item in result.crls] == [("signed anew", None, 1)]
    assert reasons(crl_here(here)) == {0x1000: reason}


def test_the_number_of_the_next_crl_is_higher_than_that_of_its_last(here: CertDir, openssl: OpensslCa) -> None:
    openssl.gencrl()
    openssl.revoke(openssl.issue("bob", "client"))
    adopted(here, openssl.directory)
    before = x509.load_pem_x509_crl((openssl.directory / "crl.pem").read_bytes())
    number, earlier = (
        crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in (crl_here(here), before)
    )
    assert earlier == 0x1000
    assert number > earlier


def test_openssl_knows_from_our_crl_who_is_revoked(here: CertDir, openssl: OpensslCa, need: Need) -> None:
    openssl.issue("www.example.com")
    openssl.revoke(openssl.issue("bob", "client"))
    adopted(here, openssl.directory)
    crl = here.store.path(layout.crl(CA))
    command = [need("openssl"), "verify", "-CAfile", "cacert.pem", "-CRLfile", crl, "-crl_check"]

    def verdict(path: str) -> str:
        done = subprocess.run([*command, path], cwd=openssl.directory, check=False, capture_output=True, text=True)
        return done.stdout + done.stderr

    assert "newcerts/1000.pem: OK" in verdict("newcerts/1000.pem")
    assert "certificate revoked" in verdict("newcerts/1001.pem")


def test_a_newer_crl_of_its_own_takes_the_place_of_its_older_one(here: CertDir, openssl: OpensslCa) -> None:
    openssl.gencrl()
    adopted(here, openssl.directory)
    openssl.revoke(openssl.issue("bob", "client"))
    openssl.gencrl()
    result = adopted(here, openssl.directory)
    assert [item.outcome.value for item in result.crls] == ["imported"]
    assert here.store.read(layout.crl(CA)) == (openssl.directory / "crl.pem").read_bytes()


def test_a_crl_of_somebody_else_is_left_out(here: CertDir, openssl: OpensslCa, need: Need, tmp_path: Path) -> None:
    other = OpensslCa(need, tmp_path / "other", cn="openssl root")
    other.gencrl()
    (openssl.directory / "crl.pem").write_bytes((other.directory / "crl.pem").read_bytes())
    result = adopted(here, openssl.directory)
    assert result.crls == ()
    assert ("crl.pem", "it is a CRL that none of the CAs here signed") in result.left_out


def test_a_ca_without_its_key_keeps_its_crl_and_what_is_on_none_is_said(here: CertDir, openssl: OpensslCa) -> None:
    openssl.gencrl()
    openssl.revoke(openssl.issue("bob", "client"))
    (openssl.directory / "private/cakey.pem").unlink()
    result = adopted(here, openssl.directory)
    assert [(item.outcome.value, item.revoked) for item in result.crls] == [("lacks revocations", 1)]
    assert here.store.read(layout.crl(CA)) == (openssl.directory / "crl.pem").read_bytes()
    assert "the CA 'openssl root' came without its key: it can sign nothing here" in result.notes
    assert any("that are on no CRL, since it can sign none here: 1" in note for note in result.notes)


def test_a_certificate_that_does_not_say_what_it_is_for_is_told_by_its_name(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("mail.example.com", "plain")
    openssl.issue("dave", "plain")
    result = adopted(here, openssl.directory)
    assert outcomes(result)[1:] == [
        ("host", "mail.example.com", Outcome.IMPORTED, True),
        ("user", "dave", Outcome.IMPORTED, True),
    ]
    assert any("told by their names: 1 host, 1 user" in note for note in result.notes)


def test_kind_says_what_such_certificates_are_for(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("dave", "plain")
    openssl.issue("www.example.com")
    result = adopted(here, openssl.directory, kind=Kind.CODE)
    assert [(item.kind.value, item.name) for item in result.certificates[1:]] == [
        ("host", "www.example.com"),
        ("code", "dave"),
    ]


def test_a_certificate_for_what_no_kind_is_for_is_left_out(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("clock", "stamp")
    result = adopted(here, openssl.directory)
    assert len(result.certificates) == 1
    assert dict(result.left_out)["newcerts/1000.pem"].startswith("extended key usage 'timeStamping' is that of no kind")


def test_a_signer_of_OCSP_responses_is_one_here(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("responder", "ocsp")
    assert {(item.kind, item.name) for item in adopted(here, openssl.directory).certificates} >= {
        (Kind.OCSP, "responder")
    }


def test_a_certificate_whose_name_cannot_be_a_file_is_left_out(here: CertDir, openssl: OpensslCa) -> None:
    path = openssl.directory / openssl.issue("$(id)", "client")
    path.rename(path.with_name("$(id).crt"))
    result = adopted(here, openssl.directory)
    assert len(result.certificates) == 1
    assert "user name '$(id)' holds a '$'" in dict(result.left_out)["newcerts/$(id).crt"]


def test_what_the_index_names_and_no_file_holds_is_said(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com")
    (openssl.directory / openssl.issue("gone.example.com")).unlink()
    left = dict(adopted(here, openssl.directory).left_out)
    assert left["index.txt"] == (
        "no file holds the certificates that 'openssl root' issued as 1001 (/CN=gone.example.com)"
    )


def test_each_of_two_nested_cas_has_its_own_index(here: CertDir, need: Need, tmp_path: Path) -> None:
    above = OpensslCa(need, tmp_path / "ca", cn="openssl root")
    below = OpensslCa(need, tmp_path / "ca" / "intermediate", cn="below")
    below.request_for_itself("ca.csr")
    above.run(
        "ca",
        "-batch",
        "-notext",
        "-extensions",
        "v3_ca",
        "-in",
        "intermediate/ca.csr",
        "-out",
        "intermediate/cacert.pem",
    )
    below.issue("www.example.com")
    below.revoke(below.issue("bob", "client"))
    below.run("genrsa", "-out", "unused.key", "2048")
    result = adopted(here, above.directory)
    assert outcomes(result) == [
        ("ca", "openssl root", Outcome.IMPORTED, True),
        ("ca", "below", Outcome.IMPORTED, True),
        ("host", "www.example.com", Outcome.IMPORTED, True),
        ("user", "bob", Outcome.REVOKED, None),
    ]
    assert [(item.ca, item.revoked) for item in result.crls] == [("below", 1)]
    assert dict(result.left_out)["intermediate/unused.key"] == "no certificate here is that of this private key"


def test_a_ca_below_it_that_was_revoked_is_said_to_be(here: CertDir, need: Need, tmp_path: Path) -> None:
    above = OpensslCa(need, tmp_path / "ca", cn="openssl root")
    below = OpensslCa(need, tmp_path / "ca" / "intermediate", cn="below")
    below.request_for_itself("ca.csr")
    signing = ["-batch", "-notext", "-extensions", "v3_ca", "-in", "intermediate/ca.csr"]
    above.run("ca", *signing, "-out", "intermediate/cacert.pem")
    below.issue("www.example.com")
    above.revoke("intermediate/cacert.pem", "-crl_reason", "CACompromise")
    root, lower, host = adopted(here, above.directory).certificates
    assert (root.name, root.state, root.verified) == ("openssl root", "valid", True)
    assert (lower.name, lower.state, lower.verified) == ("below", "revoked", False)
    assert (host.name, host.state, host.verified) == ("www.example.com", "valid", False)
    assert "its CA 'CN=below' was revoked" in host.reasons[0]


def test_a_ca_that_renewed_itself_is_one_ca_with_its_newest_certificate(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com")
    openssl.request_for_itself("again.csr")
    dates = ["-startdate", "20200101000000Z", "-days", "9000"]
    signing = ["-batch", "-notext", "-selfsign", "-extensions", "v3_ca", "-in", "again.csr", "-out", "earlier.pem"]
    openssl.run("ca", *signing, *dates)
    result = adopted(here, openssl.directory)
    assert [(item.name, item.source, item.verified) for item in result.certificates] == [
        ("openssl root", "cacert.pem", True),
        ("www.example.com", "newcerts/1000.pem", True),
    ]
    assert [item.name for item in here.ledger.records(Query(kind="ca"))] == ["openssl root"] * 2
    assert len(here.ledger.records(Query(kind="ca", current=True))) == 1


def test_a_crl_in_der_and_an_older_one_beside_it_are_told_apart(here: CertDir, openssl: OpensslCa) -> None:
    openssl.gencrl()
    (openssl.directory / "crl.pem").rename(openssl.directory / "first-crl.pem")
    openssl.revoke(openssl.issue("bob", "client"))
    openssl.gencrl()
    openssl.run("crl", "-in", "crl.pem", "-outform", "DER", "-out", "ca.crl")
    (openssl.directory / "crl.pem").unlink()
    result = adopted(here, openssl.directory)
    assert [(item.source, item.outcome.value, item.number) for item in result.crls] == [("ca.crl", "imported", 0x1001)]
    assert here.store.read(layout.crl(CA)) == (openssl.directory / "ca.crl").read_bytes()
    assert result.failed == ()


def test_an_encrypted_key_of_its_ca_is_opened(here: CertDir, need: Need, tmp_path: Path) -> None:
    openssl = OpensslCa(need, tmp_path / "ca", passphrase=PASSPHRASE)
    openssl.issue("www.example.com")
    with pytest.raises(EncryptedKey, match=r"cakey\.pem is wrong"):
        adopted(here, openssl.directory, passphrase=b"guess")
    assert [item.verified for item in adopted(here, openssl.directory, passphrase=PASSPHRASE).certificates] == [
        True
    ] * 2


def test_a_name_that_something_else_has_here_stops_everything(
    here: CertDir, openssl: OpensslCa, need: Need, tmp_path: Path
) -> None:
    other = OpensslCa(need, tmp_path / "other")
    adopted(here, other.directory)
    openssl.issue("www.example.com")
    before = tree(tmp_path / "certs")
    with pytest.raises(AlreadyExists, match=r"cas/openssl root\.crt"):
        adopted(here, openssl.directory)
    assert tree(tmp_path / "certs") == before
    result = adopted(here, openssl.directory, replace=True)
    assert [item.verified for item in result.certificates] == [True, True]


def test_a_certificate_is_never_put_beside_another_s_key(
    here: CertDir, openssl: OpensslCa, need: Need, tmp_path: Path
) -> None:
    adopted(here, OpensslCa(need, tmp_path / "other").directory)
    (openssl.directory / "private/cakey.pem").unlink()
    before = tree(tmp_path / "certs")
    with pytest.raises(KeyMismatch, match="it does not belong to the private key"):
        adopted(here, openssl.directory, replace=True)
    assert tree(tmp_path / "certs") == before


def test_the_index_of_a_ca_of_which_little_else_is_left_is_its_own(here: CertDir, openssl: OpensslCa) -> None:
    openssl.revoke(openssl.issue("bob", "client"))
    (openssl.directory / "newcerts/1000.pem").unlink()
    (openssl.directory / "private/cakey.pem").unlink()
    result = adopted(here, openssl.directory)
    assert [(item.ca, item.outcome.value, item.revoked) for item in result.crls] == [
        ("openssl root", "lacks revocations", 1)
    ]


def test_what_was_renewed_here_stays(here: CertDir, openssl: OpensslCa) -> None:
    openssl.issue("www.example.com", "server", "-startdate", "20240101000000Z")
    newer = openssl.issue("www.example.com")
    (openssl.directory / newer).rename(openssl.directory.parent / "newer.pem")
    adopted(here, openssl.directory)
    key = openssl.directory / "private/1001.key"
    for path, suffix in ((openssl.directory.parent / "newer.pem", "crt"), (key, "key")):
        Path(here.store.path(layout.Entry("hosts", f"www.example.com.{suffix}"))).write_bytes(path.read_bytes())
    item = adopted(here, openssl.directory).certificates[1]
    assert (item.outcome, item.files, item.verified) == (Outcome.KEPT, (), None)


def test_a_stranger_s_ca_that_lies_about_is_not_trusted(
    here: CertDir, openssl: OpensslCa, need: Need, tmp_path: Path
) -> None:
    other = OpensslCa(need, tmp_path / "other", cn="stranger")
    stray = other.issue("www.example.org")
    for source, name in (("cacert.pem", "stranger.pem"), (stray, "stray.pem")):
        (openssl.directory / name).write_bytes((other.directory / source).read_bytes())
    result = adopted(here, openssl.directory)
    assert [item.name for item in result.certificates] == ["openssl root"]
    left = dict(result.left_out)
    assert left["stranger.pem"] == "it is the certificate of a CA that is none of these"
    assert left["stray.pem"] == "none of the CAs here signed it"


def test_a_revocation_that_cannot_be_read_stops_everything(here: CertDir, openssl: OpensslCa, tmp_path: Path) -> None:
    openssl.issue("www.example.com")
    with (openssl.directory / "index.txt").open("a") as index:
        index.write("R\t290227174930Z\tyesterday\t77\tunknown\t/CN=x\n")
    with pytest.raises(Malformed, match="in line 2, its time is 'yesterday'"):
        adopted(here, openssl.directory)
    assert not (tmp_path / "certs").exists()


def test_a_directory_of_something_else_is_refused(here: CertDir, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(InvalidInput, match="is laid out like that of none of easy-rsa, mkcert, openssl, step"):
        adopted(here, tmp_path / "photos")
    with pytest.raises(Refused, match="it holds no CA's certificate together with its key"):
        adopted(here, tmp_path / "photos", origin=Origin.OPENSSL)
