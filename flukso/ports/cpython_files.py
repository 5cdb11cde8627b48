# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's files: read bounded, written so that a power cut leaves the old or the new bytes."""

import contextlib
import os


def read_file(path: str, limit: int) -> bytes:
    """Return the file's bytes; OSError when it is missing, unreadable or longer than the limit."""
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError("{} is over {} bytes".format(path, limit))
    return data


def write_durable(path: str, data: bytes, mode: int = 0o600, user: str | None = None):
    """Replace the file as a whole, perhaps as another user's: after a power cut it holds the old or
    the new bytes. Raises OSError.
    """
    _replace(path, data, mode, lambda handle: None if user is None else _give(handle, user))


def rewrite_durable(path: str, data: bytes):
    """Replace a file like write_durable, with the mode and the owner that it has; a link stays one.
    Raises OSError.
    """
    path = os.path.realpath(path)
    status = os.stat(path)

    def give(handle):
        os.fchown(handle, status.st_uid, status.st_gid)
        os.fchmod(handle, status.st_mode & 0o7777)

    try:
        _replace(path, data, 0o600, give)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path + ".new")  # in /etc/config it would pass for a configuration
        raise


def _replace(path, data, mode, give):
    fresh = path + ".new"
    handle = os.open(
        fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode
    )
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        give(handle)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.rename(fresh, path)
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _give(handle, user):
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise OSError("there is no user {}".format(user)) from None
    os.fchown(handle, entry.pw_uid, entry.pw_gid)


def rename(old: str, new: str):
    os.rename(old, new)


def make_folder(path: str):
    """Make the folder, and those above it, when missing. Raises OSError."""
    os.makedirs(path, mode=0o750, exist_ok=True)


def file_stamp(path: str) -> str:
    """Return what changes when the file is written anew; "" when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    # the inode tells two writings within one tick of the file system's clock apart
    return "{}-{}-{}".format(status.st_mtime_ns, status.st_size, status.st_ino)
