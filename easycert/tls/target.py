"""Whom to talk to, and the connection on which TLS can begin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from easycert.errors import printable
from easycert.tls.starttls import NotOffered, StartTls, negotiate
from easycert.tls.wire import Wire


class Target(NamedTuple):
    """Whom to talk to: where, under which name (SNI; None says none), with which turn to TLS, and for how long."""

    host: str
    port: int
    servername: str | None
    starttls: StartTls | None = None
    alpn: tuple[str, ...] = ()
    timeout: float = 10.0


@contextmanager
def reached(target: Target) -> Iterator[Wire]:
    """Yield a connection to *target* on which TLS is to begin. Raises CannotConnect where it does not come to that."""
    with Wire(target.host, target.port, target.timeout) as wire:
        if target.starttls is not None:
            try:
                negotiate(wire, target.starttls)
            except NotOffered as error:
                raise wire.failure(printable(error)) from None
        yield wire
