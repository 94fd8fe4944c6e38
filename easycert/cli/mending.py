"""How what a probe advises is typed: each fault's step as a command of this version."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from easycert.cli.remedies import Advice
from easycert.errors import printable
from easycert.model import Kind
from easycert.pki.doctor.findings import Cure
from easycert.workflows.probe_faults import Step

if TYPE_CHECKING:
    from easycert.workflows.probe_faults import Fault


class Mending:
    """How commands are worded: for which directory, and with which words the probe was started."""

    def __init__(self, certdir: str | None, words: Iterable[str], faults: Iterable[Fault]) -> None:
        """Take the directory that commands must name (None: the usual one), and what was probed."""
        self._certdir = certdir
        self._words = list(words)
        self._advice = Advice(certdir, [fault.patient for fault in faults if fault.patient is not None])

    def command(self, fault: Fault) -> str:
        """Return the command that mends *fault*; what stands in capitals is to be filled in. Empty where none does."""
        if fault.step is Step.CURE:
            return self._cure(fault)
        words = self._step(fault)
        if words and words[0] == "easycert" and self._certdir is not None:
            words += ["--certdir", self._certdir]
        return " ".join(word if word == ">>" else shlex.quote(printable(word)) for word in words)

    def _cure(self, fault: Fault) -> str:
        if fault.patient is None or fault.remedy is None:
            return ""
        if not fault.patient.filed and fault.patient.kind is Kind.CA and fault.remedy.cure in _FOR_ITS_OWNER:
            return ""
        if not fault.patient.filed and not fault.patient.path:  # there is no file to look at
            fault = fault._replace(patient=fault.patient._replace(path="FILE"))
        assert fault.patient is not None and fault.remedy is not None
        return self._advice.command(fault.patient, fault.remedy)

    def _step(self, fault: Fault) -> list[str]:
        if fault.step is Step.PRESENT:
            return ["easycert", "probe", *self._words, "--cert", fault.name or "USER"]
        return [
            word if word is not _NAMED else fault.name or _BLANKS.get(fault.step, "NAME") for word in _STEPS[fault.step]
        ]


#: What only the owner of a CA can do.
_FOR_ITS_OWNER = (Cure.REISSUE, Cure.NEW_CA, Cure.CRL)
#: Stands for what the command is about.
_NAMED = "(name)"
_STEPS: dict[Step, tuple[str, ...]] = {
    Step.SERVE: ("easycert", "export", _NAMED, "--for", "fullchain"),
    Step.REFRESH: ("easycert", "export", _NAMED, "--refresh"),
    Step.RELOAD: (),
    Step.APPEND: ("cat", _NAMED, ">>", "SERVED.pem"),
    Step.TRUST: ("easycert", "import", "FILE", "--kind", "ca"),
    Step.TRUST_US: ("cat", _NAMED, ">>", "CLIENT-CAS.pem"),
    Step.NEW_USER: ("easycert", "user", "USER", "--signas", _NAMED),
    Step.REQUEST_USER: ("easycert", "csr", "user", "USER"),
    Step.CLOCK: ("date", "-u"),
    Step.SETTINGS: (),
}
#: What stands there where it is not known.
_BLANKS = {Step.APPEND: "INTERMEDIATE.crt", Step.TRUST_US: "CA.crt", Step.NEW_USER: "CA"}
