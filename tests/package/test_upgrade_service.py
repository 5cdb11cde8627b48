# SPDX-License-Identifier: GPL-3.0-or-later
"""An unattended upgrade of the real daemon, big endian under qemu, with a board, a server over TLS
and a feed over HTTP. Of the upgrade's time every sixth part is waited for.
"""

import functools
import shutil
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.package.conftest import package, repacked
from tests.package.router import RUNTIME
from tests.package.test_service import Meter
from tests.package.upgrade_world import NEW, NEWER, SERVICE, Feed
from tools.harness.chain import SENSORS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
FASTER = 6
DONE_S = 500  # real
SLEEP = """#!/bin/sh
[ "$1" -ge 20 ] || exec /bin/busybox sleep "$1" # procd's
IFS=. read -r now rest </proc/uptime
/bin/busybox sleep $(($1 / {faster}))
echo "$((now + $1)).00 0.00" >/proc/uptime
""".format(faster=FASTER)
# uclient-fetch: its exit statuses, and what it says of an answer that is no good one.
WGET = """#!/bin/sh
out=- ca=/etc/ssl/certs/flukso.ca.crt
while [ $# -gt 0 ]; do
	case $1 in
	-T) shift ;;
	-O) shift && out=$1 ;;
	--ca-certificate=*) ca=${1#*=} ;;
	-*) ;;
	*) url=$1 ;;
	esac
	shift
done
said=$(curl -s --max-time 20 --cacert "$ca" -o /tmp/answer.$$ -w '%{http_code}' "$url") || exit 4
if [ "$out" = - ]; then cat /tmp/answer.$$; else cat /tmp/answer.$$ >"$out"; fi
rm -f /tmp/answer.$$
[ "$said" -lt 400 ] || { echo "HTTP error $said" >&2; exit 8; }
"""
MOUNTS = "flash / jffs2 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words):
        """Say nothing."""


@pytest.fixture
def web(tmp_path):
    """The feed's folder over HTTP: its base URL."""
    (tmp_path / "feed/feeds").mkdir(parents=True)
    handler = functools.partial(Quiet, directory=tmp_path / "feed/feeds")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "http://127.0.0.1:{}/packages/mips_24kc".format(server.server_port)
        server.shutdown()


@pytest.fixture
def meter(tmp_path, feed, server, certificates):
    made = Meter(tmp_path / "router", server, certificates)
    try:
        made.install(feed)
        made.plug()
        yield made
    finally:
        made.close()


def prepare(router, url: str) -> None:
    for name in ("flock", "curl"):
        router.borrow(name, name)
    router.path("bin/sleep").unlink()
    router.path("bin/wget").unlink()
    router.write("bin/sleep", SLEEP, 0o755)
    router.write("bin/wget", WGET, 0o755)
    router.write("proc/uptime", "1000.00 0.00\n", 0o644)
    router.write("proc/mounts", MOUNTS, 0o644)
    router.write("etc/opkg.conf", "lists_dir ext /var/opkg-lists\noption check_signature\n")
    router.write("etc/opkg/customfeeds.conf", "src/gz flukso {}\n".format(url))


def runtime(signed: Feed, path, version: str, program: bytes) -> None:
    """Put a later runtime into the feed, with this program, which this machine can run."""
    later = repacked(path, signed.packages, version, program=program)
    assert later.exists()
    signed.sign()


def serve(router, signed: Feed) -> None:
    router.path("etc/opkg/keys").mkdir(exist_ok=True)
    signed.manager.trust(router, signed.key)
    signed.manager.note_right(router, signed.key, signed.out)


def test_the_real_daemon_is_upgraded_and_comes_back_from_a_broken_version(
    tmp_path, meter, feed, web, server
):
    router, signed = meter.router, Feed(tmp_path / "feed")
    prepare(router, web)
    old = package(feed, "flukso-micropython")
    works = router.path(RUNTIME).read_bytes()
    for path in (old, package(feed, SERVICE)):
        shutil.copy(path, signed.packages)
    runtime(signed, old, NEW, works)
    serve(router, signed)
    router.install(package(feed, "flukso-upgrade"))
    meter.until(lambda found: found["upload"]["acknowledged"])
    before = meter.status()["sensors"][0]["counter"]

    router.run("flukso-upgrade", "now")
    found = meter.until(lambda found: found["upgrade"], DONE_S)
    assert "became " + NEW in found["upgrade"] and "lan board upload" in found["upgrade"]
    assert found["sensors"][0]["counter"] >= before

    deadline = time.monotonic() + DONE_S
    while router.path("var/run/procd/flukso-upgrade").exists():  # it ends its own service
        assert time.monotonic() < deadline
        time.sleep(0.2)
    runtime(signed, old, NEWER, b"#!/bin/sh\nexit 1\n")
    serve(router, signed)
    router.run("flukso-upgrade", "now")
    found = meter.until(lambda found: "went back" in (found["upgrade"] or ""), DONE_S)
    assert "from {} to {}".format(NEWER, NEW) in found["upgrade"]
    assert router.path(RUNTIME).read_bytes() == works
    meter.until(lambda found: found["upload"]["acknowledged"] and not found["board"]["error"])

    router.service("stop")
    held = server.held(SENSORS[0])
    assert held[-1][1] >= before and not server.store.conflicts
    # the router itself asked whether the server answers
    assert set(server.store.violations) <= {"404 /: no such path"}
