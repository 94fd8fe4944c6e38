"""Certificates that somebody refuses, and their neighbours that nobody does: one case for each way to break a rule.

A case names the rules of the book that it breaks. Roots and intermediates are called after their case, so that all can
be shown to one browser, which trusts all roots at once and remembers intermediates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from easycert.model import Kind
from easycert.pki.der import tlv
from easycert.pki.doctor.book import judge
from easycert.pki.doctor.exam import Exam, climb
from easycert.pki.doctor.findings import Client, Finding
from easycert.pki.members import read_member
from easycert.testing.forge import HOST, Forged, Made, host, intermediate, key, name, root, sequence

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
NETSCAPE = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.16.840.1.113730.1.1"), bytes.fromhex("03020640"))
PATH_LENGTH_OF_A_LEAF = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.19"), bytes.fromhex("3003020100"))
IP_AS_DNS = x509.SubjectAlternativeName([x509.DNSName("127.0.0.1")])
POLICIES = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)])
ACME_ONLY = x509.NameConstraints([x509.DirectoryName(name(None, o="Acme"))], None)
SHORT_ADDRESS = x509.UnrecognizedExtension(
    x509.SubjectAlternativeName.oid, sequence(tlv(0x82, HOST.encode()), tlv(0x87, b"abc"))
)
STAPLED = x509.TLSFeature([x509.TLSFeatureType.status_request])
SERVER_AGAIN = x509.ExtendedKeyUsage([Usage.SERVER_AUTH])


@dataclass(frozen=True)
class Chain:
    """What a client is shown, what it trusts, and the name that it wants (none: it is a client's certificate)."""

    leaf: Made
    sent: tuple[Made, ...]
    roots: tuple[Made, ...]
    hostname: str = HOST
    #: CAs that doctor knows and nobody sends.
    known: tuple[Made, ...] = ()


@dataclass(frozen=True)
class Case:
    """One way to break rules: *rules* of the book that say so (Synapse's own left out)."""

    name: str
    rules: frozenset[str]
    build: Callable[[datetime, str], Chain]
    kind: Kind = Kind.HOST

    def chain(self, at: datetime) -> Chain:
        return self.build(at, self.name)

    def __str__(self) -> str:
        return self.name


CASES: list[Case] = []


def fetched_from(address: str) -> Case:
    """Return the case of a chain that lacks its intermediate, and says at which *address* it lies."""
    where = x509.UniformResourceIdentifier(address)
    access = x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)])

    def build(at: datetime, label: str) -> Chain:
        top = _made(root, at, None, f"root {label}", None)
        middle = _made(intermediate, at, None, f"issuing {label}", top)
        return _alone(Chain(_made(host, at, {"more": ((access, False),)}, None, middle), (middle,), (top,)))

    return Case("no intermediate, but where it lies", frozenset({"incomplete-chain"}), build)


Changes = dict[str, Any]


def case(
    called: str,
    *rules: str,
    r: Changes | None = None,
    i: Changes | None = None,
    h: Changes | None = None,
    hostname: str = HOST,
    then: Callable[[Chain], Chain] = lambda chain: chain,
) -> None:
    """Add a case: what is changed in the root, the intermediate and the host, and then in the chain."""

    def build(at: datetime, label: str) -> Chain:
        top = _made(root, at, r, f"root {label}", None)
        middle = _made(intermediate, at, i, f"issuing {label}", top)
        leaf = _made(host, at, h, None, middle)
        return then(Chain(leaf, (middle,), (top,), hostname))

    CASES.append(Case(called, frozenset(rules), build))


def user_case(called: str, *rules: str, i: Changes | None = None, h: Changes | None = None, **chain: Any) -> None:
    """Add a case of a user's certificate."""

    def build(at: datetime, label: str) -> Chain:
        top = _made(root, at, None, f"root {label}", None)
        middle = _made(intermediate, at, i, f"issuing {label}", top)
        plain = {"extended": (Usage.CLIENT_AUTH,), "names": ("alice@example.com",), "subject": name("alice")}
        leaf = _made(host, at, {**plain, **(h or {})}, None, middle)
        return chain.get("then", lambda found: found)(Chain(leaf, (middle,), (top,), ""))

    CASES.append(Case(called, frozenset(rules), build, Kind.USER))


