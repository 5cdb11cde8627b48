# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's table of quantities and the platform's say the same: they import nothing of each
other.
"""

import pytest

from flukso import quantities as daemon
from flukso_server.series import quantities as platform


def test_both_tables_have_the_same_quantities_with_the_same_counters():
    assert {name: each.counter for name, each in daemon.QUANTITIES.items()} == {
        each.name: each.counter for each in platform.QUANTITIES
    }


def test_the_daemon_tells_each_in_a_unit_of_the_platforms():
    for each in platform.QUANTITIES:
        assert daemon.of(each.name).unit in [unit.name for unit in each.units]


def test_both_know_the_same_ranges():
    for each in platform.QUANTITIES:
        known = daemon.of(each.name).range
        if each.rule.held:
            zero = -each.units[0].offset
            assert known == pytest.approx((each.rule.least, each.rule.most, zero))
        else:
            assert known is None
