r"""Variables in a file (``.env``): PEM in double quotation marks, its line ends as ``\n``.

So Docker Compose, python-dotenv and Node's dotenv read it; ``docker run --env-file`` and systemd's ``EnvironmentFile``
do not turn ``\n`` into a line end.
"""

from __future__ import annotations

from collections.abc import Iterable


def dotenv(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a file that sets each variable of *entries* to its text (PEM: neither quotation marks nor ``$``)."""
    return b"".join(b'%s="%s"\n' % (key.encode(), value.replace(b"\n", b"\\n")) for key, value in entries)
