"""What a CA must refuse to sign (hazards D1 to D12)."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from easycert.errors import EasycertError, IssuerUnusable, NotPermitted
from easycert.model import Kind
from easycert.pki.certificates import CertificateSpec
from easycert.pki.issuers import (
    path_length_left,
    require_may_sign_certificates,
    require_may_sign_crls,
    require_permits,
    require_valid,
)
from easycert.pki.profiles import MODERN, SYNAPSE
from easycert.pki.sans import parse_san
from easycert.pki.subjects import distinguished_name
from easycert.pki.validity import Validity

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@functools.cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def usage(*wanted: str) -> x509.KeyUsage:
    every = "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign"
    return x509.KeyUsage(**{bit: bit in wanted for bit in f"{every} crl_sign encipher_only decipher_only".split()})


def ca(*extensions: x509.ExtensionType, name: str = "ca", issuer: str = "root") -> x509.Certificate:
    """Return a CA certificate with these extensions and no others, valid for a day either side of NOW."""
    builder = x509.CertificateBuilder(
        distinguished_name(issuer), distinguished_name(name), key().public_key(), 7, NOW - DAY, NOW + DAY
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key(), hashes.SHA256())


def depth(length: int | None) -> x509.BasicConstraints:
    return x509.BasicConstraints(True, length)


def spec(kind: Kind = Kind.HOST, *sans: str, path_length: int | None = None, cn: str | None = "x") -> CertificateSpec:
    return CertificateSpec(
        kind=kind,
        subject=distinguished_name(cn),
        sans=tuple(map(parse_san, sans)),
        validity=Validity(NOW, NOW + DAY),
        profile=MODERN,
        serial=1,
        self_signed=False,
        path_length=path_length,
    )


def test_D1_a_CA_signs_from_its_first_second_to_its_last() -> None:
    """RFC 5280 section 4.1.2.5: both ends are included."""
    certificate = ca(depth(None))
    for moment in (NOW - DAY, NOW, NOW + DAY):
        require_valid(certificate, "ca", moment)


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        (NOW + DAY + SECOND, "the CA 'ca': it expired on 2026-06-02T12:00:00Z"),
        (NOW - DAY - SECOND, "the CA 'ca': it is not valid before 2026-05-31T12:00:00Z"),
    ],
)
def test_D1_before_and_after_it_is_refused_with_the_date(moment: datetime, sentence: str) -> None:
    with pytest.raises(IssuerUnusable) as refusal:
        require_valid(ca(depth(None)), "ca", moment)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    "extensions", [[depth(None)], [depth(0), usage("key_cert_sign")], [depth(1), usage("key_cert_sign", "crl_sign")]]
)
def test_D6_a_CA_may_sign_certificates(extensions: list[x509.ExtensionType]) -> None:
    """Without a key usage extension every use is allowed (RFC 5280 section 4.2.1.3); Synapse's old CAs have none."""
    require_may_sign_certificates(ca(*extensions), "ca")


@pytest.mark.parametrize(
    ("extensions", "reason"),
    [
        ([], "not a CA's"),
        ([x509.BasicConstraints(False, None)], "not a CA's"),
        ([usage("key_cert_sign")], "not a CA's"),
        ([depth(None), usage("crl_sign")], "keyCertSign"),
        ([depth(None), usage("digital_signature")], "keyCertSign"),
    ],
)
def test_D6_D11_what_is_no_CA_signs_nothing(extensions: list[x509.ExtensionType], reason: str) -> None:
    with pytest.raises(IssuerUnusable, match=reason):
        require_may_sign_certificates(ca(*extensions), "ca")


@pytest.mark.parametrize("extensions", [[depth(None)], [depth(None), usage("crl_sign")]])
def test_D6_a_CA_may_sign_CRLs(extensions: list[x509.ExtensionType]) -> None:
    require_may_sign_crls(ca(*extensions), "ca")


def test_D6_a_CA_without_cRLSign_signs_no_CRL() -> None:
    with pytest.raises(IssuerUnusable, match="cRLSign"):
        require_may_sign_crls(ca(depth(None), usage("key_cert_sign")), "ca")


@pytest.mark.parametrize(
    ("lengths", "left"),
    [
        ([None], None),
        ([0], 0),
        ([3], 3),
        ([None, None], None),
        ([None, 1], 0),
        ([None, 0], -1),
        ([0, 5], 0),
        ([5, 1], 0),
        ([None, None, 2], 0),
        ([7, None, 9], 7),
    ],
)
def test_D3_how_many_CAs_may_still_stand_below(lengths: list[int | None], left: int | None) -> None:
    """RFC 5280 section 4.2.1.9: the most binding of the path counts (*lengths*: the CA first, its root last)."""
    path = [ca(depth(length), name=f"ca {number}") for number, length in enumerate(lengths)]
    assert path_length_left(path) == left


def test_D3_self_issued_certificates_do_not_count() -> None:
    """RFC 5280 section 6.1.4 (l)."""
    rolled_over = ca(depth(None), name="root", issuer="root")
    assert path_length_left([ca(depth(None)), rolled_over, ca(depth(1), name="root")]) == 0


