# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks what the clamps have counted by now (docs/guide/calibration.md).

The daemon that runs on this machine knows it, else the board itself.
"""

from flukso import boards, calibration, daemonstatus
from flukso.calibration import CalibrationError, Moment, Part, plain
from flukso.config_reader import thousandths
from flukso.numerals import digits

READ_MAX_S = 5  # the daemon has read the board in this time, or says nothing of now
TRIES, EVERY_S = 3, 1  # a clamp's power is new each second
MINUTE = "?version=1.0&interval=minute&unit=watt"


class Way:
    """The way to the counters: ask() once, then what the attributes say of it."""

    def __init__(self, port, path: str, settings, bus: "str | None", clock_url: "str | None"):
        """`bus`: the board's URL when it is to be asked whatever daemon runs."""
        self._port = port
        self._path = path
        self._settings = settings
        self._bus = bus
        self._clock_url = clock_url
        self.whole = False  # the board takes no fractions of a constant
        self.direct = False  # the board was asked without a daemon

    async def ask(self, sensors) -> Moment:
        """Return the Moment of now. Raises OSError, CalibrationError."""
        if self._bus is None and self._settings.lan:
            document = await daemonstatus.fetch(self._port, self._settings.lan_port)
            if document is not None:
                windows = {}
                for sensor in sensors:
                    windows[sensor.id] = await daemonstatus.fetch(
                        self._port, self._settings.lan_port, "/sensor/" + sensor.id + MINUTE
                    )
                return self._from_document(document, windows, sensors)
        self.direct = True
        return await self.on_board(lambda board, clock: self._from_board(board, clock, sensors))

    async def on_board(self, what):
        """Return what the coroutine function (board, clock) gives. Raises OSError."""
        clock = (
            self._port.sim_clock(self._clock_url) if self._clock_url else self._port.system_clock()
        )
        board = None
        try:
            await clock.start()
            how = boards.opening(self._settings, self._bus)
            board = boards.open_board(how, self._port, clock)
            return await what(board, clock)
        finally:
            if board is not None:
                board.close()
            clock.close()

    def _from_document(self, document, windows, sensors):
        """Return the Moment that the daemon's /status and its last minute of each sensor tell.
        Raises CalibrationError.
        """
        try:
            board, clock = document["board"], document["clock"]
            if board["error"] or not 0 <= board["last_poll_age"] <= READ_MAX_S:
                raise CalibrationError(
                    "the daemon does not reach the board: {}".format(
                        board["error"] or "it was not read lately"
                    )
                )
            rows = {row["id"]: row for row in document["sensors"]}
            if [sensor.id for sensor in sensors if sensor.id not in rows]:
                raise CalibrationError(
                    "the daemon on port {} reads other sensors; is this its configuration?".format(
                        self._settings.lan_port
                    )
                )
            parts = [
                self._part(sensor, rows[sensor.id], _highest(windows[sensor.id]))
                for sensor in sensors
            ]
            covered = min([_covered(windows[sensor.id]) for sensor in sensors])
            time = _natural(clock["time"]) if clock["believed"] else 0
            falls = _natural(board["damage"]["falls"]) if board["damage"] else 0
            self.whole = "." not in rows[sensors[0].id]["constant"]
            hardware = board["hardware"]
            if not thousandths(hardware):
                raise TypeError("no hardware")
        except CalibrationError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationError(
                "the daemon on port {} tells too little: {}; is it an older one?".format(
                    self._settings.lan_port, error
                )
            )
        mono = self._port.system_clock()
        return Moment(
            time,
            int(mono.monotonic()),
            calibration.boot_name(mono.boot()),
            hardware,
            falls,
            covered,
            tuple(parts),
        )

    def _part(self, sensor, row, power):
        constant = thousandths(row["constant"])
        if row["counter"] is None or row["value"] is None or constant is None:
            raise CalibrationError(
                "the daemon has not read sensor {} yet; try again in some seconds".format(
                    sensor.number
                )
            )
        own = 1000 * sensor.constant + (sensor.fraction if "." in row["constant"] else 0)
        if constant != own:
            words = "the daemon counts sensor {} with {}, and {} says {}: reload it first"
            raise CalibrationError(
                words.format(sensor.number, plain(constant), self._path, plain(own))
            )
        return Part(
            sensor.id,
            sensor.number,
            _natural(row["counter"]),
            max(_natural(row["value"]), power),
            constant,
        )

    async def _from_board(self, board, clock, sensors):
        """Return the Moment that the board tells."""
        known = await board.identify()
        await board.look()
        indexes = [sensor.number - 1 for sensor in sensors]
        for _ in range(TRIES):
            deltas = {delta.sensor: delta for delta in (await board.poll(indexes)).deltas}
            if not [index for index in indexes if index not in deltas]:
                break
            await clock.sleep(EVERY_S)
        else:
            raise CalibrationError(
                "the board says no power of the clamp: is its sensor enabled there? flukso board "
                "sync"
            )
        parts = []
        for sensor in sensors:
            constant = 1000 * (await board.ask("gm", sensor.number - 1))[1]
            constant += (await board.ask("gf", sensor.number - 1))[1] if board.fractions else 0
            if constant != 1000 * sensor.constant + (sensor.fraction if board.fractions else 0):
                words = (
                    "the board counts sensor {} with {}, and {} says otherwise: flukso board "
                    "sync first"
                )
                raise CalibrationError(words.format(sensor.number, plain(constant), self._path))
            delta = deltas[sensor.number - 1]
            parts.append(Part(sensor.id, sensor.number, delta.counter, delta.extra, constant))
        self.whole = not board.fractions
        time = int(clock.wall()) if clock.synchronised() else 0
        hardware = "{}.{}".format(known.hw_major, known.hw_minor)
        falls = board.damage.falls if board.damage else 0
        return Moment(
            time,
            int(clock.monotonic()),
            calibration.boot_name(clock.boot()),
            hardware,
            falls,
            0,
            tuple(parts),
        )


def _highest(window):
    """Return the highest power of the minute that the LAN API tells. Raises TypeError for no such
    document.
    """
    return max([0] + [_natural(watt) for _, watt in window if watt != "nan"])


def _covered(window):
    """Return the seconds of it that were measured, to the newest."""
    return len([watt for _, watt in window if watt != "nan"])


def _natural(value):
    """Return a whole number of a document. Raises TypeError for anything else."""
    number = digits(str(value), 15)
    if number is None:
        raise TypeError("a number is needed, not {}".format(value))
    return number
