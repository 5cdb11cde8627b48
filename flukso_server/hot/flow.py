# SPDX-License-Identifier: GPL-3.0-or-later
"""When a connection is read, and when it waits."""

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """Stops the reading while the client does not take its answers, or while requests wait.

    Otherwise more and more requests would wait.
    """

    def __init__(self, transport, waiting) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self.write_paused and not self._waiting and not self._transport.is_closing():
            super().resume_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.resume_reading()
