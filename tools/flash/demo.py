# SPDX-License-Identifier: GPL-3.0-or-later
"""`make flash-demo`: a board with the historic layout is updated through the real avrdude, and the
daemon reads on.

Its last line is `flash-demo: {json}`: verified (flash against the image), counters_kept (what the
daemon read before and after), seconds of the whole update, avrdude's version, its share of the
seconds, what bare avrdude takes for the same work without losing the EEPROM, what the update takes
beyond that, and what avrdude takes for it in one run. The exit status is 1 when something differs
or the update takes more than OVERHEAD_S beyond the bare avrdude.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flukso.flash import avrdude, image
from tools.flash.station import Station, historic_chip
from tools.harness import ROOT
from tools.harness.interpreters import interpreter
from tools.harness.processes import Program
from tools.harness.simulator import FIRMWARE
from tools.harness.wait import wait_until

COUNTERS = (1_234_567, 89, 4_294_967_290, 55_555, 0, 7)
LAYOUT = "declared-1"
CONFIG = """config settings 'main'
	option hw_minor '1'
config settings 'daemon'
	option enable_wan_branch '0'
	option enable_lan_branch '0'
	option delta_pipe '{folder}/deltas'
	option state_dir '{folder}/state'
"""
SENSOR = """config sensor '{number}'
	option id '{number:032x}'
	option type 'electricity'
	option class 'analog'
	option voltage '230'
	option current '50'
	list port '{number}'
	option enable '1'
"""
READ_S = 30  # until the daemon has read all three clamps
OVERHEAD_S = 2  # that keeping the counters may take beyond avrdude's own work


def read_by_daemon(station) -> dict[int, int]:
    """The counters of the three clamps, as the daemon writes them to its delta pipe."""
    folder = station.folder
    (folder / "flukso").write_text(
        CONFIG.format(folder=folder) + "".join(SENSOR.format(number=n) for n in (1, 2, 3))
    )
    command, env = interpreter("cpython")
    where = [
        "--config",
        folder / "flukso",
        "--bus",
        station.bus_url,
        "--clock",
        "sim:" + station.control_url,
    ]
    daemon = Program([*command, "daemon", *where], env=env, cwd=ROOT)
    try:
        daemon.wait_for_line("started")
        wait_until((folder / "deltas").exists, READ_S)
        pipe = os.open(folder / "deltas", os.O_RDONLY | os.O_NONBLOCK)
        try:
            return _counters(pipe)
        finally:
            os.close(pipe)
    finally:
        daemon.kill()


def _counters(pipe) -> dict[int, int]:
    deadline = time.monotonic() + READ_S
    found: dict[int, int] = {}
    text = ""
    while len(found) < 3:
        if time.monotonic() > deadline:
            raise SystemExit("the daemon has read {} only".format(found))
        try:
            text += os.read(pipe, 4096).decode()
        except BlockingIOError:
            pass
        time.sleep(0.02)
        *lines, text = text.split("\n")
        for line in lines:
            words = [int(word) for word in line.split()[1:]]
            found.update(zip(words[::3], words[1::3], strict=True))
    return found


READ = [
    "{}:r:{{0}}:r".format(name) for name in ("lfuse", "hfuse", "efuse", "lock", "flash", "eeprom")
]
WRITTEN = ["erase", "flash:w:{1}:i", "eeprom:v:{2}:r"]
# the fewest runs that do not lose the EEPROM: avrdude erases before anything else of its run
SAFELY = (
    [*READ, "hfuse:w:0xd6:m"],
    WRITTEN,
)
AT_ONCE = ([*WRITTEN[:1], *READ, *WRITTEN[1:]],)  # on a chip that has EESAVE already


def bare_avrdude_s(folder: Path, runs, hfuse: int) -> float:
    """Seconds that avrdude alone takes for these runs on a historic chip; nobody asks the board or
    keeps what was read.
    """
    folder.mkdir()
    chip = historic_chip(LAYOUT, COUNTERS, hfuse)
    (folder / "stored").write_bytes(chip.eeprom)
    with Station(folder, chip, LAYOUT) as station:
        programmer = avrdude.Programmer("stk500v1", station.port, None, ())
        begin = time.monotonic()
        for run in runs:
            operations = [
                operation.format(folder / "read", FIRMWARE, folder / "stored") for operation in run
            ]
            subprocess.run(
                avrdude.command(programmer, avrdude.PART, None, operations),
                check=True,
                capture_output=True,
            )
        return time.monotonic() - begin


def update(station) -> tuple[dict, float]:
    """Run flukso-flash before the user's eyes; its result and its seconds."""
    command, env = station.command("update", FIRMWARE, "--json")
    begin = time.monotonic()
    tool = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=station.folder)
    assert tool.stdout is not None
    event: dict = {}
    for line in tool.stdout:
        event = json.loads(line)
        if event["event"] == "step":
            print("  " + event["text"])
    if tool.wait():
        raise SystemExit("flukso-flash: {}".format(event.get("text")))
    return event, time.monotonic() - begin


def main() -> int:
    version = avrdude.version(
        subprocess.run(["avrdude", "-?"], capture_output=True, text=True).stderr
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "board"
        folder.mkdir()
        with Station(folder, historic_chip(LAYOUT, COUNTERS), LAYOUT) as station:
            before = read_by_daemon(station)
            print("the daemon reads from the historic board: {}".format(before))
            result, seconds = update(station)
            after = read_by_daemon(station)
            runs = station.version()
            print("firmware {}.{} runs; the daemon reads: {}".format(*runs, after))
            found = image.load(FIRMWARE.read_bytes())
            verified = (
                bytes(station.chip.flash).rstrip(b"\xff") == found.memory.rstrip(b"\xff")
                and runs == found.version
            )
            kept = (
                before == after
                and tuple(result["before"])
                == tuple(result["after"])
                == station.counters()
                == COUNTERS
            )
        bare_s = bare_avrdude_s(Path(name) / "bare", SAFELY, 0xDE)
        once_s = bare_avrdude_s(Path(name) / "once", AT_ONCE, 0xD6)
    print("nothing was counted for {:.1f} s".format(result["blind_s"]))
    text = (
        "whole update {:.2f} s, of it avrdude {:.1f} s; bare avrdude for the same work {:.2f} "
        "s, in one run {:.2f} s"
    )
    print(text.format(seconds, result["avrdude_s"], bare_s, once_s))
    values = {
        "verified": verified,
        "counters_kept": kept,
        "seconds": round(seconds, 2),
        "avrdude": "{}.{}".format(*version),
    }
    values.update({"avrdude_s": result["avrdude_s"], "bare_avrdude_s": round(bare_s, 2)})
    values.update({"overhead_s": round(seconds - bare_s, 2), "bare_in_one_run_s": round(once_s, 2)})
    print("flash-demo: " + json.dumps(values))
    return 0 if verified and kept and seconds <= bare_s + OVERHEAD_S else 1


if __name__ == "__main__":
    sys.exit(main())
