# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by test_discovery.py in namespaces of its own: a household on one end of a cable, browsers on
the other: zeroconf's and Avahi's.

`house FOLDER` sets up both and prints what the browsers found; `browser` is the other end, in its
own network and mount namespace.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.e2e.avahi import avahi
from tools.harness.namespaces import unshare
from tools.harness.processes import DIES_WITH_US

HERE, THERE = "10.77.0.1", "10.77.0.2"
LOOK_S = 15
PORT = 8080


def sh(*words):
    subprocess.run(words, check=True)


def browse(avahi_browse) -> None:
    """Print everything of our service that can be heard, and what its address answers; again once
    the household has stopped.
    """
    from zeroconf import IPVersion, ServiceBrowser, Zeroconf

    found = {}

    class Listener:
        def add_service(self, zeroconf, kind, name):
            info = zeroconf.get_service_info(kind, name, 5000)
            if info is not None:
                txt = {
                    key.decode(): (value or b"").decode() for key, value in info.properties.items()
                }
                addresses = info.parsed_addresses(IPVersion.V4Only)
                found[name] = {
                    "port": info.port,
                    "server": info.server,
                    "txt": txt,
                    "addresses": addresses,
                }

        update_service = add_service

        def remove_service(self, zeroconf, kind, name):
            found[name]["gone"] = True

    zeroconf = Zeroconf(interfaces=[THERE])
    ServiceBrowser(zeroconf, "_flukso._tcp.local.", Listener())
    deadline = time.monotonic() + LOOK_S
    while not found and time.monotonic() < deadline:
        time.sleep(0.1)
    for one in found.values():
        url = "http://{}:{}{}/{}".format(
            one["addresses"][0], one["port"], one["txt"]["path"], one["txt"]["id1"]
        )
        with urllib.request.urlopen(url, timeout=5) as answer:
            one["status"] = answer.status
    print(
        json.dumps({"zeroconf": found, "avahi": avahi_browse("_flukso._tcp", LOOK_S)}), flush=True
    )
    sys.stdin.readline()  # the household stops now
    deadline = time.monotonic() + LOOK_S
    while not all("gone" in one for one in found.values()) and time.monotonic() < deadline:
        time.sleep(0.1)
    print(json.dumps({"zeroconf": found}), flush=True)
    zeroconf.close()


def browser() -> int:
    while subprocess.run(["ip", "link", "show", "v1"], capture_output=True).returncode:
        time.sleep(0.05)
    for words in (
        ("addr", "add", THERE + "/24", "dev", "v1"),
        ("link", "set", "v1", "up"),
        ("route", "add", "224.0.0.0/4", "dev", "v1"),
    ):
        sh("ip", *words)
    with avahi() as avahi_browse:
        browse(avahi_browse)
    return 0


def wait_for_namespace(other) -> None:
    """Return once the process is in a network of its own: until then a cable's end would stay in
    ours.
    """
    deadline = time.monotonic() + LOOK_S
    while os.readlink("/proc/{}/ns/net".format(other.pid)) == os.readlink("/proc/self/ns/net"):
        assert time.monotonic() < deadline and other.poll() is None, "unshare made no namespace"
        time.sleep(0.01)


def house(folder: str) -> int:
    from tools.harness.chain import Chain

    sh("ip", "link", "set", "lo", "up")
    sh("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    own = [
        *unshare("--net", "--mount"),
        sys.executable,
        "-m",
        "tests.e2e.discovery_house",
        "browser",
    ]
    other = subprocess.Popen(
        [*DIES_WITH_US, *own], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    wait_for_namespace(other)
    sh("ip", "link", "set", "v1", "netns", str(other.pid))
    for words in (
        ("addr", "add", HERE + "/24", "dev", "v0"),
        ("link", "set", "v0", "up"),
        ("route", "add", "224.0.0.0/4", "dev", "v0"),
    ):
        sh("ip", *words)
    chain = Chain(Path(folder), "https://localhost:1/", "none", digits=22, sensors=(1, 2, 4))
    try:
        chain.configure(
            extra="config settings daemon\n\toption enable_lan_branch '1'\n\toption "
            "enable_wan_branch '0'\n"
        )
        chain.start()
        chain.run(5)
        print(other.stdout.readline(), end="", flush=True)
        chain.stop()
        other.stdin.write("\n")
        other.stdin.flush()
        print(other.stdout.readline(), end="", flush=True)
        print(chain.log(), file=sys.stderr)
        other.wait(LOOK_S)
    finally:
        chain.close()
        other.kill()
    return 0


if __name__ == "__main__":
    raise SystemExit(browser() if sys.argv[1] == "browser" else house(sys.argv[2]))
