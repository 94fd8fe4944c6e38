"""``verify`` on files that are damaged, huge or made to be hard: always a verdict, and never an excuse of our own."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easycert.cli.entry import run
from tests.pki.chainmaker import Made, pem, shared_key
from tests.pki.corpus.case import Body, authority, elements, extension, leaf, reshaped_der, tlv
from tests.pki.corpus.lists import entry, listed

ROOT = authority()
MIDDLE = authority("middle", ROOT)
LEAF = leaf(MIDDLE)
GOOD = LEAF.certificate.public_bytes(Encoding.DER)
QUESTION = ["--hostname", "www.example.com", "--at", "2026-06-01"]
NOT_VERIFIED = 4


def wrapped(der: bytes, label: str = "CERTIFICATE") -> bytes:
    """Return any bytes as a PEM block."""
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return a function that asks about a file, given what is trusted and what else lies about."""

    def verdict(
        data: bytes, trust: bytes | None = None, untrusted: bytes | None = None, crl: bytes | None = None
    ) -> tuple[int, str]:
        files = {
            "leaf.pem": data,
            "trust.pem": trust or pem(ROOT.certificate),
            "untrusted.pem": untrusted,
            "list.crl": crl,
        }
        for name, content in files.items():
            if content is not None:
                (tmp_path / name).write_bytes(content)
        argv = ["verify", str(tmp_path / "leaf.pem"), "--trust", str(tmp_path / "trust.pem"), *QUESTION]
        argv += ["--untrusted", str(tmp_path / "untrusted.pem")] if untrusted is not None else []
        argv += ["--crl", str(tmp_path / "list.crl")] if crl is not None else []
        code = run(argv)
        said = capsys.readouterr()
        assert "has a fault" not in said.err
        return code, said.out + said.err

    return verdict


def test_the_question_itself_is_fair(ask: Callable[..., tuple[int, str]]) -> None:
    code, said = ask(pem(LEAF.certificate), untrusted=pem(MIDDLE.certificate), crl=pem(listed(MIDDLE), listed(ROOT)))
    assert code == 0, said


def changed(change: Callable[[Body], None]) -> bytes:
    return reshaped_der(LEAF, MIDDLE, change)


def serial(octets: bytes) -> bytes:
    return changed(lambda body: setattr(body, "serial", tlv(0x02, octets)))


def dates(tag: int, first: bytes, second: bytes = b"490101000000Z") -> bytes:
    return changed(lambda body: setattr(body, "validity", tlv(0x30, tlv(tag, first), tlv(0x17, second))))


def key(spki: bytes) -> bytes:
    return changed(lambda body: setattr(body, "key", spki))


def adding(*whole: bytes) -> bytes:
    return changed(lambda body: body.extensions.extend(whole))


RSA = bytes.fromhex("300d06092a864886f70d0101010500")
BODY = elements(GOOD)[0][1]

