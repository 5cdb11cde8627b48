# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration and claim, the server's half (docs/design/protocols.md §8): who a device is, whose
it is, what an unclaimed one may do.
"""

import base64
import hashlib
import hmac
import re

HEX_32 = re.compile(r"[0-9a-f]{32}")
CODE_LIFE_S = 48 * 3600  # after a heartbeat
WRONG_CODES, WRONG_SPAN_S = 5, 3600  # an account may be wrong so often in so long
WINDOW_S = 3600  # in which the owner lets the device post a new key
UNCLAIMED_SENSORS = 6
UNCLAIMED_DATA_S = 14 * 86_400
UNCLAIMED_DEVICES = 1000  # over all: a server of tests needs no more
AHEAD_S = 120  # a heartbeat's time may be ahead of the server by so much


def claim_code(device: str, key: str, number: int = 0) -> str:
    text = f"claim {device} {number}" if number else f"claim {device}"
    mac = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b32encode(mac[:5]).decode()


class Device:
    """What the server knows of one device."""

    def __init__(self, key: str, owner: str | None):
        self.key = key
        self.owner = owner
        self.seen_s: float | None = None  # the last heartbeat that counted
        self.time_s = -1  # the newest `time` of a heartbeat
        self.signed = False
        self.window_until_s = 0.0
        self.uptime_s: int | None = None
        self.resets = 0


class ClaimRefused(Exception):
    """The code is wrong, old or taken: which of them is not said."""


class Registry:
    """Devices and the sensors bound to them. wall() is the server's time."""

    def __init__(self, wall):
        self.wall = wall
        self.devices: dict[str, Device] = {}
        self.sensors: dict[str, str] = {}  # sensor id -> device id
        self._wrong: dict[str, list[float]] = {}

    def add(self, device: str, key: str, owner: str | None = "owner") -> None:
        self.devices[device] = Device(key, owner)

    def register(self, device: str, key, made_with) -> str:
        """Take a posted key; made_with(key) says whether the digest was made with that one. Returns
        "" or why it is refused.
        """
        if not isinstance(key, str) or not HEX_32.fullmatch(key):
            return "malformed"
        known = self.devices.get(device)
        if known is None:
            if not made_with(key):
                return "Incorrect digest"
            if sum(1 for one in self.devices.values() if one.owner is None) >= UNCLAIMED_DEVICES:
                return "too many unclaimed devices"
            self.add(device, key, None)
            return ""
        if key == known.key:
            return "" if made_with(key) else "Incorrect digest"
        if made_with(known.key):
            known.key = key
            return ""
        if made_with(key) and self.wall() < known.window_until_s:
            known.key, known.owner, known.seen_s, known.signed = key, None, None, False
            return ""
        return "Incorrect digest"

    def bind(self, sensor: str, device: str) -> str:
        """Bind a sensor to a device; "" or why it is refused."""
        bound = self.sensors.get(sensor)
        if (
            bound is not None
            and bound != device
            and self.devices[bound].owner != self.devices[device].owner
        ):
            return "No proper provisioning for this sensor"
        if bound is not None and bound != device and self.devices[device].owner is None:
            return "No proper provisioning for this sensor"
        owned = sum(1 for one in self.sensors.values() if one == device)
        if bound != device and self.devices[device].owner is None and owned >= UNCLAIMED_SENSORS:
            return "No proper provisioning for this sensor"
        self.sensors[sensor] = device
        return ""

    def beat(self, device: str, beat: dict) -> bool:
        """Take a heartbeat; False when it changes nothing, being old or from the future."""
        known, now_s = self.devices[device], self.wall()
        stamp = beat.get("time")
        if stamp is not None:
            if type(stamp) is not int or stamp <= known.time_s or stamp > now_s + AHEAD_S:
                return False
            known.time_s = stamp
        known.seen_s = now_s
        if known.uptime_s is not None and beat["uptime"] < known.uptime_s:
            known.resets += 1
        known.uptime_s = beat["uptime"]
        return True

    def claim(self, account: str, code: str) -> str:
        """Give the device with this code to the account and return its id; ClaimRefused."""
        now_s = self.wall()
        wrong = [when for when in self._wrong.get(account, []) if when > now_s - WRONG_SPAN_S]
        if len(wrong) < WRONG_CODES:
            for ident, device in self.devices.items():
                fresh = device.seen_s is not None and now_s - device.seen_s <= CODE_LIFE_S
                if (
                    fresh
                    and device.owner is None
                    and hmac.compare_digest(claim_code(ident, device.key), code)
                ):
                    device.owner = account
                    return ident
            wrong.append(now_s)
        self._wrong[account] = wrong
        raise ClaimRefused("unknown code")

    def open_window(self, device: str) -> None:
        """The owner has lost the key: for an hour this id may post a new one."""
        self.devices[device].window_until_s = self.wall() + WINDOW_S
