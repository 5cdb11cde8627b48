# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clock of the daemon is, and what the kernel says of the boot and of its clock."""


class Clock:
    """What a clock has beside wall(), monotonic() and the coroutines sleep(seconds) and
    sleep_until(mono_s); one that runs by itself.
    """

    async def start(self):
        """Begin; BoardError when there is no such clock."""

    def close(self):
        """End."""

    def synchronised(self) -> "bool | None":
        """Return whether the kernel says that the wall clock is synchronised; None when it does not
        say.
        """
        return None

    def boot(self) -> str:
        """Return a name that stays as long as monotonic() goes on, "" when none is known."""
        return ""

    def real(self, seconds: float) -> float:
        """Return the real seconds that so many of this clock take."""
        return seconds

    def hold(self):
        """A transfer begins, which may move time itself,"""

    def release(self):
        """and ends."""


BOOT_ID = "/proc/sys/kernel/random/boot_id"
# of <sys/timex.h>, the same on every processor: what adjtimex() returns, and a bit of the status in
# its struct
TIME_ERROR, STA_UNSYNC = 5, 0x40


def boot_id(read_file) -> str:
    """Return the kernel's name of this boot, "" when it has none."""
    try:
        return read_file(BOOT_ID, 64).decode().strip()
    except (OSError, ValueError):
        return ""


def clock_is_synchronised(state: int, status: int) -> bool:
    """Return whether adjtimex() with this result says that somebody keeps the clock right: ntpd,
    chronyd (with rtcsync), timesyncd.
    """
    return 0 <= state != TIME_ERROR and not status & STA_UNSYNC
