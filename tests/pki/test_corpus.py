"""Our verdicts on certificates that nobody at easycert would make, and those of three other verifiers.

Where another one rules otherwise the case says why we do not follow it; an excuse that is no longer needed fails, too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from easycert.errors import VerificationFailed
from easycert.pki.verify import Policy, verify
from tests.pki.corpus import judges
from tests.pki.corpus.case import Case
from tests.pki.corpus.pages import every_case

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")

CASES = every_case()


def every(*, unable: str = "") -> pytest.MarkDecorator:
    """Return the parametrization of a test with every case that a judge can be asked."""
    chosen = [(page, case) for page, case in CASES if unable not in case.unable]
    return pytest.mark.parametrize(
        "case", [case for _, case in chosen], ids=[f"{page}: {case.fact}" for page, case in chosen]
    )


def verdict(case: Case) -> tuple[str, ...]:
    """Return every reason that we find against a certificate; none where it is good."""
    policy = Policy(case.anchors, case.at, case.pile, case.purpose, case.host, case.email, case.crls, case.require_crl)
    if case.max_depth is not None:
        policy = policy._replace(max_depth=case.max_depth)
    try:
        verify(case.leaf, policy)
    except VerificationFailed as failed:
        for reason in failed.reasons:
            assert reason.section, reason
            assert str(reason).endswith(f" [{reason.section}]")
        return tuple(map(str, failed.reasons))
    return ()


@every()
def test_our_verdict(case: Case) -> None:
    """Every reason ends with its section, and one of them is the one that the case is about."""
    reasons = verdict(case)
    assert (not reasons) == case.good, reasons
    if reasons:
        assert any(why in reason for why in case.why.split("|") for reason in reasons), reasons


def test_no_two_cases_say_the_same() -> None:
    facts = [(page, case.fact) for page, case in CASES]
    assert len(set(facts)) == len(facts)


def compare(judge: str, case: Case, accepted: bool | None, said: str) -> None:
    """Hold another judge's verdict against ours, and against what the case says of that judge."""
    if accepted is None:
        return
    differs = case.differs.get(judge)
    assert (accepted != case.good) == (differs is not None), said or "accepted"


@pytest.mark.real
@every(unable="openssl")
def test_openssl_agrees_or_we_say_why_not(case: Case, tmp_path: Path, need: Callable[[str], str]) -> None:
    compare("openssl", case, *judges.openssl(case, need("openssl"), tmp_path))


@pytest.mark.real
@every(unable="gnutls")
def test_gnutls_agrees_or_we_say_why_not(case: Case, tmp_path: Path, need: Callable[[str], str]) -> None:
    compare("gnutls", case, *judges.gnutls(case, need("certtool"), tmp_path))


@every(unable="cryptography")
def test_the_verifier_of_cryptography_agrees_or_we_say_why_not(case: Case) -> None:
    compare("cryptography", case, *judges.cryptography(case))
