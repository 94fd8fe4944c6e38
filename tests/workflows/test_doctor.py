"""The doctor's rounds: what it finds in a directory, a folder, a file; that it mends modes; that nothing stops it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from easycert.certdir import CertDir
from easycert.errors import Malformed, NotFound, UnreadableFile
from easycert.model import Kind
from easycert.pki.doctor.findings import Client, Severity
from easycert.pki.names import SafeName
from easycert.pki.profiles import SYNAPSE
from easycert.store.memory import MemoryStore
from easycert.testing.forge import host, name, root
from easycert.workflows.doctor import Diagnosis, DoctorRequest, diagnose, mend
from easycert.workflows.publish import publish
from tests.workflows.examples import Clock, directory, files, make, new_key

WHOLE = DoctorRequest()


def rules(diagnosis: Diagnosis, severity: Severity | None = None) -> dict[str, set[str]]:
    """Return the rules that were broken, by the file names; what only Synapse refuses, and the ledger, are left out."""
    found: dict[str, set[str]] = {}
    for patient in diagnosis.patients:
        if patient.path.endswith("ledger.sqlite"):  # these tests change files behind its back
            continue
        for finding in patient.findings:
            if finding.clients != (Client.SYNAPSE,) and severity in (None, finding.severity):
                found.setdefault(patient.path.rpartition("/")[2], set()).add(finding.rule)
    return found


def healthy(clock: Clock | None = None) -> CertDir:
    certdir = directory(clock)
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.CA, "issuing", "root")
    make(certdir, Kind.HOST, "www.example.com", "issuing")
    make(certdir, Kind.USER, "alice@example.com", "issuing")
    make(certdir, Kind.CODE, "Build", "root")
    return certdir


# --- certificates ----------------------------------------------------------------------------------------------------


def test_nothing_is_wrong_with_what_is_made_by_default() -> None:
    diagnosis = diagnose(healthy(), WHOLE)
    assert rules(diagnosis) == {}
    assert len(diagnosis.patients) == 5


def test_an_empty_directory_is_healthy() -> None:
    assert diagnose(directory(), WHOLE) == Diagnosis((), ())


def test_what_only_synapse_refuses_is_a_note_where_nothing_is_made_for_it() -> None:
    diagnosis = diagnose(healthy(), WHOLE)
    assert diagnosis.count(Severity.NOTE) > 0
    assert diagnosis.count(Severity.ERROR) == diagnosis.count(Severity.WARNING) == 0


def test_what_apple_refuses_is_a_note_for_what_is_made_for_synapse() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "vertex", profile=SYNAPSE)
    make(certdir, Kind.HOST, "cortex.vertex.link", "vertex", profile=SYNAPSE)
    diagnosis = diagnose(certdir, WHOLE)
    assert rules(diagnosis, Severity.ERROR) == {}
    assert rules(diagnosis, Severity.NOTE) == {"cortex.vertex.link.crt": {"lifetime"}}


def test_a_client_that_is_asked_about_is_one_that_the_certificate_is_for() -> None:
    certdir = directory()
    make(certdir, Kind.CA, "vertex", profile=SYNAPSE)
    make(certdir, Kind.HOST, "cortex.vertex.link", "vertex", profile=SYNAPSE)
    diagnosis = diagnose(certdir, DoctorRequest(clients=(Client.APPLE,)))
    assert rules(diagnosis, Severity.ERROR) == {"cortex.vertex.link.crt": {"lifetime"}}


def test_a_host_without_its_intermediate_is_found() -> None:
    certdir = healthy()
    path = "hosts/www.example.com.crt"
    leaf = x509.load_pem_x509_certificates(files(certdir)[path])[0]
    files(certdir)[path] = leaf.public_bytes(serialization.Encoding.PEM)
    assert rules(diagnose(certdir, WHOLE), Severity.ERROR) == {"www.example.com.crt": {"incomplete-chain"}}


def test_a_host_under_another_name_is_found() -> None:
    certdir = healthy()
    for suffix in ("crt", "key"):
        files(certdir)[f"hosts/other.example.com.{suffix}"] = files(certdir)[f"hosts/www.example.com.{suffix}"]
    assert rules(diagnose(certdir, WHOLE)) == {"other.example.com.crt": {"other-host"}}


def test_what_is_due_is_a_warning_and_what_has_expired_an_error() -> None:
    clock = Clock()
    certdir = healthy(clock)
    clock.move(days=300)
    assert rules(diagnose(certdir, WHOLE), Severity.WARNING)["www.example.com.crt"] == {"validity"}
    clock.move(days=120)
    assert rules(diagnose(certdir, WHOLE), Severity.ERROR)["www.example.com.crt"] == {"validity"}


def test_the_worst_comes_first() -> None:
    clock = Clock()
    certdir = healthy(clock)
    clock.move(days=500)
    for patient in diagnose(certdir, WHOLE).patients:
        order = [list(Severity).index(finding.severity) for finding in patient.findings]
        assert order == sorted(order)


def test_two_cas_of_one_name_are_told() -> None:
    certdir = healthy()
    twin = root(certdir.now(), subject=name("root")).make()
    files(certdir)["cas/root 2.crt"] = twin.pem
    both = [p for p in diagnose(certdir, WHOLE).patients if any(f.rule == "ca-namesakes" for f in p.findings)]
    assert {patient.name for patient in both} == {"root", "root 2"}


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_that_others_can_read_is_told_with_its_certificate() -> None:
    certdir = healthy()
    cast("MemoryStore", certdir.store).modes["cas/root.key"] = 0o640
    assert rules(diagnose(certdir, WHOLE)) == {"root.crt": {"key-exposed"}}


def test_a_lone_key_that_others_can_read_is_told_by_itself() -> None:
    certdir = healthy()
    files(certdir)["hosts/lone.key"] = files(certdir)["cas/root.key"]
    cast("MemoryStore", certdir.store).modes["hosts/lone.key"] = 0o644
    assert rules(diagnose(certdir, WHOLE)) == {"lone.key": {"key-exposed"}}


def test_a_key_of_another_certificate_is_found() -> None:
    certdir = healthy()
    files(certdir)["hosts/www.example.com.key"] = files(certdir)["cas/root.key"]
    assert rules(diagnose(certdir, WHOLE)) == {"www.example.com.crt": {"key-differs"}}


def test_a_ca_without_its_key_is_a_note_and_a_host_without_its_own_is_none() -> None:
    certdir = healthy()
    del files(certdir)["cas/root.key"], files(certdir)["hosts/www.example.com.key"]
    diagnosis = diagnose(certdir, WHOLE)
    assert rules(diagnosis, Severity.NOTE) == {"root.crt": {"ca-key-missing"}}


def test_a_broken_key_is_found() -> None:
    certdir = healthy()
    files(certdir)["hosts/www.example.com.key"] = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    assert rules(diagnose(certdir, WHOLE)) == {"www.example.com.crt": {"unreadable"}}


def test_a_key_with_a_passphrase_concerns_synapse_alone() -> None:
    certdir = healthy()
    lock = serialization.BestAvailableEncryption(b"secret")
    form = serialization.PrivateFormat.PKCS8
    files(certdir)["hosts/www.example.com.key"] = new_key().private_bytes(serialization.Encoding.PEM, form, lock)
    diagnosis = diagnose(certdir, WHOLE)
    assert rules(diagnosis) == {}
    assert any(finding.rule == "key-encrypted" for patient in diagnosis.patients for finding in patient.findings)


# --- CRLs and strays -------------------------------------------------------------------------------------------------


def test_a_crl_is_fresh_then_due_then_stale() -> None:
    clock = Clock()
    certdir = healthy(clock)
    publish(certdir, SafeName("root"))
    assert rules(diagnose(certdir, WHOLE)) == {}
    clock.move(days=6)
    assert rules(diagnose(certdir, WHOLE), Severity.WARNING) == {"root.crl": {"crl-stale"}}
    clock.move(days=2)
    assert rules(diagnose(certdir, WHOLE), Severity.ERROR) == {"root.crl": {"crl-stale"}}


def test_a_crl_of_a_stranger_is_found() -> None:
    certdir, stranger = healthy(), healthy()
    publish(stranger, SafeName("root"))
    files(certdir)["crls/root.crl"] = files(stranger)["crls/root.crl"]
    diagnosis = diagnose(certdir, WHOLE)
    assert [(p.path, f.rule) for p in diagnosis.patients for f in p.findings if f.rule == "crl-foreign"] == [
        ("/certs/crls/root.crl", "crl-foreign")
    ]


def test_a_crl_that_certificates_name_and_nobody_publishes_is_a_warning() -> None:
    certdir = healthy()
    where = x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.example.com/r.crl")], None, None, None)
    signed = x509.load_pem_x509_certificate(files(certdir)["cas/root.crt"])
    own = host(certdir.now(), subject=name("www.example.com"), more=((x509.CRLDistributionPoints([where]), False),))
    top = root(certdir.now()).make()
    files(certdir)["cas/top.crt"], files(certdir)["hosts/www.example.com.crt"] = top.pem, own.make(top).pem
    files(certdir)["cas/other.crt"] = signed.public_bytes(serialization.Encoding.PEM)
    del files(certdir)["hosts/www.example.com.key"]
    assert "crl-missing" in rules(diagnose(certdir, WHOLE), Severity.WARNING)["top.crt"]


@pytest.mark.parametrize("path", ["cas/broken.crt", "hosts/broken.crt", "crls/broken.crl"])
def test_a_broken_file_is_found_and_spoils_nothing_else(path: str) -> None:
    certdir = healthy()
    files(certdir)[path] = b"half a certi"
    assert rules(diagnose(certdir, WHOLE)) == {path.rpartition("/")[2]: {"unreadable"}}


def test_an_empty_certificate_is_found() -> None:
    certdir = healthy()
    files(certdir)["cas/empty.crt"] = b""
    assert rules(diagnose(certdir, WHOLE)) == {"empty.crt": {"unreadable"}}


# --- the ledger ------------------------------------------------------------------------------------------------------


def of_ledger(diagnosis: Diagnosis) -> list[tuple[str, Severity]]:
    """Return rule and severity of what was found about the ledger."""
    patients = [patient for patient in diagnosis.patients if patient.path.endswith("ledger.sqlite")]
    return [(finding.rule, finding.severity) for patient in patients for finding in patient.findings]


def test_E14_each_file_that_was_changed_behind_the_ledgers_back_is_named() -> None:
    certdir = healthy()
    assert of_ledger(diagnose(certdir, WHOLE)) == []
    del files(certdir)["hosts/www.example.com.crt"]
    files(certdir)["users/bob.crt"] = files(certdir)["users/alice@example.com.crt"]
    assert of_ledger(diagnose(certdir, WHOLE)) == [("ledger-differs", Severity.WARNING)] * 2


def test_a_ledger_that_cannot_be_read_is_an_error_and_the_rest_is_examined(certs: CertDir, tmp_path: Path) -> None:
    (tmp_path / "certs" / ".easycert" / "ledger.sqlite").write_bytes(b"no ledger")
    diagnosis = diagnose(CertDir.open(tmp_path / "certs"), WHOLE)
    assert of_ledger(diagnosis) == [("ledger-broken", Severity.ERROR)]
    assert len([patient for patient in diagnosis.patients if patient.kind]) == 2


def test_a_directory_without_a_ledger_has_nothing_to_differ_from(certs: CertDir, tmp_path: Path) -> None:
    (tmp_path / "certs" / ".easycert" / "ledger.sqlite").unlink()
    assert of_ledger(diagnose(CertDir.open(tmp_path / "certs"), WHOLE)) == []


# --- on disk ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def certs(tmp_path: Path) -> CertDir:
    certdir = CertDir.open(tmp_path / "certs")
    make(certdir, Kind.CA, "root")
    make(certdir, Kind.HOST, "www.example.com", "root")
    return certdir


def test_modes_are_mended_and_nothing_else_is_touched(certs: CertDir, tmp_path: Path) -> None:
    top = tmp_path / "certs"
    (top / "cas" / "root.key").chmod(0o644)
    (top / "hosts").chmod(0o775)
    before = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    diagnosis = diagnose(certs, WHOLE)
    assert rules(diagnosis) == {"hosts": {"directory-exposed"}, "root.crt": {"key-exposed"}}
    assert {one.path for one in mend(certs, diagnosis, dry_run=True)} == {f"{top}/hosts", f"{top}/cas/root.key"}
    assert (top / "cas" / "root.key").stat().st_mode & 0o777 == 0o644
    assert all(one.problem is None for one in mend(certs, diagnosis, dry_run=False))
    assert rules(diagnose(certs, WHOLE)) == {}
    assert (top / "cas" / "root.key").stat().st_mode & 0o777 == 0o600
    assert (top / "hosts").stat().st_mode & 0o777 == 0o755
    assert {path: path.read_bytes() for path in top.rglob("*") if path.is_file()} == before


def test_a_link_in_place_of_a_key_is_not_followed_to_mend_it(certs: CertDir, tmp_path: Path) -> None:
    key = tmp_path / "certs" / "cas" / "root.key"
    elsewhere = tmp_path / "elsewhere.key"
    key.rename(elsewhere)
    key.symlink_to(elsewhere)
    elsewhere.chmod(0o644)
    (mended,) = mend(certs, diagnose(certs, WHOLE), dry_run=False)
    assert mended.problem
    assert elsewhere.stat().st_mode & 0o777 == 0o644


def test_a_hidden_ca_and_a_broken_link_are_borne(certs: CertDir, tmp_path: Path) -> None:
    cas = tmp_path / "certs" / "cas"
    (cas / ".swap.crt").write_text("half")
    (cas / "gone.crt").symlink_to(tmp_path / "nowhere")
    (cas / "folder.crt").mkdir()
    found = [(p.path, f.rule) for p in diagnose(certs, WHOLE).patients for f in p.findings]
    assert (str(cas / ".swap.crt"), "stray-file") in found


def test_diagnosing_changes_nothing_in_a_directory_that_may_not_be_written_to(certs: CertDir, tmp_path: Path) -> None:
    top = tmp_path / "certs"
    for path in (top, *top.rglob("*")):
        if path.is_dir():
            path.chmod(0o500)
    before = sorted(top.rglob("*"))
    assert rules(diagnose(CertDir.open(top), WHOLE)) == {}
    assert sorted(top.rglob("*")) == before
    for path in (top, *top.rglob("*")):
        if path.is_dir():
            path.chmod(0o700)


def test_another_certificate_directory_is_examined_as_one(certs: CertDir, tmp_path: Path) -> None:
    (tmp_path / "certs" / "cas" / "root.key").chmod(0o604)
    elsewhere = CertDir.open(tmp_path / "empty")
    diagnosis = diagnose(elsewhere, DoctorRequest(str(tmp_path / "certs")))
    assert rules(diagnosis) == {"root.crt": {"key-exposed"}}


def test_a_folder_of_pem_files_is_examined_with_the_cas_of_the_directory(certs: CertDir, tmp_path: Path) -> None:
    folder = tmp_path / "ssl"
    (folder / "sites").mkdir(parents=True)
    old = host(certs.now(), days=(-400, -3), names=("old.example.com",)).make(root(certs.now()).make())
    (folder / "sites" / "old.pem").write_bytes(old.pem + old.key_pem)
    (folder / "sites" / "old.pem").chmod(0o644)
    (folder / "www.crt").write_bytes((tmp_path / "certs" / "hosts" / "www.example.com.crt").read_bytes())
    (folder / "README").write_text("not a certificate")
    diagnosis = diagnose(certs, DoctorRequest(str(folder)))
    assert rules(diagnosis, Severity.ERROR) == {"old.pem": {"key-exposed", "validity"}}
    assert [patient.path for patient in diagnosis.patients if patient.kind] == [
        str(folder / "www.crt"),
        str(folder / "sites" / "old.pem"),
    ]


def test_a_key_that_a_servers_group_may_read_is_left_alone_in_a_folder(certs: CertDir, tmp_path: Path) -> None:
    folder = tmp_path / "ssl"
    folder.mkdir()
    (folder / "www.key").write_bytes((tmp_path / "certs" / "hosts" / "www.example.com.key").read_bytes())
    (folder / "www.key").chmod(0o640)
    assert rules(diagnose(certs, DoctorRequest(str(folder)))) == {}


def test_a_certificate_that_lies_in_a_folder_under_several_names_is_examined_once(
    certs: CertDir, tmp_path: Path
) -> None:
    folder = tmp_path / "ssl"
    folder.mkdir()
    (folder / "ca.pem").write_bytes((tmp_path / "certs" / "cas" / "root.crt").read_bytes())
    (folder / "f081611a.0").symlink_to("ca.pem")
    diagnosis = diagnose(certs, DoctorRequest(str(folder)))
    assert [patient.path for patient in diagnosis.patients] == [str(folder / "ca.pem")]


def test_a_program_that_mentions_certificates_is_none(certs: CertDir, tmp_path: Path) -> None:
    (tmp_path / "ssl").mkdir()
    (tmp_path / "ssl" / "make.py").write_text("BEGIN = '-----BEGIN CERTIFICATE-----'")
    (tmp_path / "ssl" / "half.pem").write_text("-----BEGIN CERTIFICATE-----")
    diagnosis = diagnose(certs, DoctorRequest(str(tmp_path / "ssl")))
    assert [problem.path for problem in diagnosis.problems] == [str(tmp_path / "ssl" / "half.pem")]


def test_a_name_is_examined_with_its_chain(certs: CertDir) -> None:
    diagnosis = diagnose(certs, DoctorRequest("www.example.com"))
    assert [(patient.kind, patient.name) for patient in diagnosis.patients] == [
        (Kind.HOST, "www.example.com"),
        (Kind.CA, "root"),
    ]


def test_a_path_into_the_directory_is_as_good_as_the_name(certs: CertDir, tmp_path: Path) -> None:
    path = str(tmp_path / "certs" / "hosts" / "www.example.com.crt")
    assert [p.filed for p in diagnose(certs, DoctorRequest(path)).patients] == [True, True]


def test_a_bundle_of_cas_is_examined_one_by_one(certs: CertDir, tmp_path: Path) -> None:
    made = [root(certs.now(), subject=name(f"ca {n}"), days=(-400, -n)).make() for n in (1, 2, 3)]
    (tmp_path / "bundle.pem").write_bytes(b"".join(one.pem for one in made))
    (tmp_path / "folder").mkdir()
    (tmp_path / "bundle.pem").rename(tmp_path / "folder" / "bundle.pem")
    diagnosis = diagnose(certs, DoctorRequest(str(tmp_path / "folder")))
    assert [patient.name for patient in diagnosis.patients] == ["ca 1", "ca 2", "ca 3"]


def test_der_is_read(certs: CertDir, tmp_path: Path) -> None:
    (tmp_path / "host.der").write_bytes(host(certs.now(), days=(-1, 1000)).make(root(certs.now()).make()).der)
    diagnosis = diagnose(certs, DoctorRequest(str(tmp_path / "host.der")))
    assert "lifetime" in rules(diagnosis, Severity.ERROR)["host.der"]


@pytest.mark.parametrize(
    ("target", "error"), [("nowhere", NotFound), ("/nowhere/x.crt", UnreadableFile), ("/dev/zero", UnreadableFile)]
)
def test_what_is_not_there_cannot_be_examined(certs: CertDir, target: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        diagnose(certs, DoctorRequest(target))


@pytest.mark.parametrize("data", [b"", b"text", b"-----BEGIN CERTIFICATE-----\n", b"\x30\x03\x02\x01\x01"])
def test_a_file_that_holds_no_certificate_is_refused(certs: CertDir, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.pem").write_bytes(data)
    with pytest.raises(Malformed):
        diagnose(certs, DoctorRequest(str(tmp_path / "x.pem")))


def test_a_lone_key_is_no_certificate(certs: CertDir, tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        diagnose(certs, DoctorRequest(str(tmp_path / "certs" / "cas" / "root.key")))


# --- CAs of old form --------------------------------------------------------------------------------------------------

OLD_FORM = {"basic_critical": False, "key_usage": None, "ski": False, "aki": "none", "days": (-1, 3000)}


def old(certdir: CertDir, *, key_here: bool = True) -> None:
    """Put a CA and a host into the directory as Synapse's own tool makes them."""
    top = root(certdir.now(), "rsa2048", subject=name("old"), **OLD_FORM).make()
    leaf = host(certdir.now(), "rsa2048", aki="none", ski=False, days=(-1, 390)).make(top)
    files(certdir).update({"cas/old.crt": top.pem, "hosts/www.example.com.crt": leaf.pem})
    files(certdir)["hosts/www.example.com.key"] = leaf.key_pem
    if key_here:
        files(certdir)["cas/old.key"] = top.key_pem


