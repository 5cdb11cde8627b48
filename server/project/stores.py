# SPDX-License-Identifier: GPL-3.0-or-later
"""The series store of this process: one, opened when it is first asked for."""

import threading

import series
from django.conf import settings
from series.rrd import paths

_lock = threading.Lock()
_store = None


def store() -> series.Store:
    """The store; any process may have it open."""
    global _store
    with _lock:
        if _store is None:
            _store = series.open_store(settings.SERIES_PATH)
        return _store


def forget(sensor: str) -> None:
    """Remove all there is of a sensor's series, its RRD files as well."""
    store().forget(sensor)
    if settings.RRD_DIR:
        paths.remove(settings.RRD_DIR, sensor)


def close() -> None:
    """Finish what it was doing; the next store() opens it again."""
    global _store
    with _lock:
        if _store is not None:
            _store.close()
            _store = None
