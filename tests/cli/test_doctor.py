"""What ``doctor`` advises works: each fix, typed as it stands, ends what it was advised for."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from easycert.certdir import CertDir
from easycert.cli import exits
from easycert.cli.entry import run
from easycert.testing.forge import HOST, Forged, Made, host, intermediate, key, name, root
from tests.doctor.cases import UNKNOWN

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: What stands for something that only the person knows.
PLACEHOLDERS = ("FILE", "CA")


@pytest.fixture
def certs(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(CertDir, "now", lambda _certdir: NOW)
    monkeypatch.chdir(own_home)
    easycert("ca root", "ca issuing --signas root")
    return own_home / ".syn" / "certs"


def easycert(*commands: str) -> None:
    for command in commands:
        assert run([*shlex.split(command), "-q"]) == exits.DONE, command


def found(*options: str) -> Iterator[tuple[str, str, str]]:
    """Yield path, rule and fix of each finding that is an error or a warning."""
    with redirect_stdout(StringIO()) as output:
        run(["doctor", "-o", "json", "--severity", "warning", *options])
    for patient in json.loads(output.getvalue())["diagnosis"]["patients"]:
        if patient["path"].endswith("ledger.sqlite"):  # what is forged here never went through it
            continue
        for finding in patient["findings"]:
            yield patient["path"], finding["rule"], finding["fix"]


def follow(fix: str) -> None:
    words = shlex.split(fix)
    if words[0] == "easycert":
        with redirect_stdout(StringIO()):
            assert run(words[1:]) == exits.DONE, fix
    else:
        subprocess.run(words, check=True, capture_output=True)


def put(certs: Path, folder: str, called: str, made: Made, *above: Made) -> None:
    target = certs / folder
    target.mkdir(mode=0o700, exist_ok=True)
    (target / f"{called}.crt").write_bytes(b"".join(one.pem for one in (made, *above)))
    (target / f"{called}.key").write_bytes(made.key_pem)
    (target / f"{called}.key").chmod(0o600)


def authority(certs: Path, called: str) -> Made:
    """Return a CA of the directory as one that can sign what is forged."""
    certificate = x509.load_pem_x509_certificate((certs / "cas" / f"{called}.crt").read_bytes())
    return Made(certificate, load_pem_private_key((certs / "cas" / f"{called}.key").read_bytes(), None))


def forged(**changes: object) -> Callable[[Path], None]:
    def put_host(certs: Path) -> None:
        recipe: Forged = host(NOW).but(**changes)
        put(certs, "hosts", HOST, recipe.make(authority(certs, "root")))

    return put_host


def under(**changes: object) -> Callable[[Path], None]:
    def put_both(certs: Path) -> None:
        middle = intermediate(NOW, subject=name("middle"), key=key("ec256", 9)).but(**changes)
        made = middle.make(authority(certs, "root"))
        put(certs, "cas", "middle", made)
        put(certs, "hosts", HOST, host(NOW).make(made), made)

    return put_both


def incomplete(certs: Path) -> None:
    put(certs, "hosts", HOST, host(NOW).make(authority(certs, "issuing")))


def exposed(certs: Path) -> None:
    (certs / "cas" / "root.key").chmod(0o644)
    (certs / "cas").chmod(0o777)


def other_key(certs: Path) -> None:
    easycert(f"host {HOST} --signas root")
    (certs / "hosts" / f"{HOST}.key").write_bytes((certs / "cas" / "root.key").read_bytes())


def broken(certs: Path) -> None:
    (certs / "cas" / "half.crt").write_text("half a certi")


SCENES = {
    "lifetime": forged(days=(-1, 1000)),
    "key-type": forged(key=key("ed25519", 3)),
    "small-rsa": forged(key=key("rsa1024", 3)),
    "weak-hash": forged(digest="sha1"),
    "no-alternative-name": forged(names=()),
    "other-host": forged(names=("mail.example.com",)),
    "extended-key-usage": forged(extended=()),
    "digital-signature": forged(key_usage=("key_agreement",)),
    "ca-as-host": forged(ca=True),
    "ca-bits": forged(key_usage=("digital_signature", "key_cert_sign")),
    "key-identifier": forged(aki="none"),
    "empty-subject": forged(subject=name(None)),
    "key-identifiers-differ": forged(aki="wrong"),
    "critical-extension": forged(more=((UNKNOWN, True),)),
    "nested-usage": under(extended=(ExtendedKeyUsageOID.CLIENT_AUTH,)),
    "name-constraints": under(constraints=x509.NameConstraints([x509.DNSName("other.test")], None)),
    "basic-constraints": under(basic_critical=False),
    "key-cert-sign": under(key_usage=None, path_length=None),
    "validity": forged(days=(-90, 10)),
    "incomplete-chain": incomplete,
    "key-exposed": exposed,
    "directory-exposed": exposed,
    "key-differs": other_key,
    "unreadable": broken,
}


@pytest.mark.parametrize("rule", SCENES)
def test_a_fix_ends_what_it_is_advised_for(rule: str, certs: Path) -> None:
    SCENES[rule](certs)
    advised = [(path, fix) for path, broken, fix in found() if broken == rule]
    assert advised
    for _, fix in advised:
        words = ["root" if word in PLACEHOLDERS else word for word in shlex.split(fix)]
        follow(shlex.join(words))
    assert rule not in {broken for _, broken, _ in found()}


def test_what_is_made_for_synapse_as_advised_is_taken_by_it(certs: Path) -> None:
    """A CA that Synapse does not take is joined by another, by which what it signed is signed anew."""
    easycert("code Build --signas root")
    fixes = {(broken, fix) for _, broken, fix in found("--client", "synapse")}
    anew = "easycert ca 'root 2' --profile synapse"
    assert {("synapse-rsa", anew), ("synapse-critical", anew)} <= fixes
    follow(anew)
    follow("easycert code Build --signas 'root 2' --profile synapse --force")
    broken = {path for path, _, _ in found("--client", "synapse")}
    assert str(certs / "code" / "Build.crt") not in broken
    assert str(certs / "cas" / "root 2.crt") not in broken


def test_fixes_name_the_directory_that_was_looked_at(certs: Path, tmp_path: Path) -> None:
    where = tmp_path / "else where"
    easycert(f"ca root --certdir '{where}'", f"host {HOST} --signas root --days 1000 --certdir '{where}'")
    for options in (("--certdir", str(where)), (str(where),)):
        ((_, _, fix),) = found(*options)
        assert shlex.split(fix)[-2:] == ["--certdir", str(where)]
    follow(fix)
    assert list(found(str(where))) == []


def test_a_hostile_name_in_a_fix_is_one_word_of_the_shell(certs: Path, tmp_path: Path) -> None:
    evil = tmp_path / "folder"
    evil.mkdir()
    made = host(NOW, subject=name("x; touch pwned\x1b[2J"), names=(), days=(-1, 1000)).make(root(NOW).make())
    (evil / "$(touch pwned).pem").write_bytes(made.pem)
    with redirect_stdout(StringIO()) as output:
        run(["doctor", str(evil)])
    assert "\x1b" not in output.getvalue()
    for _, _, fix in found(str(evil)):
        assert not any(word.startswith("touch") for word in shlex.split(fix))


def test_a_chain_of_three_is_mended_from_the_top(certs: Path) -> None:
    """The intermediate, too, is told by its name in the directory."""
    top = authority(certs, "root")
    middle = intermediate(NOW, subject=name("middle"), key=key("ec256", 9)).make(top)
    put(certs, "cas", "middle", middle)
    put(certs, "hosts", HOST, host(NOW, days=(-1, 1000)).make(middle), middle)
    ((_, rule, fix),) = found()
    assert (rule, fix) == ("lifetime", f"easycert host {HOST} --signas middle --days 397 --force")


@pytest.mark.parametrize(("days", "code"), [(397, exits.DONE), (1000, exits.NOT_VERIFIED)])
def test_the_exit_code_is_that_of_the_worst(certs: Path, days: int, code: int) -> None:
    easycert(f"host {HOST} --signas root --days {days}")
    assert run(["doctor", "-q"]) == code
    assert run(["doctor", "-q", "--exit-zero"]) == exits.DONE


def test_what_is_due_has_an_exit_code_of_its_own(certs: Path) -> None:
    forged(days=(-90, 10))(certs)
    assert run(["doctor", "-q"]) == exits.DUE
