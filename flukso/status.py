# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon knows of itself, as the LAN shows it: JSON for /status, Prometheus text for
/metrics; pure (docs/guide/lan.md).

`daemon` is the Daemon: its readings, store, sender, believer, board, rs485, lan and settings are
read, and nothing is changed.
"""

import json

from flukso import pulses, quantities
from flukso.clock import SOURCES
from flukso.register import claim_code
from flukso.version import VERSION


def status(daemon, wall: float, mono: float) -> bytes:
    """Return the /status document: compact JSON, whole seconds, null for what is not known."""
    return _json(
        (
            ("version", VERSION),
            ("uptime", int(mono - daemon.started_at)),
            ("device", daemon.settings.device),
            ("claim", claim(daemon)),
            ("board", _board(daemon, mono)),
            ("sensors", [_sensor(daemon, sensor, mono) for sensor in sensors(daemon)]),
            ("buffer", (("tuples", len(daemon.store)), ("bytes", daemon.store.payload_bytes()))),
            ("upload", _upload(daemon, mono)),
            ("clock", _clock(daemon, wall, mono)),
            ("errors", _errors(daemon)),
            ("upgrade", daemon.upgrade or None),
            (
                "lan",
                (
                    ("requests", daemon.lan.requests),
                    ("refused", daemon.lan.refused),
                    ("connections", daemon.lan.connections()),
                ),
            ),
        )
    ).encode()


def _errors(daemon):
    """What is wrong now, and how many daemons before this one were killed."""
    texts = (
        ("config", daemon.config_error),
        ("save", daemon.save_error),
        ("flash", daemon.flash_error),
    )
    return tuple([(name, text or None) for name, text in texts]) + (("killed", daemon.killed),)


def sensors(daemon) -> list:
    """Return the enabled sensors by their number."""
    return [daemon.readings.sensors[index] for index in daemon.readings.indexes]


def claim(daemon) -> "str | None":
    """Return the claim code, None when nobody has to enter it any more."""
    settings, uploader = daemon.settings, daemon.sender.uploader
    if not settings.wan or not settings.register or uploader.claimed:
        return None
    return claim_code(settings.device, settings.key, uploader.claim_number)


def claim_url(daemon) -> "str | None":
    """Return where the claim code is entered, None when there is no code.

    Also None until the server has answered as one that knows claims (§8).
    """
    code, sender = claim(daemon), daemon.sender
    if code is None or not sender.registrar.done() or sender.uploader.server_time is None:
        return None
    return "{}/claim/{}/".format(daemon.settings.base_url.rstrip("/"), code)


def _since(at, mono):
    return None if at is None else max(0, int(mono - at))


def _board(daemon, mono):
    identity = daemon.board.identity
    return (
        (
            "hardware",
            None if identity is None else "{}.{}".format(identity.hw_major, identity.hw_minor),
        ),
        (
            "firmware",
            None if identity is None else "{}.{}".format(identity.sw_major, identity.sw_minor),
        ),
        ("historic", None if identity is None else identity.historic),
        ("polls", daemon.board.polls),
        ("faults", daemon.board.faults),
        ("last_poll_age", _since(daemon.last_poll, mono)),
        ("error", daemon.board_error or None),
        ("uart_lost", daemon.rs485.lost),
        ("exact", None if identity is None else daemon.board.exact),
        ("inputs", [_input(seen) for seen in daemon.board.inputs]),
        ("damage", _damage(daemon.board.damage)),
    )


def _input(seen):
    return (
        ("port", seen.port + 1),
        ("hold_ms", seen.hold / 100),
        ("pulses", seen.count),
        ("former", seen.former),
        ("short", seen.short),
        ("noise", pulses.noise(seen) or None),
    )


def _damage(damage):
    if damage is None:
        return None
    return (
        ("falls", damage.falls),
        ("age", damage.age),
        ("worn", damage.worn),
        ("trial_h", damage.trial_h),
    )


def _deviation(daemon, sensor):
    """Return how much more this board counts than the constant says, in words.

    None when it is exact or not known.
    """
    if not sensor.exact or daemon.board.identity is None or daemon.board.exact:
        return None
    return pulses.percent(pulses.deviation(sensor.exact))


def _constant(daemon, sensor):
    """Return the constant that the board counts with, None when it is not known.

    Without decimals where the board takes none; None, too, where pulses_per_kwh says more.
    """
    board = daemon.board
    if board.identity is None or board.listens or sensor.exact:
        return None
    return (
        "{}.{:03d}".format(sensor.constant, sensor.fraction)
        if board.fractions
        else str(sensor.constant)
    )


def _sensor(daemon, sensor, mono):
    meter = daemon.readings.meters[sensor.id]
    return (
        ("number", sensor.number),
        ("id", sensor.id),
        ("type", sensor.type),
        ("class", sensor.class_),
        ("function", sensor.function or None),
        ("unit", meter.unit),
        ("symbol", meter.quantity.symbol),
        ("decimals", 0 if meter.quantity.range is None else 1),
        ("value", _shown(meter)),
        ("value_age", _since(meter.rate_at, mono)),
        ("counter", meter.counter),
        ("counter_unit", meter.quantity.counter),
        ("resets", meter.resets),
        ("constant", _constant(daemon, sensor)),
        ("deviation", _deviation(daemon, sensor)),
    )


def _shown(meter):
    return None if meter.rate is None else quantities.shown(meter.rate, meter.quantity)


def _of_quantities(meters):
    """Return the families of what the sensors count; of each quantity, newest rate and counter."""
    families = []
    for metrics in sorted({meter.quantity.metrics for _label, meter in meters}):
        mine = [(label, meter) for label, meter in meters if meter.quantity.metrics == metrics]
        gauge, newest, total, counter = metrics
        families.append((gauge, "gauge", newest, [(label, _shown(m)) for label, m in mine]))
        families.append((total, "counter", counter, [(label, m.counter) for label, m in mine]))
    return tuple(families)


def _upload(daemon, mono):
    uploader, registrar = daemon.sender.uploader, daemon.sender.registrar
    return (
        ("enabled", bool(daemon.settings.wan)),
        ("server", daemon.settings.base_url.split("://", 1)[-1].rstrip("/")),
        ("claim_url", claim_url(daemon)),
        ("registered", registrar.done()),
        ("interval", uploader.interval_s(mono)),
        ("next", max(0, int(uploader.due_at(mono, daemon.believer.settled) - mono))),
        ("last_ok_age", _since(uploader.last_ok, mono)),
        ("acknowledged", uploader.acknowledged),
        ("requests", uploader.requests),
        ("failures", uploader.failures),
        ("aside", _aside(uploader.aside)),
        ("error", registrar.last_error or uploader.last_error or None),
        ("server_time", uploader.server_time),
    )


def _aside(aside):
    """How many tuples the server never took, and the newest of them."""
    names = ("sensor", "ts", "counter", "status")
    return (
        ("count", aside.count),
        ("newest", [tuple(zip(names, refused)) for refused in aside.newest]),  # noqa: B905
    )


def _clock(daemon, wall, mono):
    return (
        ("time", daemon.believer.stamp(mono)),
        ("believed", daemon.believer.believed),
        ("source", daemon.believer.source),
        ("source_text", SOURCES[daemon.believer.source]),
        ("settled", daemon.believer.settled),
        ("behind", int(daemon.believer.behind_s(wall, mono)) if daemon.believer.believed else None),
        ("jumps", daemon.believer.jumps),
    )


def _json(value):
    """Return compact JSON. A tuple of pairs is an object: MicroPython's dicts keep no order."""
    if isinstance(value, tuple):
        return (
            "{" + ",".join(['"{}":{}'.format(name, _json(member)) for name, member in value]) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join([_json(member) for member in value]) + "]"
    return json.dumps(value)


def metrics(daemon, mono: float) -> bytes:
    """Return Prometheus text, format 0.0.4. What is not known is absent."""
    out = []
    for name, kind, help_text, all_samples in _families(daemon, mono):
        samples = [(labels, value) for labels, value in all_samples if value is not None]
        if samples:
            out.append(
                "# HELP flukso_{0} {1}\n# TYPE flukso_{0} {2}\n".format(name, help_text, kind)
            )
            out.extend(
                ["flukso_{}{} {}\n".format(name, labels, value) for labels, value in samples]
            )
    return "".join(out).encode()


def _shorts(board):
    return [('{{port="{}"}}'.format(seen.port + 1), seen.short) for seen in board.inputs]


def _of_damage(board, name):
    return [("", getattr(board.damage, name))] if board.damage else []


def _families(daemon, mono):
    uploader, board, meters = daemon.sender.uploader, daemon.board, []
    for sensor in sensors(daemon):
        label = '{{sensor="{}",type="{}"}}'.format(sensor.id, sensor.type)
        meters.append((label, daemon.readings.meters[sensor.id]))
    return (
        ("info", "gauge", "version of the daemon", [('{{version="{}"}}'.format(VERSION), 1)]),
        (
            "uptime_seconds",
            "gauge",
            "since the daemon started",
            [("", int(mono - daemon.started_at))],
        ),
        ("board_up", "gauge", "1 while the board answers", [("", 0 if daemon.board_error else 1)]),
        ("board_polls_total", "counter", "polls", [("", board.polls)]),
        (
            "board_faults_total",
            "counter",
            "replies that were damaged or missing",
            [("", board.faults)],
        ),
        (
            "input_short_total",
            "counter",
            "too short pulses of an input since the board's power-on, modulo 65536",
            _shorts(board),
        ),
        (
            "board_damaged_records_total",
            "counter",
            "starts of the board with a damaged newest record",
            _of_damage(board, "falls"),
        ),
        (
            "board_worn_slots",
            "gauge",
            "worn slots of the board's EEPROM",
            _of_damage(board, "worn"),
        ),
        ("buffer_tuples", "gauge", "readings not acknowledged yet", [("", len(daemon.store))]),
        ("upload_requests_total", "counter", "posts", [("", uploader.requests)]),
        (
            "upload_failures_total",
            "counter",
            "posts without a good answer",
            [("", uploader.failures)],
        ),
        (
            "upload_acknowledged_total",
            "counter",
            "readings that the server has",
            [("", uploader.acknowledged)],
        ),
        (
            "upload_aside_total",
            "counter",
            "readings that the server refused while it took their neighbours",
            [("", uploader.aside.count)],
        ),
        (
            "upload_last_ok_age_seconds",
            "gauge",
            "since readings were acknowledged",
            [("", _since(uploader.last_ok, mono))],
        ),
        (
            "clock_believed",
            "gauge",
            "1 when the time is known",
            [("", 1 if daemon.believer.believed else 0)],
        ),
        ("clock_jumps_total", "counter", "jumps of the wall clock", [("", daemon.believer.jumps)]),
        ("lan_requests_total", "counter", "requests of the LAN API", [("", daemon.lan.requests)]),
        (
            "lan_refused_total",
            "counter",
            "those refused, and connections cut",
            [("", daemon.lan.refused)],
        ),
    ) + _of_quantities(meters)
