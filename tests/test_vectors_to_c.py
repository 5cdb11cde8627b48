# SPDX-License-Identifier: GPL-3.0-or-later
"""The header for C tests compiles without a warning and holds every case that C can hold."""

import subprocess

from tests.test_vectors import load
from tools.vectors_to_c import header

PROGRAM = """#include <stdio.h>
#include "vectors.h"
#define N(a) (sizeof(a) / sizeof((a)[0]))
int main(void)
{
	printf("%zu %zu %zu %zu %s", N(crc_vectors), N(refusal_vectors), N(control_vectors), N(dialogue_vectors), refusal_vectors[0].send);
	return 0;
}
"""


def test_header_compiles_and_is_complete(tmp_path):
    (tmp_path / "vectors.h").write_text(header())
    (tmp_path / "main.c").write_text(PROGRAM)
    flags = ["-std=gnu99", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    subprocess.run(["gcc", *flags, "-o", tmp_path / "main", tmp_path / "main.c"], check=True)
    said = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout.split()
    steps = sum(len(case["steps"]) for case in load("dialogues")["cases"])
    assert [int(word) for word in said[1:4]] == [len(load("refusals")["cases"]), len(load("control")["good"]), steps]
    assert int(said[0]) >= 13 and said[4] == load("refusals")["cases"][0]["send"]
