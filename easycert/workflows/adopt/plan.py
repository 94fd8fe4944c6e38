"""What is to happen to everything that a foreign directory holds, and its happening: files and ledger in one step."""

from __future__ import annotations

import os
from collections.abc import Iterator

from easycert.certdir import CertDir
from easycert.model import Kind, Value
from easycert.pki.names import SafeName
from easycert.pki.wording import even_hex
from easycert.store import layout
from easycert.workflows.adopt.cas import ForeignAuthority
from easycert.workflows.adopt.contents import Found
from easycert.workflows.adopt.crls import CrlOutcome, SettledCrl, put_crl, settle_crl
from easycert.workflows.adopt.foreign import Foreign, ForeignCertificate, revocations_of
from easycert.workflows.adopt.placing import FILED, Settled, settle_authority, settle_certificate
from easycert.workflows.adopt.records import Remembered, RevokedBy, record, unknown_to, unrecorded


class Planned(Value):
    """A certificate that was found, what it is here, and what becomes of it; *key* is the path of its key there."""

    found: Found
    kind: Kind
    name: SafeName
    told: bool
    key: str | None
    revoked: bool
    settled: Settled


class PlannedCrl(Value):
    """The CRL of a CA, and what becomes of it."""

    authority: ForeignAuthority
    settled: SettledCrl


class Plan(Value):
    """Everything that is to happen: certificates, CAs first, and CRLs; and what the ledger is told besides."""

    certificates: tuple[Planned, ...]
    crls: tuple[PlannedCrl, ...]
    unfiled: tuple[Remembered, ...]
    revoked: tuple[RevokedBy, ...]

    @property
    def writes(self) -> bool:
        """Whether any file is to be written."""
        return any(item.settled.files for item in self.certificates) or any(map(_is_written, self.crls))

    @property
    def remembered(self) -> tuple[Remembered, ...]:
        """Every certificate, for the ledger."""
        return (*self.unfiled, *map(_remembered, self.certificates))


def make_plan(certdir: CertDir, foreign: Foreign, *, replace: bool) -> Plan:
    """Return what is to happen. Raises AlreadyExists for a name that something else has, unless it is to give way."""
    certificates = [_authority(certdir, item, foreign, replace=replace) for item in foreign.authorities]
    certificates += _issued(certdir, foreign, replace=replace)
    crls = [(item, settle_crl(certdir, item, replace=replace)) for item in foreign.authorities]
    numbers = {item.name: settled.number for item, settled in crls if settled is not None}
    return Plan(
        certificates=tuple(certificates),
        crls=tuple(PlannedCrl(item, settled) for item, settled in crls if settled is not None),
        unfiled=tuple(_unfiled(foreign)),
        revoked=tuple(
            RevokedBy(item.name, item.certificate, tuple(revocations_of(item).values()), numbers.get(item.name, 0))
            for item in foreign.authorities
        ),
    )


def carry_out(certdir: CertDir, foreign: Foreign, *, replace: bool) -> tuple[Plan, dict[SafeName, int]]:
    """Do what :func:`make_plan` says, all or nothing; return it, and the number of each CRL that was signed.

    Where there is nothing to do, nothing is locked or written.
    """
    plan = make_plan(certdir, foreign, replace=replace)
    if not plan.writes and not _is_news(certdir, plan):
        return plan, {}
    now = certdir.signing_time()
    with certdir.change(now) as change:
        plan = make_plan(certdir, foreign, replace=replace)  # once more: now nobody else can write
        numbers = {item.authority.name: put_crl(change, item.authority, item.settled, now) for item in plan.crls}
        for planned in plan.certificates:
            for file in planned.settled.files:
                change.put(file.entry, file.data, private=file.private, replace=file.replaces)
        record(change, plan.remembered, (_with_number(item, numbers) for item in plan.revoked))
    return plan, numbers


def twin(certdir: CertDir, plan: Plan) -> CertDir:
    """Return a directory in memory that knows the CAs of *certdir*, where what comes in can be tried."""
    from easycert.store.memory import MemoryStore

    root = os.path.dirname(os.path.dirname(certdir.store.path(layout.crl(SafeName("x")))))
    store = MemoryStore(root)
    known = [*certdir.store.entries(layout.FOLDERS[Kind.CA]), *certdir.store.entries(layout.CRLS)]
    for item in plan.certificates:
        known += [layout.certificate(item.kind, item.name), layout.key(item.kind, item.name)]
    for entry in known:
        data = certdir.store.read(entry)
        if data is not None:
            store.files[entry.path] = data
    return CertDir(store, clock=certdir.now)


def _authority(certdir: CertDir, item: ForeignAuthority, foreign: Foreign, *, replace: bool) -> Planned:
    return Planned(
        found=item.certificates[0],
        kind=Kind.CA,
        name=item.name,
        told=True,
        key=item.key.path if item.key else None,
        revoked=item.certificate.serial_number in foreign.revoked_by(item.certificate),
        settled=settle_authority(certdir, item, replace=replace),
    )


def _issued(certdir: CertDir, foreign: Foreign, *, replace: bool) -> Iterator[Planned]:
    """Yield what becomes of each certificate; the first of each name is the one that may have the file."""
    first: ForeignCertificate | None = None
    for item in foreign.certificates:
        if first is None or not item.newer:
            first = item
        settled = settle_certificate(certdir, item, replace=replace)
        if item is not first and first.revocation is None:
            settled = settled._replace(successor=settled.successor or first.found.certificate)
        yield Planned(
            found=item.found,
            kind=item.kind,
            name=item.name,
            told=item.told,
            key=item.key.path if item.key else None,
            revoked=item.revocation is not None,
            settled=settled,
        )


def _unfiled(foreign: Foreign) -> Iterator[Remembered]:
    """Yield what never gets a file: earlier certificates of CAs, and what has no usable name, by its serial number."""
    for authority in foreign.authorities:
        for earlier in authority.certificates[1:]:
            yield Remembered(Kind.CA, authority.name, earlier.certificate, authority.certificate)
    for certificate in foreign.unplaced:
        yield Remembered(Kind.USER, SafeName(even_hex(certificate.serial_number)), certificate)


def _remembered(item: Planned) -> Remembered:
    return Remembered(
        kind=item.kind,
        name=item.name,
        certificate=item.found.certificate,
        successor=item.settled.successor,
        filed=item.settled.outcome in FILED,
        new=any(file.entry.suffix == "crt" for file in item.settled.files),
    )


def _is_news(certdir: CertDir, plan: Plan) -> bool:
    """Return whether the ledger lacks anything."""
    ledger = certdir.ledger
    try:
        return bool(unknown_to(ledger, plan.remembered)) or any(unrecorded(ledger, item) for item in plan.revoked)
    finally:
        certdir.ledger.close()


def _is_written(item: PlannedCrl) -> bool:
    return item.settled.outcome is CrlOutcome.SIGNED or item.settled.data is not None


def _with_number(item: RevokedBy, numbers: dict[SafeName, int]) -> RevokedBy:
    return item._replace(number=numbers.get(item.name, item.number))