#: DER that is none, or says what no certificate may say.
DAMAGED = {
    "nothing": b"",
    "one octet": b"0",
    "an empty sequence": b"0\0",
    "cut off": GOOD[: len(GOOD) // 2],
    "without its last octet": GOOD[:-1],
    "with an octet more": GOOD + b"\0",
    "twice": GOOD + GOOD,
    "an indefinite length": b"\x30\x80" + BODY + b"\0\0",
    "a length that is not minimal": b"\x30\x84" + len(BODY).to_bytes(4, "big") + BODY,
    "a length of four gigabytes": b"\x30\x84\xff\xff\xff\xff" + BODY,
    "a set instead of a sequence": b"\x31" + GOOD[1:],
    "a number with a zero too many": serial(b"\0\0\1"),
    "an empty number": serial(b""),
    "version 4": changed(lambda body: setattr(body, "version", tlv(0xA0, tlv(0x02, b"\3")))),
    "version 1, spelt out": changed(lambda body: setattr(body, "version", tlv(0xA0, tlv(0x02, b"\0")))),
    "a date without seconds": dates(0x17, b"2401010000Z"),
    "a date in another zone": dates(0x17, b"240101000000+0100"),
    "a date with a fraction": dates(0x18, b"20240101000000.5Z"),
    "a date without a zone": dates(0x18, b"20240101000000"),
    "the 31st of February": dates(0x17, b"240231000000Z"),
    "the 25th hour": dates(0x17, b"240101250000Z"),
    "an end before the beginning": dates(0x17, b"480101000000Z", b"470101000000Z"),
    "a critical flag of 1": adding(extension("1.2.3.4", b"", critical=tlv(0x01, b"\1"))),
    "a critical flag that says FALSE": adding(extension("1.2.3.4", b"", critical=tlv(0x01, b"\0"))),
    "an empty list of extensions": changed(lambda body: setattr(body, "extensions", [b""])),
    "an extension without a value": adding(tlv(0x30, tlv(0x06, b"\x2a\3"))),
    "an OID with a leading zero": adding(tlv(0x30, tlv(0x06, b"\x80\x2a\3"), tlv(0x04, b""))),
    "an endless OID": adding(tlv(0x30, tlv(0x06, b"\x81" * 5000 + b"\1"), tlv(0x04, b""))),
    "a negative modulus": key(
        tlv(0x30, RSA, tlv(0x03, b"\0" + tlv(0x30, tlv(0x02, b"\x80" + b"\0" * 255), tlv(0x02, b"\1\0\1"))))
    ),
    "a modulus of 1": key(tlv(0x30, RSA, tlv(0x03, b"\0" + tlv(0x30, tlv(0x02, b"\1"), tlv(0x02, b"\3"))))),
    "a modulus of 100,000 bits": key(
        tlv(0x30, RSA, tlv(0x03, b"\0" + tlv(0x30, tlv(0x02, b"\x7f" + b"\1" * 12_500), tlv(0x02, b"\1\0\1"))))
    ),
    "no key at all": key(tlv(0x30, RSA, tlv(0x03, b"\0"))),
    "a point that is not on the curve": changed(
        lambda body: setattr(body, "key", body.key[:-1] + bytes([body.key[-1] ^ 1]))
    ),
    "a key of an unknown kind": key(tlv(0x30, tlv(0x30, tlv(0x06, b"\x2a\3\4")), tlv(0x03, b"\0x"))),
    "a subject that is no name": changed(lambda body: setattr(body, "subject", tlv(0x30, tlv(0x31)))),
    "a subject in broken UTF-8": changed(
        lambda body: setattr(body, "subject", body.subject.replace(b"leaf", b"le\xff\xfe"))
    ),
    "a signature of odd bits": GOOD.replace(elements(BODY)[2][2], tlv(0x03, b"\7" + elements(BODY)[2][1][1:])),
    "no signature": GOOD.replace(elements(BODY)[2][2], tlv(0x03, b"\0")),
}


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.parametrize("der", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_certificate_does_not_verify(der: bytes, ask: Callable[..., tuple[int, str]]) -> None:
    """It is a verdict with a clause, as for any other fault."""
    code, said = ask(wrapped(der), untrusted=pem(MIDDLE.certificate))
    assert code == NOT_VERIFIED, said
    assert said.splitlines()[1].endswith("]"), said


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.parametrize("der", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_certificate_spoils_no_other(der: bytes, ask: Callable[..., tuple[int, str]]) -> None:
    code, said = ask(pem(LEAF.certificate), untrusted=wrapped(der) + pem(MIDDLE.certificate))
    assert code == 0, said
    code, said = ask(pem(LEAF.certificate), trust=pem(MIDDLE.certificate) + wrapped(der))
    assert code == 0, said


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"no certificate", GOOD + b"\0", wrapped(GOOD, "PRIVATE KEY")])
def test_what_is_no_certificate_is_no_verdict(data: bytes, ask: Callable[..., tuple[int, str]]) -> None:
    code, said = ask(data)
    assert code == 1, said
    assert said.startswith("error: "), said


def test_der_is_as_good_as_pem(ask: Callable[..., tuple[int, str]]) -> None:
    code, said = ask(
        GOOD, trust=ROOT.certificate.public_bytes(Encoding.DER), untrusted=MIDDLE.certificate.public_bytes(Encoding.DER)
    )
    assert code == 0, said


FLIPS = st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), min_size=1, max_size=3)


def flipped(data: bytes, flips: list[tuple[int, int]]) -> bytes:
    spoiled = bytearray(data)
    for position, difference in flips:
        spoiled[position % len(data)] ^= difference
    return bytes(spoiled)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(flips=FLIPS, which=st.sampled_from(["leaf", "trust", "untrusted", "crl"]))
