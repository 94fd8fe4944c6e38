"""What there is to know about a tool's directory: by what it is recognised, and what it does not tell."""

from __future__ import annotations

from enum import Enum

from easycert.model import Value
from easycert.workflows.adopt.source import Source


class Origin(Enum):
    """Whose directory it is; the value is the word of ``--from``."""

    AUTO = "auto"
    EASY_RSA = "easy-rsa"
    MKCERT = "mkcert"
    OPENSSL = "openssl"
    STEP = "step"


class Layout(Value):
    """How one tool lays out its directory. What lies in a file is seen from its contents, never from its name.

    It is this layout where every file of one of the *marks* is; *inner* are folders
    in which it may lie, too. *skipped* folders hold nothing that can be read. *authorities* are files that hold the
    certificate of the CA, even where its key is kept elsewhere. *untold* says what the directory cannot tell.
    """

    origin: Origin
    marks: tuple[tuple[str, ...], ...]
    inner: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    authorities: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    def found(self, source: Source) -> Source | None:
        """Return the directory of this layout that *source* is, or has in it; None where there is none."""
        for inner in ("", *self.inner):
            for mark in self.marks:
                if all(source.has(f"{inner}/{name}" if inner else name) for name in mark):
                    return source.below(inner) if inner else source
        return None
