# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython: programs that are run, locks, and the plain files that steer a kernel."""

import os
import select
import signal
import subprocess
import sys
import time

from flukso.boards import BoardError
from flukso.ports.cpython_bus import take_lock

CHUNK = 4096  # bytes of a program's output taken at once
SIGKILL, SIGTERM = signal.SIGKILL, signal.SIGTERM
_children: dict = {}  # pid: Popen of what start() started


def run(words: list, limit_s: float, heard, pidfile: str) -> int:
    """Run a program by PATH; each piece of what it says goes to heard(text). Return its exit
    status, 128 + signal when killed.

    Its number stands in `pidfile` meanwhile. It is killed after limit_s, or when heard() raises.
    FileNotFoundError when there is none.
    """
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    deadline = time.monotonic() + limit_s
    try:
        write_text(pidfile, str(process.pid))
        while True:
            ready = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))[0]
            data = os.read(process.stdout.fileno(), CHUNK) if ready else b""
            if not data:
                break
            heard(data.decode("utf-8", "replace"))
        if not ready:
            process.kill()
        status = process.wait()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        remove(pidfile)
    return status if status >= 0 else 128 - status


def hear_interrupts():
    """Let Ctrl-C end what runs at once; asyncio would hear of it at its next wait, by when an
    update may be done.
    """

    def interrupt(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)


def start(words: list) -> int:
    """Start a program that goes on by itself, in a session of its own; return its number."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    _children[process.pid] = process
    return process.pid


def wait(number: int) -> int:
    """Return the exit status of what start() started, once it has ended."""
    return _children.pop(number).wait()


def kill(number: int, which: int):
    os.kill(number, which)


def lock(path: str, tries: int):
    """Hold the lock of a file, made when missing; return what close() lets go.

    Raises BoardError, which names the holder when it is held.
    """
    try:
        handle = os.open(
            path, os.O_RDWR | (0 if path[:5] == "/dev/" else os.O_CREAT) | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise BoardError("{}: {}".format(path, error.strerror)) from None
    try:
        take_lock(handle, path, tries)
    except OSError:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb", 0)


def write_text(path: str, text: str):
    """Write to a file that is there or not, in place. Raises OSError."""
    with open(path, "w") as file:
        file.write(text)


def remove(path: str):
    """Remove a file, when it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def exists(path: str) -> bool:
    return os.path.exists(path)


def names(folder: str) -> list:
    """Return the names in a folder, none when there is none."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def owner(path: str) -> int:
    """Return the user of a file, or of a process by its folder in /proc; -1 when there is none."""
    try:
        return os.stat(path).st_uid
    except OSError:
        return -1


def interprets(number: int) -> bool:
    """Say whether a process runs an interpreter that our programs run on."""
    try:
        program = os.readlink("/proc/{}/exe".format(number))
    except OSError:
        return False
    return os.path.basename(program).startswith(
        ("python", "pypy", "micropython", "flukso-micropython")
    )


def sleep(seconds: float):
    time.sleep(seconds)


def make_fifo(path: str):
    remove(path)
    os.mkfifo(path, 0o600)


def open_fifo(path: str):
    """Open the writing end, once somebody reads; return what close() ends."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CLOEXEC), "wb", 0)


def terminal() -> bool:
    """True when a person sees the standard output."""
    return sys.stdout.isatty()


ANSWER_MAX = 80  # characters of what somebody types


def ask(question: str) -> "str | None":
    """Return what the person at the terminal answers, None when there is nobody, or the input has
    ended.
    """
    if sys.stdin is None or not sys.stdin.isatty() or not terminal():
        return None
    sys.stdout.write(question)
    sys.stdout.flush()
    answer = sys.stdin.readline(ANSWER_MAX)
    return answer.strip() if answer else None


def privileged() -> bool:
    return os.getuid() == 0


def home() -> str:
    return os.environ.get("HOME", "/tmp")
