"""Files that variables can name: what is in them, where they lie, and that nobody else can put theirs there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from easycert.errors import StoreFailure, UnsafeDirectory
from easycert.trust import bundle
from easycert.trust.bundle import Bundle, Sources
from easycert.trust.roots import Roots
from easycert.trust.variables import Contents
from tests.trust.authorities import root, root_pem


def made(base: Path | None = None, *names: str, java: Roots | None = None) -> Bundle:
    found = None if base is None else Roots(str(base), base.read_bytes())
    return bundle.bundle(Sources(found, None, java), [root(name) for name in names or ("ours",)])


def subjects(pem: bytes) -> list[str]:
    return [item.subject.rfc4514_string().removeprefix("CN=") for item in x509.load_pem_x509_certificates(pem)]


@pytest.fixture
def system(tmp_path: Path) -> Path:
    path = tmp_path / "system.pem"
    path.write_bytes(b"# a comment of the system's\n" + root_pem("system").rstrip(b"\n"))
    return path


def test_the_merged_file_has_ours_and_the_systems_and_the_other_ours_alone(system: Path) -> None:
    files = made(system).files
    assert subjects(files[Contents.MERGED]) == ["ours", "system"]
    assert subjects(files[Contents.OURS]) == ["ours"]


def test_the_callers_own_roots_are_taken_instead_of_the_systems(system: Path, tmp_path: Path) -> None:
    caller = tmp_path / "caller.pem"
    caller.write_bytes(root_pem("caller"))
    found = bundle.sources({"SSL_CERT_FILE": str(caller)}, [str(system)])
    assert found.base == Roots(str(caller), root_pem("caller"))
    assert found.notes == ()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_variable_that_names_no_roots_is_said_and_passed_over(
    system: Path, tmp_path: Path, content: bytes | None
) -> None:
    caller = tmp_path / "caller.pem"
    if content is not None:
        caller.write_bytes(content)
    found = bundle.sources({"SSL_CERT_FILE": str(caller)}, [str(system)])
    assert found.base is not None
    assert found.base.path == str(system)
    assert "SSL_CERT_FILE" in found.notes[0]


def test_a_system_without_roots_is_said() -> None:
    found = bundle.sources({}, ())
    assert found.base is None
    assert "no file with roots" in found.notes[0]


def test_a_command_within_a_command_trusts_its_own_cas_and_not_those_of_the_other(system: Path, tmp_path: Path) -> None:
    outer = Path(bundle.write(made(system, "outer"), str(tmp_path / "cache/trust")))
    found = bundle.sources({"SSL_CERT_FILE": str(outer / "bundle.pem")}, ())
    assert found.base == Roots(str(system), system.read_bytes())
    assert found.notes == ()


def test_what_the_caller_had_added_for_node_stays_added(tmp_path: Path) -> None:
    extra = tmp_path / "extra.pem"
    extra.write_bytes(root_pem("extra"))
    found = bundle.sources({"NODE_EXTRA_CA_CERTS": str(extra)}, ())
    assert subjects(bundle.bundle(found, [root("ours")]).files[Contents.ADDED]) == ["ours", "extra"]


def test_the_same_contents_lie_at_the_same_place_and_others_elsewhere(system: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "cache/trust")
    first, again, other = (bundle.write(made(system, name), place) for name in ("a", "a", "b"))
    assert first == again != other
    assert len(os.listdir(place)) == 2


def test_what_was_damaged_is_made_again(system: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "cache/trust")
    directory = Path(bundle.write(made(system), place))
    before = (directory / "bundle.pem").read_bytes()
    (directory / "bundle.pem").write_bytes(b"")
    (directory / "java.p12").unlink()
    assert bundle.write(made(system), place) == str(directory)
    assert (directory / "bundle.pem").read_bytes() == before
    assert (directory / "java.p12").stat().st_size > 0
    assert len(os.listdir(place)) == 1


def test_only_their_owner_gets_into_the_directories(system: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        directory = Path(bundle.write(made(system), str(tmp_path / "easycert/trust")))
    finally:
        os.umask(before)
    for path in (directory, directory.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "bundle.pem").stat().st_mode) == 0o644


@pytest.mark.parametrize("which", ["easycert", "easycert/trust"])
def test_a_directory_that_others_can_write_to_is_refused(system: Path, tmp_path: Path, which: str) -> None:
    (tmp_path / "easycert/trust").mkdir(parents=True)
    (tmp_path / which).chmod(0o777)
    with pytest.raises(UnsafeDirectory):
        bundle.write(made(system), str(tmp_path / "easycert/trust"))


def test_a_link_in_the_place_of_the_directory_is_refused(system: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "easycert").mkdir(mode=0o700)
    (tmp_path / "easycert/trust").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeDirectory):
        bundle.write(made(system), str(tmp_path / "easycert/trust"))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_cache_comes_first_then_the_home_then_tmp(tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    environ = {"XDG_CACHE_HOME": str(tmp_path / "x"), "HOME": str(tmp_path / "h"), "TMPDIR": str(tmp_path / "t")}
    places = list(bundle.places(environ))
    assert places == [
        f"{tmp_path}/x/easycert/trust",
        f"{tmp_path}/h/.cache/easycert/trust",
        f"{tmp_path}/t/easycert-{os.geteuid()}/trust",
    ]


@pytest.mark.parametrize("home", ["", "relative", "/nonexistent", "/etc/passwd", "/nul\0"])
def test_without_a_usable_home_it_is_tmp(home: str) -> None:
    """Hazard H5: a home that is not there is not made."""
    assert list(bundle.places({"HOME": home})) == [f"/tmp/easycert-{os.geteuid()}/trust"]


def test_a_place_that_cannot_be_written_to_gives_way_to_the_next(system: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = bundle.keep(made(system), [str(tmp_path / "file/trust"), str(tmp_path / "cache/trust")])
    assert kept.startswith(str(tmp_path / "cache/trust/"))


def test_no_place_at_all_is_an_error_that_names_the_last(system: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailure, match=f"cannot write to {tmp_path}/file/trust"):
        bundle.keep(made(system), [str(tmp_path / "file/trust")])


# --- Java -------------------------------------------------------------------------------------------------------------


def java_subjects(data: bytes) -> list[str]:
    found = pkcs12.load_pkcs12(data, None).additional_certs
    return sorted(item.certificate.subject.rfc4514_string().removeprefix("CN=") for item in found)


def test_javas_store_has_the_systems_roots_where_there_is_no_java(system: Path) -> None:
    java = bundle.bundle(Sources(Roots(str(system), system.read_bytes()), None, None), [root("ours")])
    assert java_subjects(bundle.java_store(java)) == ["ours", "system"]


def test_javas_own_roots_are_read_from_pkcs12(system: Path) -> None:
    own = pkcs12.serialize_java_truststore([pkcs12.PKCS12Certificate(root("java"), b"java")], NoEncryption())
    assert java_subjects(bundle.java_store(made(system, java=Roots("cacerts", own)))) == ["java", "ours"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1"])
def test_a_java_store_that_cannot_be_read_leaves_ours(system: Path, content: bytes) -> None:
    assert java_subjects(bundle.java_store(made(system, java=Roots("cacerts", content)))) == ["ours"]


@pytest.mark.real
def test_java_takes_all_roots_and_ours(need: Callable[[str], str], tmp_path: Path) -> None:
    import subprocess

    found = bundle.sources(dict(os.environ))
    if found.java is None:
        pytest.skip("this Java has no roots")
    directory = bundle.write(bundle.bundle(found, [root("ours")]), str(tmp_path / "cache/trust"))
    (tmp_path / "Count.java").write_text(
        "import javax.net.ssl.*; import java.security.*; public class Count {"
        "public static void main(String[] a) throws Exception {"
        "var f = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()); f.init((KeyStore) null);"
        "System.out.println(((X509TrustManager) f.getTrustManagers()[0]).getAcceptedIssuers().length); } }"
    )
    counts = [
        int(subprocess.run([need("java"), *options, tmp_path / "Count.java"], check=True, capture_output=True).stdout)
        for options in ([], [f"-Djavax.net.ssl.trustStore={directory}/java.p12"])
    ]
    assert counts[1] == counts[0] + 1
