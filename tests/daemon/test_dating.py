# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole daemon under clocks that are wrong: what goes up is dated rightly or not at all, and
the log says why.
"""

import json

import pytest

from flukso.https import CERTIFICATE, HttpsError
from tests.daemon.fake_port import CONFIG, IDS
from tests.daemon.house import House, run

# after this release was made: only such a clock is used when nobody confirms it
START = 1800000000.4
DAY = 86400
WRONG = {
    "a-day-behind": -DAY,
    "30-days-behind": -30 * DAY,
    "12-years-ahead": 12 * 365 * DAY,
    "1970": 100.4 - START,
}
SENSOR = IDS[0]


class Wrong(House):
    """A household that uses 1 Wh a second, so that each tuple tells when it was read; its clock is
    wrong, and nobody has set it.
    """

    def __init__(self, wrong_s=0, ntp=False, files=None, config=CONFIG):
        super().__init__(config=config, files=files, wall=START + wrong_s)
        self.board.watts = [3600, 0, 0]
        self.clock.ntp = ntp

    def truth(self):
        return START + self.clock.now

    def set_clock(self, ntp=True):
        self.clock.wall_offset, self.clock.ntp = START, ntp

    def held(self):
        return self.server.held(SENSOR)

    def misdated(self):
        return max(abs(ts - START - counter) for ts, counter in self.held())

    def said(self, text):
        return len(self.port.said(text))


@pytest.mark.parametrize("wrong_s", WRONG.values(), ids=WRONG)
def test_ntp_late(wrong_s):
    async def scenario():
        house = Wrong(wrong_s)
        house.start()
        await house.until(400)
        assert (
            house.server.tuples == {} and house.server.beats() == 1 and house.said("re-dated") == 0
        )
        house.set_clock()
        await house.until(800)
        await house.end()
        assert house.misdated() < 3 and house.held()[0][1] < 4 and not house.server.conflicts
        assert house.server.beats() == 2, (
            "the server took the first one, with its wrong time, for nothing"
        )
        assert (
            house.said("re-dated") == 1
            and house.said("the kernel says that the clock is synchronised") == 1
        )

    run(scenario())


@pytest.mark.parametrize("wrong_s", WRONG.values(), ids=WRONG)
def test_ntp_never(wrong_s):
    async def scenario():
        house = Wrong(wrong_s)
        house.server.signs = house.truth
        house.start()
        await house.until(55)
        assert house.server.tuples == {}
        await house.until(800)
        assert house.misdated() < 4 and house.held()[0][1] < 4 and not house.server.conflicts
        assert house.daemon.believer.source == "server" and house.server.beats() == 3
        assert (
            house.said("the server's, as the clock is wrong") == 1
            and house.said("left alone: it is") == 1
        )
        await house.end()

    run(scenario())


def test_the_server_confirms_a_clock_at_the_first_heartbeat():
    async def scenario():
        house = Wrong(20, ntp=None)
        house.server.signs = house.truth
        house.start()
        await house.until(60)
        assert (
            house.daemon.believer.source == "confirmed"
            and house.held()
            and house.server.beats() == 1
        )
        assert house.said("re-dated") == 0 and house.said("the server confirms the clock") == 1
        await house.end()

    run(scenario())


def test_nobody_says_the_time():
    async def scenario():
        house = Wrong(ntp=None)
        house.start()
        await house.until(3500)
        assert house.server.tuples == {} and house.said("nobody has confirmed the clock yet") == 1
        await house.until(4000)
        assert house.held()[0][1] < 4 and house.misdated() < 3
        assert house.said("the clock's alone, as nobody confirms it") == 1
        # it begins to sign, and the clock was wrong
        house.server.signs = lambda: house.truth() + 7200
        await house.until(9000)
        assert (
            house.daemon.believer.source == "server" and house.held()[-1][0] > house.truth() + 6800
        )
        await house.end()

    run(scenario())


@pytest.mark.parametrize("wrong_s", [-400 * DAY, 100.4 - START])
def test_a_clock_before_this_release_is_never_used(wrong_s):
    async def scenario():
        house = Wrong(wrong_s, ntp=None)
        house.start()
        await house.until(9000)
        await house.end()
        assert house.server.tuples == {} and house.server.beats() >= 2

    run(scenario())


def test_seven_minutes_in_2036():
    async def scenario():
        house = Wrong(ntp=True)
        house.start()
        await house.until(1000)
        house.clock.wall_offset, house.clock.ntp = START + WRONG["12-years-ahead"], False
        await house.until(1420)
        house.set_clock()
        await house.until(2000)
        await house.end()
        assert house.misdated() < 3 and not house.server.conflicts
        assert house.said("has jumped and is") == 1 and house.said("re-dated") == 0

    run(scenario())


def test_at_an_unknown_time_registration_and_heartbeats_go_out_and_a_clean_stop_posts_no_tuples():
    async def scenario():
        house = Wrong(
            -DAY,
            config=CONFIG.replace(
                "option version 210",
                "option version 210\nconfig settings daemon\n\toption register 1",
            ),
        )
        house.start()
        await house.until(600)
        await house.end()
        paths = [path.split("/")[1] for path, _ in house.server.posts]
        # the key and a heartbeat; a sensor's configuration
        assert paths.count("device") >= 2 and "sensor" in paths
        assert all(count == 0 for _, count in house.server.posts)
        assert len(house.daemon.store) > 10

    run(scenario())


class Again(Wrong):
    """The daemon's next process on the same machine, board and server."""

    def __init__(self, before, boot="b00t"):
        super().__init__(files=before.port.files)
        self.clock.now, self.clock.wall_offset, self.clock.ntp = (
            before.clock.now + 20,
            before.clock.wall_offset,
            before.clock.ntp,
        )
        self.clock.boot = lambda: boot
        self.board, self.server = before.board, before.server
        self.board._clock = self.board.clock = self.clock
        self.port.board = self.port.bus = self.board
        self.port.server = self.server


