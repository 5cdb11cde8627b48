# SPDX-License-Identifier: GPL-3.0-or-later
"""What is doubted of the caller's series, and what its owner says of it."""

import time

from django.http import HttpRequest
from ninja import Path, Query, Router
from ninja.errors import HttpError

from flukso_server.api.permissions import own_sensor, readable_sensor
from flukso_server.api.schemas import CorrectionIn, CorrectionOut, DoubtOut, Error, HexId, UInt32
from flukso_server.devices import corrections
from flukso_server.project.stores import store
from flukso_server.series.localtime import DAY_S
from flukso_server.series.quantities import of_resource
from flukso_server.series.reading import doubts
from flukso_server.series.store import CorrectionError
from flukso_server.series.terms import Correction

router = Router()
ERRORS = {401: Error, 403: Error, 404: Error, 422: Error}


@router.get("sensors/{sensor}/doubts", response={200: list[DoubtOut]} | ERRORS)
def read_doubts(
    request: HttpRequest,
    sensor: Path[HexId],
    start: Query[UInt32 | None] = None,
    end: Query[UInt32 | None] = None,
):
    """What is set aside or not counted and why, the newest first: at most 100, of the UTC days of
    at most 400 days.
    """
    found = readable_sensor(request, sensor)
    until = int(time.time()) if end is None else end
    since = max(until - corrections.DAYS_BACK * DAY_S, 0) if start is None else start
    if not since <= until <= since + corrections.DAYS_BACK * DAY_S:
        raise HttpError(422, "start to end is at most 400 days")
    unit = of_resource(found.type).total or ""
    return [
        each._asdict() | {"why": corrections.reason(each, unit)}
        for each in doubts(store(), found.pk, since, until)
    ]


@router.get("sensors/{sensor}/corrections", response={200: list[CorrectionOut]} | ERRORS)
def read_corrections(request: HttpRequest, sensor: Path[HexId]):
    """What you said of this sensor's history, the newest first."""
    return [_out(each) for each in corrections.of_sensor(readable_sensor(request, sensor))]


@router.post("sensors/{sensor}/corrections", response={201: CorrectionOut} | ERRORS)
def add_correction(request: HttpRequest, sensor: Path[HexId], wish: CorrectionIn):
    """Put history right: `exclude` a stretch, `replaced` (from start on another meter counts),
    `accept` (what rises from start to end is true), `level` (the meter itself said value). No tuple
    is erased. At most 100 a sensor.
    """
    row = own_sensor(request, sensor)
    end = wish.start if wish.end is None else wish.end
    try:
        ident = corrections.correct(row, Correction(wish.kind, wish.start, end, wish.value or 0))
    except CorrectionError as error:
        raise HttpError(422, str(error)) from error
    noted = store().terms(row.pk).corrections
    return 201, next(_out(each) for each in noted if each.ident == ident)


@router.delete("sensors/{sensor}/corrections/{ident}", response={204: None} | ERRORS)
def undo_correction(request: HttpRequest, sensor: Path[HexId], ident: Path[UInt32]):
    """Undo a correction."""
    if not corrections.undo(own_sensor(request, sensor), ident):
        raise HttpError(404, "no such correction")
    return 204, None


def _out(correction: Correction) -> dict:
    return correction._asdict() | {"id": correction.ident}
