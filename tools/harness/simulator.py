# SPDX-License-Identifier: GPL-3.0-or-later
"""fluksosim, the simulated board, as a program that is ready when it has been started."""

from tools.harness import ROOT
from tools.harness.processes import Program

FLUKSOSIM = ROOT / "avr/build/fluksosim"
FIRMWARE = ROOT / "avr/build/spi/flukso.hex"
UART_FIRMWARE = ROOT / "avr/build/uart/flukso.hex"


def start_fluksosim(*options, image=FIRMWARE, **program) -> Program:
    """Start fluksosim with this image and these options of its own; return it when it is ready.

    program: further arguments of Program.
    """
    started = Program([FLUKSOSIM, "--hex", image, *options], **program)
    started.wait_for_line("fluksosim: ready")
    return started
