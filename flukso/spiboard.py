# SPDX-License-Identifier: GPL-3.0-or-later
"""One SPI board behind a bus: runs the dialogues of spi.py, reads counters and deltas, brings
settings in line.
"""

from collections import namedtuple

from flukso import pulses, spi

HISTORIC_MAJORS = (0, 1, 255)
FRACTION_MINOR = 1  # hardware 2.0 has no fractions

# deltas: a tuple of spi.Delta; whole: False when a reply was damaged and only `counters` can be
# believed
Poll = namedtuple("Poll", ("deltas", "counters", "whole"))
Identity = namedtuple("Identity", ("hw_major", "hw_minor", "sw_major", "sw_minor", "historic"))


# what a pulse input has seen since the board's power-on, numbers modulo 65536: hold in force, 10
# µs; pulses counted, those that 1 ms of hold would have counted, and those that were too short
Input = namedtuple("Input", ("port", "hold", "count", "former", "short"))
# starts that took an older record than the newest, by how many at the last one, worn slots, hours
# for which `former` is still compared
Damage = namedtuple("Damage", ("falls", "age", "worn", "trial_h"))
PULSE_PORTS, PULSE_SENSORS = (3, 4), (3, 4, 5)  # from 0
SHORT_FORM, LONG_FORM = 18, 22  # digits of a delta