def _made(
    recipe: Callable[..., Forged], at: datetime, changes: Changes | None, called: str | None, issuer: Made | None
) -> Made:
    wishes = dict(changes or {})
    kind = wishes.pop("kind", "ec256")
    if called is not None:
        wishes.setdefault("subject", name(called))
    return recipe(at, kind, **wishes).make(issuer)


def san(tag: int, *names: str) -> Changes:
    """Return the change to alternative names in raw DER, each with the tag of its form (RFC 5280 section 4.2.1.6)."""
    der = sequence(*(tlv(tag, text.encode("utf-8")) for text in names))
    return {"names": (), "more": ((x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, der), False),)}


# --- what doctor says ------------------------------------------------------------------------------------------------


def findings(case: Case, at: datetime) -> list[Finding]:
    """Return what the book says about a whole chain: its leaf and each CA above it."""
    chain = case.chain(at)
    certificates = [made.certificate for made in (*chain.known, *chain.sent, *chain.roots)]
    above = climb(chain.leaf.certificate, certificates)
    leaf = Exam(
        read_member(chain.leaf.certificate, is_leaf=True),
        case.kind,
        at,
        above,
        tuple(made.certificate for made in chain.sent),
        chain.hostname or None,
    )
    exams = [leaf, *(Exam(member, Kind.CA, at, above[n + 1 :]) for n, member in enumerate(above))]
    return [finding for exam in exams for finding in judge(exam)]


def broken(case: Case, at: datetime) -> set[str]:
    """Return the rules that the book finds broken, Synapse's own left out: it wants RSA and a root's own name."""
    found = findings(case, at)
    return {one.rule for one in found if set(one.clients) != {Client.SYNAPSE}}


# --- nobody refuses these --------------------------------------------------------------------------------------------

case("plain")
case("plain RSA", r={"kind": "rsa2048"}, i={"kind": "rsa2048"}, h={"kind": "rsa2048"})
case("P-384", r={"kind": "ec384"}, i={"kind": "ec384"}, h={"kind": "ec384"})
case("P-521 for CAs", r={"kind": "ec521"}, i={"kind": "ec521"})
case("no key usage", h={"key_usage": None})
case("key usage that is not critical", **{who: {"usage_critical": False} for who in "rih"})
case("root signed with SHA-1", r={"digest": "sha1"})
case("CA below which servers only may stand", i={"extended": (Usage.SERVER_AUTH,)})
case("root without authority key identifier", r={"aki": "none"})
case("leaf without subject key identifier", h={"ski": False})
case("authority key identifier with serial", h={"aki": "serial"})
case("address", h={"names": ("127.0.0.1",)}, hostname="127.0.0.1")
case("wildcard", h={"names": ("*.example.com",)})
case("empty subject, critical names", h={"subject": name(None), "names_critical": True})
case("name within constraints", i={"constraints": x509.NameConstraints([x509.DNSName("example.com")], None)})
case("another common name", h={"subject": name("other.example.com")})
case("Netscape type", h={"more": ((NETSCAPE, False),)})
case("824 days", h={"days": (-1, 823)})
user_case("plain user")
user_case("user without extended usage", h={"extended": ()})
user_case("user on P-521", h={"kind": "ec521"})

case("upper case", h={"names": ("WWW.EXAMPLE.COM",)})
case("critical names", h={"names_critical": True})
case("a space in another DNS name", h=san(0x82, HOST, "a b.example"))
case("an underscore in another DNS name", h={"names": (HOST, "a_b.example.com")})
case("constraint with a leading dot", i={"constraints": x509.NameConstraints([x509.DNSName(".example.com")], None)})
case("constraints for mailboxes only", i={"constraints": x509.NameConstraints([x509.RFC822Name("example.com")], None)})
case("critical policies", h={"more": ((POLICIES, True),)})
case("until 2059", r={"days": (-1, 12000)}, i={"days": (-1, 11000)})
case("usage of hosts in the root", r={"extended": (Usage.SERVER_AUTH,)})
user_case("user that is a CA", h={"ca": True})

