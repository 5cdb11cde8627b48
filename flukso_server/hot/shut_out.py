# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in the log who is shut out: at once the first time, then summed once a minute."""

import asyncio
import logging

logger = logging.getLogger("flukso.shut_out")

SPAN_S = 60
NAMES_MAX = 1000  # networks counted apart in a span; the rest are counted together
TOLD_MAX = 5  # of them in a line
OTHERS = "others"


class ShutOut:
    """What was closed or put off since the last line, by network and reason."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, network: str, why: str, count: int = 1) -> None:
        """Count what was shut out; call it from the event loop.

        network: "" for this machine's own, or where it does not matter.
        """
        name = network or "this machine, or all"
        if self._timer is None:
            logger.warning("shut out: %s: %s", name, why)
            self._timer = asyncio.get_running_loop().call_later(SPAN_S, self.flush)
            count -= 1
        key = (name, why)
        if key not in self._counts and len(self._counts) >= NAMES_MAX:
            key = (OTHERS, why)
        if count:
            self._counts[key] = self._counts.get(key, 0) + count

    def flush(self) -> None:
        """Write the line of a span, if it has more than its first entry."""
        self._timer = None
        counts, self._counts = self._counts, {}
        if counts:
            most = sorted(counts.items(), key=lambda item: -item[1])[:TOLD_MAX]
            said = "; ".join(f"{name}: {why} ({count} times)" for (name, why), count in most)
            logger.warning(
                "shut out in %d s: %d in all, of %d kinds: %s",
                SPAN_S,
                sum(counts.values()),
                len(counts),
                said,
            )


shut_out = ShutOut()  # of this process
