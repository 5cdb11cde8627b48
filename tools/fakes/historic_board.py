# SPDX-License-Identifier: GPL-3.0-or-later
"""The historic sensor board, byte by byte, with its weaknesses (docs/design/protocols.md §1); time
comes from outside.

What it does badly on purpose: change flags are cleared when `gd` is begun; the CRC of a reply is
computed last, so that a reader who is early gets one that is always wrong; unknown commands echo
their letters; missing arguments are not noticed; 32 bytes in, 128 out.
"""

from tools.harness.bus import crc8

SENSORS = 6
ANALOG = 3
IN_LIMIT, OUT_LIMIT = 32, 128  # bytes
GD_ENTRY_US = 4800  # 24 ms with five changed
PLAIN_US = 2000  # any other command, and an empty gd
COMMIT_US = 130_000  # `ct`; energy and pulses of this time are lost
WS_PER_WH = 3600
WIDTHS = {
    "h": (4, 2),
    "s": (2, 2),
    "e": (2, 2),
    "p": (2,) * 6,
    "c": (2, 8),
    "m": (2, 4),
    "f": (2, 4),
    "w": (4,),
    "b": (4,),
}


class HistoricBoard:
    """digits: 18 (hardware 2.0) or 22 (2.1) a delta entry."""

    def __init__(self, digits: int = 22):
        self.digits = digits
        self.now_us = 0
        self.watt = [0.0] * ANALOG
        self.values = {
            "h": [2, 0 if digits == 18 else 1],
            "s": [1, 0],
            "p": [0, 1, 2, 3, 4, 5],
            "w": [0],
            "b": [0],
        }
        self.enabled, self.constant, self.fraction = [0] * SENSORS, [0] * SENSORS, [0] * SENSORS
        self.counter, self.milli, self.extra = [0] * SENSORS, [0] * SENSORS, [0] * SENSORS
        self.commits = self.wrong_replies = 0
        self._changed = [False] * SENSORS
        self._energy_uws = [0] * ANALOG  # remainder below one Wh, µW·s
        self._pulses: list[tuple[int, int]] = []  # (µs, sensor), rising
        self._next_second_us = 1_000_000
        self._deaf_until_us = 0
        self._saved = self._snapshot()
        self._listen()

    # time

    def advance(self, now_us: int) -> None:
        """Count what happened until then."""
        while self.now_us < now_us:
            step_us = min(now_us, self._next_second_us)
            if self.now_us < self._deaf_until_us:
                step_us = min(step_us, self._deaf_until_us)
            elif self._pulses:
                step_us = min(step_us, max(self._pulses[0][0], self.now_us + 1))
            if self.now_us >= self._deaf_until_us:
                self._flow(step_us - self.now_us)
            self.now_us = step_us
            self._take_pulses()
            if step_us == self._next_second_us:
                self._second()

    def _flow(self, span_us: int) -> None:
        for sensor in range(ANALOG):
            if self.enabled[sensor]:
                self._energy_uws[sensor] += int(self.watt[sensor] * span_us)
                whole, self._energy_uws[sensor] = divmod(
                    self._energy_uws[sensor], WS_PER_WH * 1_000_000
                )
                self.counter[sensor] = (self.counter[sensor] + whole) % 2**32

    def _second(self) -> None:
        self._next_second_us += 1_000_000
        for sensor in range(ANALOG):
            if self.enabled[sensor]:
                self.extra[sensor] = int(self.watt[sensor])
                self._changed[sensor] = True

    def pulse(self, sensor: int, count: int, period_us: int) -> None:
        begin_us = max([self.now_us, *[when for when, who in self._pulses if who == sensor]])
        self._pulses = sorted(
            self._pulses + [(begin_us + (n + 1) * period_us, sensor) for n in range(count)]
        )

    def _take_pulses(self) -> None:
        while self._pulses and self._pulses[0][0] <= self.now_us:
            when_us, sensor = self._pulses.pop(0)
            if not self.enabled[sensor] or when_us < self._deaf_until_us:
                continue
            self.milli[sensor] += self.fraction[sensor]
            self.counter[sensor] = (
                self.counter[sensor] + self.constant[sensor] + self.milli[sensor] // 1000
            ) % 2**32
            self.milli[sensor] %= 1000
            self.extra[sensor] = when_us // 1000 % 2**32
            self._changed[sensor] = True

    def _snapshot(self) -> dict:
        kept: dict = {
            name: list(getattr(self, name))
            for name in ("enabled", "constant", "fraction", "counter")
        }
        kept["values"] = {name: list(value) for name, value in self.values.items()}
        return kept

    def brown_out(self) -> None:
        """What the comparator's interrupt does while the capacitors last."""
        self.values["b"][0] += 1
        self._saved = self._snapshot()

    def reset(self) -> None:
        """Start from what the EEPROM holds: the last `ct`, unless a brown-out came before."""
        for name, value in self._saved.items():
            setattr(
                self,
                name,
                {n: list(v) for n, v in value.items()} if name == "values" else list(value),
            )
        self.milli, self.extra = [0] * SENSORS, [0] * SENSORS
        self._changed, self._energy_uws = [False] * SENSORS, [0] * ANALOG
        self._listen()

    # SPI

    def _listen(self) -> None:
        self._transmitting = False
        self._begun = False
        self._closing = False
        self._into = ""
        self._message = b""
        self._last_in = 0
        self._reply = b""
        self._ready_us = 0
        self._out: list[int] = []
        self._reply_left = 0

    def byte(self, mosi: int) -> int:
        """One byte in, at `now_us`; returns the byte that went out at the same time (it was loaded
        before).
        """
        if not self._transmitting:
            miso, self._last_in = self._last_in, mosi  # an idle slave shifts back what it got last
            self._receive(mosi)
            return miso
        miso = self._next_out()
        if self._closing:
            self._transmitting = self._closing = False
            self._last_in = 0
        elif not self._out:
            if miso == 0 and self._begun:
                self._closing = True
            else:
                self._begun = True
                self._out = list(self._transmission())
        return miso

    def _next_out(self) -> int:
        if not self._out:
            return 0
        if len(self._out) == self._reply_left and self.now_us < self._ready_us:
            self.wrong_replies += 1
            self._out[-5:-3] = b"xx"  # the CRC was computed over what had been sent meanwhile
        return self._out.pop(0)

    def _receive(self, mosi: int) -> None:
        char = chr(mosi)
        if mosi == 0:
            self._transmitting, self._begun = True, False
            self._out, self._into, self._reply_left = [0], "", 0
        elif char == "l":
            self._into, self._message = "l", b""
        elif char == "u":
            self._into = "u"
        elif char == "." and self._into == "l":
            self._into = ""
            self._execute(self._message)
        elif self._into == "l" and len(self._message) < IN_LIMIT:
            self._message += bytes([mosi])

    def _transmission(self) -> bytes:
        """Return what goes out from now.

        `_reply_left` tells the reply's first byte by how many bytes are left then.
        """
        reply, self._reply = self._reply, b""
        if not reply:
            return b"lu\0"
        framed = reply + b"%02x." % crc8(reply)
        if len(framed) > OUT_LIMIT:
            return b"l" + reply[:OUT_LIMIT] + b"u\0"
        self._reply_left = len(framed) + 2
        return b"l" + framed + b"u\0"

    def _execute(self, message: bytes) -> None:
        if not message:
            return  # the historic main loop waits here for more
        text, crc = message[:-2], message[-2:]
        if len(message) < 4:
            self._answer(b"zy")
        elif crc != b"%02x" % crc8(text):
            self._answer(b"zz")
        else:
            self._command(message.decode("latin-1"))

    def _answer(self, reply: bytes, busy_us: int = PLAIN_US) -> None:
        self._reply, self._ready_us = reply, self.now_us + busy_us

    def _command(self, message: str) -> None:
        verb, what, text = message[0], message[1], message[2:]
        if message[:2] == "gd":
            self._delta()
        elif message[:2] == "ct":
            self.commits += 1
            self._saved = self._snapshot()
            self._deaf_until_us = self.now_us + COMMIT_US
            self._answer(b"ct", COMMIT_US)
        elif verb not in "gs" or what not in WIDTHS or (what == "f" and self.digits == 18):
            self._answer(message[:2].encode("latin-1"))
        else:
            self._get_or_set(verb, what, text)

    def _get_or_set(self, verb: str, what: str, text: str) -> None:
        widths = WIDTHS[what]
        if what in self.values:
            if verb == "s":
                self.values[what] = _numbers(text, widths)
            values = self.values[what]
        else:
            sensor, value = _numbers(text, widths)
            store = {"e": self.enabled, "c": self.counter, "m": self.constant, "f": self.fraction}[
                what
            ]
            sensor %= SENSORS
            if verb == "s":
                store[sensor] = value
            values = [sensor, store[sensor]]
        reply = (
            verb
            + what
            + "".join(
                "{:0{}x}".format(value, width) for value, width in zip(values, widths, strict=True)
            )
        )
        self._answer(reply.encode())

    def _delta(self) -> None:
        changed = [sensor for sensor in range(SENSORS) if self._changed[sensor]]
        self._changed = [False] * SENSORS  # cleared early: a reply that is not read is lost
        reply = "gd"
        for sensor in changed:
            milli = "" if self.digits == 18 else "{:04x}".format(self.milli[sensor])
            reply += "{:02x}{:08x}{}{:08x}".format(
                sensor, self.counter[sensor], milli, self.extra[sensor]
            )
        self._answer(reply.encode(), max(PLAIN_US, GD_ENTRY_US * len(changed)))


def _numbers(text: str, widths) -> list[int]:
    """Fixed-width fields, whatever stands there: the CRC's digits when arguments are missing, zeros
    after the end.
    """
    numbers = []
    for width in widths:
        field, text = text[:width], text[width:]
        digits = "".join(char if char in "0123456789abcdefABCDEF" else "0" for char in field)
        numbers.append(int(digits, 16) if len(digits) == width else 0)
    return numbers
