# SPDX-License-Identifier: GPL-3.0-or-later
"""The parsers under fire: for each its seeds, and a call that may return or raise the parser's own
error, nothing else.
"""

import json
import struct

from flukso import (
    backlog,
    buffer,
    calibration,
    config,
    copies,
    digest,
    http,
    https,
    lan_guard,
    lan_http,
    spi,
    uart,
    uci,
    upload,
)

try:
    from zlib import crc32
except ImportError:  # MicroPython keeps it elsewhere
    from binascii import crc32

VECTORS = "tests/vectors/"
KEY, DEVICE, SENSOR = (
    "00112233445566778899aabbccddeeff",
    "fedcba9876543210fedcba9876543210",
    "0123456789abcdef0123456789abcde0",
)
OK = b'{"response":"ok"}'
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n" + OK,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n"
    + OK[:5]
    + b"\r\nc\r\n"
    + OK[5:]
    + b"\r\n0\r\nX-T: 1\r\n\r\n",
    b"HTTP/1.0 200 OK\nconnection: close\n\n" + OK,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nX-Upload-Interval: 20\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 "
    b"08:48:37 GMT\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Incorrect digest\r\nContent-Length: "
    b"2\r\n\r\n{}",
)
REQUESTS = (
    b"GET /sensor/"
    + SENSOR.encode()
    + b"?version=1.0&interval=minute&unit=watt&jsonp_callback=get_sensor_data HTTP/1.1",
    b"GET /status HTTP/1.1\r\nHost: flukso.local:8080\r\nUser-Agent: curl/7.19.7\r\nAccept: "
    b"*/*\r\nConnection: close",
    b"HEAD / HTTP/1.0\r\nX-Version: 1.0\r\nContent-Length: 0",
    b"GET / HTTP/1.1\r\nHost: [fe80::1]:8080\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: "
    b"navigate",
    b"POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 12",
)


def vectors(name):
    with open(VECTORS + name + ".json") as file:
        return json.load(file)


def unhex(text):
    return bytes([int(text[at : at + 2], 16) for at in range(0, len(text), 2)])


# each target: seeds() -> list of bytes; try_one(data) -> a value to compare; own: the errors that
# are its contract


class SpiReply:
    own = (spi.SpiError,)

    @staticmethod
    def seeds():
        replies = vectors("replies")
        return [
            unhex(case["wire"]).lstrip(b"\0")
            for part in ("good", "deltas")
            for case in replies[part]
        ]

    @staticmethod
    def try_one(data):
        return spi.decode(data)


class SpiReplyRightCrc:
    """The CRC is put right again, so that what lies behind it is reached."""

    own = (spi.SpiError,)
    seeds = SpiReply.seeds

    @staticmethod
    def try_one(data):
        end = data.find(b".u")
        if end > 3:
            data = data[: end - 2] + ("%02x" % spi.crc8(data[1 : end - 2])).encode() + data[end:]
        return spi.decode(data)


class UartLines:
    own = ()

    @staticmethod
    def seeds():
        lines = [case["line"].encode() for case in vectors("uart")["good"]]
        return [b"\r\n".join(lines) + b"\r\n", b"\n".join(lines[:3]) + b"\n", lines[0] + b"\r\n"]

    @staticmethod
    def try_one(data):
        whole, pieces = uart.Splitter(), uart.Splitter()
        lines = whole.feed(data)
        cut = []
        for at in range(0, len(data), 7):
            cut += pieces.feed(data[at : at + 7])
        assert [tuple(line) for line in cut] == [tuple(line) for line in lines], (
            "pieces are read otherwise"
        )
        assert len(pieces._rest) <= 200
        return lines


class Uci:
    own = (config.ConfigErrors,)

    @staticmethod
    def seeds():
        return [
            case["flukso"].encode() for part in ("good", "bad") for case in vectors("uci")[part]
        ]

    @staticmethod
    def try_one(data):
        text = uci.text_of(bytes(data))
        assert uci.bytes_of(text) == bytes(data), "bytes are lost"
        return config.parse(text)

    @staticmethod
    def error(error):
        return [problem.line for problem in error.problems]


