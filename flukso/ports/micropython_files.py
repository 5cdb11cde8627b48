# SPDX-License-Identifier: GPL-3.0-or-later
"""MicroPython's files; the contracts stand in cpython_files.py."""

import os
import posix

CHUNK = 1024  # bytes read at once of a file that does not say its length, as those in /proc
# places in os.stat(); the group stands behind the owner
MODE, INODE, OWNER, SIZE, MTIME = 0, 1, 4, 6, 8


def read_file(path: str, limit: int) -> bytes:
    """Return the file's bytes; OSError when it is missing, unreadable or longer than the limit."""
    step = min(os.stat(path)[SIZE], limit) + 1
    if step == 1:
        step = CHUNK
    data = b""
    with open(path, "rb") as file:
        while len(data) <= limit:
            part = file.read(step)
            if not part:
                return data
            data = data + part if data else part
    raise OSError("{} is over {} bytes".format(path, limit))


def write_durable(path: str, data: bytes, mode: int = 0o600, user: "str | None" = None):
    """Replace the file as a whole, perhaps as another user's: after a power cut it holds the old or
    the new bytes. Raises OSError.
    """
    _replace(path, data, mode, lambda handle: None if user is None else _give(handle, user))


def rewrite_durable(path: str, data: bytes):
    """Replace a file like write_durable, with the mode that it has. Raises OSError, also when it is
    not ours or our group's.
    """
    status = os.stat(path)

    def give(handle):
        fresh = path + ".new"
        if os.stat(fresh)[OWNER:SIZE] != status[OWNER:SIZE]:
            raise OSError("{} belongs to another user or group".format(path))
        posix.chmod(fresh, status[MODE] & 0o7777)

    try:
        _replace(path, data, 0o600, give)
    except OSError:
        try:
            os.remove(path + ".new")  # in /etc/config it would pass for a configuration
        except OSError:
            pass
        raise


def _replace(path, data, mode, give):
    fresh = path + ".new"
    handle = posix.open(
        fresh, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW, mode
    )
    try:
        view = memoryview(data)
        while view:
            view = view[posix.write(handle, view) :]
        give(handle)
        posix.fsync(handle)
    finally:
        posix.close(handle)
    os.rename(fresh, path)
    folder = posix.open(
        path.rpartition("/")[0] or ("/" if path[:1] == "/" else "."), posix.O_RDONLY
    )
    try:
        posix.fsync(folder)
    finally:
        posix.close(folder)


def _give(handle, user):
    try:
        posix.fchown(handle, user)
    except KeyError:
        raise OSError("there is no user {}".format(user))


def rename(old: str, new: str):
    os.rename(old, new)


def make_folder(path: str):
    """Make the folder, and those above it, when missing. Raises OSError."""
    done = ""
    for name in path.split("/"):
        done += name + "/"
        try:
            os.stat(done)
        except OSError:
            os.mkdir(done[:-1])
            posix.chmod(done[:-1], 0o750)


def file_stamp(path: str) -> str:
    """Return what changes when the file is written anew; "" when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return "{}-{}-{}".format(status[MTIME], status[SIZE], status[INODE])
