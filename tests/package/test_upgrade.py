# SPDX-License-Identifier: GPL-3.0-or-later
"""Unattended upgrades (docs/guide/openwrt.md): what is taken, what is watched, when a router goes
back, and whom a dead server or line does not send back.
"""

import hashlib
import re

import pytest

from tests.package.managers import MANAGERS
from tests.package.upgrade_world import (
    BOARD_NEW,
    BOARD_OLD,
    FIRMWARE,
    KEYRING,
    NEW,
    NEWER,
    OLD,
    RUNTIME,
    SERVICE,
    UPGRADE,
    Feed,
    World,
)  # fmt: skip


# What one manager is asked for, the other one is, too; what needs no look at packages runs once.
@pytest.fixture(params=["opkg", "apk"])
def manager(request):
    return MANAGERS[request.param]


once = pytest.mark.parametrize("manager", ["opkg"], indirect=True)


@pytest.fixture
def feed(tmp_path, manager):
    made = Feed(tmp_path / "feed", manager)
    made.add(RUNTIME, OLD)
    made.add(SERVICE, OLD)
    return made


@pytest.fixture
def world(tmp_path, feed):
    return World(tmp_path / "router", feed)


def offer(world, *packages, version=NEW, **how):
    for name in packages or (RUNTIME,):
        world.feed.add(name, version, **how)
    world.serve()


def test_each_package_is_upgraded_alone_watched_and_the_old_one_kept(world):
    offer(world, RUNTIME, SERVICE)
    began = world.uptime()
    said = world.upgrade()
    assert world.version(RUNTIME) == world.version(SERVICE) == NEW and world.works()
    assert world.uptime() - began >= 2 * 600
    assert [line for line in re.findall(r"notice flukso-upgrade: (\S+: .*)", said)] == [
        "{}: {} becomes {}; working now: lan board upload".format(RUNTIME, OLD, NEW),
        "{}: {} became {}; working: lan board upload".format(RUNTIME, OLD, NEW),
        "{}: {} becomes {}; working now: lan board upload".format(SERVICE, OLD, NEW),
        "{}: {} became {}; working: lan board upload".format(SERVICE, OLD, NEW),
    ]
    kept = world.router.path(
        "etc/flukso/upgrade/{}.{}".format(RUNTIME, world.manager.ending)
    ).read_bytes()
    old = world.feed.packages / world.manager.file_name(RUNTIME, OLD)
    assert kept == old.read_bytes() and world.ended()
    assert world.report() == "{}: {} became {}; working: lan board upload".format(SERVICE, OLD, NEW)
    before = world.router.log()
    world.upgrade()  # nothing is left to do, and nothing is written
    assert world.router.log() == before


FAULTS = [
    ("lan", "the LAN API does not answer"),
    ("board", "the board is not read"),
    ("upload", "no upload, though the server answers"),
    ("dies", "the daemon died 3 times"),
    ("counter", "a counter fell"),
]


@pytest.mark.parametrize("what, reason", FAULTS, ids=[row[0] for row in FAULTS])
def test_goes_back_when_something_fails_that_worked_and_tries_only_a_newer_one(world, what, reason):
    world.router.write("proc/uptime", "10.00 0.00\n")
    offer(world)
    world.fault("{} {} {}".format(RUNTIME, NEW, what))
    said = world.upgrade()
    assert world.version() == OLD and world.works() and world.ended()
    assert re.search("err flukso-upgrade: .*went back from {} to {}: ".format(NEW, OLD), said)
    assert reason[:-8] in world.report()
    assert "not tried again" in world.upgrade() and world.version() == OLD
    offer(world, version=NEWER)
    world.upgrade()
    assert world.version() == NEWER and world.works()


@once
def test_goes_back_within_ten_minutes(world):
    offer(world)
    world.fault("{} {} lan".format(RUNTIME, NEW))
    began = world.uptime()
    world.upgrade()
    assert world.uptime() - began < 600 + 600  # the second ten are the old one's


