# SPDX-License-Identifier: GPL-3.0-or-later
"""EEPROM images as the five kinds of historic boards leave them behind (docs/design/protocols.md
§1).
"""

from collections import namedtuple

from tests.sim.master import Master

CELLS = 512
SENSORS = [
    (0x01020304, 5163, 250),
    (70000, 5163, 0),
    (3, 4129, 0),
    (0xFFFE, 1, 500),
    (12345678, 10, 0),
    (0, 1, 0),
]
PORTS = bytes([0, 1, 2, 3, 4, 0xFF])
ENABLED = 0x1B
EVENTS = bytes([3, 0, 7, 0])  # watchdogs, brown-outs
IDS = ["{:02x}".format(n) * 16 for n in (0x1A, 0x2B, 0x3C, 0x4D)]

# counters: what the board had counted; fractions: whether the layout has them
Image = namedtuple("Image", "board cells counters fractions")


def _filled(parts: dict[int, bytes]) -> bytes:
    cells = bytearray(b"\xff" * CELLS)
    for at, part in parts.items():
        cells[at : at + len(part)] = part
    return bytes(cells)


def _second_generation(declared: bool, fractions: bool) -> Image:
    """Hardware 2.0 or 2.1, its fields in the order of their declaration or in the reversed one."""
    version = bytes([2, 0, int(fractions), 1, 0])
    sensors = b""
    for counter, constant, fraction in SENSORS:
        sensors += counter.to_bytes(4, "little") + constant.to_bytes(2, "little")
        sensors += fraction.to_bytes(2, "little") if fractions else b""
    if declared:
        cells = _filled({0: b"\xbe" + version + EVENTS + bytes([ENABLED]) + PORTS + sensors})
    else:
        cells = _filled(
            {
                0: sensors + PORTS + bytes([ENABLED]) + EVENTS + version,
                0x40 if fractions else 0x34: b"\xbe",
            }
        )
    return Image("spi", cells, [counter for counter, _, _ in SENSORS], fractions)


def _first_generation() -> Image:
    counters = [counter for counter, _, _ in SENSORS[:4]]
    blocks = [
        name.encode() + b"\0" + counter.to_bytes(4, "little")
        for name, counter in zip(IDS, counters, strict=True)
    ]
    return Image("uart", _filled({0: b"".join(blocks)}), counters, False)


IMAGES = {
    "declared-0": _second_generation(True, False),
    "declared-1": _second_generation(True, True),
    "reversed-0": _second_generation(False, False),
    "reversed-1": _second_generation(False, True),
    "first": _first_generation(),
}


def check_taken_over(sim, image: Image) -> None:
    """The board has the image's counters and settings."""
    assert sim.control.counters()[: len(image.counters)] == image.counters
    if image.board == "uart":
        ids = bytes.fromhex(sim.ask("symbol settings 68"))[4:]
        assert [ids[i : i + 16].hex() for i in range(0, 64, 16)] == IDS
        return
    master = Master(sim)
    assert master.counters() == image.counters
    assert master.ask("gp") == "gp" + PORTS.hex()
    assert [master.ask("ge{:02x}".format(i))[4:] for i in range(6)] == [
        "{:02x}".format(ENABLED >> i & 1) for i in range(6)
    ]
    for i, (_, constant, fraction) in enumerate(SENSORS):
        assert int(master.ask("gm{:02x}".format(i))[4:], 16) == constant
        assert int(master.ask("gf{:02x}".format(i))[4:], 16) == (fraction if image.fractions else 0)
    assert [int(master.ask("gw")[2:], 16), int(master.ask("gb")[2:], 16)] == [EVENTS[0], EVENTS[2]]
