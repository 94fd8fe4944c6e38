"""The steps by which a store is changed: what is run is what is printed, word for word.

A step can be taken (:func:`take`), taken back where that is possible, and written as a line for a shell
(:func:`as_shell`), so that ``--dry-run`` and the advice for whoever may not do it cannot differ from what is done.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress

from easycert.errors import EasycertError, TrustStoreUnusable, printable
from easycert.model import Value
from easycert.trust.children import Children

_CERTIFICATE_MODE = 0o644
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DRAFT = re.compile(r"\.easycert-[0-9a-f]{12}")


class Place(Value):
    """Write a certificate into a new file of its own; *source* is a file that holds just that, for the shell."""

    path: str
    pem: bytes
    source: str | None


class Delete(Value):
    """Delete the file at *path*, which holds the certificate *pem*."""

    path: str
    pem: bytes


class Directory(Value):
    """Make a directory for its owner alone, and those above it."""

    path: str


class Run(Value):
    """Run a program with these words and further variables; what it reads on stdin is a certificate, if anything."""

    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    pem: bytes = b""
    source: str | None = None
    #: Seconds.
    timeout: float = 120.0


class ByHand(Value):
    """A line that only the person can type into the shell whose environment it changes."""

    line: str


class Act(Value):
    """Something done within this process, and the line that says it: what a store in memory consists of."""

    line: str
    do: Callable[[], None]


Step = Place | Delete | Directory | Run | ByHand | Act


def take(steps: Sequence[Step], place: str, children: Children) -> None:
    """Take *steps* in their order; when one fails, files that were placed or deleted before are as they were.

    *place* names the store in errors. Raises TrustStoreUnusable.
    """
    undo: list[Callable[[], None]] = []
    try:
        for step in steps:
            undo.append(_taken(step, place, children))  # noqa: PERF401  (what was taken counts when the next fails)
    except BaseException as error:
        for back in reversed(undo):
            with suppress(OSError, EasycertError):
                back()
        if isinstance(error, OSError):
            raise TrustStoreUnusable(place, error.strerror or str(error)) from error
        raise


def as_shell(step: Step, *, sudo: bool = False) -> str:
    """Return *step* as a command for a POSIX shell, through ``sudo`` where asked for."""
    prefix = "sudo " if sudo else ""
    if isinstance(step, Place):
        if step.source:
            return f"{prefix}install -m 644 {_word(step.source)} {_word(step.path)}"
        return f"{prefix}tee {_word(step.path)} > /dev/null {_document(step.pem)}"
    if isinstance(step, Delete):
        return f"{prefix}rm {_word(step.path)}"
    if isinstance(step, Directory):
        return f"{prefix}mkdir -p -m 700 {_word(step.path)}"
    if isinstance(step, ByHand | Act):
        return step.line
    return _command(step, prefix)


def _command(step: Run, prefix: str) -> str:
    variables = [f"{name}={_quoted(value)}" for name, value in step.variables]
    line = prefix + " ".join([*variables, *map(_quoted, step.words)])
    if not step.pem:
        return line
    return f"{line} < {_word(step.source)}" if step.source else f"{line} {_document(step.pem)}"


def _word(path: str) -> str:
    """Return *path* quoted, and such that no program takes it for an option."""
    return _quoted(f"./{path}" if path.startswith("-") else path)


def _quoted(word: str) -> str:
    """Return *word* for a shell; what a terminal would act on is escaped, as bash, zsh and POSIX since 2024 read it."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = "".join(
        char if char.isprintable() and char not in "'\\" else "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))
        for char in word
    )
    return f"$'{escaped}'"


def _document(pem: bytes) -> str:
    return f"<<'EOF'\n{pem.decode('ascii')}EOF"


# --- taking them -----------------------------------------------------------------------------------------------------


def _taken(step: Step, place: str, children: Children) -> Callable[[], None]:
    """Take one step and return what takes it back."""
    if isinstance(step, Place):
        _write(step.path, step.pem)
        return lambda: os.unlink(step.path)
    if isinstance(step, Delete):
        os.unlink(step.path)
        _sweep(os.path.dirname(step.path))
        return lambda: _write(step.path, step.pem)
    if isinstance(step, Directory):
        os.makedirs(step.path, 0o700, exist_ok=True)
    elif isinstance(step, Run):
        _run(step, place, children)
    elif isinstance(step, Act):
        step.do()
    return _nothing


def _nothing() -> None:
    """Take back what needs no taking back."""


def _run(step: Run, place: str, children: Children) -> None:
    ran = children.run(step.words, variables=dict(step.variables), stdin=step.pem, timeout=step.timeout)
    if ran.code:
        raise TrustStoreUnusable(place, f"{os.path.basename(step.words[0])} {ran.how}: {printable(ran.complaint)}")


def _write(path: str, data: bytes) -> None:
    """Write a new file that everyone can read, whole or not at all; a file that is there is never replaced."""
    folder = os.path.dirname(path)
    _sweep(folder)
    descriptor, draft = _new_draft(folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, _CERTIFICATE_MODE)  # whatever the umask left
            file.write(data)
            file.flush()
            os.fsync(descriptor)
            os.link(draft, path)  # fails when somebody was faster
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)


def _new_draft(folder: str) -> tuple[int, str]:
    """Return a new file that is locked, as a sign that somebody is at it, and its path."""
    while True:
        draft = os.path.join(folder, f".easycert-{os.urandom(6).hex()}")
        descriptor = os.open(draft, _NEW_FILE, _CERTIFICATE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # else it was swept before it was locked
                return descriptor, draft
        except BaseException:
            os.close(descriptor)
            os.unlink(draft)
            raise
        os.close(descriptor)


def _sweep(folder: str) -> None:
    """Delete the drafts that nobody is at any more: whoever made them was killed, or lost power."""
    with suppress(OSError):  # the step itself says what cannot be done there
        for name in filter(_DRAFT.fullmatch, os.listdir(folder or ".")):
            with suppress(OSError):
                _discard(os.path.join(folder, name))


def _discard(draft: str) -> None:
    descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.unlink(draft)
    finally:
        os.close(descriptor)
