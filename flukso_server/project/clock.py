# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of the platform's tests: moves the time of a whole process.

Sessions, cookies, links in mails, rate limits and the defaults of columns come from Django and
allauth, which ask Python for the time themselves. They would not ask a clock of our own.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Iterable

from flukso_server.project.env import EnvError

NAME = "FLUKSO_TEST_CLOCK"
FROM, UNTIL = 946_684_800, 4_102_444_800  # the years 2000 to 2099
_TEXT = re.compile(r"[+-]?[0-9]{1,10}(\.[0-9]{1,9})?")


def set_for_tests(text: str, testing: bool, hosts: Iterable[str]) -> None:
    """Set this process's clock for good, as FLUKSO_TEST_CLOCK says; "" leaves the machine's.

    `+60` or `-60.5` is a clock that goes on so many seconds from the machine's; `1830000000` is one
    that stands still at these unix s. Raises EnvError for anything else, outside of tests
    (FLUKSO_TESTING), and for tests of a platform that others can reach.
    """
    if testing and not all(is_own(host) for host in hosts):
        raise EnvError(
            "FLUKSO_TESTING: FLUKSO_ALLOWED_HOSTS has a name that others can reach; no service is "
            "run so"
        )
    if not text:
        return
    if not testing:
        raise EnvError(
            f"{NAME} is for the platform's own tests: a service runs by the machine's clock"
        )
    move(text)


def move(text: str) -> Callable[[], None]:
    """Set the clock of a test's own process; returns the function that sets it back."""
    if not _TEXT.fullmatch(text):
        raise EnvError(f"{NAME}: {text!r} is neither +seconds or -seconds nor unix seconds")
    goes_on = text[0] in "+-"
    instant = float(text) + (machine_s() if goes_on else 0)
    if not FROM <= instant < UNTIL:
        raise EnvError(f"{NAME}: {text!r} is outside of the years 2000 to 2099")
    journey = _time_machine().travel(instant, tick=goes_on)
    journey.start()
    time.time()  # the clock starts when it is first read
    return journey.stop


def machine_s() -> float:
    """Return the machine's own time (unix s), wherever this process's clock was moved to."""
    hatch = _time_machine().escape_hatch
    return hatch.time.time() if hatch.is_travelling() else time.time()


def _time_machine():
    try:
        import time_machine
    except ImportError as error:
        raise EnvError(f"{NAME}: time-machine is missing, which only tests have") from error
    return time_machine


def is_own(host: str) -> bool:
    """Return True for a name or address that only this machine can reach.

    Names under .test belong to nobody (RFC 6761).
    """
    name = host.strip("[]")
    if name == "localhost" or name.endswith(".test"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