def test_whatever_is_damaged_there_is_an_answer(
    flips: list[tuple[int, int]], which: str, ask: Callable[..., tuple[int, str]]
) -> None:
    der = {
        "leaf": GOOD,
        "trust": ROOT.certificate.public_bytes(Encoding.DER),
        "untrusted": MIDDLE.certificate.public_bytes(Encoding.DER),
        "crl": listed(MIDDLE).public_bytes(Encoding.DER),
    }
    label = "X509 CRL" if which == "crl" else "CERTIFICATE"
    parts = {name: wrapped(data, "X509 CRL" if name == "crl" else "CERTIFICATE") for name, data in der.items()}
    parts[which] = wrapped(flipped(der[which], flips), label)
    code, said = ask(parts["leaf"], parts["trust"], parts["untrusted"], parts["crl"])
    assert code in (0, 1, NOT_VERIFIED), said
    if which == "leaf" and flipped(GOOD, flips) != GOOD:
        assert code == NOT_VERIFIED, said


def tower(height: int) -> list[Made]:
    steps = [ROOT]
    for number in range(height):
        steps.append(authority(f"step {number}", steps[-1], key=shared_key("ec256", 200 + number)))
    return steps[1:]


def test_a_hundred_steps_are_too_many(ask: Callable[..., tuple[int, str]]) -> None:
    steps = tower(100)
    code, said = ask(pem(leaf(steps[-1]).certificate), untrusted=pem(*(step.certificate for step in steps)))
    assert (code, said.count("- ")) == (NOT_VERIFIED, 1)
    assert "is more than 16 CAs away from a trust anchor [RFC 5280 6.1]" in said


def test_ten_thousand_copies_do_not_hide_the_way(ask: Callable[..., tuple[int, str]]) -> None:
    code, said = ask(
        pem(LEAF.certificate), untrusted=pem(authority("middle").certificate) * 10_000 + pem(MIDDLE.certificate)
    )
    assert code == 0, said


def test_a_thousand_namesakes_do_not_hide_the_way(ask: Callable[..., tuple[int, str]]) -> None:
    alike = [authority("middle", ROOT, key=shared_key("ec256", number % 20)) for number in range(1000)]
    code, said = ask(pem(LEAF.certificate), untrusted=pem(*(one.certificate for one in alike), MIDDLE.certificate))
    assert code == 0, said


def test_forged_lists_and_namesakes_are_not_tried_with_each_other(ask: Callable[..., tuple[int, str]]) -> None:
    alike = [
        authority("middle", ROOT, key=shared_key("ec256", number % 20), serial=10**6 + number) for number in range(1000)
    ]
    forged = [listed(MIDDLE, key=shared_key("ec384", number % 4), number=number) for number in range(500)]
    code, said = ask(
        pem(LEAF.certificate),
        untrusted=pem(*(one.certificate for one in alike), MIDDLE.certificate),
        crl=pem(*forged, listed(MIDDLE, LEAF.certificate)),
    )
    assert code == NOT_VERIFIED
    assert "was revoked" in said


def test_a_list_of_two_hundred_thousand_is_read(ask: Callable[..., tuple[int, str]]) -> None:
    entries = [entry(10**9 + number) for number in range(200_000)]
    code, said = ask(
        pem(LEAF.certificate), untrusted=pem(MIDDLE.certificate), crl=pem(listed(MIDDLE, *entries, LEAF.certificate))
    )
    assert code == NOT_VERIFIED
    assert "was revoked" in said


def test_constraints_of_many_authorities_are_compared_only_so_often(ask: Callable[..., tuple[int, str]]) -> None:
    bases = [x509.DNSName(f"b{number}.test") for number in range(2000)]
    steps = [ROOT]
    for number in range(10):
        limits = x509.NameConstraints(bases, None)
        steps.append(
            authority(f"limited {number}", steps[-1], key=shared_key("ec256", 200 + number), constraints=limits)
        )
    end = leaf(steps[-1], *(f"a.b{number}.test" for number in range(2000)))
    code, said = ask(pem(end.certificate), untrusted=pem(*(step.certificate for step in steps[1:])))
    assert code == NOT_VERIFIED
    assert "has name constraints that are too many to compare [RFC 5280 6.1.3 (b), (c)]" in said


def test_forged_lists_do_not_hide_the_true_one(ask: Callable[..., tuple[int, str]]) -> None:
    forged = [listed(MIDDLE, key=shared_key("ec256", number % 20), number=number) for number in range(500)]
    code, said = ask(
        pem(LEAF.certificate), untrusted=pem(MIDDLE.certificate), crl=pem(*forged, listed(MIDDLE, LEAF.certificate))
    )
    assert code == NOT_VERIFIED
    assert "was revoked" in said
