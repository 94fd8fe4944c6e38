"""What mends a fault is found by the words of its reason: they must stay the words that the rules use."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import easycert
from easycert.errors import Reason
from easycert.pki.doctor.findings import Cure, Remedy
from easycert.pki.explain.programs import OURS
from easycert.workflows.probe_faults import CURES, Step, cure_of

PACKAGE = Path(easycert.__file__).parent


@cache
def sources() -> str:
    """Return the source of the rules and of the probe, as a reader of its messages sees it: joined, lower-case."""
    files = [path for folder in ("pki", "workflows", "tls") for path in sorted((PACKAGE / folder).glob("*.py"))]
    own = {"probe_faults.py"}
    text = " ".join(path.read_text(encoding="utf-8") for path in files if path.name not in own)
    joined = " ".join(text.split()).replace('" f"', "").replace('" "', "")
    return joined.lower()


@pytest.mark.parametrize("fragment", [fragment for fragment, *_ in CURES])
def test_every_cure_is_for_a_reason_that_there_is(fragment: str) -> None:
    assert fragment.lower() in sources()


@pytest.mark.parametrize(
    "phrase", [phrase for phrase in OURS if not phrase.startswith(("the server wants", "comes", "then"))]
)
def test_every_reason_of_our_own_that_is_explained_is_one(phrase: str) -> None:
    for piece in phrase.split(" ... "):
        assert piece in sources(), phrase


def test_what_has_no_cure_of_its_own_is_to_be_looked_at() -> None:
    assert cure_of(Reason("is odd", "RFC 5280 4")) == Remedy(Cure.LOOK)
    assert cure_of(Reason("expired on x", "RFC 5280 4")) == Remedy(Cure.RENEW)
    assert cure_of(Reason("is self-signed and not a trust anchor", "RFC 5280 4", "CN=root")) is Step.TRUST
