# SPDX-License-Identifier: GPL-3.0-or-later
"""The series store of this process: one, opened when it is first asked for."""

import threading

import series
from django.conf import settings

_lock = threading.Lock()
_store = None


def store() -> series.Store:
    """The store; any process may have it open."""
    global _store
    with _lock:
        if _store is None:
            _store = series.open_store(settings.SERIES_PATH)
        return _store


def close() -> None:
    """Finish what it was doing; the next store() opens it again."""
    global _store
    with _lock:
        if _store is not None:
            _store.close()
            _store = None
