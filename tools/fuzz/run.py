# SPDX-License-Identifier: GPL-3.0-or-later
"""`-m tools.fuzz.run TARGET CASES SEED [BLOCK]` on either interpreter: digests of what a parser
says, or what breaks its contract.
"""

import hashlib
import sys

from tools.fuzz.mutate import Random, canonical, mutated
from tools.fuzz.targets import TARGETS

# cases between two printed digests: where interpreters differ, the block tells the case
BLOCK = 200


def outcome(target, data):
    """A text that describes what happened; of the contract's own errors only what the target tells,
    as sentences may differ.
    """
    try:
        return canonical(target.try_one(data))
    except target.own as error:
        told = getattr(target, "error", None)
        return "error " + canonical(told(error) if told else None)


def main(name, cases, seed, show=-1):
    """Prints one digest a block; with show, each outcome of that block."""
    target, seeds = TARGETS[name], TARGETS[name].seeds()
    rand, total = Random(seed), hashlib.sha256()
    for number in range(cases):
        data = mutated(rand, seeds)
        try:
            text = outcome(target, data)
        except Exception as error:
            sys.stderr.write("{}: case {} of seed {}: {}\n".format(name, number, seed, data))
            raise error
        if number // BLOCK == show:
            print("{} {} -> {}".format(number, data, text))
        total.update(text.encode())
        if number % BLOCK == BLOCK - 1 and show < 0:
            print("".join(["%02x" % byte for byte in total.digest()[:8]]))
            total = hashlib.sha256()


if __name__ == "__main__":
    main(
        sys.argv[1],
        int(sys.argv[2]),
        int(sys.argv[3]),
        int(sys.argv[4]) if len(sys.argv) > 4 else -1,
    )
