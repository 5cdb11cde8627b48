# SPDX-License-Identifier: GPL-3.0-or-later
"""`make flash-cuts`: an update is cut at every point, and `recover` has to end with a whole
firmware and the counters.

Its last line is `flash-cuts: {json}`: points walked, how many of them ended with the old and the
new firmware, how many kept the counters.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flukso.flash import cli
from tools.fakes.isp_chip import PowerCut
from tools.flash.images import versioned
from tools.flash.preloads import library
from tools.flash.station import COUNTERS, Station, historic_chip, our_chip
from tools.harness.bus import Control, Refused
from tools.harness.simulator import FIRMWARE

LAYOUT = "declared-1"
WRITES = 66  # of an update of the historic board: a fuse, the erase, 64 pages
WRITES_OF_OURS = 65  # EESAVE is set
STEPS = 20  # lines that the tool says with --json are fewer
END_S = 120
TORN_S = 1  # simulated seconds that half a firmware runs
WORKERS = 3  # most of a walk is waiting
TORN_AT = 20  # the write in which the update is cut whose recovery is cut
RUNTIMES = ("cpython", "micropython")
STEP = "step-"  # cuts after a line of the tool

# cut: what is cut where: power, avrdude, tool, ours, recovery, or step- and one of the first three;
# nth: write or step; back: whether `recover --old` follows; runtime: of the tool
Point = namedtuple("Point", ("cut", "nth", "back", "runtime"))
# firmware: "old" or "new", which runs in the end; begun: whether anything was left to recover;
# kept: whether the counters were there
End = namedtuple("End", ("firmware", "begun", "kept"))


class Broken(Exception):
    """The tool did what it must not; with its words."""


class NothingToCut(Exception):
    """The tool has said its last line before: there is no such point."""


def board_of(folder: Path, env: dict, cut: str) -> Station:
    """The historic board, or for the cut "ours" one of our firmware."""
    if cut != "ours":
        return Station(folder, historic_chip(LAYOUT, COUNTERS), LAYOUT, env=env)
    board = Station(folder, our_chip(), env=env)
    board.set_counters(COUNTERS)
    return board


def image_for(board: Station) -> Path:
    """Ours for a historic board; a newer one for ours."""
    if board.layout:
        return FIRMWARE
    path = board.folder / "newer.hex"
    path.write_bytes(versioned(99, 1))
    return path


def start(board: Station, runtime: str, *words) -> subprocess.Popen:
    command, env = board.command(*words, runtime=runtime)
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        cwd=board.folder,
    )


def cut_in_write(
    board: Station, victim: str, nth: int, words: tuple = (), runtime: str = "cpython"
) -> None:
    """Begin an update (or what the words say) and cut it in its nth write: "power" of the board,
    "tool" or "avrdude" killed.
    """
    left = [nth]

    def hook(_, __):
        left[0] -= 1
        if left[0] == 0 and victim == "power":
            raise PowerCut
        if left[0] == 0:
            os.kill(
                tool.pid
                if victim == "tool"
                else int((board.folder / "run/avrdude.pid").read_text()),
                signal.SIGKILL,
            )
            time.sleep(0.05)

    board.chip.hook = hook
    tool = start(board, runtime, *(words or ("update", image_for(board))))
    text = tool.communicate(timeout=END_S)[0]
    board.chip.hook = lambda _, __: None
    if left[0] > 0 or tool.returncode not in (-signal.SIGKILL, cli.CUT_OFF, cli.EXITS["verify"]):
        raise Broken("exit {}, {} writes were left: {}".format(tool.returncode, left[0], text))
    what_is_there_runs(board)


def cut_after_step(board: Station, victim: str, nth: int, runtime: str) -> None:
    """Begin an update and cut it when the tool has said its nth line: "power" of the board, "tool"
    or "avrdude" killed.

    Raises NothingToCut when it says fewer.
    """
    tool = start(board, runtime, "update", image_for(board), "--json")
    assert tool.stdout is not None
    if not all([tool.stdout.readline() for _ in range(nth)]):
        tool.communicate(timeout=END_S)
        raise NothingToCut
    if victim == "power":
        board.cut_supply()
    elif victim == "tool":
        tool.kill()
    else:
        with contextlib.suppress(OSError, ValueError):  # none may run
            os.kill(int((board.folder / "run/avrdude.pid").read_text()), signal.SIGKILL)
    text = tool.communicate(timeout=END_S)[0]
    if "Traceback" in text:
        raise Broken(text)
    what_is_there_runs(board)


def what_is_there_runs(board: Station) -> None:
    """The board's supply is back: whatever its flash holds runs for a while."""
    with contextlib.suppress(OSError, Refused), Control(board.control_url) as control:
        control.ask("advance {}".format(TORN_S))


