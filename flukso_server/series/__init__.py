# SPDX-License-Identifier: GPL-3.0-or-later
"""Series of cumulative counters: the store, and what is computed above it."""

from flukso_server.series.store import Outcome, SeriesError, Store, Tuple, TupleError, open_store

__all__ = ["Outcome", "SeriesError", "Store", "Tuple", "TupleError", "open_store"]
