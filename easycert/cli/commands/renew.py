"""``renew``: a successor for certificates that are named, or due."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from math import isnan
from typing import Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.app import report
from easycert.cli.commands.results import put, shown_end
from easycert.cli.follow_up import FollowUp
from easycert.cli.hints import advice
from easycert.cli.options import (
    DetailedExitCodeOption,
    Habits,
    HookTimeoutOption,
    KindOption,
    argument,
    complete_certificates,
    option,
)
from easycert.cli.progress import progress_line
from easycert.errors import HookFailed, InvalidInput, Refused
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.subjects import shown_name
from easycert.pki.validity import parse_when, rfc3339
from easycert.pki.wording import even_hex
from easycert.workflows.renew import run as renewals
from easycert.workflows.renew.values import Failure, Renewed, RenewRequest, RenewRun

NamesArgument = Annotated[
    list[str] | None, argument(metavar="NAME...", help="One name or several.", autocompletion=complete_certificates)
]
DueOption = Annotated[bool, option("--due", help="Only what is due: a third of its life is left, or less; for timers.")]
WithinOption = Annotated[
    str | None, option("--within", metavar="TIME", help="Due is what ends within this time instead: 30d, 12h.")
]
ReuseKeyOption = Annotated[bool, option("--reuse-key", help="Keep the key; CAs and foreign requests always do.")]
RevokeOldOption = Annotated[bool, option("--revoke-old", help="Revoke the old certificates in the same step.")]
CascadeOption = Annotated[
    bool, option("--cascade", help="Renew what has the old certificate of a renewed CA in its file, too.")
]
RevokedOption = Annotated[bool, option("--force", help="Renew what was revoked, too.")]
DryRunOption = Annotated[bool, option("--dry-run", help="Say what would be renewed, and do nothing.")]
HookOption = Annotated[
    str | None,
    option("--deploy-hook", metavar="CMD", help="Run this by the shell, once, when something was renewed."),
]


def renew(
    names: NamesArgument = None,
    kind: KindOption = None,
    due: DueOption = False,
    within: WithinOption = None,
    detailed_exitcode: DetailedExitCodeOption = False,
    reuse_key: ReuseKeyOption = False,
    revoke_old: RevokeOldOption = False,
    cascade: CascadeOption = False,
    force: RevokedOption = False,
    dry_run: DryRunOption = False,
    deploy_hook: HookOption = None,
    hook_timeout: HookTimeoutOption = 300.0,
    *,
    habits: Habits,
) -> None:
    """Renew certificates: everything is kept but the serial number, the validity and the key.

    A CA keeps its key and name, so that what it signed stays valid. With --due and no NAME all certificates are looked
    at. What fails on one name does not keep the others from theirs.
    """
    wanted = RenewRequest(
        names=tuple(names or ()),
        kind=kind,
        due=due or within is not None,
        within=None if within is None else _distance(within),
        reuse_key=reuse_key,
        revoke_old=revoke_old,
        cascade=cascade,
        revoked=force,
    )
    _require_sensible(wanted, detailed_exitcode=detailed_exitcode)
    if isnan(hook_timeout):  # no time is ever past it
        raise InvalidInput("hook timeout", str(hook_timeout), "is not a number of seconds")
    certdir = habits.open()
    if dry_run:
        done = renewals.preview(certdir, wanted)
    else:
        with progress_line(quiet=habits.quiet) as line:
            done = renewals.renew(certdir, wanted, line)
    exports = FollowUp(certdir, wanted, done, habits)
    exports.follow(hook_timeout, planned=dry_run)
    _put(done, exports, habits, planned=dry_run)
    failed = bool(done.failed) or exports.failed
    if deploy_hook is not None and done.renewed and not dry_run:
        failed |= not _deployed(deploy_hook, hook_timeout, done, habits)
    if failed:
        raise typer.Exit(exits.FAILED)
    if detailed_exitcode and not (done.renewed or exports.run.written):
        raise typer.Exit(exits.NOTHING_DUE)


def _distance(text: str) -> timedelta:
    distance = parse_when(text).distance
    if distance is None:
        raise InvalidInput("time", text, "is a date; --within takes a length of time such as 30d")
    return distance


def _require_sensible(wanted: RenewRequest, *, detailed_exitcode: bool) -> None:
    if not wanted.names and not wanted.due:
        raise InvalidInput("name", "", "is missing; name what to renew, or say --due for all that is due")
    if detailed_exitcode and not wanted.due:
        raise InvalidInput(
            "option", "--detailed-exitcode", "goes with --due only: else there is always something to do"
        )


def _deployed(command: str, timeout: float, run: RenewRun, habits: Habits) -> bool:
    from easycert.workflows.deploy import Hook, run_hook

    sys.stdout.flush()
    directory = {} if habits.certdir is None else {"EASYCERT_CERTDIR": os.path.abspath(habits.certdir)}
    try:
        run_hook(Hook(command, {**os.environ, **directory}, timeout), run.renewed)
    except HookFailed as error:
        report(error)
        return False
    return True


def _put(run: RenewRun, exports: FollowUp, habits: Habits, *, planned: bool) -> None:
    for item in run.renewed:
        for note in item.notes:
            habits.say(f"{item.kind.value} {item.name}: {note}")
    for skipped in run.skipped:
        habits.say(f"{skipped.kind.value} {skipped.name}: not renewed: {skipped.reason}")
    for note in run.notes:
        habits.say(note)
    _tell_failures(run.failed)
    exports.tell_failures()
    if not (run.renewed or run.skipped or run.failed or exports.run.written or exports.failed):
        habits.say("nothing was due")
    rows = (*_rows(run, planned=planned), *exports.rows(planned=planned))
    put(
        habits,
        "renewed",
        rows,
        (*(_lines(item, planned=planned) for item in run.renewed), *exports.lines(planned=planned)),
    )


def _tell_failures(failed: tuple[Failure, ...]) -> None:
    """Say why names failed; one piece of advice is given once."""
    advised = dict.fromkeys(advice(item.error) for item in failed)
    for item in failed:
        subject = f"{item.kind.value} {item.name}: " if item.kind else ""
        print(f"error: {subject}not renewed: {_reason(item)}", file=sys.stderr)
    for hint in filter(None, advised):
        print(f"hint: {hint}", file=sys.stderr)


def _reason(failure: Failure) -> str:
    """Return why a name failed, without the name where it stands before that anyway."""
    error = failure.error
    return error.reason if isinstance(error, Refused) and error.subject == failure.name else str(error)


def _rows(run: RenewRun, *, planned: bool) -> Iterator[dict[str, Any]]:
    for item in run.renewed:
        certificate = item.certificate
        yield {
            "state": "due" if planned else "renewed",
            "kind": item.kind.value,
            "name": item.name,
            "issuer": shown_name(certificate.issuer),
            "serial": None if planned else even_hex(certificate.serial_number),
            "not_before": rfc3339(certificate.not_valid_before_utc),
            "not_after": rfc3339(certificate.not_valid_after_utc),
            "certificate": item.certificate_path,
            "key": item.key_path,
            "new_key": item.new_key,
            "old_revoked": item.old_revoked,
            "renewal_of": fingerprint_of(item.old.public_bytes(Encoding.DER)),
            "notes": list(item.notes),
        }
    for skipped in run.skipped:
        yield {"state": "skipped", "kind": skipped.kind.value, "name": skipped.name, "reason": skipped.reason}
    for failure in run.failed:
        kind = failure.kind.value if failure.kind else None
        yield {"state": "failed", "kind": kind, "name": failure.name, "error": str(failure.error)}


def _lines(item: Renewed, *, planned: bool) -> str:
    end = shown_end(item.certificate)
    verb = "would be renewed" if planned else "renewed"
    which = "new key" if item.new_key else "same key"
    revoked = ", the old one revoked" if item.old_revoked else ""
    lines = [
        f"{item.kind.value} {item.name}: {verb} until {end}, {which}{revoked}",
        f"  certificate  {item.certificate_path}",
    ]
    if item.key_path:
        lines.append(f"  key          {item.key_path}")
    return "\n".join(lines)
