"""Files outside of the certificate directory that a command was asked to write: a CRL for a web server, a response."""

from __future__ import annotations

import os
import stat

from easycert.errors import AlreadyExists, StoreFailure
from easycert.store.directories import sync_directory, sync_file, write_all

_MODE = 0o644
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def require_writable(path: str, *, replace: bool) -> None:
    """Raise AlreadyExists or StoreFailure for a *path* that :func:`write_file` could not write; nothing is changed.

    Asked before something that cannot be taken back.
    """
    folder = os.path.dirname(path) or "."
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        if not os.path.isdir(folder):
            raise StoreFailure(path, "write", f"there is no directory {folder}") from None
    except (OSError, ValueError) as error:
        raise StoreFailure(path, "write", _reason(error)) from error
    else:
        if not stat.S_ISREG(status.st_mode):
            raise StoreFailure(path, "write", "it is there, and not a regular file")
        if not replace:
            raise AlreadyExists(path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreFailure(path, "write", f"the directory {folder} cannot be written to")


def write_file(path: str, data: bytes, *, replace: bool) -> None:
    """Write *data* to *path*, at once or not at all, readable by everyone, and durable.

    Raises AlreadyExists unless it is to *replace* what is there, and StoreFailure when the file system refuses.
    """
    require_writable(path, replace=replace)
    draft = os.path.join(os.path.dirname(path), f".{os.path.basename(path)[:200]}.{os.urandom(6).hex()}")
    try:
        try:
            _write(draft, data)
            _place(draft, path, replace=replace)
            _sync_folder(path)
        finally:
            if os.path.lexists(draft):
                os.unlink(draft)
    except FileExistsError:
        raise AlreadyExists(path) from None
    except (OSError, ValueError) as error:
        raise StoreFailure(path, "write", _reason(error)) from error


def _place(draft: str, path: str, *, replace: bool) -> None:
    if replace:
        os.replace(draft, path)
        return
    try:
        os.link(draft, path)  # fails when somebody was faster
    except PermissionError:  # a file system without hard links
        os.rename(draft, path)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, _NEW_FILE, _MODE)
    try:
        os.fchmod(descriptor, _MODE)  # whatever the umask left
        write_all(descriptor, data)
        sync_file(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: str) -> None:
    descriptor = os.open(os.path.dirname(path) or ".", _DIRECTORY)
    try:
        sync_directory(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is no path"
