# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.demo_platform run …`: the platform of the demo, by the simulator's wall clock: a
day passes there in an hour.

The platform's own code is unchanged; what it asks Python for the time is told the simulator's.
DEMO_CONTROL is the path of the simulator's control line, DEMO_WALL the time until it is there.
"""

import os
import socket
import sys
import threading
import time

from flukso_server.__main__ import main

LOOK_S = 0.02  # real, between two looks at the simulator's clock


def follow(path: str, told: list[float]) -> None:
    """Keep told[0] at the simulated wall clock; when the simulator has gone it stands."""
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(path)
                words = line.makefile("rw")
                while True:
                    words.write("time\n")
                    words.flush()
                    told[0] = int(words.readline().split()[2]) / 1e6
                    time.sleep(LOOK_S)
        except (OSError, IndexError):
            time.sleep(LOOK_S)  # not there yet, or not any more


def start() -> None:
    told = [float(os.environ["DEMO_WALL"])]
    threading.Thread(target=follow, args=(os.environ["DEMO_CONTROL"], told), daemon=True).start()
    setattr(time, "time", lambda: told[0])  # noqa: B010


if __name__ == "__main__":
    start()
    sys.exit(main(sys.argv[1:]))
