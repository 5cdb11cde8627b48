# SPDX-License-Identifier: GPL-3.0-or-later
"""History as spreadsheets, the old API, smart meters and people write it."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso_server.history import Wish, describe, read, rebased
from flukso_server.history.quarters import columns

ANY = Wish(ZoneInfo("Europe/Brussels"))
BRUSSELS = Wish(ZoneInfo("Europe/Brussels"), "counter")
TWO = [(1792630020, 400), (1792630080, 410)]
TAKEN = [
    ("as exported", b"time,counter\r\n1792630020,400\r\n1792630080,410\r\n", TWO),
    ("no heading", b"1792630020,400\n1792630080,410", TWO),
    ("a byte order mark", b"\xef\xbb\xbf1792630020,400\n1792630080,410\n", TWO),
    ("a mark and a heading", b"\xef\xbb\xbftime,counter\n1792630020,400\n1792630080,410\n", TWO),
    ("semicolons", b"time;counter\r\n1792630020;400\r\n1792630080;410\r\n", TWO),
    ("decimal commas", b"tijd;stand\n1792630020;400,0\n1792630080;410,9\n", TWO),
    ("tabs", b"1792630020\t400\n1792630080\t410\n", TWO),
    ("blanks", b" 1792630020  400\n1792630080 410 \n", TWO),
    ("blanks beside commas", b" 1792630020 , 400\n\n1792630080,\t410\n", TWO),
    ("quotes", b'"time","counter"\n"1792630020","400"\n"1792630080","410"\n', TWO),
    ("an empty field at the end", b"1792630020;400;\n1792630080;410;\n", TWO),
    ("local time", b"2026-10-22 02:47:00,400\n2026-10-22T02:48:00,410\n", TWO),
    ("milliseconds", b"2026-10-22 02:47:00.696,400.7\n2026-10-22 02:48:00.1,410\n", TWO),
    ("comma and milliseconds", b"2026-10-22 02:47:00,696;400\n2026-10-22 02:48:00,1;410\n", TWO),
    ("a zone", b"2026-10-22T00:47:00Z;400\n2026-10-21T20:48:00-04:00;410\n", TWO),
    ("nothing", b"\n\n", []),
    ("an hour that comes twice",
     b"2026-10-25 02:30,1\n2026-10-25 02:45,2\n2026-10-25 02:30,3\n2026-10-25 02:45,4\n",
     [(1792888200, 1), (1792889100, 2), (1792891800, 3), (1792892700, 4)]),
]  # fmt: skip


@pytest.mark.parametrize("body, tuples", [pytest.param(*row[1:], id=row[0]) for row in TAKEN])
def test_is_read(body, tuples):
    assert read(body, BRUSSELS)[:2] == (tuples, [])


FAULTS = [
    ("three fields", b"1,2,3", 1, "it has 3 fields"),
    ("one field", b"1,2\n3", 2, "it has 1 fields"),
    ("a minus at the beginning", b"-1,5\n1,6", 1, "the time -1 is no number"),
    ("negative", b"1,2\n3,-4", 2, "the counter -4 is no number"),
    ("no number", b"time,counter\n1,nan", 2, "the counter nan is no number"),
    ("empty", b"1,2\n3,", 2, "the counter is missing"),
    ("too large", b"1,4294967296", 1, "the counter 4294967296 is over 4294967295"),
    ("endless", b"1," + b"9" * 1000, 1, "more than 200 characters"),
    ("other digits", "1,2\n3,\u0664".encode(), 2, "is no number"),
    ("no UTF-8", b"\xff", 1, "it has 1 fields"),
    ("a heading twice", b"a,b\nc,d", 2, "the time c is no number"),
    ("a heading alone", b"time,counter", 1, "the time time is no number"),
    ("no such day", b"2026-02-30 10:00,5", 1, "2026-02-30 10:00 is no time"),
    ("an hour that is left out", b"2026-03-29 02:30,5", 1, "does not exist in Europe/Brussels"),
    ("before 1970", b"1969-01-01 00:00,5", 1, "is before 1970"),
]


@pytest.mark.parametrize("body, line, words", [pytest.param(*row[1:], id=row[0]) for row in FAULTS])
def test_a_line_that_cannot_be_read_is_named_with_its_reason(body, line, words):
    [fault] = read(body, BRUSSELS).faults
    assert fault.line == line and words in str(fault)


def test_many_faults_are_told_by_the_first_ones():
    sentence = describe(read(b"x,y\n" * 1000, BRUSSELS).faults)
    assert (
        sentence.startswith("line 2: ")
        and sentence.endswith("; and 979 more")
        and len(sentence) < 1500
    )


def test_a_day_in_the_dutch_order_is_read():
    assert read(b"22-10-2026 02:47;400\n22/10/2026 02:48:00;410\n", BRUSSELS).tuples == TWO


def saved(*values, heading=b"") -> bytes:
    """A day that was saved from the old API: a mean a minute, by the end of the minute."""
    lines = [f"2014-01-07 16:{minute:02d}:00,{value}" for minute, value in enumerate(values, 2)]
    return heading + "\n".join(lines).encode()


def test_powers_of_the_old_api_become_a_counter():
    """720 W are 12 Wh a minute; what was not known counts nothing, and is no tuple."""
    found = read(saved(720, 720, "nan", "nan", 1440), ANY)
    begins = 1389106860  # 2014-01-07 16:01 in Brussels
    assert (found.form, found.relative) == ("power", True)
    assert found.tuples == [
        (begins, 0),
        (begins + 60, 12),
        (begins + 120, 24),
        (begins + 240, 24),
        (begins + 300, 48),
    ]
    assert [(fault.line, str(fault)) for fault in found.faults] == [
        (3, "the power was not known then"),
        (4, "the power was not known then"),
    ]


def test_no_energy_is_lost_by_rounding():
    found = read(saved(*[100, 50] * 28), ANY)
    assert found.form == "power" and found.tuples[-1][1] == 56 * 75 * 60 // 3600


@pytest.mark.parametrize(
    "body, form",
    [
        (saved(5, 5, 6, 6, 7, 7, 8, 8, 9), "counter"),
        (saved(500, 400, 300, 600, 200, 100, 700, 650, 3), "power"),
        (saved(1, 2, heading=b"time,watt\n"), "power"),
        (saved(9, 2, 1, 3, 2, 1, 3, 2, 1, heading=b"tijd,teller\n"), "counter"),
        (saved(*range(100), 3, *range(4, 60)), "counter"),  # a reset
    ],
)
def test_powers_are_told_from_counters(body, form):
    assert read(body, ANY).form == form


METER = (
    "\ufeffVan (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;Metertype;"
    "Register;Volume;Eenheid;Validatiestatus;Omschrijving\r\n"
)


def quarter(day, start, end, register, volume, unit="kWh", status="Uitgelezen"):
    meter = '="541400000000000001";1SAG0000000001;Digitale meter'
    return f"{day};{start}:00;{day};{end}:00;{meter};{register};{volume};{unit};{status};\r\n"


def test_quarter_hours_of_a_smart_meter_become_a_counter():
    lines = [
        quarter("02-09-2025", "00:00", "00:15", "Afname Nacht", "0,065"),
        quarter("02-09-2025", "00:00", "00:15", "Injectie Nacht", "0,500"),
        quarter("02-09-2025", "00:15", "00:30", "Afname Nacht", "0,120"),
        quarter("02-09-2025", "00:15", "00:30", "Afname Dag", "0,001"),
        quarter("02-09-2025", "00:30", "00:45", "Afname Nacht", "", status="Geen verbruik"),
        quarter("02-09-2025", "00:45", "00:59", "Afname Nacht", "1,0", unit="MJ"),
        quarter("02-09-2025", "01:00", "01:15", "Afname Dag", "1,000"),
    ]
    begins = 1756764000  # 2025-09-02 00:00 in Brussels
    found = read((METER + "".join(lines)).encode(), Wish(ZoneInfo("Asia/Tokyo")))
    assert found.form == "quarters"
    assert found.tuples == [
        (begins, 0),
        (begins + 900, 65),
        (begins + 1800, 186),
        (begins + 3600, 186),
        (begins + 4500, 1186),
    ]
    assert [(fault.line, str(fault)) for fault in found.faults] == [
        (3, "the register Injectie Nacht is another one than this sensor counts"),
        (6, "the meter gave no volume"),
        (7, "the unit mj is none that is known here"),
    ]
    given = read((METER + "".join(lines)).encode(), Wish(ZoneInfo("Asia/Tokyo"), given=True))
    assert given.tuples == [(begins, 0), (begins + 900, 500)]


def test_quarter_hours_of_the_night_in_which_the_clocks_go_back():
    """02:00 to 03:00 comes twice on 26 October 2025: five hours have twenty quarters."""
    hours = ["00", "01", "02", "02", "03"]
    ends = {"00": "15", "15": "30", "30": "45"}
    lines = []
    for at, hour in enumerate(hours):
        for minute in ("00", "15", "30"):
            lines.append((f"{hour}:{minute}", f"{hour}:{ends[minute]}"))
        lines.append((f"{hour}:45", f"{(hours + ['04'])[at + 1]}:00"))
    text = METER + "".join(quarter("26-10-2025", *each, "Afname Dag", "0,1") for each in lines)
    found = read(text.encode(), ANY)
    assert found.faults == [] and len(found.tuples) == 21
    assert found.tuples[-1] == (found.tuples[0][0] + 5 * 3600, 2000)


@pytest.mark.parametrize(
    "names",
    [
        "EAN;Meter nummer;Metertype;Registratie;Van (datum);Van (tijdstip);Tot (datum);"
        "Tot (tijdstip);Volume;Eenheid;Validatiestatus",
        METER.strip("\ufeff\r\n"),
    ],
)
def test_the_heading_may_come_in_another_order(names):
    assert columns(names) is not None and columns("time;counter") is None


def test_a_counter_that_begins_at_0_is_put_where_the_series_begins_or_ends():
    found = read(saved(720, 720), Wish(ZoneInfo("Europe/Brussels"), "power"))
    begins = found.tuples[0][0]
    assert rebased(found, None, None) == (found.tuples, 0)
    before, _left = rebased(found, (begins + 999, 5000), (begins + 2000, 6000))
    assert before == [(begins, 4976), (begins + 60, 4988), (begins + 120, 5000)]
    after, _left = rebased(found, (5, 0), (begins - 1, 700))
    assert [counter for _ts, counter in after] == [700, 712, 724]
    assert rebased(found, (5, 0), (begins + 60, 700)) == ([(begins + 120, 700)], 2)
    assert rebased(read(b"1,5\n2,6", ANY), (5, 0), (9, 9)) == ([(1, 5), (2, 6)], 0)


@given(st.binary(max_size=400), st.sampled_from([b"", METER.encode(), b"time,watt\n"]))
def test_whatever_is_brought_is_tuples_and_named_lines(body, heading):
    found = read(heading + body, ANY)
    assert all(0 <= ts < 2**32 and counter >= 0 for ts, counter in found.tuples)
    assert all(fault.line > 0 and str(fault) for fault in found.faults)
