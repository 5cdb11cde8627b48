# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo` as a person runs it."""

import json

from tools.harness import ROOT
from tools.harness.terminal import CTRL_C, Terminal

START_S, STOP_S = 180, 90


def test_ctrl_c_ends_the_demo_with_its_result():
    with Terminal(["make", "demo", "SPEED=50"], ROOT) as terminal:
        terminal.read_until("Wh  server [", START_S)
        terminal.press(CTRL_C)
        *_, words, last = terminal.finish(STOP_S)
        result = json.loads(last.removeprefix("demo: "))
        assert result["tls_verified"] and result["board_wh"] == result["received_wh"]
        assert words == "board {0} Wh, received {0} Wh; TLS verified".format(result["board_wh"][0])
        assert "Traceback" not in terminal.text and "***" not in terminal.text, terminal.text
        assert terminal.status == 0
        assert terminal.session() == []
