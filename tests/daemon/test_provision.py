# SPDX-License-Identifier: GPL-3.0-or-later
"""Provisioning: what is missing is made, what is there stays, and a generation 1 file becomes
today's.
"""

import json
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso import __main__ as cli
from flukso import config, uci
from flukso.provision import ProvisionError, provision, set_option
from tests.daemon.fake_port import CONFIG, DEVICE, IDS, KEY, FakePort

SYSTEM = "config system\n\toption hostname 'box'\n\toption timezone 'UTC'\n"
HISTORIC = json.loads((Path(__file__).parents[1] / "vectors/uci.json").read_text())["good"][0]


def dice():
    """Random bytes that a test can tell apart."""
    number = count(1)
    return lambda length: next(number).to_bytes(length, "big")


def test_a_new_device_gets_everything_and_the_daemon_can_start():
    done = provision(None, SYSTEM, dice())
    settings = config.parse(done.runtime)
    assert (settings.device, settings.key) == ("%032x" % 1, "%032x" % 2)
    assert [sensor.id for sensor in settings.sensors] == ["%032x" % 3]
    assert settings.register == 1 and settings.sensors[0].constant == 5163
    assert done.system.startswith("config system\n") and "option hostname 'box'" in done.system
    assert config.parse(done.flukso, done.system) == settings


def test_doing_it_twice_changes_nothing():
    first = provision(None, None, dice())
    again = provision(first.flukso, first.system, dice())
    assert (again.flukso, again.system, again.runtime) == (
        first.flukso,
        first.system,
        first.runtime,
    )
    assert not again.changes


def test_an_image_of_the_field_stays_as_it_is():
    done = provision(HISTORIC["flukso"], HISTORIC["system"], dice())
    assert done.system == HISTORIC["system"]
    settings = config.parse(done.runtime)
    assert (
        settings.device == HISTORIC["expect"]["device"]
        and settings.version == 210
        and settings.register == 0
    )
    kept = [line for line in HISTORIC["flukso"].split("\n") if line.strip()]
    assert [line for line in done.flukso.split("\n") if line in kept] == kept


def test_a_file_with_its_own_system_section_needs_no_other():
    done = provision(CONFIG, None, dice())
    assert done.system is None and done.runtime == done.flukso == CONFIG


def test_the_wish_to_reset_reaches_the_daemon_and_leaves_the_file():
    text = set_option(CONFIG, "settings", "main", "reset_counters", "1")
    done = provision(text, None, dice())
    assert config.parse(done.flukso).reset_counters == 0
    assert config.parse(done.runtime).reset_counters == 1


HALVES = [
    "config system\n\toption device xyz\n",
    "config system\n\toption device {}\n".format(DEVICE),
    "config system\n\toption key {}\n".format(KEY),
    "config 'x\n",
]


@pytest.mark.parametrize("system", HALVES)
def test_an_identity_that_is_half_there_is_never_guessed(system):
    with pytest.raises(ProvisionError):
        provision(None, system, dice())


GENERATION_1 = """config flukso main
	option port '/dev/tts/0'
	option home '/root'
config input 1
	option id {}
	option enable 1
config input 3
	option id {}
""".format(IDS[0], IDS[2])


def test_generation_1_is_converted():
    done = provision(GENERATION_1, SYSTEM, dice())
    settings = config.parse(done.runtime)
    assert settings.bus == "uart:/dev/tts/0" and done.old == GENERATION_1
    assert [(s.number, s.id, s.class_) for s in settings.sensors] == [
        (1, IDS[0], "analog"),
        (3, IDS[2], "pulse"),
    ]


def test_generation_1_without_ids_is_refused():
    with pytest.raises(ProvisionError, match="input 1"):
        provision("config flukso main\nconfig input 1\n", SYSTEM, dice())


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_any_value_survives_being_written(value):
    text = set_option("config a 'b'\n\toption c 'd'\n", "a", "b", "c", value)
    problems = []
    assert uci.parse(text, "f", problems)[0].options["c"].text == value and not problems


def test_the_command_writes_files_and_says_what_it_did(capsys):
    port = FakePort(None, None, None)
    port.files = {"/etc/config/system": SYSTEM.encode()}
    port.random_bytes = dice()
    words = [
        "provision",
        "--config",
        "/etc/config/flukso",
        "--runtime",
        "/run/flukso/config",
        "--user",
        "flukso",
    ]
    assert cli.run(words, port) == 0
    assert "device and key were made" in capsys.readouterr().out
    settings = config.load(port, "/run/flukso/config")
    assert settings == config.load(port, "/etc/config/flukso")
    assert port.owners["/run/flukso/config"] == "flukso"
    assert cli.run(words, port) == 0
    assert capsys.readouterr().out == "nothing was missing\n"
    port.files["/etc/config/system"] = b"config '"
    assert cli.main(["provision", "x"]) == 2


def test_the_folder_of_the_configuration_is_made(tmp_path, capsys):
    path = str(tmp_path / "etc/config/flukso")
    assert cli.main(["provision", "--config", path]) == 0
    assert cli.main(["config", "check", path]) == 0
    assert capsys.readouterr().out.endswith("good: 1 sensors enabled\n")
