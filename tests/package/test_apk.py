# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated apk does what OpenWrt's own was seen to do, as far as flukso-upgrade asks
(tests/vectors/apk.json); FLUKSO_APK has the same steps run on a real one.
"""

import json
import re
from pathlib import Path

from tests.package.managers import MANAGERS
from tests.package.upgrade_world import NEW, OLD, RUNTIME, SERVICE, Feed, World

VECTORS = json.loads((Path(__file__).resolve().parents[1] / "vectors" / "apk.json").read_text())
SAID = re.compile(r"WARNING: (updating and )?opening|ERROR: wget|Executing|^\(|^OK: \d.* in ")


def plain(said: str) -> list[str]:
    """The lines without the sizes, and without what says no more than the others."""
    lines = [line for line in said.splitlines() if line and not SAID.search(line)]
    lines = [re.sub(r"(-Size: )\d+", r"\g<1>0", line) for line in lines]
    return [re.sub(r"\d+( distinct)", r"\1", line) for line in lines]


def test_apk_does_as_the_real_one(tmp_path):
    feed = Feed(tmp_path / "feed", MANAGERS["apk"])
    for name, version in ((RUNTIME, OLD), (SERVICE, OLD), (RUNTIME, NEW)):
        feed.add(name, version)
    world = World(tmp_path / "router", feed)
    for step in VECTORS["steps"]:
        said = plain(world.run("sh", "-c", step["sh"], status=step["status"]))
        assert step.get("says", said) == said, step
        wanted = [line.split(">")[0] + "><" * (">" in line) for line in
                  world.router.read("etc/apk/world").split()]  # fmt: skip
        assert step.get("world", wanted) == wanted, step