# --- dates -----------------------------------------------------------------------------------------------------------

case("1001 days", "lifetime", h={"days": (-1, 1000)})
case("expired host", "validity", h={"days": (-20, -2)})
case("expired intermediate", "validity", i={"days": (-20, -2)})
case("expired root", "validity", r={"days": (-20, -2)})
case("host of the future", "validity", h={"days": (5, 20)})
case("root of the future", "validity", r={"days": (5, 3000)})
case("host that is due", "validity", h={"days": (-90, 10)})
case("host that outlives its CA", "outlives-its-ca", i={"days": (-1, 100)})
user_case("expired user", "validity", h={"days": (-20, -2)})

# --- names -----------------------------------------------------------------------------------------------------------

case("no alternative name", "no-alternative-name", h={"names": ()})
case("alternative names, but no host's", "no-alternative-name", h={"names": ("admin@example.com",)})
case("no alternative names in the extension", "no-alternative-name", h=san(0x82))
case(
    "address as common name", "no-alternative-name", h={"names": (), "subject": name("127.0.0.1")}, hostname="127.0.0.1"
)
case("other host", "other-host", h={"names": ("mail.example.com",)})
case("wildcard two labels up", "other-host", h={"names": ("*.example.com",)}, hostname="a.www.example.com")
case("wildcard of a top-level domain", "wildcard", h={"names": ("*.com",)}, hostname="foo.com")
case("wildcard alone", "wildcard", h={"names": ("*",)}, hostname="localhost")
case("wildcard in a label", "wildcard", h={"names": ("w*.example.com",)})
case("underscore", "odd-dns-name", h={"names": ("www.example_x.com",)}, hostname="www.example_x.com")
case("trailing dot", "odd-dns-name", h={"names": ("www.example.com.",)})
case(
    "address as DNS name",
    "odd-dns-name",
    "other-host",
    h={"names": (), "more": ((IP_AS_DNS, False),)},
    hostname="127.0.0.1",
)
case("DNS name beyond ASCII", "odd-dns-name", h=san(0x82, HOST, "bücher.example"))
case("empty DNS name", "odd-dns-name", h=san(0x82, HOST, ""))
case("empty subject", "empty-subject", h={"subject": name(None)})
case("empty subject of a CA", "empty-subject", i={"subject": name(None)})

# --- keys and signatures ---------------------------------------------------------------------------------------------

for who, what in (("h", "host"), ("i", "intermediate"), ("r", "root")):
    case(f"RSA of 1024 bits, {what}", "small-rsa", **{who: {"kind": "rsa1024"}})
    case(f"Ed25519, {what}", "key-type", **{who: {"kind": "ed25519"}})
    case(f"Ed448, {what}", "key-type", **{who: {"kind": "ed448"}})
    case(f"secp256k1, {what}", "key-type", **{who: {"kind": "k256"}})
    case(f"ML-DSA, {what}", "key-type", **{who: {"kind": "mldsa65"}})
case("P-521 host", "key-type", h={"kind": "ec521"})
case("SHA-1 host", "weak-hash", h={"digest": "sha1"})
case("SHA-1 intermediate", "weak-hash", i={"digest": "sha1"})
case("MD5 host", "weak-hash", i={"kind": "rsa2048"}, h={"digest": "md5"})
case("negative serial", "serial-number", h={"serial": -5})
case("negative serial of a CA", "serial-number", i={"serial": -7})
case("serial 0", "serial-number", h={"serial": 0})
case("long serial", "serial-number", h={"serial": 1 << 170})
case("extension twice", "broken", h={"more": ((SERVER_AGAIN, False),)})
case("address of three octets", "broken", h={"names": (), "more": ((SHORT_ADDRESS, False),)})
case("path length of a leaf", "broken", h={"ca": None, "more": ((PATH_LENGTH_OF_A_LEAF, True),)})
user_case("user with RSA of 1024 bits", "small-rsa", h={"kind": "rsa1024"})
user_case("user signed with SHA-1", "weak-hash", h={"digest": "sha1"})

