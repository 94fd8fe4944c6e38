"""The manifest of a backup: each path in it with what it is, its size, mode, time and SHA-256; pure.

Written as JSON, version 1. A name that is not UTF-8 stands in ``path`` with its odd bytes escaped, for people, and in
``path_hex`` as it is, for programs.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from easycert.backup.headers import What
from easycert.errors import Malformed
from easycert.pki.validity import rfc3339

VERSION = 1
KIND = "easycert-backup"
_NANO = 1_000_000_000
#: As :func:`~easycert.pki.validity.rfc3339` writes it.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
#: Bits that a copy loses when it belongs to somebody else, and has to.
_LENT = stat.S_ISUID | stat.S_ISGID
_A_MANIFEST = "the manifest of a backup"


class Record(NamedTuple):
    """One path of a backup, relative to it (``""`` is the backup itself); ``target`` is a link's."""

    path: str
    what: What
    mode: int
    mtime_ns: int
    size: int = 0
    sha256: str = ""
    target: str = ""


class Manifest(NamedTuple):
    """What a backup consists of, and where and when it was made."""

    source: str
    created: str
    records: tuple[Record, ...]


class Difference(NamedTuple):
    """One path that is not as the manifest says."""

    path: str
    what: str
    details: str = ""


def written(source: str, created: datetime, records: Iterable[Record]) -> Iterator[str]:
    """Yield the manifest of *records* as text, piece by piece."""
    head = {"version": VERSION, "kind": KIND, "created": rfc3339(created), **_named("source", source)}
    yield json.dumps(head, indent=1)[:-2] + ',\n "entries": ['
    comma = ""
    for item in records:
        yield f"{comma}\n  {json.dumps(dict(_fields(item)), ensure_ascii=False)}"
        comma = ","
    yield "\n ]\n}\n"


def parsed(data: bytes, path: str) -> Manifest:
    """Return the manifest in *data*, read from *path*. Raises Malformed."""
    try:
        found = json.loads(data)
        if not isinstance(found, dict) or found.get("kind") != KIND:
            raise Malformed(path, _A_MANIFEST, "it is something else")
        if found["version"] != VERSION:
            raise Malformed(path, _A_MANIFEST, f"its version {found['version']} is newer than this easycert")
        records = tuple(_record(item) for item in found["entries"])
        if not _RFC3339.fullmatch(found["created"]):
            raise Malformed(path, _A_MANIFEST, "it does not say when it was made")
        manifest = Manifest(_text(found, "source"), found["created"], records)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Malformed(path, _A_MANIFEST, f"it is damaged ({type(error).__name__})") from error
    if len({item.path for item in records}) != len(records) or not all(_is_inside(item.path) for item in records):
        raise Malformed(path, _A_MANIFEST, "it has paths that no backup can have")
    return manifest


def differences(expected: Iterable[Record], found: Iterable[Record], *, contents: bool = True) -> list[Difference]:
    """Return where *found* is not as *expected*, by path; without *contents* no digest is compared.

    Times are not compared, and set-user-id bits may be lost: a backup that was copied with ``cp -R`` is as good.
    """
    there = {item.path: item for item in found}
    differing = []
    for wanted in expected:
        item = there.pop(wanted.path, None)
        if item is None:
            differing.append(Difference(wanted.path, "missing"))
            continue
        if change := _change(wanted, item, contents):
            differing.append(Difference(wanted.path, "changed", change))
        if What.LINK not in (wanted.what, item.what) and item.mode not in (wanted.mode, wanted.mode & ~_LENT):
            differing.append(Difference(wanted.path, "mode", f"{item.mode:04o} instead of {wanted.mode:04o}"))
    differing += [Difference(path, "extra") for path in there]
    return sorted(differing)


def escaped(path: str) -> str:
    """Return *path* as text that can be written in UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _change(wanted: Record, item: Record, contents: bool) -> str:
    if _form(wanted.what) is not _form(item.what):
        return f"a {_form(item.what).value} instead of a {_form(wanted.what).value}"
    if wanted.size != item.size:
        return f"{item.size} bytes instead of {wanted.size}"
    if contents and wanted.sha256 != item.sha256:
        return "other content"
    return "another target" if wanted.target != item.target else ""


def _form(what: What) -> What:
    """Return what *what* is in a backup: a database is a file there."""
    return What.FILE if what in (What.LMDB, What.SQLITE) else what


def _fields(item: Record) -> Iterator[tuple[str, object]]:
    yield from _named("path", item.path).items()
    yield "kind", item.what.value
    yield "mode", f"{item.mode:04o}"
    yield "mtime", f"{item.mtime_ns // _NANO}.{item.mtime_ns % _NANO:09d}"
    if item.what is What.LINK:
        yield from _named("target", item.target).items()
    elif item.what is not What.DIRECTORY:
        yield "size", item.size
        yield "sha256", item.sha256


def _named(field: str, text: str) -> dict[str, str]:
    shown = escaped(text)
    return {field: shown} if shown == text else {field: shown, f"{field}_hex": os.fsencode(text).hex()}


def _text(fields: dict[str, Any], name: str) -> str:
    raw = fields.get(f"{name}_hex")
    text: object = fields[name] if raw is None else os.fsdecode(bytes.fromhex(raw))
    if not isinstance(text, str):
        raise TypeError(name)
    return text


def _record(fields: dict[str, Any]) -> Record:
    whole, _, fraction = str(fields["mtime"]).partition(".")
    return Record(
        _text(fields, "path"),
        What(fields["kind"]),
        int(fields["mode"], 8),
        int(whole) * _NANO + int(fraction.ljust(9, "0")),
        int(fields.get("size", 0)),
        str(fields.get("sha256", "")),
        _text(fields, "target") if "target" in fields else "",
    )


def _is_inside(path: str) -> bool:
    parts = path.split("/") if path else []
    return "\0" not in path and all(part not in ("", ".", "..") for part in parts)
