# SPDX-License-Identifier: GPL-3.0-or-later
"""UCI files are read as libuci reads them, whatever bytes they hold; and one option is changed
without touching anything else.
"""

import json

from flukso import config, uci

HERE = __file__.rpartition("/")[0] or "."


def read(text):
    problems = []
    return uci.parse(text, "f", problems), problems


def test_what_libuci_reads_is_read_alike_and_what_it_refuses_is_named():
    with open(HERE + "/../../vectors/libuci.json") as file:
        cases = json.load(file)["cases"]
    assert len(cases) > 150
    for case in cases:
        sections, problems = read(case["text"])
        if case["export"] is None:
            assert problems, case["id"]
            assert [p for p in problems if 1 <= p.line <= case["text"].count("\n") + 1], case["id"]
        else:
            assert not problems, (case["id"], problems)
            assert uci.dump(sections).strip("\n") == case["export"], (
                case["id"],
                uci.dump(sections),
            )


def test_what_was_written_is_read_again():
    with open(HERE + "/../../vectors/libuci.json") as file:
        for case in json.load(file)["cases"]:
            if case["export"]:
                again, problems = read(case["export"])
                assert not problems and uci.dump(again).strip("\n") == case["export"], case["id"]


def test_a_byte_order_mark_is_passed_over_and_one_of_utf_16_is_named():
    sections, problems = read("\ufeffconfig a b\n\toption c d\n")
    assert not problems and sections[0].options["c"] == uci.Value(2, "d")
    for data in (b"\xff\xfec\0o\0", b"\xfe\xff\0c\0o"):
        problems = read(uci.text_of(data))[1]
        assert len(problems) == 1 and "UTF-16" in problems[0].text


def test_bytes_that_are_no_utf_8_are_read_as_latin_1_and_come_back_unchanged():
    data = b"config a b\n\toption c 'K\xfcche'\n\toption d 'K\xc3\xbcche'\n\toption e '\x80'\n"
    text = uci.text_of(data)
    assert uci.bytes_of(text) == data
    options = read(text)[0][0].options
    assert [options[name].text for name in "cde"] == ["K\xfcche", "K\xfcche", "\x80"]
    changed = uci.bytes_of(uci.set_option(text, "a", "b", "d", "x"))
    assert changed == data.replace(b"option d 'K\xc3\xbcche'", b"option d 'x'")


def test_every_byte_comes_back():
    data = bytes(range(256)) * 3 + b"\xf0\x9f\x98\x80\n\xed\xb2\x80"
    assert uci.bytes_of(uci.text_of(data)) == data


def test_lines_are_those_of_the_statements():
    sections, problems = read("config a b\n\n\toption c 'x\ny\nz'\n\toption d e\\\nf\n\tlist g h\n")
    assert not problems
    assert (
        sections[0].options["c"].line == 3
        and sections[0].options["d"].line == 6
        and sections[0].lists["g"][0].line == 8
    )


def test_an_open_quote_is_named_where_it_stands_and_the_other_lines_are_looked_at():
    problems = read("config a b\n\toption c 'd\n\toption e f\n\toptoin g h\n")[1]
    assert [p.line for p in problems] == [2, 4]
    assert uci.open_at_end("config a b\n\toption c 'd\n") and not uci.open_at_end(
        "config a b\n\toption c d\n"
    )


def test_many_open_quotes_are_read_in_one_pass():
    text = "config a b\n" + "\toption c 'd\n" * 4001
    problems = read(text)[1]
    assert problems and len(problems) <= 4001


def test_nul_bytes_are_named():
    assert [p.line for p in read("config a b\0\n")[1]] == [0]


