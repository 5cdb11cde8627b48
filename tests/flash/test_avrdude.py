# SPDX-License-Identifier: GPL-3.0-or-later
"""avrdude's command line and configuration, and the real avrdude on them."""

import subprocess
import sys

import pytest

from flukso.flash import avrdude


def real(words, **options):
    run = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **options)
    return run.returncode, run.stdout


@pytest.fixture
def chip(tmp_path):
    """An STK500 with an ATmega168P behind it: (its Programmer, the folder with its memories)."""
    folder = tmp_path / "chip"
    process = subprocess.Popen([sys.executable, "-m", "tests.fakes.stk500", "--image", str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().split()[-1]
        yield avrdude.Programmer("stk500v1", "net:" + port, None, ()), folder
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_real_avrdude_does_what_the_operations_say(chip, tmp_path):
    programmer, folder = chip
    image = tmp_path / "new.bin"
    image.write_bytes(bytes(range(256)) * 9)
    eeprom = tmp_path / "eeprom.bin"
    signature = tmp_path / "signature.bin"
    reads = ["signature:r:{}:r".format(signature), "eeprom:r:{}:r".format(eeprom)]
    status, text = real(avrdude.command(programmer, "m168p", None, ["erase", "flash:w:{}:r".format(image), *reads]))
    assert status == 0, text
    assert (folder / "flash.bin").read_bytes().rstrip(b"\xff") == image.read_bytes().rstrip(b"\xff")
    assert avrdude.part_of(signature.read_bytes())[0] == "m168p"


def test_nothing_is_erased_unless_it_is_asked_for(chip, tmp_path):
    programmer, folder = chip
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
    config.write_bytes(avrdude.configuration(avrdude.FIELD_PINS, version))
    programmer = avrdude.Programmer(avrdude.ROUTER, None, avrdude.FIELD_PINS, ())
    status, text = real(avrdude.command(programmer, "m168p", str(config), ["hfuse:r:-:h"]))
    assert status != 0 and "syntax" not in text.lower() and "flukso" not in text.lower().replace("flukso-linuxgpio", ""), text
    assert avrdude.failure(status, text).reason == "device", text


def test_an_older_avrdude_gets_no_modes():
    assert b"prog_modes" not in avrdude.configuration(avrdude.FIELD_PINS, (6, 3))


@pytest.mark.parametrize("pin", ["", "~", "x", "-1", "512", "1;", "~~1"])
def test_impossible_pins_are_refused(pin):
    with pytest.raises(ValueError, match="sck pin"):
        avrdude.configuration(avrdude.FIELD_PINS._replace(sck=pin), (7, 1))


@pytest.mark.parametrize(
    "signature, words", [(b"\x1e\x92\x05", "too small"), (b"\x00\x00\x00", "not a chip"), (b"\xff\xff\xff", "not a chip")]
)
def test_other_chips_are_refused(signature, words):
    with pytest.raises(avrdude.AvrdudeError, match=words):
        avrdude.part_of(signature)
