# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN API's routes (docs/design/protocols.md §5): each sensor's last minute, the page, status
and metrics.
"""

from microdot import Microdot, Request
from microdot.microdot import NoCaseDict

from flukso import discovery, lan_guard, status
from flukso.lan_http import LanServer
from flukso.meter import WATT
from flukso.page import PAGE

JSON, JSONP = "application/json", "application/javascript"
CALLBACK_MAX = 64
# as JavaScript's own names, and as jQuery and Angular make them
CALLBACK_FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz$"
CALLBACK_LETTERS = CALLBACK_FIRST + "0123456789."
NOBODY = ("", 0)  # routes do not ask who asks
CALLBACKS = ("jsonp_callback", "callback")
HOSTNAME = "/proc/sys/kernel/hostname"
RESOLVERS = (
    "/etc/resolv.conf",
    "/tmp/resolv.conf.d/resolv.conf.auto",
    "/tmp/resolv.conf.auto",
)  # OpenWrt's: what the LAN's router said
FILE_MAX = 4096  # bytes of each


class Refused(ValueError):
    """A request for a sensor that is answered with a status and a sentence."""

    def __init__(self, status_code, text):
        super().__init__(text)
        self.status_code = status_code


def minute(window: list) -> str:
    """Return a meter's window as §5 writes it: compact JSON, a second not measured yet is "nan"."""
    return (
        "["
        + ",".join(["[{},{}]".format(ts, '"nan"' if rate is None else rate) for ts, rate in window])
        + "]"
    )


def check_query(args: dict, version: "str | None", unit: str):
    """Refuse a query that asks for something else than the last minute in this unit; none at all is
    fine.
    """
    asked = [name for name in args if name not in CALLBACKS]
    if not asked and version is None:
        return
    if args.get("version", version) != "1.0":
        raise Refused(400, "version must be 1.0")
    if not asked:
        return
    if args.get("interval") != "minute":
        raise Refused(400, "interval must be minute")
    if args.get("unit") not in (
        unit,
        WATT,
    ):  # bridges ask for watt whatever the sensor; the historic daemon answered with its own unit
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

    def __init__(self, house):
        self._house = house
        self._app = self._routes()
        self._server = LanServer(
            self._respond, house.port.system_clock().monotonic, self._moment, house.port.serve_tcp
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

    def _moment(self):
        """What an answer is good for: this second, up to its poll."""
        return int(self._house.clock.wall()), self._house.last_poll

    async def _respond(self, head):
        """LanServer's question: run the request through the routes."""
        reading = lan_guard.is_reading(head.target)
        refused = None if reading else lan_guard.why_not(head.headers, self._names)
        if refused is not None:
            return 403, "text/plain", refused
        try:
            request = Request(
                self._app, NOBODY, "GET", head.target, "1.1", NoCaseDict(head.headers)
            )
        except (ValueError, IndexError):  # of an escape that cannot be decoded
            return 400, "text/plain", "the query cannot be read"
        if not reading and any([name in request.args for name in CALLBACKS]):
            return 403, "text/plain", "only readings are given to a callback"
        response = await self._app.dispatch_request(request)
        if response.status_code != 200:
            return response.status_code, "text/plain", response.body.decode()
        return 200, response.headers["Content-Type"], response.body

    def _names(self):
        """Return the names under which all is served, in lower case. They are looked up anew: a
        lease brings another domain.
        """
        settings = self._house.settings
        domains = []
        for path in RESOLVERS:
            domains += lan_guard.search_domains(self._read(path))
        return lan_guard.names(
            self._read(HOSTNAME), discovery.service(settings).host, settings.lan_name, domains
        )

    def _read(self, path):
        """Return the text of a file of the machine, "" when it cannot be read."""
        try:
            return self._house.port.read_file(path, FILE_MAX).decode()
        except (OSError, ValueError):
            return ""

    def _routes(self):
        app = Microdot()

        @app.get("/")
        async def page(request):
            return PAGE, {"Content-Type": "text/html; charset=utf-8"}

        @app.get("/status")
        async def status_json(request):
            return status.status(self._house, *self._now()), {"Content-Type": JSON}

        @app.get("/metrics")
        async def metrics(request):
            return status.metrics(self._house, self._house.clock.monotonic()), {
                "Content-Type": "text/plain; version=0.0.4"
            }

        @app.get("/sensor/<sensor>")
        async def sensor_minute(request, sensor):
            try:
                return self._sensor(sensor, request.args, request.headers.get("X-Version"))
            except Refused as error:
                return str(error), error.status_code

        @app.errorhandler(404)
        async def not_found(request):
            return "there is /, /sensor/<id>, /status and /metrics", 404

        return app

    def _now(self):
        clock = self._house.clock
        return clock.wall(), clock.monotonic()

    def _sensor(self, sensor, args, version):
        """Return body and headers of a sensor's last minute. Raises Refused."""
        meter = self._house.readings.meters.get(sensor)
        if meter is None:
            raise Refused(404, "no sensor has this id")
        args = {name: args[name].rstrip(";") for name in args}
        name = callback(args)
        check_query(args, version, meter.unit)
        mono = self._house.clock.monotonic()
        body = minute(meter.window(mono, self._house.believer.stamp(mono)))
        if name is not None:
            return "{}({})".format(name, body), {"Content-Type": JSONP}
        return body, {"Content-Type": JSON}
