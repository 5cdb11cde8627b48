# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the frames of tests/vectors as a C header for host tests: `python -m tools.vectors_to_c > vectors.h`."""

import json
import sys
from pathlib import Path

VECTORS = Path(__file__).parents[1] / "tests" / "vectors"


def cases(name: str, part: str) -> list[dict]:
    return json.loads((VECTORS / (name + ".json")).read_text())[part]


def text(value: str) -> str:
    return json.dumps(value)  # JSON's escapes of ASCII are C's


def table(kind: str, name: str, rows: list[str]) -> list[str]:
    return ["static const struct {} {}[] = {{".format(kind, name), *["\t{{ {} }},".format(row) for row in rows], "};", ""]


def header() -> str:
    """crc_vectors, refusal_vectors, control_vectors, and dialogue_vectors, whose steps of one dialogue share its id."""
    crcs = ["{}, {}, 0x{}".format(text(c["id"]), text(bytes.fromhex(c["hex"]).decode()), c["crc"]) for c in _ascii(cases("crc8", "cases"))]
    refusals = ["{}, {}, {}".format(text(c["id"]), text(c["send"]), text(c["reply"])) for c in cases("refusals", "cases")]
    control = ["{}, {}, {}".format(text(c["id"]), text(c["message"]), text(c["command"])) for c in cases("control", "good")]
    steps = [(c["id"], message, reply) for c in cases("dialogues", "cases") for message, reply in c["steps"]]
    dialogues = ["{}, {}, {}".format(*[text(part) for part in step]) for step in steps]
    lines = [
        "/* Made by tools/vectors_to_c.py from tests/vectors; do not edit. */",
        "#ifndef VECTORS_H",
        "#define VECTORS_H",
        "",
        "struct crc_vector {",
        "\tconst char *id, *text;",
        "\tunsigned char crc;",
        "};",
        "",
        "/* send: from `l` to `.`; reply: its text without CRC, or for control_vectors its first two letters */",
        "struct frame_vector {",
        "\tconst char *id, *send, *reply;",
        "};",
        "",
        *table("crc_vector", "crc_vectors", crcs),
        *table("frame_vector", "refusal_vectors", refusals),
        *table("frame_vector", "control_vectors", control),
        *table("frame_vector", "dialogue_vectors", dialogues),
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _ascii(found: list[dict]) -> list[dict]:
    """Those that a C string can hold."""
    return [case for case in found if all(32 <= byte < 127 for byte in bytes.fromhex(case["hex"]))]


if __name__ == "__main__":
    sys.stdout.write(header())