@pytest.mark.parametrize("ntp", [True, False, None])
def test_a_restart_with_a_steady_clock_says_nothing_of_re_dating(ntp):
    async def scenario():
        house = Wrong(ntp=ntp)
        house.clock.boot = lambda: "b00t"
        house.server.signs = house.truth
        house.start()
        for _ in range(4):
            await house.until(house.clock.now + 310.3)
            await house.end()
            house = Again(house)
            house.start()
        await house.until(house.clock.now + 310)
        assert house.said("the time is known") == 1, "each start names the source"
        assert house.said("re-dated") == 0 and house.daemon.believer.believed
        assert house.misdated() < 30
        await house.end()

    run(scenario())


@pytest.mark.parametrize("wrong_s", WRONG.values(), ids=WRONG)
def test_what_was_never_dated_is_dated_by_the_next_process(wrong_s):
    async def scenario():
        house = Wrong(wrong_s)
        house.clock.boot = lambda: "b00t"
        house.start()
        await house.until(500)
        await house.end()
        again = Again(house)
        again.start()
        await again.until(again.clock.now + 300)
        assert again.server.tuples == {}
        again.set_clock()
        await again.until(again.clock.now + 300)
        held = again.held()
        assert held[0][1] < 4 and abs(held[0][0] - START) < 5 and not again.server.conflicts
        assert all(ts - START < again.clock.now + 2 for ts, _ in held)
        await again.end()

    run(scenario())


def test_another_boot_cannot_date_what_was_never_dated_and_says_so():
    async def scenario():
        house = Wrong(-DAY)
        house.clock.boot = lambda: "b00t"
        house.start()
        await house.until(500)
        await house.end()
        kept = len(house.daemon.store)
        again = Again(house, boot="another")
        again.start()
        assert len(again.daemon.store) == 0
        assert again.said("{} readings of an earlier boot".format(kept)) == 1
        await again.until(again.clock.now + 60)
        again.set_clock()
        await again.until(again.clock.now + 300)
        assert again.held()[0][1] > 500, "the energy is in the counters that follow"
        await again.end()

    run(scenario())


REFUSED = HttpsError(CERTIFICATE, "the certificate of x is refused: it is not valid yet", True)
BLAMED = [
    ("unconfirmed", -DAY, None, "which nobody confirms", 1),
    ("before-the-release", -400 * DAY, False, "long past", 1),
    ("known-to-be-right", 0, True, "the reason is this machine's clock", 0),
]


@pytest.mark.parametrize(
    "wrong_s, ntp, text, times", [pytest.param(*row[1:], id=row[0]) for row in BLAMED]
)
def test_where_a_wrong_clock_makes_tls_refuse_the_log_says_that_it_is_the_clock(
    wrong_s, ntp, text, times
):
    async def scenario():
        house = Wrong(wrong_s, ntp)
        house.server.trouble = REFUSED
        house.start()
        await house.until(2000)
        assert house.server.posts == [] and house.said("it is not valid yet") >= 1
        assert house.said(text) == times and (
            not times or house.said("Nothing is posted until it is right") == 1
        )
        house.server.trouble = None
        house.set_clock()
        await house.until(4000)
        assert house.misdated() < 3 and house.held()[0][1] < 4
        await house.end()

    run(scenario())


def test_status_names_the_source():
    async def scenario():
        house = Wrong(-DAY)
        house.server.signs = house.truth
        house.start()
        from flukso import status

        def clock():
            house.daemon.lan = FakeLan()
            return json.loads(
                status.status(house.daemon, house.clock.wall(), house.clock.monotonic())
            )["clock"]

        await house.until(30)
        assert (clock()["source"], clock()["believed"], clock()["settled"]) == (
            "none",
            False,
            False,
        )
        await house.until(200)
        assert (clock()["source"], clock()["settled"]) == ("server", True) and abs(
            clock()["behind"] - DAY
        ) < 3
        await house.end()

    run(scenario())


class FakeLan:
    requests = refused = 0

    def connections(self):
        return 0


def test_a_time_that_is_contradicted_stops_the_posting_until_it_is_clear():
    async def scenario():
        house = Wrong(ntp=True)
        house.start()
        await house.until(1000)
        house.clock.wall_offset += DAY  # and the kernel vouches for it
        held = len(house.held())
        await house.until(1250)
        assert len(house.held()) == held and house.said("is contradicted: nothing is posted") == 1
        house.set_clock()
        await house.until(1700)
        await house.end()
        assert house.misdated() < 3 and len(house.held()) > held

    run(scenario())


def test_a_server_whose_time_is_not_the_kernel_s_is_said_once():
    async def scenario():
        house = Wrong(ntp=True)
        house.server.signs = lambda: house.truth() - 5000
        house.start()
        await house.until(9000)
        await house.end()
        assert house.misdated() < 3
        assert (
            house.said("the server's time is 5000 s behind the kernel's")
            + house.said("s behind the kernel's, which is believed")
            >= 1
        )
        assert house.said("which is believed") == 1

    run(scenario())
