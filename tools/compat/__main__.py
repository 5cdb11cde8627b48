# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.compat`: asks the daemon as clients of the field do, on both interpreters, one
line a client.

The last line is `compat: {"clients": n, "requests": n, "runtimes": 2, "failed": n}`; the exit
status is 1 when one failed.
"""

import json
import sys

from tools.compat.replay import RUNTIMES, replay


def main() -> int:
    outcomes = {}
    for runtime in RUNTIMES:
        outcomes[runtime] = replay(runtime)
        for one in outcomes[runtime]:
            print(
                "{:12} {:40} {}".format(
                    runtime, one.client, one.trouble or "{} answers".format(one.requests)
                )
            )
    every = [one for found in outcomes.values() for one in found]
    result = {
        "clients": len(every) // len(RUNTIMES),
        "requests": sum(one.requests for one in every),
        "runtimes": len(RUNTIMES),
        "failed": sum(bool(one.trouble) for one in every),
    }
    print("compat: " + json.dumps(result))
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