SERVERS = [  # id, what happens, seconds after the start
    ("dies", [(40, "dead")]),
    ("falls-ill", [(40, "503")]),
    ("dies-and-comes-back", [(40, "dead"), (500, "200")]),
    ("is-dead-before", [(0, "dead")]),
]


@pytest.mark.parametrize("events", [pytest.param(row[1], id=row[0]) for row in SERVERS])
@once
def test_a_dead_server_or_line_sends_nobody_back(world, events):
    offer(world)
    for seconds, server in events:
        if seconds:
            world.at(seconds, "echo {} >/world/server; rm -f /tmp/uploaded".format(server))
        else:
            world.set("server", server)
            world.run("rm", "/tmp/uploaded")
    world.upgrade()
    assert world.version() == NEW and "went back" not in world.router.log()


@once
def test_what_could_not_be_judged_is_said(world):
    offer(world)
    world.at(40, "echo dead >/world/server; rm -f /tmp/uploaded")
    world.upgrade()
    assert world.report().endswith("the upload was not judged: the server did not answer")


@once
def test_a_server_that_refuses_the_new_version_alone_is_no_dead_one(world):
    offer(world)
    world.fault("{} {} upload".format(RUNTIME, NEW))
    world.at(40, "echo 404 >/world/server")
    world.at(1000, "echo 200 >/world/server")
    world.upgrade()
    assert world.version() == OLD and "no upload" in world.report()


@once
def test_where_the_old_version_fails_too_the_new_one_is_tried_again(world):
    offer(world)
    world.at(40, "echo gone >/world/bus")
    world.upgrade()
    assert world.version() == OLD and "does not do better: the board is not read" in world.report()
    world.set("bus", "up")
    world.upgrade()
    assert world.version() == NEW


@once
def test_what_did_not_work_before_is_not_asked_for(world):
    world.set("bus", "gone")
    offer(world)
    said = world.upgrade()
    assert world.version() == NEW and "working now: lan upload" in said


@once
def test_a_daemon_that_does_not_answer_gets_its_cure(world):
    world.fault("{} {} lan".format(RUNTIME, OLD))
    offer(world)
    world.upgrade()
    assert world.version() == NEW and world.works()


def test_an_installation_that_fails_leaves_the_old_package_and_is_tried_three_times(world):
    offer(world, more="etc/init.d/flukso")  # which is another package's
    for _ in range(3):
        assert "the installation failed" in world.upgrade()
        assert world.version() == OLD and world.works() and world.ended()
    assert "not tried again" in world.upgrade()


def untouched(world, said, level="") -> bool:
    return (
        world.version(RUNTIME) == world.version(SERVICE) == OLD
        and world.works()
        and world.ended()
        and "becomes" not in world.router.log()
        and level + " flukso-upgrade: " in world.router.log()
        and said in world.router.log()
    )


def test_a_wrong_signature_is_said_and_nothing_is_taken(world):
    offer(world)
    index = world.router.path("feeds/packages/mips_24kc/" + world.manager.index)
    index.write_bytes(world.manager.spoiled(index.read_bytes()))
    world.upgrade()
    assert untouched(world, "the signature of a feed is wrong", "err")


def test_another_key_is_a_wrong_signature(world, tmp_path):
    offer(world)
    world.feed.key = Feed(tmp_path / "other", world.manager).key
    world.feed.sign()
    world.serve()
    world.upgrade()
    assert untouched(world, "the signature of a feed is wrong", "err")


def test_without_a_check_of_signatures_nothing_is_taken(world):
    offer(world)
    world.manager.check_nothing(world.router)
    world.upgrade()
    assert untouched(world, world.manager.name + " does not check signatures here", "err")


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_a_package_that_is_not_the_listed_one_is_not_taken(world, version, damage):
    offer(world)
    (path,) = world.router.path("feeds").rglob(world.manager.file_name(RUNTIME, version))
    data = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(data[:-100] if damage == "cut" else data[:-100] + bytes(100))
    world.upgrade()
    assert untouched(world, "could not be fetched whole", "warn")