def test_a_ca_of_old_form_gets_a_new_certificate_for_its_own_key_and_name() -> None:
    certdir = directory()
    old(certdir)
    before = x509.load_pem_x509_certificate(files(certdir)["cas/old.crt"])
    diagnosis = diagnose(certdir, WHOLE)
    assert rules(diagnosis, Severity.ERROR)["old.crt"] == {"basic-constraints", "key-cert-sign", "key-identifier"}
    (planned,) = mend(certdir, diagnosis, dry_run=True)
    assert (planned.path, planned.problem) == ("/certs/cas/old.crt", None)
    assert x509.load_pem_x509_certificate(files(certdir)["cas/old.crt"]) == before
    assert mend(certdir, diagnosis, dry_run=False) == (planned,)
    after = x509.load_pem_x509_certificate(files(certdir)["cas/old.crt"])
    assert (after.public_key(), after.subject) == (before.public_key(), before.subject)
    assert "old.crt" not in rules(diagnose(certdir, WHOLE), Severity.ERROR)
    assert after.extensions.get_extension_for_class(x509.BasicConstraints).critical
    # Synapse, whose form that was, verifies no code below a CA whose key usage is critical.
    assert not after.extensions.get_extension_for_class(x509.KeyUsage).critical


@pytest.mark.real
def test_what_an_old_ca_signed_verifies_under_its_new_certificate(need: Callable[[str], str], tmp_path: Path) -> None:
    certdir = directory(lambda: datetime.now(UTC))
    old(certdir)
    mend(certdir, diagnose(certdir, WHOLE), dry_run=False)
    for called in ("cas/old.crt", "hosts/www.example.com.crt"):
        (tmp_path / called.partition("/")[2]).write_bytes(files(certdir)[called])
    words = [need("openssl"), "verify", "-CAfile", "old.crt", "-purpose", "sslserver", "www.example.com.crt"]
    assert subprocess.run(words, check=False, cwd=tmp_path, capture_output=True).returncode == 0


