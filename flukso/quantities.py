# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sensor's `type` counts, and how the daemon shows it: all that it must know of a quantity
(docs/design/protocols.md §5, §7). The platform has a table of its own; a test holds them together.
"""

from collections import namedtuple

WATT, LPERDAY = "watt", "lperday"

# counter: its unit; unit: of the LAN API; symbol: the same for people; volume: pulses are told by
# m³, not by kWh; metrics: of /metrics, (gauge, its help, counter, its help); range: of a held
# counter (K·s, %·s), which always runs: (least, most a second, that is 0 in the unit), else None
# A held counter's rate is kept in tenths of its unit.
Quantity = namedtuple("Quantity", ("counter", "unit", "symbol", "volume", "metrics", "range"))

ENERGY = (
    "power_watts",
    "newest power",
    "energy_watthours_total",
    "the board's counter, modulo 2^32",
)
VOLUME = (
    "flow_litres_per_day",
    "newest flow",
    "volume_litres_total",
    "the board's counter, modulo 2^32",
)
WARMTH = (
    "temperature_celsius",
    "newest temperature",
    "temperature_kelvin_seconds_total",
    "the counter, modulo 2^32",
)
MOISTURE = (
    "humidity_percent",
    "newest relative humidity",
    "humidity_percent_seconds_total",
    "the counter, modulo 2^32",
)
POWER = Quantity("Wh", WATT, "W", False, ENERGY, None)
FLOW = Quantity("l", LPERDAY, "l/day", True, VOLUME, None)
QUANTITIES = {
    "electricity": POWER,
    "heating": POWER,
    "water": FLOW,
    "gas": FLOW,
    "temperature": Quantity("K·s", "celsius", "°C", False, WARMTH, (213.15, 393.15, 273.15)),
    "humidity": Quantity("%·s", "percent", "%", False, MOISTURE, (0, 100, 0)),
}


def of(type_: str) -> Quantity:
    """Return the quantity of a sensor's type; what is unknown is taken for electricity."""
    return QUANTITIES.get(type_, POWER)


def shown(rate: int, quantity: Quantity):
    """Return a rate as it is told: whole, or for a held counter with one decimal."""
    return rate if quantity.range is None else rate / 10
