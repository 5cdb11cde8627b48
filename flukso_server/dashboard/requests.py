# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request asks of the dashboard, checked, with defaults for what is missing.

The URL holds all of the dashboard's state.
"""

from typing import NamedTuple
from urllib.parse import urlencode

from flukso_server.accounts.sharing import SHOWN_MAX
from flukso_server.dashboard import scales
from flukso_server.dashboard.chart_json import Asked
from flukso_server.dashboard.lines import FLOWS
from flukso_server.series.quantities import BY_NAME, ELECTRICITY

NAME_MAX = 150  # characters of a user's name


class View(NamedTuple):
    """A state of the dashboard."""

    resource: str
    scale: str
    unit: str
    flow: str
    lines: tuple[str, ...] | None  # names of others, None for those that the account keeps
    start: int | None  # None while the window ends now
    end: int | None

    def asked(self, now: int, narrow: bool = False) -> Asked:
        """Return the chart's first request, as the page's scripts will make it."""
        start, end = (
            scales.latest(self.scale, now)
            if self.start is None or self.end is None
            else (self.start, self.end)
        )
        scale = scales.SCALES[self.scale]
        return Asked(self.resource, start, end, scale.narrow_step if narrow else scale.step)


def view(query, account, resources: list[str]) -> View:
    """Return the state that a page's query describes; what makes no sense counts as missing."""
    resource = _one_of(query.get("resource"), resources, resources[0])
    units = [unit.name for unit in BY_NAME[resource].units]
    start, end = instant(query.get("start")), instant(query.get("end"))
    if start is None or end is None or start >= end:
        start = end = None
    return View(
        resource=resource,
        scale=_one_of(query.get("scale"), scales.SCALES, "day"),
        unit=_one_of(
            query.get("unit"),
            units,
            account.unit if account.unit in units else units[0],
        ),
        flow=_one_of(query.get("flow"), FLOWS, "use"),
        lines=names(query.get("lines")),
        start=start,
        end=end,
    )


def chart_query(query, now: int) -> tuple[Asked, str, tuple[str, ...] | None]:
    """Return what a query asks for, the flow, and names of others. Raises scales.WindowError."""
    resource, flow = query.get("resource", ELECTRICITY.name), query.get("flow", "use")
    if resource not in BY_NAME or flow not in FLOWS:
        raise scales.WindowError("unknown resource or flow")
    scale = query.get("scale")
    if scale is not None:
        if scale not in scales.SCALES:
            raise scales.WindowError(f"unknown scale; there are {', '.join(scales.SCALES)}")
        start, end = scales.latest(scale, now)
    else:
        start, end = instant(query.get("start")), instant(query.get("end"))
        if start is None or end is None:
            raise scales.WindowError("start and end are unix times")
    step = query.get("step") or scales.SCALES[scale or "day"].step
    return Asked(resource, start, end, step), flow, names(query.get("lines"))


def chart_url(path: str, view: View, narrow: bool) -> str:
    """Return the URL of the first chart's data, which the page's head lets browsers preload."""
    scale = scales.SCALES[view.scale]
    query: dict[str, object] = {
        "resource": view.resource,
        "flow": view.flow,
        "step": scale.narrow_step if narrow else scale.step,
    }
    if view.lines is not None:
        query["lines"] = ",".join(view.lines)
    query |= {"scale": view.scale} if view.start is None else {"start": view.start, "end": view.end}
    return f"{path}?{urlencode(query)}"


def names(text: str | None) -> tuple[str, ...] | None:
    """Return at most four names from a text with commas, which no name contains.

    None if there is no text: the account's own choice holds then.
    """
    if text is None:
        return None
    printable = [name[:NAME_MAX] for name in text.split(",") if name and name.isprintable()]
    return tuple(printable[:SHOWN_MAX])


def instant(text: str | None) -> int | None:
    """Return the unix time that the text is, or None."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 10 else None


def _one_of(text: str | None, known, default: str) -> str:
    return text if text in known else default
