# SPDX-License-Identifier: GPL-3.0-or-later
"""The series store of this process: one, opened when it is first asked for."""

import threading

from django.conf import settings

from flukso_server import series
from flukso_server.series.rrd import paths

_lock = threading.Lock()
_store = None


def store(merge: bool = False) -> series.Store:
    """The store; any process may have it open. merge: this one may merge and age, if it is the
    first to ask for the store and no other process does; a service that takes uploads should, for
    it alone need not be told that something was merged.
    """
    global _store
    with _lock:
        if _store is None:
            _store = series.open_store(settings.SERIES_PATH, merge=merge)
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


def note_late(sensor: str, since: int) -> None:
    """Tuples came from this time on that the RRD view, where there is one, may have passed; the hot
    path notes its own.
    """
    if settings.RRD_DIR:
        from flukso_server.series.rrd.notes import Notes

        notes = Notes(settings.RRD_DIR)
        try:
            notes.add_late({sensor: since})
        finally:
            notes.close()
