# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of routers and what flukso-flash takes from it: a router's own pins, UCI before them,
and nothing at all on an unknown one.
"""

from flukso.flash import avrdude, routers, settings

HERE = __file__.rpartition("/")[0] or "."
FLASH = "config flash 'flash'\n"
MS14, FONERA = "dragino,ms14", "atheros,ar2315"


def table():
    with open(HERE + "/../../../package/flukso/files/flukso.routers") as file:
        return file.read()


def site(name, text="", **options):
    return settings.site(text, options, None, routers.find(table(), name), name)


def refused(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ValueError as error:
        return str(error)
    raise AssertionError("taken")


def test_a_router_is_known_by_openwrts_file_or_by_its_processor():
    assert routers.name_of("dragino,ms14\n", "system type\t\t: Atheros AR9330 rev 1\n") == MS14
    assert (
        routers.name_of("", "system type\t\t: Atheros AR2315\nmachine\t\t\t: Unknown\n") == FONERA
    )
    assert routers.name_of("\n", "") == "" and routers.name_of("", "model name : x\n") == ""


def test_each_line_of_the_table_is_whole():
    names = [line.split()[0] for line in table().split("\n") if line and line[0] != "#"]
    assert names == ["atheros,ar2315", "atheros,ar2317", MS14, "mti,malta"]
    for name in names:
        assert routers.find(table(), name).name == name
    assert routers.find(table(), "glinet,gl-ar150") is None and routers.find(table(), "") is None


def test_the_pins_are_the_routers_and_those_of_uci_go_before_them():
    found = site(FONERA)
    assert (
        found.programmer.pins == avrdude.Pins("~0", "~3", "1", "2")
        and found.auto
        and not found.lacks
        and found.shifter == ""
    )
    found = site(MS14)
    assert (
        found.programmer.pins == avrdude.Pins("~20", "~18", "21", "22")
        and found.shifter == "19"
        and not found.auto
    )
    assert found.bus == "spidev:/dev/spidev1.0"
    found = site(
        MS14,
        FLASH + "\toption sck '18'\n\toption auto '1'\n\toption shifter '-'\nconfig settings "
        "'daemon'\n\toption bus 'uart:/dev/ttyS0'\n",
    )
    assert (
        found.programmer.pins == avrdude.Pins("~20", "18", "21", "22")
        and found.auto
        and found.shifter == ""
    )
    assert found.bus == "uart:/dev/ttyS0"


def test_no_pin_of_the_flash_chip_is_ever_driven():
    never = routers.find(table(), MS14).never
    assert never == {2, 3, 4, 5}
    for pin in sorted(never):
        for name in ("reset", "sck", "mosi", "miso", "shifter"):
            for value in (str(pin), "~{}".format(pin)):
                said = refused(site, MS14, FLASH + "\toption {} '{}'\n".format(name, value))
                assert "GPIO {} is not driven".format(pin) in said, said
    assert "is not driven" in refused(site, MS14, pins="~0,~3,1,2")


def test_on_an_unknown_router_nothing_may_be_programmed_and_it_says_what_is_to_be_set():
    for name in ("glinet,gl-ar150", "", "mti,malta"):
        found = site(name)
        assert found.programmer.pins is None and not found.auto
        assert (name or "without a name") in found.lacks and "reset, sck, mosi, miso" in found.lacks
    assert (
        "set miso in"
        in site("x", FLASH + "\toption reset '0'\n\toption sck '1'\n\toption mosi '6'\n").lacks
    )
    found = site(
        "x", FLASH + "\toption reset '0'\n\toption sck '1'\n\toption mosi '6'\n\toption miso '7'\n"
    )
    assert (
        found.programmer.pins == avrdude.Pins("0", "1", "6", "7")
        and not found.lacks
        and not found.auto
    )


def test_a_programmer_of_a_pc_needs_no_table():
    found = site("", programmer="usbasp")
    assert not found.lacks and found.programmer.pins is None and found.auto and found.bus == ""


def test_a_damaged_line_is_named_and_nothing_else_is_made_of_it():
    line = [line for line in table().split("\n") if line.startswith(MS14)][0]
    for damaged in (
        line + " 1",
        line[:-1],
        line[:-1] + "2",
        line.replace("2-5", "2-x"),
        line.replace("2-5", "2-5000"),
        MS14,
    ):
        said = refused(routers.find, damaged, MS14)
        assert MS14 in said and "damaged" in said, said
        assert routers.find(damaged, FONERA) is None
