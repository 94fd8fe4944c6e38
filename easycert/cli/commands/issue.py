"""``ca``, ``host``, ``user``, ``code``: make keys and certificates."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

from typing import TYPE_CHECKING

from easycert.cli.commands.results import put_issued
from easycert.cli.options import (
    DaysOption,
    ExcludeOption,
    ForceOption,
    Habits,
    KeyTypeOption,
    Names,
    NotAfterOption,
    NotBeforeOption,
    PathLengthOption,
    PermitOption,
    ProfileOption,
    SanOption,
    SignAsOption,
    SubjectOption,
    split_sans,
    subject_attributes,
    validity_end,
)
from easycert.model import Kind, Value
from easycert.pki.keys import KeyType
from easycert.pki.names import NAMES, SafeName
from easycert.pki.validity import parse_when
from easycert.workflows.issue import IssueRequest, issue

if TYPE_CHECKING:
    from cryptography.x509 import NameConstraints

    from easycert.certdir import CertDir
    from easycert.settings import Settings


class Wishes(Value):
    """The options that the four commands share, as they were typed."""

    signas: SignAsOption = None
    subject: SubjectOption = None
    days: DaysOption = None
    not_after: NotAfterOption = None
    not_before: NotBeforeOption = None
    key_type: KeyTypeOption = None
    profile: ProfileOption = None

    def request(self, site: "Settings", kind: Kind, name: str, san: list[str] | None = None) -> IssueRequest:
        """Parse everything: from here on there are only values that cannot be invalid."""
        profile = site.profile_for(self.profile)
        return IssueRequest(
            kind=kind,
            name=NAMES[kind](name),
            signas=None if self.signas is None else SafeName(self.signas),
            profile=profile,
            sans=split_sans(san),
            attributes=subject_attributes(self.subject, site, profile),
            key_type=None if self.key_type is None else KeyType.parse(self.key_type),
            end=validity_end(self.days, self.not_after),
            start=None if self.not_before is None else parse_when(self.not_before),
        )


def ca(
    names: Names,
    wishes: Wishes,
    pathlen: PathLengthOption = None,
    permit: PermitOption = None,
    exclude: ExcludeOption = None,
    force: ForceOption = False,
    *,
    habits: Habits,
) -> None:
    """Make certificate authorities: roots that live ten years, or intermediates (five years) with --signas.

    A root is what people trust; keep its key safe and sign with an intermediate: easycert ca issuing --signas root.
    """
    constraints = _name_constraints(permit, exclude)
    certdir = habits.open()
    requests = [
        wishes.request(certdir.settings, Kind.CA, name)._replace(path_length=pathlen, name_constraints=constraints)
        for name in names
    ]
    _run(certdir, requests, habits, force=force)


def host(names: Names, wishes: Wishes, san: SanOption = None, force: ForceOption = False, *, habits: Habits) -> None:
    """Make host (server) certificates for DNS names, wildcards or IP addresses; valid 397 days.

    The name itself is always one of the certificate's names. Under an intermediate, the .crt holds the chain as well.
    """
    _make(Kind.HOST, names, wishes, san, habits, force=force)


def user(names: Names, wishes: Wishes, san: SanOption = None, force: ForceOption = False, *, habits: Habits) -> None:
    """Make user (client) certificates for names such as alice or alice@example.com; valid 397 days."""
    _make(Kind.USER, names, wishes, san, habits, force=force)


def code(names: Names, wishes: Wishes, force: ForceOption = False, *, habits: Habits) -> None:
    """Make code-signing certificates; valid 460 days."""
    _make(Kind.CODE, names, wishes, None, habits, force=force)


def _make(kind: Kind, names: list[str], wishes: Wishes, san: list[str] | None, habits: Habits, *, force: bool) -> None:
    certdir = habits.open()
    _run(certdir, [wishes.request(certdir.settings, kind, name, san) for name in names], habits, force=force)


def _run(certdir: "CertDir", requests: list[IssueRequest], habits: Habits, *, force: bool) -> None:
    put_issued(issue(certdir, requests, replace=force), habits)


def _name_constraints(permit: list[str] | None, exclude: list[str] | None) -> "NameConstraints | None":
    if not permit and not exclude:
        return None
    from easycert.pki.constraints import name_constraints, parse_constraint

    return name_constraints(
        [parse_constraint(text) for text in permit or ()], [parse_constraint(text) for text in exclude or ()]
    )
