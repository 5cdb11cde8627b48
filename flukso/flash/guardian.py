# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that gives everything back (pins, driver, daemon) once the tool has ended, however it
ended. Pure, for both interpreters.

It runs beside the tool and waits on a named pipe of which the tool holds the writing end: a killed
tool lets go of it too.
"""

END_S = 10  # seconds that an avrdude without its tool is given to end

SCRIPT = """#!/bin/sh
trap '' HUP INT TERM
read -r word <{fifo}
status=0
if pid=$(cat {pidfile} 2>/dev/null) &&
	tr '\\0' '\\n' <"/proc/$pid/cmdline" 2>/dev/null | head -n 1 |
	grep -q '^\\(.*/\\)*avrdude$'; then
	kill "$pid" 2>/dev/null
	left={end_s}
	while [ $left -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
		left=$((left - 1))
		sleep 1
	done
	kill -9 "$pid" 2>/dev/null
fi
{pins}{driver}{daemon}exit $status
"""
PIN = """if [ -d {gpio}/gpio{number} ]; then
	echo in >{gpio}/gpio{number}/direction
	echo {number} >{gpio}/unexport
fi
"""
DRIVER = """[ -e {driver}/{device} ] || echo {device} >{driver}/bind || status=1
"""
DAEMON = """{command} </dev/null >/dev/null 2>&1 || status=2
"""
NOT_BOUND, NOT_STARTED = 1, 2  # exit statuses


def quoted(word: str) -> str:
    """Return the word as a shell reads it back."""
    return "'" + word.replace("'", "'\\''") + "'"


def script(
    fifo: str, pidfile: str, gpio: str, numbers: list, driver: str, device: str, start: list
) -> str:
    """Return the script's text. numbers: of the GPIO to give back, RESET last; device: to bind to
    the driver, or ""; start: the words that start the daemon, or [].
    """
    command = " ".join([quoted(word) for word in start])
    return SCRIPT.format(
        fifo=quoted(fifo),
        pidfile=quoted(pidfile),
        end_s=END_S,
        pins="".join([PIN.format(gpio=quoted(gpio), number=number) for number in numbers]),
        driver=DRIVER.format(driver=quoted(driver), device=quoted(device)) if device else "",
        daemon=DAEMON.format(command=command) if start else "",
    )
