"""What a certificate may be used for: RFC 5280 sections 4.2.1.3, 4.2.1.9 and 4.2.1.12, and nested usages of CAs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from easycert.pki.rules import Purpose
from tests.pki.chainmaker import USAGES, usage
from tests.pki.corpus.case import Case, authority, chain, leaf, with_extension

SERVER, CLIENT, CODE, MAIL, ANY = (
    Usage.SERVER_AUTH,
    Usage.CLIENT_AUTH,
    Usage.CODE_SIGNING,
    Usage.EMAIL_PROTECTION,
    Usage.ANY_EXTENDED_KEY_USAGE,
)
PRECERTIFICATE = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.4")
WANTED = {Purpose.SERVER: SERVER, Purpose.CLIENT: CLIENT, Purpose.CODE: CODE}
ROOT = authority()
#: RFC 5280 4.2.1.12: an application MAY refuse anyExtendedKeyUsage alone; GnuTLS and Go do not, nor do we.
ANY_ALONE = {"openssl": "refuses anyExtendedKeyUsage alone", "cryptography": "likewise"}
SETS: list[tuple[str, list[x509.ObjectIdentifier]]] = [
    ("none", []),
    ("serverAuth", [SERVER]),
    ("clientAuth", [CLIENT]),
    ("codeSigning", [CODE]),
    ("emailProtection", [MAIL]),
    ("OCSPSigning", [Usage.OCSP_SIGNING]),
    ("a usage nobody knows", [x509.ObjectIdentifier("1.2.3.4")]),
    ("the precertificate's", [PRECERTIFICATE]),
    ("serverAuth and clientAuth", [SERVER, CLIENT]),
    ("serverAuth and codeSigning", [SERVER, CODE]),
    ("serverAuth and emailProtection", [SERVER, MAIL]),
    ("serverAuth and the precertificate's", [SERVER, PRECERTIFICATE]),
    ("serverAuth and any", [SERVER, ANY]),
    ("any", [ANY]),
]


def extended() -> Iterator[Case]:
    """Yield extended key usages of leaves and of the CAs above them, for each purpose."""
    for purpose, wanted in WANTED.items():
        for fact, usages in SETS:
            good = wanted in usages or ANY in usages or (not usages and purpose is not Purpose.CODE)
            only_any = ANY in usages and wanted not in usages
            differs = ANY_ALONE if only_any and purpose is not Purpose.CODE else {}
            if not usages and purpose is Purpose.CODE:
                differs = {"gnutls": "takes a code signer without the extension, which CSBR 7.1.2.3 demands"}
            made = leaf(ROOT, purpose=purpose, extended=usages)
            host = None if purpose is not Purpose.SERVER else "www.example.com"
            why = "" if good else "extended key usage"
            yield chain(
                f"a leaf with {fact} as {purpose.value}",
                good,
                made,
                ROOT,
                purpose=purpose,
                host=host,
                why=why,
                differs=differs,
            )
            yield from _authorities(fact, usages, purpose)


def _authorities(fact: str, usages: list[x509.ObjectIdentifier], purpose: Purpose) -> Iterator[Case]:
    """Yield CAs with these extended key usages above a leaf that is good for the purpose."""
    wanted = WANTED[purpose]
    host = None if purpose is not Purpose.SERVER else "www.example.com"
    good = not usages or wanted in usages or ANY in usages
    only_any = ANY in usages and wanted not in usages
    limited = authority(extended=usages)
    middle = authority("middle", ROOT, extended=usages)
    for position, above in (("root", (limited,)), ("intermediate", (middle, ROOT))):
        differs: dict[str, str] = {}
        if only_any and purpose is not Purpose.CODE:
            differs["openssl"] = "refuses anyExtendedKeyUsage alone"
        if only_any and position == "intermediate":
            differs["gnutls"] = "refuses anyExtendedKeyUsage alone in an intermediate"
        if position == "root" and not good:
            differs["gnutls"] = "looks at no usage of a root"
        made = leaf(above[0], purpose=purpose)
        yield chain(
            f"{position} with {fact} for {purpose.value}",
            good,
            made,
            *above,
            purpose=purpose,
            host=host,
            why="" if good else "extended key usage",
            differs=differs,
        )


def key_usages() -> Iterator[Case]:
    """Yield each single key usage of a leaf, and none, for each purpose: RFC 5280 section 4.2.1.12 pairs them."""
    fitting = {
        Purpose.SERVER: {"digital_signature", "key_encipherment", "key_agreement"},
        Purpose.CLIENT: {"digital_signature", "key_agreement"},
        Purpose.CODE: {"digital_signature"},
    }
    for purpose, bits in fitting.items():
        host = None if purpose is not Purpose.SERVER else "www.example.com"
        for bit in USAGES[:7]:
            good = bit in bits
            made = leaf(ROOT, purpose=purpose, key_usage=usage(bit))
            differs = {} if good else {"gnutls": "leaves the key usage of a leaf alone"}
            if not good and bit != "key_cert_sign" and purpose is not Purpose.CODE:
                differs["cryptography"] = "leaves it alone, but for keyCertSign"
            yield chain(
                f"only {bit} as {purpose.value}",
                good,
                made,
                ROOT,
                purpose=purpose,
                host=host,
                why="" if good else "keyUsage",
                differs=differs,
            )
        made = leaf(ROOT, purpose=purpose, key_usage=None)
        yield chain(f"no key usage as {purpose.value}", True, made, ROOT, purpose=purpose, host=host)
        both = leaf(ROOT, purpose=purpose, key_usage=usage("digital_signature", "content_commitment"))
        yield chain(f"two key usages as {purpose.value}", True, both, ROOT, purpose=purpose, host=host)
    lax = {"gnutls": "leaves the key usage of a leaf alone"}
    empty = leaf(ROOT, key_usage=usage())
    yield chain(
        "a key usage that allows nothing",
        False,
        empty,
        ROOT,
        purpose=Purpose.ANY,
        host=None,
        why="allows nothing",
        differs=lax,
    )
    signer = leaf(ROOT, key_usage=usage("digital_signature", "key_cert_sign"))
    yield chain("keyCertSign without a CA", False, signer, ROOT, why="keyCertSign", differs=lax)
    bare = leaf(ROOT, ca=None, key_usage=usage("digital_signature", "key_cert_sign"))
    yield chain("keyCertSign without basic constraints", False, bare, ROOT, why="keyCertSign", differs=lax)
    loose = leaf(ROOT, key_usage=None, **with_extension(usage("digital_signature")))
    yield chain("a key usage that is not critical", True, loose, ROOT)


def authorities() -> Iterator[Case]:
    """Yield CAs that are not fit to be one."""
    for fact, good, why, changes in [
        ("CA:FALSE", False, "is not a CA", {"ca": False, "key_usage": usage("digital_signature")}),
        ("CA:FALSE and keyCertSign", False, "is not a CA", {"ca": False}),
        (
            "no basic constraints",
            False,
            "has no basicConstraints",
            {"ca": None, "key_usage": usage("digital_signature")},
        ),
        ("no basic constraints, but keyCertSign", False, "has no basicConstraints", {"ca": None}),
        ("no keyCertSign", False, "lacks keyCertSign", {"key_usage": usage("crl_sign")}),
        (
            "a path length, but no keyCertSign",
            False,
            "lacks keyCertSign",
            {"key_usage": usage("crl_sign"), "path_length": 0},
        ),
        ("only keyCertSign", True, "", {"key_usage": usage("key_cert_sign")}),
        ("digitalSignature, too", True, "", {"key_usage": usage("key_cert_sign", "digital_signature")}),
    ]:
        root = authority(**changes)  # type: ignore[arg-type]
        middle = authority("middle", ROOT, **changes)  # type: ignore[arg-type]
        differs = {"gnutls": "takes keyCertSign in a root for enough"} if "but keyCertSign" in fact else {}
        yield chain(f"a root with {fact}", good, leaf(root), root, why=why, differs=differs)
        yield chain(f"an intermediate with {fact}", good, leaf(middle), middle, ROOT, why=why)
    as_made = {"cryptography": "wants the extension in every CA", "openssl": "likewise, when it is strict"}
    for fact, changes in [
        ("without key usage", {"key_usage": None}),
        ("with basic constraints that are not critical", {"basic_critical": False}),
    ]:
        root = authority(**changes)  # type: ignore[arg-type]
        yield chain(f"a root {fact}", True, leaf(root), root, differs=as_made)
        middle = authority("middle", ROOT, **changes)  # type: ignore[arg-type]
        yield chain(f"an intermediate {fact}", True, leaf(middle), middle, ROOT, differs=as_made)

    bare: dict[str, Any] = {"key_usage": None, "key_ids": False, "basic_critical": False}
    synapse = authority(**bare)
    yield chain("CAs and hosts as Synapse makes them", True, leaf(synapse, **bare), synapse, differs=as_made)


def a_leaf_that_is_a_ca() -> Iterator[Case]:
    """Yield a CA's certificate in the place of the leaf: good as a CA, and for nothing else."""
    both = authority("www", ROOT, names=["www.example.com"], key_usage=usage("key_cert_sign", "digital_signature"))
    takes = {"openssl": "takes a CA for a server", "gnutls": "likewise"}
    yield chain("a CA as a server", False, both, ROOT, why="is a CA certificate", differs=takes)
    yield chain("a CA as a CA", True, both, ROOT, purpose=Purpose.CA, host=None)
    yield chain("a CA as anything", True, both, ROOT, purpose=Purpose.ANY, host="www.example.com")
    yield chain(
        "a server as a CA",
        False,
        leaf(ROOT),
        ROOT,
        purpose=Purpose.CA,
        host=None,
        why="is not a CA",
        unable=frozenset({"gnutls"}),
    )
    yield chain("a trusted leaf", True, leaf(None), differs={"gnutls": "trusts CAs only"})
    yield chain("a trusted leaf under its CA", True, leaf(ROOT), differs={"gnutls": "trusts CAs only"})


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from extended()
    yield from key_usages()
    yield from authorities()
    yield from a_leaf_that_is_a_ca()