def test_a_ca_whose_key_is_elsewhere_is_left_as_it_is_and_that_is_said() -> None:
    certdir = directory()
    old(certdir, key_here=False)
    before = dict(files(certdir))
    (left,) = mend(certdir, diagnose(certdir, WHOLE), dry_run=False)
    assert left.problem
    assert {path: data for path, data in files(certdir).items() if path in before} == before


@pytest.mark.parametrize("change", [{"ca": False}, {"key_usage": ("crl_sign",)}, {"days": (-3000, -1)}])
def test_what_a_ca_may_do_and_how_long_is_not_for_doctor_to_change(change: dict[str, object]) -> None:
    certdir = directory()
    made = root(certdir.now(), subject=name("old"), **change).make()
    files(certdir).update({"cas/old.crt": made.pem, "cas/old.key": made.key_pem})
    diagnosis = diagnose(certdir, WHOLE)
    assert diagnosis.count(Severity.ERROR) > 0
    assert mend(certdir, diagnosis, dry_run=False) == ()


# --- hostile certificates --------------------------------------------------------------------------------------------


AT = Clock().now
GOOD = host(AT).make(root(AT).make()).der


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_whatever_a_certificate_holds_is_examined_or_refused(changes: list[tuple[int, int]]) -> None:
    certdir, odd = directory(), bytearray(GOOD)
    for position, octet in changes:
        odd[position] = octet
    files(certdir)["hosts/www.example.com.crt"] = bytes(odd)
    assert len(diagnose(certdir, WHOLE).patients) == 1


def test_a_thousand_hosts_are_examined_with_bounded_work() -> None:
    certdir = healthy()
    top = root(certdir.now()).make()
    files(certdir)["cas/top.crt"] = top.pem
    for number in range(300):
        named = f"h{number}.example.com"
        files(certdir)[f"hosts/{named}.crt"] = host(certdir.now(), names=(named,), days=(-1, 390)).make(top).pem
    diagnosis = diagnose(certdir, DoctorRequest(clients=(Client.GO,)))
    assert sum(patient.kind is not None for patient in diagnosis.patients) == 306
    assert diagnosis.count(Severity.ERROR) == 0


def test_an_hour_before_the_end_is_told_in_days() -> None:
    clock = Clock()
    certdir = healthy(clock)
    clock.now = clock.now + timedelta(days=396, hours=1)
    (finding,) = [
        finding
        for patient in diagnose(certdir, DoctorRequest("www.example.com", (Client.GO,))).patients
        for finding in patient.findings
        if patient.kind is Kind.HOST
    ]
    assert "in 0 days" in finding.why
