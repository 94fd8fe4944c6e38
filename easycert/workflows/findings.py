"""What an audit of the ledger finds, as values that read as sentences."""

from __future__ import annotations

from enum import Enum

from easycert.errors import printable
from easycert.model import Kind, Value

REBUILD = "easycert ledger rebuild"


class Topic(Enum):
    """What a finding is about; the value is the word in output."""

    LEDGER = "ledger"
    CHAIN = "chain"
    RECORD = "record"
    FILE = "file"
    CRL = "crl"
    DIGEST = "digest"


class Finding(Value):
    """One difference: what it is about, which file or entry, what is wrong, and what to do about it."""

    topic: Topic
    subject: str
    what: str
    advice: str

    @property
    def sentence(self) -> str:
        """The finding as one sentence."""
        return f"{self.subject}: {self.what}; {self.advice}"


def place(kind: str, name: str) -> str:
    """Return how a finding names a certificate of this kind: ``host www.example.com``."""
    return f"{printable(kind)} {printable(name)}" if kind in {item.value for item in Kind} else printable(name)
