# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the board hangs and what may be done to it: /etc/config/flukso and the command line ->
Site. Pure, for both interpreters.
"""

from collections import namedtuple

from flukso import boards, uci
from flukso.arguments import clock_url
from flukso.config_reader import FALSE, TRUE
from flukso.flash import avrdude, routers

CONFIG = "/etc/config/flukso"
BUS = "spidev:/dev/spidev0.0"
NONE = "-"  # `option shifter` for a router without a level shifter of its own
LACKS = (
    "the pins of this router ({}) are not known: set {} in the section flash of "
    "/etc/config/flukso, or --pins (docs/guide/openwrt.md)"
)

# programmer: avrdude.Programmer; bus: URL, "" when the board cannot be asked; sim_clock: URL or
# None; auto: may `auto` do anything; image: path of the packaged firmware; backup: path of the file
# that is kept until success; run: folder in RAM; pidfile, init: of the daemon; sys: where sysfs is;
# driver: name of the kernel's driver that owns the pins; shifter: GPIO that opens a level shifter
# while programming, "" for none; lacks: "", or why nothing can be programmed, in words
Site = namedtuple(
    "Site",
    (
        "programmer",
        "bus",
        "sim_clock",
        "auto",
        "image",
        "backup",
        "run",
        "pidfile",
        "init",
        "sys",
        "driver",
        "shifter",
        "lacks",
    ),
)

_DEFAULTS = {  # option of the section `flash`: its default
    "image": "/usr/share/flukso/flukso-spi.hex",
    "backup": "/etc/flukso/board.backup",
    "programmer": "linuxgpio",
    "port": "",
    "run": "/var/run/flukso-flash",
    "pidfile": "/var/run/flukso/flukso.pid",
    "init": "/etc/init.d/flukso",
    "sys": "/sys",
    "driver": "spi_gpio",
}


class SettingsError(ValueError):
    """A configuration that cannot be taken."""


def site(
    text: str,
    options: dict,
    home: "str | None" = None,
    router: "routers.Router | None" = None,
    name: str = "",
) -> Site:
    """Return the Site that a UCI text and the command line's options describe. Raises
    SettingsError, UsageError.

    `home` is the folder of a user who is not root; then backup and run stand there by default.
    `router` is what the table knows of the router `name`: an option goes before it.
    """
    problems: list = []
    sections = uci.parse(text, "flukso", problems)
    if problems:
        raise SettingsError(
            "\n".join(["{}:{}: {}".format(p.file, p.line, p.text) for p in problems])
        )
    given: dict = dict(_DEFAULTS)
    if home is not None:
        given["backup"] = home + "/.flukso-flash/board.backup"
        given["run"] = home + "/.flukso-flash/run"
    given.update(_options(sections, "flash", "flash"))
    given.update(options)
    programmer, shifter, lacks = _programmer(given, router, name)
    members = [
        programmer,
        _bus(_options(sections, "settings", "daemon"), options, programmer, router),
        clock_url(options),
    ]
    members.append(_auto(given, programmer, router))
    members += [
        given[key] for key in ("image", "backup", "run", "pidfile", "init", "sys", "driver")
    ]
    return Site(*(members + [shifter, lacks]))


_PINS = ("reset", "sck", "mosi", "miso")


def _options(sections, kind, name):
    for section in sections:
        if section.type == kind and section.name == name:
            return {key: value.text for key, value in section.options.items()}
    return {}


def _programmer(given, router, name):
    """Return the Programmer, the GPIO of the level shifter or "", and what is lacking or ""."""
    port = given["port"] or None
    if given["programmer"] != "linuxgpio":
        return avrdude.Programmer(given["programmer"], port, None, ()), "", ""
    if "pins" in given:
        numbers = given["pins"].split(",")
        if len(numbers) != len(_PINS):
            raise SettingsError("pins are four: reset,sck,mosi,miso")
    else:
        numbers = [given.get(pin) or (getattr(router, pin) if router else "") for pin in _PINS]
        missing = [pin for pin, value in zip(_PINS, numbers) if not value]  # noqa: B905
        if missing:
            return (
                avrdude.Programmer(avrdude.ROUTER, port, None, ()),
                "",
                LACKS.format(name or "without a name", ", ".join(missing)),
            )
    pins = avrdude.Pins(*numbers)
    # its complaint about an impossible pin, before anything is done
    avrdude.configuration(pins, (0, 0))
    shifter = given.get("shifter") or (router.shifter if router else "")
    shifter = "" if shifter == NONE else shifter
    if shifter:
        avrdude.check_pin("shifter", shifter)
    for pin in numbers + ([shifter] if shifter else []):
        if router and int(pin.strip("~")) in router.never:
            raise SettingsError(
                "GPIO {} is not driven on {}: its flash chip hangs there".format(
                    pin.strip("~"), router.name
                )
            )
    return avrdude.Programmer(avrdude.ROUTER, port, pins, ()), shifter, ""


def _bus(daemon, options, programmer, router):
    """The bus that was given; without one that of the router, if this is a router."""
    usual = (router.bus if router else "") or BUS
    url = options.get(
        "bus", daemon.get("bus", usual) if programmer.id == avrdude.ROUTER else "none"
    )
    if url == "none":
        return ""
    if not boards.known(url):
        known = " ".join(boards.SCHEMES)
        raise SettingsError("the bus {} is none of {} or none".format(url, known))
    return boards.url_with_mode(url, int(daemon.get("spi_mode", "0")))


def _auto(given, programmer, router):
    """Say whether `auto` may begin: as the option says, else as the table does; by another
    programmer it may.
    """
    if given.get("auto"):
        return _switch(given["auto"])
    return router.auto if router else programmer.id != avrdude.ROUTER


def _switch(text):
    if text not in TRUE + FALSE:
        raise SettingsError("option auto is 0 or 1")
    return text in TRUE
