# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the check_*.py files named on the command line, on either interpreter: each function named
test_… once.

    micropython tests/daemon/mpy/run.py check_buffer …

The checks use neither pytest nor anything else that only one interpreter has;
tests/daemon/test_checks.py calls this.
"""

import sys

HERE = __file__.rpartition("/")[0] or "."
ROOT = HERE + "/../../.."


def run(name):
    """Return (passed, failed) of one file."""
    module = __import__(name)
    passed = failed = 0
    for test in sorted([entry for entry in dir(module) if entry.startswith("test_")]):
        try:
            getattr(module, test)()
            passed += 1
        except Exception as error:  # reported, with where it came from
            failed += 1
            print("FAILED {}.{}".format(name, test))
            report(error)
    return passed, failed


def report(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        import traceback

        traceback.print_exception(error)


def main(names):
    sys.path[:0] = [ROOT, HERE]
    passed = failed = 0
    for name in names:
        counts = run(name)
        passed += counts[0]
        failed += counts[1]
    print("{}: {} passed, {} failed".format(sys.implementation.name, passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
