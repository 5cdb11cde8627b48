# SPDX-License-Identifier: GPL-3.0-or-later
"""What bounds the hot path, and why each number."""

BODY_MAX = 1 << 20  # bytes: 40,000 tuples, a month of minutes; our daemon sends 8 KiB at most
# bytes from a sensor or device that is not known yet: enough for a key or a configuration
UNKNOWN_BODY_MAX = 4096
LARGE_BODY = 1 << 16  # bytes from which a request gives way to others between its steps
APPEND_SLICE = 4096  # tuples handed to the store at once, which takes no more
# bytes of bodies that all connections hold together: full ones of 20,000 would fill any memory
BODIES_MAX = 256 << 20
# bytes of a request's head: a device sends under 1 KiB, a browser with all its cookies a few
HEAD_MAX = 32 << 10
# requests that wait on a connection for the answer before theirs; no known client sends even two
PIPELINE_MAX = 32
REQUEST_S = 30  # from a request's first byte to its last; our daemon waits as long for an answer
KEEP_ALIVE_S = 330  # without a request: who uploads every five minutes finds the connection open
UNSENT_S = 60  # in which a client takes no byte of its answer; a phone leaves a tunnel sooner
# from a close until the unsent bytes are dropped: a megabyte on the slowest of lines
CLOSE_S = 300
SWEEP_S = 5  # in which each connection is looked at once
# turns of a sweep: to look at 20,000 connections at once, some µs each, would hold up uploads
SWEEP_PARTS = 20
# Requests a second, and at once, of a home and of a site (project/networks.py). A thousand
# households behind a provider's one address send twenty a second, and some thousands after an
# outage; a core answers some thousands a second.
HOME_RATE, HOME_BURST = 100, 5_000
SITE_RATE, SITE_BURST = 500, 20_000
BUCKETS_MAX = 100_000  # networks whose requests are counted, some 200 bytes each
# s that a client is asked to stay away, at random within: all devices of an outage come back at
# once, and must not do so again
AWAY_MIN_S, AWAY_MAX_S = 60, 300
WAITING_PART = 4  # of the connections that may wait for the store at once; more are put off
SENSORS_CACHED_MAX = 200_000  # about 1,200 bytes each
TOKENS_CACHED_MAX = 50_000
LOOKUPS_WAITING_MAX = 10_000  # requests that wait for a look-up; more are answered 503
LOOKUP_BATCH = 400  # ids in a query, each twice; SQLite allows 999 variables
CHANGES_POLL_S = 2  # between two looks for revocations, which are promised to hold within 10 s
CHANGES_STALE_S = 8  # without such a look: nothing cached is believed any more
TROUBLE_FLUSH_S = 5
# sensors whose faults, and refusals of a kind, that are counted between two flushes
TROUBLE_SENSORS_MAX = 20_000
WORK_WAITING_MAX = 1000  # reads that wait for a thread, some ms each; more are answered 503
