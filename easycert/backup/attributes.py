"""What a file has besides its content: mode, times, owner, extended attributes (among them ACLs)."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import NamedTuple


class Attributes(NamedTuple):
    """Mode (permission bits), time of change in nanoseconds, owner, and extended attributes."""

    mode: int
    mtime_ns: int
    uid: int
    gid: int
    extended: dict[str, bytes]

    @classmethod
    def of(cls, status: os.stat_result, extended: dict[str, bytes] | None = None) -> Attributes:
        """Return those in *status*, with *extended* attributes, which it does not tell."""
        mode = stat.S_IMODE(status.st_mode)
        return cls(mode, status.st_mtime_ns, status.st_uid, status.st_gid, extended or {})

    def give(self, path: str) -> None:
        """Give them to *path*, a file or directory; the owner only where this is root.

        Raises OSError as the system does; extended attributes that are refused are left out.
        """
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)
        for name, value in self.extended.items():
            with suppress(OSError):  # another file system, or one that only root may set
                os.setxattr(path, name, value)
        os.chmod(path, self._mode(path))  # behind the owner, who takes the set-user-id bit away
        os.utime(path, ns=(self.mtime_ns, self.mtime_ns))

    def _mode(self, path: str) -> int:
        """Return the mode for *path*; a program of somebody else does not run with the rights of whoever copied it."""
        lent = self.mode & (stat.S_ISUID | stat.S_ISGID)
        if not lent or os.geteuid() in (0, self.uid) or os.path.isdir(path):
            return self.mode
        return self.mode & ~lent

    def give_link(self, path: str) -> None:
        """Give the symbolic link *path* what it can have. Raises OSError as the system does."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        if os.utime in os.supports_follow_symlinks:
            os.utime(path, ns=(self.mtime_ns, self.mtime_ns), follow_symlinks=False)


def extended_of(descriptor: int) -> dict[str, bytes]:
    """Return the extended attributes of an open file or directory, where the system has such."""
    if not hasattr(os, "listxattr"):  # only Linux has
        return {}
    try:
        return {name: os.getxattr(descriptor, name) for name in os.listxattr(descriptor)}
    except OSError:
        return {}
