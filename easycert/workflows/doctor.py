"""What is wrong with certificates, which clients refuse them and why; and mending what loses nothing.

``diagnose`` reads only, also in a directory that may not be written to. ``mend`` changes modes of files and directories
that this user owns, and re-issues CAs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from easycert.certdir import CertDir
from easycert.errors import EasycertError, Malformed, NotFound, StoreFailure, UnreadableFile
from easycert.model import Kind
from easycert.pki.doctor.findings import Client, Cure, Finding, Remedy, Severity
from easycert.pki.doctor.usage import FORM_RULES
from easycert.store import layout
from easycert.store.layout import CRLS, FOLDERS, Entry
from easycert.workflows.examination import Held, Patient, Ward, certificates_in, examine, kind_of, ward
from easycert.workflows.holdings import Problem
from easycert.workflows.housekeeping import Amiss, amiss, ledger_amiss, private_parts
from easycert.workflows.lookup import Found, find

#: A folder of PEM files that somebody else keeps: how deep, and how many files of it, are looked at.
_DEPTH, _MOST_FILES = 3, 10_000
_PEM_SUFFIXES = (".crt", ".pem", ".cer", ".der", ".cert")
_SEVERITIES = tuple(Severity)
_NEW_CERTIFICATE = "certificate, with its own key and name"


class DoctorRequest(NamedTuple):
    """What to examine: a NAME, FILE or DIR, or the whole certificate directory; for these *clients*, or for all."""

    target: str | None = None
    clients: tuple[Client, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was examined, in the order of the directory, and what could not be."""

    patients: tuple[Patient, ...]
    problems: tuple[Problem, ...]

    def count(self, severity: Severity) -> int:
        """Return how many findings there are of this severity."""
        return sum(finding.severity is severity for patient in self.patients for finding in patient.findings)


@dataclass(frozen=True)
class Mended:
    """One thing that was mended, or would be; *problem* says why it could not be."""

    path: str
    what: str
    problem: str | None = None


def diagnose(certdir: CertDir, request: DoctorRequest) -> Diagnosis:
    """Return the diagnosis of what *request* names.

    Raises NotFound, AmbiguousName, UnreadableFile and Malformed where there is nothing to examine.
    """
    if request.target is None:
        return _directory(certdir, request)
    if os.path.isdir(request.target):
        if is_certificate_directory(request.target):
            return _directory(CertDir.open(request.target), request)
        return _folder(certdir, request.target, request)
    return _one(certdir, request.target, request)


def mend(certdir: CertDir, diagnosis: Diagnosis, *, dry_run: bool) -> tuple[Mended, ...]:
    """Mend what loses nothing, and return what was done; with *dry_run* what would be. One failure stops nothing.

    Modes are tightened, and CAs that lack what today's CAs carry are re-issued with their own key and name, so that all
    that they signed stays valid. Raises StoreFailure, StoreBusy, LedgerUnusable and UnsafeDirectory.
    """
    modes = [finding.remedy for patient in diagnosis.patients for finding in patient.findings]
    modes = [remedy for remedy in modes if remedy.cure is Cure.MODE]
    mended = [_tightened(certdir, remedy, dry_run) for remedy in modes]
    authorities = tuple(patient.name for patient in diagnosis.patients if patient.name and _is_reissuable(patient))
    return (*mended, *(_reissued(certdir, authorities, dry_run) if authorities else ()))


def mendable(diagnosis: Diagnosis) -> int:
    """Return how many findings :func:`mend` can do something about."""
    found = [(patient, finding) for patient in diagnosis.patients for finding in patient.findings]
    return sum(
        finding.remedy.cure is Cure.MODE or (_is_reissuable(patient) and _is_about_form(finding))
        for patient, finding in found
    )


def _tightened(certdir: CertDir, remedy: Remedy, dry_run: bool) -> Mended:
    path, mode = remedy.path or "", remedy.mode or 0
    done = Mended(path, f"mode {mode:04o}")
    if dry_run:
        return done
    try:
        certdir.store.tighten(path, mode)
    except StoreFailure as error:
        return Mended(path, done.what, error.reason)
    return done