def test_without_the_old_package_in_the_feed_there_is_no_upgrade(world):
    (world.feed.packages / world.manager.file_name(RUNTIME, OLD)).unlink()
    offer(world)
    world.upgrade()
    assert untouched(world, "no signed feed has it and " + OLD, "warn")


@pytest.mark.parametrize("where", ["flash", "ram"])
def test_without_room_there_is_no_upgrade(world, where):
    offer(world)
    world.set(where, "200")
    world.upgrade()
    assert untouched(world, "there is no room for it", "warn")


def test_without_a_line_nothing_happens_and_flash_is_not_written(world):
    offer(world)
    world.set("line", "down")
    world.upgrade()
    assert untouched(world, "no list of packages could be fetched", "notice")
    assert not world.report()


@once
def test_the_same_report_is_written_to_flash_once(world):
    offer(world)
    world.set("flash", "200")
    world.upgrade()
    path = world.router.path("etc/flukso/upgrade/report")
    before = path.stat()
    world.upgrade()
    assert path.stat().st_ino == before.st_ino and path.stat().st_mtime == before.st_mtime


@pytest.mark.parametrize("option", ["enabled", "enable_lan_branch"])
@once
def test_nothing_is_upgraded_while_nobody_could_tell_whether_it_works(world, option):
    offer(world)
    text = world.router.read("etc/config/flukso")
    world.router.write(
        "etc/config/flukso",
        text.replace("'daemon'\n", "'daemon'\n\toption {} '0'\n".format(option)),
    )
    world.upgrade()
    assert untouched(world, "without daemon and LAN API", "warn")


def test_an_older_feed_changes_nothing(world):
    said = world.upgrade()
    assert said == "" and world.version() == OLD and world.ended()


def test_board_firmware_goes_back_with_its_package(tmp_path, feed):
    feed.add(FIRMWARE, OLD)
    world = World(tmp_path / "router", feed, (RUNTIME, SERVICE, FIRMWARE))
    feed.add(FIRMWARE, NEW)
    world.serve()
    world.fault("{} {} board".format(FIRMWARE, NEW))
    world.at(40, "cp /world/board /world/had")
    said = world.upgrade()
    assert world.router.read("world/had") == BOARD_NEW + "\n"
    assert world.router.read("world/board") == BOARD_OLD + "\n" and world.version(FIRMWARE) == OLD
    assert "the board gets its firmware {} back".format(BOARD_OLD) in said


def test_a_keyring_without_the_feeds_key_goes_back(tmp_path, feed):
    feed.add(KEYRING, OLD)
    world = World(tmp_path / "router", feed, (RUNTIME, SERVICE, KEYRING))
    offer(world, KEYRING)
    world.manager.lose_key_with(world.router, "/usr/share/flukso/{}.version".format(KEYRING), NEW)
    world.upgrade()
    assert world.version(KEYRING) == OLD and "no feed's signature is right" in world.report()


def test_a_program_that_cannot_be_read_is_not_kept(tmp_path, feed):
    feed.add(UPGRADE, OLD)
    world = World(tmp_path / "router", feed)
    offer(world, UPGRADE, program="#!/bin/sh\nif\n")
    world.upgrade()
    assert world.version(UPGRADE) == OLD and "cannot be read" in world.report() and world.ended()
    offer(world, UPGRADE, version=NEWER)
    world.upgrade()
    assert world.version(UPGRADE) == NEWER and world.ended()


