# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pulse is worth and how long a contact must stand: for the board, and in words; pure
(docs/design/protocols.md §1).
"""

from flukso import quantities

EXACT_FROM = (2, 1)  # firmware of ours that counts exactly and has holds
UNIT = 1000  # Wh in a kWh, l in a m³
NUMBER_MAX = 65535  # of the board's two numbers
PIECES_MAX = 16  # pulses that may make one Wh or l
RATE_KW = 72  # the usual highest rate; a meter for more says so
HOLD_USUAL, HOLD_MIN, HOLD_MAX = 2000, 20, 10000  # 10 µs: 20 ms, 0.2 ms, 100 ms
PERIOD_SHARE = (2, 5)  # of the shortest period, that a hold may be
HOUR_S = 3600


def exact(per_unit: int) -> "tuple | None":
    """Return (unit, pulses) for thousandths of pulses a kWh or m³: a pulse is unit / pulses Wh or
    l.

    None when the board cannot count that exactly.
    """
    unit = UNIT * 1000
    divisor = _common(unit, per_unit)
    unit, pulses = unit // divisor, per_unit // divisor
    if not per_unit or unit > NUMBER_MAX or pulses > NUMBER_MAX or pulses > PIECES_MAX * unit:
        return None
    return unit, pulses


def _common(a, b):
    while b:
        a, b = b, a % b
    return a


def nearest(step: tuple) -> int:
    """Return the constant in 1/1000 that is nearest to unit / pulses."""
    unit, pulses = step
    return (2000 * unit + pulses) // (2 * pulses)


def deviation(step: tuple) -> int:
    """Return how much more a board counts that takes the nearest constant: in 1/100 %."""
    unit, pulses = step
    return _rounded((nearest(step) * pulses - 1000 * unit) * 10000, 1000 * unit)


def _rounded(a, b):
    return (2 * a + b) // (2 * b)


def percent(hundredths: int) -> str:
    """Return for example '+0.16 %'."""
    return "{}{}.{:02d} %".format(
        "-" if hundredths < 0 else "+", abs(hundredths) // 100, abs(hundredths) % 100
    )


def hold_for(step: tuple, rate: int) -> int:
    """Return the hold, 10 µs, at a highest rate in 1/1000 kW or m³/h: 0.4 of the shortest period,
    but 20 ms at most.
    """
    unit, pulses = step
    # 1 Wh at 1 kW takes 3600 ms
    hold = unit * HOUR_S * 100 * 1000 * PERIOD_SHARE[0] // (pulses * rate * PERIOD_SHARE[1])
    return max(HOLD_MIN, min(HOLD_USUAL, hold))


def highest(step: tuple, hold: int) -> int:
    """Return the highest rate that a hold bears, in 1/1000 kW or m³/h."""
    unit, pulses = step
    return unit * HOUR_S * 100 * 1000 * PERIOD_SHARE[0] // (pulses * hold * PERIOD_SHARE[1])


def milliseconds(hold: int) -> str:
    """Return a hold of so many 10 µs in ms, without zeros at its end."""
    text = "{}.{:02d}".format(hold // 100, hold % 100)
    return text.rstrip("0").rstrip(".")


def step_of(sensor) -> tuple:
    """Return (unit, pulses) of a configured pulse sensor."""
    return sensor.exact or (1000 * sensor.constant + sensor.fraction, 1000)


def describe(sensor) -> str:
    """Return what `config check` says of a pulse sensor."""
    step = step_of(sensor)
    hold = sensor.hold or hold_for(step, RATE_KW * 1000)
    unit = "m³/h" if quantities.of(sensor.type).volume else "kW"
    words = "sensor {}: a hold of {} ms bears up to {} {}".format(
        sensor.number, milliseconds(hold), highest(step, hold) // 1000, unit
    )
    if sensor.exact and deviation(step):
        words += "; a board without exact constants (before firmware {}.{}) counts {}".format(
            *(EXACT_FROM + (percent(deviation(step)),))
        )
    return words


def noise(seen) -> str:
    """Return what is to be said of an input's too short pulses, "" when there were none."""
    if not seen.short:
        return ""
    return "input {}: {} pulses under {} ms; noise?".format(
        seen.port + 1, seen.short, milliseconds(seen.hold)
    )


def news(before, now, inputs) -> list:
    """Return sentences on what the board suffered since it was looked at before (None: never), from
    two board.Damage.
    """
    if now is None:
        return []
    said = []
    if now.falls != (before.falls if before else 0):
        words = (
            "the board's newest record was damaged and it took an older one, {} times by now; "
            "the last time {} were newer"
        )
        said.append(words.format(now.falls, now.age))
    if now.worn != (before.worn if before else 0):
        said.append("{} worn slots of the board's EEPROM are left out".format(now.worn))
    if before and before.trial_h and not now.trial_h:
        for seen in inputs:
            if seen.former != seen.count:
                words = (
                    "input {}: since power-on {} pulses were counted; the older firmware's "
                    "hold of 1 ms would have counted {}"
                )
                said.append(words.format(seen.port + 1, seen.count, seen.former))
    return said
