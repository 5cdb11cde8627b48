# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.demo_platform run …`: the platform of the demo, by the simulator's wall clock: a
day passes there in an hour.

The platform's own code is unchanged; what it asks Python for the time is told the simulator's.
DEMO_CONTROL is the URL of the simulator's control line, DEMO_WALL the time until it is there.
"""

import os
import sys
import threading
import time

from flukso_server.__main__ import main
from tools.harness.bus import Control, Refused

LOOK_S = 0.02  # real, between two looks at the simulator's clock


def follow(url: str, wall_s: list[float]) -> None:
    """Keep wall_s[0] at the simulated wall clock; when the simulator has gone it stands."""
    while True:
        try:
            with Control(url) as control:
                while True:
                    wall_s[0] = control.wall_s()
                    time.sleep(LOOK_S)
        except (OSError, Refused):
            time.sleep(LOOK_S)  # not there yet, or not any more


def start() -> None:
    wall_s = [float(os.environ["DEMO_WALL"])]
    threading.Thread(target=follow, args=(os.environ["DEMO_CONTROL"], wall_s), daemon=True).start()
    setattr(time, "time", lambda: wall_s[0])  # noqa: B010


if __name__ == "__main__":
    start()
    sys.exit(main(sys.argv[1:]))
