# SPDX-License-Identifier: GPL-3.0-or-later
"""A clamp's constant by the utility meter: what two readings tell, what they do not, and the file
between them.
"""

import copy
import json
import random

import pytest

from flukso import __main__ as cli
from flukso import calibration, uci
from flukso.calibration import CalibrationError, Done, Moment, Part, Reading, Record
from tests.daemon.fake_board import FakeBoard
from tests.daemon.fake_port import IDS, MAIN, FakePort
from tools.fakes.clock import JumpingClock

AMOUNTS = [
    ("14930.2", (14_930_200, 100)),
    ("14930", (14_930_000, 1000)),
    ("0.001", (1, 1)),
    ("14930.200kWh", (14_930_200, 1)),
    ("14930.2 kWh", (14_930_200, 100)),
    ("14.9302MWh", (14_930_200, 100)),
    ("14930200Wh", (14_930_200, 1)),
    ("999999999.999", (999_999_999_999, 1)),
]
NO_AMOUNTS = [
    "",
    ".",
    "-1",
    "-0.5kWh",
    "14930,2",
    "1.2.3",
    "14930.2345",
    "1.5Wh",
    "1e3",
    "x",
    "1000000000",
    "0x10",
    "+1",
    "14930.2 k",
    "²",
]


@pytest.mark.parametrize("text, want", AMOUNTS)
def test_a_reading_has_the_resolution_of_its_digits(text, want):
    assert calibration.amount(text) == want


@pytest.mark.parametrize("text", NO_AMOUNTS)
def test_what_is_no_reading_is_refused(text):
    with pytest.raises(CalibrationError):
        calibration.amount(text)


def moment(counters, time=1_700_000_000, power=0, constant=5_163_500, **changes):
    parts = tuple(
        Part(IDS[n], n + 1, counter, power, constant) for n, counter in enumerate(counters)
    )
    return Moment(time, 100, "boot", "2.1", 3, 60, parts)._replace(**changes)


def readings(metered, counted, *, resolution=100, power=0, first=1000, **changes):
    """Two readings, ten days apart, between which meter and clamps (as many as there are numbers)
    count so many Wh.
    """
    begin = Reading(5_000_000, resolution, 60, moment([first] * len(counted), power=power))
    end = moment([(first + n) % calibration.WRAP for n in counted], 1_700_864_000, power, **changes)
    return begin, Reading(5_000_000 + metered, resolution, 60, end)


def test_the_factor_and_its_uncertainty():
    """By hand: 0.1 kWh / sqrt(6) = 40.8 Wh; 1 kW for 62 s = 17.2 Wh / sqrt(3), twice; 2 x 43.2 Wh
    of 98,000.
    """
    outcome = calibration.compare(*readings(98_000, [100_000], power=1000))
    assert calibration.correction(outcome) == pytest.approx(-0.02)
    assert outcome.uncertainty == pytest.approx(
        2 * (100**2 / 6 + 2 * 17.222**2 / 3 + 0.98**2 / 6) ** 0.5 / 98_000, rel=1e-4
    )
    assert outcome.elapsed_s == 864_000 and calibration.lacking(outcome) == 0
    assert calibration.corrected(outcome, 5_163_500, False) == 5_060_230
    assert calibration.corrected(outcome, 5_163_000, True) == 5_060_000


def test_the_true_factor_is_within_the_uncertainty_19_times_of_20():
    chance = random.Random(7)
    inside = 0
    for _ in range(2000):
        energy, factor, resolution = (
            chance.uniform(10_000, 50_000),
            chance.uniform(0.9, 1.1),
            chance.choice([100, 1000]),
        )
        meter, clamp, late = (
            chance.uniform(0, 1000),
            chance.uniform(0, 1),
            [chance.uniform(-60, 60) for _ in range(2)],
        )
        power = chance.uniform(0, 3000)
        metered = (meter + energy) // resolution - meter // resolution
        counted = int(clamp + (energy + power * (late[1] - late[0]) / 3600) / factor) - int(clamp)
        outcome = calibration.compare(
            *readings(int(metered) * resolution, [counted], resolution=resolution, power=int(power))
        )
        inside += abs(calibration.correction(outcome) + 1 - factor) <= outcome.uncertainty * factor
    assert inside >= 1900


