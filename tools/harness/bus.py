# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the simulated SPI bus and lines of the control connection
(docs/contributing/simulator.md), for both ends.
"""

import socket
import struct

MAGIC = 0xF5
HEADER_BYTES = 7
MAX_COUNT = 1024
DONE, NO_POWER, MALFORMED = 0, 1, 2
LINE_LIMIT = 8192  # answers are longer than the 4096 of a command: the EEPROM in hex


def crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc


def _framed(header: bytes, data: bytes) -> bytes:
    return header + bytes([crc8(header)]) + data + bytes([crc8(data)])


def request_frame(data: bytes, gap_us: int) -> bytes:
    return _framed(struct.pack(">BcHH", MAGIC, b"X", len(data), gap_us), data)


def answer_frame(data: bytes, status: int) -> bytes:
    return _framed(struct.pack(">BcHB", MAGIC, b"x", len(data), status), data)


def next_request(buffered: bytes) -> tuple[bytes | None, int, bytes]:
    """The first whole request (data, gap_us, what follows); data None: incomplete; damaged bytes
    are passed over.
    """
    while True:
        start = buffered.find(MAGIC)
        if start < 0:
            return None, 0, b""
        buffered = buffered[start:]
        if len(buffered) < HEADER_BYTES:
            return None, 0, buffered
        if buffered[1:2] != b"X" or crc8(buffered[:6]) != buffered[6]:
            buffered = buffered[1:]
            continue
        count, gap_us = struct.unpack(">HH", buffered[2:6])
        if not 1 <= count <= MAX_COUNT:
            return b"", gap_us, buffered[HEADER_BYTES:]
        end = HEADER_BYTES + count + 1
        if len(buffered) < end:
            return None, 0, buffered
        data = buffered[HEADER_BYTES : end - 1]
        if crc8(data) != buffered[end - 1]:
            buffered = buffered[end:]
            continue
        return data, gap_us, buffered[end:]


def connect(url: str, timeout_s: float = 30) -> socket.socket:
    """A connection to unix:PATH or tcp:HOST:PORT."""
    kind, _, rest = url.partition(":")
    if kind == "unix":
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(timeout_s)
        link.connect(rest)
        return link
    host, _, port = rest.rpartition(":")
    return socket.create_connection((host, int(port)), timeout_s)


class Refused(Exception):
    """The control line answered `err`."""


class Control:
    """The control line of fluksosim or of an `OldBoard`."""

    def __init__(self, url: str):
        self._link = connect(url)
        self._lines = self._link.makefile("rb")

    def ask(self, command: str, timeout_s: float = 120) -> str:
        """What follows `ok`; Refused when it says `err`."""
        self._link.settimeout(timeout_s)
        self._link.sendall(command.encode() + b"\n")
        line = self._lines.readline(LINE_LIMIT).decode()
        if not line:
            raise Refused("the simulator has closed the line")
        word, _, rest = line.strip().partition(" ")
        if word != "ok":
            raise Refused("{}: {}".format(command[:60], line.strip()))
        return rest

    def time_us(self) -> int:
        return int(self.ask("time").split()[0])

    def wall_s(self) -> float:
        return int(self.ask("time").split()[1]) / 1e6

    def until_us(self, when_us: int) -> int:
        # a busy machine takes minutes for ten
        return int(self.ask("until {}".format(int(when_us)), timeout_s=600).split()[0])

    def counters(self) -> list[int]:
        return [int(word) for word in self.ask("counters").split()]

    def energy_wh(self) -> list[float]:
        return [float(word) for word in self.ask("energy").split()]

    def spi(self, data: bytes, gap_us: int) -> bytes:
        return bytes.fromhex(self.ask("spi {} {}".format(data.hex(), gap_us)))

    def close(self) -> None:
        self._lines.close()
        self._link.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Bus:
    """A client of the bus."""

    def __init__(self, url: str):
        self._link = connect(url)

    def transfer(self, data: bytes, gap_us: int) -> tuple[int, bytes]:
        """(status, bytes in)."""
        self._link.sendall(request_frame(data, gap_us))
        header = self._exactly(6)
        if header[0] != MAGIC or header[1:2] != b"x" or crc8(header[:5]) != header[5]:
            raise OSError("bad frame from the simulator: {}".format(header.hex()))
        count, status = struct.unpack(">HB", header[2:5])
        body = self._exactly(count + 1)
        if crc8(body[:-1]) != body[-1]:
            raise OSError("bad body from the simulator")
        return status, body[:-1]

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._link.recv(count - len(data))
            if not part:
                raise OSError("the simulator has closed the bus")
            data += part
        return data

    def close(self) -> None:
        self._link.close()
