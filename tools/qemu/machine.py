# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts QEMU's Malta board with a kernel and a root file system; its console takes commands."""

import re
import subprocess
import threading
import time

from tools.harness.processes import DIES_WITH_US

GATEWAY = "10.0.2.2"  # slirp's name for this machine
# 8 ns an instruction, about what the slowest routers do: the guest's clock then does not feel how
# busy this machine is.
CPU = ["-icount", "shift=3,sleep=on"]
READY = "router: ready"  # what the guest's init says before its shell reads the console
SYSTEM = {"mips": "qemu-system-mips", "mipsel": "qemu-system-mipsel"}
LOG_MAX = 1_000_000  # bytes; more is a guest that went mad


class Machine:
    """One emulated board; its second serial port is a client of the Unix socket `serial`, its TCP
    port 8080 is `lan_port` here.
    """

    def __init__(self, arch: str, kernel, initramfs, *, mem_mb: int, serial, lan_port: int):
        command = [
            SYSTEM[arch],
            "-M",
            "malta",
            "-cpu",
            "24Kc",
            "-m",
            str(mem_mb),
            "-nographic",
            "-monitor",
            "none",
            "-no-reboot",
        ]
        command += [
            *CPU,
            "-rtc",
            "clock=vm,base=" + time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
            "-vga",
            "none",
            "-nic",
            "none",
            "-kernel",
            str(kernel),
            "-initrd",
            str(initramfs),
        ]
        command += ["-append", "console=ttyS0,115200 rdinit=/init quiet panic=1"]
        command += [
            "-serial",
            "stdio",
            "-chardev",
            "socket,id=board,path={}".format(serial),
            "-serial",
            "chardev:board",
        ]
        command += [
            "-netdev",
            "user,id=net,hostfwd=tcp:127.0.0.1:{}-:8080".format(lan_port),
            "-device",
            "pcnet,netdev=net,romfile=",
        ]
        self._text = ""
        self._news = threading.Condition()
        self._commands = 0
        self._process = subprocess.Popen(
            [*DIES_WITH_US, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            data = self._output.read(4096)
            with self._news:
                self._text += data.decode("utf-8", "replace").replace("\r", "")
                self._news.notify_all()
                if not data or len(self._text) > LOG_MAX:
                    return

    def wait_for(self, pattern: str, timeout_s: float, since: int = 0) -> "re.Match[str]":
        """The first match in what the console said from `since` on; AssertionError with all of it
        when it does not come.
        """
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                found = re.compile(pattern, re.MULTILINE | re.DOTALL).search(self._text, since)
                if found:
                    return found
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._reader.is_alive():
                    raise AssertionError("{!r} never came:\n{}".format(pattern, self._text))
                self._news.wait(min(left_s, 0.5))

    def boot(self, timeout_s: float = 240) -> float:
        """Wait until the guest takes commands; returns the seconds since power-on by the guest's
        clock.
        """
        return float(self.wait_for("^" + READY + r" ([\d.]+)", timeout_s).group(1))

    def run(self, command: str, timeout_s: float = 60) -> str:
        """Run one shell command in the guest; its output, both streams. AssertionError unless it
        ends in time.
        """
        self._commands += 1
        mark = "=={}==".format(self._commands)
        since = len(self._text)
        line = "( {} ) 2>&1; echo {}$?\n".format(command, mark)
        self._input.write(line.encode())
        found = self.wait_for("(.*?)" + mark + r"(\d+)\n", timeout_s, since)
        return found.group(1)

    def log(self) -> str:
        return self._text

    def running(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        self._input.close()
        self._output.close()
