# SPDX-License-Identifier: GPL-3.0-or-later
"""avrdude's command line and configuration, and the real avrdude on them."""

import subprocess
import sys

import pytest

from flukso.flash import avrdude, cli, settings

FIELD_PINS = avrdude.Pins("~0", "~3", "1", "2")  # AR2315 boards, docs/design/protocols.md §1


def real(words, **options):
    run = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **options
    )
    return run.returncode, run.stdout


@pytest.fixture
def chip(tmp_path):
    """An STK500 with an ATmega168P behind it: (its Programmer, what is in the flash after a
    session).
    """
    folder = tmp_path / "chip"
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.fakes.stk500", "--image", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = process.stdout.readline().split()[-1]

        def flash():
            # avrdude ends before the programmer has noticed
            assert process.stdout.readline() == "stk500: saved\n"
            return (folder / "flash.bin").read_bytes()

        yield avrdude.Programmer("stk500v1", "net:" + port, None, ()), flash
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_real_avrdude_does_what_the_operations_say(chip, tmp_path):
    programmer, flash = chip
    image = tmp_path / "new.bin"
    image.write_bytes(bytes(range(256)) * 9)
    eeprom = tmp_path / "eeprom.bin"
    signature = tmp_path / "signature.bin"
    reads = ["signature:r:{}:r".format(signature), "eeprom:r:{}:r".format(eeprom)]
    status, text = real(
        avrdude.command(programmer, "m168p", None, ["erase", "flash:w:{}:r".format(image), *reads])
    )
    assert status == 0, text
    assert flash().rstrip(b"\xff") == image.read_bytes().rstrip(b"\xff")
    assert avrdude.part_of(signature.read_bytes())[0] == "m168p"


def test_nothing_is_erased_unless_it_is_asked_for(chip, tmp_path):
    programmer = chip[0]
    image = tmp_path / "new.bin"
    image.write_bytes(b"\x00" * 128)
    assert real(avrdude.command(programmer, "m168p", None, ["flash:w:{}:r".format(image)]))[0] == 0
    image.write_bytes(b"\xff\x01" * 64)
    status, text = real(avrdude.command(programmer, "m168p", None, ["flash:w:{}:r".format(image)]))
    assert status != 0 and avrdude.failure(status, text).reason == "verify", text


def test_a_wrong_part_is_told_by_the_signature(chip, tmp_path):
    status, text = real(avrdude.command(chip[0], "m48", None, ["hfuse:r:-:h"]))
    assert status != 0 and avrdude.failure(status, text).reason == "signature", text


def test_nobody_listens():
    programmer = avrdude.Programmer("stk500v1", "net:127.0.0.1:1", None, ())
    status, text = real(avrdude.command(programmer, "m168p", None, ["hfuse:r:-:h"]))
    assert status != 0 and avrdude.failure(status, text).reason == "device", text


def test_the_real_avrdude_takes_our_configuration(tmp_path):
    version = avrdude.version(real(["avrdude", "-?"])[1])
    assert version >= (6, 3)
    config = tmp_path / "pins.conf"
    config.write_bytes(avrdude.configuration(FIELD_PINS, version))
    programmer = avrdude.Programmer(avrdude.ROUTER, None, FIELD_PINS, ())
    status, text = real(avrdude.command(programmer, "m168p", str(config), ["hfuse:r:-:h"]))
    assert (
        status != 0
        and "syntax" not in text.lower()
        and "flukso" not in text.lower().replace("flukso-linuxgpio", "")
    ), text
    assert avrdude.failure(status, text).reason == "device", text


@pytest.mark.parametrize(
    "version, newer",
    [((6, 3), False), ((7, 0), False), ((7, 1), True), ((7, 3), True), ((8, 0), True)],
)
def test_each_avrdude_gets_the_words_that_it_knows(version, newer):
    text = avrdude.configuration(FIELD_PINS, version)
    assert (b"prog_modes = PM_ISP;" in text, b"sdo = 1;\n  sdi = 2;" in text) == (newer, newer)
    assert (b"mosi = 1;\n  miso = 2;" in text) != newer and b"reset = ~0;\n  sck = ~3;" in text


@pytest.mark.parametrize("version", [(6, 3), (7, 1)])
def test_the_real_avrdude_knows_both_spellings_of_the_pins(tmp_path, version):
    config = tmp_path / "pins.conf"
    modes = b"" if version >= (7, 1) else b"  prog_modes = PM_ISP;\n  reset"
    config.write_bytes(
        avrdude.configuration(FIELD_PINS, version).replace(b"  reset", modes or b"  reset")
    )
    programmer = avrdude.Programmer(avrdude.ROUTER, None, FIELD_PINS, ())
    status, text = real(avrdude.command(programmer, "m168p", str(config), ["hfuse:r:-:h"]))
    assert status != 0 and avrdude.failure(status, text).reason == "device", text


def test_the_chip_of_the_pins_is_named_to_an_avrdude_with_libgpiod():
    for options in ({}, {"port": "gpiochip1"}):
        programmer = settings.site("", {"pins": "~0,~3,1,2", **options}).programmer
        words = avrdude.command(programmer, "m168p", "pins.conf", ["hfuse:r:-:h"])
        assert words[3:5] == ["-c", avrdude.ROUTER] and ("gpiochip1" in words) == bool(options)


USB = [
    ("usbasp", ()),
    ("usbtiny", ()),
    ("avrispmkII", ("-P", "usb")),
    ("avrisp", ("-P", "/dev/ttyUSB77")),
    ("nonsense", ()),
]


@pytest.mark.parametrize("name, more", [pytest.param(name, more, id=name) for name, more in USB])
def test_a_programmer_of_a_pc_that_is_not_there_is_said(name, more, tmp_path, capsys):
    """The real avrdude takes our words and looks for the device."""
    places = [
        "--config",
        "/dev/null",
        "--backup",
        str(tmp_path / "backup"),
        "--run",
        str(tmp_path / "run"),
    ]
    assert cli.main(["info", "-c", name, *more, *places]) == cli.EXITS["device"]
    said = capsys.readouterr().err
    assert said.startswith("flukso-flash: ") and (
        "USB" in said or name in said or more[-1] in said
    ), said
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("pin", ["", "~", "x", "-1", "512", "1;", "~~1"])
def test_impossible_pins_are_refused(pin):
    with pytest.raises(ValueError, match="sck pin"):
        avrdude.configuration(FIELD_PINS._replace(sck=pin), (7, 1))


@pytest.mark.parametrize(
    "signature, words",
    [
        (b"\x1e\x92\x05", "too small"),
        (b"\x00\x00\x00", "not a chip"),
        (b"\xff\xff\xff", "not a chip"),
    ],
)
def test_other_chips_are_refused(signature, words):
    with pytest.raises(avrdude.AvrdudeError, match=words):
        avrdude.part_of(signature)
