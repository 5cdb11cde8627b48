# SPDX-License-Identifier: GPL-3.0-or-later
"""An upgrade that is cut at every step: before each command that writes, the router's flash and RAM
are kept, and the power fails or the programs are killed there.

Each kept state is one that a cut leaves. Power that fails empties RAM; what was written since the
last sync may be whole, or torn (cut to half). After each the router starts: in the end one of both
versions is there as a whole, opkg knows which, and the daemon runs.
"""

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.package.managers import MANAGERS
from tests.package.upgrade_world import (
    FIRMWARE,
    NEW,
    OLD,
    PROGRAM,
    RUNTIME,
    SERVICE,
    UPGRADE,
    Feed,
    World,
)  # fmt: skip

WRITES = ("sync", "mv", "cp", "rm", "mkdir", "tar", "chmod", "ln", "sed")
FLASH = ("etc", "usr", "lib/apk", "world", "proc")  # and RAM, which a power cut empties: tmp
# One look in place of thirty: what is looked at is tested elsewhere.
QUICK = PROGRAM.replace("LOOK_S=20\n", "LOOK_S=300\n")
# Reading with tar or sed leaves nothing; of a pipeline's commands each takes a number of its own.
WRAPPER = """#!/bin/sh
case "{name} $*" in
"tar -x -C "* | "sed -i "*) ;;
"tar "* | "sed "*) exec /bin/{name} "$@" ;;
esac
read n </steps/n
while ! /bin/mkdir /steps/$n 2>/dev/null; do
	[ -d /steps/$n ] || exit 1
	n=$((n + 1))
done
echo $((n + 1)) >/steps/n
/bin/mkdir -p /lib/apk /steps/$n/lib
/bin/cp -a /lib/apk /steps/$n/lib/
/bin/cp -a /etc /usr /tmp /world /proc /steps/$n/
echo "{name} $*" >/steps/$n/command
exec /bin/{name} "$@"
"""
UPGRADES = [  # id, package, what the new version breaks
    ("kept", RUNTIME, ""),
    ("went-back", RUNTIME, "lan"),
    ("service", SERVICE, ""),
    ("firmware-went-back", FIRMWARE, "board"),
    ("itself", UPGRADE, ""),
]


class Step:
    """What a cut before this command leaves."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.command = (folder / "command").read_text().strip()
        self.flash = {
            path.relative_to(folder): path.read_bytes()
            for top in ("etc", "usr", "lib")
            for path in sorted((folder / top).rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        text = repr(sorted((str(place), data) for place, data in self.flash.items()))
        self.digest = hashlib.sha256(text.encode()).hexdigest()


def walk(world: World) -> list[Step]:
    """The states before each command that writes, in their order."""
    router = world.router
    router.write("steps/n", "0\n")
    for name in (*WRITES, world.manager.name):
        router.write("cut/" + name, WRAPPER.format(name=name), 0o755)
    before = router.environment["PATH"]
    router.environment["PATH"] = "/cut:" + before
    world.upgrade()
    router.environment["PATH"] = before
    count = int(router.read("steps/n"))
    return [Step(router.path("steps/{}".format(n))) for n in range(count)]


def put(world: World, step: Step, torn: "Step | None" = None) -> None:
    """Make the router's state the step's; torn: what was on flash at the last sync for sure."""
    for name in (*FLASH, "tmp"):
        shutil.rmtree(world.router.path(name), ignore_errors=True)
        shutil.copytree(step.folder / name, world.router.path(name), symlinks=True)
    if torn is None:
        return
    safe = set(torn.flash.values())
    for place, data in step.flash.items():
        if data not in safe:  # a file that was renamed since is safe, too
            world.router.path(str(place)).write_bytes(data[: len(data) // 2])


def check(world: World, package: str, what: str) -> str:
    """What holds in the end, whatever was cut; returns the version."""
    version = world.version(package)
    assert version in (OLD, NEW) and world.works() and world.left() == [], what
    assert not world.commands(), what
    # only what was fetched may be cut without a word
    assert world.report() or version == OLD, what
    return version


@pytest.fixture(
    params=[
        pytest.param(
            (manager, package, fault),
            id="{}-{}".format(manager, name),
            marks=[] if (manager, name) == ("opkg", "kept") else [pytest.mark.slow],
        )
        for manager in MANAGERS
        for name, package, fault in UPGRADES
    ]
)
def upgrade(request, tmp_path):
    """A world that took an upgrade, its steps, and the package."""
    manager, package, fault = request.param
    feed = Feed(tmp_path / "feed", MANAGERS[manager])
    names = [RUNTIME, SERVICE, *([FIRMWARE] if package == FIRMWARE else [])]
    for name in (*names, UPGRADE):
        feed.add(name, OLD, program=QUICK)
    feed.add(package, NEW, program=QUICK)
    world = World(tmp_path / "router", feed, names, QUICK)
    if fault:
        world.fault("{} {} {}".format(package, NEW, fault))
    return world, walk(world), package


def different(steps: list[Step]) -> list[tuple[int, Step]]:
    """Those that left something else on flash than an earlier one did."""
    seen: set[str] = set()
    return [
        (number, step)
        for number, step in enumerate(steps)
        if step.digest not in seen and not seen.add(step.digest)  # type: ignore[func-returns-value]
    ]


def test_power_fails_at_every_step(upgrade):
    world, steps, package = upgrade
    ended = set()
    cuts = different(steps)
    assert len(cuts) > 15, len(cuts)
    for number, step in cuts:
        synced = [earlier for earlier in steps[:number] if earlier.command.startswith("sync")]
        for torn in (None, synced[-1] if synced else steps[0]):
            put(world, step, torn)
            world.boot()
            world.hourly()  # where the service itself was torn
            ended.add(check(world, package, "{}: {}".format(number, step.command)))
    assert OLD in ended


def test_programs_are_killed_at_every_step(upgrade):
    world, steps, package = upgrade
    for number, step in different(steps):
        put(world, step)
        world.procd()
        world.hourly()  # where the program took the service away before its own upgrade
        check(world, package, "{}: {}".format(number, step.command))
