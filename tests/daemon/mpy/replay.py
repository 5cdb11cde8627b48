# SPDX-License-Identifier: GPL-3.0-or-later
"""On MicroPython: the pure modules give what the vectors say. Prints the number of cases; argument:
the project's folder.
"""

import json
import sys
from binascii import hexlify, unhexlify

ROOT = sys.argv[1]
sys.path.insert(0, ROOT)

from flukso import config, digest, meter, spi, upload  # noqa: E402

done = [0]


def load(name):
    with open(ROOT + "/tests/vectors/" + name + ".json") as file:
        return json.load(file)


def check(case, got, want):
    assert got == want, "{}: {} is not {}".format(case["id"], got, want)
    done[0] += 1


def refuses(case, error, call, *args):
    try:
        call(*args)
    except error:
        done[0] += 1
        return
    raise AssertionError(case["id"] + ": not refused")


def replay_spi():
    for case in load("crc8")["cases"]:
        check(case, "{:02x}".format(spi.crc8(unhexlify(case["hex"]))), case["crc"])
    control = load("control")
    for case in control["good"]:
        check(case, spi.encode(case["command"], *case["values"]), case["message"].encode())
    for case in control["refused"]:
        refuses(case, spi.SpiError, spi.encode, case["command"], *case["values"])
    replies = load("replies")
    for case in replies["good"]:
        reply = spi.decode(unhexlify(case["wire"]))
        check(
            case,
            (reply.command, list(reply.values), hexlify(reply.uart).decode()),
            (case["command"], case["values"], case["uart"]),
        )
    for case in replies["deltas"]:
        check(
            case,
            [list(delta) for delta in spi.decode(unhexlify(case["wire"])).values],
            case["deltas"],
        )
    for case in replies["bad"]:
        refuses(case, spi.SpiError, believed, case)


def believed(case):
    """Play the exchange of the command that was sent with the bytes that came."""
    wire = unhexlify(case["wire"])
    spi.decode(wire)
    steps = spi.exchange(case["ask"], (0,) * len(spi.COMMANDS[case["ask"]][0]))
    steps.send(None)
    steps.send(b"")
    answer, at = None, 0
    while True:
        _, ask = steps.send(answer)
        answer = (wire + bytes(64))[at : at + len(ask)]
        at += len(ask)


def replay_config():
    uci = load("uci")
    for case in uci["good"]:
        settings = config.parse(case["flukso"], case["system"])
        for name, want in case["expect"].items():
            if name == "sensors":
                check(
                    case,
                    [sensor.id for sensor in settings.sensors],
                    [sensor["id"] for sensor in want],
                )
                for sensor, expected in zip(settings.sensors, want):  # noqa: B905
                    check(
                        case,
                        (sensor.constant, sensor.fraction),
                        (expected["constant"], expected["fraction"]),
                    )
            else:
                check(case, getattr(settings, name), want)
    for case in uci["bad"]:
        try:
            config.parse(case["flukso"], case["system"])
        except config.ConfigErrors as errors:
            check(
                case,
                [problem.line for problem in errors.problems],
                [line for line, _ in case["errors"]],
            )
            continue
        raise AssertionError(case["id"])


def replay_digests():
    digests = load("digests")
    for case in digests["x_digest"]:
        check(case, digest.x_digest(case["key"], unhexlify(case["body_hex"])), case["digest"])
    for case in digests["x_sign"]:
        check(
            case,
            digest.x_sign(case["key"], case["path"], unhexlify(case["body_hex"])),
            case["sign"],
        )
    uploads = load("uploads")
    for case in uploads["requests"]:
        check(case, upload.encode(case["tuples"]), case["body"].encode())
    for case in uploads["answers"]:
        check(
            case, upload.acknowledges(case["status"], case["body"].encode()), case["acknowledged"]
        )


def replay_meter():
    top = 1 << 32
    one = meter.Meter()
    one.pulse(10, top - 1, 0, top - 1000)
    check({"id": "meter-wraps"}, one.pulse(12, 1, 0, 1000).rate, 3600)
    check({"id": "meter-window"}, one.window(12, 1000)[-1], (1000, 3600))
    check({"id": "meter-reset"}, one.pulse(13, 0, 0, 2000).rate, None)


replay_spi()
replay_config()
replay_digests()
replay_meter()
print(done[0])
