"""The layouts that are known, and which of them a directory has."""

from __future__ import annotations

from easycert.errors import InvalidInput
from easycert.workflows.adopt.easyrsa import EASY_RSA
from easycert.workflows.adopt.layout import Layout, Origin
from easycert.workflows.adopt.mkcert import MKCERT
from easycert.workflows.adopt.openssl import OPENSSL
from easycert.workflows.adopt.source import Source
from easycert.workflows.adopt.step import STEP

#: In the order in which they are tried: what any directory with an index could be comes last.
LAYOUTS = (MKCERT, STEP, EASY_RSA, OPENSSL)


def recognised(source: Source, origin: Origin = Origin.AUTO) -> tuple[Layout, Source]:
    """Return the layout of *origin* (or the first that fits), and the directory of it that *source* is or has in it.

    Raises InvalidInput for a directory that is laid out like none of them; where *origin* says whose it is, that is
    believed.
    """
    candidates = tuple(item for item in LAYOUTS if origin in (Origin.AUTO, item.origin))
    for layout in candidates:
        found = layout.found(source)
        if found is not None:
            return layout, found
    if origin is not Origin.AUTO:
        return candidates[0], source
    known = ", ".join(sorted(item.origin.value for item in LAYOUTS))
    raise InvalidInput("directory", source.path, f"is laid out like that of none of {known}; name one with --from")
