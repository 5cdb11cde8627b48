# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends `make demo` and `make server`."""

import subprocess
import sys

STORM = """
import signal
from tools import terminal

stopped = terminal.StopRequest()
signal.signal(signal.SIGALRM, lambda *_: stopped.set())
for turn in range(400):
    stopped = terminal.StopRequest()
    assert not stopped.wait(0)
    signal.setitimer(signal.ITIMER_REAL, 1e-6 + turn % 50 * 1e-6)  # at any point of what follows
    while not stopped.wait(1e-5):
        pass
    assert stopped.wait(0)
print("went on")
"""


def test_a_signal_at_any_point_of_the_wait_is_no_deadlock():
    done = subprocess.run(
        [sys.executable, "-c", STORM], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "went on\n"
