# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure modules on MicroPython: the same vectors, the same results."""

from tests.daemon import mpy


def test_the_vectors_hold_on_micropython():
    assert int(mpy.run("replay.py")) > 200
