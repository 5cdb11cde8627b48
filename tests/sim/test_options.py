# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and end of fluksosim: options, files, signals."""

import signal
import subprocess
import time

import pytest

from tests.sim.board import build
from tools.harness.simulator import FLUKSOSIM


def refuse(*options):
    """The one line on stderr with which it refuses."""
    done = subprocess.run([FLUKSOSIM, *options], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


BAD = [
    (),
    ("--hex", "{dir}/missing.hex"),
    ("--hex", "{hex}", "--bogus"),
    ("--hex", "{hex}", "--speed"),
    ("--hex", "{hex}", "--speed", "fast"),
    ("--hex", "{hex}", "--speed", "-1"),
    ("--hex", "{hex}", "--board", "radio"),
    ("--hex", "{hex}", "--listen", "udp:1"),
    ("--hex", "{hex}", "--listen", "tcp:nowhere"),
    ("--hex", "{hex}", "--listen", "unix:{dir}/no/such/folder"),
    ("--hex", "{hex}", "--control", "tty:/dev/null"),
    ("--hex", "{hex}", "--listen", "tty:{dir}/no-tty"),
    ("--hex", "{hex}", "--clamp", "230"),
    ("--hex", "{hex}", "--clamp", "0:50"),
    ("--hex", "{hex}", "--trace", "{dir}/missing.csv"),
    ("--hex", "{hex}", "--eeprom", "{dir}"),
    ("--hex", "{hex}", "--elf", "{hex}"),
    ("--hex", "{hex}", "--wall", "tomorrow"),
    ("--hex", "{hex}", "surplus"),
    ("--hex", "{hex}", "--uart", "tty"),
]


@pytest.mark.parametrize("options", BAD, ids=range(len(BAD)))
def test_bad_options_start_nothing(tmp_path, programs, options):
    image = build("SPI_NOT", programs)
    refuse(*(word.format(hex=image, dir=tmp_path) for word in options))
    assert list(tmp_path.iterdir()) == []


TRACES = [
    ("1,2\n1,3\n", 2),
    ("ts,watt\n1,2\n2,x\n", 3),
    ("1,2\n2,-1\n", 2),
    ("", 0),
    ("1,2\n\n3,4,5\n", 3),
]


@pytest.mark.parametrize("text, line", TRACES)
def test_a_bad_trace_is_refused_with_its_line(tmp_path, programs, text, line):
    trace = tmp_path / "bad.csv"
    trace.write_text(text)
    assert "line {}:".format(line) in refuse("--hex", build("SPI_NOT", programs), "--trace", trace)


def test_a_bad_image_is_refused(tmp_path):
    for text in ("", ":00000001FF\n", "hello\n", ":0400000001020304F3\n:00000001FF\n"):
        image = tmp_path / "bad.hex"
        image.write_text(text)
        refuse("--hex", image)


def test_an_eeprom_file_of_another_size_is_refused(tmp_path, programs):
    cells = tmp_path / "cells"
    cells.write_bytes(bytes(100))
    refuse("--hex", build("SPI_NOT", programs), "--eeprom", cells)
    assert cells.read_bytes() == bytes(100)


def test_the_eeprom_file_is_there_after_a_kill(chip, tmp_path):
    cells = tmp_path / "cells"
    sim = chip("EEPROM", "--eeprom", str(cells))
    sim.run(0.1)
    sim.program.kill()
    assert cells.read_bytes()[18] == 0x12


def test_an_eep_file_is_read_and_never_written(chip, tmp_path):
    cells = tmp_path / "cells.eep"
    text = ":0100100022CD\n:00000001FF\n"
    cells.write_text(text)
    sim = chip("EEPROM", "--eeprom", str(cells))
    assert bytes.fromhex(sim.ask("eeprom"))[16] == 0x22
    sim.run(0.1)
    assert cells.read_text() == text


def test_a_trace_drives_the_clamps_and_repeats(chip, tmp_path):
    trace = tmp_path / "t.csv"
    # period 5 s
    trace.write_text("ts,watt,watt\n1700000000,3600,0\n1700000001,7200,36\n1700000003,0,0\n")
    sim = chip("CLOCK", "--trace", str(trace))
    sim.run(3)
    assert sim.control.energy_wh() == pytest.approx([5, 0.02, 0])
    sim.run(2)
    assert sim.control.energy_wh() == pytest.approx([5, 0.02, 0])
    sim.run(50)
    assert sim.control.energy_wh() == pytest.approx([55, 0.22, 0])
    sim.ask("clamp 0 36000")
    sim.run(1)
    sim.ask("clamp 0 trace")
    sim.run(2)
    assert sim.control.energy_wh()[0] == pytest.approx(55 + 10 + 4)
    sim.ask("cut")
    sim.run(10)
    assert sim.control.energy_wh()[0] == pytest.approx(55 + 10 + 4)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_and_remove_its_sockets(chip, number):
    sim = chip("SPI_NOT", "--speed", "max")
    sim.program.signal(number)
    assert sim.program.wait() == 0
    assert not (sim.folder / "control").exists()
    assert not (sim.folder / "bus").exists()


def test_a_dead_programs_socket_is_taken_over_a_live_ones_is_not(chip, programs, tmp_path):
    sim = chip("SPI_NOT")
    assert "control" in refuse("--hex", build("SPI_NOT", programs), "--control", sim.control_url)
    assert sim.ask("time")
    sim.program.signal(signal.SIGKILL)
    sim.program.wait()
    again = chip("SPI_NOT")
    assert again.ask("time")


def test_it_dies_with_its_parent(programs):
    command = [FLUKSOSIM, "--hex", build("SPI_NOT", programs), "--die-with-parent"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"fluksosim: ready\n"
    time.sleep(0.05)
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(5) == 0
    process.stdout.close()


def test_counters_need_symbols(chip, programs, tmp_path):
    bare = tmp_path / "bare.hex"
    bare.write_bytes(build("EDGES", programs).read_bytes())
    done = subprocess.run(
        [FLUKSOSIM, "--hex", bare, "--elf", "/nowhere"], capture_output=True, text=True, timeout=10
    )
    assert done.returncode == 2
    sim = chip("EDGES")
    sim.run(0.01)
    assert sim.ask("counters") == "0 0 0 0 0 0"
