"""A certificate directory, bound: its files, its keys and its clock.

Workflows take a :class:`CertDir` and a request. It has no logic of its own beyond finding the directory; what it offers
is the three edges in one hand, so that a test can put memory twins and a fixed clock in their place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from easycert.bookkeeping import Bookkeeping, Change
from easycert.errors import EasycertError, InvalidInput, Refused, printable
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.settings import Settings, parse_settings
from easycert.signers.keyfile import KeyFiles
from easycert.store import layout
from easycert.store.directories import Strictness

if TYPE_CHECKING:
    from easycert.ledger.entries import Located
    from easycert.ledger.protocol import Ledger
    from easycert.signers.protocol import Signers
    from easycert.store.protocol import Store

DEFAULT_DIRECTORY = "~/.syn/certs"
#: The ledger's file in ``.easycert/``.
LEDGER = "ledger.sqlite"
#: No machine that runs this can have an older clock: one whose battery is flat starts in 1970 (hazard E11).
_EARLIEST_CLOCK = datetime(2020, 1, 1, tzinfo=UTC)
_VARIABLES = ("EASYCERT_DIR", "SYN_CERT_DIR")


def utc_now() -> datetime:
    """Return the time now, aware and in UTC."""
    return datetime.now(UTC)


def current_user() -> str:
    """Return the name of the operating system's user who runs this process, or its number where it has none."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name.encode("utf-8", "backslashreplace").decode()
    except KeyError:
        return f"uid {os.getuid()}"


class CertDir:
    """One certificate directory: ``store`` (files), ``ledger``, ``signers`` (private keys) and a clock (aware UTC)."""

    def __init__(
        self,
        store: Store,
        signers: Signers | None = None,
        clock: Callable[[], datetime] = utc_now,
        report: Callable[[str], None] | None = None,
        ledger: Callable[[], Ledger] | None = None,
    ) -> None:
        """Bind the edges; without *signers*, keys are the key files in *store*; *report* hears of exposed ones.

        *ledger* makes the ledger when it is first needed; without it one in memory begins with what is in the store.
        """
        self.store = store
        self._open_ledger = ledger or _memory_ledger
        #: What binds the files to the ledger; see :meth:`change`.
        self.books = Bookkeeping(store, lambda: self.ledger, current_user, report)
        self._report = report
        self.signers = signers or KeyFiles(self._key_file)
        self._clock = clock

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str] | Sequence[str] | None = None,
        *,
        lock_timeout: float = 10.0,
        unsafe: Strictness = Strictness.REFUSE,
        report: Callable[[str], None] | None = None,
    ) -> CertDir:
        """Return the certificate directory at *directory*; nothing is created before something is written.

        Several directories form a search path: all are read, in order; the first is written to. None means
        ``EASYCERT_DIR``, else ``SYN_CERT_DIR`` (both may hold several, separated by ``:``), else ``~/.syn/certs``.
        A writer waits *lock_timeout* seconds for another; *unsafe* says what to do about a directory that others could
        change, and *report* is told what is odd but no error. Raises InvalidInput when the home directory is needed
        and unknown.
        """
        from easycert.store.files import FileStore

        path = directories(directory)
        for item in path:
            if os.path.exists(item) and not os.path.isdir(item):
                raise InvalidInput("certificate directory", item, "is not a directory")
        store = FileStore(path, lock_timeout=lock_timeout, unsafe=unsafe, report=report)
        return cls(store, report=report, ledger=partial(_sqlite_ledger, os.path.join(path[0], layout.STATE, LEDGER)))

    @classmethod
    def in_memory(cls, clock: Callable[[], datetime] = utc_now) -> CertDir:
        """Return a certificate directory that never touches a disk."""
        from easycert.store.memory import MemoryStore

        return cls(MemoryStore(), clock=clock)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of the directory; see :class:`easycert.ledger.protocol.Ledger`."""
        return self._open_ledger()

    @cached_property
    def settings(self) -> Settings:
        """The site's defaults, from ``easycert.toml``. Raises Malformed and UnreadableFile."""
        found = self.read(layout.SETTINGS)
        return Settings() if found is None else parse_settings(*found)

    def now(self) -> datetime:
        """Return the time, aware and in UTC; a workflow reads it once and passes it down."""
        return self._clock().astimezone(UTC)

    def signing_time(self) -> datetime:
        """Return the time for something that is to be signed. Raises Refused for a clock that cannot be right."""
        now = self.now()
        if now < _EARLIEST_CLOCK:
            raise Refused("the clock of this machine", f"it says {now:%Y-%m-%d %H:%M}, which cannot be; set it first")
        return now

    def change(self, now: datetime | None = None) -> Change:
        """Return a block of changes to files and ledger, which happen wholly or not at all, at *now*."""
        return Change(self.store, self.books, now or self.now())

    def refresh_index(self, located: Sequence[Located]) -> None:
        """Note in the ledger where the certificates *located*, which it knows, lie now, so that lists are quick again.

        For readers: nothing happens where somebody writes at this moment, or this process may not.
        """
        try:
            with self.store.transaction(wait=False):
                self.ledger.locate(located)
        except EasycertError:
            return

    def read(self, entry: layout.Entry) -> tuple[bytes, str] | None:
        """Return the bytes of *entry* and the path that errors name them by, or None. Raises UnreadableFile."""
        data = self.store.read(entry)
        return None if data is None else (data, self.store.find(entry) or entry.path)

    def _key_file(self, kind: Kind, name: SafeName) -> tuple[bytes, str] | None:
        entry = layout.key(kind, name)
        found = self.read(entry)
        if found and self._report and self.store.exposed(entry):
            self._report(f"the private key {printable(found[1])} can be read by others; chmod 600 it")
        return found


def _sqlite_ledger(path: str) -> Ledger:
    from easycert.ledger.sqlite import SqliteLedger  # many commands need none

    return SqliteLedger(path)


def _memory_ledger() -> Ledger:
    from easycert.ledger.memory import MemoryLedger

    return MemoryLedger()


def directories(
    given: str | os.PathLike[str] | Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return the search path that *given* or the environment names, absolute. See :meth:`CertDir.open`."""
    environ = os.environ if environ is None else environ
    if given is not None:
        chosen = [os.fspath(given)] if isinstance(given, str | os.PathLike) else [os.fspath(item) for item in given]
    else:
        named = next((environ[variable] for variable in _VARIABLES if environ.get(variable)), DEFAULT_DIRECTORY)
        chosen = [part for part in named.split(os.pathsep) if part]
    if not chosen or not all(chosen):
        raise InvalidInput("certificate directory", "", "is empty; name one with --certdir")
    return tuple(os.path.abspath(_expanded(path, environ)) for path in chosen)


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    if "\0" in path:
        raise InvalidInput("certificate directory", path, "holds a NUL character")
    if path != "~" and not path.startswith("~/"):
        expanded = os.path.expanduser(path)
        if expanded.startswith("~"):  # else a directory called that would be made here
            raise InvalidInput(
                "certificate directory", path, "is the home of nobody; write ./~... for one that lies here"
            )
        return expanded
    home = environ.get("HOME", "")
    if not os.path.isabs(home) or not os.path.isdir(home):
        raise InvalidInput("home directory", home, f"does not exist, so {path} means nothing; use --certdir DIR")
    return os.path.join(home, path[2:])
