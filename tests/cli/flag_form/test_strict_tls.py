"""Mutual TLS with the flag form's certificates, judged by OpenSSL as Python 3.13 and later ask it to: strictly."""

from __future__ import annotations

import ssl

import pytest


def context(purpose, root, pair):
    """Return a strict context that trusts *root* alone, demands a certificate and shows *pair*."""
    made = ssl.SSLContext(purpose)
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(root)
    made.load_cert_chain(f"{pair}.crt", f"{pair}.key")
    return made


def shake_hands(server, client, hostname):
    """Do a handshake in memory and return the server's and the client's view of each other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=hostname),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    pending = list(ends)
    for _ in range(10):
        for end in tuple(pending):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            pending.remove(end)
    assert not pending
    return ends[1].getpeercert(), ends[0].getpeercert()


def common_name(peer):
    return dict(attribute for rdn in peer["subject"] for attribute in rdn)["commonName"]


def test_host_and_user_accept_each_other(certs_once):
    root = certs_once / "cas/vertex.crt"
    server = context(ssl.PROTOCOL_TLS_SERVER, root, certs_once / "hosts/cortex.vertex.link")
    client = context(ssl.PROTOCOL_TLS_CLIENT, root, certs_once / "users/visi@vertex.link")
    user, host = shake_hands(server, client, "cortex.vertex.link")
    assert (common_name(user), common_name(host)) == ("visi@vertex.link", "cortex.vertex.link")


def test_both_under_an_intermediate_need_only_the_root(easycert, certs):
    for argv in (["--ca", "sub"], ["--server", "deep.vertex.link"], ["deep@vertex.link"]):
        assert easycert(*argv, "--signas", "vertex" if argv[0] == "--ca" else "sub").code == 0
    root = certs / "cas/vertex.crt"
    server = context(ssl.PROTOCOL_TLS_SERVER, root, certs / "hosts/deep.vertex.link")
    client = context(ssl.PROTOCOL_TLS_CLIENT, root, certs / "users/deep@vertex.link")
    shake_hands(server, client, "deep.vertex.link")


@pytest.mark.parametrize("hostname", ["127.0.0.1", "www.vertex.link", "any.wild.vertex.link"])
def test_alternative_names_are_matched(easycert, certs, hostname):
    more = "IP:127.0.0.1,DNS:www.vertex.link,DNS:*.wild.vertex.link"
    assert easycert("--server", "a.vertex.link", "--signas", "vertex", "--server-sans", more).code == 0
    server = context(ssl.PROTOCOL_TLS_SERVER, certs / "cas/vertex.crt", certs / "hosts/a.vertex.link")
    client = context(ssl.PROTOCOL_TLS_CLIENT, certs / "cas/vertex.crt", certs / "users/visi@vertex.link")
    shake_hands(server, client, hostname)


def test_a_user_under_another_ca_is_refused(easycert, certs):
    assert easycert("intruder@vertex.link", "--signas", "other").code == 0
    server = context(ssl.PROTOCOL_TLS_SERVER, certs / "cas/vertex.crt", certs / "hosts/cortex.vertex.link")
    client = context(ssl.PROTOCOL_TLS_CLIENT, certs / "cas/vertex.crt", certs / "users/intruder@vertex.link")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, client, "cortex.vertex.link")


def test_another_host_name_is_refused(certs_once):
    root = certs_once / "cas/vertex.crt"
    server = context(ssl.PROTOCOL_TLS_SERVER, root, certs_once / "hosts/cortex.vertex.link")
    client = context(ssl.PROTOCOL_TLS_CLIENT, root, certs_once / "users/visi@vertex.link")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(server, client, "axon.vertex.link")
