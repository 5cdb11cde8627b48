# SPDX-License-Identifier: GPL-3.0-or-later
"""`flukso config check` warns of what is no error and probably not meant: the line, and what would
be right; exit status 0.
"""

import pytest

from flukso import __main__ as cli
from flukso import config, options
from flukso.flash import settings
from flukso.messages import meant
from flukso.ports.cpython_ca import check_cacert
from tests.daemon.fake_port import CONFIG, FakePort
from tools.harness.ca import Authority

CA = "/etc/ssl/certs/flukso.ca.crt"
PEM = Authority("One").pem()


@pytest.fixture
def port(tmp_path):
    made = FakePort(None, None, None)
    made.ca_file = tmp_path / "ca.crt"
    made.ca_file.write_bytes(PEM)
    made.check_cacert = lambda path: check_cacert(str(made.ca_file) if path == CA else path)
    return made


def check(port, text, capsys):
    """Return the exit status and the lines of what was said."""
    port.files["/etc/flukso"] = text.encode()
    status = cli.run(["config", "check", "/etc/flukso"], port)
    return status, capsys.readouterr().out.splitlines()


def test_a_good_file_is_good_without_a_word_more(port, capsys):
    assert check(port, CONFIG, capsys) == (0, ["good: 2 sensors enabled"])


FIELD = """config settings main
	option hw_major 2
	option sw_major 3
	option sw_minor 0
	option max_sensors 6
	option max_analog_sensors 3
	option max_provisioned_sensors 5
config settings daemon
	option fsync 1
	option upgrade_url x
	option wan_base_url https://localhost/
	option enabled 1
config settings mqtt
	option enable 0
	option bridge_enable 0
config fsync
	option foo bar
config sensor 7
	option class kube
	option subtype x
	option rid 0
	option data_type counter
config kube
config flx
"""


def test_what_the_field_has_is_known(port, capsys):
    system, rest = CONFIG.split("config settings daemon")
    status, said = check(port, FIELD + system + "config settings daemon" + rest, capsys)
    assert status == 0 and said == ["good: 2 sensors enabled"]


# id, what stands in the configuration, what instead, line from the one that was changed on, words
ODD = [
    (
        "misspelt",
        "option upload_interval 300",
        "option upload_intervall 300",
        "is upload_interval meant?",
    ),
    (
        "swapped",
        "option upload_interval 300",
        "option uplaod_interval 300",
        "is upload_interval meant?",
    ),
    ("dotted", "option state_dir /state", "option statedir /state", "is state_dir meant?"),
    ("plural", "list port 4", "list ports 4\n\tlist port 4", "is port meant?"),
    (
        "enabled",
        "option constant 0.5",
        "option enabled 1\n\toption constant 0.5",
        "is enable meant?",
    ),
    (
        "of-a-sensor",
        "option constant 0.5",
        "option constat 1\n\toption constant 0.5",
        "is constant meant?",
    ),
    (
        "elsewhere",
        "config sensor 4",
        "config sensor 4\n\toption wan_base_url x",
        "belongs into the section settings daemon",
    ),
    (
        "clamp",
        "option current 50",
        "option current 60",
        "no clamp of 60 A is sold, but for 50, 100, 250 and 500 A; is 50 meant?",
    ),
    ("clamp-between", "option current 50", "option current 200", "is 250 meant?"),
    (
        "no-value",
        "option constant 0.5",
        "option constant 0.5\n\toption function",
        "it has no value",
    ),
    ("section-type", "config sensor 4", "config sensors 9\nconfig sensor 4", "is sensor meant?"),
    (
        "section-name",
        "config sensor 4",
        "config settings deamon\nconfig sensor 4",
        "is daemon meant?",
    ),
    (
        "sensor-without-number",
        "config sensor 4",
        "config sensor pv\nconfig sensor 4",
        "by their numbers, 1 to 6",
    ),
]


@pytest.mark.parametrize("before, after, words", [pytest.param(*row[1:], id=row[0]) for row in ODD])
def test_what_was_probably_meant_is_said_with_its_line(port, capsys, before, after, words):
    text = CONFIG.replace(before, after, 1)
    status, said = check(port, text, capsys)
    odd = next(line for line in after.split("\n") if line not in CONFIG)
    number = text.split("\n").index(odd if odd in text.split("\n") else "\t" + odd.strip()) + 1
    assert status == 0 and said[-1] == "good: 2 sensors enabled"
    assert (
        len(said) == 2
        and said[0].startswith("warning: flukso:{}: ".format(number))
        and words in said[0]
    )


def test_an_error_is_told_with_the_misspelling_that_made_it(port, capsys):
    status, said = check(port, CONFIG.replace("option current 50", "option curent 50"), capsys)
    assert status == 2 and len(said) == 2
    assert "current" in said[0]
    assert said[1].startswith("warning: flukso:") and said[1].endswith("is current meant?")


