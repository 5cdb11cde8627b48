# SPDX-License-Identifier: GPL-3.0-or-later
"""A router's configuration cut at every byte, on either interpreter: `-m tools.faults.cuts
[EVERY]`.

After each cut the service starts: `flukso provision` must give the daemon the settings and the
identity of before, put the file right and leave the copies as they are. Then the same with zeros in
place of what was cut off, and with one of the copies cut. Prints at the end `cuts: {...}`: how many
cuts were tried, and after how many something was lost.
"""

import json
import sys

from flukso import config, provision, uci

DEVICE, KEY = "fedcba9876543210fedcba9876543210", "00112233445566778899aabbccddeeff"
SENSOR = """
config sensor '{0}'
	option id '0123456789abcdef0123456789abcde{0}'
	option type 'electricity'
	option class '{1}'
	list port '{0}'
	option {2}
	option enable '1'
"""
SETTINGS = """config settings 'main'
	option hw_major '2'
	option reset_counters '0'
	option phase '1'

config settings 'daemon'
	option wan_base_url 'https://api.example.net/'
	option fsync '1'
"""
SYSTEM = """config system
	option hostname 'flukso'
	option version '210'
	option device '{}'
	option key '{}'
	option notes 'meter in the cellar
key at the neighbours'

config timeserver 'ntp'
	list server '0.pool.example.net'
""".format(DEVICE, KEY)
FLUKSO = (
    SETTINGS
    + SENSOR.format(1, "analog", "constant '5163.5'")
    + SENSOR.format(4, "pulse", "function 'solar\nroof'")
)
PLAIN = (
    (SETTINGS + SENSOR.format(4, "pulse", "constant 10"))
    .replace("'", "")
    .replace("_url https", "_url 'https")
    .replace("net/", "net/'")
)
OWN = "config system\n\toption device {}\n\toption key {}\n".format(DEVICE, KEY)
# name, flukso, system: texts of whole files
HOUSES = (
    ("quoted", FLUKSO, SYSTEM),
    ("plain, with remarks", "# our meter\n" + PLAIN + "# the end\n", SYSTEM.replace("\n", "\r\n")),
    ("identity in the same file", OWN + PLAIN, "config system\n\toption hostname 'box'\n"),
    (
        "pins behind the sensors",
        FLUKSO + "\nconfig flash 'flash'\n\toption reset '~7'\n\toption sck 18\n",
        SYSTEM,
    ),
)
FLUKSO_PATH, SYSTEM_PATH, RUNTIME = provision.CONFIG, "/etc/config/system", "/var/run/flukso/config"
COPIES = ("/etc/flukso/config.good", "/etc/flukso/config.good.2")


class Flash:
    """A port with nothing but files."""

    def __init__(self, files):
        self.files = files
        self.random = 0

    def read_file(self, path, limit):
        if path not in self.files:
            raise OSError(2)
        return self.files[path]

    def write_durable(self, path, data, mode=0o600, user=None):
        self.files[path] = bytes(data)

    def make_folder(self, path):
        pass

    def file_stamp(self, path):
        return path if path in self.files else ""

    def random_bytes(self, count):
        self.random += 1
        return bytes([self.random]) * count


def start(files: dict) -> tuple:
    """Start the service on these files; return the exit status, what was said, and the files."""
    port = Flash(dict(files))
    said: list = []
    options = {"config": FLUKSO_PATH, "runtime": RUNTIME, "user": "flukso"}
    status = provision.main(port, options, said.append, said.append)
    return status, "".join(said), port.files


def boot(files: dict) -> tuple:
    """The same after a power cut: what was in RAM is gone."""
    return start({path: data for path, data in files.items() if path != RUNTIME})


def settings_of(files: dict) -> tuple:
    """What the daemon reads, and what both files say."""
    runtime = config.parse(uci.text_of(files[RUNTIME]))
    return runtime, config.parse(uci.text_of(files[FLUKSO_PATH]), uci.text_of(files[SYSTEM_PATH]))


def judge(before: dict, damaged: dict, after: tuple) -> str:
    """Say what was lost, "" when nothing was."""
    status, said, files = after
    if status:
        return "status {}: {}".format(status, said)
    if settings_of(files) != settings_of(before):
        return "other settings"
    for path in COPIES:
        if files.get(path) != before[path]:
            return path + " is another one"
    for path in (FLUKSO_PATH, SYSTEM_PATH):
        if files[path] != damaged.get(path) and path not in said:
            return "{} was mended without a word".format(path)
    return ""


def cuts_of(files: dict, every: int):
    """Give (name, files) for each cut."""
    for path in (FLUKSO_PATH, SYSTEM_PATH) + COPIES:
        whole = files[path]
        for at in range(0, len(whole), every):
            damaged = dict(files)
            damaged[path] = whole[:at]
            yield "{} cut at {}".format(path, at), damaged
            if path not in COPIES:
                damaged = dict(files)
                damaged[path] = whole[:at] + bytes(len(whole) - at)
                yield "{} zeros from {}".format(path, at), damaged


def walk(every: int, say) -> dict:
    """Try each house with each cut; return the figures."""
    tried = lost = 0
    for name, flukso, system in HOUSES:
        status, said, files = start({FLUKSO_PATH: flukso.encode(), SYSTEM_PATH: system.encode()})
        assert status == 0, said
        for what, damaged in cuts_of(files, every):
            tried += 1
            wrong = judge(files, damaged, boot(damaged))
            if wrong:
                lost += 1
                say("{}, {}: {}".format(name, what, wrong))
    return {"tried": tried, "lost": lost, "runtime": sys.implementation.name}


def main():
    figures = walk(int(sys.argv[1]) if len(sys.argv) > 1 else 1, print)
    print("cuts: " + json.dumps(figures))
    sys.exit(1 if figures["lost"] else 0)


if __name__ == "__main__":
    main()
