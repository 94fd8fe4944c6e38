"""What a renewal brings with it: exports of what was renewed are written again, and so is what else has drifted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from easycert.cli.app import report
from easycert.errors import EasycertError
from easycert.workflows.exports.remembered import concerned, remembered_exports
from easycert.workflows.exports.values import RefreshRun

if TYPE_CHECKING:
    from easycert.certdir import CertDir
    from easycert.cli.options import Habits
    from easycert.workflows.renew.values import RenewRequest, RenewRun


class FollowUp:
    """The exports that a run of renewals concerns; with ``--due`` and no name all, so that nothing is missed."""

    def __init__(self, certdir: CertDir, request: RenewRequest, done: RenewRun, habits: Habits) -> None:
        """Take what was asked, and what was *done* (or would be)."""
        self.run = RefreshRun()
        self._error: EasycertError | None = None
        self._certdir = certdir
        self._habits = habits
        self._renewed = [(item.kind, str(item.name)) for item in done.renewed]
        self._all = request.due and not request.names

    @property
    def failed(self) -> bool:
        """Whether something has to be done again."""
        return self._error is not None or self.run.has_failed

    def follow(self, hook_timeout: float, *, planned: bool) -> None:
        """Write again what has to be, or find out what would be; what fails is told later, with what was renewed."""
        if not (self._all or self._renewed):
            return
        try:
            exports = remembered_exports(self._certdir) if self._all else concerned(self._certdir, self._renewed)
            if not exports:
                return
            from easycert.cli.exported import hook_terms  # few directories have any
            from easycert.workflows.exports import refreshing

            if planned:
                self.run = refreshing.preview(self._certdir, exports, self._renewed)
            else:
                self.run = refreshing.refresh_exports(self._certdir, exports, hook_terms(self._habits, hook_timeout))
        except EasycertError as error:
            self._error = error

    def tell_failures(self) -> None:
        """Say what failed, and the command that tries again."""
        if self._error is not None:
            report(self._error)
            self._habits.say("what is exported was not looked at; mend that, then: easycert export --refresh")
        if self.run.has_failed:
            from easycert.cli.exported import say_failures

            say_failures(self.run)

    def lines(self, *, planned: bool) -> Iterator[str]:
        """Yield what was written again, or would be, for a person."""
        if self.run.written:
            from easycert.cli.exported import described

            for item in self.run.written:
                yield f"{described(item)}: {'would be written again' if planned else 'written again'}"

    def rows(self, *, planned: bool) -> Iterator[dict[str, Any]]:
        """Yield what was written again, or would be, and what was not, as rows of JSON."""
        if self.run.written or self.run.failed:
            from easycert.cli.exported import refreshed_rows

            for row in refreshed_rows(self.run):
                yield {**row, "state": "due" if planned and row["state"] == "written" else row["state"]}
