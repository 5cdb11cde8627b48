# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements of the platform: `make bench-ingest`, `make bench-query`."""
