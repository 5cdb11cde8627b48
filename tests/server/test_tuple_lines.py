# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of times and counters as spreadsheets and people write them."""

from zoneinfo import ZoneInfo

import pytest

from flukso_server.api.tuple_lines import describe, read  # noqa: E402

BRUSSELS = ZoneInfo("Europe/Brussels")
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
    assert read(body, BRUSSELS) == (tuples, [])


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
    [(number, why)] = read(body, BRUSSELS).faults
    assert number == line and words in why


def test_many_faults_are_told_by_the_first_ones():
    sentence = describe(read(b"x,y\n" * 1000, BRUSSELS).faults)
    assert (
        sentence.startswith("line 2: ")
        and sentence.endswith("; and 979 more")
        and len(sentence) < 1500
    )
