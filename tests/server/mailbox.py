# SPDX-License-Identifier: GPL-3.0-or-later
"""A real SMTP server that keeps what it is given, for mail flows."""

import email
import re
import socket
import time
from email import policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

WAIT_S = 90


class Mailbox:
    """Listens while it is entered; `settings` make a platform use it."""

    def __init__(self):
        self.messages: list[EmailMessage] = []
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert envelope.content is not None
        content = (
            envelope.content if isinstance(envelope.content, bytes) else envelope.content.encode()
        )
        self.messages.append(email.message_from_bytes(content, policy=policy.default))
        return "250 taken"

    @property
    def settings(self) -> dict[str, str]:
        return {"FLUKSO_MAIL_URL": f"smtp://127.0.0.1:{self._port}"}

    def take(self, to: str) -> EmailMessage:
        """The next message to this address, taken out."""
        until = time.monotonic() + WAIT_S
        while True:
            for message in self.messages:
                if message["To"] == to:
                    self.messages.remove(message)
                    return message
            assert time.monotonic() < until, [message["To"] for message in self.messages]
            time.sleep(0.05)

    def link(self, to: str) -> str:
        """The link in the next message to this address."""
        text = self.take(to).get_content()
        found = re.search(r"https?://\S+", text)
        assert found, text
        return found.group()

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._controller.stop()
