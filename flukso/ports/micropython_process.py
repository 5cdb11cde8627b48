# SPDX-License-Identifier: GPL-3.0-or-later
"""MicroPython: programs that are run, locks, and the plain files that steer a kernel. The contracts
stand in cpython_process.py.
"""

import os
import posix
import sys
import time

from flukso.boards import HELD, BoardError
from flukso.ports.micropython_bus import holder

CHUNK = 4096
EVERY_S = 0.02  # how often a program's output is looked for
SIGKILL, SIGTERM = posix.SIGKILL, posix.SIGTERM
LOCK_EVERY_S = 0.25
MODE, INODE, DEVICE, OWNER = 0, 1, 2, 4  # places in os.stat()
KIND, CHARACTERS = 0o170000, 0o020000
ENOENT = 2  # on every Linux


def run(words, limit_s, heard, pidfile):
    pipe = pidfile + ".out"
    make_fifo(pipe)
    reader = posix.open(pipe, posix.O_RDONLY | posix.O_NONBLOCK)
    writer = posix.open(pipe, posix.O_WRONLY)
    try:
        # spawn takes 16 words
        number = posix.spawn(
            ["/bin/sh", "-c", "exec " + " ".join([quoted(word) for word in words])], writer
        )
    except OSError:
        posix.close(reader)
        raise
    finally:
        posix.close(writer)
        remove(pipe)
    deadline = posix.monotonic() + limit_s
    status = None
    try:
        write_text(pidfile, str(number))
        while posix.monotonic() < deadline:
            data = posix.read(reader, CHUNK)
            if data is None:
                time.sleep(EVERY_S)
            elif data:
                heard(_text(data))
            else:
                status = posix.wait(number, True)
                break
    finally:
        if status is None:
            posix.kill(number, SIGKILL)
            status = posix.wait(number, True)
        posix.close(reader)
        remove(pidfile)
    return status


def hear_interrupts():
    """Ctrl-C ends what runs at once, as it is."""


def quoted(word):
    return "'" + word.replace("'", "'\\''") + "'"


def _text(data):
    return "".join([chr(byte) if byte < 0x80 else "?" for byte in data])


def start(words):
    return posix.spawn(words)


def wait(number):
    return posix.wait(number, True)


def kill(number, which):
    posix.kill(number, which)


class _Held:
    def __init__(self, handle):
        self._handle = handle

    def close(self):
        posix.close(self._handle)


def lock(path, tries):
    try:
        handle = posix.open(path, posix.O_RDWR | (0 if path[:5] == "/dev/" else posix.O_CREAT))
    except OSError as error:
        raise BoardError("{}: {}".format(path, "there is none" if error.errno == ENOENT else error))
    while True:
        number = posix.lockf(handle)
        if number == 0:
            return _Held(handle)
        tries -= 1
        if tries <= 0:
            posix.close(handle)
            raise BoardError("{} is held by {}".format(path, holder(number)), HELD)
        time.sleep(LOCK_EVERY_S)


def write_text(path, text):
    handle = posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC)
    try:
        posix.write(handle, text.encode())
    finally:
        posix.close(handle)


def remove(path):
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno != ENOENT:
            raise


def exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def names(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def owner(path):
    try:
        return os.stat(path)[OWNER]
    except OSError:
        return -1


def interprets(number):
    try:  # the name behind the link cannot be read here; its file can be told from ours
        return (
            os.stat("/proc/{}/exe".format(number))[INODE : DEVICE + 1]
            == os.stat("/proc/self/exe")[INODE : DEVICE + 1]
        )
    except OSError:
        return False


def sleep(seconds):
    time.sleep(seconds)


def make_fifo(path):
    remove(path)
    posix.mkfifo(path, 0o600)


class _Written:
    def __init__(self, handle):
        self._handle = handle

    def write(self, data):
        return posix.write(self._handle, data)

    def close(self):
        posix.close(self._handle)


def open_fifo(path):
    return _Written(posix.open(path, posix.O_WRONLY))


def terminal():
    return _is_terminal(1)


def _is_terminal(handle):
    try:
        status = os.stat("/proc/self/fd/{}".format(handle))
        nobody = os.stat("/dev/null")[INODE : DEVICE + 1]
        return status[MODE] & KIND == CHARACTERS and status[INODE : DEVICE + 1] != nobody
    except OSError:
        return False  # no /proc, nobody to draw a bar for


ANSWER_MAX = 80  # characters of what somebody types


def ask(question):
    if not _is_terminal(0) or not terminal():
        return None
    sys.stdout.write(question)
    answer = sys.stdin.readline(ANSWER_MAX)
    return answer.strip() if answer else None


def privileged():
    return posix.getuid() == 0


def home():
    return os.getenv("HOME") or "/tmp"
