# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the kernel about its clock, on CPython: adjtimex(2), which changes nothing with modes 0."""

import ctypes

from flukso.ports.clock import clock_is_synchronised


class _Timex(ctypes.Structure):
    """The head of struct timex up to what is looked at, and room for the rest: 208 bytes with longs
    of 64 bits, 128 with 32.
    """

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def synchronised() -> bool | None:
    """Return whether the kernel says that its clock is synchronised; None when it must not tell us,
    or knows no such call.
    """
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    timex = _Timex()
    state = adjtimex(ctypes.byref(timex))
    return None if state < 0 else clock_is_synchronised(state, timex.status)