def test_what_is_lacking_makes_it_certain():
    begin, end = readings(3000, [3100], power=500)
    outcome = calibration.compare(begin, end)
    more = calibration.lacking(outcome)
    assert more > 0
    outcome = calibration.compare(
        *readings(3000 + more, [int((3000 + more) / 3000 * 3100)], power=500)
    )
    assert calibration.GOAL * 0.98 < outcome.uncertainty < calibration.GOAL * 1.01
    assert abs(calibration.needed(begin) - (3000 + more)) < 0.01 * (3000 + more)


def test_power_that_is_not_known_for_all_the_time_is_taken_as_the_mean():
    known = calibration.compare(*readings(240_000, [240_000]))
    guessed = calibration.compare(
        *[r._replace(moment=r.moment._replace(covered=0)) for r in readings(240_000, [240_000])]
    )
    assert guessed.uncertainty == pytest.approx(
        2 * (100**2 / 6 + 2 * 17.222**2 / 3 + 1 / 6) ** 0.5 / 240_000, rel=1e-4
    )
    assert known.uncertainty < guessed.uncertainty


def test_three_clamps_have_one_factor_over_a_wrap():
    outcome = calibration.compare(
        *readings(98_000, [50_000, 30_000, 20_000], first=calibration.WRAP - 25_000)
    )
    assert outcome.counted == 100_000 and calibration.correction(outcome) == pytest.approx(-0.02)


REFUSED = [
    (readings(-1, [100]), "lower than the first"),
    (readings(0, [100]), "stands where it stood"),
    (readings(1000, [0]), "counted nothing"),
    (readings(1000, [-500]), "fell since"),
    (readings(50_000, [100_000]), "no clamp is so far off"),
    (readings(150_000, [100_000]), "no clamp is so far off"),
    (readings(98_000, [100_000], hardware="2.0"), "another one"),
    (readings(98_000, [100_000], falls=2), "another one"),
    (readings(98_000, [100_000], parts=(Part(IDS[1], 1, 101_000, 0, 5_163_500),)), "another id"),
    (
        readings(98_000, [100_000], constant=5_060_000),
        "was 5163.500 at the first reading and is 5060.000 now",
    ),
]


@pytest.mark.parametrize("pair, said", REFUSED)
def test_readings_that_tell_nothing_are_refused(pair, said):
    with pytest.raises(CalibrationError, match=said):
        calibration.compare(*pair)


def test_a_coarse_reading_is_not_called_implausible():
    """One turn of a meter's last drum against little energy: uncertain, not wrong."""
    assert calibration.compare(*readings(1000, [700], resolution=1000)).uncertainty > 0.5


def test_a_constant_that_no_board_takes_is_refused():
    outcome = calibration.compare(*readings(128_000, [100_000]))
    with pytest.raises(CalibrationError):
        calibration.corrected(outcome, 65_000_000, False)


FULL = Record(
    [
        Reading(14_930_200, 100, 60, moment([1, 2, 3])._replace(boot="it's")),
        Reading(0, 1, 3600, moment([calibration.WRAP - 1], 0)),
    ],
    [
        Done(n, 9800, 31, ((IDS[0], 1, 5_163_500, 5_060_231), (IDS[1], 2, 1, 65_535_999)))
        for n in range(calibration.DONE_MAX)
    ],
)


def test_the_file_holds_what_it_was_given_and_no_more():
    assert calibration.unpack(calibration.pack(FULL)) == FULL
    more = Record(FULL.begun, [Done(0, 1, 1, ((IDS[0], 1, 1, 1),)), *FULL.done])
    assert calibration.unpack(calibration.pack(more)) == FULL
    begun = Reading(10**12, 10**5, 3600, moment([2**32 - 1] * 3)._replace(boot="b" * 64))
    done = Done(2**32, 13000, 9999, ((IDS[0], 1, 65_535_999, 65_535_999),) * 3)
    longest = Record([begun] * calibration.BEGUN_MAX, [done] * calibration.DONE_MAX)
    assert len(calibration.pack(longest)) < calibration.FILE_MAX


