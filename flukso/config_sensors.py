# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections `config sensor N` of `/etc/config/flukso` -> Sensors, or what is wrong with them; pure
(docs/design/protocols.md §7).
"""

from collections import namedtuple

from flukso import options as table
from flukso import pulses
from flukso.config_reader import thousandths, value_in
from flukso.messages import clipped
from flukso.numerals import whole
from flukso.quantities import QUANTITIES, of

# what an input of the board can count
COUNTED = sorted([name for name in QUANTITIES if QUANTITIES[name].range is None])
# class: the sensors that an SPI board has for it, and their ports
CLASSES = {"analog": (1, 2, 3), "pulse": (4, 5, 6), "uart": (4, 5, 6)}
PORTS = {"analog": (1, 2, 3), "pulse": (4, 5), "uart": (6,)}
CLAMP_FACTOR = 449  # 1/1000: an analog constant is 0.449 × volts × amperes, §1
CONSTANT_MAX = 65535
# option of a pulse sensor: least and most in 1/1000, and the same in words
LIMITS = {
    "hold": (pulses.HOLD_MIN * 10, pulses.HOLD_MAX * 10, "0.2 to 100 (ms)"),
    "max_rate": (100, 1000000, "0.1 to 1000 (kW, or m³/h)"),
}

# number from 1; constant: whole part, and fraction 1/1000 of it; function is free text; exact:
# (unit, pulses) of pulses.exact, or (); hold: 10 µs, 0 for the board's own
Sensor = namedtuple(
    "Sensor",
    (
        "number",
        "enabled",
        "id",
        "type",
        "class_",
        "ports",
        "constant",
        "fraction",
        "voltage",
        "current",
        "function",
        "exact",
        "hold",
    ),
)


def sensors(reader, board) -> tuple:
    """Return the enabled sensors of a boards.Kind, by number.

    Each section of a sensor that the board has is checked, enabled or not; the Reader keeps what is
    wrong.
    """
    by_number: dict[int, Sensor] = {}
    id_holders: dict[str, int] = {}
    port_holders: dict[int, int] = {}
    for section in reader.sections:
        number = whole(section.name) if section.type == "sensor" else None
        if number is None or not 1 <= number <= board.sensors:
            continue
        if number in by_number:
            reader.fail(reader.file, section.line, "sensor {} stands here twice".format(number))
        options = _Section(reader, section, number, board)
        if options.enabled:
            options.check_enabled(id_holders, port_holders)
        by_number[number] = options.sensor()
    return tuple([by_number[number] for number in sorted(by_number) if by_number[number].enabled])


class _Section:
    """One section of a sensor: what its options say. What is wrong goes to the Reader."""

    def __init__(self, reader, section, number, board):
        self._reader = reader
        self._section = section
        self._number = number
        self._board = board
        self._options: dict = {
            name: value_in(section, name) for name in table.SENSOR if name in section.spans
        }
        self.enabled = reader.flag(self._options.get("enable"), "enable", 0)
        self._id = reader.hex32(self._options.get("id"), "id")
        kind = self._options.get("type")
        self._kind = kind if kind is not None and kind.text else None  # Value, or None
        self._type = "electricity" if self._kind is None else self._kind.text
        self._class = self._read_class()
        self._ports = self._read_ports()

    def sensor(self):
        listens = self._board.listens  # constants are its own, and it has no holds
        constant = 1000 if listens else self._constant()
        exact = () if listens else self._exact()
        if exact:
            constant = pulses.nearest(exact)
        hold = 0 if listens else self._hold(exact or (max(constant, 1), 1000))
        voltage, current, function = [
            self._options[name].text if name in self._options else ""
            for name in ("voltage", "current", "function")
        ]
        return Sensor(
            self._number,
            self.enabled,
            self._id,
            self._type,
            self._class,
            self._ports,
            constant // 1000,
            constant % 1000,
            voltage,
            current,
            function,
            exact,
            hold,
        )

    def check_enabled(self, id_holders, port_holders):
        """Report what an enabled sensor lacks, and what another one has already (id or port ->
        number).
        """
        reader, number = self._reader, self._number
        if "id" not in self._options and reader.provisioned:
            self._missing("sensor {} is enabled and has no id".format(number))
        if not self._section.lists.get("port") and "port" not in self._options:
            self._missing("sensor {} is enabled and has no port".format(number))
        if self._class != "uart" and self._type not in COUNTED:
            known = ", ".join(COUNTED)
            text = "{} is not counted; known are {}".format(clipped(self._type), known)
            reader.wrong(self._kind, "type", text)
        if self._id:
            holder = id_holders.setdefault(self._id, number)
            if holder != number:
                reader.wrong(self._options["id"], "id", "sensor {} has the same".format(holder))
        for value in self._port_values():
            port = whole(value.text)
            holder = port_holders.setdefault(port, number)
            if holder != number:
                reader.wrong(value, "port", "{} is already sensor {}'s".format(port, holder))

    def _missing(self, text):
        self._reader.missing(self._section.line, text)

    def _read_class(self):
        """Return the class, "" for none and for one that there is not."""
        value, number = self._options.get("class"), self._number
        if value is None:
            if self.enabled:
                self._missing("sensor {} is enabled and has no class".format(number))
            return ""
        if value.text not in CLASSES:
            text = "{} is none of analog, pulse, uart".format(clipped(value.text))
            self._reader.wrong(value, "class", text)
            return ""
        if self.enabled and not self._board.listens and number not in CLASSES[value.text]:
            text = "sensor {} of the board cannot be {}".format(number, value.text)
            self._reader.wrong(value, "class", text)
        return value.text

    def _port_values(self):
        values = self._section.lists.get("port", [])
        return values or (
            [self._section.options["port"]] if "port" in self._section.options else []
        )

    def _read_ports(self):
        most = self._board.sensors
        class_ = "" if self._board.listens else self._class  # its ports are of any class
        ports = []
        for value in self._port_values():
            port = whole(value.text)
            if port is None or not 1 <= port <= most:
                text = "{} is not a port from 1 to {}".format(clipped(value.text), most)
                self._reader.wrong(value, "port", text)
            elif class_ and port not in PORTS[class_]:
                text = "{} is no port of class {}".format(port, class_)
                self._reader.wrong(value, "port", text)
            else:
                ports.append(port)
        return tuple(ports)

    def _constant(self):
        """Return the meter constant in 1/1000, at most CONSTANT_MAX + 0.999; 0 when it was wrong or
        is not needed.
        """
        value = self._options.get("constant")
        if value is not None:
            constant = thousandths(value.text)
            if constant is None:
                self._reader.wrong(value, "constant", _no_number(value))
                return 0
            return self._in_range(value, constant, self.enabled)
        if self._class != "analog":
            return 1000  # 1 Wh or 1 l a pulse
        clamp = []
        for name in ("voltage", "current"):
            value = self._options.get(name)
            number = None if value is None else thousandths(value.text)
            if value is None and self.enabled:
                text = "an analog sensor needs constant, or voltage and current: no {}"
                self._missing(text.format(name))
            elif value is not None and number is None:
                self._reader.wrong(value, name, _no_number(value))
            clamp.append(number or 0)
        constant = CLAMP_FACTOR * clamp[0] * clamp[1] // 1000000
        return self._in_range(value, constant, self.enabled and 0 not in clamp)

    def _in_range(self, value, constant, needed):
        if constant >= (CONSTANT_MAX + 1) * 1000:
            text = "{} is over {}".format(constant // 1000, CONSTANT_MAX)
            self._reader.wrong(value, "constant", text)
            return 0
        if needed and not constant:
            self._reader.wrong(value, "constant", "0 counts nothing")
        return constant

    def _exact(self):
        """Return (unit, pulses) of pulses.exact when the options say how many pulses make a kWh or
        m³, else ().
        """
        own, other = "pulses_per_kwh", "pulses_per_m3"
        if of(self._type).volume:
            own, other = other, own
        if other in self._options:
            text = "a sensor of type {} has {}".format(self._type, own)
            self._reader.wrong(self._options[other], other, text)
        value = self._options.get(own)
        if value is None:
            return ()
        if self._class != "pulse":
            self._reader.wrong(value, own, "only a sensor of class pulse has it")
            return ()
        step = pulses.exact(thousandths(value.text) or 0)
        if step is None:
            text = (
                "{} cannot be counted exactly: a number up to 16000, with few decimals, is needed"
            )
            self._reader.wrong(value, own, text.format(clipped(value.text)))
        return step or ()

    def _hold(self, step):
        """Return the hold of a pulse sensor (10 µs), as the options say or as their highest rate
        allows; 0 when they say neither.
        """
        numbers = {}
        for name in ("hold", "max_rate"):
            value = self._options.get(name)
            if value is None:
                continue
            least, most, words = LIMITS[name]
            number = thousandths(value.text)
            if self._class != "pulse":
                self._reader.wrong(value, name, "only a sensor of class pulse has it")
            elif number is None or not least <= number <= most:
                text = "{} is not a number from {}".format(clipped(value.text), words)
                self._reader.wrong(value, name, text)
            else:
                numbers[name] = number
        if "hold" in numbers:
            return numbers["hold"] // 10
        return pulses.hold_for(step, numbers["max_rate"]) if "max_rate" in numbers else 0


def _no_number(value):
    return "{} is not a number".format(clipped(value.text)) if value.text else "it has no value"
