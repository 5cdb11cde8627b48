# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a LAN API as fast as it answers. Arguments: port, connections, seconds, path; prints one
line of JSON.
"""

import json
import select
import socket
import sys
import time


def load(port: int, connections: int, seconds: float, path: str) -> dict:
    """Keep one request outstanding on each connection; latencies in ms."""
    request = (
        "GET {} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n".format(
            path
        ).encode()
    )
    poller = select.epoll()
    sockets, sent, latencies = {}, {}, []
    now = time.perf_counter
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        sockets[connection.fileno()] = connection
        poller.register(connection, select.EPOLLIN)
    begin = now()
    for fd, connection in sockets.items():
        sent[fd] = now()
        connection.send(request)
    while now() - begin < seconds:
        for fd, _ in poller.poll(0.1):
            answer = sockets[fd].recv(65536)
            if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b"]]"):
                raise SystemExit("no good answer: {!r}".format(answer[:200]))
            moment = now()
            latencies.append(moment - sent[fd])
            sent[fd] = moment
            sockets[fd].send(request)
    elapsed = now() - begin
    latencies.sort()
    return {
        "requests_s": round(len(latencies) / elapsed),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
        "slowest_ms": round(latencies[-1] * 1000, 2),
    }


if __name__ == "__main__":
    print(json.dumps(load(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])))
