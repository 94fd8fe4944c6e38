"""What is asked of a renewal, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from cryptography import x509

from easycert.errors import EasycertError
from easycert.model import Kind, Value
from easycert.pki.names import SafeName

#: Hears what is being done, and how many of how many are.
Progress = Callable[[str, int, int], None]


class RenewRequest(Value):
    """Which certificates are to be renewed, and how.

    *names* as people write them, of this *kind* only where one is given; with *due*, of those (or of all there are)
    the ones of whose life a third is left, or that end *within* a time. *reuse_key* keeps the keys, as CAs always do;
    *revoke_old* revokes the old ones in the same step; *cascade* re-issues what carries the old certificate of a
    renewed CA in its file; *revoked* ones are renewed only when that is asked.
    """

    names: tuple[str, ...] = ()
    kind: Kind | None = None
    due: bool = False
    within: timedelta | None = None
    reuse_key: bool = False
    revoke_old: bool = False
    cascade: bool = False
    revoked: bool = False


class Renewed(Value):
    """A certificate and its successor, the absolute paths of the files, and what a person should know.

    *key_path* is None where no key lies beside the certificate; *new_key* says whether the key is a new one,
    *old_revoked* whether the old certificate is on the CRL of its CA now.
    """

    kind: Kind
    name: SafeName
    old: x509.Certificate
    certificate: x509.Certificate
    certificate_path: str
    key_path: str | None
    new_key: bool
    old_revoked: bool
    notes: tuple[str, ...]


class Skipped(Value):
    """A certificate that there was no reason to renew, and why."""

    kind: Kind
    name: SafeName
    reason: str


class Failure(Value):
    """A name that could not be renewed, and why; *kind* is None where it is no name of a certificate."""

    kind: Kind | None
    name: str
    error: EasycertError


class RenewRun(Value):
    """What came of a run, in the order in which it was done, and what a person should know of the whole."""

    renewed: tuple[Renewed, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    failed: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