@pytest.mark.parametrize(
    ("own", "wanted", "permitted"),
    [
        (None, None, True),
        (None, 5, True),
        (2, 1, True),
        (1, 0, True),
        (1, 1, False),
        (1, 2, False),
        (1, None, False),
        (0, 0, False),
        (0, None, False),
    ],
)
def test_D3_a_CA_below_has_a_shorter_path_length(own: int | None, wanted: int | None, permitted: bool) -> None:
    path, wish = [ca(depth(own))], spec(Kind.CA, path_length=wanted)
    if permitted:
        require_permits(path, "ca", wish)
        return
    with pytest.raises(IssuerUnusable, match="path length"):
        require_permits(path, "ca", wish)


def test_D3_the_path_length_does_not_matter_for_leaves() -> None:
    require_permits([ca(depth(0)), ca(depth(0), name="root")], "ca", spec())


CONSTRAINED = x509.NameConstraints(
    [x509.DNSName("example.com"), x509.RFC822Name("example.com"), x509.DirectoryName(distinguished_name("x"))],
    [x509.DNSName("secret.example.com")],
)


@pytest.mark.parametrize("sans", [["www.example.com"], ["example.com", "a.b.example.com"], ["bob@example.com"], []])
def test_D4_names_inside_the_constraints_are_signed(sans: list[str]) -> None:
    require_permits([ca(depth(0), CONSTRAINED)], "ca", spec(Kind.HOST, *sans))


@pytest.mark.parametrize(
    "sans",
    [
        ["www.example.org"],
        ["www.example.com", "evil.test"],
        ["a.secret.example.com"],
        ["*.secret.example.com"],
        ["*.example.com"],  # it reaches the excluded name
        ["bob@evil.test"],
    ],
)
def test_D4_names_outside_are_refused_before_signing(sans: list[str]) -> None:
    with pytest.raises(NotPermitted, match="name constraints forbid"):
        require_permits([ca(depth(0), CONSTRAINED)], "ca", spec(Kind.HOST, *sans))


def test_D4_constraints_of_every_CA_above_count() -> None:
    with pytest.raises(NotPermitted):
        require_permits([ca(depth(0)), ca(depth(1), CONSTRAINED, name="root")], "ca", spec(Kind.HOST, "evil.test"))


def test_D4_the_subject_is_judged_too() -> None:
    with pytest.raises(NotPermitted):
        require_permits([ca(depth(0), CONSTRAINED)], "ca", spec(Kind.HOST, "www.example.com", cn="y"))


def ekus(*oids: x509.ObjectIdentifier) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage(oids)


SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
ANY_USAGE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


@pytest.mark.parametrize("usages", [[SERVER], [SERVER, CLIENT], [ANY_USAGE], [CLIENT, ANY_USAGE]])
def test_D10_a_purpose_within_the_CAs_own_is_signed(usages: list[x509.ObjectIdentifier]) -> None:
    require_permits([ca(depth(0), ekus(*usages))], "ca", spec(Kind.HOST))


@pytest.mark.parametrize("kind", [Kind.USER, Kind.CODE])
def test_D10_a_purpose_beyond_the_CAs_own_is_refused_and_named(kind: Kind) -> None:
    """BR 7.1.2.10.6; what OpenSSL and Windows enforce although RFC 5280 does not."""
    wanted = {Kind.USER: "clientAuth", Kind.CODE: "codeSigning"}[kind]
    with pytest.raises(IssuerUnusable, match=wanted):
        require_permits([ca(depth(0), ekus(SERVER))], "ca", spec(kind))


def test_D10_purposes_of_every_CA_above_count() -> None:
    with pytest.raises(IssuerUnusable):
        require_permits([ca(depth(0)), ca(depth(1), ekus(SERVER), name="root")], "ca", spec(Kind.USER))


def test_D10_a_CA_without_purposes_signs_for_all() -> None:
    for kind in (Kind.HOST, Kind.USER, Kind.CODE):
        require_permits([ca(depth(0))], "ca", spec(kind))


def test_the_profile_of_synapse_is_judged_alike() -> None:
    with pytest.raises(IssuerUnusable):
        require_permits([ca(depth(0), ekus(SERVER))], "ca", spec(Kind.USER)._replace(profile=SYNAPSE))


@given(st.text(min_size=1, max_size=60))
def test_a_refusal_is_one_line_whatever_the_CA_is_called(name: str) -> None:
    refusals: list[EasycertError] = []
    for check in (
        lambda: require_valid(ca_once(), name, NOW + 2 * DAY),
        lambda: require_may_sign_crls(ca_once(), name),
        lambda: require_permits([ca_once()], name, spec(Kind.CA)),
    ):
        with pytest.raises(IssuerUnusable) as refusal:
            check()
        refusals.append(refusal.value)
    assert all(str(error).isprintable() for error in refusals)


@functools.cache
def ca_once() -> x509.Certificate:
    return ca(depth(0), usage("key_cert_sign"))
