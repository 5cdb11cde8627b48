# SPDX-License-Identifier: GPL-3.0-or-later
"""The historic router on the SPI bus, byte by byte (docs/design/protocols.md §1): fixed waits, one
try, no mercy for a slow board.

`python -m tools.fakes.oldmaster --control unix:PATH --seconds 60` polls a fluksosim and prints what
it got as JSON.
"""

import argparse
import json
from collections import namedtuple

from tools.harness.bus import Control, crc8

WAIT_US = 20_000
COMMIT_WAIT_US = 500_000
POLL_US = 100_000  # an empty read; `gd` takes the place of each tenth
GAP_US = 300  # between the bytes of one go
READ_LIMIT = 400  # bytes; a reply of six sensors and a full UART buffer is shorter

Delta = namedtuple("Delta", "sensor counter milli extra")


class Wrong(Exception):
    """The board did not answer as the historic router needs it."""


class OldMaster:
    """Drives the simulator's clock while it works. digits: what this router's delta entries have,
    18 or 22.
    """

    def __init__(self, control: Control, digits: int = 22, gap_us: int = GAP_US):
        self.control, self.digits, self.gap_us = control, digits, gap_us
        self.faults: list[tuple[int, str, str]] = []  # (µs, what was asked, what is wrong)
        self.deltas: list[tuple[int, list[Delta]]] = []
        self.polls = 0
        self.uart = b""
        control.ask("join")
        self._now_us = control.time_us()

    def close(self) -> None:
        self.control.ask("leave")

    def _sleep(self, span_us: int) -> None:
        self._now_us = self.control.until_us(self.control.time_us() + span_us)

    def _turn(self, message: bytes, wait_us: int) -> bytes:
        """Send once, wait once, read once; return what was read before the terminator."""
        self.control.spi(message + b"\0\0", self.gap_us)
        self._sleep(wait_us)
        read = b""
        while len(read) < READ_LIMIT:
            byte = self.control.spi(b"\0", self.gap_us)
            self._sleep(self.gap_us)
            if byte == b"\0":
                self.control.spi(b"\0", self.gap_us)
                self._sleep(self.gap_us)
                return read
            read += byte
        raise Wrong("no end of the reply: {!r}".format(read[:40]))

    def _reply(self, read: bytes, asked: str) -> str:
        """The reply's text; what follows `u` is kept as UART bytes."""
        if not read.startswith(b"l"):
            raise Wrong("does not begin with l: {!r}".format(read[:40]))
        control, mark, uart = read[1:].partition(b"u")
        if not mark:
            raise Wrong("no u: {!r}".format(read))
        self.uart += bytes.fromhex(uart.decode("ascii"))
        if not asked:
            if control:
                raise Wrong("an empty read got {!r}".format(control))
            return ""
        if not control.endswith(b".") or b"%02x" % crc8(control[:-3]) != control[-3:-1]:
            raise Wrong("CRC: {!r}".format(control))
        text = control[:-3].decode("ascii")
        if text[:2] != asked[:2]:
            raise Wrong("{} answers {}".format(asked, text))
        return text

    def ask(self, text: str) -> str:
        """The reply to one command, without its CRC; Wrong when it is not as it must be."""
        message = "l{}{:02x}.".format(text, crc8(text.encode())) if text else ""
        read = self._turn(message.encode(), COMMIT_WAIT_US if text == "ct" else WAIT_US)
        try:
            return self._reply(read, text)
        except (UnicodeDecodeError, ValueError) as error:
            raise Wrong("not ASCII or hex: {!r} ({})".format(read, error))

    def delta(self) -> list[Delta]:
        """One `gd`, by this router's own length of an entry."""
        digits = self.ask("gd")[2:]
        if len(digits) % self.digits:
            raise Wrong("{} digits".format(len(digits)))
        entries = []
        for n in range(0, len(digits), self.digits):
            entry = digits[n : n + self.digits]
            milli = int(entry[10:14], 16) if self.digits == 22 else 0
            entries.append(
                Delta(int(entry[:2], 16), int(entry[2:10], 16), milli, int(entry[-8:], 16))
            )
        sensors = [entry.sensor for entry in entries]
        if sensors != sorted(set(sensors)):
            raise Wrong("sensors {}".format(sensors))
        return entries

    def sync(self, settings: list[str]) -> list[str]:
        """Send these set commands and a `ct`; returns the replies."""
        replies = [self.ask(text) for text in settings]
        self.ask("ct")
        return replies

    def run(self, seconds: int, each_second=None) -> None:
        """Poll as the historic daemon does; what is wrong is kept in `faults`, and life goes on."""
        begin_us = self.control.time_us()
        for tick in range(seconds * 10):
            self._sleep(max(0, begin_us + tick * POLL_US - self.control.time_us()))
            asked = "" if tick % 10 else "gd"
            try:
                if asked:
                    self.deltas.append((self._now_us, self.delta()))
                else:
                    self.polls += 1
                    self.ask("")
            except Wrong as wrong:
                self.faults.append((self._now_us, asked, str(wrong)))
            if asked and each_second is not None:
                each_second(tick // 10)

    def last_counters(self) -> dict[int, int]:
        """The newest counter of each sensor."""
        newest = {}
        for _, entries in self.deltas:
            newest.update({entry.sensor: entry.counter for entry in entries})
        return newest


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--control", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--digits", type=int, choices=(18, 22), default=22)
    args = parser.parse_args()
    with Control(args.control) as control:
        master = OldMaster(control, args.digits)
        master.run(args.seconds)
        print(
            json.dumps(
                {
                    "polls": master.polls,
                    "deltas": len(master.deltas),
                    "faults": master.faults,
                    "last": master.last_counters(),
                }
            )
        )
    return 1 if master.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
