"""Python's ssl judges in a real handshake, strictly (VERIFY_X509_STRICT, as its default contexts do from 3.13 on)."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from easycert.model import Kind
from easycert.pki import certificates, keys
from easycert.pki.keys import KeyType
from tests.judges.authority import HOST, MLDSA, USER, Made, Wish, families, family, make

HIERARCHIES = [(profile, key_type) for profile, key_type in families() if key_type not in MLDSA]  # not in OpenSSL 3.0


def present(context: ssl.SSLContext, made: Made, folder: Path) -> None:
    """Load *made* with the intermediates above it, as the ``.crt`` of a host or user holds them."""
    chain, key = folder / f"{made.certificate.serial_number}.crt", folder / f"{made.certificate.serial_number}.key"
    chain.write_bytes(certificates.certificate_pem(made.certificate, *made.above[:-1]))
    key.write_bytes(keys.private_pem(made.key))
    context.load_cert_chain(chain, key)


def strict(purpose: int, root: Made) -> ssl.SSLContext:
    context = ssl.SSLContext(purpose)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=root.pem.decode())
    return context


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str = HOST) -> ssl.SSLObject:
    """Connect the two in memory; return the server's side, which knows who the client is. Raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    sides[1].write(b"hello")
    assert sides[0].read() == b"hello"
    return sides[1]


@pytest.mark.parametrize(("profile", "key_type"), HIERARCHIES)
def test_host_and_user_recognise_each_other(profile: str, key_type: KeyType, tmp_path: Path) -> None:
    kin = family(profile, key_type)
    server, client = strict(ssl.PROTOCOL_TLS_SERVER, kin.root), strict(ssl.PROTOCOL_TLS_CLIENT, kin.root)
    present(server, kin.host, tmp_path)
    present(client, kin.user, tmp_path)
    peer = shake_hands(server, client).getpeercert()
    assert peer
    assert peer["subject"] == ((("commonName", USER),),)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("profile", "key_type"), HIERARCHIES)
def test_the_key_usage_suits_every_version_of_TLS(
    profile: str, key_type: KeyType, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    kin = family(profile, key_type)
    server, client = strict(ssl.PROTOCOL_TLS_SERVER, kin.root), strict(ssl.PROTOCOL_TLS_CLIENT, kin.root)
    server.verify_mode = ssl.CERT_NONE
    client.minimum_version = client.maximum_version = version
    present(server, kin.host, tmp_path)
    assert shake_hands(server, client).version() == version.name.replace("v1_", "v1.")


def test_a_user_is_no_server(tmp_path: Path) -> None:
    kin = family("modern", KeyType.EC256)
    server, client = strict(ssl.PROTOCOL_TLS_SERVER, kin.root), strict(ssl.PROTOCOL_TLS_CLIENT, kin.root)
    present(server, kin.user, tmp_path)
    client.check_hostname = False
    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        shake_hands(server, client)


def test_a_host_is_no_client(tmp_path: Path) -> None:
    kin = family("modern", KeyType.EC256)
    server, client = strict(ssl.PROTOCOL_TLS_SERVER, kin.root), strict(ssl.PROTOCOL_TLS_CLIENT, kin.root)
    present(server, kin.host, tmp_path)
    present(client, kin.host, tmp_path)
    with pytest.raises(ssl.SSLError):
        shake_hands(server, client)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("2001:db8::1", "2001:db8::1"),
        ("192.0.2.1", "192.0.2.1"),
        ("*.example.com", "www.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        (f"{'x' * 60}.example.com", f"{'x' * 60}.example.com"),
    ],
)
def test_every_kind_of_host_name_is_recognised(name: str, host: str, tmp_path: Path) -> None:
    root = family("modern", KeyType.EC256).root
    server, client = strict(ssl.PROTOCOL_TLS_SERVER, root), strict(ssl.PROTOCOL_TLS_CLIENT, root)
    server.verify_mode = ssl.CERT_NONE
    present(server, make(Wish(Kind.HOST, name), root), tmp_path)
    assert shake_hands(server, client, host).version()
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(server, client, "other.example.org")


def test_a_root_that_is_not_trusted_is_refused(tmp_path: Path) -> None:
    kin, stranger = family("modern", KeyType.EC256), family("modern", KeyType.EC384)
    server, client = strict(ssl.PROTOCOL_TLS_SERVER, kin.root), strict(ssl.PROTOCOL_TLS_CLIENT, stranger.root)
    present(server, kin.host, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, client)
