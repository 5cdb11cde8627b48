#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Django's command line; `python -m server` adds what an installation needs around it."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
