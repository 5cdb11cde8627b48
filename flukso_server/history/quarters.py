# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the volumes of Flemish smart meters as their owners download them; pure.

The heading is Dutch: `Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;
Metertype;Register;Volume;Eenheid;Validatiestatus;Omschrijving`, in this or another order. A line is
the volume of one register (`Afname Dag`, `Injectie Nacht`) in a quarter of an hour, an hour or a
day, in local time: `02-09-2025;00:00:00;02-09-2025;00:15:00;="5414…";…;Afname Nacht;0,065;kWh;…`.
"""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from flukso_server.history import cells, faults
from flukso_server.history.faults import Fault, LineError

ZONE = ZoneInfo("Europe/Brussels")  # the meters are there, wherever their owner is now
FROM_DAY, FROM_TIME, TO_DAY, TO_TIME = (
    "van (datum)",
    "van (tijdstip)",
    "tot (datum)",
    "tot (tijdstip)",
)
REGISTERS = ("register", "registratie")
VOLUME, UNIT = "volume", "eenheid"
TAKEN, GIVEN = "afname", "injectie"  # how the registers of both directions begin
FACTORS = {"kwh": 1000, "wh": 1, "m³": 1000, "m3": 1000}  # Wh, or litres
SPAN_MAX_S = 25 * 3600  # the longest day


class Volume(NamedTuple):
    """What one register counted from `start` to `end` (unix s), in Wh or litres."""

    start: int
    end: int
    amount: float


def columns(line: str) -> dict[str, int] | None:
    """Return the places of the columns by their names, None if the line is no such heading."""
    names = [name.lower() for name in cells.split(line, ";")]
    wanted = {FROM_DAY, FROM_TIME, TO_DAY, TO_TIME, VOLUME, UNIT}
    register = next((name for name in REGISTERS if name in names), None)
    if not wanted <= set(names) or register is None:
        return None
    return {name: names.index(name) for name in wanted} | {REGISTERS[0]: names.index(register)}


def counted(
    lines: list[tuple[int, str]], places: dict[str, int], given: bool
) -> tuple[list[tuple[int, int]], list[Fault]]:
    """Return the tuples of a counter from 0 on, and the lines that are not taken.

    given: what was fed into the grid is wanted, else what was taken from it. Registers of day and
    night are added up.
    """
    refused: list[Fault] = []
    volumes: dict[tuple[int, int], float] = {}
    last: dict[str, int] = {}  # start of each register's line before: which hour comes twice
    for number, line in lines:
        try:
            volume = _volume(line, places, GIVEN if given else TAKEN, last)
        except LineError as error:
            refused.append(Fault(number, error.why, error.values))
            continue
        span = volume[:2]
        volumes[span] = volumes.get(span, 0.0) + volume.amount
    return _summed(volumes), refused


def _volume(line: str, places: dict[str, int], wanted: str, last: dict[str, int]) -> Volume:
    fields = cells.split(line, ";")
    if len(fields) <= max(places.values()):
        raise LineError(faults.CELLS)
    cell = {name: fields[place] for name, place in places.items()}
    register, unit = cell[REGISTERS[0]], cell[UNIT].lower()
    if not register.lower().startswith(wanted):
        raise LineError(faults.REGISTER, text=register[:40])
    if unit not in FACTORS:
        raise LineError(faults.UNIT, text=unit[:20])
    start = cells.time(f"{cell[FROM_DAY]} {cell[FROM_TIME]}", ZONE, last.get(register))
    end = cells.time(f"{cell[TO_DAY]} {cell[TO_TIME]}", ZONE, start)
    last[register] = start
    if not start < end <= start + SPAN_MAX_S:
        raise LineError(faults.SPAN)
    amount = cells.decimal(cell[VOLUME]) if cell[VOLUME] else None
    if amount is None or amount < 0:
        raise LineError(faults.VOLUME)
    return Volume(start, end, amount * FACTORS[unit])


def _summed(volumes: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    """Add the volumes up; the counter stands, without a tuple, where one is missing."""
    tuples: list[tuple[int, int]] = []
    total = 0.0
    for (start, end), amount in sorted(volumes.items()):
        if tuples and start < tuples[-1][0]:
            continue  # a day's total beside its quarter hours
        if not tuples or tuples[-1][0] < start:
            tuples.append((start, round(total)))
        total += amount
        tuples.append((end, round(total)))
    return tuples