# --- usage -----------------------------------------------------------------------------------------------------------

case("no extended usage", "extended-key-usage", h={"extended": ()})
case("any extended usage", "extended-key-usage", h={"extended": (Usage.ANY_EXTENDED_KEY_USAGE,)})
case("user as host", "extended-key-usage", h={"extended": (Usage.CLIENT_AUTH,)})
user_case("host as user", "extended-key-usage", h={"extended": (Usage.SERVER_AUTH,)})
user_case("any extended usage of a user", "extended-key-usage", h={"extended": (Usage.ANY_EXTENDED_KEY_USAGE,)})
for who, what in (("h", "host"), ("i", "intermediate"), ("r", "root")):
    case(f"unknown critical extension, {what}", "critical-extension", **{who: {"more": ((UNKNOWN, True),)}})
case("explicit policy", "critical-extension", i={"more": ((x509.PolicyConstraints(0, None), True),)})
case("no any-policy", "critical-extension", i={"more": ((x509.InhibitAnyPolicy(0), True),)})
case("no OCSP check, critical", "critical-extension", h={"more": ((x509.OCSPNoCheck(), True),)})
case("must staple", "must-staple", h={"more": ((STAPLED, False),)})
user_case("user with an unknown critical extension", "critical-extension", h={"more": ((UNKNOWN, True),)})
case("CA as host", "ca-as-host", h={"ca": True})
for bits in ("key_encipherment", "key_agreement"):
    case(f"only {bits}", "digital-signature", h={"key_usage": (bits,)})
case("only encipherment, RSA", "digital-signature", h={"kind": "rsa2048", "key_usage": ("key_encipherment",)})
user_case("user with only key_encipherment", "digital-signature", h={"key_usage": ("key_encipherment",)})
user_case("user with keyCertSign", "ca-bits", h={"key_usage": ("digital_signature", "key_cert_sign")})
case("keyCertSign of a host", "ca-bits", h={"key_usage": ("digital_signature", "key_cert_sign")})
case("version 1 host", "no-alternative-name", "extended-key-usage", h={"version": 1})
for who, what in (("i", "intermediate"), ("r", "root")):
    case(f"version 1 {what}", "basic-constraints", **{who: {"version": 1}})
    case(f"no basicConstraints, {what}", "basic-constraints", **{who: {"ca": None}})
    case(f"CA:FALSE, {what}", "basic-constraints", **{who: {"ca": False}})
    case(f"basicConstraints not critical, {what}", "basic-constraints", **{who: {"basic_critical": False}})
    case(f"no key usage, {what}", "key-cert-sign", **{who: {"key_usage": None}})
    case(f"no keyCertSign, {what}", "key-cert-sign", **{who: {"key_usage": ("crl_sign",)}})
    case(f"no subject key identifier, {what}", "key-identifier", **{who: {"ski": False}})
case("no authority key identifier, host", "key-identifier", h={"aki": "none"})
case("no authority key identifier, intermediate", "key-identifier", i={"aki": "none"})
user_case("user without authority key identifier", "key-identifier", h={"aki": "none"})
case(
    "critical authority key identifier",
    "critical-key-identifier",
    h={
        "aki": "none",
        "more": ((x509.AuthorityKeyIdentifier.from_issuer_public_key(key("ec256", 2).public_key()), True),),
    },
)
case(
    "critical subject key identifier",
    "critical-key-identifier",
    h={"ski": False, "more": ((x509.SubjectKeyIdentifier.from_public_key(key("ec256", 3).public_key()), True),)},
)

# --- chains ----------------------------------------------------------------------------------------------------------


def _alone(chain: Chain) -> Chain:
    return Chain(chain.leaf, (), chain.roots, chain.hostname, known=chain.sent)