def _is_reissuable(patient: Patient) -> bool:
    """Return whether it is a CA of the directory that is refused for its form, which a new certificate mends."""
    return patient.kind is Kind.CA and patient.filed and any(_is_about_form(finding) for finding in patient.findings)


def _is_about_form(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR and finding.remedy.cure is Cure.RENEW and finding.rule in FORM_RULES


def _reissued(certdir: CertDir, names: tuple[str, ...], dry_run: bool) -> Iterator[Mended]:
    from easycert.workflows.renew.run import preview, renew  # few directories have such CAs
    from easycert.workflows.renew.values import RenewRequest

    run = (preview if dry_run else renew)(certdir, RenewRequest(names, Kind.CA))
    for made in run.renewed:
        yield Mended(made.certificate_path, _NEW_CERTIFICATE)
    for skipped in run.skipped:
        yield Mended(certdir.store.path(layout.certificate(Kind.CA, skipped.name)), _NEW_CERTIFICATE, skipped.reason)
    for failed in run.failed:
        yield Mended(failed.name, _NEW_CERTIFICATE, str(failed.error))


# --- a certificate directory -----------------------------------------------------------------------------------------


def _directory(certdir: CertDir, request: DoctorRequest) -> Diagnosis:
    problems: list[Problem] = []
    held = [item for kind in Kind for item in _held(certdir, kind, problems)]
    place = ward(held, (), certdir.now())
    patients = [examine(item, place, request.clients) for item in held]
    try:
        found = [*ledger_amiss(certdir), *amiss(certdir, held, place)]
    except UnreadableFile as error:
        problems.append(Problem(error.path, error.reason))
        found = []
    return Diagnosis(tuple(_joined(patients, _wanted(found, request.clients))), tuple(problems))


def _held(certdir: CertDir, kind: Kind, problems: list[Problem]) -> Iterator[Held]:
    try:
        entries = [entry for entry in certdir.store.entries(FOLDERS[kind]) if entry.suffix == "crt"]
    except UnreadableFile as error:
        problems.append(Problem(error.path, error.reason))
        return
    for entry in entries:
        path = certdir.store.find(entry) or entry.path
        try:
            first, *rest = certificates_in(certdir.store.read(entry) or b"", path)
        except (Malformed, ValueError):
            continue  # the files are looked at for that
        except UnreadableFile as error:
            problems.append(Problem(path, error.reason))
            continue
        yield Held(path, first, kind, entry.name, tuple(rest))


def _wanted(found: Sequence[Amiss], only: Iterable[Client]) -> list[Amiss]:
    """Leave out what concerns only clients that were not asked about."""
    asked = frozenset(only)
    return [one for one in found if not asked or not one.finding.clients or asked & set(one.finding.clients)]


def _joined(patients: Sequence[Patient], found: Sequence[Amiss]) -> Iterator[Patient]:
    """Yield directories and stray files first, then the certificates, each with what was found beside it."""
    by_path: dict[str, list[Finding]] = {}
    for one in found:
        by_path.setdefault(one.path, []).append(one.finding)
    known = {patient.path for patient in patients}
    for path, findings in by_path.items():
        if path not in known:
            yield _thing(path, findings)
    for patient in patients:
        together = (*patient.findings, *by_path.get(patient.path, ()))
        worst_first = sorted(together, key=lambda finding: _SEVERITIES.index(finding.severity))
        yield patient._replace(findings=tuple(worst_first))


def _thing(path: str, findings: Sequence[Finding]) -> Patient:
    name = os.path.basename(path)
    of_crl = name.removesuffix(".crl") if os.path.basename(os.path.dirname(path)) == CRLS else None
    return Patient(path, None, of_crl, "", None, False, False, (), "", False, tuple(findings))


def is_certificate_directory(path: str) -> bool:
    """Return whether the directory *path* is laid out as a certificate directory."""
    return any(os.path.isdir(os.path.join(path, folder)) for folder in FOLDERS.values())


# --- a folder of PEM files, a file, a name ---------------------------------------------------------------------------


def _folder(certdir: CertDir, folder: str, request: DoctorRequest) -> Diagnosis:
    from easycert.store.files import read_file
    from easycert.store.survey import files_below, look

    held: list[Held] = []
    found: list[Amiss] = []
    problems: list[Problem] = []
    for path in files_below(folder, depth=_DEPTH, most=_MOST_FILES):
        try:
            data = read_file(path)
        except UnreadableFile as error:
            problems.append(Problem(path, error.reason))
            continue
        seen = look(path)
        if seen is not None:
            found += [Amiss(path, finding) for finding in private_parts(path, data, seen.mode, ours=seen.ours)]
        held += _certified(path, data, problems)
    own = [item.certificate for item in _held(certdir, Kind.CA, [])]
    once = list({(item.certificate, item.sent): item for item in reversed(held)}.values())[::-1]
    place = ward(once, own, certdir.now())
    patients = [examine(item, place, request.clients) for item in once]
    return Diagnosis(tuple(_joined(patients, _wanted(found, request.clients))), tuple(problems))


def _certified(path: str, data: bytes, problems: list[Problem]) -> Iterator[Held]:
    """Yield the first certificate of a file, with those behind it; of a bundle of CAs, each."""
    if b"BEGIN CERTIFICATE" not in data and not path.endswith(_PEM_SUFFIXES):
        return
    try:
        certificates = certificates_in(data, path)
    except Malformed:
        if path.endswith(_PEM_SUFFIXES) and (b"BEGIN" not in data or b"BEGIN CERTIFICATE" in data):
            problems.append(Problem(path, "no certificate can be read from it"))
        return
    kinds = [kind_of(certificate) for certificate in certificates]
    if kinds and kinds[0] is Kind.CA:
        yield from (Held(path, one, kind) for one, kind in zip(certificates, kinds, strict=True))
    elif certificates:
        yield Held(path, certificates[0], kinds[0], None, tuple(certificates[1:]))


def _one(certdir: CertDir, target: str, request: DoctorRequest) -> Diagnosis:
    """Examine one certificate and every CA above it, whether it lies in the same file or in ``cas/``."""
    found = _in_directory(certdir, find(certdir, target))
    if found.entry is not None and found.entry.suffix != "crt":
        raise NotFound("certificate", target)
    certificates = certificates_in(found.data, found.path)
    if not certificates:
        raise Malformed(found.path, "a certificate", "it holds something else")
    first = certificates[0]
    filed = list(_filed(certdir, found.entry))
    leaf = Held(found.path, first, found.kind or kind_of(first), found.name, tuple(certificates[1:]))
    in_file = [Held(found.path, one, Kind.CA) for one in certificates[1:] if kind_of(one) is Kind.CA]
    place = ward([leaf, *filed, *in_file], (), certdir.now())
    above = {member.certificate for member in place.paths[first]}
    chain = [item for item in filed if item.certificate in above and item.path != found.path]
    chain += [item for item in in_file if item.certificate not in {other.certificate for other in chain}]
    patients = [examine(item, place, request.clients) for item in (leaf, *chain)]
    about = [one for one in _around(certdir, [leaf, *filed], place) if one.path == found.path] if found.entry else []
    return Diagnosis(tuple(_joined(patients, _wanted(about, request.clients))), ())


def _in_directory(certdir: CertDir, found: Found) -> Found:
    """Return *found* with its entry where it is a certificate of the directory that was named by its path."""
    path = os.path.abspath(found.path)
    folder, filename = os.path.split(path)
    entry = Entry(os.path.basename(folder), filename)
    kinds = [kind for kind, known in FOLDERS.items() if known == entry.folder]
    if found.entry is None and kinds and entry.suffix == "crt" and certdir.store.find(entry) == path:
        return Found(path, found.data, kinds[0], entry)
    return found


def _filed(certdir: CertDir, leaf: Entry | None) -> Iterator[Held]:
    for item in _held(certdir, Kind.CA, []):
        if leaf is None or item.filed_as != leaf.name or leaf.folder != FOLDERS[Kind.CA]:
            yield item


def _around(certdir: CertDir, held: Sequence[Held], place: Ward) -> list[Amiss]:
    try:
        return list(amiss(certdir, held, place))
    except EasycertError:
        return []