def test_the_owner_goes_back_by_hand(world):
    offer(world)
    world.upgrade()
    world.run("flukso-upgrade", "back")
    world.procd()
    assert world.version() == OLD and "its owner asked for it" in world.report()
    said = world.run("flukso-upgrade", "status")
    assert "failed: {} {}, 3 of 3".format(RUNTIME, NEW) in said and "kept: " + RUNTIME in said
    assert "installed already" in world.run("flukso-upgrade", "back", status=1)
    assert "no old package" in world.run("flukso-upgrade", "back", SERVICE, status=1)


def crontab(world) -> list[str]:
    path = world.router.path("etc/crontabs/root")
    return path.read_text().splitlines() if path.exists() else []


def test_the_crontab_has_a_line_while_this_is_on(world):
    world.router.write("etc/crontabs/root", "5 4 * * * somebody\n")
    world.run("/etc/init.d/flukso-upgrade", "reload")
    first, line = crontab(world)
    assert first == "5 4 * * * somebody" and re.match(r"[0-5]?\d \* \* \* \* for f in ", line)
    on = world.router.read("etc/config/flukso")
    world.router.write("etc/config/flukso", on.replace("enable '1'", "enable '0'"))
    world.run("/etc/init.d/flukso-upgrade", "reload")
    assert crontab(world) == [first]
    world.router.write("etc/config/flukso", on)
    world.run("/etc/init.d/flukso-upgrade", "reload")
    world.manager.remove(world.router, UPGRADE)
    assert crontab(world) == [first]


@once
def test_off_unless_somebody_switches_it_on(world):
    world.router.write("etc/config/flukso", "config settings 'daemon'\n")
    offer(world)
    world.run("/etc/init.d/flukso-upgrade", "reload")
    world.run("flukso-upgrade", "cron")
    world.procd()
    assert crontab(world) == [] and world.version() == OLD
    assert world.run("flukso-upgrade", "status").startswith("off")


def appointment(world, device: str) -> tuple[int, int]:
    world.router.write("var/run/flukso/config", "\toption device '{}'\n".format(device))
    said = world.run("flukso-upgrade", "status").split()[3]
    hour, minute = said.split(":")
    return int(hour), int(minute)


@once
def test_each_device_has_an_hour_of_its_own_within_the_owners(world):
    devices = [hashlib.md5(bytes([n])).hexdigest() for n in range(40)]
    seen = [appointment(world, device) for device in devices]
    assert {hour for hour, _ in seen} == {1, 2, 3, 4} and len(set(seen)) > 30
    assert all(minute < 60 for _, minute in seen)
    assert appointment(world, devices[7]) == seen[7]
    text = world.router.read("etc/config/flukso")
    span = "enable '1'\n\toption from '22'\n\toption until '02'"
    world.router.write("etc/config/flukso", text.replace("enable '1'", span))
    seen = [appointment(world, device) for device in devices]
    assert {hour for hour, _ in seen} == {22, 23, 0, 1}


@once
def test_looks_in_its_hour_only_and_whatever_the_clock_does_meanwhile(world):
    offer(world)
    hour, _ = appointment(world, "fedcba98765432100123456789abcdef")
    for other in (hour + 1, 23, 0):
        world.set("hour", "{:02d}".format(other))
        world.run("flukso-upgrade", "cron")
        world.procd()
        assert world.version() == OLD
    world.set("hour", "{:02d}".format(hour))
    world.run("flukso-upgrade", "cron")
    world.at(100, "echo 23 >/world/hour; flukso-upgrade cron")
    world.at(200, "echo {:02d} >/world/hour; flukso-upgrade cron".format(hour))
    world.procd()
    world.run("sh", "-c", "flukso-upgrade cron")
    world.procd()
    assert world.version() == NEW and world.router.log().count("becomes") == 1


@once
def test_two_at_once_are_one(world):
    offer(world)
    world.run("flukso-upgrade", "now")
    both = [world.start(["/usr/sbin/flukso-upgrade", "run"]) for _ in range(2)]
    assert [process.wait(100) for process in both] == [0, 0]
    assert world.version() == NEW and world.router.log().count("becomes") == 1 and world.ended()