def test_a_damaged_file_is_not_believed():
    data = calibration.pack(FULL)
    for at in range(0, len(data), 7):
        for bad in (
            data[:at],
            data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :],
            data[:at] + bytes(len(data) - at),
        ):
            with pytest.raises(CalibrationError):
                calibration.unpack(bad)


# the command, on a board that it asks itself

CLAMP = """config sensor '{0}'
	option id {1}
	# hung up by Ann
	option function "{2}"
	option class analog
	option constant   {3} # of the clamp
	list port {0}
	option enable 1
"""
PULSE = (
    "config sensor 4\n\toption id {}\n\toption class pulse\n"
    "\tlist port 4\n\toption enable 1\n".format(IDS[3])
)
PATH, FILE = "/etc/flukso", "/etc/flukso.calibration"


class Process:
    """Nobody at the terminal unless a test says what he answers."""

    def __init__(self):
        self.answers, self.questions = [], []

    def ask(self, question):
        self.questions.append(question)
        return self.answers.pop(0) if self.answers else None

    def exists(self, path):
        return False

    def hear_interrupts(self):
        pass


class House:
    """Three clamps; `meter` shows what they carried, and the board counts 2 % more of it."""

    def __init__(self, monkeypatch, capsys, text=None, **board):
        self.clock = JumpingClock(1_700_000_000.0)
        self.board = FakeBoard(self.clock, **board)
        whole = board.get("hw_minor") == 0
        text = (
            text
            or MAIN
            + "".join(
                CLAMP.format(n + 1, IDS[n], ("Grid", "grid", "sun")[n], "5266.77") for n in range(3)
            )
            + PULSE
        )
        self.port = FakePort(self.clock, self.board, None, text)
        self.board.constant[:3], self.board.fraction[:3] = [5266] * 3, [0 if whole else 770] * 3
        self.process = Process()
        monkeypatch.setattr(cli.ports, "load_process", lambda: self.process)
        self.capsys = capsys
        self.meter_wh = 14_930_200.0

    def use(self, watts, hours):
        for n, watt in enumerate(watts):
            self.board.watts[n] = watt * 1.02
        self.board.meter()
        self.clock.now += hours * 3600
        self.board.meter()
        self.board.watts = [0, 0, 0]
        self.meter_wh += sum(watts[:2]) * hours

    def run(self, line):
        self.clock._pump = None
        status = cli.run(["board", "calibrate", *line.split(), "--config", PATH], self.port)
        said = self.capsys.readouterr().out + "\n".join(text for _, text in self.port.lines)
        self.port.lines = []
        return status, said

    def tell(self, line="grid", more="", digits=1):
        """Tell the meter's reading."""
        step = 10 ** (3 - digits)
        return self.run(
            "{} --reading {:.{}f} {}".format(
                line, self.meter_wh // step * step / 1000, digits, more
            )
        )

    def text(self):
        return uci.text_of(self.port.files[PATH])

    def record(self):
        return calibration.unpack(self.port.files[FILE])


@pytest.fixture
def house(monkeypatch, capsys):
    return lambda *args, **board: House(monkeypatch, capsys, *args, **board)


