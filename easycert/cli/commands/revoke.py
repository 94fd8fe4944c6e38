"""``revoke`` and ``crl``: take certificates back, and publish which were."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from easycert.cli import exits
from easycert.cli.app import report
from easycert.cli.commands.results import put
from easycert.cli.options import (
    DetailedExitCodeOption,
    Habits,
    argument,
    complete_authorities,
    complete_certificates,
    option,
)
from easycert.cli.render import plain
from easycert.errors import InvalidInput
from easycert.model import Kind
from easycert.pki.crl import parse_reason
from easycert.pki.names import SafeName
from easycert.pki.revision import Outcome
from easycert.pki.validity import parse_when, rfc3339
from easycert.pki.wording import even_hex, one_line
from easycert.workflows.next_crl import CrlOptions, Published
from easycert.workflows.publish import DueRun, copy_crl, publish_all, publish_due, require_copyable
from easycert.workflows.revoke import Revocations, Revoked, RevokeRequest, Why, revoke_named

TargetsArgument = Annotated[
    list[str],
    argument(
        metavar="NAME|SERIAL|FILE...",
        help="Certificates by name, serial number, fingerprint or file.",
        autocompletion=complete_certificates,
    ),
]
ReasonOption = Annotated[
    str | None,
    option(
        "--reason",
        metavar="REASON",
        help="keyCompromise, superseded, cessationOfOperation, certificateHold, affiliationChanged, "
        "privilegeWithdrawn, cACompromise, aACompromise or unspecified.",
    ),
]
InvalidSinceOption = Annotated[
    str | None,
    option("--invalid-since", metavar="WHEN", help="Since when its key is suspected: a date or RFC 3339."),
]
UnholdOption = Annotated[bool, option("--unhold", help="Lift a certificateHold; no other revocation can be undone.")]
WhichKindOption = Annotated[Kind | None, option("--kind", help="Which one, where several kinds have this name.")]
WhichCaOption = Annotated[
    str | None,
    option(
        "--signas",
        metavar="CA",
        help="Which CA, where several could have signed it.",
        autocompletion=complete_authorities,
    ),
]
CasArgument = Annotated[
    list[str] | None, argument(metavar="CA...", help="One CA or several.", autocompletion=complete_authorities)
]
NextUpdateOption = Annotated[
    str | None,
    option(
        "--next-update", metavar="WHEN", help="When the next CRL comes at the latest: 30d, 12h, a date or RFC 3339."
    ),
]
DueOption = Annotated[bool, option("--due", help="Only where less than a third of the CRL's life is left; for timers.")]
PruneOption = Annotated[
    bool, option("--prune-expired", help="Drop entries whose certificate has expired, once a CRL after that had them.")
]
DerOption = Annotated[
    str | None, option("--der", metavar="FILE", help="Write it to this file in DER, too, for a web server.")
]


def revoke(
    targets: TargetsArgument,
    reason: ReasonOption = None,
    invalid_since: InvalidSinceOption = None,
    unhold: UnholdOption = False,
    kind: WhichKindOption = None,
    signas: WhichCaOption = None,
    *,
    habits: Habits,
) -> None:
    """Revoke certificates, and publish the CRLs that say so: all in one step.

    NAME is the certificate of that name now. An older one is revoked by its serial number (hexadecimal or decimal) or
    SHA-256 fingerprint, one that was never here by its FILE; the key of the CA that signed it must be here. Revoking is
    for good: only --reason certificateHold can be lifted, with --unhold.
    """
    if unhold and (reason is not None or invalid_since is not None):
        raise InvalidInput("option", "--unhold", "takes a revocation back, so it has no reason and no time")
    certdir = habits.open()
    since = None if invalid_since is None else parse_when(invalid_since).resolve(certdir.now())
    request = RevokeRequest(
        tuple(dict.fromkeys(targets)),
        Why(parse_reason(reason or "unspecified"), since, unhold),
        kind,
        None if signas is None else SafeName(signas),
    )
    done = revoke_named(certdir, request)
    _say_notes(done.published, habits)
    put(habits, "revocations", _revoked_rows(done), _revoked_texts(done))


def crl(
    cas: CasArgument = None,
    next_update: NextUpdateOption = None,
    due: DueOption = False,
    detailed_exitcode: DetailedExitCodeOption = False,
    prune_expired: PruneOption = False,
    der: DerOption = None,
    *,
    habits: Habits,
) -> None:
    """Publish the certificate revocation list of a CA: crls/CA.crl, in PEM.

    It lives as long as the one before it, the first one seven days; --next-update says otherwise. With --due and no CA,
    all CAs that have a CRL are looked at; one that fails does not keep the others from theirs.
    """
    names = [SafeName(name) for name in cas or ()]
    options = CrlOptions(next_update=None if next_update is None else parse_when(next_update), prune=prune_expired)
    _require_sensible(names, due=due, detailed_exitcode=detailed_exitcode, der=der)
    certdir = habits.open()
    if der is not None:
        require_copyable(certdir, names[0], der)
    run = publish_due(certdir, names, options) if due else DueRun(publish_all(certdir, names, options), (), ())
    if der is not None and not run.failed:
        copy_crl(certdir, names[0], der)
    _put(run, habits, der)
    if run.failed:
        raise typer.Exit(exits.FAILED)
    if detailed_exitcode and not run.published:
        raise typer.Exit(exits.NOTHING_DUE)


def _require_sensible(names: Sequence[SafeName], *, due: bool, detailed_exitcode: bool, der: str | None) -> None:
    if not names and not due:
        raise InvalidInput("CA", "", "is not named; name one, or say --due for all that have a CRL")
    if detailed_exitcode and not due:
        raise InvalidInput("option", "--detailed-exitcode", "goes with --due only: else there is always work to do")
    if der is not None and len(set(names)) != 1:
        raise InvalidInput("option", "--der", "is for exactly one CA")


def _put(run: DueRun, habits: Habits, der: str | None) -> None:
    _say_notes(run.published, habits)
    for name in run.fresh:
        habits.say(f"the CRL of the CA '{name}' is not due")
    for failure in run.failed:
        report(failure.error)
    put(habits, "crls", _rows(run, der), (_lines(published, der) for published in run.published))


def _say_notes(published: Sequence[Published], habits: Habits) -> None:
    for item in published:
        for note in item.notes:
            habits.say(f"{item.name}: {note}")


def _revoked_rows(done: Revocations) -> Iterator[dict[str, Any]]:
    published = {item.name: item for item in done.published}
    for item in done.revoked:
        crl, revocation = published[item.authority], item.revocation
        yield {
            "kind": plain(item.kind),
            "name": item.name,
            "serial": even_hex(item.certificate.serial_number),
            "issuer": item.authority,
            "outcome": item.outcome.value,
            "date": plain(revocation and revocation.date),
            "reason": plain(revocation and revocation.reason),
            "crl": crl.path,
            "number": crl.number,
        }


def _revoked_texts(done: Revocations) -> Iterator[str]:
    published = {item.name: item for item in done.published}
    for item in done.revoked:
        yield f"{one_line(item.shown)}: {_outcome(item)}"
        yield f"  serial  {even_hex(item.certificate.serial_number)}"
        yield f"  crl     {published[item.authority].path}"


def _outcome(item: Revoked) -> str:
    if item.revocation is None:
        return "no longer on hold"
    date, reason = rfc3339(item.revocation.date), item.revocation.reason.value
    if item.outcome is Outcome.ALREADY:
        return f"already revoked on {date} ({reason})"
    if item.outcome is Outcome.FINAL:
        return f"revoked for good ({reason}), on hold since {date}"
    return f"revoked ({reason})"


def _rows(run: DueRun, der: str | None) -> Iterator[dict[str, Any]]:
    for item in run.published:
        fields = {name: plain(getattr(item, name)) for name in Published._fields if name != "der"}
        yield {"state": "published", **fields, "der": der}
    yield from ({"state": "fresh", "name": name} for name in run.fresh)
    yield from ({"state": "failed", "name": item.name, "error": str(item.error)} for item in run.failed)


def _lines(item: Published, der: str | None) -> str:
    pruned = f", {item.pruned} dropped" if item.pruned else ""
    lines = [
        f"CRL of {item.name.display}: {item.entries} revoked{pruned}, the next one by {rfc3339(item.next_update)}",
        f"  crl  {item.path}",
    ]
    if der is not None:
        lines.append(f"  der  {der}")
    return "\n".join(lines)
