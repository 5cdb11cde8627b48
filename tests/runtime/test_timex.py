# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of its clock: through a libc that answers as a test wants, and as it is, on
both interpreters and on MIPS.
"""

import os
import subprocess
import sys

import pytest

from flukso.ports.clock import STA_UNSYNC, TIME_ERROR, clock_is_synchronised
from tools.harness import ROOT
from tools.harness.interpreters import environment

ASK = (
    "from flukso import ports; c = ports.load().system_clock(); print(c.synchronised(), "
    "len(c.boot()), c.boot() == c.boot())"
)
# struct timex as libc has it; modes must be 0, or the clock would be changed
LIBC = """
#include <errno.h>
#include <stdlib.h>
#include <sys/timex.h>

int adjtimex(struct timex *clock)
{
	if (clock->modes)
		abort();
	if (getenv("REFUSED")) {
		errno = EPERM;
		return -1;
	}
	clock->status = atoi(getenv("STATUS"));
	clock->maxerror = -1;
	return atoi(getenv("STATE"));
}
"""
SAID = [  # id, adjtimex()'s result, its status, what is told
    ("pll", {"STATE": "0", "STATUS": "8193"}, "True"),  # STA_PLL | STA_NANO
    ("leap-second-due", {"STATE": "1", "STATUS": "17"}, "True"),
    ("unsynchronised", {"STATE": "5", "STATUS": "64"}, "False"),
    ("flag-alone", {"STATE": "0", "STATUS": "65"}, "False"),
    ("clock-error", {"STATE": "5", "STATUS": "4096"}, "False"),
    ("refused", {"REFUSED": "1"}, "None"),
]


@pytest.fixture(scope="session")
def libc(tmp_path_factory):
    folder = tmp_path_factory.mktemp("libc")
    (folder / "libc.c").write_text(LIBC)
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", folder / "libc.so", folder / "libc.c"], check=True
    )
    return folder / "libc.so"


@pytest.mark.parametrize(
    "told, want", [pytest.param(told, want, id=name) for name, told, want in SAID]
)
def test_cpython_says_what_libc_says(libc, told, want):
    environ = {**os.environ, **told, "LD_PRELOAD": str(libc)}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == want + " 36 True\n"


@pytest.mark.parametrize("machine", ["runtime", "mips_tests"])
def test_both_interpreters_say_the_same_of_this_machine(request, machine):
    command = request.getfixturevalue(machine)
    said = [
        subprocess.run(
            [*words, "-c", ASK],
            env=environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for words in ([sys.executable], command)
    ]
    assert said[0] == said[1] and said[0].split()[0] in ("True", "False", "None")
    state, status = eval(
        subprocess.run(
            [*command, "-c", "import posix; print(posix.adjtimex())"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    assert 0 <= state <= TIME_ERROR and clock_is_synchronised(state, status) is (
        said[0].split()[0] == "True"
    )
    assert bool(status & STA_UNSYNC) <= (state == TIME_ERROR)
