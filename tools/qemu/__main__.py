# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.qemu ARCH [MEM_MB]`: boots the router, installs our packages, and prints the
daemon's figures as its last line.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from flukso.backlog import Store
from flukso.buffer import SPACING_S
from tools.harness.chain import SENSORS
from tools.harness.wait import wait_until
from tools.qemu.router import MINUTE, WATTS, Router

UPLOADS = 3  # on one connection, before memory is looked at
CLIENTS = 60  # requests of the LAN
WEEK_S = 7 * 86400
WEEK_MIN = 300  # tuples of a sensor that a week leaves
SLACK_S = 600  # the guest's clock may be behind ours


def serve(router: Router) -> None:
    """What a household asks: each page, and the last minute again and again."""
    for path in ("/", "/status", "/metrics"):
        router.ask(path)
    for number in range(CLIENTS):
        router.ask(MINUTE.format(SENSORS[number % len(WATTS)]))


def week_of_outage() -> Store:
    """What the daemon keeps of a week without a server, three sensors of some hundred watts."""
    store = Store()
    end = int(time.time()) - SLACK_S
    for ts in range(end - WEEK_S, end, SPACING_S):
        for number in range(len(WATTS)):
            store.add(SENSORS[number], ts, (ts - end + WEEK_S) * (number + 1) // 10)
        store.age()
    return store


def after_an_outage(router: Router) -> dict[str, int]:
    """The memory of a daemon that starts with a week's readings, once the server has them all and
    the LAN was served.
    """
    saved_until = router.week.newest()
    router.restore()

    def sent():
        """Say whether the server has what was saved, but for the few tuples that the daemon thins
        as they get older.
        """
        return all(
            sum(ts <= saved_until for ts, _ in router.server.held(id_)) >= WEEK_MIN
            for id_ in SENSORS[: len(WATTS)]
        )

    wait_until(sent, 120, trouble=router.log)
    serve(router)
    return router.memory()


def measure(router: Router) -> dict:
    """The figures of a router that has just been started."""
    boot_s = router.machine.boot()
    print(router.install().strip())
    reading_s, daemon_s = router.first_reading_s()
    wait_until(
        lambda: len(router.server.requests) >= UPLOADS * len(WATTS) and router.uploaded(),
        120,
        trouble=router.log,
    )
    serve(router)
    memory = router.memory()
    for name, kb in router.maps():
        print("{:>6} kB  {}".format(kb, name))
    uploaded = router.uploaded()
    outage = after_an_outage(router)
    return {
        "arch": router.arch,
        "mem_mb": router.mem_mb,
        "rss_kb": memory["VmRSS"],
        "rss_anon_kb": memory["RssAnon"],
        "hwm_kb": memory["VmHWM"],
        "hwm_outage_kb": outage["VmHWM"],
        "boot_s": reading_s,
        "daemon_s": daemon_s,
        "kernel_s": boot_s,
        "uploaded": uploaded and router.uploaded(),
    }


def main(words: list[str]) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="flukso-qemu-") as folder,
        Router(words[0], Path(folder), week=week_of_outage()) as router,
    ):
        print("qemu-system: " + json.dumps(measure(router)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
