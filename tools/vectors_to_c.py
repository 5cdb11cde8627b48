#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the frames of tests/vectors as a C header for the firmware's host tests.

usage: vectors_to_c.py FOLDER
"""

import json
import os
import sys


def load(folder: str, name: str) -> dict:
    with open(os.path.join(folder, name)) as source:
        return json.load(source)


def table(name: str, rows: list[str]) -> str:
    return "static const struct {} {}[] = {{\n{}}};\n\n".format(
        name[:-1], name, "".join("\t{{ {} }},\n".format(r) for r in rows)
    )


def quoted(text: str) -> str:
    return json.dumps(text)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write(__doc__)
        return 2
    folder = arguments[0]
    crc8 = [
        "{}, 0x{}".format(
            '"'
            + "".join("\\x" + c["hex"][i : i + 2] for i in range(0, len(c["hex"]), 2))
            + '", '
            + str(len(c["hex"]) // 2),
            c["crc"],
        )
        for c in load(folder, "crc8.json")["cases"]
    ]
    refusals = [
        "{}, {}".format(quoted(c["send"]), quoted(c["reply"]))
        for c in load(folder, "refusals.json")["cases"]
    ]
    dialogues = [
        "{}, {}, {}".format(quoted(send), quoted(reply), 1 if n == 0 else 0)
        for name in ("dialogues.json", "dialogues_2_1.json")
        for c in load(folder, name)["cases"]
        for n, (send, reply) in enumerate(c["steps"])
    ]
    out = (
        "/* SPDX-License-Identifier: GPL-3.0-or-later */\n/* Made from tests/vectors by "
        "tools/vectors_to_c.py. */\n"
    )
    out += "struct crc8_case {\n\tconst char *bytes;\n\tint length;\n\tint crc;\n};\n\n"
    out += "struct refusal {\n\tconst char *send;\n\tconst char *reply;\n};\n\n"
    out += "struct dialogue {\n\tconst char *send;\n\tconst char *reply;\n\tint first;\n};\n\n"
    out += table("crc8_cases", crc8) + table("refusals", refusals) + table("dialogues", dialogues)
    sys.stdout.write(out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
