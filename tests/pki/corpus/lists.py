"""CRLs: RFC 5280 sections 5 and 6.3, complete, delta, partitioned and indirect ones, fresh, stale and forged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.pki.chainmaker import DAY, Made, hash_for, shared_key, usage
from tests.pki.corpus.case import AT, Case, authority, chain, leaf, with_extension

ROOT = authority()
MIDDLE = authority("middle", ROOT)
LEAF = leaf(MIDDLE)
URI, OTHER_URI = "http://crl.test/one.crl", "http://crl.test/two.crl"
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\5\0")


def listed(
    issuer: Made,
    *revoked: x509.RevokedCertificate | x509.Certificate,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    **changes: Any,
) -> x509.CertificateRevocationList:
    """Return a CRL of *issuer* that is fresh, numbered 5 and revokes these, but for *changes*."""
    signer = changes.get("key") or issuer.key
    end = changes.get("next_update", AT + DAY)
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=changes.get("issuer_name") or issuer.name,
        last_update=changes.get("this_update", AT - DAY).replace(tzinfo=None),
        next_update=end.replace(tzinfo=None),
        revoked_certificates=[one if isinstance(one, x509.RevokedCertificate) else entry(one) for one in revoked],
    )
    if changes.get("key_ids", True):
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    number = changes.get("number", 5)
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), changes.get("critical_number", False))
    for value, critical in more:
        builder = builder.add_extension(value, critical)
    return builder.sign(signer, changes.get("hash_") or hash_for(signer))


def entry(
    certificate: x509.Certificate | int, *more: tuple[x509.ExtensionType, bool], date: datetime = AT - 2 * DAY
) -> x509.RevokedCertificate:
    """Return the entry of a certificate or serial number, without a reason unless *more* has one."""
    serial = certificate if isinstance(certificate, int) else certificate.serial_number
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date.replace(tzinfo=None))
    for value, critical in more:
        builder = builder.add_extension(value, critical)
    return builder.build()


def reason(flag: str) -> tuple[x509.ExtensionType, bool]:
    return x509.CRLReason(x509.ReasonFlags(flag)), False


def asked(fact: str, good: bool, *crls: x509.CertificateRevocationList, of: Made = LEAF, **more: Any) -> Case:
    """Return the case of a leaf below MIDDLE and ROOT, these CRLs, and a status that is required."""
    more.setdefault("why", "" if good else "status unknown")
    more.setdefault("host", None)  # OpenSSL would look for it in the certificates of CRL signers, too
    return chain(fact, good, of, MIDDLE, ROOT, crls=tuple(crls), require_crl=True, **more)


FRESH = listed(ROOT)


def plain() -> Iterator[Case]:
    """Yield complete CRLs."""
    revoked = {"why": "was revoked"}
    yield asked("nobody is revoked", True, FRESH, listed(MIDDLE))
    yield asked("somebody else is revoked", True, FRESH, listed(MIDDLE, entry(4711)))
    yield asked("the leaf is revoked", False, FRESH, listed(MIDDLE, LEAF.certificate), **revoked)
    yield asked("the intermediate is revoked", False, listed(ROOT, MIDDLE.certificate), listed(MIDDLE), **revoked)
    looks = {"openssl": "asks for the status of the root, which nobody but itself could tell"}
    yield asked("the root revokes itself", True, listed(ROOT, ROOT.certificate), listed(MIDDLE), differs=looks)
    yield asked("the leaf's serial number on its CA's CA's list", True, listed(ROOT, LEAF.certificate), listed(MIDDLE))
    stranger = authority("stranger")
    yield asked(
        "the leaf's serial number on a stranger's list", True, FRESH, listed(MIDDLE), listed(stranger, LEAF.certificate)
    )
    yield asked("no list of the leaf's CA", False, FRESH)
    yield asked("no list of the root", False, listed(MIDDLE))
    yield asked("no list at all", False)
    many = [entry(number + 10**9) for number in range(10_000)]
    yield asked("ten thousand entries", True, FRESH, listed(MIDDLE, *many))
    yield asked("ten thousand entries and the leaf", False, FRESH, listed(MIDDLE, *many, LEAF.certificate), **revoked)
    twice = entry(4711)
    yield asked("an entry twice", True, FRESH, listed(MIDDLE, twice, twice))
    for flag in ("keyCompromise", "superseded", "certificateHold", "cessationOfOperation"):
        yield asked(
            f"revoked for {flag}", False, FRESH, listed(MIDDLE, entry(LEAF.certificate, reason(flag))), **revoked
        )
    lifted = entry(LEAF.certificate, reason("removeFromCRL"))
    yield asked("taken off the list", True, FRESH, listed(MIDDLE, lifted))


def times() -> Iterator[Case]:
    """Yield CRLs that are early, late, or one of several."""
    revoked = {"why": "was revoked"}
    stale = {"this_update": AT - 3 * DAY, "next_update": AT - DAY}
    early = {"this_update": AT + DAY, "next_update": AT + 2 * DAY}
    yield asked("a stale list", False, FRESH, listed(MIDDLE, **stale))
    yield asked("a list of tomorrow", False, FRESH, listed(MIDDLE, **early))
    yield asked("a stale list that has the leaf", False, FRESH, listed(MIDDLE, LEAF.certificate, **stale), **revoked)
    at_its_end = {"openssl": "does not count the last second"}
    yield asked("a list at its last second", True, FRESH, listed(MIDDLE, next_update=AT), differs=at_its_end)
    yield asked("a list at its first second", True, FRESH, listed(MIDDLE, this_update=AT))
    later = entry(LEAF.certificate, date=AT + DAY)
    yield asked("revoked from tomorrow on, told today", False, FRESH, listed(MIDDLE, later), **revoked)
    before = entry(LEAF.certificate, date=datetime(2000, 1, 1, tzinfo=UTC))
    yield asked("revoked before it was made", False, FRESH, listed(MIDDLE, before), **revoked)
    old_hold = listed(MIDDLE, LEAF.certificate, this_update=AT - 2 * DAY, number=4)
    yield asked("a hold that a newer list has lifted", True, FRESH, old_hold, listed(MIDDLE))
    new_one = listed(MIDDLE, LEAF.certificate, number=6, this_update=AT - DAY / 2)
    yield asked("revoked on the newer of two lists", False, FRESH, listed(MIDDLE), new_one, **revoked)
    no_end = _without_next_update(listed(MIDDLE))
    endless = {"openssl": "takes a list without an end for fresh"}
    yield asked("a list without an end", False, FRESH, no_end, differs=endless)


def _without_next_update(crl: x509.CertificateRevocationList) -> x509.CertificateRevocationList:
    from cryptography.hazmat.primitives.serialization import Encoding

    from tests.pki.corpus.case import elements, tlv

    body = elements(crl.tbs_certlist_bytes)[0][1]
    parts = [whole for _, _, whole in elements(body)]
    signed = tlv(0x30, *parts[:4], *parts[5:])
    outer = elements(elements(crl.public_bytes(Encoding.DER))[0][1])
    signature = MIDDLE.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return x509.load_der_x509_crl(tlv(0x30, signed, outer[1][2], tlv(0x03, b"\0", signature)))


def signers() -> Iterator[Case]:
    """Yield CRLs that the CA's own key did not sign."""
    strange = shared_key("ec256", 60)
    yield asked("signed by a stranger's key", False, FRESH, listed(MIDDLE, key=strange))
    yield asked(
        "signed by a stranger's key without saying so", False, FRESH, listed(MIDDLE, key=strange, key_ids=False)
    )
    yield asked(
        "a stranger's list beside the true one",
        True,
        FRESH,
        listed(MIDDLE),
        listed(MIDDLE, LEAF.certificate, key=strange),
    )
    namesake = authority("middle")
    yield asked("a list of an untrusted namesake", False, FRESH, listed(namesake))
    weak = listed(MIDDLE, hash_=hashes.SHA256())
    yield asked("signed with SHA-256", True, FRESH, weak)
    mute = authority("mute", ROOT, key_usage=usage("key_cert_sign"))
    made = leaf(mute)
    yield chain(
        "a CA without cRLSign",
        False,
        made,
        mute,
        ROOT,
        crls=(FRESH, listed(mute)),
        require_crl=True,
        why="status unknown",
    )
    free = authority("free", ROOT, key_usage=None)
    strict = {"openssl": "wants a key usage in a CA when it is strict"}
    yield chain(
        "a CA without key usage",
        True,
        leaf(free),
        free,
        ROOT,
        crls=(FRESH, listed(free)),
        require_crl=True,
        differs=strict,
    )
    apart = authority("middle", ROOT, ca=False, key_usage=usage("crl_sign"))
    by_other = listed(apart, issuer_name=MIDDLE.name)
    case = asked("signed by another certificate of the CA", True, FRESH, by_other)
    yield _with(case, apart)
    revoked_signer = listed(ROOT, apart.certificate)
    case = asked("signed by another certificate of the CA, which is revoked", False, revoked_signer, by_other)
    yield _with(case, apart)
    elsewhere = authority("elsewhere", ROOT)
    impostor = authority("middle", elsewhere)
    case = asked("signed by a namesake below another CA", False, FRESH, listed(elsewhere), listed(impostor))
    yield _with(
        case, elsewhere, impostor, differs={"openssl": "takes any certificate of the name below the same anchor"}
    )