class ConfigurationCopy:
    """A copy of the configuration: a damaged one is None, and nothing is raised."""

    own = ()

    @staticmethod
    def seeds():
        texts = [case["flukso"] for case in vectors("uci")["good"]]
        return [
            copies.pack(copies.Copy(text, {"device": DEVICE, "key": KEY})) for text in texts
        ] + [text.encode() for text in texts]

    @staticmethod
    def try_one(data):
        return copies.unpack(bytes(data))


class SavedBuffer:
    own = (buffer.SavedBufferError,)

    @staticmethod
    def seeds():
        seeds = []
        for tuples in (0, 1, 40):
            store = backlog.Store()
            for n in range(tuples):
                for sensor in (SENSOR, DEVICE):
                    store.buffer(sensor).add(1700000000 + 60 * n, 7 * n)
            seeds.append(store.dump())
        return seeds

    @staticmethod
    def try_one(data):
        store = backlog.load(data)
        dumped = store.dump()
        assert backlog.load(dumped).dump() == dumped
        return dumped


class SavedBufferRightCrc(SavedBuffer):
    @staticmethod
    def try_one(data):
        if len(data) > 4:
            data = data[:-4] + struct.pack("<I", crc32(data[:-4]) & 0xFFFFFFFF)
        return SavedBuffer.try_one(data)


