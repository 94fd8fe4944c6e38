"""The second opinion: cryptography's verifier, asked about paths that it can judge."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from easycert.errors import VerificationFailed
from easycert.pki import verify as verification
from easycert.pki.members import Path, read_member
from easycert.pki.opinion import Question, can_judge, second_opinion
from easycert.pki.rules import Purpose
from easycert.pki.verify import Policy, verify
from tests.pki.chainmaker import Made, name, shared_key, usage
from tests.pki.corpus.case import AT, BEGIN, HOST, authority, leaf
from tests.pki.corpus.pages import every_case

QUESTION = Question(AT, Purpose.SERVER, HOST, 16)
ROOT = authority()
BARE = {"key_usage": None, "key_ids": False, "basic_critical": False}
HOSTS = x509.NameConstraints([x509.DNSName("example.com")], None)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")


def path(*made: Made) -> Path:
    """Return the path of these, the leaf first and the anchor last, judged by nobody."""
    last = len(made) - 1
    return tuple(
        read_member(one.certificate, is_leaf=not number, is_anchor=number == last) for number, one in enumerate(made)
    )


def under(root: Made, **changes: object) -> Path:
    middle = authority("middle", root, **changes)
    return path(leaf(middle), middle, root)


def test_a_good_path_is_accepted() -> None:
    assert second_opinion(under(ROOT), QUESTION) == ()


@pytest.mark.parametrize("purpose", Purpose)
def test_it_is_asked_for_every_purpose(purpose: Purpose) -> None:
    wanted = purpose if purpose in (Purpose.CLIENT, Purpose.CODE) else Purpose.SERVER
    made = authority("leaf", ROOT) if purpose is Purpose.CA else leaf(ROOT, purpose=wanted)
    assert second_opinion(path(made, ROOT), QUESTION._replace(purpose=purpose)) == ()


def test_what_synapse_makes_is_accepted() -> None:
    root = authority(**BARE)
    assert can_judge(path(leaf(root, **BARE), root))
    assert second_opinion(path(leaf(root, **BARE), root), QUESTION) == ()


SHORT = authority(path_length=0)
NARROW = authority(constraints=x509.NameConstraints([x509.DNSName("other.test")], None))
BAD = {
    "an expired CA": under(ROOT, not_before=BEGIN, not_after=AT.replace(day=1, month=5)),
    "no CA": under(ROOT, ca=False),
    "no keyCertSign": under(ROOT, key_usage=usage("crl_sign")),
    "a path length": under(SHORT),
    "name constraints": under(NARROW),
    "an unknown critical extension": under(ROOT, more=[(UNKNOWN, True)]),
    "a CA for clients": under(ROOT, extended=[Usage.CLIENT_AUTH]),
    "a signature of somebody else": path(leaf(authority("middle", ROOT)), authority("middle", ROOT), ROOT),
    "another host": path(leaf(ROOT, "mail.example.com"), ROOT),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_path_is_refused_on_its_own(bad: Path) -> None:
    """Nobody else has looked at these; so a rule that we forgot would not go unnoticed."""
    assert can_judge(bad)
    [reason] = second_opinion(bad, QUESTION)
    assert str(reason).startswith("is refused by cryptography's own verifier (validation failed")
    assert reason.section == "RFC 5280 6.1"


ED = authority(key=shared_key("ed25519"))
ROLLED = authority("root", SHORT)
ACME = authority("Acme")
BEYOND = {
    "an Edwards CA": path(leaf(ED), ED),
    "a self-issued CA": path(leaf(ROLLED), ROLLED, SHORT),
    "another spelling": path(leaf(ACME, issuer_name=name("ACME")), ACME),
    "critical policy constraints": under(ROOT, more=[(x509.PolicyConstraints(5, None), True)]),
    "constraints on URIs": under(
        authority(constraints=x509.NameConstraints([x509.UniformResourceIdentifier("a.b")], None))
    ),
    "constraints and an underscore": path(
        leaf(authority(constraints=HOSTS), "my_host.example.com"), authority(constraints=HOSTS)
    ),
}


@pytest.mark.parametrize("beyond", BEYOND.values(), ids=BEYOND)
def test_what_it_does_not_know_it_is_not_asked_about(beyond: Path) -> None:
    assert not can_judge(beyond)
    assert second_opinion(beyond, QUESTION) == ()


def test_a_host_that_it_takes_for_no_name_is_left_to_us() -> None:
    made = path(leaf(ROOT, "my_host.example.com"), ROOT)
    assert second_opinion(made, QUESTION._replace(reference="my_host.example.com")) == ()


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_most_good_paths_get_a_second_opinion() -> None:
    """Among 462 that were made to be odd; of what CAs really make, nearly all."""
    good = [case for _, case in every_case() if case.good]
    judged = 0
    for case in good:
        policy = Policy(case.anchors, case.at, case.pile, case.purpose, case.host, case.email, case.crls)
        if case.max_depth is not None:
            policy = policy._replace(max_depth=case.max_depth)
        found = verify(case.leaf, policy).path
        members = tuple(
            read_member(one, is_leaf=not number, is_anchor=one in case.anchors) for number, one in enumerate(found)
        )
        judged += can_judge(members)
    assert judged > len(good) * 0.6


def test_its_refusal_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """If our rules let something pass, it would still fail."""
    monkeypatch.setattr(verification, "Judge", lambda *_: lambda _member, _below: ())
    middle = authority("middle", ROOT, ca=False)
    policy = Policy((ROOT.certificate,), AT, (middle.certificate,), Purpose.SERVER, HOST)
    with pytest.raises(VerificationFailed, match="refused by cryptography's own verifier"):
        verify(leaf(middle).certificate, policy)
