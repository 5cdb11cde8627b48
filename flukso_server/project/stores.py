# SPDX-License-Identifier: GPL-3.0-or-later
"""The one series store of this process, which is opened when it is first needed."""

import threading

from django.conf import settings

from flukso_server import series
from flukso_server.series.rrd import paths
from flukso_server.series.trust import Trust

_lock = threading.Lock()
_store = None


def store(merge: bool = False) -> series.Store:
    """Return the store, which several processes may have open.

    merge: this process may merge and age, unless another one does; only the first call counts. A
    service that takes uploads should: it then need not be told what was merged.
    """
    global _store
    with _lock:
        if _store is None:
            from flukso_server.devices.counting import FactBook  # models: Django must be set up

            facts = FactBook()
            # who takes uploads puts off what a clock in doubt would refuse
            trust = Trust() if merge else None
            _store = series.open_store(
                settings.SERIES_PATH,
                merge=merge,
                trust=trust,
                rules=facts.rule,
                zones=facts.zone,
            )
        return _store


def forget(sensor: str) -> None:
    """Remove a sensor's series, and its RRD files."""
    store().forget(sensor)
    if settings.RRD_DIR:
        paths.remove(settings.RRD_DIR, sensor)


def close() -> None:
    """Close the store when it has finished its work; the next store() opens it again."""
    global _store
    with _lock:
        if _store is not None:
            _store.close()
            _store = None


def note_late(sensor: str, since: int) -> None:
    """Note for the RRD view, if there is one, that older tuples came, from `since` on.

    The view may have passed that time already. The hot path notes its own late tuples itself.
    """
    if settings.RRD_DIR:
        from flukso_server.series.rrd.notes import Notes

        notes = Notes(settings.RRD_DIR)
        try:
            notes.add_late({sensor: since})
        finally:
            notes.close()
