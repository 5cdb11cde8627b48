# SPDX-License-Identifier: GPL-3.0-or-later
"""The programmer's pins, which the kernel's SPI driver has otherwise: taken from it and given back.
For both interpreters.
"""

WAIT_S = 0.1
DRIVER_S = 3  # until the kernel has taken or given back its pins
NOT_DEVICES = ("bind", "unbind", "uevent", "module", "new_id", "remove_id")


def wait_for(port, process, done, limit_s, trouble):
    """Return once done() holds; OSError with this text when it does not in time."""
    deadline = port.monotonic() + limit_s
    while not done():
        if port.monotonic() > deadline:
            raise OSError(trouble)
        process.sleep(WAIT_S)


class Pins:
    """They are the driver's until own(True); a programmer without pins of its own has none, and
    nothing is done.
    """

    def __init__(self, site, port, process):
        self.gpio = site.sys + "/class/gpio"
        self.driver = site.sys + "/bus/platform/drivers/" + site.driver
        self.device = ""  # the kernel's device on them
        self._site = site
        self._port = port
        self._process = process

    def spidev(self) -> str:
        """Return the path of the bus's device."""
        return self._site.bus[7:].partition("?")[0]

    def find_device(self):
        """Learn the kernel's SPI device on our pins, bound now or by a tool that was killed and
        noted it. Raises OSError.
        """
        if not self._site.programmer.pins or not self._process.exists(self.driver):
            return
        note = self._site.run + "/device"
        bound = [name for name in self._process.names(self.driver) if name not in NOT_DEVICES]
        if len(bound) > 1:
            raise OSError("{} has several devices: {}".format(self.driver, " ".join(bound)))
        if bound:
            self._process.write_text(note, bound[0])
        self.device = (
            str(self._port.read_file(note, 64), "utf-8").strip()
            if self._process.exists(note)
            else ""
        )

    def own(self, ours):
        """Take the pins from the kernel's driver, or give them back. Raises OSError when it does
        not do so in time.
        """
        if not self.device:
            return
        link = self.driver + "/" + self.device
        if self._process.exists(link) != ours:
            return
        if ours:
            self._process.write_text(self.driver + "/unbind", self.device)
        else:
            self.free()
            self._process.write_text(self.driver + "/bind", self.device)
        text = "the driver {} does not {} its pins".format(
            self._site.driver, "give" if ours else "take"
        )
        wait_for(
            self._port, self._process, lambda: self._process.exists(link) != ours, DRIVER_S, text
        )
        if not ours and self._site.bus.startswith("spidev:"):
            path = self.spidev()
            wait_for(
                self._port,
                self._process,
                lambda: self._process.exists(path),
                DRIVER_S,
                "{} does not come back".format(path),
            )

    def numbers(self) -> list:
        """Return the GPIO that programming takes, in the order in which they are given back: RESET
        last, so that the chip starts with its pins free.
        """
        pins = self._site.programmer.pins
        words = (pins.sck, pins.mosi, pins.miso, self._site.shifter, pins.reset) if pins else ()
        return [word.strip("~") for word in words if word]

    def free(self):
        """Give back GPIO that an avrdude which was killed left behind, and the level shifter's."""
        for number in self.numbers():
            self._let_go(number)

    def _let_go(self, number):
        if self._process.exists("{}/gpio{}".format(self.gpio, number)):
            self._process.write_text("{}/gpio{}/direction".format(self.gpio, number), "in")
            self._process.write_text(self.gpio + "/unexport", number)

    def close_shifter(self):
        """Raises OSError when the kernel keeps the pin."""
        if self._site.shifter:
            number = self._site.shifter.strip("~")
            self._let_go(number)
            self._wait_for(number, False)

    def _wait_for(self, number, there):
        folder, text = (
            "{}/gpio{}".format(self.gpio, number),
            "GPIO {} cannot be {}".format(number, "had" if there else "given back"),
        )
        wait_for(
            self._port, self._process, lambda: self._process.exists(folder) == there, DRIVER_S, text
        )

    def open_shifter(self):
        """Open the level shifter to the chip, where there is one. Raises OSError."""
        shifter = self._site.shifter
        if not shifter:
            return
        number = shifter.strip("~")
        self._process.write_text(self.gpio + "/export", number)
        self._wait_for(number, True)
        self._process.write_text(
            "{}/gpio{}/direction".format(self.gpio, number), "low" if shifter[0] == "~" else "high"
        )
