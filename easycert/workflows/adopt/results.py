"""What adopting a directory came to, frozen, for whoever tells a person or a program."""

from __future__ import annotations

from datetime import datetime

from easycert.model import Kind, Value
from easycert.workflows.adopt.crls import CrlOutcome
from easycert.workflows.adopt.layout import Origin
from easycert.workflows.adopt.placing import Outcome
from easycert.workflows.adopt.source import LeftOut


class AdoptedCertificate(Value):
    """A certificate of the source: what it is here, what became of it, and whether it verifies.

    *source* is its file there, *files* are the absolute paths that were written. *state* is ``valid``, ``expired``,
    ``not yet valid`` or ``revoked``. *verified* is None for what has no file here, and for what has expired.
    """

    kind: Kind
    name: str
    subject: str
    issuer: str
    serial: str
    not_after: datetime
    state: str
    source: str
    outcome: Outcome
    with_key: bool
    files: tuple[str, ...]
    verified: bool | None
    reasons: tuple[str, ...]


class AdoptedCrl(Value):
    """The CRL of one of the CAs: its file there (None: there was none), what became of it, and how many it revokes."""

    ca: str
    source: str | None
    outcome: CrlOutcome
    number: int
    revoked: int
    path: str


class Adopted(Value):
    """Everything that came in, or would under *dry_run*, what did not and why, and what a person should know."""

    origin: Origin
    directory: str
    dry_run: bool
    certificates: tuple[AdoptedCertificate, ...]
    crls: tuple[AdoptedCrl, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def failed(self) -> tuple[AdoptedCertificate, ...]:
        """What its own dates and its CA call good, and what does not verify here."""
        return tuple(item for item in self.certificates if item.verified is False and item.state == "valid")
