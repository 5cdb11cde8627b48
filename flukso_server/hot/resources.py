# SPDX-License-Identifier: GPL-3.0-or-later
"""What the handlers of the hot path share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from flukso_server.hot.caches import Cache
from flukso_server.hot.directory import Directory
from flukso_server.hot.load import Load
from flukso_server.hot.refused import Refused
from flukso_server.hot.upload_faults import UploadFaults
from flukso_server.hot.workers import Database

if TYPE_CHECKING:
    from flukso_server.series.rrd.background import Graphs
    from flukso_server.series.store import Store


class Resources(NamedTuple):
    """Made once by hot/app.py, which also closes them."""

    store: "Store"
    sensors: Cache  # of SensorEntry
    tokens: Cache  # of TokenEntry
    directory: Directory
    queries: Database  # threads that read the accounts' database
    updates: Database  # threads that write to it
    faults: UploadFaults
    refused: Refused
    load: Load
    graphs: "Graphs | None"  # None where the RRD view is off
    clock: Callable[[], float]  # unix s