def _with(case: Case, *made: Made, **changes: Any) -> Case:
    from dataclasses import replace

    return replace(case, pile=(*case.pile, *(one.certificate for one in made)), **changes)


def extensions() -> Iterator[Case]:
    """Yield CRLs with extensions that we do not know, or that forbid to use them."""
    yield asked("an unknown extension", True, FRESH, listed(MIDDLE, more=[(UNKNOWN, False)]))
    yield asked("an unknown critical extension", False, FRESH, listed(MIDDLE, more=[(UNKNOWN, True)]))
    yield asked("an unknown extension in an entry", True, FRESH, listed(MIDDLE, entry(4711, (UNKNOWN, False))))
    yield asked(
        "an unknown critical extension in another's entry", False, FRESH, listed(MIDDLE, entry(4711, (UNKNOWN, True)))
    )
    own = listed(MIDDLE, entry(LEAF.certificate, (UNKNOWN, True)))
    yield asked("an unknown critical extension in the leaf's entry", False, FRESH, own, why="was revoked")
    plain_own = listed(MIDDLE, entry(LEAF.certificate, (UNKNOWN, False)))
    yield asked("an unknown extension in the leaf's entry", False, FRESH, plain_own, why="was revoked")
    unfit = listed(MIDDLE, LEAF.certificate, more=[(UNKNOWN, True)])
    yield asked("a list beyond us that has the leaf", False, FRESH, unfit, why="was revoked")
    yield asked("a critical number", False, FRESH, listed(MIDDLE, critical_number=True))
    yield asked("no number", True, FRESH, listed(MIDDLE, number=None))


