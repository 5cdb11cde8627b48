# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of a program that is driven over its standard input, a line of JSON a command."""

import json
import sys
from collections.abc import Callable


def answer_commands(first: dict, obey: Callable[[dict], dict], errors: tuple) -> None:
    """Print the first line, then obey's answer to each command, until {"do": "quit"} or the end.

    One of the errors, and what is no JSON, is answered as {"error": text}.
    """
    print(json.dumps(first), flush=True)
    for line in sys.stdin:
        try:
            command = json.loads(line)
            if command.get("do") == "quit":
                break
            answer = obey(command)
        except errors as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)
