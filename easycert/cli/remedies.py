"""How what doctor advises is typed: a remedy as a command of this version."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from easycert.errors import InvalidInput, printable
from easycert.model import Kind
from easycert.pki.doctor.findings import Cure, Remedy
from easycert.pki.names import NAMES
from easycert.pki.sans import parse_san

if TYPE_CHECKING:
    from easycert.workflows.examination import Patient

#: Key types that a new certificate keeps; P-256 is what it gets anyway.
_KEPT = frozenset({"rsa2048", "rsa3072", "rsa4096", "ec384", "ec521"})


class Advice:
    """How commands are worded: for which directory, and for which names a kind must be said."""

    def __init__(self, certdir: str | None, patients: Iterable[Patient]) -> None:
        """Take the directory that commands must name (None: the usual one) and all that was examined."""
        self._certdir = certdir
        kinds: dict[str, set[Kind]] = {}
        for patient in patients:
            if patient.filed and patient.name and patient.kind:
                kinds.setdefault(patient.name, set()).add(patient.kind)
        self._ambiguous = {name for name, found in kinds.items() if len(found) > 1}

    def command(self, patient: Patient, remedy: Remedy) -> str:
        """Return the command that mends a finding of *patient*.

        What stands in capitals (CA, FILE) is for the person to fill in. Empty where no command helps.
        """
        words = _WORDS[remedy.cure](patient, remedy)
        if words[:2] == ["easycert", "renew"] and patient.name in self._ambiguous and patient.kind:
            words += ["--kind", patient.kind.value]
        if words and words[0] == "easycert" and self._certdir is not None:
            words += ["--certdir", self._certdir]
        return " ".join(_quoted(word) for word in words)


def _renew(patient: Patient, remedy: Remedy) -> list[str]:
    if patient.filed and patient.name:
        return ["easycert", "renew", patient.name]
    return [] if patient.kind is Kind.CA else _reissue(patient, remedy)  # whose CA that is, who knows


def _reissue(patient: Patient, remedy: Remedy) -> list[str]:
    if patient.kind is Kind.CA:
        return _new_authority(patient, remedy)
    name = _name(patient)
    words = ["easycert", (patient.kind or Kind.HOST).value, name, "--signas", _signer(patient)]
    others = _other_names(patient, name)
    for san in (*others, *(wanted for wanted in remedy.names if wanted != name and f"DNS:{wanted}" not in others)):
        words += ["--san", san]
    profile = remedy.profile or ("synapse" if patient.for_synapse else None)
    kept = patient.key_type if patient.key_type in _KEPT and not profile else None
    words += _wishes(remedy._replace(profile=profile, key_type=remedy.key_type or kept))
    if remedy.days:
        words += ["--days", str(remedy.days)]
    return [*words, "--force"] if patient.filed else words


def _new_authority(patient: Patient, remedy: Remedy) -> list[str]:
    if patient.kind is not Kind.CA:  # its CA is at fault: another one is to sign
        return _reissue(patient._replace(issuer=None), remedy)
    words = ["easycert", "ca", f"{_name(patient)} 2"]
    if not patient.self_signed:
        words += ["--signas", _signer(patient)]
    profile = remedy.profile or ("synapse" if patient.for_synapse else None)
    return words + _wishes(remedy._replace(profile=profile))


def _wishes(remedy: Remedy) -> list[str]:
    profile = ["--profile", remedy.profile] if remedy.profile else []
    return [*profile, "--key-type", remedy.key_type] if remedy.key_type else profile


def _mode(_patient: Patient, remedy: Remedy) -> list[str]:
    return ["chmod", f"{remedy.mode or 0o600:o}", remedy.path or ""]


def _crl(patient: Patient, _remedy: Remedy) -> list[str]:
    of_a_leaf = patient.kind not in (None, Kind.CA)
    return ["easycert", "crl", (patient.issuer if of_a_leaf else patient.name) or "CA"]


def _import(_patient: Patient, _remedy: Remedy) -> list[str]:
    return ["easycert", "import", "FILE", "--kind", "ca"]


def _to_pem(patient: Patient, _remedy: Remedy) -> list[str]:
    return ["openssl", "x509", "-in", patient.path, "-out", patient.path]


def _move(_patient: Patient, remedy: Remedy) -> list[str]:
    path = remedy.path or _patient.path
    return ["mv", path, os.path.join(os.path.dirname(os.path.dirname(path)), "")]


def _ledger(_patient: Patient, _remedy: Remedy) -> list[str]:
    return ["easycert", "ledger", "verify"]


def _look(patient: Patient, _remedy: Remedy) -> list[str]:
    return ["easycert", "show", patient.path]


_WORDS = {
    Cure.RENEW: _renew,
    Cure.REISSUE: _reissue,
    Cure.NEW_CA: _new_authority,
    Cure.MODE: _mode,
    Cure.CRL: _crl,
    Cure.IMPORT_ISSUER: _import,
    Cure.REBUILD_CHAIN: _renew,
    Cure.TO_PEM: _to_pem,
    Cure.MOVE_AWAY: _move,
    Cure.LEDGER: _ledger,
    Cure.LOOK: _look,
}


def _name(patient: Patient) -> str:
    """Return the name for a new certificate: that of the file, else the first that it is good for and may have."""
    if patient.name is not None and (patient.filed or patient.kind is Kind.CA):
        return patient.name
    given = [name.partition(":")[2] for name in patient.names if name.startswith(("DNS:", "IP:", "email:"))]
    may_be_one = NAMES[patient.kind or Kind.HOST]
    return next((name for name in given or [patient.name or ""] if _parses(may_be_one, name)), "NAME")


def _parses(grammar: Callable[[str], object], text: str) -> bool:
    """Return whether *text*, which a stranger may have written, is taken on the command line."""
    try:
        grammar(text)
    except InvalidInput:
        return False
    return not text.startswith("-")


def _signer(patient: Patient) -> str:
    return patient.issuer or "CA"


def _other_names(patient: Patient, name: str) -> list[str]:
    prefixes = ("DNS:", "IP:", "email:", "URI:")
    others = [san for san in patient.names if san.startswith(prefixes) and san.partition(":")[2] != name]
    return [san for san in others if _parses(parse_san, san)]


def _quoted(word: str) -> str:
    return shlex.quote(printable(word))