def point(
    *, uri: str | None = None, issuer: Made | None = None, reasons: frozenset[x509.ReasonFlags] | None = None
) -> x509.CRLDistributionPoints:
    """Return distribution points with one point."""
    names = [x509.UniformResourceIdentifier(uri)] if uri else None
    who = [x509.DirectoryName(issuer.name)] if issuer else None
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, reasons, who)])


def scope(**changes: Any) -> tuple[x509.ExtensionType, bool]:
    """Return an issuing distribution point."""
    uri = changes.pop("uri", None)
    fields: dict[str, Any] = {
        "full_name": [x509.UniformResourceIdentifier(uri)] if uri else None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**fields, **changes}), True


KEY = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise})
REST = frozenset(x509.ReasonFlags) - KEY - {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl}


def partitions() -> Iterator[Case]:
    """Yield CRLs that speak about some certificates or reasons only."""
    pointed = leaf(MIDDLE, **with_extension(point(uri=URI)))
    here, elsewhere = listed(MIDDLE, more=[scope(uri=URI)]), listed(MIDDLE, more=[scope(uri=OTHER_URI)])
    yield asked("the list of its distribution point", True, FRESH, here, of=pointed)
    yield asked("the list of another distribution point", False, FRESH, elsewhere, of=pointed)
    yield asked("the whole list, not that of its point", True, FRESH, listed(MIDDLE), of=pointed)
    yield asked("a list of a point, and no point in the certificate", False, FRESH, here)
    revoking = listed(MIDDLE, pointed.certificate, more=[scope(uri=URI)])
    yield asked("revoked on the list of its point", False, FRESH, revoking, of=pointed, why="was revoked")
    wrong = listed(MIDDLE, pointed.certificate, more=[scope(uri=OTHER_URI)])
    yield asked("revoked on the list of another point", False, FRESH, wrong, of=pointed, why="was revoked")
    users, cas = scope(only_contains_user_certs=True), scope(only_contains_ca_certs=True)
    attributes = scope(only_contains_attribute_certs=True)
    yield asked("a list of users for a user", True, FRESH, listed(MIDDLE, more=[users]))
    yield asked("a list of CAs for a user", False, FRESH, listed(MIDDLE, more=[cas]))
    yield asked("a list of CAs for a CA", True, listed(ROOT, more=[cas]), listed(MIDDLE))
    yield asked("a list of users for a CA", False, listed(ROOT, more=[users]), listed(MIDDLE))
    yield asked("a list of attribute certificates", False, FRESH, listed(MIDDLE, more=[attributes]))
    some, rest = scope(only_some_reasons=KEY), scope(only_some_reasons=REST)
    yield asked("a list of some reasons", False, FRESH, listed(MIDDLE, more=[some]), why="leave out some reasons")
    yield asked(
        "lists that have all reasons together", True, FRESH, listed(MIDDLE, more=[some]), listed(MIDDLE, more=[rest])
    )
    second = listed(MIDDLE, LEAF.certificate, more=[rest])
    yield asked("revoked on the second of them", False, FRESH, listed(MIDDLE, more=[some]), second, why="was revoked")
    relative = scope(
        relative_name=x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "part")])
    )
    yield asked("a relative name that is no one's", False, FRESH, listed(MIDDLE, more=[relative]))


