"""The search for what a text says: known phrases, looked for as they stand, so that no text can make it slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from easycert.pki.explain import libraries, openssl, programs
from easycert.pki.explain.causes import CAUSES
from easycert.pki.explain.values import Cause

#: A log's worth. Of a longer text the beginning and the end count.
TEXT_MAX = 65536
#: Where a phrase has a gap (``...``), so many characters may stand in it.
_GAP_MAX = 200
_GAP = " ... "
#: Times that one phrase is looked for: a log says the same over and over.
_MOST_TIMES = 16
#: Causes that say less than others that the text has, too: 0 says least.
_VAGUE = {
    "verification-failed": 0,
    "tls-failed": 0,
    "connection-closed": 1,
    "no-common-ground": 1,
    "missing-intermediate": 1,
    "outside-validity": 1,
    "bad-file": 1,
    "invalid": 1,
}
_SURE = 2
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")


class Phrase(NamedTuple):
    """A phrase, lower-case, that means *cause* where *program* prints it."""

    text: str
    cause: str
    program: str


class Match(NamedTuple):
    """A cause that the text names: by which words, and whose."""

    cause: Cause
    words: str
    program: str


class _Hit(NamedTuple):
    weight: int
    start: int
    end: int
    phrase: Phrase


def _phrases() -> Iterator[Phrase]:
    tables = (
        ("OpenSSL", openssl.VERIFY_TEXTS),
        ("OpenSSL", openssl.CONSEQUENCES),
        ("OpenSSL", openssl.LIBRARY_TEXTS),
        ("Go", libraries.GO),
        ("Java", libraries.JAVA),
        ("Node", libraries.NODE),
        ("Python", libraries.PYTHON),
        ("rustls", libraries.RUSTLS),
        ("GnuTLS", libraries.GNUTLS),
        ("Windows", libraries.WINDOWS),
        ("Apple", libraries.APPLE),
        ("easycert", programs.OURS),
        ("Chrome", programs.CHROME),
        ("Firefox", programs.FIREFOX),
        ("a client", programs.CLIENTS),
        ("a server", programs.SERVERS),
        ("Synapse", programs.SYNAPSE),
    )
    for program, table in tables:
        for text, cause in table.items():
            yield Phrase(text, cause, program)
    for text, cause in openssl.REASONS.items():
        for written in (f":{text}", f"[ssl: {text}", f"[ssl] {text}"):
            yield Phrase(written, cause, "OpenSSL")
    for number, cause in programs.CHROME_NUMBERS.items():
        yield Phrase(f"net_error -{number}", cause, "Chrome")
    for number, cause in openssl.VERIFY_NUMBERS.items():
        for written in (f"verify error:num={number}", f"error {number} at", f"verify return code: {number}"):
            yield Phrase(written, cause, "OpenSSL")


#: Every phrase that is known.
PHRASES: tuple[Phrase, ...] = tuple(_phrases())


def matches(text: str) -> tuple[Match, ...]:
    """Return the causes that *text* names, the most telling first; empty where nothing in it is known.

    The most specific wins; among equals what is said last, for causes come last (``Caused by: ..``). Causes that only
    wrap another one are left out where there is another.
    """
    whole = normal(text)
    spaced = whole.replace("_", " ")
    hits = [hit for phrase in PHRASES for hit in _hits(phrase, whole if "_" in phrase.text else spaced)]
    alone = [hit for hit in hits if not any(_holds(other, hit) for other in hits)]
    best = max((hit.weight for hit in alone), default=0)
    ordered = sorted(alone, key=lambda hit: (-hit.weight, -hit.end, hit.start))
    found: dict[str, Match] = {}
    for hit in ordered:
        if hit.weight == best:
            words = whole[hit.start : hit.end]
            found.setdefault(hit.phrase.cause, Match(CAUSES[hit.phrase.cause], words, hit.phrase.program))
    return tuple(found.values())


def shortened(text: str) -> str:
    """Return *text*, or of one that is too long its beginning and its end."""
    half = TEXT_MAX // 2
    return text if len(text) <= TEXT_MAX else f"{text[:half]}\n{text[-half:]}"


def normal(text: str) -> str:
    """Return *text* as phrases are written: lower-case, plain quotes, single spaces."""
    return " ".join(shortened(text).lower().translate(_QUOTES).split())


def _hits(phrase: Phrase, text: str) -> Iterator[_Hit]:
    first, *rest = phrase.text.split(_GAP)
    weight = _VAGUE.get(phrase.cause, _SURE)
    at = 0
    for _ in range(_MOST_TIMES):
        start = text.find(first, at)
        if start < 0:
            return
        end = start + len(first)
        for piece in rest:
            found = text.find(piece, end, end + _GAP_MAX + len(piece))
            end = found + len(piece) if found >= 0 else -1
            if end < 0:
                break
        if end > 0 and _stands_alone(text, start, end):
            yield _Hit(weight, start, end, phrase)
        at = start + 1


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether no word or number goes on beyond the phrase: ``num=2`` is not in ``num=20``."""
    before = start > 0 and _is_word(text[start - 1]) and _is_word(text[start])
    behind = end < len(text) and _is_word(text[end]) and _is_word(text[end - 1])
    return not before and not behind


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _holds(other: _Hit, hit: _Hit) -> bool:
    """Return whether *other* is a longer phrase around *hit*, which then says less."""
    return other.start <= hit.start and hit.end <= other.end and other.end - other.start > hit.end - hit.start
