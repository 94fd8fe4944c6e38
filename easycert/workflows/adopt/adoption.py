"""Adopting a foreign CA directory: what comes in is written all or nothing, and then verified as it lies here."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence

from easycert.certdir import CertDir
from easycert.errors import EasycertError, VerificationFailed
from easycert.model import Kind, Value
from easycert.pki.describe.certificate import state
from easycert.pki.names import SafeName
from easycert.pki.subjects import shown_name
from easycert.pki.verify import Purpose
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.workflows.adopt.cas import ForeignAuthority
from easycert.workflows.adopt.contents import Contents, Found, read_contents
from easycert.workflows.adopt.crls import CrlOutcome, SettledCrl, may_sign, put_crl, settle_crl
from easycert.workflows.adopt.foreign import Foreign, ForeignCertificate, understand
from easycert.workflows.adopt.layout import Layout, Origin
from easycert.workflows.adopt.layouts import recognised
from easycert.workflows.adopt.placing import Outcome, Settled, settle_authority, settle_certificate, written
from easycert.workflows.adopt.results import Adopted, AdoptedCertificate, AdoptedCrl
from easycert.workflows.adopt.source import LeftOut, Source
from easycert.workflows.verify import VerifyRequest, verify_named


class AdoptRequest(Value):
    """Which directory, and whose it is; *kind* is what certificates are for that do not say so.

    *replace* lets what comes take the place of what is here. Under *dry_run* nothing is written.
    """

    directory: str
    origin: Origin = Origin.AUTO
    kind: Kind | None = None
    passphrase: bytes | None = None
    replace: bool = False
    dry_run: bool = False


class _Certificate(Value):
    """A certificate that was found, what it is here, and what becomes of it."""

    found: Found
    kind: Kind
    name: SafeName
    told: bool
    with_key: bool
    revoked: bool
    settled: Settled


class _Plan(Value):
    """Everything that is to happen: certificates, CAs first, and CRLs."""

    certificates: tuple[_Certificate, ...]
    crls: tuple[tuple[ForeignAuthority, SettledCrl], ...]


class _Verdict(Value):
    verified: bool | None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def adopt(certdir: CertDir, request: AdoptRequest) -> Adopted:
    """Bring in the CAs of a foreign directory, what they issued, and what they revoked; the directory is only read.

    Raises InvalidInput for a directory whose layout is not known, UnreadableFile, Malformed for an index in which a
    revocation cannot be read, EncryptedKey, WeakKey for a CA, Refused where there is no CA, and AlreadyExists for a
    name that something else has here; then nothing was written.
    """
    tool, source = recognised(Source(request.directory), request.origin)
    contents = read_contents(source, tool, request.passphrase)
    foreign = understand(contents, tool.authorities, certdir.now(), source=source.path, kind=request.kind)
    plan = _plan(certdir, foreign, replace=request.replace)
    target = _twin(certdir, plan) if request.dry_run else certdir
    numbers = _write(target, plan)
    verdicts = [_verdict(target, item) for item in plan.certificates]
    return Adopted(
        origin=tool.origin,
        directory=source.path,
        dry_run=request.dry_run,
        certificates=tuple(map(lambda item, verdict: _told(certdir, item, verdict), plan.certificates, verdicts)),
        crls=tuple(_told_crl(certdir, authority, settled, numbers) for authority, settled in plan.crls),
        left_out=(*foreign.left_out, *_locked(contents)),
        notes=tuple(dict.fromkeys(_notes(tool, source, contents, foreign, plan, verdicts))),
    )


def _plan(certdir: CertDir, foreign: Foreign, *, replace: bool) -> _Plan:
    certificates = [_authority(certdir, item, foreign, replace=replace) for item in foreign.authorities]
    certificates += [_issued(certdir, item, replace=replace) for item in foreign.certificates]
    crls = [(item, settle_crl(certdir, item, replace=replace)) for item in foreign.authorities]
    return _Plan(tuple(certificates), tuple((item, settled) for item, settled in crls if settled is not None))


def _authority(certdir: CertDir, item: ForeignAuthority, foreign: Foreign, *, replace: bool) -> _Certificate:
    return _Certificate(
        found=item.certificates[0],
        kind=Kind.CA,
        name=item.name,
        told=True,
        with_key=item.key is not None,
        revoked=item.certificate.serial_number in foreign.revoked_by(item.certificate),
        settled=settle_authority(certdir, item, replace=replace),
    )


def _issued(certdir: CertDir, item: ForeignCertificate, *, replace: bool) -> _Certificate:
    return _Certificate(
        found=item.found,
        kind=item.kind,
        name=item.name,
        told=item.told,
        with_key=item.key is not None,
        revoked=item.revocation is not None,
        settled=settle_certificate(certdir, item, replace=replace),
    )


def _write(certdir: CertDir, plan: _Plan) -> dict[SafeName, int]:
    """Write everything in one transaction, CAs before what they issued; return the numbers of CRLs signed anew."""
    numbers: dict[SafeName, int] = {}
    files = [placement for item in plan.certificates for placement in item.settled.files]
    crls = [item for item in plan.crls if item[1].outcome is CrlOutcome.SIGNED or item[1].data is not None]
    if not files and not crls:
        return numbers
    with certdir.store.transaction() as transaction:
        for authority, settled in crls:
            numbers[authority.name] = put_crl(certdir, transaction, authority, settled)
        for placement in files:
            put = transaction.replace if placement.replaces else transaction.create
            put(placement.entry, placement.data, private=placement.private)
    return numbers


def _twin(certdir: CertDir, plan: _Plan) -> CertDir:
    """Return a directory in memory that knows the CAs of *certdir*, where what comes in can be tried."""
    from easycert.store.memory import MemoryStore

    root = os.path.dirname(os.path.dirname(certdir.store.path(layout.crl(SafeName("x")))))
    store = MemoryStore(root)
    known = [*certdir.store.entries(layout.FOLDERS[Kind.CA]), *certdir.store.entries(layout.CRLS)]
    for item in plan.certificates:
        if item.settled.outcome is Outcome.HERE:
            known += [layout.certificate(item.kind, item.name), layout.key(item.kind, item.name)]
    for entry in known:
        data = certdir.store.read(entry)
        if data is not None:
            store.files[entry.path] = data
    return CertDir(store, clock=certdir.now)


# --- verifying -------------------------------------------------------------------------------------------------------


def _verdict(certdir: CertDir, item: _Certificate) -> _Verdict:
    """Return whether what lies here now verifies; what has no file, or is over, is not judged."""
    over = state(item.found.certificate, certdir.now()) != "valid"
    if item.settled.outcome not in (Outcome.IMPORTED, Outcome.HERE) or over:
        return _Verdict(None)
    purpose = None if item.told else Purpose.ANY
    try:
        verification = verify_named(certdir, VerifyRequest(item.name, kind=item.kind, purpose=purpose))
    except VerificationFailed as error:
        return _Verdict(False, error.reasons)
    except EasycertError as error:
        return _Verdict(False, (str(error),))
    return _Verdict(True, (), verification.notes)


# --- telling ---------------------------------------------------------------------------------------------------------


def _told(certdir: CertDir, item: _Certificate, verdict: _Verdict) -> AdoptedCertificate:
    certificate = item.found.certificate
    return AdoptedCertificate(
        kind=item.kind,
        name=item.name.display,
        subject=shown_name(certificate.subject),
        issuer=shown_name(certificate.issuer),
        serial=even_hex(certificate.serial_number),
        not_after=certificate.not_valid_after_utc,
        state="revoked" if item.revoked else state(certificate, certdir.now()),
        source=item.found.path,
        outcome=item.settled.outcome,
        with_key=item.with_key,
        files=written(certdir, item.settled.files),
        verified=verdict.verified,
        reasons=verdict.reasons,
    )


def _told_crl(
    certdir: CertDir, authority: ForeignAuthority, settled: SettledCrl, numbers: dict[SafeName, int]
) -> AdoptedCrl:
    return AdoptedCrl(
        ca=authority.name,
        source=authority.crl.path if authority.crl else None,
        outcome=settled.outcome,
        number=numbers.get(authority.name, settled.number),
        revoked=settled.revoked,
        path=certdir.store.path(layout.crl(authority.name)),
    )


def _locked(contents: Contents) -> Iterator[LeftOut]:
    reason = "the passphrase does not open it" if contents.asked else "it is encrypted, and no passphrase was given"
    return (LeftOut(path, reason) for path in contents.locked)


def _notes(
    tool: Layout,
    source: Source,
    contents: Contents,
    foreign: Foreign,
    plan: _Plan,
    verdicts: Sequence[_Verdict],
) -> Iterator[str]:
    yield from tool.untold
    for authority in foreign.authorities:
        yield from _authority_notes(authority)
    for authority, settled in plan.crls:
        if settled.outcome is CrlOutcome.UNSIGNED:
            count = len(settled.missing)
            yield f"revocations by the CA '{authority.name}' that are on no CRL, since it can sign none here: {count}"
    guessed = Counter(item.kind.value for item in plan.certificates if not item.told)
    if guessed:
        shown = ", ".join(f"{count} {kind}" for kind, count in guessed.items())
        yield f"certificates that do not say what they are for were told by their names: {shown}; or say --kind"
    if contents.opened:
        yield f"keys that were encrypted there ({len(contents.opened)}) are not here; only their owner can read them"
    for found in contents.keys:
        if source.exposed(found.path):
            yield f"{source.shown(found.path)} is a private key that others can read; chmod 600 it, or remove it"
    for verdict in verdicts:
        yield from verdict.notes


def _authority_notes(authority: ForeignAuthority) -> Iterator[str]:
    if authority.key is None:
        yield f"the CA '{authority.name}' came without its key: it can sign nothing here"
    elif not may_sign(authority):
        yield f"the CA '{authority.name}' can sign no CRL: its key usage lacks cRLSign"
