# SPDX-License-Identifier: GPL-3.0-or-later
"""What bounds the hot path, and why each number."""

BODY_MAX = 1 << 20  # bytes: 40,000 tuples, a month of minutes; our daemon sends 8 KiB at most
UNKNOWN_BODY_MAX = (
    4096  # bytes from a sensor or device that nobody knows yet: a key or a configuration
)
LARGE_BODY = 1 << 16  # bytes from which the steps of a request let others in between
APPEND_SLICE = 4096  # tuples handed to the store at once, all that it takes
BODIES_MAX = (
    256 << 20
)  # bytes of bodies held at once, of all connections: those of 20,000 would fill any memory
HEAD_MAX = (
    32 << 10
)  # bytes of a request's head: ours are under 1 KiB, a browser with all its cookies sends a few
# requests that wait on a connection while one before them is answered; no client of the field sends
# two
PIPELINE_MAX = 32
REQUEST_S = 30  # from a request's first byte to its last; our daemon's own time-out is as long
KEEP_ALIVE_S = 330  # s: an upload each five minutes finds its connection open
UNSENT_S = 60  # s without a byte of an answer taken: a phone in a tunnel comes back sooner
CLOSE_S = (
    300  # from a close until what is still unsent is dropped: a megabyte on the slowest of lines
)
SWEEP_S = 5  # in which each connection is looked at once
# turns of a sweep: to look at 20,000 connections at once, some µs each, would hold up uploads
SWEEP_PARTS = 20
CONNECTIONS_MAX = 20_000  # about 20 KB each with TLS
SENSORS_CACHED_MAX = 200_000  # about 1,200 bytes each
TOKENS_CACHED_MAX = 50_000
LOOKUPS_WAITING_MAX = 10_000  # requests that wait for a look-up; more are answered 503
LOOKUP_BATCH = 500  # ids in a query; SQLite allows 999 variables
CHANGES_POLL_S = 2  # how soon a revocation is seen; promised within 10 s,
CHANGES_STALE_S = 8  # so that with the database away for longer nothing cached is believed
TROUBLE_FLUSH_S = 5
TROUBLE_SENSORS_MAX = 20_000  # sensors whose trouble is counted between two flushes
WORK_WAITING_MAX = 1000  # reads that wait for a thread, some ms each; more are answered 503