def deltas() -> Iterator[Case]:
    """Yield delta CRLs: RFC 5280 section 5.2.4."""
    fresher = (x509.FreshestCRL(list(point(uri=URI))), False)  # without it OpenSSL looks for no delta CRL
    first: dict[str, Any] = {"number": 5, "this_update": AT - 2 * DAY, "more": [fresher]}
    base = listed(MIDDLE, **first)
    hold = listed(MIDDLE, entry(LEAF.certificate, reason("certificateHold")), **first)

    def delta(*revoked: Any, of: int = 5, **changes: Any) -> x509.CertificateRevocationList:
        return listed(MIDDLE, *revoked, more=[(x509.DeltaCRLIndicator(of), True)], **{"number": 7, **changes})

    yield asked("a delta that has nothing new", True, FRESH, base, delta())
    yield asked("revoked by a delta", False, FRESH, base, delta(LEAF.certificate), why="was revoked")
    lifted = entry(LEAF.certificate, reason("removeFromCRL"))
    yield asked("a hold that a delta lifts", True, FRESH, hold, delta(lifted))
    yield asked("a hold that a delta leaves", False, FRESH, hold, delta(), why="was revoked")
    yield asked("a delta without its base", False, FRESH, delta())
    yield asked("revoked by a delta without its base", False, FRESH, delta(LEAF.certificate), why="was revoked")
    yield asked("a delta to a newer base", True, FRESH, base, delta(of=6))
    ignores = {"openssl": "passes over a delta that does not fit"}
    yield asked(
        "revoked by a delta to a newer base",
        False,
        FRESH,
        base,
        delta(LEAF.certificate, of=6),
        why="was revoked",
        differs=ignores,
    )
    stale = listed(MIDDLE, **{**first, "this_update": AT - 3 * DAY, "next_update": AT - DAY})
    yield asked("a stale base and a fresh delta", True, FRESH, stale, delta())
    old = delta(this_update=AT - 3 * DAY, next_update=AT - DAY / 2)
    yield asked("a fresh base and a stale delta", True, FRESH, base, old)


def indirect() -> Iterator[Case]:
    """Yield CRLs of somebody whom the certificate names: RFC 5280 section 5.2.5."""
    signer = authority("lister", ROOT, ca=False, key_usage=usage("crl_sign"))
    made = leaf(MIDDLE, **with_extension(point(uri=URI, issuer=signer)))
    both = scope(uri=URI, indirect_crl=True)
    of_middle = (x509.CertificateIssuer([x509.DirectoryName(MIDDLE.name)]), True)

    def by(*entries: Any, **changes: Any) -> x509.CertificateRevocationList:
        return listed(signer, *entries, more=[changes.pop("scope", both)], **changes)

    yield _with(asked("somebody else's list", True, FRESH, by(), of=made), signer)
    revoking = by(entry(made.certificate, of_middle))
    yield _with(asked("revoked on somebody else's list", False, FRESH, revoking, of=made, why="was revoked"), signer)
    own = by(entry(made.certificate))
    yield _with(asked("the same serial number, of the lister itself", True, FRESH, own, of=made), signer)
    carried = by(entry(4711, of_middle), entry(made.certificate))
    yield _with(
        asked("an entry of the issuer named before it", False, FRESH, carried, of=made, why="was revoked"), signer
    )
    direct = by(scope=scope(uri=URI))
    yield _with(asked("somebody else's list that is not indirect", False, FRESH, direct, of=made), signer)
    yield _with(asked("somebody else's list that nobody named", False, FRESH, by(), of=LEAF), signer)
    outsider = authority("lister", ca=False, key_usage=usage("crl_sign"))
    theirs = listed(outsider, more=[both])
    yield _with(asked("somebody else's list, by whom nobody vouches", False, FRESH, theirs, of=made), outsider)
    itself = listed(MIDDLE, more=[scope(uri=URI, indirect_crl=True)])
    yield asked(
        "an indirect list of the CA itself", True, FRESH, itself, of=leaf(MIDDLE, **with_extension(point(uri=URI)))
    )


def cases() -> Iterator[Case]:
    """Yield every case of this page."""
    yield from plain()
    yield from times()
    yield from signers()
    yield from extensions()
    yield from partitions()
    yield from deltas()
    yield from indirect()