def test_two_readings_set_the_constant_and_keep_the_old_one(house):
    home = house()
    before = home.text()
    status, said = home.tell()
    assert (
        status == 0 and "sensors 1 + 2: 14930.2 kWh (to 0.1) kept" in said and home.text() == before
    )
    home.use([300, 200, 0], 240)
    home.process.answers = ["yes"]
    status, said = home.tell()
    assert (
        status == 0
        and "the constant is to change by -1.96 % ± 0.0" in said
        and "in 10.0 days" in said
    ), said
    assert "sensor 2: constant 5266.77 -> 5163.5" in said and home.process.questions == [
        "set it in /etc/flukso? [y/N] "
    ]
    change = home.record().done[0].changes[0]
    new = calibration.plain(change[3])
    assert abs(float(new) - 5163.5) < 3
    text = before.replace("option constant   5266.77", "option constant '{}'".format(new), 2)
    assert home.text() == text
    assert (home.board.constant[0], home.board.fraction[0]) == divmod(
        change[3], 1000
    ) and home.board.constant[2] == 5266
    assert "the board has it" in said and home.record().begun == []
    status, said = home.run("")
    assert status == 0 and "sensor 1 went from 5266.77 to {}: -1.96 % ± 0.0".format(new) in said


@pytest.mark.parametrize(
    "answers, said",
    [([], "--yes sets it"), (["no"], "the first reading stays"), ([""], "the first reading stays")],
)
def test_without_a_yes_nothing_is_set(house, answers, said):
    home = house()
    before = home.text()
    home.tell()
    home.use([300, 200, 0], 240)
    home.process.answers = list(answers)
    assert said in home.tell()[1] and home.text() == before and len(home.record().begun) == 1
    assert home.tell(more="--yes")[0] == 0 and home.text() != before


def test_too_little_energy_says_how_much_more(house):
    home = house()
    home.tell(digits=0)
    home.use([300, 200, 0], 48)
    status, said = home.tell(digits=0, more="--yes")
    assert (
        status == 1
        and "too uncertain" in said
        and "kWh more are needed" in said
        and len(home.record().begun) == 1
    )
    home.use([300, 200, 0], 240)
    assert home.tell(digits=0, more="--yes")[0] == 0


@pytest.mark.parametrize(
    "more_wh, said", [(0, ""), (-400, "kWh more would tell so small a change")]
)
def test_a_constant_that_is_right_stays(house, more_wh, said):
    home = house()
    home.tell(digits=0, more="--within 3600")
    home.board.watts = [500, 0, 0]
    home.clock.now += 240 * 3600
    home.board.meter()
    home.board.watts = [0, 0, 0]
    home.meter_wh += 500 * 240 + more_wh
    before = home.text()
    status, text = home.tell(more="--yes --within 3600", digits=0)
    assert status == 0 and "right as far as these readings tell" in text and home.text() == before
    assert ("would tell" in text) == bool(said) and said in text


def test_a_board_without_fractions_gets_a_whole_constant(house):
    home = house(historic=True, hw_minor=0)
    home.tell("1")
    home.use([500, 0, 0], 240)
    status, said = home.tell("1", "--yes")
    assert (
        status == 0
        and "sensor 1: constant 5266 -> 516" in said
        and "." not in said.partition("-> ")[2].partition("\n")[0]
    ), said
    assert home.board.constant[0] == home.record().done[0].changes[0][3] // 1000


def test_a_clamp_by_voltage_and_current_gets_a_constant_beside_them(house):
    text = MAIN + CLAMP.format(1, IDS[0], "grid", "0").replace(
        "option constant   0", "option voltage 230\n\toption current 51"
    )
    home = house(text)
    home.board.constant[0], home.board.fraction[0] = 5266, 770
    assert home.tell("1")[0] == 0
    home.use([500, 0, 0], 240)
    assert home.tell("1", "--yes")[0] == 0
    assert (
        "option voltage 230\n\toption current 51" in home.text()
        and "option constant '516" in home.text()
    )


WRONG = [
    ("grid --reading -5", "shows less than 0"),
    ("grid --reading x", "is no reading"),
    ("grid --reading 14930,2", "is no reading"),
    ("grid --reading 5 --resolution 0", "last digit stands for"),
    ("grid --reading 5 --resolution 200", "last digit stands for"),
    ("grid --reading 5 --within 0", "--within 0"),
    ("grid --reading 5 --within 4000", "--within 4000"),
    ("gird --reading 5", "is grid meant?"),
    ("5 --reading 5", "no enabled sensor 5; known are 1 (Grid), 2 (grid), 3 (sun), 4"),
    ("4 --reading 5", "is no clamp"),
    ("--reading 5", "needs the sensors"),
    ("grid", "needs what the meter shows"),
    ("grid --yes", "--yes goes with --reading"),
    ("grid --reading 5 --forget", "one of"),
]