def test_a_clamp_does_not_matter_where_the_constant_is_given(port, capsys):
    text = CONFIG.replace("option current 50", "option current 60\n\toption constant 6196.2")
    assert check(port, text, capsys) == (0, ["good: 2 sensors enabled"])


GARBAGE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
AUTHORITIES = [
    ("missing", None, "there is no such file: no server will be believed"),
    ("empty", b"", "holds no CA certificate that can be used: no server"),
    (
        "key",
        PEM.replace(b"CERTIFICATE", b"PRIVATE KEY"),
        "holds no CA certificate that can be used",
    ),
    ("cut", PEM[:200], "the certificate at line 1 has no end"),
    ("text", b"the historic certificate\n", "holds no CA certificate that can be used"),
    ("garbage between the lines", GARBAGE, "the certificate at line 1 is damaged: no server"),
    (
        "cut behind a good one",
        PEM + PEM[:200],
        "only 1 certificates are used: the certificate at line {} has no end".format(
            1 + PEM.count(b"\n")
        ),
    ),
]


@pytest.mark.parametrize("data, words", [pytest.param(*row[1:], id=row[0]) for row in AUTHORITIES])
def test_a_ca_file_that_lets_no_server_be_believed_is_named(port, capsys, data, words):
    if data is None:
        port.ca_file.unlink()
    else:
        port.ca_file.write_bytes(data)
    status, said = check(port, CONFIG, capsys)
    assert status == 0 and said[0].startswith("warning: flukso: cacert: ") and words in said[0]
    named = CONFIG.replace("option bus", "option cacert {}\n\toption bus".format(CA))
    assert check(port, named, capsys)[1][0].startswith("warning: flukso:7: cacert: ")
    off = CONFIG.replace("option bus", "option enable_wan_branch 0\n\toption bus")
    assert check(port, off, capsys) == (0, ["good: 2 sensors enabled"])


def test_no_sensor_is_said(port, capsys):
    status, said = check(port, CONFIG.replace("enable 1", "enable 0"), capsys)
    line = CONFIG[: CONFIG.index("config sensor 1")].count("\n") + 1
    assert status == 0 and said[0].startswith(
        "warning: flukso:{}: no sensor is enabled".format(line)
    )
    status, said = check(port, CONFIG[: CONFIG.index("config sensor 1")], capsys)
    assert status == 0 and said == [
        "warning: flukso: there is no sensor: nothing is measured; config sensor '1' and what "
        "follows it are missing",
        "good: 0 sensors enabled",
    ]


def test_errors_stay_errors(port, capsys):
    status, said = check(
        port,
        CONFIG.replace("interval 300", "interval often").replace("current 50", "current 60"),
        capsys,
    )
    assert status == 2 and len(said) == 1 and "upload_interval" in said[0]


UNREADABLE = [
    (FileNotFoundError(2, "x"), "there is no such file"),
    (IsADirectoryError(21, "x"), "it is a folder, not a file"),
    (PermissionError(13, "x"), "permission denied"),
    (OSError("/f is over 65536 bytes"), "/f: is over 65536 bytes"),
]


@pytest.mark.parametrize("error, words", UNREADABLE)
def test_a_file_that_cannot_be_read_is_said_in_words(port, capsys, error, words):
    def read_file(path, limit):
        raise error

    port.read_file = read_file
    assert cli.run(["config", "check", "/f"], port) == 2
    said = capsys.readouterr().out
    assert words in said and "Errno" not in said and said.startswith("/f")


def test_each_option_of_the_table_is_a_setting_and_has_one_home():
    fields = [option.field for option in options.OPTIONS]
    assert sorted(fields + ["device", "key", "version", "sensors"]) == sorted(
        config.Settings._fields
    )
    names = [option.name for option in options.OPTIONS]
    assert len(set(names)) == len(names) and all(options.home_of(name) for name in names)
    assert {option.section for option in options.OPTIONS} == set(options.SETTINGS)


def test_no_name_of_the_field_is_taken_for_a_misspelt_one_unless_it_is_listed():
    known = {
        name
        for kind, name in (("settings", "main"), ("settings", "daemon"), ("sensor", "1"))
        for name in options.names_of(kind, name)
    }
    assert not known & set(options.FIELD_OPTIONS)


MEANT = [
    ("confg", "config"),
    ("conifg", "config"),
    ("CONFIG", "config"),
    ("bus", ""),
    ("fly", ""),
    ("con", ""),
    ("config", "config"),
]


@pytest.mark.parametrize("word, want", MEANT)
def test_the_nearest_word_is_found(word, want):
    assert meant(word, ("check", "config", "version")) == want


def test_the_options_of_the_section_flash_are_those_that_flukso_flash_reads():
    assert set(options.FLASH) == {"auto", *settings._DEFAULTS, *settings._PINS}