SETS = [  # what it was, kind, name, what it becomes
    ("config a b\n", "a", "b", "config a b\n\toption o 'v'\n"),
    (
        "config a b # mine\n\toption c d\n",
        "a",
        "b",
        "config a b # mine\n\toption o 'v'\n\toption c d\n",
    ),
    ("config a 'b'; list c 'd\n'\n", "a", "b", "config a 'b'\n\toption o 'v'; list c 'd\n'\n"),
    ("config a b", "a", "b", "config a b\n\toption o 'v'"),
    ("config a b\n    option  o  1 # old\n", "a", "b", "config a b\n    option o 'v' # old\n"),
    (
        "config a b\n\toption 'o' \"1\n2\"\n\toption p q\n",
        "a",
        "b",
        "config a b\n\toption o 'v'\n\toption p q\n",
    ),
    (
        "config a b\n\toption o 1\n\toption o 2\n",
        "a",
        "b",
        "config a b\n\toption o 'v'\n\toption o 'v'\n",
    ),
    (
        "config a b\nconfig c d\nconfig a b\n\toption o 1\n",
        "a",
        "b",
        "config a b\nconfig c d\nconfig a b\n\toption o 'v'\n",
    ),
    (
        "config a b\n\tlist o 1\n\tlist o 2\n",
        "a",
        "b",
        "config a b\n\toption o 'v'\n\toption o 'v'\n",
    ),
    ("config a b\n\toption o\n", "a", "b", "config a b\n\toption o 'v'\n"),
    ("config a\nconfig a\n\toption o 1\n", "a", None, "config a\nconfig a\n\toption o 'v'\n"),
    ("", "a", None, "config a\n\toption o 'v'\n"),
    (
        "config x y\n\toption c d",
        "a",
        "b",
        "config x y\n\toption c d\n\nconfig a 'b'\n\toption o 'v'\n",
    ),
    ("config a b\r\n\toption o 1\r\n", "a", "b", "config a b\r\n\toption o 'v'\r\n"),
]


def test_an_option_is_set_however_it_was_spelt_and_nothing_else_changes():
    for before, kind, name, want in SETS:
        after = uci.set_option(before, kind, name, "o", "v")
        assert after == want, (before, after)
        sections, problems = read(after)
        assert not problems, (before, after)
        found = [
            section
            for section in sections
            if section.type == kind and name in (None, section.name) and "o" in section.options
        ]
        assert found[0].options["o"].text == "v", (before, after)


def test_errors_show_the_beginning_of_what_is_wrong_and_no_control_characters():
    long = "x" * 999
    texts = [
        long,
        "config " + long + "\xe4",
        "config a b\nconfig c b\n\toption " + long + " 1 2",
        "option " + long + " 1",
    ]
    texts += ["config a '{0}'\nconfig b '{0}'".format(long), "\x1b]0;x\x07" + long]
    for option in ("phase", "reset_counters", "hw_minor", "wan_base_url", "bus", "lan_port"):
        for value in (long, "\x1b[2J", "https://a\nb" + long):
            texts.append(
                "config settings main\n\toption {0} '{1}'\nconfig settings daemon\n\toption {0} "
                "'{1}'".format(option, value)
            )
    for option in ("id", "type", "class", "port", "constant", "voltage", "current", "enable"):
        for value in (long, "\x1b[2J\nq"):
            texts.append(
                "config sensor 1\n\toption enable 1\n\toption class analog\n\toption {} "
                "'{}'\n".format(option, value)
            )
    for text in texts:
        try:
            config.parse(text)
            raise AssertionError(text[:60])
        except config.ConfigErrors as error:
            lines = str(error).split("\n")
            assert max([len(line) for line in lines]) < 250 and len(lines) < 12, (text[:60], lines)
            assert not [char for char in str(error) if char != "\n" and ord(char) < 0x20], text[:60]


def test_more_errors_than_anybody_reads_are_counted_no_further():
    for text in ("optoin a\n" * 99, "config sensor 1\n" + "\tlist port 9\n" * 99):
        try:
            config.parse(text)
        except config.ConfigErrors as error:
            lines = str(error).split("\n")
            assert (
                len(lines) == 33 and lines[-1] == "flukso: and more" and len(error.problems) <= 66
            )
