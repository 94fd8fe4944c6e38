"""Our verdicts held against those of OpenSSL and of cryptography's verifier, chain by chain.

Where a judge rules differently by design, the case leaves it out: cryptography's verifier knows no CRLs, Ed25519 CAs,
CAs without key identifiers, self-issued CAs, leaves without extended key usage or directory-name constraints, and does
not look at the strength of a leaf's key; OpenSSL takes a CA's certificate for a server's and ``w*`` for a wildcard.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from easycert.errors import VerificationFailed
from easycert.pki.verify import Policy, Purpose, verify
from tests.pki.chainmaker import DAY, NOW, Made, ca, corrupted, crl, general_name, name, pem, server, shared_key, usage

HOST = "www.example.com"


@dataclass(frozen=True)
class Case:
    """A chain (leaf first, anchor last) for a server, whether it is good, and who can judge it."""

    fact: str
    good: bool
    chain: tuple[Made, ...]
    host: str = HOST
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    openssl: bool = True
    cryptography: bool = True

    @property
    def certificates(self) -> list[x509.Certificate]:
        return [made.certificate for made in self.chain]


def permitted(*names: str) -> x509.NameConstraints:
    return x509.NameConstraints([general_name(text) for text in names], None)


def excluded(*names: str) -> x509.NameConstraints:
    return x509.NameConstraints(None, [general_name(text) for text in names])


def under(root: Made, **changes: object) -> tuple[Made, ...]:
    lower = ca("lower", root, **changes)
    return server(lower), lower, root


def spoiled(made: Made) -> Made:
    return Made(corrupted(made.certificate), made.key, made.name)


ROOT = ca()
LOWER = ca("lower", ROOT)
LEAF = server(LOWER)
UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)
BARE = {"key_usage": None, "key_ids": False, "basic_critical": False}
SYNAPSE = ca(**BARE)
NO_DEPTH, ONE_DEEP = ca(path_length=0), ca(path_length=1)
ONLY_CLIENTS = ca(extended=[Usage.CLIENT_AUTH])
DNS_CA, NOT_DNS_CA = ca(constraints=permitted("example.com")), ca(constraints=excluded("example.com"))
DIRECTORY_CA = ca(constraints=x509.NameConstraints(None, [x509.DirectoryName(name("lower"))]))
ED_CA, ED448_CA, RSA_CA = (ca(key=shared_key(kind)) for kind in ("ed25519", "ed448", "rsa2048"))
WEAK_CA = ca(key=shared_key("rsa1024"))
OLD_CA, FUTURE_CA = ca(not_after=NOW - DAY), ca(not_before=NOW + DAY)
FRESH = crl(ROOT), crl(LOWER)
THREE = ca("lowest", LOWER)
ROLLED = ca("root", NO_DEPTH)

CASES = [
    Case("a leaf under a root", True, (server(ROOT), ROOT)),
    Case("a leaf under an intermediate", True, (LEAF, LOWER, ROOT)),
    Case("two intermediates", True, (server(THREE), THREE, LOWER, ROOT)),
    Case("an RSA root", True, (server(RSA_CA), RSA_CA)),
    Case("an Ed25519 root", True, (server(ED_CA), ED_CA), cryptography=False),
    Case("an Ed448 root", True, (server(ED448_CA), ED448_CA), cryptography=False),
    Case("CAs as Synapse makes them", True, (server(SYNAPSE, **BARE), SYNAPSE), cryptography=False),
    Case("a missing intermediate", False, (LEAF, ROOT)),
    Case("another root of the same name", False, (server(ca()), ROOT)),
    Case("a root of the same name without key identifiers", False, (server(ca(**BARE), **BARE), SYNAPSE)),
    Case("a broken signature on the leaf", False, (spoiled(server(ROOT)), ROOT)),
    Case("a broken signature on the intermediate", False, (LEAF, spoiled(LOWER), ROOT)),
    Case("a self-signed leaf", False, (server(None), ROOT)),
    Case("an expired leaf", False, (server(ROOT, not_after=NOW - DAY), ROOT)),
    Case("a leaf of tomorrow", False, (server(ROOT, not_before=NOW + DAY), ROOT)),
    Case("an expired intermediate", False, under(ROOT, not_after=NOW - DAY)),
    Case("an expired root", False, (server(OLD_CA), OLD_CA)),
    Case("a root of tomorrow", False, (server(FUTURE_CA), FUTURE_CA)),
    Case("an intermediate that is no CA", False, under(ROOT, ca=False)),
    Case("an intermediate without basic constraints", False, under(ROOT, ca=None, key_usage=None)),
    Case("an intermediate without keyCertSign", False, under(ROOT, key_usage=usage("digital_signature"))),
    Case("path length 0 and no CA below", True, (server(NO_DEPTH), NO_DEPTH)),
    Case("path length 0 and a CA below", False, under(NO_DEPTH)),
    Case("path length 1 and a CA below", True, under(ONE_DEEP)),
    Case("path length 0 and the CA itself below", True, (server(ROLLED), ROLLED, NO_DEPTH), cryptography=False),
    Case("a critical extension nobody knows", False, (server(ROOT, more=[UNKNOWN]), ROOT)),
    Case("an intermediate's critical extension", False, under(ROOT, more=[UNKNOWN])),
    Case("a leaf for clients", False, (server(ROOT, extended=[Usage.CLIENT_AUTH]), ROOT)),
    Case("a leaf for anything", True, (server(ROOT, extended=()), ROOT), cryptography=False),
    Case("an intermediate for clients", False, under(ROOT, extended=[Usage.CLIENT_AUTH])),
    Case("a root for clients", False, (server(ONLY_CLIENTS), ONLY_CLIENTS)),
    Case("an intermediate for servers", True, under(ROOT, extended=[Usage.SERVER_AUTH])),
    Case("a permitted name", True, (server(DNS_CA), DNS_CA)),
    Case("a name that is not permitted", False, (server(DNS_CA, HOST, "evil.test"), DNS_CA)),
    Case("a permitted wildcard", True, (server(DNS_CA, "*.example.com"), DNS_CA)),
    Case("an excluded name", False, (server(NOT_DNS_CA), NOT_DNS_CA)),
    Case("an excluded name of an intermediate", False, under(DIRECTORY_CA), cryptography=False),
    Case("a directory name that is not excluded", True, (server(DIRECTORY_CA), DIRECTORY_CA), cryptography=False),
    Case("another host", False, (LEAF, LOWER, ROOT), host="mail.example.com"),
    Case("a wildcard", True, (server(ROOT, "*.example.com"), ROOT)),
    Case("a wildcard two labels up", False, (server(ROOT, "*.example.com"), ROOT), host="a.b.example.com"),
    Case("a wildcard for itself", False, (server(ROOT, "*.example.com"), ROOT), host="example.com"),
    Case(
        "a wildcard over a top-level domain",
        False,
        (server(ROOT, "*.com"), ROOT),
        host="example.com",
        cryptography=False,
    ),
    Case("a wildcard within a label", False, (server(ROOT, "w*.example.com"), ROOT), openssl=False),
    Case("an address", True, (server(ROOT, "10.0.0.1"), ROOT), host="10.0.0.1"),
    Case("another address", False, (server(ROOT, "10.0.0.1"), ROOT), host="10.0.0.2"),
    Case("an IPv6 address", True, (server(ROOT, "2001:db8::1"), ROOT), host="2001:db8:0::1"),
    Case("a weak key in the leaf", False, (server(ROOT, key=shared_key("rsa1024")), ROOT), cryptography=False),
    Case("a weak key in the intermediate", False, under(ROOT, key=shared_key("rsa1024"))),
    Case("a weak key in the root", False, (server(WEAK_CA), WEAK_CA)),
    Case("a CA for a server", False, (server(ROOT, ca=True), ROOT), openssl=False),
    Case("fresh CRLs", True, (LEAF, LOWER, ROOT), crls=FRESH, cryptography=False),
    Case(
        "a revoked leaf", False, (LEAF, LOWER, ROOT), crls=(FRESH[0], crl(LOWER, LEAF.certificate)), cryptography=False
    ),
    Case("a revoked CA", False, (LEAF, LOWER, ROOT), crls=(crl(ROOT, LOWER.certificate), FRESH[1]), cryptography=False),
    Case("a missing CRL", False, (LEAF, LOWER, ROOT), crls=FRESH[:1], cryptography=False),
    Case(
        "a stale CRL",
        False,
        (LEAF, LOWER, ROOT),
        crls=(FRESH[0], crl(LOWER, this_update=NOW - 3 * DAY, next_update=NOW - DAY)),
        cryptography=False,
    ),
    Case(
        "a CRL by a stranger's key",
        False,
        (LEAF, LOWER, ROOT),
        crls=(FRESH[0], crl(LOWER, key=shared_key("ec256", 6), key_ids=False)),
        cryptography=False,
    ),
]


def facts(cases: list[Case]) -> list[str]:
    return [case.fact for case in cases]


@pytest.mark.parametrize("case", CASES, ids=facts(CASES))
def test_our_verdict(case: Case) -> None:
    *intermediates, anchor = case.certificates[1:]
    policy = Policy(
        (anchor,),
        NOW,
        tuple(intermediates),
        purpose=Purpose.SERVER,
        hostname=case.host,
        crls=case.crls,
        require_crl=bool(case.crls),
    )
    try:
        verify(case.certificates[0], policy)
    except VerificationFailed as failed:
        assert not case.good, failed.reasons
    else:
        assert case.good


OPENSSL_CASES = [case for case in CASES if case.openssl]


@pytest.mark.real
@pytest.mark.parametrize("case", OPENSSL_CASES, ids=facts(OPENSSL_CASES))
def test_the_verdict_of_openssl_is_the_same(case: Case, tmp_path: Path, need: Callable[[str], str]) -> None:
    leaf, *intermediates, anchor = case.certificates
    files = {"leaf": pem(leaf), "untrusted": pem(*intermediates), "CAfile": pem(anchor), "CRLfile": pem(*case.crls)}
    for file_name, data in files.items():
        (tmp_path / file_name).write_bytes(data)
    option = "-verify_ip" if ":" in case.host or case.host[-1].isdigit() else "-verify_hostname"
    # Level 2 asks for 112 bits of security, which is what our rules about keys come to.
    command = [need("openssl"), "verify", "-auth_level", "2", "-purpose", "sslserver", option, case.host]
    command += ["-no-CApath", "-no-CAstore", "-attime", str(int(NOW.timestamp())), "-CAfile", "CAfile"]
    command += ["-untrusted", "untrusted"] if intermediates else []
    command += ["-crl_check_all", "-CRLfile", "CRLfile"] if case.crls else []
    done = subprocess.run([*command, "leaf"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == case.good, done.stderr


CRYPTOGRAPHY_CASES = [case for case in CASES if case.cryptography]


@pytest.mark.parametrize("case", CRYPTOGRAPHY_CASES, ids=facts(CRYPTOGRAPHY_CASES))
def test_the_verdict_of_cryptography_is_the_same(case: Case) -> None:
    leaf, *intermediates, anchor = case.certificates
    wanted = general_name(case.host)
    assert isinstance(wanted, x509.DNSName | x509.IPAddress)
    builder = verification.PolicyBuilder().store(verification.Store([anchor])).time(NOW.replace(tzinfo=None))
    verifier = builder.build_server_verifier(wanted)
    if case.good:
        verifier.verify(leaf, intermediates)
        return
    with pytest.raises(verification.VerificationError):
        verifier.verify(leaf, intermediates)
