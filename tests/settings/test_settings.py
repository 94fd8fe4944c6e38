"""easycert.toml: a strict schema, and what each key does to what is made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from easycert.certdir import CertDir
from easycert.errors import LintRefused, Malformed
from easycert.ledger.records import Query
from easycert.model import Kind
from easycert.pki.certificates import IssuerUrls
from easycert.pki.keys import KeyType
from easycert.pki.names import CaName, HostName
from easycert.pki.profiles import MODERN, SYNAPSE
from easycert.pki.validity import When
from easycert.settings import Settings, parse_settings
from easycert.store import layout
from easycert.workflows.issue import Issued, IssueRequest, issue
from tests.workflows.examples import Clock, directory

WHOLE = b"""
profile = "synapse"
key_type = "rsa3072"
subject = "O=Acme,C=FR"
crl_url = "http://pki.example.com/{ca}.crl"
issuer_url = "http://pki.example.com/{ca}.crt"
ocsp_url = "http://ocsp.example.com/"
waive = ["san-wildcard"]

[validity]
root = "20y"
intermediate = "10y"
host = "90d"
user = "12h"
code = "1y"
crl = "30d"
"""


def parsed(text: str) -> Settings:
    return parse_settings(text.encode(), "/certs/easycert.toml")


def refused(text: str) -> str:
    with pytest.raises(Malformed) as told:
        parsed(text)
    assert str(told.value).startswith("/certs/easycert.toml is not a file of settings: ")
    return told.value.reason


def test_an_empty_file_says_nothing() -> None:
    assert parsed("") == Settings()


def test_every_key_is_read() -> None:
    from easycert.pki.lint import RULES

    known = next(iter(RULES))
    settings = parse_settings(WHOLE.replace(b"san-wildcard", known.encode()), "it")
    assert (settings.profile, settings.key_type, len(settings.subject)) == ("synapse", KeyType.RSA3072, 2)
    assert settings.waivers == {known}
    assert dict(settings.lifetimes)["host"] == When(None, timedelta(days=90))
    assert settings.crl_lifetime == When(None, timedelta(days=30))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("profil = 'modern'", "did you mean 'profile'?"),
        ("colour = 'blue'", "known are "),
        ("profile = 'modren'", "is not one of modern, synapse"),
        ("profile = 1", "is not a text in quotation marks"),
        ("key_type = 'rsa1024'", "is not one of"),
        ("subject = 'CN=x'", "must not set CN"),
        ("crl_url = 'https://pki.example.com/'", "does not begin with http://"),
        ("crl_url = 'http://pki example/'", "is not an absolute URI"),
        ("ocsp_url = 'file:///etc/passwd'", "does not begin with http://"),
        ("ocsp_url = 'http://a..b/'", "is not a DNS name"),
        ("waive = 'all'", "is not a list"),
        ("waive = ['no-such-rule']", "is no rule of lint"),
        ("[validity]\nhosts = '90d'", "did you mean 'host'?"),
        ("[validity]\nhost = 90", "is not a text in quotation marks"),
        ("[validity]\nhost = '2030-01-01'", "is not a time span"),
        ("[validity]\nhost = '0d'", "is not a time span"),
        ("validity = '90d'", "is not a table"),
        ("profile =", "Invalid value"),
    ],
)
def test_what_is_not_understood_is_refused_and_named(text: str, reason: str) -> None:
    assert reason in refused(text)


@given(st.binary(max_size=80))
def test_other_bytes_are_settings_or_refused(data: bytes) -> None:
    try:
        parse_settings(data, "it")
    except Malformed as error:
        assert str(error).isprintable()


def test_the_sites_profile_has_the_sites_lifetimes_and_key_type() -> None:
    site = parsed("key_type = 'ec384'\n[validity]\nhost = '90d'\ncrl = '1d'")
    profile = site.profile_for()
    assert profile.host.lifetime == When(None, timedelta(days=90))
    assert (profile.key_type, profile.crl_lifetime) == (KeyType.EC384, When(None, timedelta(days=1)))
    assert profile.user == MODERN.user


def test_a_profile_that_is_asked_for_by_name_is_the_one_that_everybody_knows() -> None:
    site = parsed("[validity]\nhost = '90d'")
    assert site.profile_for("synapse") == SYNAPSE
    assert site.profile_for("modern") == site.profile_for()


def test_the_name_of_the_ca_is_filled_in_and_percent_encoded() -> None:
    site = parsed("crl_url = 'http://pki.example.com/{ca}.crl'\nocsp_url = 'http://ocsp.example.com/'")
    assert site.urls_for("Acme Root/1") == IssuerUrls(
        crl="http://pki.example.com/Acme%20Root%2F1.crl", ocsp="http://ocsp.example.com/"
    )


# --- what is made ----------------------------------------------------------------------------------------------------


def site(text: str) -> CertDir:
    certdir = directory(Clock())
    certdir.store.files[layout.SETTINGS.path] = text.encode()  # type: ignore[attr-defined]
    return certdir


def made(certdir: CertDir, kind: Kind, name: CaName | HostName, signas: str | None = None) -> Issued:
    return issue(certdir, [IssueRequest(kind, name, signas and CaName(signas))])[0]


def test_certificates_say_where_crl_issuer_and_responder_are() -> None:
    certdir = site(WHOLE.decode().replace('waive = ["san-wildcard"]', "").replace('"synapse"', '"modern"'))
    made(certdir, Kind.CA, CaName("root"))
    extensions = made(certdir, Kind.HOST, HostName("a.example"), "root").certificate.extensions
    (point,) = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [name.value for name in point.full_name or ()] == ["http://pki.example.com/root.crl"]
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert [item.access_location.value for item in access] == [
        "http://ocsp.example.com/",
        "http://pki.example.com/root.crt",
    ]


def test_a_root_says_none_of_it() -> None:
    certdir = site("crl_url = 'http://pki.example.com/{ca}.crl'\nocsp_url = 'http://ocsp.example.com/'")
    oids = {item.oid for item in made(certdir, Kind.CA, CaName("root")).certificate.extensions}
    assert x509.CRLDistributionPoints.oid not in oids
    assert x509.AuthorityInformationAccess.oid not in oids


def test_a_waived_rule_lets_the_certificate_through_and_the_ledger_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    from easycert.pki.lint import Finding, Severity
    from easycert.workflows import signing

    broken = Finding("serial-positive", Severity.ERROR, "RFC 5280 4.1.2.2", "the serial number is not positive")
    monkeypatch.setattr(signing, "lint_certificate", lambda *_, **__: (broken,))
    with pytest.raises(LintRefused, match="would break the rule serial-positive"):
        made(site(""), Kind.CA, CaName("root"))
    certdir = site("")
    certdir.settings = Settings(waivers=frozenset({"serial-positive"}))  # type: ignore[misc]
    made(certdir, Kind.CA, CaName("root"))
    assert certdir.ledger.records(Query(name="root"))[0].waived == "serial-positive"