@pytest.mark.parametrize("line, said", WRONG)
def test_words_that_mean_nothing_keep_nothing(house, line, said):
    home = house()
    with pytest.raises(ValueError) as raised:
        home.run(line)
    assert said in str(raised.value) and FILE not in home.port.files and not home.board.asked


def test_options_of_calibrate_belong_to_it_alone(house):
    with pytest.raises(ValueError, match="--yes goes with board calibrate"):
        cli.run(["board", "counters", "--yes", "--config", PATH], house().port)


def test_a_counter_that_was_set_back_is_refused(house):
    home = house()
    home.use([300, 200, 0], 10)
    home.tell()
    home.use([300, 200, 0], 240)
    home.board.counter[1] = 0
    before = home.text()
    status, said = home.tell(more="--yes")
    assert status == 1 and "the counter of sensor 2 fell" in said and home.text() == before


def test_a_board_that_counts_otherwise_than_the_configuration_is_refused(house):
    home = house()
    home.board.constant[0] = 5000
    status, said = home.tell()
    assert status == 1 and "flukso board sync first" in said and FILE not in home.port.files


def test_one_clamp_of_three_is_not_calibrated_beside_them(house):
    home = house()
    home.tell("1 2 3")
    assert home.tell("2")[0] == 1
    assert "is forgotten" in home.run("2 --forget")[1]
    assert home.tell("2")[0] == 0


def test_what_is_stored_is_shown_and_forgotten(house):
    home = house()
    assert "nothing is stored" in home.run("")[1]
    home.tell("1")
    home.tell("sun")
    said = home.run("")[1]
    assert (
        "sensor 1: 14930.2 kWh (to 0.1) at 2023-11-14 22:13 UTC; a second reading is certain to 1 "
        "% after" in said
    )
    assert "sensor 1: the reading of 14930.2 kWh is forgotten" in home.run("1 --forget")[1]
    assert [first.moment.parts[0].number for first in home.record().begun] == [3]
    home.run("--forget")
    assert home.record().begun == [] and "no reading to forget" in home.run("--forget")[1]


def test_a_damaged_file_is_said_and_put_aside(house):
    home = house()
    home.tell()
    home.port.files[FILE] = home.port.files[FILE][:-9]
    assert home.tell() == (
        1,
        "/etc/flukso.calibration: it is damaged; `flukso board calibrate --forget` puts it aside",
    )
    assert "put aside" in home.run("--forget")[1] and FILE not in home.port.files
    assert home.tell()[0] == 0


def test_flash_that_cannot_be_written_sets_nothing(house):
    home = house()
    home.tell()
    home.use([300, 200, 0], 240)
    home.port.write_error = "read-only"
    before = home.text()
    with pytest.raises(OSError, match="not set"):
        home.tell(more="--yes")
    assert (
        home.text() == before and len(home.record().begun) == 1 and home.board.constant[0] == 5266
    )


def test_a_clock_that_nobody_vouches_for_is_not_told(house):
    home = house()
    home.clock.ntp = False
    assert "a time that no clock vouched for" in home.tell()[1]
    home.use([300, 200, 0], 240)
    assert "days" not in home.tell(more="--yes")[1]


# the command, beside a daemon that runs

ROW = {"id": IDS[0], "counter": 1234, "value": 300, "constant": "5266.770"}
TOLD = {
    "board": {"error": None, "last_poll_age": 1, "hardware": "2.1", "damage": {"falls": 0}},
    "clock": {"time": 1_700_000_000, "believed": True},
    "sensors": [ROW],
}
WINDOW = [[1_700_000_000 + n, "nan" if n < 30 else n] for n in range(60)]


