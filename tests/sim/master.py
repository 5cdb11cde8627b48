# SPDX-License-Identifier: GPL-3.0-or-later
"""The historic router's side of the bus, by the control line (docs/design/protocols.md §1)."""

from tools.harness.bus import crc8

GAP_US = 250
READ_LIMIT = 400


class Master:
    """Asks a board in `Sim`."""

    def __init__(self, sim):
        self.sim = sim

    def send(self, data: bytes) -> bytes:
        return self.sim.control.spi(data, GAP_US)

    def read(self) -> bytes:
        """Clock zeros up to the one after the reply's end; the reply."""
        got = b""
        for _ in range(READ_LIMIT):
            byte = self.send(b"\0")
            if byte == b"\0" and got:
                break
            got += byte.strip(b"\0")
        self.send(b"\0")
        return got

    def ask(self, command: str, wait_s: float = 0.02) -> str:
        """The reply without its CRC, AssertionError when that is wrong."""
        message = "l{}{:02x}.".format(command, crc8(command.encode()))
        self.send(message.encode() + b"\0\0")
        self.sim.run(wait_s)
        reply = self.read()
        text, dot, _ = reply.partition(b".")
        assert reply.startswith(b"l"), reply
        assert dot, reply
        assert int(text[-2:], 16) == crc8(text[1:-2]), reply
        return text[1:-2].decode()

    def set(self, command: str) -> None:
        assert self.ask(command, 0.5 if command == "ct" else 0.02).startswith(command)

    def prepare(self) -> None:
        """All six ports on their own sensors, 50 A clamps and 1 Wh a pulse."""
        self.set("sp000102030405")
        for i in range(6):
            self.set("se{:02x}01".format(i))
            self.set("sm{:02x}{:04x}".format(i, 5163 if i < 3 else 1))
            self.set("sf{:02x}{:04x}".format(i, 500 if i < 3 else 0))
        self.set("ct")

    def holds(self, hold_us: int) -> None:
        for port in (3, 4):
            self.set("so{:02x}{:04x}".format(port, hold_us // 10))

    def counters(self) -> list[int]:
        return [int(self.ask("gc{:02x}".format(i))[4:], 16) for i in range(6)]
