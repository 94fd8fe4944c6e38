"""What lies in a certificate directory as the system sees it: hidden files too, owners and modes; and tightening those.

Only ``doctor`` asks: everything else goes through :class:`easycert.store.protocol.Store`, which sees what has a name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from easycert.errors import StoreFailure, UnreadableFile
from easycert.store.layout import CRLS, FOLDERS, STATE

#: Of the most private there is: a directory that only its owner enters, a key that only its owner reads.
PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700
_FOLDERS = (*FOLDERS.values(), CRLS)
#: The link itself, should one have been put in a file's place meanwhile, is not followed; a FIFO does not hold us.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Seen(NamedTuple):
    """One file or directory: *folder* and *filename* are empty for what has none.

    *ours* is whether this user owns it, or root, who could read it anyway; *mode* is that of what a link leads to, as
    whoever reads it meets it.
    """

    path: str
    folder: str
    filename: str
    mode: int
    ours: bool
    is_directory: bool
    is_link: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of the file name without its dot."""
        return self.filename.rpartition(".")[2] if "." in self.filename.lstrip(".") else ""

    @property
    def stem(self) -> str:
        """The file name without its suffix."""
        return self.filename.removesuffix(f".{self.suffix}") if self.suffix else self.filename


def survey(directory: str) -> list[Seen]:
    """Return the certificate directory itself, its folders and the files in them, as far as they can be looked at.

    Raises UnreadableFile for a folder that may not be listed.
    """
    found = [_seen(directory, "", "")]
    for folder in (*_FOLDERS, STATE):
        path = os.path.join(directory, folder)
        here = _seen(path, folder, "")
        if here is None or not here.is_directory:
            continue
        found.append(here)
        if folder != STATE:
            found += [_seen(os.path.join(path, name), folder, name) for name in _names(path)]
    return [item for item in found if item is not None]


def files_below(directory: str, *, depth: int, most: int) -> Iterator[str]:
    """Yield the regular files in *directory* and, *depth* folders down, below it; at most *most*, hidden ones left out.

    Links to files are followed, links to folders are not. Raises UnreadableFile when it cannot be listed.
    """
    left = most
    waiting = [(directory, depth)]
    while waiting and left:
        folder, deeper = waiting.pop(0)
        for name in _names(folder):
            path = os.path.join(folder, name)
            if name.startswith("."):
                continue
            if os.path.isfile(path):
                left -= 1
                yield path
                if not left:
                    return
            elif deeper and os.path.isdir(path) and not os.path.islink(path):
                waiting.append((path, deeper - 1))


def look(path: str) -> Seen | None:
    """Return what is known of the one file *path*, or None where there is none."""
    return _seen(path, "", os.path.basename(path))


def tighten(path: str, mode: int) -> None:
    """Give *path*, which this user owns, the mode *mode*. Raises StoreFailure, and follows no link."""
    try:
        descriptor = os.open(path, _OPEN)
        try:
            if os.fstat(descriptor).st_uid != os.geteuid():
                raise StoreFailure(path, "change the mode of", "it belongs to another user")
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreFailure(path, "change the mode of", error.strerror or str(error)) from error


def _seen(path: str, folder: str, filename: str) -> Seen | None:
    try:
        status, is_link = os.stat(path), os.path.islink(path)
    except OSError:
        return None
    ours = status.st_uid in (0, os.geteuid())
    return Seen(path, folder, filename, stat.S_IMODE(status.st_mode), ours, stat.S_ISDIR(status.st_mode), is_link)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise UnreadableFile(folder, error.strerror or str(error)) from error
