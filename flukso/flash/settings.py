# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the board hangs and what may be done to it: /etc/config/flukso and the command line -> Site. Pure, for both interpreters."""

from collections import namedtuple

from flukso import config, uci
from flukso.flash import avrdude
from flukso.words import clock_url

CONFIG = "/etc/config/flukso"
BUS = "spidev:/dev/spidev0.0"
GENERATION_1 = "uart:"  # its board has no programming wires to the router

# programmer: avrdude.Programmer; bus: URL, "" when the board cannot be asked; sim_clock: URL or None; auto: may `auto` do anything;
# image: path of the packaged firmware; backup: path of the file that is kept until success; run: folder in RAM;
# pidfile, init: of the daemon; sys: where sysfs is; driver: name of the kernel's driver that owns the pins
Site = namedtuple("Site", ("programmer", "bus", "sim_clock", "auto", "image", "backup", "run", "pidfile", "init", "sys", "driver"))

_DEFAULTS = {  # option of the section `flash`: its default
    "auto": "1",
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


def site(text: str, options: dict, home: "str | None" = None) -> Site:
    """Return the Site that a UCI text and the command line's options describe. Raises SettingsError, UsageError.

    `home` is the folder of a user who is not root; then backup and run stand there by default.
    """
    problems: list = []
    sections = uci.parse(text, "flukso", problems)
    if problems:
        raise SettingsError("\n".join(["{}:{}: {}".format(p.file, p.line, p.text) for p in problems]))
    given: dict = dict(_DEFAULTS)
    if home is not None:
        given["backup"] = home + "/.flukso-flash/board.backup"
        given["run"] = home + "/.flukso-flash/run"
    found = _options(sections, "flash", "flash")
    given.update(found)
    given.update(options)
    given["pins"] = options["pins"].split(",") if "pins" in options else [found.get(n, d) for n, d in zip(_PINS, avrdude.FIELD_PINS)]  # noqa: B905
    programmer = _programmer(given)
    return Site(
        programmer,
        _bus(_options(sections, "settings", "daemon"), options, programmer),
        clock_url(options),
        _switch(given["auto"]),
        *[given[name] for name in ("image", "backup", "run", "pidfile", "init", "sys", "driver")],
    )


_PINS = ("reset", "sck", "mosi", "miso")


def _options(sections, kind, name):
    for section in sections:
        if section.type == kind and section.name == name:
            return {key: value.text for key, value in section.options.items()}
    return {}


def _programmer(given):
    if given["programmer"] != "linuxgpio":
        return avrdude.Programmer(given["programmer"], given["port"] or None, None, ())
    if len(given["pins"]) != len(_PINS):
        raise SettingsError("pins are four: reset,sck,mosi,miso")
    pins = avrdude.Pins(*given["pins"])
    avrdude.configuration(pins, (0, 0))  # its complaint about an impossible pin, before anything is done
    return avrdude.Programmer(avrdude.ROUTER, given["port"] or None, pins, ())


def _bus(daemon, options, programmer):
    """The bus that was given; without one that of the router, if this is a router."""
    url = options.get("bus", daemon.get("bus", BUS) if programmer.pins else "none")
    if url == "none":
        return ""
    if not config.bus_known(url):
        raise SettingsError("the bus {} is none of {} or none".format(url, " ".join(config.BUSES)))
    if url.startswith(GENERATION_1):
        return url
    mode = daemon.get("spi_mode", "0")
    return url + "?mode=" + mode if url.startswith("spidev:") and mode != "0" else url


def _switch(text):
    if text not in config.TRUE + config.FALSE:
        raise SettingsError("option auto is 0 or 1")
    return text in config.TRUE
