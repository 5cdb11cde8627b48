# SPDX-License-Identifier: GPL-3.0-or-later
"""A router's kernel around a station: GPIO of sysfs and the spi-gpio driver that owns them, for
avrdude under pin_model.c.
"""

import errno
import os
import socket
import threading
import time
from pathlib import Path

from tools.flash.preloads import library
from tools.flash.station import Station
from tools.harness import ROOT

TABLE = ROOT / "package/flukso/files/flukso.routers"
WIRES = {  # router: the GPIO of RESET, MOSI, MISO, SCK, and of a level shifter that must be open
    "atheros,ar2315": ((0, 1, 2, 3), None),
    "dragino,ms14": ((20, 21, 22, 18), 19),
}
DEVICE = "spi_gpio.0"
SOON_S = 5


class Router(Station):
    """A station whose chip hangs on GPIO. `sys` is its sysfs; `owners` logs who took and gave the
    pins, `touched` what GPIO were had.
    """

    def __init__(self, folder: Path, chip, layout=None, name="atheros,ar2315"):
        self.name = name
        self.numbers, self.shifter = WIRES[name]
        self.touched: set[int] = set()
        self.sys = folder / "sys"
        self.gpio = self.sys / "class/gpio"
        self.driver = self.sys / "bus/platform/drivers/spi_gpio"
        self.device = self.driver / DEVICE
        self.exported: set[int] = set()
        self.owners: list[str] = []
        self._held = False
        self._lock = threading.RLock()
        self.gpio.mkdir(parents=True)
        self.device.mkdir(parents=True)
        super().__init__(folder, chip, layout, listen=False)
        chip.now_ms = lambda: time.monotonic() * 1000
        self.library = library("pin_model", folder)
        self._fifos = [
            self._fifo(self.gpio / "export", lambda text: self._export(int(text))),
            self._fifo(self.gpio / "unexport", lambda text: self._unexport(int(text))),
            self._fifo(self.driver / "bind", self._bind),
            self._fifo(self.driver / "unbind", self._unbind),
        ]
        self._model = socket.socket(socket.AF_UNIX)
        self._model.bind(str(folder / "pins"))
        self._model.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _fifo(self, path, act):
        """A file of sysfs: what is written to it is acted on."""
        os.mkfifo(path)
        handle = os.open(path, os.O_RDWR)

        def serve():
            while True:
                for line in os.read(handle, 256).decode().split():
                    if line == "end":
                        os.close(handle)
                        return
                    act(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return path, thread

    # the driver

    def _unbind(self, name):
        with self._lock:
            self._take_away(name)

    def _take_away(self, name):
        if name == DEVICE and self.device.exists():
            self.device.rmdir()
            self.owners.append("gpio")

    def _bind(self, name):
        deadline = time.monotonic() + SOON_S
        while self.exported and time.monotonic() < deadline:
            # what was written to another file of sysfs before may not have been read yet
            time.sleep(0.01)
        with self._lock:
            if name == DEVICE and not self.exported and not self.device.exists():
                self.device.mkdir()
                self.owners.append("driver")

    # the pins

    def _export(self, pin) -> int:
        if self.device.exists() or pin in self.exported:
            return errno.EBUSY
        self.exported.add(pin)
        self.touched.add(pin)
        (self.gpio / "gpio{}".format(pin)).mkdir()
        (self.gpio / "gpio{}/direction".format(pin)).touch()
        return 0

    def _unexport(self, pin):
        with self._lock:
            self._free(pin)

    def _free(self, pin):
        folder = self.gpio / "gpio{}".format(pin)
        if pin in self.exported:
            self.exported.remove(pin)
            (folder / "direction").unlink()
            folder.rmdir()
        if pin == self.numbers[0]:
            self._reset(1)

    def _shut(self) -> bool:
        """Whether a level shifter keeps the chip apart."""
        path = self.gpio / "gpio{}/direction".format(self.shifter)
        return self.shifter is not None and not (path.exists() and path.read_text() == "high")

    def _reset(self, level):
        if not level and not self._held:
            self.stop_board()
            self.sessions += 1
        if level and self._held:
            self.chip.power_on()
            self.start_board()
        self._held = not level
        self.chip.reset(not level)

    def _accept(self):
        while True:
            try:
                link, _ = self._model.accept()
            except OSError:
                return
            with link, link.makefile("rb") as file:
                while message := file.read(4):
                    with self._lock:
                        answer = self._obey(chr(message[0]), message[1:])
                    if answer is None:
                        continue
                    try:
                        link.sendall(bytes([answer]))
                    except OSError:
                        break

    def _obey(self, what, data) -> int | None:
        if what == "I":
            for byte in data:
                self.chip.transfer(byte)
            return self.chip.next_out()
        if what in "DW":
            self.chip.transfer(data[0])
            return 0 if what == "W" else None
        if what == "X":
            return self._export(data[0])
        if what == "U":
            self._unexport(data[0])
            return 0
        if self._shut():
            return 0
        self._reset(data[0])
        return int(self.chip.in_reset and not self.chip.dead)

    def given_back(self) -> bool:
        """True as soon as the driver has the pins and the chip runs; the files of this sysfs are
        read a little later than written.
        """
        deadline = time.monotonic() + SOON_S
        while not (self.device.exists() and not self.exported and not self.chip.in_reset):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    # the tool

    def options(self) -> list[str]:
        places = [
            "--sys",
            str(self.sys),
            "--backup",
            str(self.backup),
            "--run",
            str(self.folder / "run"),
        ]
        (self.folder / "config").touch()
        known = ["--router", self.name, "--routers", str(TABLE)]
        return [
            *places,
            *known,
            "--config",
            str(self.folder / "config"),
            "--bus",
            self.bus_url,
            "--clock",
            "sim:" + self.control_url,
        ]

    def command(self, *words, **more):
        command, env = super().command(*words, **more)
        return command, {
            **env,
            "LD_PRELOAD": str(self.library),
            "FLUKSO_PIN_MODEL": str(self.folder / "pins"),
            "FLUKSO_PIN_NUMBERS": ",".join([str(n) for n in self.numbers]),
        }

    def close(self) -> None:
        self._model.shutdown(socket.SHUT_RDWR)
        self._model.close()
        for path, thread in self._fifos:
            path.open("w").write("end")
            thread.join(5)
        super().close()
