"""Adopting a foreign CA directory: what comes in is written all or nothing, and then verified as it lies here."""

from __future__ import annotations

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
from easycert.workflows.adopt.contents import Contents, Progress, read_contents, unheard, watched
from easycert.workflows.adopt.crls import CrlOutcome, may_sign
from easycert.workflows.adopt.foreign import Foreign, understand
from easycert.workflows.adopt.layout import Layout, Origin
from easycert.workflows.adopt.layouts import recognised
from easycert.workflows.adopt.placing import FILED, written
from easycert.workflows.adopt.plan import Plan, Planned, PlannedCrl, carry_out, make_plan, twin
from easycert.workflows.adopt.results import Adopted, AdoptedCertificate, AdoptedCrl
from easycert.workflows.adopt.source import LeftOut, Source
from easycert.workflows.evidence import Evidence, gather_own
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


class _Verdict(Value):
    verified: bool | None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def adopt(certdir: CertDir, request: AdoptRequest, progress: Progress = unheard) -> Adopted:
    """Bring in the CAs of a foreign directory, what they issued, and what they revoked; the directory is only read.

    *progress* is told how far it is.

    Raises InvalidInput for a directory whose layout is not known, UnreadableFile, Malformed for an index in which a
    revocation cannot be read, EncryptedKey, WeakKey for a CA, Refused where there is no CA, and AlreadyExists for a
    name that something else has here; then nothing was written.
    """
    tool, source = recognised(Source(request.directory), request.origin)
    contents = read_contents(source, tool, request.passphrase, progress)
    foreign = understand(contents, tool.authorities, certdir.now(), source=source.path, kind=request.kind)
    target = certdir
    if request.dry_run:
        target = twin(certdir, make_plan(certdir, foreign, replace=request.replace))
    plan, numbers = carry_out(target, foreign, replace=request.replace)
    evidence = gather_own(target)
    verdicts = [_verdict(target, item, evidence) for item in watched(progress, "verifying", plan.certificates)]
    return Adopted(
        origin=tool.origin,
        directory=source.path,
        dry_run=request.dry_run,
        certificates=tuple(map(lambda item, verdict: _told(certdir, item, verdict), plan.certificates, verdicts)),
        crls=tuple(_told_crl(certdir, item, numbers) for item in plan.crls),
        left_out=(*foreign.left_out, *_locked(contents)),
        notes=tuple(dict.fromkeys(_notes(tool, source, contents, foreign, plan, verdicts))),
    )


# --- verifying -------------------------------------------------------------------------------------------------------


def _verdict(certdir: CertDir, item: Planned, evidence: Evidence) -> _Verdict:
    """Return whether what lies here now verifies; what has no file, or is over, is not judged."""
    over = state(item.found.certificate, certdir.now()) != "valid"
    if item.settled.outcome not in FILED or over:
        return _Verdict(None)
    purpose = None if item.told else Purpose.ANY
    try:
        verification = verify_named(certdir, VerifyRequest(item.name, kind=item.kind, purpose=purpose), evidence)
    except VerificationFailed as error:
        return _Verdict(False, tuple(map(str, error.reasons)))
    except EasycertError as error:
        return _Verdict(False, (str(error),))
    return _Verdict(True, (), verification.notes)


# --- telling ---------------------------------------------------------------------------------------------------------


def _told(certdir: CertDir, item: Planned, verdict: _Verdict) -> AdoptedCertificate:
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
        with_key=item.key is not None,
        files=written(certdir, item.settled.files),
        verified=verdict.verified,
        reasons=verdict.reasons,
    )


def _told_crl(certdir: CertDir, item: PlannedCrl, numbers: dict[SafeName, int]) -> AdoptedCrl:
    authority, settled = item.authority, item.settled
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
    plan: Plan,
    verdicts: Sequence[_Verdict],
) -> Iterator[str]:
    yield from tool.untold
    for authority in foreign.authorities:
        yield from _authority_notes(authority)
    for item in plan.crls:
        if item.settled.outcome is CrlOutcome.UNSIGNED:
            name, count = item.authority.name, len(item.settled.missing)
            yield f"revocations by the CA '{name}' that are on no CRL, since it can sign none here: {count}"
    guessed = Counter(item.kind.value for item in plan.certificates if not item.told)
    if guessed:
        shown = ", ".join(f"{count} {kind}" for kind, count in guessed.items())
        yield f"certificates that do not say what they are for were told by their names: {shown}; or say --kind"
    opened = [item for item in plan.certificates if item.settled.outcome in FILED and item.key in contents.opened]
    if opened:
        yield f"keys that have a passphrase there ({len(opened)}) have none here; only their owner can read them"
    exposed = [source.shown(found.path) for found in contents.keys if source.exposed(found.path)]
    if exposed:
        more = f" and {len(exposed) - 1} more" if len(exposed) > 1 else ""
        yield f"others can read the private key {exposed[0]}{more}; chmod 600, or remove what is not needed there"
    for verdict in verdicts:
        yield from verdict.notes


def _authority_notes(authority: ForeignAuthority) -> Iterator[str]:
    if authority.key is None:
        yield f"the CA '{authority.name}' came without its key: it can sign nothing here"
    elif not may_sign(authority):
        yield f"the CA '{authority.name}' can sign no CRL: its key usage lacks cRLSign"
