# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that keeps every tuple in a dict, and each upload as a line of a journal."""

import json
import logging
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from flukso_server.series.admission import NEVER, admit, sensor_key
from flukso_server.series.curve import Curve, Part
from flukso_server.series.ladder import Horizons
from flukso_server.series.localtime import DAY_S
from flukso_server.series.plausible import highest_day, judge
from flukso_server.series.points import Points
from flukso_server.series.rule import Ints, Rules, counters_alone
from flukso_server.series.store import (
    FOREVER_S,
    CorrectionError,
    Outcome,
    Results,
    SeriesError,
    Tuple,
    TupleError,
    Upload,
)
from flukso_server.series.terms import (
    CORRECTIONS_MAX,
    KINDS,
    LIMITS_MAX,
    Correction,
    Limit,
    Terms,
)
from flukso_server.series.trust import Trust

log = logging.getLogger("series")


def _check(record: bytes) -> bytes:
    return f"{zlib.crc32(record):08x}".encode()


class Series:
    """The tuples of one sensor by UTC day; the admission.Record of it."""

    room = 0  # every day is counted

    def __init__(self):
        self.days: dict[int, dict[int, int]] = {}
        self.last_ts = NEVER
        self.imported_until = 0

    def counters_at(self, times: list[int]) -> dict[int, int]:
        days = [(ts, self.days.get(ts // DAY_S, {})) for ts in times]
        return {ts: day[ts] for ts, day in days if ts in day}

    def tuples_in(self, day: int) -> int:
        return len(self.days.get(day, ()))

    def add(self, tuples: Sequence[Tuple]) -> None:
        for ts, counter in tuples:
            self.days.setdefault(ts // DAY_S, {})[ts] = counter
            self.last_ts = max(self.last_ts, ts)

    def tuples(self) -> list[Tuple]:
        return [pair for _day, held in sorted(self.days.items()) for pair in sorted(held.items())]


class PlainStore:
    """series.store.Store for tests: nothing ages, one process at a time."""

    def __init__(self, path: str, rules: Rules = counters_alone, **_options):
        self.rule = rules
        self.trust = _options.get("trust") or Trust()
        self._lock = threading.Lock()
        self._series: dict[str, Series] = {}
        self._terms: dict[str, tuple[Sequence[Limit], Sequence[Correction]]] = {}
        self._closed = False
        self._journal = open(path, "ab", buffering=0)  # noqa: SIM115
        whole, newline, _torn = Path(path).read_bytes().rpartition(b"\n")
        self._damaged: list[bytes] = []
        for line in whole.splitlines():
            crc, _space, record = line.partition(b" ")
            if crc == _check(record):
                self._replay(*json.loads(record))
            else:
                log.error("series: a line of the journal is damaged")
                self._damaged.append(line)
        # what follows the last newline was being written when the process was killed
        self._journal.truncate(len(whole + newline))

    def _replay(self, sensor: str, tuples: list | None, imported_until: int | list) -> None:
        if isinstance(imported_until, list):  # a line of terms
            self._terms[sensor] = (
                [Limit(*each) for each in tuples or ()],
                [Correction(*each) for each in imported_until],
            )
            return
        if tuples is None:
            self._series.pop(sensor, None)
            self._terms.pop(sensor, None)
            return
        series = self._series.setdefault(sensor, Series())
        series.add(tuples)
        series.imported_until = imported_until

    def _write(
        self, sensor: str, tuples: Sequence | None, imported_until: int | Sequence = 0
    ) -> None:
        record = json.dumps([sensor, tuples, imported_until]).encode()
        self._journal.write(_check(record) + b" " + record + b"\n")
        self._replay(*json.loads(record))

    def append(self, uploads: Sequence[Upload], now: int, done: Callable[[Results], None]) -> None:
        if self._closed:
            raise SeriesError("the store is closed")
        with self._lock:
            results = [self._append(sensor, tuples, now) for sensor, tuples in uploads]
        done(results)

    def _append(self, sensor: str, tuples: Sequence[Tuple], now: int) -> Outcome | Exception:
        try:
            sensor_key(sensor)
            series = self._series.get(sensor) or Series()
            new, outcome = admit(series, tuples, now)
        except TupleError as error:
            return error
        except TypeError as error:
            return TupleError(f"pairs of integers wanted: {error}")
        if new:
            self._write(sensor, new, series.imported_until)
        return outcome

    def curve(self, sensor: str, at: Ints, shortest_silence_s: int = FOREVER_S) -> Curve:
        pairs = np.array(self.raw(sensor, 0, 1 << 32), np.int64).reshape(-1, 2)
        parts = [Part(Points(pairs[:, 0], pairs[:, 1]))] if len(pairs) else ()
        return Curve(parts, at, self.terms(sensor))

    def terms(self, sensor: str) -> Terms:
        limits, corrections = self._terms.get(sensor, ((), ()))
        terms = Terms(self.rule(sensor), tuple(limits), tuple(corrections))
        return terms._replace(highest_day=lambda: self._highest_day(sensor, terms))

    def _highest_day(self, sensor: str, terms: Terms) -> float:
        pairs = np.array(self.raw(sensor, 0, 1 << 32), np.int64).reshape(-1, 2)
        points = Points(pairs[:, 0], pairs[:, 1])
        return highest_day(judge(points, terms._replace(highest_day=lambda: 0.0)))

    def limit(self, sensor: str, limit: Limit) -> None:
        limits, corrections = self._terms.get(sensor, ((), ()))
        if not (limits and limits[-1][1:] == limit[1:]) and len(limits) < LIMITS_MAX:
            self._note(sensor, [*limits, limit], corrections)

    def correct(self, sensor: str, correction: Correction) -> int:
        if sensor not in self._series:
            raise CorrectionError("there is nothing to correct")
        limits, corrections = self._terms.get(sensor, ((), ()))
        if len(corrections) >= CORRECTIONS_MAX or correction.kind not in KINDS:
            raise CorrectionError("no such correction, or too many")
        ident = 1 + max((each.ident for each in corrections), default=0)
        self._note(sensor, limits, [*corrections, correction._replace(ident=ident)])
        return ident

    def undo(self, sensor: str, ident: int) -> bool:
        limits, corrections = self._terms.get(sensor, ((), ()))
        left = [each for each in corrections if each.ident != ident]
        self._note(sensor, limits, left)
        return len(left) < len(corrections)

    def _note(self, sensor: str, limits: Sequence[Limit], corrections: Sequence[Correction]):
        with self._lock:
            self._write(sensor, limits, corrections)

    def raw(self, sensor: str, start: int, end: int) -> list[Tuple]:
        with self._lock:
            series = self._series.get(sensor) or Series()
            return [(ts, counter) for ts, counter in series.tuples() if start <= ts < end]

    def peaks(self, sensor: str) -> list[Tuple]:
        return []

    def horizons(self) -> Horizons:
        return Horizons(0, 0, 0)

    def first(self, sensor: str) -> int | None:
        return next((ts for ts, _counter in self.raw(sensor, 0, 1 << 32)), None)

    def last(self, sensor: str) -> Tuple | None:
        return max(self.raw(sensor, 0, 1 << 32), default=None)

    def forget(self, sensor: str) -> None:
        with self._lock:
            self._write(sensor, None)

    def damaged(self, sensor: str) -> list[tuple[int, int]]:
        name = sensor.encode()
        return [(0, 1 << 32)] if any(name in line for line in self._damaged) else []

    def mark_imported(self, sensor: str, until: int) -> None:
        with self._lock:
            if sensor in self._series:
                self._write(sensor, [], until)

    def imported_until(self, sensor: str) -> int:
        return self._series[sensor].imported_until if sensor in self._series else 0

    def merge(self) -> None:
        """Nothing is due: tuples stay as they came."""

    def close(self) -> None:
        self._closed = True
        self._journal.close()
