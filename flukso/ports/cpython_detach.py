# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython in the background: python-daemon, with a pid file that outlives no process."""

import os
import signal

import daemon
from daemon import pidfile

from flukso.ports.cpython_files import make_folder
from flukso.ports.cpython_log import log_to_syslog

LOCK_S = 2  # how long a pid file of a process that is just ending is waited for


def running(path: str) -> int | None:
    """Return the process that a pid file names, None when there is none alive; a stale file is
    removed.
    """
    lock = pidfile.TimeoutPIDLockFile(path)
    number = lock.read_pid()
    if number is None:
        if os.path.exists(path):
            lock.break_lock()  # half a number, of a machine that stopped
        return None
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        lock.break_lock()
        return None
    except PermissionError:
        return number
    return number


def detach(path: str):
    """Go on in the background as leader of a session; the first process ends with status 0. Raises
    OSError.

    Returns what close() ends: it removes the pid file.
    """
    make_folder(os.path.dirname(os.path.abspath(path)))
    number = running(path)
    if number is not None:
        raise OSError("process {} is running already ({})".format(number, path))
    context = daemon.DaemonContext(
        pidfile=pidfile.TimeoutPIDLockFile(os.path.abspath(path), LOCK_S),
        working_directory=os.getcwd(),  # the configuration's path may be a relative one
        umask=0o027,
        signal_map={signal.SIGTERM: None, signal.SIGHUP: None},
        detach_process=True,
    )
    context.open()
    log_to_syslog()
    return context