class SpiBoard:
    """The board's side of the daemon. Every call may raise SpiError (no answer to believe) or
    BusError (no way to the board).
    """

    keeps_settings = True  # it can lose them, and be given them again

    def __init__(self, bus, clock):
        self._bus = bus
        self._clock = clock
        self.identity = None
        self.faults = 0  # replies that were damaged or missing
        self.inputs: tuple = ()  # of Input and
        self.damage = None  # Damage, as they were looked at last; only firmware of ours tells
        self.polls = 0
        self.uart_in = (
            bytearray()
        )  # bytes that the board's UART received, bounded by who takes them

    @property
    def historic(self):
        """Whether the board must be given the historic board's time; until it is known, yes."""
        return self.identity is None or self.identity.historic

    @property
    def exact(self):
        """Whether the board counts pulses exactly, has holds, and tells of damage."""
        known = self.identity
        return (
            known is not None
            and not known.historic
            and (known.sw_major, known.sw_minor) >= pulses.EXACT_FROM
        )

    @property
    def fractions(self):
        """Whether the board takes constants in 1/1000; until it is known, no."""
        known = self.identity
        return known is not None and (not known.historic or known.hw_minor >= FRACTION_MINOR)

    async def look(self):
        """Ask what the pulse inputs have seen and what the EEPROM suffered; nothing of a board that
        cannot tell.
        """
        if not self.exact:
            self.inputs, self.damage = (), None
            return
        found = []
        for port in PULSE_PORTS:
            found.append(Input(*(await self.ask("gx", port))))
        self.inputs = tuple(found)
        falls, age, full, brief, trial_h = await self.ask("gv")
        self.damage = Damage(falls, age, _ones(full) + _ones(brief), trial_h)

    async def _run(self, steps):
        """Drive a dialogue to its end and return its Reply."""
        answer = None
        try:
            while True:
                what, value = steps.send(answer)
                answer = None
                if what == "transfer":
                    answer = await self._bus.transfer(value, spi.GAP_US)
                elif what == "sleep":
                    await self._clock.sleep(value)
                else:
                    self.faults += 1
        except StopIteration as end:
            return self._received(end.value)

    def _received(self, reply):
        if reply.uart:
            self.uart_in.extend(reply.uart)
            self.uart_in[: -spi.UART_MAX] = b""
        return reply

    async def ask(self, command: str, *values: int) -> tuple:
        """Return the values that the board answers; asked again after damage."""
        return (await self._run(spi.dialogue(command, values, self.historic))).values

    async def identify(self) -> Identity:
        """Ask who the board is; from then on it is treated as what it is."""
        self.identity = None
        software = await self.ask("gs")
        hardware = await self.ask("gh")
        self.identity = Identity(
            hardware[0], hardware[1], software[0], software[1], software[0] in HISTORIC_MAJORS
        )
        return self.identity

    async def forward(self, uart: bytes):
        """Send bytes to the board's UART; what it received is added to uart_in."""
        await self._run(spi.forward(uart, self.historic))

    def describe(self) -> str:
        """Return who the board is, in words."""
        known = self.identity
        if known is None:
            return "unknown"
        words = "hardware {}.{}, firmware {}.{}".format(
            known.hw_major, known.hw_minor, known.sw_major, known.sw_minor
        )
        return words + (" (historic)" if known.historic else "")

    def close(self):
        self._bus.close()

    async def counter(self, sensor: int) -> int:
        return (await self.ask("gc", sensor))[1]

    async def poll(self, sensors: "list[int]", uart: bytes = b"") -> Poll:
        """Ask for the changes since the last poll. When the reply is damaged, ask the counter of
        each of these sensors (0 to 5) instead.

        `uart` are bytes for the board's UART, at most spi.UART_SEND_MAX.
        """
        self.polls += 1
        try:
            reply = await self._run(spi.exchange("gd", (), self.historic, uart))
            return Poll(reply.values, (), True)
        except spi.SpiError:
            self.faults += 1
        return Poll((), await self.counters(sensors), False)

    async def counters(self, sensors: "list[int]") -> tuple:
        """Return (sensor, counter) of each of these sensors."""
        found = []
        for sensor in sensors:
            found.append((sensor, await self.counter(sensor)))
        return tuple(found)

    async def sync(self, settings) -> "list[str]":
        """Bring the board's settings in line and return what was changed, in words; it is committed
        once when anything was.
        """
        identity = self.identity or await self.identify()
        changes = []
        hardware = (
            settings.hw_major,
            identity.hw_minor if settings.hw_minor is None else settings.hw_minor,
        )
        if hardware != (identity.hw_major, identity.hw_minor):
            await self.ask("sh", *hardware)
            changes.append("hardware {}.{}".format(*hardware))
            self.identity = identity = Identity(*(hardware + tuple(identity[2:])))
        ports = port_map(settings.sensors)
        if await self.ask("gp") != ports:
            await self.ask("sp", *ports)
            changes.append(
                "port map {}".format(
                    " ".join(["-" if port == spi.UNUSED else str(port + 1) for port in ports])
                )
            )
        by_index = {sensor.number - 1: sensor for sensor in settings.sensors}
        for index in range(spi.SENSORS):
            await self._sync_sensor(index, by_index.get(index), changes)
        if self.exact:
            await self._sync_pulses(by_index, ports, changes)
        if changes:
            await self.ask("ct")
        return changes

    async def _sync_pulses(self, by_index, ports, changes):
        """Constants and holds; after the constants, which end what was exact."""
        for index in PULSE_SENSORS:
            sensor = by_index.get(index)
            step = tuple(sensor.exact or (0, 0)) if sensor else (0, 0)
            if (await self.ask("gn", index))[1:] != step:
                await self.ask("sn", index, *step)
                changes.append(
                    "sensor {} {}".format(
                        index + 1, "{}/{} a pulse".format(*step) if step[1] else "not exact"
                    )
                )
        for port in PULSE_PORTS:
            sensor = by_index.get(ports[port])
            hold = sensor.hold if sensor else 0
            if (await self.ask("go", port))[1] != hold:
                await self.ask("so", port, hold)
                changes.append(
                    "port {} hold {}".format(
                        port + 1, pulses.milliseconds(hold) + " ms" if hold else "by constant"
                    )
                )

    async def _sync_sensor(self, index, sensor, changes):
        wanted = [("e", 1 if sensor else 0, "enabled")]
        if sensor:
            wanted.insert(0, ("m", sensor.constant, "constant"))
            if self.fractions:
                wanted.insert(1, ("f", sensor.fraction, "fraction"))
        for letter, value, name in wanted:
            if (await self.ask("g" + letter, index))[1] != value:
                await self.ask("s" + letter, index, value)
                changes.append("sensor {} {} {}".format(index + 1, name, value))

    async def reset_counters(self):
        """Set all counters to 0, lastingly."""
        for sensor in range(spi.SENSORS):
            await self.ask("sc", sensor, 0)
        await self.ask("ct")


def _ones(bits):
    return sum([bits >> at & 1 for at in range(8)])


def port_map(sensors) -> tuple:
    """Return the board's port map: for each port its sensor's index, spi.UNUSED where it has none."""
    ports = [spi.UNUSED] * spi.SENSORS
    for sensor in sensors:
        for port in sensor.ports:
            ports[port - 1] = sensor.number - 1
    return tuple(ports)
