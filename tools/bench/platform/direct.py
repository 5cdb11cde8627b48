# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingest bench's comparison: the hot path on RRD files in place of the store, each upload one
update, nothing synced.
"""

import threading
from pathlib import Path
from queue import SimpleQueue

from flukso_server.series.rrd.files import Rrd
from flukso_server.series.store import Outcome


class RrdStore:
    """As much of a series store as the ingest bench needs."""

    def __init__(self, folder: str, *args, **options):
        self._folder = Path(folder + ".rrd")
        self._rrd = Rrd()
        self._made: set[str] = set()
        self._queue: SimpleQueue = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def append(self, uploads, now, done) -> None:
        self._queue.put((uploads, done))

    def close(self) -> None:
        pass

    def _run(self) -> None:
        while True:
            uploads, done = self._queue.get()
            for sensor, tuples in uploads:
                self._update(sensor, tuples)
            done([Outcome(len(tuples), 0, 0, 0) for _, tuples in uploads])

    def _update(self, sensor: str, tuples) -> None:
        path = str(self._folder / sensor[:2] / f"{sensor}.rrd")
        if sensor not in self._made:
            self._made.add(sensor)
            self._rrd.create(path, tuples[0][0] - 1)
        self._rrd.update(path, tuples)