def _self_signed(**changes: Any) -> Callable[[Chain], Chain]:
    def made(chain: Chain) -> Chain:
        at = chain.leaf.certificate.not_valid_before_utc
        number = 70 + len(changes)
        plain = host(at, key=key("ec256", number), aki="none", days=(0, 397)).but(**changes)
        leaf = plain.make()
        return Chain(leaf, (), (leaf,), chain.hostname)

    return made


def _under_three(order: int, **upper: Any) -> Callable[[Chain], Chain]:
    def made(chain: Chain) -> Chain:
        (top,) = chain.roots
        at, label = top.certificate.not_valid_before_utc, f"{order} {sorted(upper)}"
        above = intermediate(at, subject=name(f"upper {label}"), key=key("ec256", 50), path_length=1).but(**upper)
        middle = above.make(top)
        lower = intermediate(at, subject=name(f"lower {label}"), key=key("ec256", 51)).make(middle)
        leaf = host(at).make(lower)
        return Chain(leaf, (lower, middle)[::order], chain.roots, chain.hostname)

    return made


def _with_earlier(chain: Chain) -> Chain:
    (top,), (middle,) = chain.roots, chain.sent
    at = middle.certificate.not_valid_before_utc
    renewed = intermediate(at, subject=middle.certificate.subject, days=(0, 1700)).make(top)
    return Chain(chain.leaf, chain.sent, chain.roots, chain.hostname, known=(renewed,))


def _with_stranger(chain: Chain) -> Chain:
    at = chain.leaf.certificate.not_valid_before_utc
    stranger = root(at, subject=name("stranger"), key=key("ec256", 60)).make()
    return Chain(chain.leaf, (*chain.sent, stranger), chain.roots, chain.hostname)


def _with_root(chain: Chain) -> Chain:
    return Chain(chain.leaf, (*chain.sent, *chain.roots), chain.roots, chain.hostname)


case("self-signed host", "self-signed", then=_self_signed())
case(
    "self-signed host that is a CA",
    "ca-as-host",
    then=_self_signed(ca=True, key_usage=("digital_signature", "key_cert_sign")),
)
case("no intermediate", "incomplete-chain", then=_alone)
user_case("user without intermediate", "incomplete-chain", then=_alone)
case("intermediate that was renewed since", "earlier-ca", then=_with_earlier)
case("two intermediates", then=_under_three(1))
case("two intermediates, upside down", "chain-order", then=_under_three(-1))
case("root sent, too", "chain-order", then=_with_root)
case("stranger sent, too", "chain-order", then=_with_stranger)
case("key identifiers differ, host", "key-identifiers-differ", h={"aki": "wrong"})
case("key identifiers differ, intermediate", "key-identifiers-differ", i={"aki": "wrong"})
user_case("key identifiers differ, user", "key-identifiers-differ", h={"aki": "wrong"})
case("intermediate for users", "nested-usage", i={"extended": (Usage.CLIENT_AUTH,)})
case("root for anything", "nested-usage", r={"extended": (Usage.ANY_EXTENDED_KEY_USAGE,)})
case("intermediate for anything", "nested-usage", i={"extended": (Usage.ANY_EXTENDED_KEY_USAGE,)})
case("root for users", "nested-usage", r={"extended": (Usage.CLIENT_AUTH,)})
user_case("intermediate for hosts", "nested-usage", i={"extended": (Usage.SERVER_AUTH,)})
case("path length of the root", "path-length", r={"path_length": 0})
case("path length of an intermediate", "path-length", then=_under_three(1, path_length=0))
for who, what in (("i", "intermediate"), ("r", "root")):
    forbidding = x509.NameConstraints([x509.DNSName("other.test")], None)
    case(f"name constraints of the {what}", "name-constraints", **{who: {"constraints": forbidding}})
case("name constraints for directory names", "name-constraints", i={"constraints": ACME_ONLY})
case("excluded name", "name-constraints", i={"constraints": x509.NameConstraints(None, [x509.DNSName(HOST)])})
