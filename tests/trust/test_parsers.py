"""What programs and files of others say, understood; and nothing that they might say is the end of us."""

from __future__ import annotations

import base64
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from easycert.trust.firefox import profile_paths
from easycert.trust.java import trusted_entries
from easycert.trust.nss import trust_flags
from easycert.trust.pemfiles import certificates_in

PROFILES = """[Install4F96D1932A9F858E]
Default=abc.default-release
Locked=1

[Profile1]
Name=default
IsRelative=1
Path=abc.default-release
Default=1

[Profile0]
Name=elsewhere; with = and %(odd)s signs
IsRelative=0
Path=/srv/a profile

[General]
StartWithLastProfile=1
Version=2
"""
LISTING = """
Certificate Nickname                                         Trust Attributes
                                                             SSL,S/MIME,JAR/XPI

easycert-root-0123456789abcdef                               C,,  
a name, with commas                                          ,,   
DigiCert SHA2 Secure Server CA - DigiCert Inc                CT,c,p
mine                                                         u,u,u
"""  # noqa: W291  (so does certutil)


def pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def test_profiles_are_found_relative_to_their_file_or_where_they_say() -> None:
    assert profile_paths(PROFILES, "/base") == ("/base/abc.default-release", "/srv/a profile")


@given(st.text())
def test_any_profiles_ini_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        for path in profile_paths(text, "/base"):
            assert path.startswith("/")
            assert "\0" not in path


def test_a_listing_of_certutil_tells_what_each_name_is_trusted_for() -> None:
    assert trust_flags(LISTING) == {
        "easycert-root-0123456789abcdef": "C",
        "a name, with commas": "",
        "DigiCert SHA2 Secure Server CA - DigiCert Inc": "CT",
        "mine": "u",
    }


@given(st.text())
def test_any_listing_of_certutil_is_read(text: str) -> None:
    for name, flags in trust_flags(text).items():
        assert name.strip() == name != ""
        assert set(flags) <= set("pPcCTuw")


def test_a_listing_of_keytool_tells_the_certificate_of_each_alias() -> None:
    listing = b"Keystore type: PKCS12\n\nYour keystore contains 3 entries\n\n"
    for alias, kind, der in (("one", "trusted", b"1"), ("key", "PrivateKey", b"2"), ("a b", "trusted", b"3")):
        entry = "trustedCertEntry" if kind == "trusted" else "PrivateKeyEntry"
        listing += f"Alias name: {alias}\nCreation date: Jan 1, 2026\nEntry type: {entry}\n\n".encode() + pem(der)
    assert list(trusted_entries(listing)) == [("one", b"1"), ("a b", b"3")]


@given(st.binary())
def test_any_listing_of_keytool_is_read(listing: bytes) -> None:
    list(trusted_entries(b"Alias name: x\n" + listing + b"\nAlias name: y"))


@given(st.lists(st.binary(min_size=1)), st.binary().filter(lambda text: b"-" not in text))
def test_certificates_are_found_between_anything(ders: list[bytes], between: bytes) -> None:
    assert list(certificates_in(between.join([b"", *map(pem, ders), b""]))) == ders


@given(st.binary())
def test_any_bytes_are_looked_through_for_certificates(data: bytes) -> None:
    list(certificates_in(b"-----BEGIN CERTIFICATE-----" + data + b"-----END CERTIFICATE-----"))
