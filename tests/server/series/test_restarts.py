# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store knows after its process was killed, and how fast; for any store."""

import random
import subprocess
import sys

import pytest

from flukso_server.series.appending import append_many
from flukso_server.series.reading import profile
from tests.server.series.benches import BENCHES, DAY, NOON
from tests.server.series.model import Model
from tools.harness import ROOT

SENSORS = [f"{number:032x}" for number in range(4)]
START = NOON - 2000 * DAY
UPLOADER = ("-m", "tests.server.series.uploader")
# tuples a second of CPU: half of what is wanted and a sixth of what is measured, for machines that
# are slow
REPLAY_RATE = 250_000


def upload_until_killed(name, folder, seed, start, lines):
    """Let a process upload `lines` lines, kill it; the tuples that it said were acknowledged."""
    process = subprocess.Popen(
        [sys.executable, *UPLOADER, name, str(folder), str(seed), str(start)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    text = []
    for line in process.stdout:
        text.append(line)
        if len(text) == lines:
            BENCHES[name].kill(process)
    process.wait()
    whole = "".join(text)
    return [line.split() for line in whole[: whole.rfind("ok\n")].splitlines() if line != "ok"]


def check_nothing_lost(name, folder, acknowledged):
    """Every tuple acknowledged is there while minutes are kept, and every watt-hour after."""
    newest = max(ts for found in acknowledged.values() for ts in found.tuples)
    bench = BENCHES[name](folder, now=newest + 100)
    for sensor, model in acknowledged.items():
        kept = dict(bench.store.raw(sensor, newest - 58 * DAY, 1 << 32))
        for ts, counter in model.tuples.items():
            if ts >= newest - 58 * DAY:
                assert kept[ts] == counter
        first, last = min(model.tuples), max(model.tuples)
        assert profile(bench.store, sensor, [first, last])[0][0] == pytest.approx(
            model.total(), abs=1.01
        )
        assert bench.store.last(sensor)[0] >= last
    bench.close()
    return newest


def kill_again_and_again(name, folder, kills, seed):
    rng = random.Random(seed)
    newest = START
    acknowledged = {sensor: Model() for sensor in SENSORS}
    for kill in range(kills):
        for sensor, ts, counter in upload_until_killed(
            name, folder, kill, newest + 3600, rng.randrange(60, 800)
        ):
            acknowledged[sensor].append([(int(ts), int(counter))])
        newest = check_nothing_lost(
            name, folder, {s: m for s, m in acknowledged.items() if m.tuples}
        )


@pytest.mark.parametrize("name", sorted(BENCHES))
def test_kill_at_any_moment_loses_nothing_acknowledged(name, tmp_path):
    kill_again_and_again(name, tmp_path, 6, 1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", sorted(BENCHES))
def test_a_hundred_kills_lose_nothing_acknowledged(name, tmp_path):
    kill_again_and_again(name, tmp_path, 100, 2)


def test_what_waits_is_read_back_fast(bench):
    """The best of three: a second of CPU, but of a machine that others use as well."""
    for at in range(60):
        uploads = [
            (f"{number:032x}", [(NOON - 50_000 + 300 * at + 60 * i, at) for i in range(5)])
            for number in range(500)
        ]
        append_many(bench.store, uploads, NOON)
    rates = []
    for _attempt in range(3):
        bench.open()
        rates.append(bench.replay_rate())
    assert rates[0] is None or max(rates) >= REPLAY_RATE
    assert len(bench.store.raw(SENSORS[1], 0, 1 << 32)) == 300
