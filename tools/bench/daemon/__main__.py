# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.bench.daemon buffer|daemon|lan [--quick]: measures on both interpreters and
prints the figures.
"""

import sys

from tools.bench.daemon import runtimes


def buffer(quick: bool) -> list:
    runs = []
    for runtime in runtimes.PROGRAMS:
        figures = runtimes.measured(runtime, "buffer_year.py", 5 if quick else 365)
        runs.append({"runtime": runtime, **figures})
    return runs


def daemon(quick: bool) -> list:
    from tools.bench.daemon import daemon_bench

    return [daemon_bench.run(runtime, quick) for runtime in runtimes.PROGRAMS]


def lan(quick: bool) -> list:
    from tools.bench.daemon import lan_bench

    return [lan_bench.run(runtime, quick) for runtime in runtimes.PROGRAMS]


def main(words: list) -> int:
    known = {"buffer": buffer, "daemon": daemon, "lan": lan}
    quick = "--quick" in words
    names = [word for word in words if word != "--quick"]
    if len(names) != 1 or names[0] not in known:
        print(__doc__, file=sys.stderr)
        return 2
    runtimes.build()
    runtimes.report("bench-" + names[0], known[names[0]](quick))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
