# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon on an emulated router: packages, service, verified uploads, LAN API, and what it may
take. `make qemu-system[-be]`.
"""

import pytest

from tools.harness.chain import SENSORS
from tools.qemu.__main__ import measure, week_of_outage
from tools.qemu.router import WATTS, Router

HWM_MAX_KB = 1200  # of the 10 MB that a router of 16 MB leaves to programs
# of the guest's clock, from the start of the daemon's process to the first reading on the LAN API
DAEMON_MAX_S = 3.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("arch", ["mips", "mipsel"])
def test_the_daemon_fits_into_a_router(arch, tmp_path):
    with Router(arch, tmp_path, week=week_of_outage()) as router:
        figures = measure(router)
        assert figures["uploaded"], router.log()
        assert max(figures["hwm_kb"], figures["hwm_outage_kb"]) <= HWM_MAX_KB, figures
        assert figures["daemon_s"] <= DAEMON_MAX_S, figures
        assert router.server.refused_handshakes == 0
        for index, watt in enumerate(WATTS):
            shown = [value for _, value in router.watts(index) if value != "nan"]
            assert abs(shown[-2] - watt) < 30
        assert (
            router.machine.run("cat /proc/$(pidof flukso-micropython)/status").count(
                "Uid:\t4168\t4168"
            )
            == 1
        )
        counters = [router.server.held(id_)[-1][1] for id_ in SENSORS[: len(WATTS)]]
        assert counters[0] < counters[1] < counters[2]
