# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.qemu ARCH [MEM_MB]`: boots the router, installs our packages, and prints the daemon's figures as its last line."""

import json
import sys
import tempfile
from pathlib import Path

from tests.e2e.chain import SENSORS
from tests.qemu.router import MINUTE, WATTS, Router

UPLOADS = 3  # on one connection, before memory is looked at
CLIENTS = 60  # requests of the LAN


def serve(router: Router) -> None:
    """What a household asks: each page, and the last minute again and again."""
    for path in ("/", "/status", "/metrics"):
        router.ask(path)
    for number in range(CLIENTS):
        router.ask(MINUTE.format(SENSORS[number % len(WATTS)]))


def measure(router: Router) -> dict:
    """The figures of a router that has just been started."""
    boot_s = router.machine.boot()
    print(router.install().strip())
    reading_s = router.first_reading_s()
    router.wait_until(lambda: len(router.server.requests) >= UPLOADS * len(WATTS) and router.uploaded(), 120)
    serve(router)
    memory = router.memory()
    for name, kb in router.maps():
        print("{:>6} kB  {}".format(kb, name))
    return {
        "arch": router.arch,
        "mem_mb": router.mem_mb,
        "rss_kb": memory["VmRSS"],
        "rss_anon_kb": memory["RssAnon"],
        "hwm_kb": memory["VmHWM"],
        "boot_s": reading_s,
        "kernel_s": boot_s,
        "uploaded": router.uploaded(),
    }


def main(words: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="flukso-qemu-") as folder, Router(words[0], Path(folder)) as router:
        print("qemu-system: " + json.dumps(measure(router)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
