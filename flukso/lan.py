# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers the LAN API's routes: readings, page, status, metrics (docs/design/protocols.md §5)."""

from flukso import discovery, lan_guard, status
from flukso.lan_http import LanServer
from flukso.page import PAGE
from flukso.quantities import POWER, WATT, shown

TEXT, JSON, JSONP = "text/plain", "application/json", "application/javascript"
NOT_FOUND = "there is /, /sensor/<id>, /status and /metrics"
CALLBACK_MAX = 64
# as JavaScript's own names, and as jQuery and Angular make them
CALLBACK_FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz$"
CALLBACK_LETTERS = CALLBACK_FIRST + "0123456789."
CALLBACKS = ("jsonp_callback", "callback")
HOSTNAME = "/proc/sys/kernel/hostname"
# OpenWrt's: what the LAN's router said
RESOLVERS = ("/etc/resolv.conf", "/tmp/resolv.conf.d/resolv.conf.auto", "/tmp/resolv.conf.auto")
FILE_MAX = 4096  # bytes of each


class Refused(ValueError):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def query_of(target: str) -> dict:
    """Return the arguments behind a target's `?`, decoded; of a name given twice the first value.

    Raises ValueError for an escape that is none, or is no UTF-8.
    """
    args: dict = {}
    for pair in target.partition("?")[2].split("&"):
        if pair:
            name, _, value = pair.partition("=")
            args.setdefault(unescaped(name), unescaped(value))
    return args


def unescaped(text: str) -> str:
    """Return a part of a query decoded: `+` is a space, and a % that nothing follows is one."""
    head, *escapes = text.replace("+", " ").split("%")
    if not escapes:
        return head
    raw = head.encode()
    for escape in escapes:
        raw += bytes([int(escape[:2], 16)]) + escape[2:].encode() if escape else b"%"
    return raw.decode()


def minute(window: list, quantity=POWER) -> str:
    """Return a meter's window as §5 writes it: compact JSON, a second not measured yet is "nan"."""
    rows = [
        "[{},{}]".format(ts, '"nan"' if rate is None else shown(rate, quantity))
        for ts, rate in window
    ]
    return "[" + ",".join(rows) + "]"


def check_query(args: dict, version: "str | None", unit: str):
    """Refuse a query for anything but the last minute in this unit; no query is fine."""
    asked = [name for name in args if name not in CALLBACKS]
    if not asked and version is None:
        return
    if args.get("version", version) != "1.0":
        raise Refused(400, "version must be 1.0")
    if not asked:
        return
    if args.get("interval") != "minute":
        raise Refused(400, "interval must be minute")
    # bridges ask for watt whatever the sensor; the historic daemon answered with its own unit
    if args.get("unit") not in (unit, WATT):
        raise Refused(400, "unit must be {} for this sensor".format(unit))


def callback(args: dict) -> "str | None":
    """Return the name of the JSONP function asked for, None when JSON is."""
    for parameter in CALLBACKS:
        name = args.get(parameter)
        if name is None:
            continue
        if (
            not 1 <= len(name) <= CALLBACK_MAX
            or name[0] not in CALLBACK_FIRST
            or not all(c in CALLBACK_LETTERS for c in name)
        ):
            raise Refused(
                400,
                "{} must be a name of 1 to {} letters, digits, _, $ or .".format(
                    parameter, CALLBACK_MAX
                ),
            )
        return name
    return None


class Lan:
    """The LAN API of one Daemon."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._failure = ""  # the newest defect that was logged
        self._server = LanServer(
            self._respond,
            daemon.port.system_clock().monotonic,
            self._moment,
            daemon.port.serve_tcp,
            self._failed,
        )

    @property
    def requests(self):
        return self._server.requests

    @property
    def refused(self):
        return self._server.refused

    def connections(self) -> int:
        return self._server.connections()

    async def start(self, port: int):
        """Listen. Raises OSError when the port is taken."""
        await self._server.start(port)

    async def close(self):
        await self._server.close()

    def _failed(self, error):
        """Log a defect of ours, the same one once: clients ask each second."""
        text = "{}: {}".format(type(error).__name__, error)
        if text != self._failure:
            self._daemon.log("err", "the LAN API could not make an answer: " + text)
        self._failure = text

    def _moment(self):
        """Return what an answer is good for: this second, up to its poll."""
        return int(self._daemon.clock.wall()), self._daemon.last_poll

    def _respond(self, head):
        """Return (status, content type, body) for a Head; the body of a refusal is a sentence."""
        try:
            reading = lan_guard.is_reading(head.target)
            refused = None if reading else lan_guard.why_not(head.headers, self._names)
            if refused is not None:
                return 403, TEXT, refused
            try:
                args = query_of(head.target)
            except (ValueError, IndexError):  # MicroPython's error for an escape that is cut
                return 400, TEXT, "the query cannot be read"
            if not reading and any([name in args for name in CALLBACKS]):
                return 403, TEXT, "only readings are given to a callback"
            return self._route(head.target.partition("?")[0], args, head.headers)
        except Refused as error:
            return error.status, TEXT, str(error)

    def _route(self, path, args, headers):
        daemon = self._daemon
        if path.startswith(lan_guard.READINGS):
            sensor = path[len(lan_guard.READINGS) :]
            if sensor and "/" not in sensor:
                return self._sensor(sensor, args, headers.get("x-version"))
        elif path == lan_guard.PAGE:
            return 200, "text/html; charset=utf-8", PAGE
        elif path == "/status":
            return 200, JSON, status.status(daemon, daemon.clock.wall(), daemon.clock.monotonic())
        elif path == "/metrics":
            body = status.metrics(daemon, daemon.clock.monotonic())
            return 200, "text/plain; version=0.0.4", body
        raise Refused(404, NOT_FOUND)

    def _sensor(self, sensor, args, version):
        """Return the answer with a sensor's last minute. Raises Refused."""
        meter = self._daemon.readings.meters.get(sensor)
        if meter is None:
            raise Refused(404, "no sensor has this id")
        args = {name: args[name].rstrip(";") for name in args}
        name = callback(args)
        check_query(args, version, meter.unit)
        mono = self._daemon.clock.monotonic()
        window = meter.window(mono, self._daemon.believer.stamp(mono))
        body = minute(window, meter.quantity)
        if name is not None:
            return 200, JSONP, "{}({})".format(name, body).encode()
        return 200, JSON, body.encode()

    def _names(self):
        """Return the names under which everything is served, in lower case.

        They are looked up for each answer: a lease may bring another domain.
        """
        settings = self._daemon.settings
        domains = []
        for path in RESOLVERS:
            domains += lan_guard.search_domains(self._read(path))
        return lan_guard.names(
            self._read(HOSTNAME), discovery.service(settings).host, settings.lan_name, domains
        )

    def _read(self, path):
        """Return the text of a file of the machine, "" when it cannot be read."""
        try:
            return self._daemon.port.read_file(path, FILE_MAX).decode()
        except (OSError, ValueError):
            return ""
