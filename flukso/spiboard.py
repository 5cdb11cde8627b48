# SPDX-License-Identifier: GPL-3.0-or-later
"""The SPI board behind a bus: runs the dialogues of spi.py, brings the settings in line."""

from flukso import pulses, spi
from flukso.boards import (
    DAMAGED,
    REFUSED,
    Board,
    BoardError,
    Damage,
    Identity,
    Input,
    Poll,
)

HISTORIC_MAJORS = (0, 1, 255)
FRACTION_MINOR = 1  # hardware 2.0 has no fractions
PULSE_PORTS, PULSE_SENSORS = (3, 4), (3, 4, 5)  # from 0
SHORT_FORM, LONG_FORM = 18, 22  # digits of a delta


class SpiBoard(Board):
    """A board of generation 2, which is asked. Its bus has transfer() and close() (ports)."""

    listens = False

    def __init__(self, bus, clock):
        super().__init__()
        self._bus = bus
        self._clock = clock

    @property
    def historic(self):
        """Whether the board must be given the historic board's time; until it is known, yes."""
        return self.identity is None or self.identity.historic

    @property
    def exact(self):  # type: ignore[override]
        """Return whether the firmware is ours from 2.1 on; until it is known, no."""
        known = self.identity
        return (
            known is not None
            and not known.historic
            and (known.sw_major, known.sw_minor) >= pulses.EXACT_FROM
        )

    @property
    def fractions(self):  # type: ignore[override]
        """Whether the board takes constants in 1/1000; until it is known, no."""
        known = self.identity
        return known is not None and (not known.historic or known.hw_minor >= FRACTION_MINOR)

    async def look(self):
        if not self.exact:
            self.inputs, self.damage = (), None
            return
        inputs = []
        for port in PULSE_PORTS:
            inputs.append(Input(*(await self.ask("gx", port))))
        self.inputs = tuple(inputs)
        falls, age, full, brief, trial_h = await self.ask("gv")
        self.damage = Damage(falls, age, _ones(full) + _ones(brief), trial_h)

    async def _run(self, steps):
        """Drive a dialogue to its end and return its Reply. Raises BoardError."""
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
            return self._keep_uart(end.value)
        except spi.SpiError as error:
            raise BoardError(str(error), REFUSED if error.refused else DAMAGED)

    def _keep_uart(self, reply):
        if reply.uart:
            self.uart_in.extend(reply.uart)
            self.uart_in[: -spi.UART_MAX] = b""
        return reply

    async def ask(self, command: str, *values: int) -> tuple:
        """Return the values that the board answers to a command of spi.COMMANDS.

        Asks again after damage. Raises BoardError.
        """
        return (await self._run(spi.dialogue(command, values, self.historic))).values

    async def identify(self) -> Identity:
        self.identity = None
        software = await self.ask("gs")
        hardware = await self.ask("gh")
        self.identity = Identity(
            hardware[0], hardware[1], software[0], software[1], software[0] in HISTORIC_MAJORS
        )
        return self.identity

    async def forward(self, uart: bytes):
        await self._run(spi.forward(uart, self.historic))

    def describe(self) -> str:
        known = self.identity
        if known is None:
            return "unknown"
        words = "hardware {}.{}, firmware {}.{}".format(
            known.hw_major, known.hw_minor, known.sw_major, known.sw_minor
        )
        return words + (" (historic)" if known.historic else "")

    def close(self):
        self._bus.close()

    async def poll(self, sensors: "list[int]", uart: bytes = b"") -> Poll:
        """Ask for the changes since the last poll; after a damaged reply, for each counter instead.

        `uart` has at most spi.UART_SEND_MAX bytes.
        """
        self.polls += 1
        try:
            reply = await self._run(spi.exchange("gd", (), self.historic, uart))
            return Poll(reply.values, (), True)
        except BoardError as error:
            if error.kind not in (DAMAGED, REFUSED):
                raise
            self.faults += 1
        return Poll((), await self.counters(sensors), False)

    async def counters(self, sensors: "list[int]") -> tuple:
        pairs = []
        for sensor in sensors:
            pairs.append((sensor, (await self.ask("gc", sensor))[1]))
        return tuple(pairs)

    async def sync(self, settings) -> "list[str]":
        """Set what differs, committed once; return what was changed, in words."""
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
        """Set exact constants and holds, after the plain constants, which end what was exact."""
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
        for sensor in range(spi.SENSORS):
            await self.ask("sc", sensor, 0)
        await self.ask("ct")


def _ones(bits):
    return sum([bits >> at & 1 for at in range(8)])


def port_map(sensors) -> tuple:
    """Return the board's port map: each port's sensor from 0, spi.UNUSED where there is none."""
    ports = [spi.UNUSED] * spi.SENSORS
    for sensor in sensors:
        for port in sensor.ports:
            ports[port - 1] = sensor.number - 1
    return tuple(ports)
