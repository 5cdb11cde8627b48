# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests and programs start and drive: boards, daemons, platforms, browsers, terminals."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the working tree
