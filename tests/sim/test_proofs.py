# SPDX-License-Identifier: GPL-3.0-or-later
"""Short runs of the firmware's dear proofs; `make power-cut`, `fuzz-spi` and `budget` are the whole
ones.
"""

import fcntl
import json
import subprocess

import pytest

from tests.sim.board import FIRMWARE, ROOT
from tools.trace import csv_text


def proof(name, *arguments):
    """Run a proof, built if it is out of date; return (exit status, the JSON of its last line)."""
    with open(ROOT / "avr/build/proofs.lock", "w") as lock:  # several workers may want one
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "-C", ROOT / "avr/sim", "proof-" + name], check=True)
    done = subprocess.run(
        [ROOT / "avr/build" / name, FIRMWARE["spi"], *(str(word) for word in arguments)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    line = done.stdout.strip().split("\n")[-1]
    return done.returncode, json.loads(line[line.index("{") :]), done.stderr


def test_power_cuts_tear_nothing():
    code, result, errors = proof("power_cut", 1)
    assert (code, errors) == (0, "")
    assert result["cuts"] >= 200
    assert (result["torn"], result["settings_torn"], result["dead"]) == (0, 0, 0)
    assert result["lost_wh_max"] <= 1


@pytest.mark.slow
def test_the_power_cut_proof_notices_a_damaged_eeprom():
    code, result, _ = proof("power_cut", 1, "--sabotage")
    assert code == 1
    assert result["torn"] > 0


def test_random_transfers_set_nothing_and_silence_nothing():
    code, result, errors = proof("fuzz_spi", 10)
    assert (code, errors) == (0, "")
    assert (result["wrong_sets"], result["no_answer"], result["resets"]) == (0, 0, 0)


@pytest.mark.slow
def test_an_hour_of_a_household(tmp_path):
    (tmp_path / "day.csv").write_text(csv_text(clamps=3))
    code, result, _ = proof("day", tmp_path / "day.csv", 1)
    assert code == 0
    assert (result["bad_polls"], result["power_cuts"] > 0 or result["dips"] > 0) == (0, True)
