# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of `/etc/config/flukso`, each with its type and default, and the names that are known
besides; pure (docs/guide/daemon.md).
"""

from collections import namedtuple

NUMBER, CHOICE, FLAG, TEXT, URL, BUS, LEVEL = (
    "number",
    "choice",
    "flag",
    "text",
    "url",
    "bus",
    "level",
)

# section: name of the section `settings`; field: the name in config.Settings; limits: least and
# most of a NUMBER, or the choices
Option = namedtuple("Option", ("section", "name", "field", "kind", "default", "limits"))

OPTIONS = (
    Option("main", "hw_major", "hw_major", NUMBER, 2, (2, 2)),
    # None: what the board has is right
    Option("main", "hw_minor", "hw_minor", NUMBER, None, (0, 2)),
    Option("main", "phase", "phase", CHOICE, 1, (1, 3)),
    Option("main", "reset_counters", "reset_counters", FLAG, 0, ()),
    Option("daemon", "wan_base_url", "base_url", URL, "https://api.flukso.net/", ()),
    Option("daemon", "cacert", "cacert", TEXT, "/etc/ssl/certs/flukso.ca.crt", ()),
    Option("daemon", "enable_wan_branch", "wan", FLAG, 1, ()),  # upload at all
    # post the key and the sensors' configuration first, §8
    Option("daemon", "register", "register", FLAG, 0, ()),
    Option("daemon", "enable_lan_branch", "lan", FLAG, 1, ()),  # serve the LAN API
    Option("daemon", "lan_port", "lan_port", NUMBER, 8080, (1, 65535)),
    # a name of the device beside its own ones
    Option("daemon", "lan_name", "lan_name", TEXT, "", ()),
    Option("daemon", "bus", "bus", BUS, "spidev:/dev/spidev0.0", ()),
    Option("daemon", "spi_mode", "spi_mode", NUMBER, 0, (0, 3)),
    Option("daemon", "upload_interval", "upload_interval_s", NUMBER, 300, (10, 86400)),
    Option("daemon", "state_dir", "state_dir", TEXT, "/var/run/flukso", ()),
    Option("daemon", "save_interval", "save_interval_s", NUMBER, 300, (10, 86400)),
    Option("daemon", "flash_dir", "flash_dir", TEXT, "", ()),  # "" when nothing is kept in flash
    Option("daemon", "flash_interval", "flash_interval_s", NUMBER, 21600, (3600, 604800)),
    # "" when the board's UART is not offered
    Option("daemon", "uart_socket", "uart_socket", TEXT, "", ()),
    # "" when the historic lines are not written
    Option("daemon", "delta_pipe", "delta_pipe", TEXT, "", ()),
    Option("daemon", "logmask", "log_level", LEVEL, "info", ()),
)
SETTINGS = ("main", "daemon")  # sections of this type
TYPES = ("settings", "sensor", "flash", "upgrade", "system")
# What other readers of the file take: the service, config_sensors.py, flukso-flash, flukso-upgrade.
SERVICE = ("enabled",)
SENSOR = ("id", "type", "class", "port", "constant", "voltage", "current", "function", "enable",
          "pulses_per_kwh", "pulses_per_m3", "hold", "max_rate")  # fmt: skip
FLASH = (
    "auto",
    "image",
    "backup",
    "programmer",
    "port",
    "run",
    "pidfile",
    "init",
    "sys",
    "driver",
    "reset",
    "sck",
    "mosi",
    "miso",
)
UPGRADE = ("enable", "from", "until")
SYSTEM = ("device", "key", "version")
# What the field's files have beside ours, and nobody here reads.
FIELD_OPTIONS = (
    "sw_major", "sw_minor", "max_sensors", "max_analog_sensors", "max_provisioned_sensors",
    "max_rx_sensors", "fsync", "upgrade_url", "rid", "name", "subtype", "data_type", "trigger",
    "hostname", "timezone", "zonename", "notes", "description",
)  # fmt: skip
FIELD_TYPES = (
    "fsync",
    "mqtt",
    "kube",
    "flx",
    "flukso",
    "input",
    "package",
    "timeserver",
    "led",
    "button",
)


def names_of(kind: str, name: str) -> tuple:
    """Return the options that a section of this type and name may have, () when the section is none
    of ours.
    """
    if kind == "settings":
        own = tuple([option.name for option in OPTIONS if option.section == name])
        return own + SERVICE if name == "daemon" else own
    if kind == "upgrade":
        return UPGRADE if name == "upgrade" else ()
    return {"sensor": SENSOR, "flash": FLASH if name == "flash" else (), "system": SYSTEM}.get(
        kind, ()
    )


def home_of(option: str) -> str:
    """Return the section that an option of ours belongs to, "" when there is none."""
    for kind, name in (
        ("settings", "main"),
        ("settings", "daemon"),
        ("sensor", ""),
        ("flash", "flash"),
        ("upgrade", "upgrade"),
    ):
        if option in names_of(kind, name):
            return "{} {}".format(kind, name).strip()
    return ""