class HttpAnswer:
    own = (https.HttpsError,)

    @staticmethod
    def seeds():
        return list(ANSWERS)

    @staticmethod
    def try_one(data):
        outcomes = []
        for step in (len(data) or 1, 1 + len(data) // 7):
            try:
                answer = run(read_answer(data, step))
                outcomes.append((answer.status, answer.headers, answer.body))
            except https.HttpsError as error:
                outcomes.append((error.kind, ""))
        assert outcomes[0] == outcomes[1], "pieces are read otherwise"
        assert len(outcomes[0]) == 2 or len(outcomes[0][2]) <= https.BODY_MAX
        # lower() and strip() do not agree outside ASCII, and this reader serves MicroPython alone
        return outcomes[0] if all(byte < 128 for byte in data) else None


async def read_answer(data, step):
    at = [0]

    async def read():
        at[0] += step
        return data[at[0] - step : at[0]]

    return await http.AnswerReader(read).answer()


def run(coroutine):
    """Run a coroutine that never waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


class LanRequest:
    own = (lan_http.HttpError,)

    @staticmethod
    def seeds():
        return list(REQUESTS)

    @staticmethod
    def try_one(data):
        head = lan_http.parse_head(data)
        lan_guard.why_not(head.headers, lambda: ("flukso.local",))
        return head


class UploadAnswer:
    """What the uploader makes of any answer: it goes on, and keeps every tuple that was not
    acknowledged.
    """

    own = ()

    BODIES = (
        OK,
        b"",
        b"{}",
        b'{"upgrade":0,"timestamp":1288290519,"claimed":1}',
        b'{"error":"malformed"}',
    )

    @staticmethod
    def seeds():
        heads = [
            b"200\nx-upload-interval: 20\n\n",
            b"204\n\n",
            b"503\nretry-after: 120\n\n",
            b"401\nwww-authenticate: Incorrect digest\n\n",
        ]
        return [head + body for head in heads for body in UploadAnswer.BODIES]

    @staticmethod
    def try_one(data):
        head, _, body = data.partition(b"\n\n")
        lines = "".join([chr(byte) for byte in head]).split("\n")
        status = (
            int(lines[0])
            if len(lines[0]) == 3 and all("0" <= char <= "9" for char in lines[0])
            else 200
        )
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if status == 200:
            headers["x-digest"] = digest.x_digest(KEY, body)
        result = UploadAnswer.outcome(https.Answer(status, headers, body))
        # MicroPython's json takes what is not quite JSON ({"a":1 without its end); under a good
        # digest that does no harm
        return result if body in UploadAnswer.BODIES and all(byte < 128 for byte in data) else None

    @staticmethod
    def outcome(answer):
        store = backlog.Store()
        for n in range(5):
            store.buffer(SENSOR).add(1700000000 + 60 * n, n)
        uploader = upload.Uploader(upload.Setup(DEVICE, KEY, 1, 300, [SENSOR], "", bytes, dict))
        mono, said = 100.0, []
        for _ in range(2):  # the heartbeat, then the tuples
            request = uploader.next_request(store, 1700000300, mono)
            if request is not None:
                event = uploader.answered(request, answer, mono, store)
                said.append(None if event is None else (event.level, event.text))
        left = len(store.buffer(SENSOR))
        assert left in (0, 5)
        assert left or upload.acknowledges(answer.status, answer.body)
        assert uploader.due_at(mono) <= mono + 86400 * 2
        return (left, said, uploader.due_at(mono), uploader.interval_s(mono))


class Calibration:
    """The file of `flukso board calibrate`, with the right checksum: what follows is reached."""

    own = (calibration.CalibrationError,)

    @staticmethod
    def seeds():
        part = calibration.Part(SENSOR, 1, 4294967295, 800, 5163500)
        moment = calibration.Moment(1700000000, 77, "b0-07", "2.1", 0, 60, (part, part))
        first = calibration.Reading(14930200, 100, 60, moment)
        done = calibration.Done(1700000000, 9800, 31, ((SENSOR, 1, 5163500, 5060231),))
        return [
            calibration.pack(calibration.Record(begun, sets)).partition(b"\n")[2]
            for begun in ([], [first])
            for sets in ([], [done, done])
        ]

    @staticmethod
    def try_one(data):
        read = calibration.unpack(calibration.HEAD.format(crc32(data) & 0xFFFFFFFF).encode() + data)
        assert calibration.unpack(calibration.pack(read)) == read
        return read


class Amount:
    own = (calibration.CalibrationError,)

    @staticmethod
    def seeds():
        return [b"14930.2", b"14930", b"0.001", b"14.9302MWh", b"14930200Wh", b"14930.2 kWh", b"-1"]

    @staticmethod
    def try_one(data):
        wh, step = calibration.amount("".join([chr(byte) for byte in data]))
        assert wh >= 0 and 1 <= step <= 1000000 and wh % step == 0
        return wh, step


class History:
    """What members bring along; the platform's, so for one interpreter."""

    own = ()
    runtimes = ("cpython",)

    @staticmethod
    def seeds():
        meter = (
            b"Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);Register;Volume;Eenheid\n"
            b"02-09-2025;00:00:00;02-09-2025;00:15:00;Afname Nacht;0,065;kWh\n"
            b"02-09-2025;00:15:00;02-09-2025;00:30:00;Injectie Dag;0,120;kWh\n"
        )
        return [
            meter,
            b"2014-01-07 16:02:00,696\n2014-01-07 16:03:00,nan\n2014-01-07 16:04:00,12\n",
            b"\xef\xbb\xbftime;counter\r\n1792630020;400,5\r\n26-10-2025 02:30;410\r\n",
            b"1792630020 400\n1792630080\t410\n",
        ]

    @staticmethod
    def try_one(data):
        from zoneinfo import ZoneInfo

        from flukso_server import history

        found = history.read(data, history.Wish(ZoneInfo("Europe/Brussels")))
        lines = len(data.decode("utf-8-sig", "replace").splitlines())
        assert len(found.tuples) <= 2 * lines and len(found.faults) <= lines
        assert all(0 <= ts < 1 << 32 and counter >= 0 for ts, counter in found.tuples)
        assert all(0 < fault.line <= lines and str(fault) for fault in found.faults)
        moved, left = history.rebased(found, (1_500_000_000, 5), (1_600_000_000, 9))
        assert len(moved) + left == len(found.tuples)
        return [list(pair) for pair in found.tuples]


TARGETS = {
    "spi-reply": SpiReply,
    "spi-reply-right-crc": SpiReplyRightCrc,
    "uart-lines": UartLines,
    "uci": Uci,
    "configuration-copy": ConfigurationCopy,
    "saved-buffer": SavedBuffer,
    "saved-buffer-right-crc": SavedBufferRightCrc,
    "http-answer": HttpAnswer,
    "lan-request": LanRequest,
    "upload-answer": UploadAnswer,
    "calibration": Calibration,
    "meter-reading": Amount,
    "history": History,
}
