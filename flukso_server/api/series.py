# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's series as JSON and CSV."""

import csv
import math
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Path, Query, Router, Schema
from ninja.errors import HttpError

from flukso_server import history
from flukso_server.accounts.prices import own, spans_of
from flukso_server.api.permissions import own_sensor, readable_sensor
from flukso_server.api.schemas import Error, HexId, Rows, Taken, UInt32
from flukso_server.devices.models import Sensor
from flukso_server.history.storing import TUPLES_MAX, ends, store_tuples
from flukso_server.project.stores import store
from flukso_server.series import query
from flukso_server.series.ladder import grain_s
from flukso_server.series.localtime import DAY_S
from flukso_server.series.quantities import UNITS, of
from flukso_server.series.units import default

router = Router()
# for the description
CSV = {"responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}}
ERRORS = {401: Error, 403: Error, 404: Error, 422: Error}
DIGITS = 12  # decimals that a value is read with
# from there on a value is whole; below it has three digits that tell: a tap that drips is 0.000417
# l/min
WHOLE = 100
Resolution = Literal["minute", "15min", "hour", "day", "week", "month", "year"]
Unit = Literal[tuple(UNITS)]  # type: ignore[valid-type] # the table has them


class Wanted(Schema):
    """Of which time, how finely, in which unit."""

    start: UInt32 | None = None
    end: UInt32 | None = None
    resolution: Resolution | None = None
    unit: Unit | None = None  # type: ignore[valid-type]


def _values(request, sensor, asked: Wanted):
    found = readable_sensor(request, sensor)
    account = request.auth.account
    now = int(time.time())
    try:
        start = now - DAY_S if asked.start is None else asked.start
        unit = asked.unit or default(found.type).name
        wish = query.Wish(None, start, asked.end, asked.resolution, unit)
        wanted = query.parse(now, wish, own(spans_of(account)), found.type)
        wanted = wanted._replace(digits=DIGITS)
    except query.QueryError as error:
        raise HttpError(422, str(error)) from error
    wanted = query.no_finer(wanted, grain_s(wanted.start, store().horizons()))
    rows = query.series(store(), found.pk, wanted, now, ZoneInfo(account.time_zone))
    quantity = of(found.type)
    decimals = None if quantity is None else quantity.decimals
    values = [
        (ts, _rounded(value, decimals))
        for ts, value in zip(rows.ends, rows.values.tolist(), strict=True)
    ]
    return unit, wanted, values


def _rounded(value: float, decimals: int | None = None) -> float | None:
    """None for nan. Without `decimals` it has three digits that tell."""
    if math.isnan(value):
        return None
    if decimals is not None:
        return round(value, decimals) + 0.0  # never -0.0
    if abs(value) >= WHOLE:
        return math.floor(value + 0.5)
    return float(f"{value:.3g}") + 0.0  # never -0.0


@router.get("sensors/{sensor}/series", response={200: Rows} | ERRORS)
def read_series(request: HttpRequest, sensor: Path[HexId], asked: Query[Wanted]):
    """Means of each bucket, by its end, UTC; the last day without `start`. Too many rows come at a
    coarser resolution, old ones at that at which they are kept; money is of electricity alone, and
    temperature (`celsius`) and humidity (`percent`) have units of their own, with three decimals.
    """
    unit, wanted, rows = _values(request, sensor, asked)
    return {"unit": unit, "step_s": wanted.step_s, "rows": rows}


@router.get("sensors/{sensor}/series.csv", response={200: str} | ERRORS, openapi_extra=CSV)
def read_series_csv(request: HttpRequest, sensor: Path[HexId], asked: Query[Wanted]):
    """The same as CSV: `time,value`, the value empty where it is unknown."""
    unit, _, rows = _values(request, sensor, asked)
    answer = _csv(sensor)
    csv.writer(answer).writerows([("time", unit), *((ts, _plain(value)) for ts, value in rows)])
    return answer


def _plain(value: float | None) -> str:
    """Without an exponent or needless zeros; empty for what is unknown."""
    text = "" if value is None else format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@router.get("sensors/{sensor}/tuples.csv", response={200: str} | ERRORS, openapi_extra=CSV)
def read_tuples(
    request: HttpRequest, sensor: Path[HexId], start: Query[UInt32], end: Query[UInt32]
):
    """What is kept, `time,counter`, of at most 62 days: each tuple sent while minutes are kept,
    coarser ones before.
    """
    found = readable_sensor(request, sensor)
    if not start <= end <= start + 62 * 86_400:
        raise HttpError(422, "start to end is at most 62 days")
    return StreamingHttpResponse(_days(found.pk, start, end), **_csv_head(sensor))


def _days(sensor: str, start: int, end: int) -> Iterator[str]:
    """Lines of a day at a time: so many are in memory, however dense the tuples are."""
    yield "time,counter\r\n"
    for begin in range(start, end, DAY_S):
        lines = [
            f"{ts},{counter}\r\n"
            for ts, counter in store().raw(sensor, begin, min(begin + DAY_S, end))
        ]
        if lines:
            yield "".join(lines)


@router.post("sensors/{sensor}/tuples.csv", response={200: Taken} | ERRORS)
def import_tuples(request: HttpRequest, sensor: Path[HexId]):
    """Add tuples from lines `time,counter`, as spreadsheets save them: with `;`, tabs or blanks,
    decimal commas, a byte order mark, a heading; times in unix seconds, ISO 8601 or
    day-month-year, of your time zone where they name none. A line that cannot be read is named, and
    nothing is stored then. What is stored already stays as it is. Powers in W (`nan` for what is
    unknown) and the quarter hours of a Flemish smart meter as downloaded become a counter: `form`
    says which; lines of other registers and of unknown values are left out, with their `reasons`.
    """
    row = own_sensor(request, sensor)
    found = _parse(request, row)
    tuples, inside = history.rebased(found, *ends(row.pk))
    if len(tuples) > TUPLES_MAX:
        raise HttpError(422, f"at most {TUPLES_MAX} lines")
    return store_tuples(row.pk, tuples) | {
        "form": found.form,
        "left_out": len(found.faults) + inside,
        "reasons": sorted({str(fault) for fault in found.faults})[: history.FAULTS_TOLD],
    }


def _parse(request: HttpRequest, row: Sensor) -> history.History:
    zone = ZoneInfo(request.auth.account.time_zone)
    found = history.read(request.body, history.Wish(zone, given=row.role == Sensor.Role.EXPORT))
    if found.faults and not (found.relative and found.tuples):
        raise HttpError(422, "nothing is stored: " + history.describe(found.faults))
    return found


def _csv(sensor: str) -> HttpResponse:
    return HttpResponse(**_csv_head(sensor))


def _csv_head(sensor: str) -> dict:
    return {
        "content_type": "text/csv; charset=utf-8",
        "headers": {"Content-Disposition": f'attachment; filename="{sensor}.csv"'},
    }
