"""``https``: the HTTPS pair of a service in its own directory, as a Synapse cell expects it."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
from typing import Annotated, Any

from easycert.cli.commands.exporting import GroupOption, HookOption, OwnerOption
from easycert.cli.commands.results import put, shown_end
from easycert.cli.options import (
    DaysOption,
    ForceOption,
    Habits,
    NotAfterOption,
    argument,
    complete_hosts,
    option,
    validity_end,
)
from easycert.errors import InvalidInput
from easycert.model import Kind, Value
from easycert.pki.certificates import load_certificate
from easycert.pki.sans import SanType, SubjectAltName, parse_san
from easycert.pki.validity import rfc3339
from easycert.store.files import read_file
from easycert.workflows.exports import https as pairs
from easycert.workflows.exports.https import Pair, PairRequest
from easycert.workflows.exports.values import ExportRequest
from easycert.workflows.exports.writing import export

DirectoryArgument = Annotated[str, argument(metavar="DIR", help="The service's directory; made if it is missing.")]
HostnameOption = Annotated[
    list[str] | None,
    option("--hostname", metavar="NAME", help="A further name or address of the service; repeat it or use commas."),
]
FromOption = Annotated[
    str | None,
    option(
        "--from",
        envvar="EASYCERT_FROM",
        metavar="NAME",
        help="Take this host's certificate, with its chain, instead of a self-signed one.",
        autocompletion=complete_hosts,
    ),
]
LinkOption = Annotated[bool, option("--link", help="With --from, make links instead of a copy.")]


class Ownership(Value):
    """Whose the files are, and who is told."""

    owner: OwnerOption = ""
    group: GroupOption = ""
    hook: HookOption = ""


def https(
    directory: DirectoryArgument,
    hostname: HostnameOption = None,
    from_: FromOption = None,
    link: LinkOption = False,
    days: DaysOption = None,
    not_after: NotAfterOption = None,
    force: ForceOption = False,
    *,
    whose: Ownership,
    habits: Habits,
) -> None:
    """Write sslcert.pem and sslkey.pem, the HTTPS pair of a service such as a Synapse cell, into its directory.

    Without --from the certificate is self-signed, for localhost, 127.0.0.1, ::1 and every --hostname. With --from it is
    that of a host in the certificate directory, with its chain, and renew writes it again.
    """
    end, place = validity_end(days, not_after), os.path.abspath(os.path.expanduser(directory))
    names = tuple(_name(part) for text in hostname or () for part in text.split(","))
    if from_ is None:
        for given, what in ((link, "link"), (whose.hook, "hook")):
            if given:
                raise InvalidInput("option", f"--{what}", "goes with --from: a self-signed pair is not renewed")
        request = PairRequest(place, names, end, whose.owner, whose.group)
        _put(pairs.self_signed(habits.open(), request, replace=force), "self-signed", habits)
        return
    if names or end is not None:
        raise InvalidInput("option", "--from", "takes a certificate as it is: its names and its end are given already")
    if link and (whose.owner or whose.group or whose.hook):
        raise InvalidInput("option", "--link", "makes links, which have no owner, group or hook of their own")
    if link:
        _put(pairs.linked(habits.open(), from_, place, replace=force), "linked", habits)
    else:
        _copy(from_, place, whose, habits, replace=force)


def _name(text: str) -> SubjectAltName:
    name = parse_san(text)
    if name.type not in (SanType.DNS, SanType.IP):
        raise InvalidInput("host name", text, "is neither a DNS name nor an IP address")
    return name


def _copy(name: str, place: str, whose: Ownership, habits: Habits, *, replace: bool) -> None:
    request = ExportRequest(
        name, pairs.RECIPE, place, kind=Kind.HOST, owner=whose.owner, group=whose.group, hook=whose.hook
    )
    done = export(habits.open(), request, replace=replace)
    certificate, key = (os.path.join(place, filename) for filename in (pairs.CERTIFICATE, pairs.KEY))
    leaf = load_certificate(read_file(certificate), certificate)
    note = f"renew writes it again{' and runs the hook' if whose.hook else ''}"
    _put(Pair(certificate, key, leaf, (*done.notes, note)), "copied", habits)


def _put(pair: Pair, how: str, habits: Habits) -> None:
    for note in pair.notes:
        habits.say(note)
    put(habits, "https", [_row(pair, how)], [_text(pair, how)])


def _row(pair: Pair, how: str) -> dict[str, Any]:
    return {
        "how": how,
        "certificate": pair.certificate_path,
        "key": pair.key_path,
        "not_after": rfc3339(pair.certificate.not_valid_after_utc),
        "notes": list(pair.notes),
    }


def _text(pair: Pair, how: str) -> str:
    return (
        f"HTTPS pair: {how}, valid until {shown_end(pair.certificate)}\n"
        f"  certificate  {pair.certificate_path}\n  key          {pair.key_path}"
    )
