# SPDX-License-Identifier: GPL-3.0-or-later
"""Random numbers and mutations that are the same on CPython and MicroPython; pure."""

SPLICES = (
    b"\0",
    b"\xff",
    b"\r\n",
    b"\n",
    b" ",
    b":",
    b"'",
    b'"',
    b"0",
    b"9",
    b"ffffffff",
    b"-1",
    b"65536",
    b"4294967296",
    b"l",
    b"u",
    b".",
    b"[",
    b"{",
)
LONGEST = 20000  # bytes of an input; above what any parser here takes


class Random:
    """A linear congruential generator with 64 bits; the upper 32 are used."""

    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        """A number from 0 to limit - 1."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return (self._state >> 32) % limit

    def choice(self, items):
        return items[self.below(len(items))]

    def bytes(self, count):
        return bytes([self.below(256) for _ in range(count)])


def _flip(rand, data):
    at = rand.below(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rand.below(8))]) + data[at + 1 :]


def _replace(rand, data):
    at = rand.below(len(data))
    return data[:at] + rand.bytes(1) + data[at + 1 :]


def _cut(rand, data):
    return data[: rand.below(len(data))]


def _drop(rand, data):
    at = rand.below(len(data))
    return data[:at] + data[at + 1 + rand.below(8) :]


def _repeat(rand, data):
    at = rand.below(len(data))
    piece = data[at : at + 1 + rand.below(40)]
    return data[:at] + piece * (1 + rand.below(6)) + data[at:]


def _splice(rand, data):
    at = rand.below(len(data) + 1)
    return data[:at] + rand.choice(SPLICES) + data[at:]


def _digit(rand, data):
    """Change a digit, the likeliest way to a wrong number."""
    places = [at for at in range(len(data)) if 48 <= data[at] <= 57]
    if not places:
        return _flip(rand, data)
    at = rand.choice(places)
    return data[:at] + bytes([48 + rand.below(10)]) + data[at + 1 :]


MUTATIONS = (_flip, _replace, _cut, _drop, _repeat, _splice, _digit)


def mutated(rand, seeds):
    """One input: a seed with up to five changes, or a head of one and a tail of another, now and
    then plain noise.
    """
    kind = rand.below(20)
    if kind == 0:
        return rand.bytes(rand.below(300))
    data = rand.choice(seeds)
    if kind == 1:
        other = rand.choice(seeds)
        data = data[: rand.below(len(data) + 1)] + other[rand.below(len(other) + 1) :]
    for _ in range(rand.below(5) + (kind > 2)):
        if data:
            data = rand.choice(MUTATIONS)(rand, data)
    return data[:LONGEST]


def canonical(value):
    """A value as text that both interpreters write alike; records count as tuples."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return "%d" % value
    if isinstance(value, float):
        return "%.3f" % value
    if isinstance(value, str):
        return "'" + "".join(["%x " % ord(char) for char in value]) + "'"
    if isinstance(value, (bytes, bytearray)):
        return "x" + "".join(["%02x" % byte for byte in value])
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(sorted([canonical(key) + ":" + canonical(value[key]) for key in value]))
            + "}"
        )
    return "(" + ",".join([canonical(item) for item in value]) + ")"
