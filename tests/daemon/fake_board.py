# SPDX-License-Identifier: GPL-3.0-or-later
"""An SPI board in the test's own process, byte by byte as docs/design/protocols.md §1 says: no
sleeping, no sockets.
"""

import contextlib
import struct

from flukso.boards import BoardError


def crc8(data):
    crc = 0
    for byte in data:
        for bit in range(8):
            crc = (crc >> 1) ^ (0x8C if (crc ^ (byte >> bit)) & 1 else 0)
    return crc


class FakeBoard:
    """Answers transfers; `watts` drives the analog sensors with the clock, pulse() the others."""

    def __init__(self, clock, historic=False, hw_minor=1, software="0200"):
        self.clock = clock
        self.historic = historic
        self.software = software
        self.exact, self.hold, self.seen, self.damage_told = (
            [(0, 0)] * 6,
            [0] * 6,
            [(2000, 0, 0, 0)] * 6,
            (0, 0, 0, 0, 0),
        )
        self.hw = [2, hw_minor]
        self.map = [0, 1, 2, 3, 4, 5]
        self.enabled = [1, 1, 1, 1, 1, 1]
        self.constant = [5163, 5163, 5163, 1, 1, 1]
        self.fraction = [0] * 6
        self.counter = [0] * 6
        self.milli = [0] * 6
        self.watts = [0, 0, 0]
        self.pulse_ms = [0] * 6
        self.commits = 0
        self.asked = []
        self.power = True
        self.damage = None  # (command, bytes) -> bytes, for replies
        self.uart_in = b""
        self.uart_out = b""
        self._energy = [0.0] * 3
        self._metered = clock.monotonic()
        self._started = clock.monotonic()
        self._second = [0] * 3
        self._changed = set()
        self._mode = "idle"
        self._control = b""
        self._uart = b""
        self._out = b""

    # the world

    def pulse(self, sensor, times=1):
        for _ in range(times):
            self.milli[sensor] += self.fraction[sensor]
            self.counter[sensor] += self.constant[sensor] + self.milli[sensor] // 1000
            self.milli[sensor] %= 1000
        self.pulse_ms[sensor] = int((self.clock.monotonic() - self._started) * 1000)
        self._changed.add(sensor)

    def reset(self):
        self._started = self.clock.monotonic()
        self._mode = "idle"
        self._out = b""

    def meter(self):
        now = self.clock.monotonic()
        for index in range(3):
            self._energy[index] += self.watts[index] * (now - self._metered) / 3600
            whole = int(self._energy[index])
            self._energy[index] -= whole
            self.counter[index] = (self.counter[index] + whole) & 0xFFFFFFFF
            if self.enabled[index] and int(now - self._started) != self._second[index]:
                self._second[index] = int(now - self._started)
                self._changed.add(index)
        self._metered = now

    # the bus

    async def transfer(self, data, gap_us):
        await self.clock.sleep(len(data) * (gap_us + 16) / 1e6)
        if self.power is None:
            raise BoardError("the device is away")
        if not self.power:
            return b"\xff" * len(data)
        return bytes([self._byte(byte) for byte in data])

    def close(self):
        pass

    def _byte(self, byte):
        if self._mode == "send":
            if byte == 0:
                return self._next()
            self._mode = "idle"
        if byte == 0x6C:
            self._mode, self._control = "control", b""
        elif byte == 0x75:
            self._mode, self._uart = "uart", b""
        elif byte == 0x2E and self._mode == "control":
            self._execute(self._control.decode("latin-1"))
            self._mode = "idle"
        elif byte == 0:
            with contextlib.suppress(ValueError):
                self.uart_out += bytes.fromhex(self._uart.decode())
            self._uart = b""
            self._mode = "send"
            self._ready_at = self.clock.monotonic() + self._busy_s
            self._out = None
        elif self._mode == "control":
            self._control += bytes([byte])
        elif self._mode == "uart":
            self._uart += bytes([byte])
        return 0

    _busy_s = 0.0

    def _next(self):
        """Return one byte: 0 for the second zero, then the reply, its terminator and one last 0."""
        if self._out is None:
            self._out = b""
            return 0
        if not self._out:
            self._out = self._compose() + b"\0\0"
        byte, self._out = self._out[0], self._out[1:]
        if not self._out:
            self._mode = "idle"
        return byte

    def _compose(self):
        uart = b"u" + self.uart_in.hex().encode()
        self.uart_in = b""
        if not self._control_reply:
            return b"l" + uart
        text = self._control_reply.encode()
        self._control_reply = ""
        crc = b"%02x" % crc8(text)
        if self.clock.monotonic() < self._ready_at:
            crc = b"%02x" % (crc8(text) ^ 1)  # read too early: the CRC is computed last
        wire = b"l" + text + crc + b"." + uart
        return self.damage(text[:2].decode(), wire) if self.damage else wire

    _control_reply = ""
    _ready_at = 0.0

    # commands

    def _execute(self, text):
        self.meter()
        body, crc = text[:-2], text[-2:]
        if crc != "%02x" % crc8(body.encode("latin-1")):
            self._control_reply = "zz"
            return
        self.asked.append(body)
        self._busy_s = (
            {"gd": 0.024, "ct": 0.5}.get(body[:2], 0.002)
            if self.historic
            else {"ct": 0.3}.get(body[:2], 0.01)
        )
        try:
            self._control_reply = self._answer(body[:2], bytes.fromhex(body[2:]))
        except (ValueError, IndexError, struct.error):
            self._control_reply = "zy"

    def _answer(self, name, raw):
        per_sensor = {
            "e": ("enabled", ">B"),
            "c": ("counter", ">I"),
            "m": ("constant", ">H"),
            "f": ("fraction", ">H"),
        }
        if name[1] in per_sensor and name[0] in "gs":
            values, form = getattr(self, per_sensor[name[1]][0]), per_sensor[name[1]][1]
            if name[0] == "s":
                values[raw[0]] = struct.unpack(form, raw[1:])[0]
            return name + "%02x" % raw[0] + struct.pack(form, values[raw[0]]).hex()
        if name in ("gp", "sp"):
            self.map = list(raw) if raw else self.map
            return name + bytes(self.map).hex()
        if name in ("gh", "sh"):
            self.hw = [raw[1], raw[2]] if raw else self.hw
            return name + "%04x%02x" % tuple(self.hw)
        if self.software >= "0201" and name[1] in "noxv":
            return name + self._pulses(name, raw)
        if name == "gd":
            return "gd" + self._deltas()
        if name == "ct":
            self.commits += 1
        return name + {
            "gs": "0100" if self.historic else self.software,
            "gw": "0000",
            "gb": "0000",
        }.get(name, "")

    def _pulses(self, name, raw):
        if name == "gv":
            return struct.pack(">HBBBB", *self.damage_told).hex()
        index, form, values = (
            raw[0],
            {"n": ">HH", "o": ">H", "x": ">HHHH"}[name[1]],
            {"n": self.exact, "o": self.hold, "x": self.seen}[name[1]],
        )
        if name[0] == "s":
            values[index] = (
                struct.unpack(form, raw[1:]) if name[1] == "n" else struct.unpack(form, raw[1:])[0]
            )
        value = values[index] if isinstance(values[index], tuple) else (values[index],)
        return "%02x" % index + struct.pack(form, *value).hex()

    def _deltas(self):
        text = ""
        for index in sorted(self._changed):
            extra = self.watts[index] if index < 3 else self.pulse_ms[index]
            milli = "" if self.hw[1] == 0 else "%04x" % (self.milli[index] if index > 2 else 0)
            text += "%02x%08x%s%08x" % (index, self.counter[index], milli, extra & 0xFFFFFFFF)
        self._changed.clear()
        return text