class Listener:
    """What listens on the LAN API's port: an answer by the beginning of the target."""

    def __init__(self, port, **answers):
        self.answers = answers
        port.connector = lambda url: self.connect

    async def connect(self):
        return self, self

    def write(self, data):
        target = data.split(b" ")[1].decode()
        body = self.answers["sensor" if target.startswith("/sensor/") else "status"]
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.left = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def drain(self):
        pass

    async def read(self, count):
        data, self.left = self.left[:count], self.left[count:]
        return data

    def close(self):
        pass


def beside_a_daemon(house, status, window):
    """Tell a reading of sensor 1 where this answers; return the house, the exit status and what was
    said.
    """
    text = MAIN.replace("enable_lan_branch 0", "enable_lan_branch 1") + CLAMP.format(
        1, IDS[0], "grid", "5266.77"
    )
    home = house(text)
    Listener(home.port, status=status, sensor=window)
    return home, *home.tell("1")


def test_the_daemon_tells_counters_and_the_highest_power_of_its_minute(house):
    home, status, said = beside_a_daemon(
        house, TOLD, [[n, watt] for n, watt in enumerate([900] + [40] * 59)]
    )
    assert status == 0 and "the counter 1234 Wh" in said and not home.board.asked
    moment = home.record().begun[0].moment
    assert (
        moment.parts == (Part(IDS[0], 1, 1234, 900, 5_266_770),)
        and moment.covered == 60
        and moment.time == 1_700_000_000
    )
    home, _, _ = beside_a_daemon(house, TOLD, WINDOW)
    assert (
        home.record().begun[0].moment.covered == 30
        and home.record().begun[0].moment.parts[0].power == 300
    )


def changed(path, value):
    """TOLD with another value there."""
    told = copy.deepcopy(TOLD)
    where = told
    for name in path[:-1]:
        where = where[name]
    where[path[-1]] = value
    return told


STRANGE = [
    (b"<html>", "no daemon that tells"),
    (b"", "no daemon that tells"),
    ([], "tells too little"),
    ({}, "tells too little"),
    (changed(["board"], None), "tells too little"),
    (changed(["board", "error"], "it is away"), "does not reach the board: it is away"),
    (changed(["board", "last_poll_age"], 60), "was not read lately"),
    (changed(["board", "last_poll_age"], None), "tells too little"),
    (changed(["board", "hardware"], None), "tells too little"),
    (changed(["clock", "time"], "now"), "tells too little"),
    (changed(["sensors"], []), "reads other sensors"),
    (changed(["sensors", 0, "id"], IDS[1]), "reads other sensors"),
    (changed(["sensors", 0, "counter"], None), "has not read sensor 1 yet"),
    (changed(["sensors", 0, "counter"], -1), "tells too little"),
    (changed(["sensors", 0, "value"], "much"), "tells too little"),
    (changed(["sensors", 0, "constant"], None), "tells too little"),
    (
        changed(["sensors", 0, "constant"], "5163.500"),
        "counts sensor 1 with 5163.5, and /etc/flukso says 5266.77",
    ),
]


@pytest.mark.parametrize("status, said", STRANGE)
def test_a_daemon_that_does_not_tell_is_not_believed(house, status, said):
    home = house(
        MAIN.replace("enable_lan_branch 0", "enable_lan_branch 1")
        + CLAMP.format(1, IDS[0], "grid", "5266.77")
    )
    Listener(home.port, status=status, sensor=WINDOW)
    try:
        result = home.tell("1")
    except OSError as error:
        result = (1, str(error))
    assert result[0] == 1 and said in result[1] and FILE not in home.port.files


@pytest.mark.parametrize("window", [[1], [[1]], [[1, -5]], [[1, None]], "x"])
def test_a_minute_that_is_none_is_not_believed(house, window):
    home, status, said = beside_a_daemon(house, TOLD, window)
    assert status == 1 and "tells too little" in said and FILE not in home.port.files
