"""What the console command spares itself at each start; the library does none of it (``docs/adr/0002-start-up.md``)."""

from __future__ import annotations

import sys
from typing import Any

_EC = "cryptography.hazmat.primitives.asymmetric.ec"
#: All that the constructor of ECDSA parameters refers to in the releases of cryptography whose constructor is known.
_KNOWN_NAMES = {
    "cryptography.hazmat.backends.openssl.backend",
    "backend",
    "ecdsa_deterministic_supported",
    "UnsupportedAlgorithm",
    "_Reasons",
    "UNSUPPORTED_PUBLIC_KEY_ALGORITHM",
    "_algorithm",
    "_deterministic_signing",
}


#: Soft and hard limit for core dumps, as they were when the process began.
_core_limits: list[tuple[int, int]] = []


def forbid_core_dump() -> None:
    """Let this process leave no core dump; the hard limit stays, so that a program that it becomes can have its own."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_CORE)
    _core_limits[:] = [limits]
    resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))


def allow_core_dump() -> None:
    """Give back the limit that :func:`forbid_core_dump` found, for a program that is about to be started."""
    import resource

    for limits in _core_limits:
        resource.setrlimit(resource.RLIMIT_CORE, limits)


def spare_openssl_bindings() -> None:
    """Keep cryptography from loading its bindings for C programs, 7 % of a command, at the first ECDSA signature.

    ``ec.ECDSA`` loads them to ask whether deterministic signatures are supported, also when nobody wants one. Its
    constructor is replaced by one that asks only then; a constructor that is not exactly the known one is left alone.
    Does nothing where elliptic curves are not loaded.
    """
    parameters: Any = getattr(sys.modules.get(_EC), "ECDSA", None)
    original: Any = getattr(parameters, "__init__", None)
    if set(getattr(getattr(original, "__code__", None), "co_names", ())) != _KNOWN_NAMES:
        return

    def __init__(self: Any, algorithm: Any, deterministic_signing: bool = False) -> None:  # noqa: N807
        if deterministic_signing:
            original(self, algorithm, deterministic_signing)
        self._algorithm = algorithm
        self._deterministic_signing = deterministic_signing

    parameters.__init__ = __init__
