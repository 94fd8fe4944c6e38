"""What easycert itself makes breaks no rule of level error: every profile, kind and key type."""

from __future__ import annotations

import itertools

import pytest

from easycert.model import Kind
from easycert.pki.keys import KeyType
from easycert.pki.lint import Severity, lint_certificate
from tests.judges.authority import family, oddities

KINDS = {"root": Kind.CA, "intermediate": Kind.CA, "host": Kind.HOST, "user": Kind.USER, "code": Kind.CODE}


@pytest.mark.parametrize(("profile", "key_type"), list(itertools.product(("modern", "synapse"), KeyType)))
def test_no_certificate_of_a_family_has_an_error(profile: str, key_type: KeyType) -> None:
    for name, made in family(profile, key_type).members():
        issuer = made.above[0] if made.above else None
        found = lint_certificate(made.certificate, issuer, KINDS[name])
        assert [finding for finding in found if finding.severity is Severity.ERROR] == [], name


def test_no_unusual_certificate_has_an_error() -> None:
    for name, made in oddities():
        found = lint_certificate(made.certificate, made.above[0] if made.above else None)
        assert [finding for finding in found if finding.severity is Severity.ERROR] == [], name