def cut_at(board: Station, point: Point) -> None:
    """Begin an update and cut it there."""
    if point.cut == "recovery":
        cut_in_write(board, "power", TORN_AT, runtime=point.runtime)
        cut_in_write(board, "power", point.nth, ("recover",), point.runtime)
    elif point.cut.startswith(STEP):
        cut_after_step(board, point.cut.removeprefix(STEP), point.nth, point.runtime)
    else:
        cut_in_write(
            board, "power" if point.cut == "ours" else point.cut, point.nth, runtime=point.runtime
        )


def recovered(board: Station, back: bool = False, runtime: str = "cpython") -> End:
    """Recover, and say what came of it. Raises Broken when the tool fails or leaves something
    behind.
    """
    begun = board.backup.exists()
    if begun:
        done = board.flash("recover", *(["--old"] if back else []), runtime=runtime)
        if done.returncode or board.backup.exists():
            raise Broken("recover: exit {}: {}{}".format(done.returncode, done.stdout, done.stderr))
    version, counters = board.firmware()
    old = version[0] == (1 if board.layout else 2)
    if begun and old != back:
        raise Broken("firmware {}.{} runs".format(*version))
    return End("old" if old else "new", begun, counters == COUNTERS)


def walk_to(point: Point, folder: Path, env: dict) -> End:
    """Cut there and recover."""
    with board_of(folder, env, point.cut) as board:
        cut_at(board, point)
        return recovered(board, point.back, point.runtime)


def all_points() -> dict[str, list[Point]]:
    """Every point, by cut. Each write is cut three ways and, without power, recovered both ways;
    the interpreters take turns.
    """

    def points(cut, last, every=1, back=(False,)):
        return [
            Point(cut, nth, way, RUNTIMES[nth // every % 2])
            for nth in range(1, last + 1, every)
            for way in back
        ]

    return {
        "power": points("power", WRITES, back=(False, True)),
        "avrdude": points("avrdude", WRITES),
        "tool": points("tool", WRITES),
        "ours": points("ours", WRITES_OF_OURS, 4),
        "recovery": points("recovery", WRITES_OF_OURS, 4),
        "steps": [
            point
            for victim in ("power", "avrdude", "tool")
            for point in points(STEP + victim, STEPS)
        ],
    }


def walk(points: list[Point], folder: Path) -> tuple[list[End], list[str]]:
    """Walk to all these points; returns the ends of those that there are, and a text for each that
    failed.
    """
    env = {"LD_PRELOAD": str(library("impatient", folder))}

    def one(point: Point) -> End | str | None:
        place = folder / "{}-{}-{}".format(*point[:3])
        place.mkdir()
        try:
            end = walk_to(point, place, env)
        except NothingToCut:
            return None
        except (Broken, AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
            return "{}: {!r}".format(tuple(point), error)
        return end if end.kept else "{}: counters are lost".format(tuple(point))

    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(one, points))
    return [end for end in found if isinstance(end, End)], [
        text for text in found if isinstance(text, str)
    ]


def main(cuts: list[str]) -> int:
    begin = time.monotonic()
    ends: list[End] = []
    failed: list[str] = []
    points = all_points()
    for cut in cuts or points:
        with tempfile.TemporaryDirectory() as name:
            well, badly = walk(points[cut], Path(name))
        print(
            "{:10} {} points, {} failed".format(cut, len(well) + len(badly), len(badly)), flush=True
        )
        ends += well
        failed += badly
    for text in failed:
        print(text)
    values = {
        "points": len(ends) + len(failed),
        "failed": len(failed),
        "recovered": sum(end.begun for end in ends),
    }
    values.update(
        {
            "old": sum(end.firmware == "old" for end in ends),
            "new": sum(end.firmware == "new" for end in ends),
        }
    )
    values.update(
        {"counters_kept": sum(end.kept for end in ends), "seconds": round(time.monotonic() - begin)}
    )
    print("flash-cuts: " + json.dumps(values))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
