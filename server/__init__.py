# SPDX-License-Identifier: GPL-3.0-or-later
"""The community platform. `python -m server --help` starts it; its packages are imported with this
folder on sys.path.
"""
