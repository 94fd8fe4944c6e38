"""Explaining an error that some program printed: what it means, by which rule, and which commands mend it here."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from easycert.certdir import CertDir
from easycert.errors import printable
from easycert.model import Kind
from easycert.pki.explain.mentions import Mentions, mentions
from easycert.pki.explain.search import Match, matches
from easycert.workflows.holdings import Holding, holdings
from easycert.workflows.probe_links import covers

#: The port of https, for a text that names none.
_PORT = 443
#: With these causes the server shows another certificate than one for the host that was asked for.
_OTHERS = frozenset({"wrong-host", "no-san"})
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}")


class Advice(NamedTuple):
    """Something to do: the command (None where none does it), and what it is for."""

    command: str | None
    why: str


class Explained(NamedTuple):
    """One cause: its name, what happened, the clause, the words of the text that say so, whose they are, the cures."""

    cause: str
    what: str
    section: str
    words: str
    program: str
    fixes: tuple[Advice, ...]


class Explanation(NamedTuple):
    """What a text means, the most telling cause first (none: it is not known), and whom it mentions.

    *name* is the host of the certificate directory that has a certificate for *host*.
    """

    causes: tuple[Explained, ...]
    host: str | None
    port: int | None
    name: str | None


def explain(certdir: CertDir, text: str) -> Explanation:
    """Return what *text* means; of a text that is too long, its beginning and its end count."""
    found = matches(text)
    said = mentions(text)
    here = _Here(certdir, text, said) if found else None
    causes = tuple(here.explained(match) for match in found) if here else ()
    return Explanation(causes, said.host, said.port, here.name if here else None)


class _Here:
    """What the certificate directory knows of those whom a text mentions."""

    def __init__(self, certdir: CertDir, text: str, said: Mentions) -> None:
        held = holdings(certdir).items
        self._said = said
        self._authorities = [item for item in held if item.kind is Kind.CA]
        self._host = _host(held, said)
        users = {item.name: item for item in held if item.kind is Kind.USER}
        self._user = next((found for found in _ADDRESS.findall(text) if found in users), None)
        self._issued = self._host or (users[self._user] if self._user else None)

    @property
    def name(self) -> str | None:
        """The host certificate that it is about."""
        return self._host.name if self._host else None

    def explained(self, match: Match) -> Explained:
        """Return the cause with its commands filled in."""
        cause = match.cause
        fixes = [Advice(self._command(fix.command) or None, fix.why) for fix in cause.fixes]
        if cause.name in _OTHERS and self._is_served_elsewhere():
            command = self._command("easycert export {name} --for fullchain")
            fixes = [Advice(command, "a certificate for that name is here: give it to the server"), *fixes[1:]]
        return Explained(cause.name, cause.what, cause.section, printable(match.words), match.program, tuple(fixes))

    def _is_served_elsewhere(self) -> bool:
        """Return whether the directory has what the server lacks: a certificate for the host that was asked for."""
        return self._host is not None and self._said.host is not None and covers(self._host.facts.sans, self._said.host)

    def _command(self, template: str) -> str:
        host, port = self._said.host, self._said.port
        shown = f"[{host}]" if host and ":" in host else host
        values = {
            "host": host or "HOST",
            "place": f"{shown}:{port or _PORT}" if shown else "HOST:PORT",
            "name": self.name or self._said.certified or host or "NAME",
            "user": self._user or "USER",
            "ca": self._ca(),
        }
        if values["name"] == values["host"]:  # there is none yet to which the name could be added
            template = template.replace(" --san {host} --force", "")
        return template.format_map({key: shlex.quote(printable(value)) for key, value in values.items()})

    def _ca(self) -> str:
        """Return the CA that signed what it is about, else the only one with a key."""
        if self._issued is not None:
            facts = self._issued.facts
            for authority in self._authorities:
                if authority.facts.subject == facts.issuer:
                    return authority.name
        keyed = [item.name for item in self._authorities if item.has_key]
        return keyed[0] if len(keyed) == 1 else "CA"


def _host(held: list[Holding], said: Mentions) -> Holding | None:
    """Return the host whose certificate names what was asked for, else the one that the text says it is."""
    hosts = [item for item in held if item.kind is Kind.HOST]
    for wanted in (said.host, said.certified):
        for item in hosts:
            if wanted is not None and (item.name == wanted or covers(item.facts.sans, wanted)):
                return item
    return None
